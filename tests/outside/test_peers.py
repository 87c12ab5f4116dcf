"""Peers that don't behave like the service: gateways, captive portals, proxies; and more queues than connections."""
import base64
import hashlib
import io
import itertools
import json
import threading

import pytest
from PIL import Image

from harness import aws_environment, depth, jpeg, make_queue, open_image, receive, until
from proxy import TWICE, Proxy

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


def grey(s3, bucket, key):
    image = open_image(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return image.convert("L").getpixel((5, 5))


def outputs(s3, bucket, prefix):
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])}


@pytest.mark.parametrize("page", [b"<html>Log in to the network</html>", b"", b"OK"])
def test_a_gateway_response_is_not_stored(cloud, start, s3, sqs, bucket, queue, name, tmp_path, page):
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


def test_a_duplicate_response_is_not_taken_for_the_next(cloud, start, s3, sqs, bucket, queue, name, tmp_path):
    """A copy of an upload's response would confirm an output that was never stored, and one of a 404 drop a message."""
    count = 40
    calls = itertools.count()
    shades = {f"{i}.jpg": i * 6 for i in range(count)}
    for key, shade in shades.items():
        buffer = io.BytesIO()
        Image.new("L", (64, 48), shade).save(buffer, "JPEG", quality=95)
        s3.put_object(Bucket=bucket, Key=f"ingest/{key}", Body=buffer.getvalue())
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"bucket": bucket, "key": f"ingest/{key}"}))
    proxy = Proxy(cloud.endpoint, lambda *request: TWICE if next(calls) % 3 == 0 else None)
    engine = start("run", "--pipelines", write_pipelines(tmp_path / "pipelines", bucket, [name]), "--wait", "1s",
                   "--backoff", "1s", "--endpoint", proxy.endpoint, environment=aws_environment())
    until(lambda: sum(depth(sqs, queue)) == 0, "an empty queue")
    assert outputs(s3, bucket, f"{name}/") == {f"{name}/{key}" for key in shades}
    for key, shade in shades.items():
        assert abs(grey(s3, bucket, f"{name}/{key}") - shade) <= 2
    engine.stop()
    proxy.close()


NO_CHECKSUM = (b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum-'
               b' HTTP header is required for Put Object requests with Object Lock parameters</Message></Error>')


def test_outputs_reach_a_bucket_with_object_lock(cloud, start, s3, sqs, bucket, queue, name, tmp_path):
    """As S3 does where a bucket retains its objects: no PUT without a checksum, and the checksum must be right."""
    stored = []

    def locked(method, path, headers, body):
        if method != "PUT" or f"/{bucket}/{name}/" not in path:
            return None
        digest = headers.get("Content-MD5")
        if not digest and not any(header.lower().startswith("x-amz-checksum-") for header in headers):
            return 400, NO_CHECKSUM
        if digest and digest != base64.b64encode(hashlib.md5(body).digest()).decode():
            return 400, b"<Error><Code>BadDigest</Code><Message>no</Message></Error>"
        stored.append(path)
        return None

    announce(s3, sqs, queue, bucket, "ingest/a.jpg")
    proxy = Proxy(cloud.endpoint, locked)
    pipelines = write_pipelines(tmp_path / "pipelines", bucket, [name])
    with (pipelines / f"{name}.yaml").open("a") as file:
        file.write(f'labels: {{ labeler: builtin, sidecar: "{name}/{{stem}}.json" }}\n')
    start("run", "--pipelines", pipelines, "--wait", "1s",
          "--endpoint", proxy.endpoint, environment=aws_environment())
    until(lambda: sum(depth(sqs, queue)) == 0, "an empty queue")
    assert outputs(s3, bucket, f"{name}/") == {f"{name}/a.jpg", f"{name}/a.json"}
    assert len(stored) == 2
    proxy.close()


def test_an_output_that_is_always_refused_is_not_made_again(cloud, start, s3, sqs, bucket, name, tmp_path):
    gets = []

    def refuse(method, path, headers, body):
        if method == "GET" and "/ingest/" in path:
            gets.append(path)
        return (400, NO_CHECKSUM) if method == "PUT" and f"/{bucket}/{name}/" in path else None

    queue = make_queue(sqs, name, receives=5)
    announce(s3, sqs, queue, bucket, "ingest/a.jpg")
    proxy = Proxy(cloud.endpoint, refuse)
    start("run", "--pipelines", write_pipelines(tmp_path / "pipelines", bucket, [name]), "--wait", "1s",
          "--endpoint", proxy.endpoint, environment=aws_environment())
    dead = receive(sqs, sqs.get_queue_url(QueueName=f"{name}-dlq")["QueueUrl"])
    assert dead["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "output-refused"
    assert "InvalidRequest" in dead["MessageAttributes"]["ThumbwheelDetail"]["StringValue"]
    assert len(gets) == 1
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


def test_idle_queues_do_not_make_a_busy_ones_batches_small(cloud, start, s3, sqs, bucket, name, tmp_path):
    """Each of 200 queues has less than one slot of its own; the others' are there for the one that has work."""
    names = [f"{name}-{i}" for i in range(200)]
    urls = [make_queue(sqs, each) for each in names]
    count = 100
    for i in range(count):
        announce(s3, sqs, urls[7], bucket, f"ingest/{i}.jpg")
    engine = start("run", "--pipelines", write_pipelines(tmp_path / "pipelines", bucket, names), "--wait", "20s",
                   "--endpoint", cloud.endpoint, environment=aws_environment())
    until(lambda: sum(depth(sqs, urls[7])) == 0, "an empty queue")
    assert 0 < len(cloud.requests("ReceiveMessage", resource=names[7])) < count / 2
    assert 0 < len(cloud.requests("DeleteMessageBatch", resource=names[7])) < count / 2
    engine.stop()


def test_a_fifo_group_keeps_its_order_and_its_dead_letters(cloud, start, s3, sqs, bucket, name, tmp_path):
    """One message of a group fails for a while, another for ever: none of those behind it overtakes it."""
    fifo = {"FifoQueue": "true"}
    dead = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={
        **fifo, "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "20"})})["QueueUrl"]
    failures = itertools.count()
    stored = []

    def judge(method, path, headers, body):
        if method == "GET" and path.partition("?")[0].endswith("/ingest/1.jpg") and next(failures) < 4:
            return 503, b""
        if method == "PUT" and f"/{bucket}/{name}/" in path:
            stored.append(path.rpartition("/")[2])
        return None

    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"ingest/{i}.jpg", Body=b"\xff\xd8 no picture" if i == 2 else jpeg(64, 48))
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": bucket, "key": f"ingest/{i}.jpg"}),
                         MessageGroupId="album", MessageDeduplicationId=str(i))
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "fifo.yaml").write_text(PIPELINE.format(name=name, bucket=bucket).replace(f"queue: {name}", f"queue: {name}.fifo"))
    proxy = Proxy(cloud.endpoint, judge)
    engine = start("run", "--pipelines", folder, "--wait", "1s", "--backoff", "1s", "--endpoint", proxy.endpoint,
                   environment=aws_environment())
    until(lambda: sum(depth(sqs, url)) == 0, "an empty queue")
    assert stored == ["0.jpg", "1.jpg", "3.jpg", "4.jpg"]
    assert next(failures) >= 4
    letter = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"][0]
    assert json.loads(letter["Body"])["key"] == "ingest/2.jpg"
    assert letter["Attributes"]["MessageGroupId"] == "album"
    assert letter["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "image-unsupported"
    engine.stop()
    proxy.close()


def event(bucket, key, sequencer):
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": bucket}, "object": {"key": key, "sequencer": sequencer}}}]})


def solid(colour):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def test_an_older_picture_of_another_engine_does_not_replace_a_newer_one(cloud, start, s3, sqs, bucket, name, tmp_path):
    """Engine A holds its PUT of the old picture, engine B stores the new one, then A goes on."""
    reached, released = threading.Event(), threading.Event()

    def hold_put(method, path, headers, body):
        if method == "PUT" and f"/{bucket}/out/" in path and not released.is_set():
            reached.set()
            released.wait(60)

    engines = []
    proxy = Proxy(cloud.endpoint, hold_put)
    urls = {}
    for which, endpoint in ("a", proxy.endpoint), ("b", cloud.endpoint):
        urls[which] = make_queue(sqs, f"{name}-{which}")
        folder = tmp_path / which
        folder.mkdir()
        (folder / "same.yaml").write_text(PIPELINE.format(name="same", bucket=bucket).replace(
            "queue: same", f"queue: {name}-{which}").replace('"same/', '"out/'))
        engines.append(start("run", "--pipelines", folder, "--wait", "1s", "--endpoint", endpoint,
                             environment=aws_environment()))
    s3.put_object(Bucket=bucket, Key="ingest/1.jpg", Body=solid("red"))
    sqs.send_message(QueueUrl=urls["a"], MessageBody=event(bucket, "ingest/1.jpg", "01"))
    assert reached.wait(60)
    s3.put_object(Bucket=bucket, Key="ingest/1.jpg", Body=solid("blue"))
    sqs.send_message(QueueUrl=urls["b"], MessageBody=event(bucket, "ingest/1.jpg", "02"))
    until(lambda: sum(depth(sqs, urls["b"])) == 0, "the new picture's end")
    released.set()
    until(lambda: sum(depth(sqs, urls["a"])) == 0, "the old picture's end")
    stored = s3.get_object(Bucket=bucket, Key="out/1.jpg")
    red, _, blue = open_image(stored["Body"].read()).convert("RGB").getpixel((5, 5))
    assert blue > 200 > 50 > red
    assert stored["Metadata"]["thumbwheel-sequencer"] == "02"
    sqs.send_message(QueueUrl=urls["a"], MessageBody=event(bucket, "ingest/1.jpg", "03"))  # newer again: replaces
    until(lambda: s3.head_object(Bucket=bucket, Key="out/1.jpg")["Metadata"]["thumbwheel-sequencer"] == "03", "a third")
    for engine in engines:
        engine.stop()
    proxy.close()
