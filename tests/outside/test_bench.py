"""The benchmarks' reports, from made-up measurements."""
import argparse
import ast
import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def load(name):
    """A program of bench/, some of which have the name of a module of the tests."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path.append(str(BENCH))
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


bench = load("run")
PERCENTILES = {"p50": 1.0, "p99": 2.0}


def measured(speed):
    whole = {"backlog": {"sources_per_second": speed, "cpu_seconds": 1, "peak_rss_kib": 1024,
                         "decoders_peak_rss_kib": 1024, "milliseconds_from_event": PERCENTILES,
                         "milliseconds_from_receipt": PERCENTILES},
             "one_at_a_time_ms": PERCENTILES, "idle": {"cpu_percent": 0.1}, "sqs_requests_per_message": 0.2,
             "requests_per_photo": {"GetObject": 1.0}}
    bare = {"sources_per_second": speed}
    return {"whole": whole, "thread": whole, "bare": bare, "alone": bare, "usual": bare}


def report(capsys, *speeds, megapixels=None):
    options = argparse.Namespace(photos=1, megapixels=megapixels, workers=1, rounds=len(speeds))
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


def test_the_size_of_all_photos_is_stated(capsys):
    assert "1 photos of 12 megapixels, 3 JPEG renditions each" in report(capsys, 10, 10, 10, megapixels=12)
    assert "1 photos, 3 JPEG renditions each" in report(capsys, 10, 10, 10)


@pytest.mark.parametrize("rounds", (1, 2))
def test_fewer_than_three_rounds_give_no_verdict(capsys, rounds):
    printed = report(capsys, *[10] * rounds)
    assert "not judged: fewer than 3 rounds" in printed
    assert not {"met", "NOT MET"} & set(verdicts(printed))


# ---- soak ----

def samples(minutes, engine):
    """engine(seconds): its memory; that of the others is constant."""
    return [{"seconds": float(at), "engine": engine(at), "decoders": 80.0, "cloud": 30.0} for at in range(0, 60 * minutes, 5)]


@pytest.mark.parametrize("growth, flat", ((0, True), (0.5, True), (3, False)))
def test_memory_that_grows_is_not_flat(growth, flat):
    soak = load("soak")
    found = soak.summary(samples(60, lambda at: 40 + growth * at / 3600))
    assert found["engine"]["growth_mib_per_hour"] == pytest.approx(growth, rel=0.01)
    assert found["engine"]["flat"] is flat and found["cloud"]["flat"]
    printed = "\n".join(soak.report(60, 8, 28800, found))
    assert ("NOT FLAT" in printed) is not flat


def test_memory_of_photos_that_come_and_go_is_not_growth():
    found = load("soak").summary(samples(60, lambda at: 40 + (at % 35) * at / 3600))
    assert found["engine"]["flat"] and found["engine"]["most_mib"] > 60


def test_growth_while_warming_up_does_not_count():
    found = load("soak").summary(samples(60, lambda at: min(40, at / 10)))
    assert found["engine"]["flat"] and found["engine"]["least_mib"] == 40


def test_a_short_soak_gives_no_verdict():
    soak = load("soak")
    printed = "\n".join(soak.report(10, 8, 4800, soak.summary(samples(10, lambda at: 40 + at))))
    assert "Not judged" in printed and "FLAT" not in printed and "flat" not in printed


# ---- cost ----

MEASURED = {"gb_per_photo": 0.001, "workers": {
    name: {"cpu_s": cpu, **dict.fromkeys(("DeleteMessage", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "HeadObject"), 0),
           "ReceiveMessage": 0.3, "DeleteMessageBatch": 0.3, "GetObject": gets, "PutObject": 3}
    for name, cpu, gets in (("thumbwheel", 0.04, 1), ("sharp", 0.12, 3), ("pillow", 0.2, 3))}}
PRICES = {"currency": "USD", "prices": {name: {"price": price, "per": per} for name, price, per in (
    ("sqs_request", 0.4, 10**6), ("sns_publish", 0.5, 10**6), ("s3_put", 0.005, 1000), ("s3_get", 0.0004, 1000), ("transfer_gb", 0, 1),
    ("fargate_vcpu_second", 0.00001, 1), ("fargate_gb_second", 0.0036, 3600), ("lambda_request", 0.2, 10**6),
    ("lambda_gb_second", 0.00002, 1))}, "assumptions": {name: {"value": value} for name, value in (
        ("fargate_utilisation", 0.5), ("fargate_gb_per_vcpu", 2), ("always_on_vcpu", 1), ("lambda_memory_mb", 1024),
        ("lambda_mb_per_vcpu", 2048), ("lambda_batch", 10), ("s3_get_ms", 30), ("s3_put_ms", 70), ("waits_overlap_sharp", 10),
        ("waits_overlap_pillow", 1))}}


def test_the_cost_is_the_measured_use_times_the_prices():
    cost = load("cost")
    columns = cost.model(cost.Prices(PRICES), MEASURED)
    # 0.6 requests to SQS, 1 GET, 3 PUT; 0.04 s of CPU at half use are 0.08 s of a vCPU and 0.16 GB s
    assert columns["thumbwheel, Fargate"] == pytest.approx({
        "SNS publish": 0.5, "SQS requests": 0.24, "S3 GET": 0.4, "S3 PUT": 15, "transfer": 0, "vCPU seconds": 0.8, "memory": 0.16,
        "invocations": 0})
    # half a vCPU for 0.2 s of CPU is 0.4 s, and 3 times 0.1 s of waiting, with 1 GB; 0.3 invocations
    assert columns["Pillow, Lambda"] == pytest.approx({
        "SNS publish": 0.5, "SQS requests": 0.24, "S3 GET": 1.2, "S3 PUT": 15, "transfer": 0, "vCPU seconds": 0, "memory": 14,
        "invocations": 0.06})


def test_every_price_has_a_date_and_a_source_and_every_assumption_a_reason():
    cost = load("cost")
    document = json.loads((BENCH / "prices.json").read_text())
    assert all(price["date"] and price["source"].startswith("https://") and price["per"] > 0 for price in document["prices"].values())
    assert all(assumption["why"] for assumption in document["assumptions"].values())
    prices = cost.Prices(document)
    printed = "\n".join(cost.report(prices, MEASURED, cost.model(prices, MEASURED)))
    assert "photos a month on" in printed
    with pytest.raises(SystemExit, match="has no price"):
        prices.price("moon_dust")


# ---- callgrind ----

CALLGRIND = """events: Ir
ob=(1) /build/bench_noop
fl=(1) /root/engine/jobs/job.c
fn=(1) job_start
10 5
+2 7
cob=(2) /usr/lib/libcurl.so.4.8.0
cfn=(2) curl_multi_socket_action
calls=1 0
* 100
fi=(2) /root/build/../engine/base/list.h
3 2
fe=(1)
* 1
ob=(2)
fl=(3) ???
fn=(2)
0 100
"""


def test_instructions_belong_to_the_part_that_executes_them(tmp_path):
    (tmp_path / "out").write_text(CALLGRIND)
    assert load("callgrind").self_cost(tmp_path / "out") == {"engine/jobs": 13, "engine/base": 2, "libcurl": 100}


# ---- the order of waiting photos ----

def test_the_simulation_has_the_numbers_of_the_engine():
    order = load("order")
    text = (BENCH.parent / "engine/jobs/worker_queue.c").read_text()
    for name in ("BACKLOG_PER_WORKER", "FEW_PER_WORKER"):
        assert f"{name} = {getattr(order, name)}" in text


def test_the_order_of_the_engine_ends_a_batch_earlier_and_leaves_light_loads_alone():
    order = load("order")
    options = argparse.Namespace(seed=1, photos=4000, workers=2, window=21)
    size = order.SIZES["1 to 8 megapixels"]
    order.BATCHES = 50
    assert order.batches(options, size, "end", 0)[0] < 0.8 * order.batches(options, size, "first", 0)[0]
    assert order.loaded(options, size, 0.5, "end", 0) == pytest.approx(order.loaded(options, size, 0.5, "first", 0), rel=0.05)


def definitions(tree):
    """What a module's top level names."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


@pytest.mark.parametrize("path", sorted(BENCH.glob("*.py")), ids=lambda path: path.stem)
def test_what_a_benchmark_uses_of_another_exists(path):
    """Most of them run for minutes, so no test runs them."""
    trees = {other.stem: ast.parse(other.read_text()) for other in BENCH.glob("*.py")}
    imported = {alias.name for node in ast.walk(trees[path.stem]) if isinstance(node, ast.Import) for alias in node.names}
    used = {(node.value.id, node.attr) for node in ast.walk(trees[path.stem])
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported & trees.keys()}
    used |= {(node.module, alias.name) for node in ast.walk(trees[path.stem])
             if isinstance(node, ast.ImportFrom) and node.module in trees for alias in node.names}
    assert {f"{module}.{name}" for module, name in used if name not in definitions(trees[module])} == set()
