"""Messages through S3, between Thumbwheel and the SQS extended clients for Java and Python, in both directions."""
import json

import pytest

import harness
from extended_client import Java, OldJava, Python
from harness import aws_environment, jpeg, thumbwheel, until

CLIENTS = {"java": (Java, False), "java, older attribute": (Java, True), "java before 1.1": (OldJava, True),
           "python": (Python, False), "python, older form": (Python, True)}


@pytest.fixture(params=CLIENTS)
def client(request, sqs, s3, bucket):
    kind, legacy = CLIENTS[request.param]
    return kind(sqs, s3, bucket, legacy)


def test_they_read_what_send_writes(client, cloud, s3, sqs, bucket, queue, name, tmp_path):
    body = "größer als eine Nachricht\n" * 3
    (tmp_path / "body").write_text(body)
    done = thumbwheel("send", "--json", "--queue", name, "--payload-bucket", bucket, "--always-through-s3", tmp_path / "body",
                      environment=aws_environment(cloud.endpoint))
    assert done.returncode == 0, done.stderr
    [pointer] = [json.loads(line)["payload"] for line in done.stdout.splitlines()]
    text, attributes, key = client.receive(queue)
    assert text == body and not attributes and pointer == f"s3://{bucket}/{key}"
    assert harness.depth(sqs, queue) == (0, 0, 0) and not s3.list_objects_v2(Bucket=bucket).get("Contents")


def test_run_reads_what_they_write(client, cloud, start, s3, sqs, bucket, queue, name, tmp_path):
    """With --delete-payloads, it leaves neither the message nor the payload, as they do."""
    photo = "in/a b+ü.jpg"
    s3.put_object(Bucket=bucket, Key=photo, Body=jpeg(40, 30))
    (tmp_path / "p.yaml").write_text(f"name: p\nqueue: {name}\nmatch: {{ bucket: {bucket}, prefix: in/ }}\n"
                                     'outputs: [{ key: "out/{stem}.png", width: 16, format: png }]\n')
    payload = client.send(queue, json.dumps({"bucket": bucket, "key": photo}, ensure_ascii=False))
    engine = start("run", "--endpoint", cloud.endpoint, "--pipelines", tmp_path / "p.yaml", "--wait", "1s", "--workers", "1",
                   "--isolation", "thread", "--delete-payloads", environment=aws_environment())
    until(lambda: harness.exists(s3, bucket, "out/a b+ü.png"), "the output")
    until(lambda: not harness.exists(s3, bucket, payload), "the payload is deleted")
    assert harness.depth(sqs, queue) == (0, 0, 0)
    assert engine.stop() == 0
