"""The tables of docs/scale.md, from made-up measurements."""
import importlib.util
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


@pytest.fixture
def results():
    rows = {"sqs": figures(10), "quorum-1": figures(9), "sqs x2": figures(16), "quorum-1 x2": figures(15), "sqs x4": figures(16)}
    return {"processors": 2, "photos": 60, "messages": 5000, "workers": 1, "pipelines": 3, "rounds": [rows, rows, rows]}


def rows_of(lines):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_engines_add_up_until_the_processors_are_busy(results):
    """120 ms of two processors for each photo: 16.7 photos per second."""
    assert scale.predicted(results, "sqs", 1) == 10
    assert scale.predicted(results, "sqs", 2) == pytest.approx(2000 / 120)
    assert rows_of(scale.check_of_the_model(results)) == [
        ["sqs", "1", "10.0", "10.0", "+0%", "90.0"], ["sqs", "2", "16.0", "16.7", "-4%", "90.0"], ["sqs", "4", "16.0", "16.7", "-4%", "90.0"],
        ["quorum-1", "1", "9.0", "9.0", "+0%", "90.0"], ["quorum-1", "2", "15.0", "16.7", "-10%", "90.0"]]


def test_what_the_installation_needs(results):
    found = {row[0]: row[1:] for row in rows_of(scale.needs(results))}
    assert found["processors of the engines"] == ["900", "9.0 for each engine"]  # 10,000 × 3 × 30 ms
    assert found["network of the engines, Gbit/s"] == ["250", "2.50 for each engine"]  # 10,000 × 25 Mbit
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
    assert "| sqs | 2 | 16.0 | 16.7 | -4% | 90.0 |" in filled
