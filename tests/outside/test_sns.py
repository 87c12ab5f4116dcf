"""The embedded cloud's SNS: topics, subscriptions, and the messages that queues receive."""
import datetime
import json

import pytest

from harness import (ACCOUNT, REGION, aws, client, depth, error_code, make_queue, queue_arn, receive, send_policy)


def topic_arn(name):
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


@pytest.fixture
def subscribe(sns, sqs, topic):
    """Subscribes a new queue to the topic; returns the queue's URL and the subscription's ARN."""
    def make(name, **attributes):
        url = make_queue(sqs, name)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "sns", topic)})
        arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes=attributes,
                            ReturnSubscriptionArn=True)["SubscriptionArn"]
        return url, arn
    return make


def test_a_topic_is_made_listed_and_deleted(sns, name):
    arn = sns.create_topic(Name=name)["TopicArn"]
    assert arn == topic_arn(name) == sns.create_topic(Name=name)["TopicArn"]
    assert arn in [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["TopicArn"] == arn
    sns.delete_topic(TopicArn=arn)
    assert error_code(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", 404)


@pytest.mark.parametrize("wrong", ["a b", "x" * 257, "dot.ted"])
def test_a_wrong_topic_name_is_refused(sns, wrong):
    assert error_code(sns.create_topic, Name=wrong) == ("InvalidParameter", 400)


def test_an_enveloped_delivery_names_its_topic(sns, sqs, topic, subscribe, name):
    url, subscription = subscribe(name)
    text = {"DataType": "String", "StringValue": "v"}
    sent = sns.publish(TopicArn=topic, Message='{"a": "Ω\\n"}', Subject="A subject", MessageAttributes={"attr": text})
    message = receive(sqs, url)
    envelope = json.loads(message["Body"])
    assert envelope["Type"] == "Notification" and envelope["MessageId"] == sent["MessageId"]
    assert envelope["TopicArn"] == topic and envelope["Subject"] == "A subject"
    assert envelope["Message"] == '{"a": "Ω\\n"}'
    assert envelope["MessageAttributes"] == {"attr": {"Type": "String", "Value": "v"}}
    assert subscription in envelope["UnsubscribeURL"]
    datetime.datetime.strptime(envelope["Timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert "MessageAttributes" not in message


def test_a_raw_delivery_is_the_message_alone(sns, sqs, topic, subscribe, name):
    url, _ = subscribe(name, RawMessageDelivery="true")
    attribute = {"DataType": "String", "StringValue": "v"}
    sns.publish(TopicArn=topic, Message="bare Ω", MessageAttributes={"attr": attribute})
    message = receive(sqs, url)
    assert message["Body"] == "bare Ω" and message["MessageAttributes"] == {"attr": attribute}


def test_every_subscription_gets_its_own_copy(sns, sqs, topic, subscribe, name):
    urls = [subscribe(f"{name}-{i}", RawMessageDelivery="true")[0] for i in range(3)]
    sns.publish(TopicArn=topic, Message="to all")
    for url in urls:
        assert receive(sqs, url)["Body"] == "to all"


def test_no_message_is_delivered_after_unsubscribing(sns, sqs, topic, subscribe, name):
    url, subscription = subscribe(name)
    other, _ = subscribe(f"{name}-other")
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="x")
    receive(sqs, other)
    assert depth(sqs, url) == (0, 0, 0)


def test_subscribing_twice_returns_one_subscription(sns, sqs, topic, subscribe, name):
    url, first = subscribe(name)
    again = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), ReturnSubscriptionArn=True)
    assert again["SubscriptionArn"] == first
    sns.publish(TopicArn=topic, Message="once")
    receive(sqs, url)
    assert depth(sqs, url) == (0, 1, 0)


def test_subscriptions_are_listed_with_their_topic(sns, topic, subscribe, name):
    _, arn = subscribe(name)
    found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(item["SubscriptionArn"], item["Protocol"], item["Endpoint"]) for item in found] == \
        [(arn, "sqs", queue_arn(name))]
    assert arn in [item["SubscriptionArn"] for page in sns.get_paginator("list_subscriptions").paginate()
                   for item in page["Subscriptions"]]


def test_raw_delivery_can_be_turned_on_later(sns, sqs, topic, subscribe, name):
    url, arn = subscribe(name)
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"] == "true"
    sns.publish(TopicArn=topic, Message="bare")
    assert receive(sqs, url)["Body"] == "bare"


def test_a_batch_is_published_entry_by_entry(sns, sqs, topic, subscribe, name):
    url, _ = subscribe(name, RawMessageDelivery="true")
    entries = [{"Id": str(i), "Message": f"m{i}"} for i in range(3)]
    done = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert {entry["Id"] for entry in done["Successful"]} == {"0", "1", "2"}
    assert {receive(sqs, url)["Body"] for _ in range(3)} == {"m0", "m1", "m2"}


def test_publishing_to_a_missing_topic_is_an_error(sns):
    assert error_code(sns.publish, TopicArn=topic_arn("absent"), Message="x") == ("NotFound", 404)


def test_an_unsupported_protocol_is_refused(sns, topic):
    code, status = error_code(sns.subscribe, TopicArn=topic, Protocol="pigeon", Endpoint="loft")
    assert status == 400 and code == "InvalidParameter"


def test_a_message_that_is_too_long_is_refused(sns, topic):
    assert error_code(sns.publish, TopicArn=topic, Message="x" * 262_145) == ("InvalidParameter", 400)


def test_an_empty_message_is_refused(sns, topic):
    assert error_code(sns.publish, TopicArn=topic, Message="") == ("InvalidParameter", 400)


def test_a_wrong_secret_is_a_wrong_signature(cloud):
    other = client(cloud.endpoint, "sns", secret_key="another")
    assert error_code(other.list_topics) == ("SignatureDoesNotMatch", 403)


def test_the_aws_cli_publishes(cloud, sqs, topic, subscribe, name):
    url, _ = subscribe(name, RawMessageDelivery="true")
    aws(cloud.endpoint, "sns", "publish", "--topic-arn", topic, "--message", "from the CLI")
    assert receive(sqs, url)["Body"] == "from the CLI"


def test_an_s3_event_goes_through_a_topic_to_two_queues(s3, sns, sqs, topic, subscribe, name):
    """The fan-out: one enveloped, one raw, with the same event."""
    enveloped, _ = subscribe(f"{name}-e")
    raw, _ = subscribe(f"{name}-r", RawMessageDelivery="true")
    s3.create_bucket(Bucket=name)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                 "Action": "sns:Publish", "Resource": topic}]}))
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket=name, Key="a b.jpg", Body=b"x")

    def event(url, inner):
        while True:
            body = inner(json.loads(receive(sqs, url)["Body"]))
            if "Records" in body:
                return body

    one = event(enveloped, lambda body: json.loads(body["Message"]))
    other = event(raw, lambda body: body)
    assert one == other and one["Records"][0]["s3"]["object"]["key"] == "a+b.jpg"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_topics_and_subscriptions_survive(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    arn = sns.create_topic(Name="kept")["TopicArn"]
    url = make_queue(sqs, "kept-queue")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy("kept-queue", "sns", arn)})
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn("kept-queue"),
                  Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=arn, Message="before")
    getattr(cloud, end)()
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    sns.publish(TopicArn=arn, Message="after")
    url = sqs.get_queue_url(QueueName="kept-queue")["QueueUrl"]
    assert {receive(sqs, url)["Body"] for _ in range(2)} == {"before", "after"}
