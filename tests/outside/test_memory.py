"""The memory budget from outside: photos that do not fit wait, and nothing else happens to them."""
import json
import re
from pathlib import Path

import pytest

from harness import aws_environment, jpeg, make_queue, open_image, png, thumbwheel, until

BUDGET = 64 << 20
PIPELINE = """name: web
queue: memory-queue
match: { bucket: memory, prefix: ingest/ }
outputs:
  - { key: "web/{name}", width: 1200, format: jpeg }
  - { key: "half/{name}", scale: 0.5, format: jpeg }
"""


@pytest.fixture
def cloud(start_cloud):
    return start_cloud("--cloud-only", photos=())


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_photos_wait_for_memory_and_all_are_done(cloud, start, tmp_path, isolation):
    """Each of the large ones promises 20 to 40 MiB; four workers would take twice the budget."""
    pipeline = tmp_path / "web.yaml"
    pipeline.write_text(PIPELINE)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket="memory")
    url = make_queue(sqs, "memory-queue", receives=2)
    pictures = {"large.jpg": jpeg(2600, 1950), "wide.png": png(5000, 2400), "small.jpg": jpeg(640, 480)}
    for number in range(6):
        name, body = list(pictures.items())[number % 3]
        s3.put_object(Bucket="memory", Key=f"ingest/{number}-{name}", Body=body)
        event = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {
            "bucket": {"name": "memory"}, "object": {"key": f"ingest/{number}-{name}", "size": len(body)}}}]}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    engine = start("run", "--memory", "64M", "--workers", "4", "--isolation", isolation, "--log-format", "json",
                   "--endpoint", cloud.endpoint, "--pipelines", pipeline, environment=aws_environment())
    listed = lambda: s3.list_objects_v2(Bucket="memory", Prefix="half/").get("Contents", [])  # noqa: E731
    until(lambda: len(listed()) == 6, "all renditions")
    resident = 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{engine.process.pid}/status").read_text())[1])
    assert engine.stop() == 0
    width, height = open_image(s3.get_object(Bucket="memory", Key="half/0-large.jpg")["Body"].read()).size
    assert (width, height) == (1300, 975)
    ended = next(json.loads(line) for line in engine.lines if "engine stopped" in line)
    assert ended["received"] == ended["acknowledged"] == 6  # no message was returned because it had to wait
    assert 20 << 20 < ended["memory_promised_peak"] <= BUDGET
    assert resident <= ended["memory_peak"] < 2 * resident  # what the process really used


def test_a_budget_that_is_too_small_is_refused():
    done = thumbwheel("run", "--memory", "1M")
    assert done.returncode == 2
    assert "--memory" in done.stderr and "64M" in done.stderr
