"""A photo's way without AWS: Ceph's RGW, its notification, RabbitMQ, four queues, renditions in RGW, all set up by `provision`.
The gateway has an address of its own, and a certificate of its own authority."""
import json

import pytest

import harness
from rabbitmq import Cluster
from rgw import Gateway

RENDITIONS = ("thumbnail", "web", "mobile")
PIPELINES = (*RENDITIONS, "tags")
BUCKET, KEY = "photos", "ingest/a b+c.jpg"
SECRET = "p@ss/word"


def pipeline_text(name, queue, prefixes="ingest/"):
    head = f'name: {name}\nqueue: "{queue}"\nmatch: {{ prefix: [{prefixes}] }}\n'
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
    return gateway.client("s3")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("rabbitmq"))
    cluster.demand("PUT", "users/store", {"password": SECRET, "tags": ""})
    yield cluster
    cluster.close()


@pytest.fixture
def vhost(cluster, name):
    """RGW declares a queue for the broker's replies, and may write to the exchange, which has the name of the test."""
    vhost = cluster.make_vhost(name)
    cluster.demand("PUT", f"permissions/{vhost}/store", {
        "configure": r"^amq\.gen-.*", "read": r"^amq\.gen-.*", "write": rf"^({name}|amq\.gen-.*)$"})
    return vhost


@pytest.fixture
def provision(cluster, gateway, vhost, name, tmp_path):
    """Runs provision for the pipelines in a folder; what it has changed, by kind and name."""
    secret = tmp_path / "secret"
    (tmp_path / "pipelines").mkdir()

    def run(bucket, endpoint=gateway.tls_endpoint, status=0, password=SECRET):
        secret.write_text(password + "\n")
        done = harness.thumbwheel(
            "provision", "--via", "rabbitmq", "--store", "ceph", "--endpoint", endpoint, "--pipelines", tmp_path / "pipelines",
            "--bucket", bucket, "--name", name, "--broker-api", cluster.api(), "--events-to", f"amqp://store@{cluster.hosts()}/{vhost}",
            "--events-password-file", secret, "--yes", "--json",
            environment=harness.aws_environment(AWS_CA_BUNDLE=str(gateway.certificate), **cluster.environment()))
        assert done.returncode == status, done.stdout + done.stderr
        assert not [text for text in (SECRET, "p%40ss") if text in done.stdout + done.stderr]
        report = json.loads(done.stdout)
        report["stderr"] = done.stderr
        report["changed"] = {f"{one['kind']} {one['name']}": one["action"] for one in report["resources"] if one["action"] != "keep"}
        return report

    return run


def test_the_gateways_topic_and_notification_are_made_once(cluster, gateway, s3, provision, vhost, name, tmp_path):
    """They change with the pipelines and the password; what others have in the bucket stays. A password goes over TLS only."""
    bucket, file = "announced", tmp_path / "pipelines/web.yaml"
    topic, notification = f"topic {name}", f"notification of bucket {bucket}"

    def with_prefixes(prefixes, **options):
        file.write_text(pipeline_text("web", cluster.address(vhost, "web"), prefixes))
        return provision(bucket, **options)

    refused = with_prefixes("in/", endpoint=gateway.endpoint, status=1)
    assert "rgw_allow_notification_secrets_in_cleartext" in refused["stderr"]
    assert with_prefixes("in/")["changed"] == {topic: "create", notification: "create"}
    assert with_prefixes("in/")["changed"] == {}
    theirs = gateway.client("sns").create_topic(Name="theirs")["TopicArn"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [
        {"Id": "theirs", "TopicArn": theirs, "Events": ["s3:ObjectRemoved:*"]}]})
    assert with_prefixes("in/, ex/")["changed"] == {notification: "change"}
    assert with_prefixes("ex/")["changed"] == {notification: "change"}
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    assert {one["Id"]: one["Filter"]["Key"]["FilterRules"] for one in found if one["Id"] != "theirs"} == {
        f"thumbwheel-{name}": [{"Name": "prefix", "Value": "ex/"}]}
    assert "theirs" in [one["Id"] for one in found]
    changed = with_prefixes("ex/", password="another")
    assert changed["changed"] == {topic: "change"}
    [differences] = [one["differences"] for one in changed["resources"] if one["kind"] == "topic"]
    assert differences == {"password": {"is": "another one", "should": "as given"}}
    assert with_prefixes("ex/", password="another")["changed"] == {}


def test_a_photo_goes_through_ceph_and_rabbitmq_to_its_renditions(cluster, gateway, s3, provision, vhost, start, tmp_path):
    """RGW 16 does not encode the keys in its events: the undecoded one is found. It looks for new persistent topics every 30
    seconds, which this test waits for."""
    for name in PIPELINES:
        (tmp_path / f"pipelines/{name}.yaml").write_text(pipeline_text(name, cluster.address(vhost, name)))
    assert provision(BUCKET)["applied"]
    engine = start("run", "--pipelines", tmp_path / "pipelines", environment=harness.aws_environment(
        AWS_ENDPOINT_URL_S3=gateway.tls_endpoint, AWS_CA_BUNDLE=str(gateway.certificate), **cluster.environment()))
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=harness.jpeg(320, 240))
    for name in PIPELINES:
        engine.wait_for(rf"job done .*pipeline={name} ")
    for name in RENDITIONS:
        made = harness.open_image(harness.fetch(s3, BUCKET, f"{name}/a b+c.jpg"))
        assert (made.format, made.size) == ("JPEG", (64, 48))
    assert s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
    assert engine.stop() == 0
    assert [cluster.depth(vhost, name) for name in PIPELINES] == [0] * 4
