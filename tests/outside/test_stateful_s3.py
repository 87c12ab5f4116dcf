"""Random histories of a bucket, by several clients at once and with kills, compared with a model response by response."""
import itertools
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_client
from linear import Linear, at_once, value_of
from s3_model import PART_MIN, S3Model, etag
from stateful import CLIENTS, Phoenix, histories, note_seed

KEYS = ["a", "a/b", "a/b/c", "a/c", "b/", "b b+%", "é/1"]
BODIES = [b"", b"one", b"two two", bytes(40_000)]
LARGE = bytes(PART_MIN)
TAGS = [[], [("a", "1")], [("a", "2"), ("b", "x")]]
UPLOADS = 3
STEPS = 30
_buckets = itertools.count()



class Maker:
    """Makes up operations. Versions and uploads are numbers, which Run.resolve replaces by ids."""

    def __init__(self, random):
        self.random, self.choose = random, random.choice

    def key(self):
        return self.choose(["a", "a", "a/b", "a/b", *KEYS])

    def object(self):
        """A key and a version: the current one, or any that there was."""
        return self.key(), self.choose([None, None, 0, 1, 2, 3, 4])

    def prefix(self):
        return self.choose(["", "a", "a/", "a/b", "b", "é", "x"])

    def put(self):
        return self.key(), self.choose(BODIES), self.choose(TAGS), self.choose([*6 * [None], "If-None-Match", "If-Match", "stale"])

    def get(self):
        return *self.object(), self.choose([None, None, (0, 1), (2, 9), (7, 8)])

    def delete_many(self):
        return (self.random.sample(KEYS, self.choose([1, 2, 3])),)

    def copy(self):
        source, version = self.object()
        return source, version, self.choose([key for key in KEYS if key != source])

    def put_tags(self):
        return *self.object(), self.choose(TAGS)

    head = delete = get_tags = delete_tags = object

    def upload(self):
        return (self.choose(range(UPLOADS)),)

    abort = list_parts = upload

    def create_upload(self):
        return *self.upload(), self.key()

    def upload_part(self):
        return *self.upload(), self.choose([1, 2, 3]), self.choose([b"part", b"other", b"part", LARGE])

    def complete(self):
        return *self.upload(), self.choose(["all", "all", "all", "first", "reversed", "wrong"])

    def list_uploads(self):
        return (self.prefix(),)

    def list(self):
        after = self.choose([None, self.key()])
        return self.prefix(), "" if after else self.choose(["", "/"]), after, self.choose([1, 2, 3, 4])

    def walk(self):
        return self.prefix(), self.choose(["", "/"]), self.choose([1, 2, 3, 4])

    def versions(self):
        return self.prefix(), self.choose([1, 2, 3, 4])

    def set_versioning(self):
        return (self.choose(["Enabled", "Enabled", "Suspended"]),)

    def operation(self, names):
        name = self.choose(names)
        return (name, *getattr(self, name)())

    def step(self):
        if self.random.random() < 0.2:  # several requests, or one that takes effect after some time in AWS
            return [self.operation(["walk", "versions", "set_versioning"])]
        return [self.operation(OPERATIONS) for _ in range(self.choose([1, 2, 2, 3]))]


OPERATIONS = """put put put put put put get get get head delete delete delete_many copy copy put_tags get_tags delete_tags create_upload
    upload_part upload_part upload_part complete complete abort list_parts list_uploads list list""".split()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Phoenix(tmp_path_factory.mktemp("stateful-s3"))
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def sessions(cloud):
    return [s3_client.client(cloud.endpoint) for _ in range(CLIENTS)]


class Run:
    def __init__(self, cloud, sessions):
        self.cloud, self.ids, self.seen = cloud, {}, {}
        self.bucket = f"history-{next(_buckets)}"
        sessions[0].create_bucket(Bucket=self.bucket)
        self.clients = [s3_client.S3Client(s3, self.bucket, self.ids) for s3 in sessions]
        self.linear, self.names = Linear(S3Model()), itertools.count()
        self.uploads = [f"none-{i}" for i in range(UPLOADS)]

    def version(self, key, number):
        """The id of a version that the key has or had."""
        seen = self.seen.get(key)
        return None if number is None or not seen else seen[number % len(seen)]

    def condition(self, key, kind):
        current = self.linear.first.current(key)
        if kind in (None, "If-None-Match"):
            return kind and (kind, "*")
        return "If-Match", current.etag if kind == "If-Match" and current and current.etag else etag(b"stale")

    def parts(self, name, kind):
        parts = self.linear.first.uploads.get(name, (None, {}))[1]
        wanted = [(number, etag(body)) for number, body in sorted(parts.items())] or [(1, etag(b"none"))]
        return {"all": wanted, "first": wanted[:1], "reversed": wanted[::-1],
                "wrong": [(wanted[0][0], etag(b"wrong"))]}[kind]

    def resolve(self, operation):
        """With the ids that the service has made up."""
        name, *rest = operation
        if name == "put":
            rest[3] = self.condition(rest[0], rest[3])
        elif name in ("get", "head", "delete", "copy", "put_tags", "get_tags", "delete_tags"):
            rest[1] = self.version(rest[0], rest[1])
        elif name == "create_upload":
            self.uploads[rest[0]] = rest[0] = f"upload-{next(self.names)}"
        elif name in ("upload_part", "complete", "abort", "list_parts"):
            rest[0] = self.uploads[rest[0]]
            if name == "complete":
                rest[1] = self.parts(rest[0], rest[1])
        return (name, *rest)

    def note(self):
        for key, versions in self.linear.first.keys.items():
            seen = self.seen.setdefault(key, [])
            seen += [i for i in (value_of(v.id) for v in versions) if i and i not in seen]

    def check(self):
        self.step([("versions", "", 3)])
        self.step([("walk", "", "", 3)])
        self.step([("list_uploads", "")])

    def step(self, operations):
        operations = [self.resolve(operation) for operation in operations]
        self.linear.step(at_once(self.clients, operations, lambda client, operation: client.run(operation)))
        self.note()

    def kill_within(self, operations):
        """What was not answered may have happened; the listing tells which."""
        operations = [self.resolve(operation) for operation in operations]
        killer = threading.Thread(target=self.cloud.kill)
        killer.start()
        done = at_once(self.clients, operations, lambda client, operation: client.run(operation))
        killer.join()
        self.cloud.start()
        self.linear.step(done)
        self.check()


@histories(12)
@given(st.integers(0, 2 ** 32 - 1))
def test_a_bucket_answers_as_the_model(cloud, sessions, history):
    maker, run = Maker(random.Random(history)), Run(cloud, sessions)
    note_seed()
    kill = maker.choose([None, None, "between", "within"])
    run.step([("create_upload", number, "a/b") for number in range(UPLOADS)])
    for _ in range(STEPS):
        run.step(maker.step())
    if kill == "between":
        cloud.kill()
        cloud.start()
    elif kill:
        run.kill_within([("put", "a", b"late", [], None), ("delete", "a/b", None), ("copy", "a", None, "a/c")])
    run.check()
