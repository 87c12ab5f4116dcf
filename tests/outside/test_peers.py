"""Peers that say something else than the service: gateways, captive portals, proxies; and more queues than connections."""
import itertools
import json

import pytest

from harness import aws_environment, jpeg, make_queue, depth, until
from proxy import Proxy

PIPELINE = """
name: {name}
queue: {name}
match: {{ bucket: {bucket}, prefix: ingest/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: 32 }}
"""


def write_pipelines(folder, bucket, names):
    folder.mkdir()
    for name in names:
        (folder / f"{name}.yaml").write_text(PIPELINE.format(name=name, bucket=bucket))
    return folder


def announce(s3, sqs, url, bucket, key):
    body = jpeg(64, 48)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": bucket, "key": key}))


def outputs(s3, bucket, prefix):
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])}


@pytest.mark.parametrize("page", [b"<html>Log in to the network</html>", b"", b"OK"])
def test_what_a_gateway_answered_is_not_stored(cloud, start, s3, sqs, bucket, queue, name, tmp_path, page):
    count = 12
    puts = itertools.count()

    def every_other_put(method, path, headers, body):
        is_output = method == "PUT" and f"/{bucket}/{name}/" in path
        return (200, page) if is_output and next(puts) % 2 == 0 else None

    for i in range(count):
        announce(s3, sqs, queue, bucket, f"ingest/{i}.jpg")
    proxy = Proxy(cloud.endpoint, every_other_put)
    engine = start("run", "--pipelines", write_pipelines(tmp_path / "pipelines", bucket, [name]), "--wait", "1s",
                   "--backoff", "1s", "--endpoint", proxy.endpoint, environment=aws_environment())
    until(lambda: sum(depth(sqs, queue)) == 0, "an empty queue")
    assert outputs(s3, bucket, f"{name}/") == {f"{name}/{i}.jpg" for i in range(count)}
    assert next(puts) > count  # the proxy did stand in between
    engine.stop()
    proxy.close()


def test_idle_queues_do_not_delay_a_busy_one(cloud, start, s3, sqs, bucket, name, tmp_path):
    """200 long polls, each of which takes a connection; deletes and uploads have others."""
    names = [f"{name}-{i}" for i in range(200)]
    urls = [make_queue(sqs, each) for each in names]
    engine = start("run", "--pipelines", write_pipelines(tmp_path / "pipelines", bucket, names), "--wait", "20s",
                   "--jobs", "1000", "--endpoint", cloud.endpoint, environment=aws_environment())
    until(lambda: len(cloud.requests("ReceiveMessage")) >= len(names), "a poll of each queue")
    received = len(cloud.requests("DeleteMessageBatch"))
    for i in range(15):
        announce(s3, sqs, urls[i], bucket, f"ingest/{i}.jpg")
    # Before any poll of 20 s ends and frees its connection.
    until(lambda: all(f"{names[i]}/{i}.jpg" in outputs(s3, bucket, f"{names[i]}/") for i in range(15)), "all outputs", 15)
    until(lambda: len(cloud.requests("DeleteMessageBatch")) - received == 15, "all deletes", 15)
    engine.stop()
