"""Where S3 requests go: buckets in other regions, false answers about them, access points, and Requester Pays.

A fake S3 on loopback stands for all regions: it accepts a request only if it is signed for the region of its bucket.
"""
import hashlib
import json

import pytest

import harness
from harness import jpeg, make_queue, until
from metadata import Fake

PIPELINE = """name: small
queue: regions
match: { prefix: in/ }
outputs:
  - { key: "out/{bucket}-{name}", width: 8, format: jpeg }
  - { key: "copy/{bucket}-{name}", width: 8, format: jpeg, bucket: "arn:aws:s3:eu-west-3:123456789012:accesspoint/cats" }
"""
HOME, AWAY = "us-east-1", "eu-west-2"
POINT = "cats-123456789012.localhost"


def region_of(request):
    return request.headers["Authorization"].split("Credential=")[1].split("/")[2]


class S3:
    """Buckets by name: moved-STATUS is elsewhere; the others lie, and never have an object."""

    def __init__(self, trap):
        self.trap, self.photo = trap, jpeg(16, 12)
        self.told = {"moved-301": AWAY, "moved-307": AWAY, "moved-400": AWAY, "false-name": trap.url.removeprefix("http://") + "/",
                     "false-host": f"{AWAY}.example.org", "same": HOME}

    def elsewhere(self, bucket, region):
        headers = {"Location": f"{self.trap.url}/stolen"} | ({"x-amz-bucket-region": region} if region else {})
        status = int(bucket[6:]) if bucket.startswith("moved-") else 301
        return status, "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>", headers

    def __call__(self, request):
        region, bucket = region_of(request), request.path.split("/")[1]
        if request.headers["Host"].startswith(POINT):
            return (200, "", etag(request.content)) if region == "eu-west-3" else (400, "")
        if bucket == "bouncing":
            return self.elsewhere(bucket, AWAY if region == HOME else HOME)
        if not (bucket.startswith("moved-") and region == AWAY):
            return self.elsewhere(bucket, self.told.get(bucket))
        return (200, "", etag(request.content)) if request.command == "PUT" else (200, self.photo, etag(self.photo))


def etag(body):
    return {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}


@pytest.fixture(scope="module")
def trap():
    fake = Fake(lambda request: (200, "caught"))
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def store(trap):
    fake = Fake(S3(trap))
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def send(cloud, store, tmp_path_factory):
    """An engine whose queues are in the embedded cloud, and whose objects are in the fake. Sends the key of a photo."""
    folder = tmp_path_factory.mktemp("regions")
    (folder / "small.yaml").write_text(PIPELINE)
    queue = make_queue(cloud.client("sqs"), "regions")
    engine = harness.Process("run", "--pipelines", folder, "--wait", "1s", "--backoff", "1s", "--requester-pays",
                             environment=harness.aws_environment(AWS_ENDPOINT_URL_S3=store.url.replace("127.0.0.1", "localhost"),
                                                                 AWS_ENDPOINT_URL_SQS=cloud.endpoint))
    engine.wait_for("engine started")

    def begin(bucket, name="a.jpg"):
        cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps({"bucket": bucket, "key": f"in/{name}"}))

    yield begin
    engine.stop()
    harness.assert_healthy(engine.output())


def made(store, method, start):
    """The requests with this method whose path begins so."""
    return [request for request in store.requests if request.command == method and request.path.startswith(start)]


@pytest.mark.parametrize("bucket", ["moved-301", "moved-307", "moved-400"])
def test_the_region_of_a_bucket_is_learned_once_and_no_location_is_followed(send, store, trap, bucket):
    for name in ("a.jpg", "b.jpg"):
        send(bucket, name)
        until(lambda: made(store, "PUT", f"/{bucket}/out/{bucket}-{name}"), f"the output of {name}")
    assert [region_of(request) for request in made(store, "GET", f"/{bucket}/")] == [HOME, AWAY, AWAY]
    assert [region_of(request) for request in made(store, "PUT", f"/{bucket}/")] == [AWAY, AWAY]
    assert not trap.requests


def test_a_false_region_is_not_followed_and_a_loop_ends(send, store, trap):
    """Each message is tried again later, with the same requests as at first."""
    rounds = {"false-name": [HOME], "false-host": [HOME], "same": [HOME], "silent": [HOME], "bouncing": [HOME, AWAY]}
    for bucket in rounds:
        send(bucket)
    for bucket, regions in rounds.items():
        until(lambda: len(made(store, "GET", f"/{bucket}/")) >= 2 * len(regions), f"two rounds of {bucket}")
        assert [region_of(request) for request in made(store, "GET", f"/{bucket}/")][:2 * len(regions)] == 2 * regions
    assert not trap.requests


def test_an_output_goes_through_an_access_point_in_its_own_region(send, store):
    send("moved-301", "c.jpg")
    until(lambda: made(store, "PUT", "/copy/moved-301-c.jpg"), "the output through the access point")
    request = made(store, "PUT", "/copy/moved-301-c.jpg")[-1]
    assert request.headers["Host"].startswith(POINT + ":") and region_of(request) == "eu-west-3"


def test_every_request_says_that_the_requester_pays(send, store):
    send("moved-301", "d.jpg")
    until(lambda: made(store, "PUT", "/moved-301/out/moved-301-d.jpg"), "the output")
    assert {request.headers["x-amz-request-payer"] for request in store.requests} == {"requester"}
