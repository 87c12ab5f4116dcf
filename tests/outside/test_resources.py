"""What becomes of the embedded cloud, and of the engine's work, when the machine runs out of something."""
import json
import os
import random
import socket
import subprocess
import time
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

import harness
from harness import aws_environment, depth, fetch, jpeg, make_queue, open_image, until

DISK_BYTES, BALLAST_BYTES = 24 << 20, 8 << 20
PIPELINE = """name: full
queue: full
match: { bucket: full, prefix: in/ }
outputs:
  - { key: "out/{name}", width: 64, format: jpeg }
"""


# ---- a full disk ----

@pytest.fixture
def disk(tmp_path):
    """A data directory on a small file system of its own."""
    data = tmp_path / "data"
    data.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", data]).returncode:
        pytest.skip("only root may mount a small file system")
    yield data
    subprocess.run(["umount", "-l", data], check=True)


class Load:
    """What a cloud acknowledged, and what it refused."""

    def __init__(self, cloud):
        self.random = random.Random(1)
        self.objects, self.messages, self.refused, self.errors = {}, set(), set(), set()
        self.connect(cloud)

    def connect(self, cloud):
        self.s3, self.sqs = cloud.client("s3"), cloud.client("sqs")

    def attempt(self, call, **parameters):
        try:
            call(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            self.errors.add((error.operation_name, error.response["Error"]["Code"], status))
            return False
        return True

    def put(self, size):
        key, body = f"{size}-{self.random.random()}", self.random.randbytes(size)
        if not self.attempt(self.s3.put_object, Bucket="full", Key=key, Body=body):
            self.refused.add(key)
            return False
        self.objects[key] = body
        return True

    def send(self, size):
        body = f"{self.random.random()} ".ljust(size, "x")
        if not self.attempt(self.sqs.send_message, QueueUrl=self.url, MessageBody=body):
            return False
        self.messages.add(body)
        return True

    def fill(self):
        """Until nothing of any size fits any more: files first, then what goes into the database."""
        for size in (400_000, 30_000):
            while self.put(size):
                pass
        for size in (100_000, 3_000, 10):
            while self.send(size):
                pass
        while self.put(2_000):
            pass

    def check_objects(self):
        listed = set()
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="full"):
            listed |= {item["Key"] for item in page.get("Contents", [])}
        assert listed >= set(self.objects) and not listed & self.refused
        for key, body in self.objects.items():
            assert fetch(self.s3, "full", key) == body, key

    def check_messages(self):
        """All that were acknowledged, each once, and none that was refused."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10,
                                                   VisibilityTimeout=600).get("Messages"):
            found += [message["Body"] for message in messages]
        assert sorted(found) == sorted(self.messages)


@pytest.fixture
def load(disk, start_cloud):
    """A cloud on the small disk, which holds something to throw away."""
    (disk / "ballast").write_bytes(bytes(BALLAST_BYTES))
    cloud = start_cloud("--cloud-only", "--log-level", "warn", photos=())
    cloud.wait_for("Serving")
    load = Load(cloud)
    load.cloud = cloud
    load.s3.create_bucket(Bucket="full")
    load.url = make_queue(load.sqs, "messages", visibility=0)
    return load


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(load, disk, start_cloud):
    load.fill()
    assert load.errors == {("PutObject", "InternalError", 500), ("SendMessage", "InternalFailure", 500)}
    assert "disk that holds" in load.cloud.output() and "is full: free some space" in load.cloud.output()
    load.check_objects()
    (disk / "ballast").unlink()
    assert load.put(400_000) and load.put(2_000) and load.send(100_000), "there is room again, without a restart"
    load.check_objects()
    load.cloud.kill()
    load.connect(start_cloud("--cloud-only", photos=()))
    load.check_objects()
    load.check_messages()


def test_a_cloud_that_is_killed_on_a_full_disk_has_everything_when_there_is_room(load, disk, start_cloud):
    load.fill()
    load.cloud.kill()
    again = harness.thumbwheel("local", "--cloud-only", "--port", "0", "--data", disk)
    assert again.returncode == 1 and "is full: free some space" in again.stderr
    (disk / "ballast").unlink()
    cloud = start_cloud("--cloud-only", photos=())
    cloud.wait_for("Serving")
    load.connect(cloud)
    load.check_objects()
    load.check_messages()
    assert load.put(400_000) and load.send(100_000)
    assert cloud.stop() == 0, cloud.output()
    found = harness.leftovers(disk)
    assert not any(found.values()), found


def test_work_on_a_full_disk_is_done_when_there_is_room(load, disk, start, tmp_path):
    """The engine's renditions don't fit: its messages wait, and none becomes a dead letter."""
    url = make_queue(load.sqs, "full", receives=1000, visibility=3)
    (tmp_path / "full.yaml").write_text(PIPELINE)
    load.s3.put_object(Bucket="full", Key="in/photo.jpg", Body=jpeg(900, 700))
    load.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "full", "key": "in/photo.jpg"}))
    load.fill()
    engine = start("run", "--pipelines", tmp_path / "full.yaml", "--endpoint", load.cloud.endpoint, "--wait", "1s",
                   environment=aws_environment())
    until(lambda: [line for line in load.cloud.requests("PutObject", key="out/photo.jpg") if line["status"] == 500]
          or "out/photo.jpg" in load.cloud.output(), "the rendition was refused")
    assert engine.running()
    (disk / "ballast").unlink()
    until(lambda: depth(load.sqs, url) == (0, 0, 0), "the message is done with")
    assert open_image(fetch(load.s3, "full", "out/photo.jpg")).size == (64, 50)
    assert depth(load.sqs, f"{url}-dlq") == (0, 0, 0)
    assert engine.stop() == 0


# ---- no more descriptors ----

DESCRIPTORS = 64


def cpu_seconds(process):
    fields = open(f"/proc/{process.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_descriptors_peers_wait_and_are_served_later(start_cloud):
    cloud = start_cloud("--cloud-only", "--log-level", "warn", photos=(),
                        under=["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"])
    cloud.wait_for("Serving")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="files")
    s3.put_object(Bucket="files", Key="large", Body=bytes(100_000))
    peers = [socket.create_connection(("127.0.0.1", urlsplit(cloud.endpoint).port)) for _ in range(2 * DESCRIPTORS)]
    cloud.wait_for("cannot accept connections for now")
    # Who is connected is served, files included.
    assert fetch(s3, "files", "large") == bytes(100_000)
    s3.put_object(Bucket="files", Key="another", Body=bytes(50_000))
    before = cpu_seconds(cloud)
    time.sleep(2)  # what is measured is that nothing happens
    assert cpu_seconds(cloud) - before < 0.5, "it spins"
    assert cloud.output().count("cannot accept connections for now") == 1
    for peer in peers:
        peer.close()
    later = cloud.client("s3")
    assert fetch(later, "files", "another") == bytes(50_000)
    assert cloud.stop() == 0, cloud.output()
