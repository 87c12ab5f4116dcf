"""An engine with Ceph's RGW as its store."""
import json

import pytest

import harness
from harness import until
from rgw import Gateway

BUCKET, KEY = "photos", "ingest/a b+c.jpg"
EVENT = {"Records": [{"eventVersion": "2.2", "eventSource": "ceph:s3", "eventName": "ObjectCreated:Put",
                      "s3": {"bucket": {"name": BUCKET}, "object": {"key": KEY, "size": "7000", "sequencer": "95220D6B7AB77C18"}}}]}


def pipeline_text(name, queue):
    head = f'name: {name}\nqueue: "{queue}"\nmatch: {{ bucket: {BUCKET}, prefix: ingest/ }}\n'
    if name == "tags":
        return head + "labels: { labeler: builtin, tags: true }\n"
    return head + f'outputs:\n  - {{ key: "{name}/{{name}}", width: 64, format: jpeg }}\n'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("ceph"))
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def s3(gateway):
    s3 = gateway.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return s3


def test_an_engine_has_ceph_as_its_store(gateway, s3, cloud, start, tmp_path):
    """The store has an endpoint of its own with its own authority. RGW 16 does not encode keys in events: the undecoded
    one is found."""
    (tmp_path / "pipelines").mkdir()
    for name in ("web", "tags"):
        (tmp_path / f"pipelines/{name}.yaml").write_text(pipeline_text(name, f"rgw-{name}"))
        url = harness.make_queue(cloud.client("sqs"), f"rgw-{name}")
        cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(EVENT))
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=harness.jpeg(320, 240))
    engine = start("run", "--pipelines", tmp_path / "pipelines", environment=harness.aws_environment(
        AWS_ENDPOINT_URL_S3=gateway.tls_endpoint, AWS_ENDPOINT_URL_SQS=cloud.endpoint, AWS_CA_BUNDLE=str(gateway.certificate)))
    until(lambda: engine.output().count("job done") == 2, "both messages are done")
    made = harness.open_image(harness.fetch(s3, BUCKET, "web/a b+c.jpg"))
    assert (made.format, made.size) == ("JPEG", (64, 48))
    assert s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
