"""The embedded cloud's SNS: subscriptions, deliveries, and that nothing acknowledged is lost."""
import contextlib
import email
import email.policy
import json
import re
import sqlite3
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from harness import error_code, error_message, make_queue, queue_arn, receive, send_policy, until
from sns_tools import MailServer, Subscriber, assert_signed, get


@pytest.fixture
def subscriber():
    subscriber = Subscriber()
    yield subscriber
    subscriber.close()


@pytest.fixture
def mail_server():
    server = MailServer()
    yield server
    server.close()


def subscribe_queue(sns, sqs, topic, name, **attributes):
    url = make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "sns", topic)})
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes=attributes)["SubscriptionArn"]
    return url, arn


def confirm(sns, subscriber, topic, **attributes):
    """Subscribes an HTTP endpoint, follows the link that it receives, and returns the subscription's ARN."""
    told = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url, Attributes=attributes)
    assert told["SubscriptionArn"] == "pending confirmation"
    message = json.loads(subscriber.next()[1])
    status, response = get(message["SubscribeURL"])
    assert status == 200
    return re.search("<SubscriptionArn>(.*)</SubscriptionArn>", response).group(1)


# ---- HTTP ----

def test_an_http_subscriber_confirms_and_is_sent_signed_messages(sns, topic, subscriber, tmp_path):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    headers, body = subscriber.next()
    asked = json.loads(body)
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    assert headers["x-amz-sns-topic-arn"] == asked["TopicArn"] == topic
    assert_signed(asked, tmp_path)
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(one["SubscriptionArn"], one["Endpoint"]) for one in listed] == [("PendingConfirmation", subscriber.url)]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    sns.publish(TopicArn=topic, Message="too early")
    arn = sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"] == arn
    sent = sns.publish(TopicArn=topic, Message="m\nΩ", Subject="s",
                       MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
    headers, body = subscriber.next()
    message = json.loads(body)
    assert message["Message"] == "m\nΩ" and message["MessageId"] == sent["MessageId"] == headers["x-amz-sns-message-id"]
    assert headers["x-amz-sns-subscription-arn"] == arn and headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert message["MessageAttributes"] == {"a": {"Type": "String", "Value": "v"}}
    assert_signed(message, tmp_path)
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert told["PendingConfirmation"] == "false" and told["ConfirmationWasAuthenticated"] == "false"


def test_a_wrong_token_confirms_nothing(sns, topic, subscriber):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    subscriber.next()
    assert error_message(sns.confirm_subscription, TopicArn=topic, Token="0" * 64) == "Invalid parameter: Token"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "0"


def test_raw_delivery_over_http_is_the_message_alone(sns, topic, subscriber):
    arn = confirm(sns, subscriber, topic, RawMessageDelivery="true", DeliveryPolicy=json.dumps(
        {"requestPolicy": {"headerContentType": "application/json"}}))
    sns.publish(TopicArn=topic, Message='{"bare": 1}')
    headers, body = subscriber.next()
    assert body == '{"bare": 1}' and headers["x-amz-sns-rawdelivery"] == "true"
    assert headers["Content-Type"] == "application/json" and headers["x-amz-sns-subscription-arn"] == arn


def test_a_temporary_failure_is_retried(sns, topic, subscriber):
    confirm(sns, subscriber, topic, DeliveryPolicy=json.dumps({"healthyRetryPolicy": {
        "minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 3, "numNoDelayRetries": 2}}))
    subscriber.statuses = [503, 429]
    sns.publish(TopicArn=topic, Message="again")
    ids = {subscriber.next()[0]["x-amz-sns-message-id"] for _ in range(3)}
    assert len(ids) == 1


def test_a_throttle_policy_holds_deliveries_back(sns, topic, subscriber):
    throttle = {"throttlePolicy": {"maxReceivesPerSecond": 4}}
    arn = confirm(sns, subscriber, topic, DeliveryPolicy=json.dumps(throttle))
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["EffectiveDeliveryPolicy"]
    assert json.loads(told)["throttlePolicy"] == throttle["throttlePolicy"]
    began = time.monotonic()
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": str(i), "Message": str(i)} for i in range(7)])
    assert {json.loads(subscriber.next()[1])["Message"] for _ in range(7)} == {str(i) for i in range(7)}
    assert time.monotonic() - began >= 6 / 4


def test_an_undeliverable_message_becomes_a_dead_letter(sns, sqs, topic, subscriber, name, tmp_path):
    dead = make_queue(sqs, f"{name}-dead")
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": send_policy(f"{name}-dead", "sns", topic)})
    confirm(sns, subscriber, topic, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn(f"{name}-dead")}),
            DeliveryPolicy=json.dumps({"healthyRetryPolicy": {
                "minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 1, "numNoDelayRetries": 1}}))
    subscriber.statuses = [500, 500, 404]
    sns.publish(TopicArn=topic, Message="too often")
    assert json.loads(receive(sqs, dead)["Body"])["Message"] == "too often"
    sns.publish(TopicArn=topic, Message="for good")
    last = json.loads(receive(sqs, dead)["Body"])
    assert last["Message"] == "for good"
    assert_signed(last, tmp_path)
    assert subscriber.arrived.qsize() == 3


def test_messages_for_a_deleted_queue_become_dead_letters(sns, sqs, topic, name):
    dead = make_queue(sqs, f"{name}-dead")
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": send_policy(f"{name}-dead", "sns", topic)})
    url, _ = subscribe_queue(sns, sqs, topic, name, RawMessageDelivery="true", RedrivePolicy=json.dumps(
        {"deadLetterTargetArn": queue_arn(f"{name}-dead")}))
    sqs.delete_queue(QueueUrl=url)
    attribute = {"DataType": "String", "StringValue": "v"}
    sns.publish(TopicArn=topic, Message="homeless", MessageAttributes={"a": attribute})
    message = receive(sqs, dead)
    assert message["Body"] == "homeless" and message["MessageAttributes"] == {"a": attribute}


def test_the_link_in_a_message_ends_the_subscription_unless_it_is_guarded(sns, topic, subscriber):
    confirm(sns, subscriber, topic)
    sns.publish(TopicArn=topic, Message="x")
    link = json.loads(subscriber.next()[1])["UnsubscribeURL"]
    assert get(link)[0] == 200
    assert json.loads(subscriber.next()[1])["Type"] == "UnsubscribeConfirmation"
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    token = json.loads(subscriber.next()[1])["Token"]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ConfirmationWasAuthenticated"] == "true"
    sns.publish(TopicArn=topic, Message="y")
    assert get(json.loads(subscriber.next()[1])["UnsubscribeURL"])[0] == 403
    sns.unsubscribe(SubscriptionArn=arn)


def unsubscribe_by_link(sns, topic, subscriber):
    """Follows the link of a message, and returns what the subscriber is then sent: (headers, message)."""
    sns.publish(TopicArn=topic, Message="x")
    assert get(json.loads(subscriber.next()[1])["UnsubscribeURL"])[0] == 200
    headers, body = subscriber.next()
    return headers, json.loads(body)


def test_unsubscribing_by_a_link_can_be_undone(sns, topic, subscriber, tmp_path):
    arn = confirm(sns, subscriber, topic, FilterPolicy='{"a": [{"exists": false}]}')
    headers, last = unsubscribe_by_link(sns, topic, subscriber)
    assert headers["x-amz-sns-message-type"] == last["Type"] == "UnsubscribeConfirmation"
    assert headers["x-amz-sns-topic-arn"] == last["TopicArn"] == topic
    assert headers["x-amz-sns-subscription-arn"] == arn and "UnsubscribeURL" not in last
    assert last["Message"] == (f"You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore "
                               "the subscription, visit the SubscribeURL included in this message.")
    assert_signed(last, tmp_path)
    sns.publish(TopicArn=topic, Message="to nobody")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "0"
    assert error_code(sns.get_subscription_attributes, SubscriptionArn=arn)[0] == "NotFound"
    assert arn in get(last["SubscribeURL"])[1]
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert told["FilterPolicy"] == '{"a": [{"exists": false}]}' and told["PendingConfirmation"] == "false"
    sns.publish(TopicArn=topic, Message="again")
    assert json.loads(subscriber.next()[1])["Message"] == "again"


def test_subscribing_again_creates_no_second_subscription(sns, topic, subscriber):
    confirm(sns, subscriber, topic)
    _, last = unsubscribe_by_link(sns, topic, subscriber)
    arn = confirm(sns, subscriber, topic)
    assert sns.confirm_subscription(TopicArn=topic, Token=last["Token"])["SubscriptionArn"] == arn
    assert [one["SubscriptionArn"] for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [arn]


def test_the_owner_unsubscribes_without_a_message(sns, topic, subscriber):
    sns.unsubscribe(SubscriptionArn=confirm(sns, subscriber, topic))
    confirm(sns, subscriber, topic)  # whose message is the next
    assert subscriber.arrived.empty()


def test_only_its_owner_can_unsubscribe_a_queue(sns, sqs, topic, name):
    url, arn = subscribe_queue(sns, sqs, topic, name)
    sns.publish(TopicArn=topic, Message="m")
    status, text = get(json.loads(receive(sqs, url)["Body"])["UnsubscribeURL"])
    assert status == 403 and "<Code>AuthorizationError</Code>" in text
    sns.unsubscribe(SubscriptionArn=arn)


# "automatic deletion of unconfirmed subscriptions once they have been in a pending confirmation state for 48 hours"
def test_unconfirmed_subscriptions_are_deleted_after_two_days(start_cloud, idle_pipelines, subscriber):
    cloud = start_cloud("--pipelines", idle_pipelines)

    def database():
        return contextlib.closing(sqlite3.connect(cloud.data / "cloud.sqlite3"))

    def aged(seconds):
        """Starts the cloud again, as if all had been subscribed so much earlier."""
        cloud.stop()
        with database() as rows, rows:
            rows.execute("UPDATE subscriptions SET details = json_set(details, '$.token_ms', "
                         "json_extract(details, '$.token_ms') - ?)", (seconds * 1000,))
        return start_cloud("--pipelines", idle_pipelines)

    def listed():
        told = cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return sorted(one["SubscriptionArn"] for one in told)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    confirm(sns, subscriber, topic)
    unsubscribe_by_link(sns, topic, subscriber)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    kept = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url, ReturnSubscriptionArn=True)
    sns.confirm_subscription(TopicArn=topic, Token=json.loads(subscriber.next()[1])["Token"])
    day = 24 * 3600
    cloud = aged(day)
    assert listed() == sorted([kept["SubscriptionArn"], "PendingConfirmation"])
    cloud = aged(day - 2)
    until(lambda: listed() == [kept["SubscriptionArn"]], "the end of what was not confirmed")
    cloud.stop()
    with database() as rows:
        left = rows.execute("SELECT arn FROM subscriptions WHERE topic = ?", (topic,)).fetchall()
    assert left == [(kept["SubscriptionArn"],)]


def test_only_the_links_of_messages_need_no_signature(cloud, topic):
    for query in ["Action=DeleteTopic", "Action=Unsubscribe&Action=DeleteTopic", "Action=Publish&Message=x"]:
        assert get(f"{cloud.endpoint}/?{query}&TopicArn={topic}")[0] == 403
    assert get(f"{cloud.endpoint}/SimpleNotificationService-{'0' * 32}.pem")[0] == 404


@pytest.mark.parametrize("protocol, endpoint, code", [
    ("http", "https://127.0.0.1/", "InvalidParameter"), ("http", "http://", "InvalidParameter"),
    ("http", "http://u:p@/", "InvalidParameter"), ("http", "http://u%zz:p@127.0.0.1/", "InvalidParameter"),
    ("http", "http://u:p@v@127.0.0.1/", "InvalidParameter"), ("http", "http://127.0.0.1/\r\nX: y", "InvalidParameter"),
    ("email", "nobody", "InvalidParameter"), ("email", "a@b>\r\nRCPT TO:<c@d", "InvalidParameter"),
    ("sms", "+15550100", "NotImplemented"), ("lambda", "arn:aws:lambda:x", "NotImplemented"),
    ("application", "arn", "NotImplemented"), ("firehose", "arn", "NotImplemented"), ("sqs", "queue", "InvalidParameter")])
def test_a_wrong_endpoint_is_refused(sns, topic, protocol, endpoint, code):
    assert error_code(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)[0] == code


@pytest.mark.parametrize("attribute, value", [
    ("RawMessageDelivery", "yes"), ("FilterPolicyScope", "Header"), ("RedrivePolicy", '{"deadLetterTargetArn": "x"}'),
    ("DeliveryPolicy", '{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 2}}'), ("DeliveryPolicy", "x"),
    ("ReplayPolicy", "{}"), ("Owner", "x")])
def test_a_wrong_attribute_of_a_subscription_is_refused(sns, sqs, topic, name, attribute, value):
    _, arn = subscribe_queue(sns, sqs, topic, name[:60])
    assert error_code(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=attribute,
                      AttributeValue=value) == ("InvalidParameter", 400)


def test_subscribing_again_must_say_the_same(sns, sqs, topic, name):
    _, arn = subscribe_queue(sns, sqs, topic, name, RawMessageDelivery="true")
    again = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue_arn(name)}
    assert sns.subscribe(**again)["SubscriptionArn"] == arn
    assert sns.subscribe(**again, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"] == arn
    assert error_message(sns.subscribe, **again, Attributes={"RawMessageDelivery": "false"}) == \
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"


# ---- filters ----

def test_filters_decide_what_arrives(sns, sqs, topic, name):
    by_attribute, _ = subscribe_queue(sns, sqs, topic, f"{name}-a", RawMessageDelivery="true", FilterPolicy=json.dumps(
        {"store": [{"prefix": "example"}], "interests": [{"anything-but": ["rugby"]}]}))
    by_body, _ = subscribe_queue(sns, sqs, topic, f"{name}-b", RawMessageDelivery="true", FilterPolicyScope="MessageBody",
                                 FilterPolicy=json.dumps({"event": {"price": [{"numeric": [">=", 100]}]}}))
    store = {"store": {"DataType": "String", "StringValue": "example_corp"}}
    interests = {"interests": {"DataType": "String.Array", "StringValue": '["rugby", "golf"]'}}
    sns.publish(TopicArn=topic, Message='{"event": {"price": 99}}', MessageAttributes=store)
    sns.publish(TopicArn=topic, Message='{"event": {"price": 100}}')
    sns.publish(TopicArn=topic, Message="both attributes", MessageAttributes=store | interests)
    sns.publish(TopicArn=topic, Message='{"event": [{"price": 1}, {"price": 200.5}]}')
    assert receive(sqs, by_attribute)["Body"] == "both attributes"
    assert {receive(sqs, by_body)["Body"] for _ in range(2)} == {
        '{"event": {"price": 100}}', '{"event": [{"price": 1}, {"price": 200.5}]}'}
    assert "Messages" not in sqs.receive_message(QueueUrl=by_attribute)


def test_a_filter_is_checked_returned_and_removed(sns, sqs, topic, name):
    url, arn = subscribe_queue(sns, sqs, topic, name, RawMessageDelivery="true")

    def change(value, attribute="FilterPolicy"):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=attribute, AttributeValue=value)

    def told():
        return sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    nested = '{"a": {"b": ["c"]}}'
    with pytest.raises(ClientError, match="Filter policy scope MessageAttributes does not support nested filter policy"):
        change(nested)
    with pytest.raises(ClientError, match=r"Invalid parameter: FilterPolicy: Unrecognized match type is\n at \[Source: "):
        change('{"a": [{"is": "b"}]}')
    change("MessageBody", "FilterPolicyScope")
    change(nested)
    assert told()["FilterPolicy"] == nested and told()["FilterPolicyScope"] == "MessageBody"
    with pytest.raises(ClientError, match="does not support nested filter policy"):
        change("MessageAttributes", "FilterPolicyScope")
    change("{}")
    assert "FilterPolicy" not in told()
    sns.publish(TopicArn=topic, Message="all")
    assert receive(sqs, url)["Body"] == "all"
    assert error_message(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@example.com",
                      Attributes={"FilterPolicy": '{"k": []}'}).startswith(
                          "Invalid parameter: Attributes Reason: FilterPolicy: Empty arrays are not allowed")


# ---- publishing ----

@pytest.mark.parametrize("version", ["1", "2"])
def test_messages_to_a_queue_are_signed(sns, sqs, topic, name, version, tmp_path):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    url, _ = subscribe_queue(sns, sqs, topic, name)
    sns.publish(TopicArn=topic, Message="line\nline Ω", Subject="s")
    sns.publish(TopicArn=topic, Message="no subject")
    for _ in range(2):
        envelope = json.loads(receive(sqs, url)["Body"])
        assert envelope["SignatureVersion"] == version
        assert_signed(envelope, tmp_path)


def test_all_copies_of_a_batch_are_signed(sns, sqs, topic, name, tmp_path):
    """For two queues and for the dead-letter queue of a third, which is gone."""
    urls = [subscribe_queue(sns, sqs, topic, f"{name}-{i}")[0] for i in range(2)]
    dead = make_queue(sqs, f"{name}-dead")
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": send_policy(f"{name}-dead", "sns", topic)})
    gone, _ = subscribe_queue(sns, sqs, topic, f"{name}-gone",
                              RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn(f"{name}-dead")}))
    sqs.delete_queue(QueueUrl=gone)
    bodies = ['"Signature":"no"', "b" * 2000]  # the second is stored apart from its message's row
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
        {"Id": str(i), "Message": body, "MessageAttributes": {"Signature": {"DataType": "String", "StringValue": "x"}}}
        for i, body in enumerate(bodies)])
    for url in [*urls, dead]:
        got = [json.loads(receive(sqs, url)["Body"]) for _ in bodies]
        assert sorted(one["Message"] for one in got) == sorted(bodies)
        for one in got:
            assert_signed(one, tmp_path)


def test_each_protocol_has_its_own_text(sns, sqs, topic, subscriber, name, tmp_path):
    url, _ = subscribe_queue(sns, sqs, topic, name)
    confirm(sns, subscriber, topic)
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "d", "sqs": "q", "email": 3}))
    queued, posted = json.loads(receive(sqs, url)["Body"]), json.loads(subscriber.next()[1])
    assert (queued["Message"], posted["Message"]) == ("q", "d")
    assert_signed(queued, tmp_path)
    for wrong, text in [('{"sqs": "q"}', "No default entry in JSON message body"), ("x", "JSON message body failed to parse"),
                        ('{"default": 1}', "No default entry in JSON message body")]:
        assert error_message(sns.publish, TopicArn=topic, MessageStructure="json", Message=wrong) == \
            f"Invalid parameter: Message Structure - {text}"


def test_attributes_of_all_types_are_delivered(sns, sqs, topic, name):
    raw, _ = subscribe_queue(sns, sqs, topic, f"{name}-r", RawMessageDelivery="true")
    enveloped, _ = subscribe_queue(sns, sqs, topic, f"{name}-e")
    attributes = {"s": {"DataType": "String", "StringValue": "v"}, "n": {"DataType": "Number", "StringValue": "1.5"},
                  "l": {"DataType": "String.Array", "StringValue": '["a", 1, true, null]'},
                  "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    assert receive(sqs, raw)["MessageAttributes"] == attributes
    assert json.loads(receive(sqs, enveloped)["Body"])["MessageAttributes"] == {
        "s": {"Type": "String", "Value": "v"}, "n": {"Type": "Number", "Value": "1.5"},
        "l": {"Type": "String.Array", "Value": '["a", 1, true, null]'}, "b": {"Type": "Binary", "Value": "AP8="}}
    for wrong in [{"DataType": "Number", "StringValue": "one"}, {"DataType": "Boolean", "StringValue": "true"},
                  {"DataType": "String", "StringValue": ""}]:
        assert error_code(sns.publish, TopicArn=topic, Message="m", MessageAttributes={"a": wrong}) == \
            ("ParameterValueInvalid", 400)


def test_raw_delivery_to_a_queue_takes_ten_attributes(sns, sqs, topic, name):
    raw, _ = subscribe_queue(sns, sqs, topic, f"{name}-r", RawMessageDelivery="true")
    enveloped, _ = subscribe_queue(sns, sqs, topic, f"{name}-e")
    attributes = {f"a{i}": {"DataType": "String", "StringValue": "v"} for i in range(11)}
    sns.publish(TopicArn=topic, Message="eleven", MessageAttributes=attributes)
    sns.publish(TopicArn=topic, Message="none")
    assert len(json.loads(receive(sqs, enveloped)["Body"])["MessageAttributes"]) == 11
    assert receive(sqs, raw)["Body"] == "none"


@pytest.mark.parametrize("subject", ["", "x" * 101, "two\nlines", "bell\a"])
def test_a_wrong_subject_is_refused(sns, topic, subject):
    assert error_code(sns.publish, TopicArn=topic, Message="x", Subject=subject) == ("InvalidParameter", 400)


def test_a_batch_has_a_limit_for_all_its_messages(sns, topic):
    def entries(size):
        return [{"Id": str(i), "Message": "x" * size} for i in range(10)]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries(26_000))["Successful"]) == 10
    assert error_code(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries(27_000)) == \
        ("BatchRequestTooLong", 400)


# ---- mail ----

def parsed(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_mail_goes_through_the_server(start_cloud, idle_pipelines, mail_server):
    cloud = start_cloud("--pipelines", idle_pipelines, "--smtp", mail_server.url)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t", Attributes={"DisplayName": 'The "news"'})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    sender, recipient, raw = mail_server.next()
    assert recipient == "reader@example.com" and parsed(raw)["To"] == "reader@example.com"
    assert parsed(raw)["From"].addresses[0].display_name == 'The "news"'
    assert parsed(raw)["From"].addresses[0].addr_spec == sender
    assert get(re.search(r"http://\S+", parsed(raw).get_content()).group(0))[0] == 200
    sns.publish(TopicArn=topic, Subject="Grüße", Message=".dots\n" + "Ω" * 500)
    message = parsed(mail_server.next()[2])
    assert message["Subject"] == "Grüße" and message.get_content().startswith(".dots\n" + "Ω" * 500)
    link = re.search(r"http://\S+Action=Unsubscribe\S+", message.get_content()).group(0)
    assert get(link)[0] == 200 and sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    last = parsed(mail_server.next()[2])
    assert last["Subject"] == "AWS Notification - Unsubscribe Confirmation"
    assert get(re.search(r"http://\S+Action=ConfirmSubscription\S+", last.get_content()).group(0))[0] == 200
    restored, = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert restored["Endpoint"] == "reader@example.com" and restored["SubscriptionArn"] in link


def test_mail_without_a_server_becomes_files(start_cloud, idle_pipelines, tmp_path):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    outbox = cloud.data / "outbox"

    def mails(count):
        return until(lambda: sorted(outbox.glob("*.eml")) if len(list(outbox.glob("*.eml"))) >= count else None, "mails")
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="a@example.com")
    asked = json.loads(parsed(mails(1)[0].read_bytes()).get_content())
    assert_signed(asked, tmp_path)
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    sns.publish(TopicArn=topic, Message="m")
    message = json.loads(parsed(mails(2)[1].read_bytes()).get_content())
    assert message["Message"] == "m"
    assert_signed(message, tmp_path)
    assert (cloud.data / "sns-signing-key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("form", ["-traditional", None])
def test_an_existing_key_is_used(start_cloud, idle_pipelines, tmp_path, form):
    """PKCS #1, as older versions wrote it, or PKCS #8. A certificate of another key is replaced."""
    data, options = tmp_path / "data", ["-traditional"] if form else []
    data.mkdir(mode=0o700)
    made = subprocess.run(["openssl", "genrsa", *options, "2048"], capture_output=True, text=True, check=True).stdout
    assert ("BEGIN RSA PRIVATE KEY" in made) == bool(form)
    (data / "sns-signing-key.pem").write_text(made)
    other = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other"]
    strange = subprocess.run(other, capture_output=True, text=True, check=True).stdout
    (data / "sns-signing-certificate.pem").write_text(strange)  # no subscriber could verify signatures with it
    cloud = start_cloud("--pipelines", idle_pipelines, data=data)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="t")["TopicArn"]
    url, _ = subscribe_queue(sns, sqs, topic, "q")
    sns.publish(TopicArn=topic, Message="m")
    assert_signed(json.loads(receive(sqs, url)["Body"]), tmp_path)
    own = subprocess.run(["openssl", "pkey", "-pubout"], input=made, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "key.pem").read_text() == own
    assert (data / "sns-signing-key.pem").read_text() == made


def test_a_server_that_is_not_an_smtp_url_is_refused(start, tmp_path, idle_pipelines):
    process = start("local", "--port", "0", "--data", tmp_path / "d", "--pipelines", idle_pipelines, "--smtp", "mail.example")
    assert process.wait() != 0 and "smtp://" in process.output()


# ---- durable ----

def test_acknowledged_messages_are_sent_after_a_kill(start_cloud, idle_pipelines, subscriber, mail_server):
    options = ("--pipelines", idle_pipelines, "--smtp", mail_server.url)
    cloud = start_cloud(*options)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    confirm(sns, subscriber, topic, DeliveryPolicy=json.dumps({"healthyRetryPolicy": {
        "minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 1}}))
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    get(re.search(r"http://\S+", parsed(mail_server.next()[2]).get_content()).group(0))
    subscriber.close()
    mail_server.refusals = 1
    ids = {sns.publish(TopicArn=topic, Message=f"m{i}")["MessageId"] for i in range(5)}
    cloud.kill()
    start_cloud(*options)
    arrived = set()
    while len(arrived) < 4:  # one that was sent just before the kill may come twice
        arrived.add(parsed(mail_server.next()[2])["Message-ID"].strip("<>").split("@")[0])
    assert arrived <= ids


def test_a_retry_survives_a_restart(start_cloud, idle_pipelines, subscriber):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    confirm(sns, subscriber, topic, DeliveryPolicy=json.dumps({"healthyRetryPolicy": {
        "minDelayTarget": 2, "maxDelayTarget": 2, "numRetries": 3}}))
    subscriber.statuses = [503]
    sent = sns.publish(TopicArn=topic, Message="kept")["MessageId"]
    assert subscriber.next()[0]["x-amz-sns-message-id"] == sent
    cloud.kill()
    start_cloud("--pipelines", idle_pipelines)
    headers, body = subscriber.next()
    assert headers["x-amz-sns-message-id"] == sent and json.loads(body)["Message"] == "kept"


def test_a_standard_queue_may_follow_a_fifo_topic(sns, sqs, name):
    topic = sns.create_topic(Name=f"{name[:60]}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url, _ = subscribe_queue(sns, sqs, topic, name, RawMessageDelivery="true")
    for i in range(2):
        sns.publish(TopicArn=topic, Message=f"m{i}", MessageGroupId="g", MessageDeduplicationId=f"d{i}")
    assert {receive(sqs, url)["Body"] for _ in range(2)} == {"m0", "m1"}


def test_a_standard_topic_passes_the_group_on(sns, sqs, topic, name):
    url, _ = subscribe_queue(sns, sqs, topic, name)
    sns.publish(TopicArn=topic, Message="m", MessageGroupId="tenant")
    assert receive(sqs, url)["Attributes"]["MessageGroupId"] == "tenant"


# ---- the limits of filter policies: "Filter policy constraints" in the SNS Developer Guide ----

def test_a_topic_has_two_hundred_filter_policies(sns, topic):
    def subscribe(number, **attributes):
        return sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"reader{number}@example.com",
                             ReturnSubscriptionArn=True, Attributes=attributes)["SubscriptionArn"]
    filtered = [subscribe(number, FilterPolicy='{"a": ["b"]}') for number in range(200)]
    full = ("FilterPolicyLimitExceeded", 403)
    assert error_code(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="other@example.com",
                      Attributes={"FilterPolicy": '{"a": ["b"]}'}) == full
    plain = subscribe(200, FilterPolicy="{}")
    change = {"AttributeName": "FilterPolicy", "AttributeValue": '{"c": ["d"]}'}
    assert error_code(sns.set_subscription_attributes, SubscriptionArn=plain, **change) == full
    sns.set_subscription_attributes(SubscriptionArn=filtered[0], **change)
    sns.set_subscription_attributes(SubscriptionArn=filtered[1], AttributeName="FilterPolicy", AttributeValue="{}")
    sns.set_subscription_attributes(SubscriptionArn=plain, **change)
    sns.unsubscribe(SubscriptionArn=plain)
    subscribe(201, FilterPolicy='{"a": ["b"]}')
    assert error_code(sns.set_subscription_attributes, SubscriptionArn=filtered[1], **change) == full


def test_an_account_has_ten_thousand_filter_policies(start_cloud, idle_pipelines):
    cloud = start_cloud("--pipelines", idle_pipelines)
    full, other = (cloud.client("sns").create_topic(Name=name)["TopicArn"] for name in ["full", "other"])
    cloud.stop()
    with contextlib.closing(sqlite3.connect(cloud.data / "cloud.sqlite3")) as database, database:
        database.executemany("INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?)", (
            (f"{full}:{number}", full, queue_arn(f"q{number}"), '{"FilterPolicy": "{\\"a\\": [1]}"}', '{"protocol": "sqs"}')
            for number in range(9999)))
    sns = start_cloud("--pipelines", idle_pipelines).client("sns")

    def subscribe(number):
        return sns.subscribe(TopicArn=other, Protocol="email", Endpoint=f"reader{number}@example.com",
                             Attributes={"FilterPolicy": '{"a": [1]}'})
    subscribe(1)
    assert error_code(subscribe, 2) == ("FilterPolicyLimitExceeded", 403)
    sns.unsubscribe(SubscriptionArn=f"{full}:7")
    subscribe(2)
    assert error_code(subscribe, 3) == ("FilterPolicyLimitExceeded", 403)
