"""A photo's way without AWS: Ceph's RGW, its notification, RabbitMQ, four queues, renditions in RGW. The gateway has an address
of its own, and a certificate of its own authority."""
import pytest

import harness
from harness import until
from rabbitmq import Cluster
from rgw import Gateway

RENDITIONS = ("thumbnail", "web", "mobile")
PIPELINES = (*RENDITIONS, "tags")
BUCKET, KEY = "photos", "ingest/a b+c.jpg"


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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("rabbitmq"))
    yield cluster
    cluster.close()


def test_a_photo_goes_through_ceph_and_rabbitmq_to_its_renditions(cluster, gateway, s3, start, tmp_path):
    """RGW 16 does not encode the keys in its events: the undecoded one is found. It looks for new persistent topics every 30
    seconds, which this test waits for."""
    vhost, pipelines = cluster.make_vhost("photos"), tmp_path / "pipelines"
    pipelines.mkdir()
    for name in PIPELINES:
        (pipelines / f"{name}.yaml").write_text(pipeline_text(name, cluster.address(vhost, name)))
    environment = harness.aws_environment(gateway.tls_endpoint, AWS_CA_BUNDLE=str(gateway.certificate), **cluster.environment())
    done = harness.thumbwheel("provision", "--via", "rabbitmq", "--store", "ceph", "--pipelines", pipelines, "--bucket", BUCKET, "--yes",
                              "--broker-api", cluster.api(), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    engine = start("run", "--pipelines", pipelines, environment=environment)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=harness.jpeg(320, 240))
    until(lambda: engine.output().count("job done") == len(PIPELINES), "all four messages are done")
    for name in RENDITIONS:
        made = harness.open_image(harness.fetch(s3, BUCKET, f"{name}/a b+c.jpg"))
        assert (made.format, made.size) == ("JPEG", (64, 48))
    assert s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
    assert engine.stop() == 0
    assert [cluster.depth(vhost, name) for name in PIPELINES] == [0] * 4
