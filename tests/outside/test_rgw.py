"""A photo's way without AWS: Ceph's RGW, its notification, RabbitMQ, four queues, renditions in RGW. The gateway has an address
of its own, and a certificate of its own authority."""
import pytest

import harness
from harness import until
from rabbitmq import PASSWORD, USER, Cluster
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


@pytest.fixture(scope="module")
def topic(cluster, gateway):
    """A topic of the gateway that publishes to an exchange, which copies each event to four queues."""
    vhost = cluster.make_vhost("photos")
    cluster.make_queues(vhost, *PIPELINES)
    connection = cluster.connect(vhost)
    channel = connection.channel()
    channel.exchange_declare("thumbwheel", "topic", durable=True)
    for name in PIPELINES:
        channel.queue_bind(name, "thumbwheel", "#")
    connection.close()
    return gateway.client("sns").create_topic(Name="thumbwheel", Attributes={
        "push-endpoint": f"amqp://{USER}:{PASSWORD}@{cluster.hosts()}/{vhost}", "amqp-exchange": "thumbwheel", "amqp-ack-level": "broker",
        "persistent": "true"})["TopicArn"]


def test_a_photo_goes_through_ceph_and_rabbitmq_to_its_renditions(cluster, gateway, topic, s3, start, tmp_path):
    """RGW 16 does not encode the keys in its events: the undecoded one is found. It looks for new persistent topics every 30
    seconds, which this test waits for."""
    (tmp_path / "pipelines").mkdir()
    for name in PIPELINES:
        (tmp_path / f"pipelines/{name}.yaml").write_text(pipeline_text(name, cluster.address("photos", name)))
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"TopicConfigurations": [
        {"Id": "photos", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "ingest/"}]}}}]})
    engine = start("run", "--pipelines", tmp_path / "pipelines", environment=harness.aws_environment(
        AWS_ENDPOINT_URL_S3=gateway.tls_endpoint, AWS_CA_BUNDLE=str(gateway.certificate), **cluster.environment()))
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=harness.jpeg(320, 240))
    until(lambda: engine.output().count("job done") == len(PIPELINES), "all four messages are done")
    for name in RENDITIONS:
        made = harness.open_image(harness.fetch(s3, BUCKET, f"{name}/a b+c.jpg"))
        assert (made.format, made.size) == ("JPEG", (64, 48))
    assert s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
    assert engine.stop() == 0
    assert [cluster.depth("photos", name) for name in PIPELINES] == [0] * 4
