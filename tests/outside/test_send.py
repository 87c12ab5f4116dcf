"""thumbwheel send: events for objects that exist, and messages of any size. boto3 receives what it sends."""
import json
import os
import signal
import subprocess
import threading

import pytest

import harness
from harness import aws_environment, receive, thumbwheel

PIPELINE = """name: {name}
queue: {name}
match: {{ bucket: {bucket}, prefix: {prefix} }}
outputs:
  - {{ key: "small/{{name}}", width: 16, format: jpeg }}
"""


@pytest.fixture
def send(cloud):
    def run(*arguments, **options):
        return thumbwheel("send", *arguments, environment=aws_environment(cloud.endpoint), **options)
    return run


def sent(done):
    """The objects that --json printed; all of them were sent."""
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(result["error"] is None for result in results)
    return results


def take(sqs, url, count):
    messages = []
    while len(messages) < count:
        messages.append(receive(sqs, url))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[-1]["ReceiptHandle"])
    assert harness.depth(sqs, url) == (0, 0, 0)
    return messages


def read_pointer(message, s3):
    """As the extended clients read a message, from their documentation: the attribute decides, the body is an array of
    the class's name and an object with the bucket and the key."""
    size = message["MessageAttributes"]["ExtendedPayloadSize"]
    assert size["DataType"] == "Number"
    kind, place = json.loads(message["Body"])
    assert kind == "software.amazon.payloadoffloading.PayloadS3Pointer"
    assert sorted(place) == ["s3BucketName", "s3Key"]
    body = harness.fetch(s3, place["s3BucketName"], place["s3Key"])
    assert int(size["StringValue"]) == len(body)
    return body, place


def shape(value):
    return {name: shape(item) for name, item in value.items()} if isinstance(value, dict) else type(value)


def test_the_event_is_the_one_that_s3_would_send(send, s3, sqs, bucket, queue, name):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    noticed = harness.make_queue(sqs, f"{name}-s3")
    sqs.set_queue_attributes(QueueUrl=noticed, Attributes={
        "Policy": harness.send_policy(f"{name}-s3", "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": harness.queue_arn(f"{name}-s3"), "Events": ["s3:ObjectCreated:*"]}]})
    key = "ingest//a b+c/ü%.jpg"
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"abc")
    [theirs] = harness.event_records(sqs, noticed, 1)
    results = sent(send("--json", "--queue", name, f"s3://{bucket}/{key}"))
    [message] = take(sqs, queue, 1)
    [ours] = json.loads(message["Body"])["Records"]
    assert results == [{"argument": f"s3://{bucket}/{key}", "target": name, "message_id": message["MessageId"],
                        "payload": None, "error": None}]
    assert theirs["s3"]["object"].pop("sequencer")
    assert ours["s3"]["object"] == theirs["s3"]["object"]
    assert ours["s3"]["object"]["versionId"] == put["VersionId"]
    assert shape(ours) == shape(theirs)
    for member in ("eventVersion", "eventSource", "eventName", "awsRegion"):
        assert ours[member] == theirs[member]


def test_bodies_are_sent_in_batches_with_attributes(send, cloud, sqs, queue, name, tmp_path):
    paths = [tmp_path / f"{i}.txt" for i in range(12)]
    for path in paths:
        path.write_text(f"body of {path.stem}: ü\n")
    results = sent(send("--json", "--queue", queue, "--attribute", "from=a=b/../c", "--attribute", "x=1", *paths))
    messages = take(sqs, queue, 12)
    assert sorted(m["Body"] for m in messages) == sorted(path.read_text() for path in paths)
    assert sorted(m["MessageId"] for m in messages) == sorted(r["message_id"] for r in results)
    for message in messages:
        values = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
        assert values == {"from": "a=b/../c", "x": "1"}
    assert not cloud.requests("SendMessage", resource=name)
    assert len(cloud.requests("SendMessageBatch", resource=name)) < 12


def test_standard_input_is_a_body(cloud, sqs, queue, name):
    done = subprocess.run([harness.PROGRAM, "send", "--queue", name, "-"], input=b'{"bucket":"b","key":"k"}',
                          env=aws_environment(cloud.endpoint), capture_output=True, timeout=harness.PATIENCE_S)
    harness.assert_healthy(done.stderr.decode())
    assert done.returncode == 0, done.stderr
    [message] = take(sqs, queue, 1)
    assert message["Body"] == '{"bucket":"b","key":"k"}'
    assert done.stdout.decode() == f"{message['MessageId']}  - -> {name}\n"


def test_a_body_over_the_limit_goes_through_s3_in_parts(send, cloud, s3, sqs, bucket, queue, name, tmp_path):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    fits, large, huge = (tmp_path / n for n in ("fits", "large", "huge"))
    fits.write_text("x" * (1024 - len("aStringb")))
    large.write_text("x" * (1024 - len("aStringb") + 1))
    huge.write_bytes(os.urandom(1 << 20) * 17)  # two parts of 8 MiB and a rest
    results = sent(send("--json", "--queue", name, "--payload-bucket", bucket, "--attribute", "a=b", fits, large, huge))
    payloads = {r["argument"]: r["payload"] for r in results}
    assert payloads[str(fits)] is None
    bodies = []
    for message in take(sqs, queue, 3):
        assert message["MessageAttributes"]["a"]["StringValue"] == "b"
        if "ExtendedPayloadSize" not in message["MessageAttributes"]:
            assert message["Body"] == fits.read_text()
            continue
        body, place = read_pointer(message, s3)
        bodies.append(body)
        assert f"s3://{bucket}/{place['s3Key']}" in payloads.values()
    assert sorted(bodies) == sorted([large.read_bytes(), huge.read_bytes()])
    assert len(cloud.requests("UploadPart")) == 3
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_without_a_payload_bucket_a_large_body_is_refused(send, sqs, queue, name, tmp_path):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    (tmp_path / "large").write_text("x" * 1025)
    done = send("--queue", name, tmp_path / "large")
    assert done.returncode == 1 and "larger than 1024 bytes" in done.stderr and "--payload-bucket" in done.stderr
    assert harness.depth(sqs, queue) == (0, 0, 0)


def test_every_body_goes_through_s3_if_told(send, s3, sqs, bucket, queue, name):
    s3.put_object(Bucket=bucket, Key="a.jpg", Body=b"abc")
    sent(send("--json", "--queue", name, "--payload-bucket", bucket, "--always-through-s3", "--bucket", bucket, "a.jpg"))
    [message] = take(sqs, queue, 1)
    body, _ = read_pointer(message, s3)
    assert json.loads(body)["Records"][0]["s3"]["object"]["key"] == "a.jpg"


def test_a_topic_gets_batches_too(send, s3, sqs, sns, bucket, queue, topic, name):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": harness.send_policy(name, "sns", topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=harness.queue_arn(name),
                  Attributes={"RawMessageDelivery": "true"})
    for i in range(11):
        s3.put_object(Bucket=bucket, Key=f"{i}.jpg", Body=b"abc")
    sent(send("--json", "--topic", topic, "--attribute", "a=b&c", "--bucket", bucket, *(f"{i}.jpg" for i in range(11))))
    messages = take(sqs, queue, 11)
    keys = [json.loads(m["Body"])["Records"][0]["s3"]["object"]["key"] for m in messages]
    assert sorted(keys) == sorted(f"{i}.jpg" for i in range(11))
    assert {m["MessageAttributes"]["a"]["StringValue"] for m in messages} == {"b&c"}


def test_a_fifo_queue_keeps_the_order_and_one_of_each(send, s3, sqs, bucket, name):
    fifo = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    keys = [f"{i:02}.jpg" for i in range(12)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    refused = send("--queue", f"{name}.fifo", f"s3://{bucket}/00.jpg")
    assert refused.returncode == 2 and "--group" in refused.stderr
    for _ in range(2):  # the second time, the same versions of the same objects are duplicates
        sent(send("--json", "--queue", f"{name}.fifo", "--group", "g", "--bucket", bucket, *keys))
    messages = take(sqs, fifo, 12)
    assert [json.loads(m["Body"])["Records"][0]["s3"]["object"]["key"] for m in messages] == keys
    assert {m["Attributes"]["MessageGroupId"] for m in messages} == {"g"}


def test_what_the_service_refuses_is_reported_and_the_rest_is_sent(send, s3, sqs, bucket, queue, name, tmp_path):
    (tmp_path / "good").write_text("good")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    done = send("--json", "--queue", name, tmp_path / "good", tmp_path / "binary", tmp_path / "absent",
                f"s3://{bucket}/absent.jpg")
    assert done.returncode == 1
    errors = {r["argument"]: r["error"] for r in map(json.loads, done.stdout.splitlines())}
    assert errors.pop(str(tmp_path / "good")) is None
    assert "UTF-8" in errors[str(tmp_path / "binary")]
    assert "No such file" in errors[str(tmp_path / "absent")]
    assert "404" in errors[f"s3://{bucket}/absent.jpg"]
    [message] = take(sqs, queue, 1)
    assert message["Body"] == "good"


def test_a_refused_message_leaves_no_payload(send, s3, bucket, queue, name, tmp_path):
    (tmp_path / "body").write_text("body")
    done = send("--queue", name, "--payload-bucket", bucket, "--always-through-s3", "--attribute", "AWS.x=1",
                tmp_path / "body")
    assert done.returncode == 1 and "AWS.x" in done.stderr
    assert not s3.list_objects_v2(Bucket=bucket).get("Contents")


def test_without_a_queue_the_pipelines_that_match_get_the_event(send, s3, sqs, bucket, name, tmp_path):
    urls = {}
    for prefix in ("a", "b", "ab"):
        (tmp_path / f"{prefix}.yaml").write_text(PIPELINE.format(
            name=f"{name}-{prefix}", bucket=bucket, prefix=f"[{prefix[0]}/, {prefix[-1]}/]"))
        urls[prefix] = harness.make_queue(sqs, f"{name}-{prefix}")
    s3.put_object(Bucket=bucket, Key="a/1.jpg", Body=b"abc")
    s3.put_object(Bucket=bucket, Key="c/1.jpg", Body=b"abc")
    done = send("--json", "--pipelines", tmp_path, f"s3://{bucket}/a/1.jpg", f"s3://{bucket}/c/1.jpg")
    assert done.returncode == 1
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(r["target"] for r in results if not r["error"]) == sorted([f"{name}-a", f"{name}-ab"])
    assert [r["argument"] for r in results if r["error"]] == [f"s3://{bucket}/c/1.jpg"]
    assert [harness.depth(sqs, urls[p])[0] for p in ("a", "b", "ab")] == [1, 0, 1]


@pytest.mark.parametrize("arguments, words", [
    ([], "nothing to send"),
    (["--queue", "q", "s3://bucket"], "s3://BUCKET/KEY"),
    (["--queue", "q", "--topic", "t", "-"], "exclude each other"),
    (["-"], "--queue or --topic"),
    (["--queue", "q", "-", "-"], "only once"),
    (["--queue", "q", "--attribute", "x", "-"], "NAME=VALUE"),
    (["--queue", "q", "--attribute", "SQSLargePayloadSize=1", "-"], "reserved"),
    (["--queue", "q", "--always-through-s3", "-"], "--payload-bucket"),
    (["--queue", "q", "--deduplication", "1", "a", "b"], "--deduplication"),
    (["--topic", "photos", "-"], "ARN of a topic"),
])
def test_mistakes_are_explained(send, arguments, words):
    done = send(*arguments)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert not done.stdout


def test_an_interrupt_ends_the_wait_for_standard_input(cloud, queue, name):
    process = subprocess.Popen([harness.PROGRAM, "send", "--queue", name, "-"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=aws_environment(cloud.endpoint), text=True)
    watchdog = threading.Timer(harness.PATIENCE_S, process.kill)
    watchdog.start()
    try:
        process.stdin.write("begun")
        process.stdin.flush()
        harness.until(lambda: cloud.requests("GetQueueAttributes", resource=name), "the queue is open")
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()  # while standard input stays open
        assert process.wait(harness.PATIENCE_S) == 1
        assert "interrupted" in errors
        harness.assert_healthy(errors)
    finally:
        watchdog.cancel()
        process.stdin.close()
        process.kill()
        process.wait()
