"""The tables of docs/scale.md, from made-up measurements."""
import importlib.util
import itertools
import json

import pytest

import harness

SPEC = importlib.util.spec_from_file_location("scale_page", harness.ROOT / "bench/scale_page.py")
scale = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(scale)


def figures(photos_per_second, **more):
    return {"photos_per_second": photos_per_second, "messages_per_second": 2500, "p50_ms": 100, "max_ms": 200, "engine_ms": 30,
            "servers_ms": 10, "empty_engine_ms": 0.1, "empty_servers_ms": 0.3, "idle_engine_percent": 0, "idle_servers_percent": 1,
            "requests_per_photo": {"GetObject": 1, "PutObject": 3, "ReceiveMessage": 0.5, "DeleteMessageBatch": 0.5},
            "bytes_per_photo": {"ingest/": 3_000_000, "web/": 125_000}} | more


def figures_apart(photos_per_second, fetched, engine_ms):
    """Of several engines that fetch a photo more than once."""
    plain = figures(photos_per_second)
    return plain | {"engine_ms": engine_ms, "requests_per_photo": plain["requests_per_photo"] | {"GetObject": fetched}}


@pytest.fixture
def results():
    rows = {"sqs": figures(10), "quorum-1": figures(9), "sqs x2": figures_apart(12, 1.5, 36), "quorum-1 x2": figures_apart(12, 2, 42),
            "sqs x4": figures_apart(10, 2.5, 48)}
    return {"processors": 2, "photos": 60, "messages": 5000, "workers": 1, "pipelines": 3, "rounds": [rows, rows, rows]}


def rows_of(lines):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_messages_of_a_photo_reach_engines_at_random():
    """By enumeration: of two engines, both get one of three messages in 6 of 8 cases."""
    for engines in (1, 2, 3, 4):
        cases = list(itertools.product(range(engines), repeat=3))
        assert scale.fetches(engines, 3) == pytest.approx(sum(len(set(case)) for case in cases) / len(cases))


def test_engines_add_up_until_the_processors_are_busy(results):
    """90 ms of an engine and 30 ms of servers for each photo, and 36 ms for each further engine that fetches it (90 + 0.5 × 36 = 3 × 36):
    with two engines 0.75 further ones, so 147 ms of two processors."""
    assert scale.further_ms(results) == pytest.approx(36)
    assert scale.predicted(results, "sqs", 1) == 10
    assert scale.predicted(results, "sqs", 2) == pytest.approx(2000 / 147)
    assert rows_of(scale.check_of_the_model(results)) == [
        ["sqs", "1", "10.0", "10.0", "+0%", "1.00", "1.00", "90.0"], ["sqs", "2", "12.0", "13.6", "-12%", "1.50", "1.75", "108.0"],
        ["sqs", "4", "10.0", "12.0", "-16%", "2.50", "2.31", "144.0"],
        ["quorum-1", "1", "9.0", "9.0", "+0%", "1.00", "1.00", "90.0"], ["quorum-1", "2", "12.0", "13.6", "-12%", "2.00", "1.75", "126.0"]]


def test_what_the_installation_needs(results):
    found = {row[0]: row[1:] for row in rows_of(scale.needs(results))}
    assert found["processors of the engines"] == ["1,609", "16.1 for each engine"]  # 10,000 × (90 + 1.9701 × 36) ms
    assert found["network of the engines, Gbit/s"] == ["723", "7.23 for each engine"]  # 10,000 × (24 × 2.9701 + 1) Mbit
    assert found["GET requests/s"] == ["29,701", "S3: 5,500 for each prefix, so 6 prefixes"]
    assert found["PUT requests/s"] == ["30,000", "S3: 3,500 for each prefix, so 9 prefixes"]
    assert found["messages in flight in each queue"][0] == "1,000"  # 10,000 of 100 ms
    assert found["messages/s in each queue, quorum-1"] == ["10,000", "2,500 here, so 4 queues for each pipeline"]
    assert found["processors of the brokers, quorum-1"][0] == "9"


def test_the_cost_of_a_million_photos(results):
    found = {row[0]: row[1:] for row in rows_of(scale.cost(results))}
    assert found["SQS requests"] == ["1.00", "$0.40"]
    assert found["total"][1] == "$21.30"  # 0.40 + 0.40 + 15 + 5 + 0.50


def test_the_page_has_a_place_for_each_table(results):
    text = (harness.ROOT / "docs/scale.md").read_text()
    filled = scale.fill(text, json.loads(json.dumps(results)))
    assert scale.fill(filled, results) == filled
    assert "| sqs | 2 | 12.0 | 13.6 | -12% | 1.50 | 1.75 | 108.0 |" in filled
