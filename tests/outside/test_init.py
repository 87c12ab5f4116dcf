"""`thumbwheel local --init FILE`: what the embedded cloud has after its start."""
import json
import re

import pytest
import yaml

import harness
from harness import ACCOUNT, REGION, ROOT, queue_arn, thumbwheel

EXAMPLE = ROOT / "deploy" / "local-init.yaml"


def arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


@pytest.fixture
def start_init(start_cloud, idle_pipelines, tmp_path):
    """Starts the embedded cloud with an init file, given as text."""
    def begin(text, name="init.yaml"):
        (tmp_path / name).write_text(text)
        cloud = start_cloud("--pipelines", idle_pipelines, "--init", tmp_path / name)
        cloud.wait_for("Serving")
        return cloud

    return begin


def attributes(sqs, name):
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def state(cloud):
    """Everything that the example creates, as the clients see it."""
    s3, sqs, sns, events = (cloud.client(service) for service in ("s3", "sqs", "sns", "events"))
    subscription = sns.list_subscriptions_by_topic(TopicArn=arn("sns", "changes"))["Subscriptions"]
    assert len(subscription) == 1
    times = ("CreatedTimestamp", "LastModifiedTimestamp")
    found = {
        "versioning": s3.get_bucket_versioning(Bucket="uploads")["Status"],
        "tags": s3.get_bucket_tagging(Bucket="uploads")["TagSet"],
        "cors": s3.get_bucket_cors(Bucket="uploads")["CORSRules"],
        "policy": json.loads(s3.get_bucket_policy(Bucket="uploads")["Policy"]),
        "notifications": s3.get_bucket_notification_configuration(Bucket="uploads"),
        "queue": {name: value for name, value in attributes(sqs, "arrivals").items() if name not in times},
        "queue tags": sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName="arrivals")["QueueUrl"])["Tags"],
        "fifo": attributes(sqs, "orders.fifo")["ContentBasedDeduplication"],
        "topic": sns.get_topic_attributes(TopicArn=arn("sns", "changes"))["Attributes"],
        "topic tags": sns.list_tags_for_resource(ResourceArn=arn("sns", "changes"))["Tags"],
        "subscription": sns.get_subscription_attributes(SubscriptionArn=subscription[0]["SubscriptionArn"])["Attributes"],
        "bus tags": events.list_tags_for_resource(ResourceARN=arn("events", "event-bus/orders"))["Tags"],
        "rule": events.describe_rule(Name="paid", EventBusName="orders"),
        "targets": events.list_targets_by_rule(Rule="paid", EventBusName="orders")["Targets"],
    }
    for part in found.values():
        part.pop("ResponseMetadata", None) if isinstance(part, dict) else None
    return found


def test_the_example_is_created_and_works(start_init):
    cloud = start_init(EXAMPLE.read_text())
    found = state(cloud)
    assert found["versioning"] == "Enabled" and found["tags"] == [{"Key": "project", "Value": "album"}]
    assert found["cors"] == [{"AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"],
                              "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600}]
    assert found["policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::uploads/public/*"
    assert json.loads(found["queue"]["RedrivePolicy"]) == {"deadLetterTargetArn": queue_arn("arrivals-dlq"), "maxReceiveCount": 5}
    assert found["queue"]["VisibilityTimeout"] == "60" and found["queue tags"] == {"team": "photos"} and found["fifo"] == "true"
    assert found["topic"]["DisplayName"] == "Changes" and found["topic tags"] == [{"Key": "team", "Value": "photos"}]
    assert found["subscription"]["RawMessageDelivery"] == "true"
    assert json.loads(found["subscription"]["FilterPolicy"]) == {"kind": ["photo", {"prefix": "v"}]}
    assert found["rule"]["State"] == "ENABLED" and found["rule"]["EventBusName"] == "orders"
    assert found["targets"] == [{"Id": "arrivals", "Arn": queue_arn("arrivals"), "InputPath": "$.detail"}]
    assert "EventBridgeConfiguration" in found["notifications"]
    s3, sqs, events = cloud.client("s3"), cloud.client("sqs"), cloud.client("events")
    url = sqs.get_queue_url(QueueName="arrivals")["QueueUrl"]
    events.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": '{"state": "paid"}', "EventBusName": "orders"}])
    s3.put_object(Bucket="uploads", Key="ingest/a.jpg", Body=b"x")
    bodies = []
    while not any("Records" in body for body in bodies) or {"state": "paid"} not in bodies:
        message = harness.receive(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        bodies.append(json.loads(message["Body"]))
    record = next(body["Records"][0] for body in bodies if "Records" in body)
    assert record["s3"]["object"]["key"] == "ingest/a.jpg"


def test_json_means_the_same(start_init):
    cloud = start_init(EXAMPLE.read_text())
    first = state(cloud)
    cloud.stop()
    as_json = json.dumps(yaml.safe_load(EXAMPLE.read_text()), indent="\t")
    assert state(start_init(as_json, "init.json")) == first  # on the same data: nothing is doubled or refused


def test_each_start_makes_the_settings_those_of_the_file_again(start_init):
    cloud = start_init(EXAMPLE.read_text())
    first = state(cloud)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.put_object(Bucket="uploads", Key="k", Body=b"kept")
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Suspended"})
    url = sqs.get_queue_url(QueueName="arrivals")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    cloud.client("events").delete_event_bus(Name="absent")
    cloud.stop()
    cloud = start_init(EXAMPLE.read_text())
    assert state(cloud) == first
    assert harness.fetch(cloud.client("s3"), "uploads", "k") == b"kept"


def test_a_file_for_the_bucket_of_the_photos_keeps_the_pipelines_working(start_cloud, tmp_path):
    (tmp_path / "init.yaml").write_text(
        "buckets:\n  - { name: photos, notifications: [{ queue: mine, events: ['s3:ObjectTagging:*'] }] }\n"
        "queues:\n  - { name: mine, allow: [s3] }\n")
    for _ in range(2):
        cloud = start_cloud("--init", tmp_path / "init.yaml")
        cloud.wait_for("Serving")
        cloud.client("s3").put_object_tagging(Bucket="photos", Key="ingest/warm-up.jpg", Tagging={"TagSet": []})
        assert "thumbnail/Thumbnail-warm-up.jpg" in [
            item["Key"] for item in cloud.client("s3").list_objects_v2(Bucket="photos")["Contents"]]
        sqs = cloud.client("sqs")
        bodies = []
        while not any("Records" in body for body in bodies):
            message = harness.receive(sqs, sqs.get_queue_url(QueueName="mine")["QueueUrl"])
            sqs.delete_message(QueueUrl=sqs.get_queue_url(QueueName="mine")["QueueUrl"], ReceiptHandle=message["ReceiptHandle"])
            bodies.append(json.loads(message["Body"]))
        cloud.stop()


@pytest.mark.parametrize("text, line", [
    ("queues:\n  - nam: a\n", '2:5: queues[0].nam: unknown key; did you mean "name"?'),
    ("queues:\n  - nam: a\n", "2:5: queues[0].name: must be given"),
    ("queue: []\n", '1:1: queue: unknown key; did you mean "queues"?'),
    ("queues: a\n", '1:9: queues: must be a list, not "a"'),
    ("queues:\n  - name: [a]\n", "2:11: queues[0].name: must be a string, not a list"),
    ("buckets:\n  - name: a\n    versioning: 1\n", '3:17: buckets[0].versioning: must be true or false, not "1"'),
    ("queues:\n  - name: a\n    allow: [s3, ec2]\n", '3:17: queues[0].allow[1]: must be s3, sns or events, not "ec2"'),
    ("queues:\n  - name: a\n    allow: [s3]\n    policy: {}\n", "2:5: queues[0]: must have at most one of allow, policy"),
    ("subscriptions:\n  - topic: t\n", "2:5: subscriptions[0]: must have exactly one of queue, url, email"),
    ("rules:\n  - name: r\n    pattern: '{'\n", "3:14: rules[0].pattern: must be a map, or a string with JSON"),
    ("queues:\n  - name: a\n    name: b\n", "3:5: name: defined twice"),
    ("queues: [\n", "not valid YAML"),
    ('{"queues": [{"name": "a", "tags": {"a": [1]}}]}', "1:41: queues[0].tags.a: must be a string, not a list"),
    ("", "1:1: the file is empty"),
    # what only the services know
    ("buckets:\n  - name: A_b\n", "2:5: buckets[0]: S3 CreateBucket"),
    ("queues:\n  - name: a\n    attributes: { VisibilityTimeout: 99999 }\n", "3:5: queues[0].attributes: SQS SetQueueAttributes"),
    ("queues:\n  - name: a\n    attributes: { Wrong: 1 }\n", "Unknown Attribute Wrong"),
    ("topics:\n  - name: a\n    attributes: { Wrong: 1 }\n", "3:5: topics[0].attributes: SNS SetTopicAttributes"),
    ("rules:\n  - name: r\n    pattern: { source: x }\n", "2:5: rules[0]: EventBridge PutRule"),
    ("rules:\n  - name: r\n    pattern: { source: [x] }\n    targets: [{ queue: q.fifo }]\n", "4:5: rules[0].targets: EventBridge PutTargets"),
    ("buckets:\n  - name: bucket\n    notifications: [{ queue: none, events: ['s3:ObjectCreated:*'] }]\n",
     "3:5: buckets[0].notifications: S3 PutBucketNotificationConfiguration"),
])
def test_an_error_names_the_place_and_the_key(tmp_path, text, line):
    file = tmp_path / "init.yaml"
    file.write_text(text)
    done = thumbwheel("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", "--init", file)
    assert done.returncode == 2, done.stderr
    assert f"thumbwheel: {file}:" in done.stderr and line in done.stderr


def test_the_documentation_has_the_example_and_every_key():
    page = (ROOT / "docs/embedded-cloud.md").read_text()
    assert "```yaml\n" + EXAMPLE.read_text().split("\n", 1)[1] + "```" in page
    keys = set(re.findall(r'\.name = "(\w+)"', (ROOT / "engine/init/init_schema.c").read_text()))
    section = page.partition("## Resources at the start")[2].partition("\n## ")[0]
    assert len(keys) > 30 and keys == {key for key in keys if f"`{key}`" in section}


def test_all_errors_of_a_file_are_reported(tmp_path):
    file = tmp_path / "init.yaml"
    file.write_text("queues:\n  - nam: a\ntopics: a\n")
    done = thumbwheel("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", "--init", file)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 3
    done = thumbwheel("local", "--cloud-only", "--data", tmp_path / "data", "--init", tmp_path / "none.yaml")
    assert done.returncode == 2 and "none.yaml" in done.stderr
