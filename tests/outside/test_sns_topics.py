"""The embedded cloud's SNS: topics, their attributes, tags and permissions, and FIFO topics."""
import json

import pytest

from harness import ACCOUNT, REGION, aws, error_code, error_message, queue_arn, receive, send_policy


def attributes(sns, arn):
    return sns.get_topic_attributes(TopicArn=arn)["Attributes"]


def test_creating_a_topic_again_requires_the_same_attributes(sns, name):
    made = {"Name": name, "Attributes": {"DisplayName": "one", "FifoTopic": "false"}, "Tags": [{"Key": "a", "Value": "1"}]}
    arn = sns.create_topic(**made)["TopicArn"]
    assert sns.create_topic(**made)["TopicArn"] == arn == sns.create_topic(Name=name)["TopicArn"]
    assert error_message(sns.create_topic, Name=name, Attributes={"DisplayName": "two"}) == \
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    assert error_message(sns.create_topic, Name=name, Tags=[{"Key": "a", "Value": "2"}]) == \
        "Invalid parameter: Tags Reason: Topic already exists with different tags"


def test_topics_are_listed_in_pages(sns, name):
    made = {sns.create_topic(Name=f"{name}-{i:03}")["TopicArn"] for i in range(101)}
    pages = list(sns.get_paginator("list_topics").paginate())
    listed = [topic["TopicArn"] for page in pages for topic in page["Topics"]]
    assert len(pages) > 1 and len(listed) == len(set(listed)) and made <= set(listed)


def test_the_effective_delivery_policy_is_returned(sns, topic):
    policy = json.loads(attributes(sns, topic)["EffectiveDeliveryPolicy"])
    assert policy["http"]["defaultHealthyRetryPolicy"] == {
        "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0, "numNoDelayRetries": 0,
        "numMinDelayRetries": 0, "backoffFunction": "linear"}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(
        {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 2, "numRetries": 5}}}))
    policy = json.loads(attributes(sns, topic)["EffectiveDeliveryPolicy"])
    assert policy["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 5


@pytest.mark.parametrize("attribute, value", [
    ("SignatureVersion", "3"),
    ("DisplayName", "x" * 101), ("Policy", "{"), ("DeliveryPolicy", '{"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 0}}}'),
    ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 101}}}'),
    ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 30}}}'), ("FifoTopic", "true"),
    ("ContentBasedDeduplication", "true"), ("ArchivePolicy", "{}"),
    ("TopicArn", "x"), ("Nothing", "x")])
def test_a_wrong_attribute_is_refused_and_changes_nothing(sns, topic, attribute, value):
    before = attributes(sns, topic)
    assert error_code(sns.set_topic_attributes, TopicArn=topic, AttributeName=attribute, AttributeValue=value) == \
        ("InvalidParameter", 400)
    assert attributes(sns, topic) == before


def test_tags_are_set_changed_and_removed(sns, topic):
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "2"}])
    assert sorted((tag["Key"], tag["Value"]) for tag in sns.list_tags_for_resource(ResourceArn=topic)["Tags"]) == \
        [("a", "2"), ("b", "")]
    sns.untag_resource(ResourceArn=topic, TagKeys=["a", "absent"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": ""}]
    assert error_code(sns.tag_resource, ResourceArn=topic, Tags=[{"Key": "aws:x", "Value": ""}]) == \
        ("InvalidParameter", 400)
    assert error_code(sns.tag_resource, ResourceArn=topic, Tags=[{"Key": f"k{i}", "Value": ""} for i in range(50)]) == \
        ("TagLimitExceeded", 400)
    assert error_code(sns.list_tags_for_resource, ResourceArn=topic + "-absent") == ("ResourceNotFound", 404)


def test_permissions_edit_the_policy(sns, topic):
    sns.add_permission(TopicArn=topic, Label="friends", AWSAccountId=["111122223333", "444455556666"],
                       ActionName=["Publish"])
    statements = json.loads(attributes(sns, topic)["Policy"])["Statement"]
    assert statements[0]["Sid"] == "__default_statement_ID"
    assert statements[1] == {"Sid": "friends", "Effect": "Allow", "Action": "SNS:Publish", "Resource": topic, "Principal": {
        "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]}}
    assert error_code(sns.add_permission, TopicArn=topic, Label="friends", AWSAccountId=["111122223333"],
                      ActionName=["Publish"]) == ("InvalidParameter", 400)
    assert error_message(sns.add_permission, TopicArn=topic, Label="x", AWSAccountId=["111122223333"],
                      ActionName=["Fly"]) == "Invalid parameter: Policy statement action out of service scope!"
    sns.remove_permission(TopicArn=topic, Label="friends")
    assert len(json.loads(attributes(sns, topic)["Policy"])["Statement"]) == 1


def test_missing_resources_are_refused_by_name(sns):
    for call, parameters in [(sns.list_platform_applications, {}), (sns.get_sms_attributes, {}),
                             (sns.list_phone_numbers_opted_out, {}),
                             (sns.publish, {"PhoneNumber": "+15550100", "Message": "x"}),
                             (sns.get_data_protection_policy, {"ResourceArn": "arn:aws:sns:us-east-1:000000000000:t"})]:
        assert error_code(call, **parameters) == ("NotImplemented", 501)


# ---- FIFO ----

@pytest.fixture
def fifo(sns, sqs, name):
    """A FIFO topic with a FIFO queue: (topic, queue's URL)."""
    def make(suffix="", raw="true", scope=None, **more):
        base = f"{name[:40]}{suffix}"
        attributes = {"FifoTopic": "true", **more}
        if scope:
            attributes["FifoThroughputScope"] = scope
        topic = sns.create_topic(Name=f"{base}.fifo", Attributes=attributes)["TopicArn"]
        queue = {"FifoQueue": "true", "Policy": send_policy(f"{base}.fifo", "sns", topic)}
        if scope == "MessageGroup":
            queue |= {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
        url = sqs.create_queue(QueueName=f"{base}.fifo", Attributes=queue)["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(f"{base}.fifo"),
                      Attributes={"RawMessageDelivery": raw})
        return topic, url
    return make


def drain(sqs, url, count):
    """So many messages, each deleted when it has come."""
    got = []
    while len(got) < count:
        message = receive(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        got.append(message)
    return got


def test_a_fifo_topic_keeps_order_groups_and_ids(sns, sqs, fifo):
    topic, url = fifo(raw="false")
    sent = [sns.publish(TopicArn=topic, Message=f"m{i}", MessageGroupId="g", MessageDeduplicationId=f"d{i}")
            for i in range(12)]
    got = drain(sqs, url, 12)
    envelopes = [json.loads(message["Body"]) for message in got]
    assert [envelope["Message"] for envelope in envelopes] == [f"m{i}" for i in range(12)]
    assert [envelope["SequenceNumber"] for envelope in envelopes] == [one["SequenceNumber"] for one in sent]
    numbers = [one["SequenceNumber"] for one in sent]
    assert numbers == sorted(set(numbers)) and all(len(number) == 20 for number in numbers)
    assert got[0]["Attributes"]["MessageGroupId"] == "g" and got[0]["Attributes"]["MessageDeduplicationId"] == "d0"


def test_a_repeat_within_five_minutes_is_the_same_message(sns, sqs, fifo):
    topic, url = fifo(ContentBasedDeduplication="true")
    first = sns.publish(TopicArn=topic, Message="same", MessageGroupId="g")
    again = sns.publish(TopicArn=topic, Message="same", MessageGroupId="g")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    sns.publish(TopicArn=topic, Message="same", MessageGroupId="g", MessageDeduplicationId="own")
    sns.publish(TopicArn=topic, Message="last", MessageGroupId="g")
    assert [message["Body"] for message in drain(sqs, url, 3)] == ["same", "same", "last"]


def test_a_repeat_in_another_group_is_another_message_where_the_topic_says_so(sns, sqs, fifo):
    topic, url = fifo(scope="MessageGroup")
    for group in ["a", "b", "a"]:
        sns.publish(TopicArn=topic, Message=group, MessageGroupId=group, MessageDeduplicationId="d")
    sns.publish(TopicArn=topic, Message="end", MessageGroupId="a", MessageDeduplicationId="e")
    assert sorted(message["Body"] for message in drain(sqs, url, 3)) == ["a", "b", "end"]


def test_required_parameters_of_a_fifo_topic(sns, fifo, topic):
    arn, _ = fifo()
    assert error_message(sns.publish, TopicArn=arn, Message="x", MessageDeduplicationId="d") == \
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    assert error_message(sns.publish, TopicArn=arn, Message="x", MessageGroupId="g") == \
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId " \
        "provided explicitly"
    assert error_code(sns.publish, TopicArn=arn, Message="x", MessageGroupId="a b", MessageDeduplicationId="d") == \
        ("InvalidParameter", 400)
    assert error_code(sns.publish, TopicArn=topic, Message="x", MessageDeduplicationId="d") == ("InvalidParameter", 400)
    assert error_code(sns.subscribe, TopicArn=arn, Protocol="email", Endpoint="a@example.com") == \
        ("InvalidParameter", 400)
    for name, attributes in [("plain", {"FifoTopic": "true"}), ("x.fifo", {}), (".fifo", {"FifoTopic": "true"}),
                             ("plain", {"ContentBasedDeduplication": "true"})]:
        assert error_code(sns.create_topic, Name=name, Attributes=attributes) == ("InvalidParameter", 400)


def test_a_batch_to_a_fifo_topic_is_in_order(sns, sqs, fifo):
    topic, url = fifo()
    entries = [{"Id": str(i), "Message": f"m{i}", "MessageGroupId": "g", "MessageDeduplicationId": f"d{i}"}
               for i in range(10)]
    done = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    numbers = [entry["SequenceNumber"] for entry in done["Successful"]]
    assert len(numbers) == 10 and numbers == sorted(numbers)
    assert [message["Body"] for message in drain(sqs, url, 10)] == [f"m{i}" for i in range(10)]


def test_the_deduplication_window_survives_a_restart(start_cloud, idle_pipelines):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}])
    sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true", "Policy": send_policy("q.fifo", "sns", topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q.fifo"), Attributes={"RawMessageDelivery": "true"})
    first = sns.publish(TopicArn=topic, Message="one", MessageGroupId="g", MessageDeduplicationId="d")
    cloud.kill()
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    again = sns.publish(TopicArn=topic, Message="one", MessageGroupId="g", MessageDeduplicationId="d")
    other = sns.publish(TopicArn=topic, Message="two", MessageGroupId="g", MessageDeduplicationId="e")
    assert again["MessageId"] == first["MessageId"] and again["SequenceNumber"] == first["SequenceNumber"]
    assert other["SequenceNumber"] > first["SequenceNumber"]
    url = sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
    assert [message["Body"] for message in drain(sqs, url, 2)] == ["one", "two"]
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_a_fifo_queue_cannot_subscribe_to_a_standard_topic(sns, sqs, topic, name):
    sqs.create_queue(QueueName=f"{name[:60]}.fifo", Attributes={"FifoQueue": "true"})
    assert error_message(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(f"{name[:60]}.fifo")) == \
        "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS " \
        "topics"


def test_the_aws_cli_creates_tags_and_describes(cloud, name):
    topic = aws(cloud.endpoint, "sns", "create-topic", "--name", name, "--tags", "Key=a,Value=1")["TopicArn"]
    assert topic == f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    aws(cloud.endpoint, "sns", "add-permission", "--topic-arn", topic, "--label", "l", "--aws-account-id", "111122223333",
        "--action-name", "Publish")
    assert aws(cloud.endpoint, "sns", "list-tags-for-resource", "--resource-arn", topic)["Tags"] == [{"Key": "a", "Value": "1"}]
    told = aws(cloud.endpoint, "sns", "get-topic-attributes", "--topic-arn", topic)["Attributes"]
    assert len(json.loads(told["Policy"])["Statement"]) == 2
