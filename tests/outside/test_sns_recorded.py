"""The embedded cloud's SNS against what others recorded of the service.

"Recorded" names a test of localstack/localstack, tests/aws/services/sns/test_sns.py, whose responses were recorded from AWS
(test_sns.snapshot.json)."""
import base64
import json
import re

import pytest

import harness
from harness import ACCOUNT, REGION, error_of, make_queue, queue_arn, receive, send_policy
from sns_tools import Subscriber

DEFAULT_DELIVERY = {"http": {
    "defaultHealthyRetryPolicy": {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0,
                                  "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear"},
    "disableSubscriptionOverrides": False, "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"}}}
TOKEN = "51b2ff3edb4487553c7dd2f29566c2aecada20b9"


@pytest.fixture
def fifo(sns, name):
    return sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]


def attributes(sns, topic):
    return sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def refusal(call, **parameters):
    error = error_of(call, **parameters)["Error"]
    return error["Code"], error["Message"]


def subscribe(sns, topic, name, **more):
    return sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), ReturnSubscriptionArn=True, **more)["SubscriptionArn"]


def described(sns, subscription):
    return sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]


# ---- subscriptions ----

def test_the_principal_of_a_subscription_is_its_caller(start_cloud, idle_pipelines, tmp_path):
    """Recorded: test_create_subscriptions_with_attributes."""
    keys = tmp_path / "keys"
    keys.write_text("".join(f"[{who}]\naws_access_key_id = AKIA{who.upper():0<16}\naws_secret_access_key = s{who}\n"
                            for who in ("root", "reader")))
    cloud = start_cloud("--pipelines", idle_pipelines, "--keys", keys)
    for who, principal in (("root", "root"), ("reader", "user/reader")):
        sns = harness.client(cloud.endpoint, "sns", f"AKIA{who.upper():0<16}", f"s{who}")
        topic = sns.create_topic(Name="t")["TopicArn"]
        for protocol, endpoint in (("sqs", queue_arn(who)), ("http", f"http://127.0.0.1:9/{who}")):
            arn = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True)["SubscriptionArn"]
            assert described(sns, arn)["SubscriptionPrincipal"] == f"arn:aws:iam::{ACCOUNT}:{principal}"


def test_a_queue_may_be_subscribed_before_it_exists(sns, sqs, topic, name):
    """Recorded by omission: Subscribe has no error for it, and test_redrive_policy_sqs_queue_subscription subscribes a deleted one."""
    subscribe(sns, topic, name)
    sns.publish(TopicArn=topic, Message="lost")
    url = make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "sns", topic)})
    sns.publish(TopicArn=topic, Message="arrives")
    assert json.loads(receive(sqs, url)["Body"])["Message"] == "arrives"


@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_a_fifo_topic_signs_nothing(sns, sqs, fifo, name, kind):
    """Recorded: test_fifo_topic_to_regular_sqs, test_message_to_fifo_sqs."""
    queue = name if kind == "standard" else f"{name}.fifo"
    url = sqs.create_queue(QueueName=queue, Attributes={
        "Policy": send_policy(queue, "sns", fifo), **({"FifoQueue": "true"} if kind == "fifo" else {})})["QueueUrl"]
    subscribe(sns, fifo, queue)
    sent = sns.publish(TopicArn=fifo, Message="Test", MessageGroupId="g", MessageDeduplicationId="d")
    message = receive(sqs, url)
    body = json.loads(message["Body"])
    assert list(body) == ["Type", "MessageId", "SequenceNumber", "TopicArn", "Message", "Timestamp", "UnsubscribeURL"]
    assert body["SequenceNumber"] == sent["SequenceNumber"]
    assert ("MessageGroupId" in message["Attributes"]) == ("MessageDeduplicationId" in message["Attributes"]) == (kind == "fifo")


@pytest.mark.parametrize("user, shown, wanted", [
    ("user:pa%3Ass%40word", "user:****", "user:pa:ss@word"), ("user", "user", "user:"), ("user:", "user:****", "user:")])
def test_a_url_may_have_a_user_and_a_password(cloud, sns, topic, user, shown, wanted):
    """"HTTP and HTTPS endpoints" in the SNS Developer Guide; shown as in obfuscateEndpointPassword of
    hashicorp/terraform-provider-aws."""
    subscriber = Subscriber()
    try:
        url = subscriber.url.replace("http://", f"http://{user}@")
        arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url, ReturnSubscriptionArn=True)["SubscriptionArn"]
        headers, body = subscriber.next()
        assert headers["Authorization"] == "Basic " + base64.b64encode(wanted.encode()).decode()
        assert "@" not in headers["Host"]
        masked = subscriber.url.replace("http://", f"http://{shown}@")
        assert described(sns, arn)["Endpoint"] == masked
        assert [one["Endpoint"] for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [masked]
        sns.confirm_subscription(TopicArn=topic, Token=json.loads(body)["Token"])
        assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)["SubscriptionArn"] == arn
        subscriber.statuses = [403]
        sns.publish(TopicArn=topic, Message="refused")
        assert subscriber.next()[0]["Authorization"] == headers["Authorization"]
        cloud.wait_for(rf"notification lost.*{arn}.*{re.escape(shown)}@")
        assert "pa%3Ass" not in cloud.output()
    finally:
        sns.unsubscribe(SubscriptionArn=arn)
        subscriber.close()


# ---- topics ----

def test_every_topic_has_an_effective_delivery_policy(sns, topic, fifo):
    """Recorded: test_create_topic_with_attributes."""
    for arn in (topic, fifo):
        assert json.loads(attributes(sns, arn)["EffectiveDeliveryPolicy"]) == DEFAULT_DELIVERY


SETTINGS = {"KmsMasterKeyId": "alias/aws/sns", "TracingConfig": "Active", **{
    f"{protocol}{kind}": value for protocol in ("Application", "Firehose", "HTTP", "Lambda", "SQS") for kind, value in (
        ("SuccessFeedbackRoleArn", f"arn:aws:iam::{ACCOUNT}:role/logs"), ("SuccessFeedbackSampleRate", "100"),
        ("FailureFeedbackRoleArn", f"arn:aws:iam::{ACCOUNT}:role/logs"))}}


def test_settings_of_logs_tracing_and_encryption_are_kept(sns, topic, name):
    """Recorded: test_delivery_lambda; the names are those of SetTopicAttributes in the API reference."""
    assert not SETTINGS.keys() & attributes(sns, topic).keys()
    for attribute, value in SETTINGS.items():
        sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=value)
    made = sns.create_topic(Name=f"{name}-2", Attributes=SETTINGS)["TopicArn"]
    for arn in (topic, made):
        assert SETTINGS.items() <= attributes(sns, arn).items()


def test_empty_settings_are_removed(sns, topic, name):
    names = ["KmsMasterKeyId", "SQSFailureFeedbackRoleArn", "DeliveryPolicy"]
    given = {"KmsMasterKeyId": "k", "SQSFailureFeedbackRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "DeliveryPolicy": json.dumps(
        {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 2, "numRetries": 5}}})}
    for attribute in names:
        sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=given[attribute])
        sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue="")
    made = sns.create_topic(Name=f"{name}-2", Attributes=dict.fromkeys(names, ""))["TopicArn"]
    for arn in (topic, made):
        assert not set(names) & attributes(sns, arn).keys()


@pytest.mark.parametrize("attribute, value", [
    ("TracingConfig", "On"), ("HTTPSuccessFeedbackSampleRate", "101"), ("HTTPSuccessFeedbackSampleRate", ""),
    ("HTTPSuccessFeedbackRoleArn", "role"), ("MailSuccessFeedbackRoleArn", "arn:aws:iam::1:role/x"), ("KmsMasterKeyId", "k" * 2049)])
def test_wrong_settings_are_refused(sns, topic, attribute, value):
    assert refusal(sns.set_topic_attributes, TopicArn=topic, AttributeName=attribute, AttributeValue=value)[0] == "InvalidParameter"


def test_a_key_is_given_once(sns, name):
    """Recorded: test_tags."""
    tags = [{"Key": "k1", "Value": "v1"}, {"Key": "k1", "Value": "v2"}]
    wanted = ("InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
    assert refusal(sns.create_topic, Name=name, Tags=tags) == wanted
    topic = sns.create_topic(Name=name, Tags=[])["TopicArn"]
    assert refusal(sns.tag_resource, ResourceArn=topic, Tags=tags) == wanted


# ---- batches ----

GROUP = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}


@pytest.mark.parametrize("kind, entry, code, text", [
    ("fifo", {"MessageDeduplicationId": "d2"}, "InvalidParameter", "The MessageGroupId parameter is required for FIFO topics"),
    ("fifo", {"MessageGroupId": "g"}, "InvalidParameter",
     "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"),
    ("topic", {"Message": "{}", "MessageStructure": "json"}, "InvalidParameter",
     "Message Structure - No default entry in JSON message body"),
    ("topic", {"MessageAttributes": {"attr1": {"DataType": "String", "StringValue": ""}}}, "ParameterValueInvalid", None)])
def test_a_batch_with_an_invalid_entry_is_refused_whole(request, sns, sqs, name, kind, entry, code, text):
    """Recorded: test_publish_batch_exceptions, test_empty_or_wrong_message_attributes."""
    topic = request.getfixturevalue(kind)
    url = make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "sns", topic)})
    subscribe(sns, topic, name)
    good = {"Id": "1", "Message": "good", **(GROUP if kind == "fifo" else {})}
    found = refusal(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[good, {"Id": "2", "Message": "m", **entry}])
    assert found[0] == code and found[1] in (f"Invalid parameter: {text}", ATTRIBUTE_TEXTS[0][1])
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{**good, "Message": "only"}])
    assert json.loads(receive(sqs, url)["Body"])["Message"] == "only"


# ---- texts ----

def test_an_arn_has_six_parts(sns):
    """Recorded: test_publish_wrong_arn_format, test_create_topic_with_attributes."""
    for arn, parts in (("randomstring", 1), ("randomstring:1", 2), ("", 1)):
        wanted = ("InvalidParameter", f"Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not {parts}")
        assert refusal(sns.publish, TopicArn=arn, Message="x") == wanted
        assert refusal(sns.get_topic_attributes, TopicArn=arn) == wanted


def test_an_absent_endpoint_is_refused(sns):
    """Recorded: test_publish_non_existent_target."""
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:endpoint/APNS/abcdef/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
    assert refusal(sns.publish, TargetArn=arn, Message="x") == (
        "InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified")


def test_a_wrong_token_is_refused(sns, topic):
    """Recorded: test_sns_confirm_subscription_wrong_token."""
    for arn, token, text in ((topic, "randomtoken", "Invalid token"), (topic, TOKEN, "Invalid parameter: Token"),
                             (topic + "-absent", TOKEN, "Invalid parameter: Token")):
        assert refusal(sns.confirm_subscription, TopicArn=arn, Token=token) == ("InvalidParameter", text)


def test_a_fifo_subscription_has_a_fifo_dead_letter_queue(sns, fifo, name):
    """Recorded: test_validations_for_fifo."""
    arn = subscribe(sns, fifo, f"{name}.fifo")
    assert refusal(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName="RedrivePolicy",
                   AttributeValue=json.dumps({"deadLetterTargetArn": queue_arn(name)})) == (
        "InvalidParameter", "Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
    letters = json.dumps({"deadLetterTargetArn": queue_arn(f"{name}-letters.fifo")})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=letters)
    assert described(sns, arn)["RedrivePolicy"] == letters


ATTRIBUTE_TEXTS = [
    ({"StringValue": "", "DataType": "String"},
     "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'."),
    ({"DataType": "String"},
     "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'."),
    ({"BinaryValue": b"", "DataType": "Binary"},
     "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'Binary'."),
    ({"BinaryValue": b"x", "DataType": "String"}, "The message attribute 'attr1' with type 'String' must use field 'String'."),
    ({"BinaryValue": b"1", "DataType": "Number"}, "The message attribute 'attr1' with type 'Number' must use field 'String'."),
    ({"StringValue": "x", "DataType": "Binary"}, "The message attribute 'attr1' with type 'Binary' must use field 'Binary'."),
    ({"StringValue": "x", "DataType": "Prefixed.String"},
     "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and "
     "String."),
]


@pytest.mark.parametrize("attribute, text", ATTRIBUTE_TEXTS)
def test_a_wrong_message_attribute_is_refused(sns, topic, attribute, text):
    """Recorded: test_empty_or_wrong_message_attributes, test_message_attributes_prefixes."""
    assert refusal(sns.publish, TopicArn=topic, Message="m", MessageAttributes={"attr1": attribute}) == ("ParameterValueInvalid", text)


@pytest.mark.parametrize("wrong, text", [
    ("a" * 257, "Length of message attribute name must be less than 256 bytes."),
    ("^.name", "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric "
               "characters, hyphens, underscores, or dots."),
    (".name", "Invalid message attribute name starting with character '.' was found."),
    ("name.", "Invalid message attribute name ending with character '.' was found."),
    ("na..me", "Message attribute name can not have successive '.' character.")])
def test_a_wrong_name_of_a_message_attribute_is_refused(sns, topic, wrong, text):
    """Recorded: test_empty_or_wrong_message_attributes."""
    assert refusal(sns.publish, TopicArn=topic, Message="m", MessageAttributes={
        wrong: {"DataType": "String", "StringValue": "v"}}) == ("ParameterValueInvalid", text)
