"""The benchmark's report, from made-up measurements."""
import argparse
import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("bench_run", Path(__file__).resolve().parents[2] / "bench/run.py")
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)
PERCENTILES = {"p50": 1.0, "p99": 2.0}


def measured(speed):
    whole = {"backlog": {"sources_per_second": speed, "cpu_seconds": 1, "peak_rss_kib": 1024,
                         "decoders_peak_rss_kib": 1024, "milliseconds_from_event": PERCENTILES,
                         "milliseconds_from_receipt": PERCENTILES},
             "one_at_a_time_ms": PERCENTILES, "idle": {"cpu_percent": 0.1}, "sqs_requests_per_message": 0.2,
             "requests_per_photo": {"GetObject": 1.0}}
    bare = {"sources_per_second": speed}
    return {"whole": whole, "thread": whole, "bare": bare, "alone": bare, "usual": bare}


def report(capsys, *speeds):
    options = argparse.Namespace(photos=1, workers=1, rounds=len(speeds))
    bench.report(options, bench.summary([measured(speed) for speed in speeds]))
    return capsys.readouterr().out


def verdicts(printed):
    return [line.split("   ")[-1].strip() for line in printed.split("\nGoals")[1].splitlines()[1:]]


def test_each_row_has_a_description_a_median_and_a_spread(capsys):
    printed = report(capsys, 10, 40, 20)
    for name, meaning in bench.ROWS.items():
        row = next(line for line in printed.splitlines() if line.split()[:1] == [name])
        assert "20.0" in row and "10.0–40.0" in row and meaning in row
    assert verdicts(printed) == ["met"] * 4


@pytest.mark.parametrize("rounds", (1, 2))
def test_fewer_than_three_rounds_give_no_verdict(capsys, rounds):
    printed = report(capsys, *[10] * rounds)
    assert "not judged: fewer than 3 rounds" in printed
    assert not {"met", "NOT MET"} & set(verdicts(printed))
