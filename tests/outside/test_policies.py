"""Resource policies: who may send to a queue or publish to a topic, with boto3 and policies as users write them."""
import json

import pytest

from harness import (ACCOUNT, REGION, ROOT, depth, error_code, make_queue, queue_arn, receive, send_policy, until)

REFERENCE = ROOT.parent / "shared/reference"


def topic_arn(name):
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(action, resource, **condition):
    return {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, **condition}


def reference(name, **names):
    """A reference policy as written, with its placeholders filled in."""
    file = REFERENCE / name
    if not file.exists():
        pytest.skip("the reference policies are not here")
    text = file.read_text().replace("REGION", REGION).replace(':ACCOUNT:', f":{ACCOUNT}:").replace('"ACCOUNT"', f'"{ACCOUNT}"')
    for old, new in names.items():
        text = text.replace(old.replace("_", "-"), new)
    return text


def set_policy(sqs, url, text):
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})


def notify_queue(s3, bucket, queue, **options):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue_arn(queue), "Events": ["s3:ObjectCreated:*"]}]}, **options)


def notify_topic(s3, bucket, topic):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})


def bodies(sqs, url):
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


# ---- the reference policies, as written ----

def test_a_bucket_reaches_its_queue(s3, sqs, cloud):
    text = reference("queue-from-bucket.json")
    s3.create_bucket(Bucket="content-bucket")
    s3.create_bucket(Bucket="content-bucket-2")
    url = make_queue(sqs, "content-queue")
    set_policy(sqs, url, text)
    notify_queue(s3, "content-bucket", "content-queue")
    s3.put_object(Bucket="content-bucket", Key="a.jpg", Body=b"x")
    assert json.loads(receive(sqs, url)["Body"])["Event"] == "s3:TestEvent"
    assert json.loads(receive(sqs, url)["Body"])["Records"][0]["s3"]["object"]["key"] == "a.jpg"
    assert error_code(notify_queue, s3, "content-bucket-2", "content-queue") == ("InvalidArgument", 400)
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"] == text


def test_one_topic_reaches_two_queues_and_another_none(sns, sqs, cloud):
    text = reference("queue-from-topic.json")
    granted, other = sns.create_topic(Name="NewImageTopic")["TopicArn"], sns.create_topic(Name="OldImageTopic")["TopicArn"]
    urls = [make_queue(sqs, f"from-topic-{i}") for i in range(2)]
    for i, url in enumerate(urls):
        set_policy(sqs, url, text)
        for topic in (granted, other):
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(f"from-topic-{i}"),
                          Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=other, Message="refused")
    sns.publish(TopicArn=granted, Message="granted")
    for url in urls:
        assert receive(sqs, url)["Body"] == "granted"
        assert depth(sqs, url)[0] == 0
    until(lambda: cloud.output().count("the queue's policy does not allow it") >= 2, "both refusals are logged")
    assert "condition ArnEquals aws:SourceArn is not met" in cloud.output()


def test_any_bucket_of_the_account_reaches_the_topic(s3, sns, sqs, bucket, queue, name):
    topic = sns.create_topic(Name="resize-image-topic")["TopicArn"]
    assert error_code(notify_topic, s3, bucket, topic) == ("InvalidArgument", 400)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy",
                             AttributeValue=reference("topic-from-bucket.json"))
    set_policy(sqs, queue, send_policy(name, "sns", topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes={"RawMessageDelivery": "true"})
    notify_topic(s3, bucket, topic)
    s3.put_object(Bucket=bucket, Key="a.jpg", Body=b"x")
    events = [json.loads(receive(sqs, queue)["Body"]) for _ in range(2)]
    assert events[0]["Event"] == "s3:TestEvent" and events[1]["Records"][0]["s3"]["bucket"]["name"] == bucket


def test_a_policy_for_a_rule_lets_no_bucket_in(s3, sqs, bucket):
    """The grant is EventBridge's, for one rule; the policy is taken as written."""
    url = make_queue(sqs, "practiceQ")
    set_policy(sqs, url, reference("queue-from-eventbridge.json"))
    assert error_code(notify_queue, s3, bucket, "practiceQ") == ("InvalidArgument", 400)


# ---- refusals ----

def test_a_queue_without_a_policy_cannot_be_notified(s3, bucket, queue, name):
    with pytest.raises(s3.exceptions.ClientError, match="Unable to validate the following destination configurations"):
        notify_queue(s3, bucket, name)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_deleting_a_policy_stops_the_events_but_not_the_objects(s3, sqs, cloud, bucket, queue, name):
    set_policy(sqs, queue, send_policy(name, "s3", f"arn:aws:s3:::{bucket}"))
    notify_queue(s3, bucket, name)
    s3.put_object(Bucket=bucket, Key="told", Body=b"x")
    assert len([receive(sqs, queue) for _ in range(2)]) == 2
    set_policy(sqs, queue, "")
    for i in range(20):
        s3.put_object(Bucket=bucket, Key=f"untold-{i}", Body=b"x")
    assert depth(sqs, queue)[0] == 0
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 21
    mine = lambda: [line for line in cloud.output().splitlines() if queue_arn(name) in line]
    until(mine, "the refusal is logged")
    assert len(mine()) == 1 and "no policy allows s3.amazonaws.com to SendMessage" in mine()[0]


def test_a_destination_can_be_set_unchecked_and_refuses_later(s3, sqs, bucket, queue, name):
    notify_queue(s3, bucket, name, SkipDestinationValidation=True)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert bodies(sqs, queue) == []
    set_policy(sqs, queue, send_policy(name, "s3", f"arn:aws:s3:::{bucket}"))
    s3.put_object(Bucket=bucket, Key="b", Body=b"x")
    assert json.loads(receive(sqs, queue)["Body"])["Records"][0]["s3"]["object"]["key"] == "b"


def test_a_topic_does_not_reach_a_queue_without_a_policy(sns, sqs, topic, queue, name):
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name))
    sns.publish(TopicArn=topic, Message="m")
    assert bodies(sqs, queue) == []


def test_deny_wins_over_allow(sns, sqs, topic, queue, name):
    allow = json.loads(send_policy(name, "sns", topic))["Statement"][0]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes={"RawMessageDelivery": "true"})
    set_policy(sqs, queue, policy(allow, deny("sqs:SendMessage", "*", Condition={"ArnLike": {"aws:SourceArn": topic}})))
    sns.publish(TopicArn=topic, Message="denied")
    set_policy(sqs, queue, policy(allow))
    sns.publish(TopicArn=topic, Message="allowed")
    assert receive(sqs, queue)["Body"] == "allowed"
    assert depth(sqs, queue)[0] == 0


# ---- the owner's own requests ----

def test_the_owner_needs_no_grant(sqs, queue, name):
    set_policy(sqs, queue, send_policy(name, "s3", "arn:aws:s3:::elsewhere"))
    sqs.send_message(QueueUrl=queue, MessageBody="mine")
    assert receive(sqs, queue)["Body"] == "mine"


def test_a_queue_policy_can_deny_its_owner_who_can_replace_it(cloud, sqs, queue, name):
    from harness import aws
    set_policy(sqs, queue, policy(deny("SQS:send*", queue_arn(name))))
    entries = [{"Id": "1", "MessageBody": "m"}]
    assert error_code(sqs.send_message, QueueUrl=queue, MessageBody="m") == ("AccessDenied", 403)
    assert error_code(sqs.send_message_batch, QueueUrl=queue, Entries=entries) == ("AccessDenied", 403)
    assert bodies(sqs, queue) == []
    refused = aws(cloud.endpoint, "sqs", "send-message", "--queue-url", queue, "--message-body", "m", check=False)
    assert "AccessDenied" in refused.stderr and "explicit deny in a resource-based policy" in refused.stderr
    set_policy(sqs, queue, policy(deny("sqs:*", "*")))
    assert error_code(sqs.get_queue_url, QueueName=name) == ("AccessDenied", 403)
    assert error_code(sqs.delete_queue, QueueUrl=queue) == ("AccessDenied", 403)
    assert error_code(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"DelaySeconds": "1"}) == ("AccessDenied", 403)
    set_policy(sqs, queue, "")
    sqs.send_message(QueueUrl=queue, MessageBody="m")


def test_a_topic_policy_can_deny_its_owner_who_can_replace_it(sns, topic):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(deny("sns:*", topic)))
    entries = [{"Id": "1", "Message": "m"}]
    assert error_code(sns.publish, TopicArn=topic, Message="m") == ("AuthorizationError", 403)
    assert error_code(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == ("AuthorizationError", 403)
    assert error_code(sns.delete_topic, TopicArn=topic) == ("AuthorizationError", 403)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(deny("sns:Subscribe", topic)))
    sns.publish(TopicArn=topic, Message="m")


def test_a_policy_against_plain_http_does_not_close_the_loopback(sqs, queue):
    set_policy(sqs, queue, policy(deny("sqs:*", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})))
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert receive(sqs, queue)["Body"] == "m"


# ---- documents ----

WRONG = ["{", "{}", "[]", policy(), policy({"Effect": "Allow"}),
         policy({"Effect": "Allow", "Principal": "me", "Action": "*", "Resource": "*"}),
         policy({"Effect": "Perhaps", "Principal": "*", "Action": "*", "Resource": "*"}),
         policy({"Effect": "Allow", "Principal": "*", "Action": "ec2:RunInstances", "Resource": "*"}),
         policy({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Is": {"a:b": "c"}}})]


@pytest.mark.parametrize("text", WRONG)
def test_an_invalid_policy_is_refused_and_changes_nothing(sns, sqs, topic, queue, name, text):
    before = send_policy(name, "sns", topic)
    set_policy(sqs, queue, before)
    assert error_code(set_policy, sqs, queue, text) == ("InvalidAttributeValue", 400)
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"] == before
    assert error_code(sns.set_topic_attributes, TopicArn=topic, AttributeName="Policy",
                      AttributeValue=text) == ("InvalidParameter", 400)
    assert error_code(sqs.create_queue, QueueName=f"{name}-2", Attributes={"Policy": text}) == ("InvalidAttributeValue", 400)
    assert error_code(sns.create_topic, Name=f"{name}-2", Attributes={"Policy": text}) == ("InvalidParameter", 400)


def test_a_policy_over_the_limit_is_refused(sqs, queue):
    actions = [f"sqs:Action{i}" for i in range(8)]
    text = policy({"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "*"})
    assert error_code(set_policy, sqs, queue, text)[0] == "OverLimit"


def test_an_unsupported_condition_denies_and_is_logged(sns, sqs, cloud, topic, queue, name):
    statement = json.loads(send_policy(name, "sns", topic))["Statement"][0]
    statement["Condition"] = {"StringNotEquals": {"aws:PrincipalOrgID": "o-none"}}
    set_policy(sqs, queue, policy(statement))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name))
    sns.publish(TopicArn=topic, Message="m")
    assert bodies(sqs, queue) == []
    until(lambda: "condition StringNotEquals aws:PrincipalOrgID" in cloud.output(), "the log says so")


def test_a_new_topic_has_the_default_policy_of_sns(sns, topic):
    """The owner may do everything, by a condition that S3 does not meet; set as it is read, it changes nothing."""
    text = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    statement = json.loads(text)["Statement"][0]
    assert statement["Effect"] == "Allow" and statement["Resource"] == topic
    assert "SNS:Publish" in statement["Action"] and statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)
    sns.publish(TopicArn=topic, Message="m")


def test_the_default_policy_lets_no_bucket_publish(s3, sns, bucket, topic):
    text = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    assert error_code(notify_topic, s3, bucket, topic) == ("InvalidArgument", 400)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)
    assert error_code(notify_topic, s3, bucket, topic) == ("InvalidArgument", 400)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_policies_survive(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="kept")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(deny("sns:Subscribe", topic)))
    for name in ("open", "closed"):
        url = make_queue(sqs, name)
        set_policy(sqs, url, send_policy(name, "sns", topic if name == "open" else topic + "-2"))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}))
    for name in ("open", "closed"):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), Attributes={"RawMessageDelivery": "true"})
    getattr(cloud, end)()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, sns, sqs = cloud.client("s3"), cloud.client("sns"), cloud.client("sqs")
    s3.create_bucket(Bucket="kept-bucket")
    notify_topic(s3, "kept-bucket", topic)
    urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("open", "closed")}
    assert json.loads(receive(sqs, urls["open"])["Body"])["Event"] == "s3:TestEvent"
    assert bodies(sqs, urls["closed"]) == []


# ---- members of the same name ----
# The IAM policy grammar and Event Ruler call them invalid. In other documents the last one counts, as in the services' JSON parser.

TWICE = '"Effect": "Deny", "Effect": "Allow", "Principal": "*"'


def test_a_policy_with_a_duplicate_key_is_refused(s3, sqs, sns, queue, bucket, topic, name):
    def text(action, resource):
        return f'{{"Version": "2012-10-17", "Statement": [{{{TWICE}, "Action": "{action}", "Resource": "{resource}"}}]}}'
    assert error_code(set_policy, sqs, queue, text("sqs:SendMessage", queue_arn(name)))[0] == "InvalidAttributeValue"
    assert error_code(sns.set_topic_attributes, TopicArn=topic, AttributeName="Policy",
                      AttributeValue=text("sns:Publish", topic))[0] == "InvalidParameter"
    assert error_code(s3.put_bucket_policy, Bucket=bucket, Policy=text("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))[0] == "MalformedPolicy"


def test_a_pattern_with_a_duplicate_key_is_refused(cloud, sns, queue, topic, name):
    pattern = '{"source": ["aws.s3"], "source": ["aws.sns"]}'
    assert error_code(cloud.client("events").put_rule, Name=name, EventPattern=pattern)[0] == "InvalidEventPatternException"
    assert error_code(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name),
                      Attributes={"FilterPolicy": pattern})[0] == "InvalidParameter"


def test_the_last_duplicate_key_in_another_attribute_counts(sqs, sns, queue, topic, name):
    dead = make_queue(sqs, f"{name}-dead")
    arn = queue_arn(f"{name}-dead")
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy":
                                                        '{"redrivePermission": "denyAll", "redrivePermission": "allowAll"}'})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0", "RedrivePolicy":
        f'{{"maxReceiveCount": 9, "deadLetterTargetArn": "{queue_arn("nothing")}", "deadLetterTargetArn": "{arn}", "maxReceiveCount": 1}}'})
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert receive(sqs, queue)["Body"] == "m"
    assert bodies(sqs, queue) == []
    assert receive(sqs, dead)["Body"] == "m"
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name), ReturnSubscriptionArn=True, Attributes={
        "RedrivePolicy": f'{{"deadLetterTargetArn": "none", "deadLetterTargetArn": "{arn}"}}'})["SubscriptionArn"]
    assert arn in sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["RedrivePolicy"]


def test_the_last_duplicate_key_in_a_delivery_policy_counts(sns, topic):
    subscription = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:1/", ReturnSubscriptionArn=True, Attributes={
        "DeliveryPolicy": '{"throttlePolicy": {"maxReceivesPerSecond": 4, "maxReceivesPerSecond": 7}}'})["SubscriptionArn"]
    told = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["EffectiveDeliveryPolicy"]
    assert json.loads(told)["throttlePolicy"] == {"maxReceivesPerSecond": 7}
