"""Several engines on one cloud, as in a cluster: they are killed, stopped and added while photos arrive.

Delivery is at least once: a message whose engine is killed is received again by another, which stores the same renditions again.
So "exactly once" means that each rendition exists under its key and no other, that all its versions have the same content, that a
second version comes only from a message that was received again, and that no message is left.
"""
import collections
import json
import re
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageColor

import harness
from harness import depth, fetch, make_queue, open_image, until
from metadata import jwt

SOURCE, OUT, QUEUES = "fleet", "fleet-out", ("fleet-small", "fleet-wide")
VISIBILITY_S = 8  # for so long the messages of a killed engine stay hidden
ENGINES, ROUNDS, PHOTOS = 4, 2, 24  # photos of a round
WORK = re.compile('"state":"(fetching|rendering|storing)"')
SIZES = {"small/{}.jpg": (16, 12), "small/{}.png": (8, 6), "wide/{}.jpg": (40, 20)}
PIPELINES = {"fleet-small": "outputs:\n"
                            f"  - {{ bucket: {OUT}, key: 'small/{{stem}}.jpg', width: 16, format: jpeg }}\n"
                            f"  - {{ bucket: {OUT}, key: 'small/{{stem}}.png', width: 8, format: png }}\n",
             "fleet-wide": f"outputs:\n  - {{ bucket: {OUT}, key: 'wide/{{stem}}.jpg', width: 40, height: 20, fit: fill, format: jpeg }}\n"}


def colour(number):
    """Each photo has its own."""
    return ImageColor.getrgb(f"hsl({number * 47 % 360}, {40 + number % 3 * 25}%, {30 + number % 5 * 10}%)")


def photo(number):
    out = harness.io.BytesIO()
    Image.new("RGB", (64, 48), colour(number)).save(out, "JPEG", quality=95)
    return out.getvalue()


class Fleet:
    def __init__(self, start, folder):
        self.start, self.folder, self.running, self.gone, self.sent = start, folder, [], [], 0
        for queue, outputs in PIPELINES.items():
            (folder / f"{queue}.yaml").write_text(f"name: {queue}\nqueue: {queue}\nmatch: {{ bucket: {SOURCE}, prefix: ingest/ }}\n{outputs}")
        cloud = start("local", "--cloud-only", "--port", "0", "--data", folder / "data", "--session-lifetime", "10s")
        self.endpoint = cloud.wait_for(r"Endpoint: +(https?://\S+:\d+)").group(1)
        cloud.wait_for("Serving")
        (folder / "token").write_text(jwt())
        self.s3, self.sqs = (harness.client(self.endpoint, service, max_pool_connections=8) for service in ("s3", "sqs"))
        for bucket in (SOURCE, OUT):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=OUT, VersioningConfiguration={"Status": "Enabled"})
        self.urls = [make_queue(self.sqs, queue, receives=100, visibility=VISIBILITY_S) for queue in QUEUES]

    def add(self):
        arguments = [each for queue in QUEUES for each in ("--pipelines", self.folder / f"{queue}.yaml")]
        self.running.append(self.start("run", *arguments, "--endpoint", self.endpoint, "--wait", "1s", "--workers", "1", "--isolation", "thread",
                                       "--log-level", "debug", "--log-format", "json", environment=harness.role_environment(self.folder / "token")))

    def send(self, number):
        self.s3.put_object(Bucket=SOURCE, Key=f"ingest/{number}.jpg", Body=photo(number))
        for url in self.urls:
            self.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": SOURCE, "key": f"ingest/{number}.jpg"}))

    def send_a_round(self, senders):
        numbers = range(self.sent, self.sent + PHOTOS)
        self.sent += PHOTOS
        return senders.map(self.send, numbers)

    def remove(self, engine):
        self.running.remove(engine)
        self.gone.append(engine)

    def kill_at_work(self, seen):
        """The first that has begun something since it had written so many lines."""
        def at_work():
            return next((engine for engine in self.running if any(WORK.search(line) for line in engine.lines[seen.get(engine, 0):])), None)
        engine = until(at_work, "an engine works")
        engine.kill()
        self.remove(engine)

    def stop(self, engine):
        engine.wait_for("engine started")  # before that, SIGTERM ends it at once
        assert engine.stop() == 0, engine.output()
        self.remove(engine)

    def left(self):
        return [depth(self.sqs, url) for url in self.urls if depth(self.sqs, url) != (0, 0, 0)]

    def versions(self):
        """By key, the ETags of all versions in the bucket of the renditions."""
        found = collections.defaultdict(list)
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=OUT):
            assert not page.get("DeleteMarkers")
            for version in page.get("Versions", []):
                found[version["Key"]].append(version["ETag"])
        return found

    def receives(self):
        """How many messages were received, and how many different ones."""
        lines = [line for engine in self.running + self.gone for line in engine.lines if '"state":"matching"' in line]
        return len(lines), len({re.search(r'"job":"([^"]+)"', line).group(1) for line in lines})


def assert_right(content, key, number, size):
    image = open_image(content).convert("RGB")
    assert image.size == size, key
    assert all(abs(a - b) < 12 for a, b in zip(image.getpixel((3, 3)), colour(number))), key


def test_every_rendition_is_made_exactly_once_while_engines_come_and_go(start, tmp_path):
    fleet = Fleet(start, tmp_path)
    for _ in range(ENGINES):
        fleet.add()
    for engine in fleet.running:
        engine.wait_for("engine started")
    with ThreadPoolExecutor(4) as senders:
        for _ in range(ROUNDS):
            seen = {engine: len(engine.lines) for engine in fleet.running}
            sending = fleet.send_a_round(senders)
            fleet.kill_at_work(seen)
            fleet.add()
            fleet.stop(fleet.running[0])
            fleet.add()
            list(sending)
    until(lambda: not fleet.left(), "all queues are empty")
    versions = fleet.versions()
    wanted = {template.format(number): (number, size) for number in range(fleet.sent) for template, size in SIZES.items()}
    assert set(versions) == set(wanted)
    for key, (number, size) in wanted.items():
        assert len(set(versions[key])) == 1, key
        assert_right(fetch(fleet.s3, OUT, key), key, number, size)
    assert [depth(fleet.sqs, f"{url}-dlq") for url in fleet.urls] == [(0, 0, 0)] * len(QUEUES)
    for engine in list(fleet.running):
        fleet.stop(engine)
    received, messages = fleet.receives()
    assert messages == fleet.sent * len(QUEUES)
    again = sum(len(etags) - 1 for etags in versions.values())
    assert again <= 2 * (received - messages)  # a message has at most two renditions
