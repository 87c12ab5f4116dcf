"""Several accounts in one embedded cloud: with --keys any, an access key of twelve digits is an account.

Sources: "Cross-account policy evaluation logic", IAM User Guide; "Limitations of Amazon SQS custom policies", SQS Developer Guide;
"Sending Amazon SNS messages to an Amazon SQS queue in a different account", SNS Developer Guide; "Sending and receiving events between
event buses", EventBridge User Guide; "Verifying bucket ownership with bucket owner condition", S3 User Guide; localstack, "Multi-account
setups" of its documentation.
"""
import json
import re
import sqlite3

import pytest

import harness
from harness import ACCOUNT, REGION, error_code, error_message, error_of, event_records, fetch, receive

A, B = "111111111111", "222222222222"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, idle_pipelines):
    folder = tmp_path_factory.mktemp("cloud")
    (folder / "warm-up.jpg").write_bytes(harness.jpeg(32, 24))
    harness.know_key(folder / "data")
    cloud = harness.Cloud(folder / "data", "--keys", "any", "--pipelines", idle_pipelines, folder / "warm-up.jpg")
    yield cloud
    cloud.stop()
    harness.assert_healthy(cloud.output())


@pytest.fixture(scope="module")
def clients(cloud):
    """clients(service): of the accounts A and B"""
    return lambda service: [harness.client(cloud.endpoint, service, access_key=account, secret_key="any") for account in (A, B)]


def arn(service, account, resource):
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


def policy(resource, action, principal, **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]})


def body(sqs, url):
    message = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message["Body"]


# ---- SQS ----

def test_two_accounts_have_queues_of_the_same_name(clients, name):
    a, b = clients("sqs")
    urls = [sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(30 + i)})["QueueUrl"] for i, sqs in enumerate((a, b))]
    for sqs, url, account in zip((a, b), urls, (A, B)):
        assert url.endswith(f"/{account}/{name}")
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
        assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] == arn("sqs", account, name)
        assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
        sqs.send_message(QueueUrl=url, MessageBody=account)
    message = receive(a, urls[0])
    assert (message["Body"], message["Attributes"]["SenderId"]) == (A, A)
    a.delete_queue(QueueUrl=urls[0])
    assert error_code(a.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"
    assert body(b, urls[1]) == B


def test_a_queue_of_another_account_needs_its_policy(clients, name):
    a, b = clients("sqs")
    url = a.create_queue(QueueName=name)["QueueUrl"]
    assert error_code(b.send_message, QueueUrl=url, MessageBody="x") == ("AccessDenied", 403)
    assert re.fullmatch(rf"User: arn:aws:iam::{B}:root is not authorized to perform: sqs:SendMessage on resource: {name} because no "
                        "resource-based policy allows the sqs:SendMessage action.*", error_message(b.send_message, QueueUrl=url, MessageBody="x"))
    assert error_code(b.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error_code(b.get_queue_url, QueueName=name, QueueOwnerAWSAccountId=A) == ("AccessDenied", 403)
    a.add_permission(QueueUrl=url, Label="b", AWSAccountIds=[B], Actions=["SendMessage", "GetQueueUrl"])
    assert b.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=A)["QueueUrl"] == url
    b.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "from B"}])
    assert error_code(b.receive_message, QueueUrl=url) == ("AccessDenied", 403)
    assert body(a, url) == "from B"
    a.remove_permission(QueueUrl=url, Label="b")
    assert error_code(b.send_message, QueueUrl=url, MessageBody="x") == ("AccessDenied", 403)


def test_what_only_the_owner_of_a_queue_can_do(clients, name):
    a, b = clients("sqs")
    url = a.create_queue(QueueName=name)["QueueUrl"]
    a.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn("sqs", A, name), "sqs:*", {"AWS": B})})
    b.send_message(QueueUrl=url, MessageBody="x")
    b.purge_queue(QueueUrl=url)
    source = arn("sqs", A, name)
    for call, parameters in ((b.set_queue_attributes, {"Attributes": {"Policy": ""}}), (b.add_permission, {
            "Label": "l", "AWSAccountIds": [B], "Actions": ["*"]}), (b.remove_permission, {"Label": "l"}), (b.delete_queue, {}),
            (b.tag_queue, {"Tags": {"a": "b"}}), (b.untag_queue, {"TagKeys": ["a"]}), (b.list_queue_tags, {})):
        assert error_code(call, QueueUrl=url, **parameters) == ("AccessDenied", 403), call
    assert not b.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls")
    dead = b.create_queue(QueueName=name + "-dead")["QueueUrl"]
    assert error_code(b.set_queue_attributes, QueueUrl=dead, Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": source, "maxReceiveCount": 1})})[0] == "InvalidParameterValue"


# ---- SNS ----

def test_topics_of_accounts(clients, name):
    a, b = clients("sns")
    topics = [sns.create_topic(Name=name)["TopicArn"] for sns in (a, b)]
    assert topics == [arn("sns", account, name) for account in (A, B)]
    for sns, topic in zip((a, b), topics):
        listed = {each["TopicArn"] for each in sns.list_topics()["Topics"]}
        assert topic in listed and not any(each.split(":")[4] != topic.split(":")[4] for each in listed)
    attributes = a.get_topic_attributes(TopicArn=topics[0])["Attributes"]
    assert attributes["Owner"] == A and json.loads(attributes["Policy"])["Statement"][0]["Condition"] == {
        "StringEquals": {"AWS:SourceOwner": A}}
    assert error_code(b.publish, TopicArn=topics[0], Message="x") == ("AuthorizationError", 403)
    assert error_code(b.delete_topic, TopicArn=topics[0]) == ("AuthorizationError", 403)
    a.add_permission(TopicArn=topics[0], Label="b", AWSAccountId=[B], ActionName=["Publish"])
    b.publish(TopicArn=topics[0], Message="x")
    assert error_code(b.set_topic_attributes, TopicArn=topics[0], AttributeName="Policy", AttributeValue="{}") == ("AuthorizationError", 403)


def queue_for(sqs, account, name, topic):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(
        arn("sqs", account, name), "sqs:SendMessage", {"Service": "sns.amazonaws.com"}, ArnEquals={"aws:SourceArn": topic})})
    return url


def test_a_queue_subscribes_to_a_topic_of_another_account(clients, name):
    (a, b), (_, sqs) = clients("sns"), clients("sqs")
    topic = a.create_topic(Name=name)["TopicArn"]
    url = queue_for(sqs, B, name, topic)
    endpoint = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn("sqs", B, name)}
    assert error_code(b.subscribe, **endpoint) == ("AuthorizationError", 403)
    a.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(topic, "sns:Subscribe", {"AWS": B}))
    subscription = b.subscribe(**endpoint)["SubscriptionArn"]
    assert subscription.startswith(topic + ":")
    a.publish(TopicArn=topic, Message="hello")
    assert json.loads(body(sqs, url))["Message"] == "hello"
    (mine,) = [each for each in b.list_subscriptions()["Subscriptions"] if each["TopicArn"] == topic]
    assert (mine["Owner"], mine["SubscriptionArn"]) == (B, subscription)
    assert not [each for each in a.list_subscriptions()["Subscriptions"] if each["TopicArn"] == topic]
    assert [each["Owner"] for each in a.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [B]
    assert b.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["SubscriptionPrincipal"] == f"arn:aws:iam::{B}:root"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    a.publish(TopicArn=topic, Message="refused")
    b.unsubscribe(SubscriptionArn=subscription)
    assert not a.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert harness.depth(sqs, url) == (0, 0, 0)


def test_the_owner_of_a_queue_confirms_the_subscription_of_another_account(clients, name):
    (a, b), (_, sqs) = clients("sns"), clients("sqs")
    topic = a.create_topic(Name=name)["TopicArn"]
    url = queue_for(sqs, B, name, topic)
    endpoint = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn("sqs", B, name), "Attributes": {"RawMessageDelivery": "true"}}
    assert a.subscribe(**endpoint)["SubscriptionArn"] == "pending confirmation"
    a.publish(TopicArn=topic, Message="too early")
    asked = json.loads(body(sqs, url))
    assert (asked["Type"], asked["TopicArn"]) == ("SubscriptionConfirmation", topic)
    subscription = b.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    a.publish(TopicArn=topic, Message="hello")
    assert body(sqs, url) == "hello"
    assert a.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["PendingConfirmation"] == "false"
    assert error_code(b.unsubscribe, SubscriptionArn=subscription) == ("AuthorizationError", 403)


def test_an_unsigned_confirmation_needs_no_policy(cloud, clients, name):
    """The policy of the topic denies something, and the one who follows the link has no name."""
    a, _ = clients("sns")
    topic = a.create_topic(Name=name)["TopicArn"]
    deny = json.loads(policy(topic, "sns:Publish", "*"))
    deny["Statement"][0]["Effect"] = "Deny"
    a.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(deny))
    status, _, response = harness.http(f"{cloud.endpoint}/?Action=ConfirmSubscription&TopicArn={topic}&Token={'a1' * 32}")
    assert status == 400 and b"Invalid parameter: Token" in response
    assert cloud.running()


# ---- EventBridge ----

def rule(events, name, target, bus="default", role=None, source="app"):
    made = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    entry = {"Id": "t", "Arn": target, **({"RoleArn": role} if role else {})}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[entry])
    return made


def queue_of_rule(sqs, account, name, made):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(
        arn("sqs", account, name), "sqs:SendMessage", {"Service": "events.amazonaws.com"}, ArnEquals={"aws:SourceArn": made})})
    return url


def put(events, bus="default", source="app", detail="{}"):
    response = events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": detail, "EventBusName": bus}])
    assert response["FailedEntryCount"] == 0, response


def test_buses_of_accounts(clients, name):
    (a, b), (sqs_a, sqs_b) = clients("events"), clients("sqs")
    urls = []
    for events, sqs, account in ((a, sqs_a, A), (b, sqs_b, B)):
        assert events.create_event_bus(Name=name)["EventBusArn"] == arn("events", account, f"event-bus/{name}")
        assert {bus["Name"] for bus in events.list_event_buses(NamePrefix=name)["EventBuses"]} == {name}
        made = rule(events, name, arn("sqs", account, name), bus=name)
        assert made == arn("events", account, f"rule/{name}/{name}")
        assert events.describe_rule(Name=name, EventBusName=name)["CreatedBy"] == account
        urls.append(queue_of_rule(sqs, account, name, made))
    put(a, name, detail='{"of": "A"}')
    event = json.loads(body(sqs_a, urls[0]))
    assert (event["account"], event["detail"]) == (A, {"of": "A"})
    assert harness.depth(sqs_b, urls[1]) == (0, 0, 0)
    foreign = arn("events", A, f"event-bus/{name}")
    assert error_code(b.put_events, Entries=[{"Source": "app", "DetailType": "t", "Detail": "{}", "EventBusName": foreign}]) == (
        "AccessDeniedException", 400)
    assert error_code(b.describe_event_bus, Name=foreign) == ("AccessDeniedException", 400)
    a.put_permission(EventBusName=name, Action="events:PutEvents", Principal=B, StatementId="b")
    put(b, foreign, detail='{"of": "B"}')
    event = json.loads(body(sqs_a, urls[0]))
    assert (event["account"], event["detail"]) == (B, {"of": "B"})
    assert error_code(b.delete_event_bus, Name=foreign) == ("AccessDeniedException", 400)


def test_a_bus_is_the_target_of_a_rule(clients, name):
    """Once, and never further: so rules form no loop."""
    (events, _), (sqs, _) = clients("events"), clients("sqs")
    role = f"arn:aws:iam::{A}:role/forward"
    first, second, third = (name[:50] + end for end in ("-1", "-2", "-3"))
    arns = {bus: events.create_event_bus(Name=bus)["EventBusArn"] for bus in (first, second, third)}
    events.put_rule(Name="forward", EventBusName=first, EventPattern='{"source": ["app"]}')
    refused = error_of(events.put_targets, Rule="forward", EventBusName=first, Targets=[{"Id": "t", "Arn": arns[second]}])["Error"]
    assert (refused["Code"], refused["Message"]) == ("ValidationException", f"RoleArn is required for target {arns[second]}.")
    target = {"Id": "t", "Arn": arns[second], "RoleArn": role}
    assert error_code(events.put_targets, Rule="forward", EventBusName=first, Targets=[{**target, "RoleArn": role.replace(A, B)}])[0] == (
        "ValidationException")
    assert error_code(events.put_targets, Rule="forward", EventBusName=first, Targets=[{**target, "Input": "{}"}])[0] == "NotImplemented"
    events.put_targets(Rule="forward", EventBusName=first, Targets=[target])
    rule(events, "onward", arns[third], bus=second, role=role)
    rule(events, "back", arns[first], bus=second, role=role)
    urls = {bus: queue_of_rule(sqs, A, bus, rule(events, "queue", arn("sqs", A, bus), bus=bus)) for bus in (first, second, third)}
    put(events, first, detail='{"n": 1}')
    sent, forwarded = json.loads(body(sqs, urls[first])), json.loads(body(sqs, urls[second]))
    assert forwarded == {**sent, "id": forwarded["id"]} and sent["detail"] == {"n": 1} and forwarded["id"] != sent["id"]
    put(events, third, detail='{"n": 2}')
    assert json.loads(body(sqs, urls[third]))["detail"] == {"n": 2}, "and not the event that was forwarded already"
    assert all(harness.depth(sqs, url) == (0, 0, 0) for url in urls.values())


def test_a_bus_of_another_account_is_a_target_if_its_policy_allows_it(clients, name):
    (a, b), (sqs_a, sqs_b) = clients("events"), clients("sqs")
    target = b.create_event_bus(Name=name)["EventBusArn"]
    url = queue_of_rule(sqs_b, B, name, rule(b, name, arn("sqs", B, name), bus=name, source=name))
    dead = sqs_a.create_queue(QueueName=name)["QueueUrl"]
    role = f"arn:aws:iam::{A}:role/forward"
    made = rule(a, name, target, role=role, source=name)
    sqs_a.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": policy(
        arn("sqs", A, name), "sqs:SendMessage", {"Service": "events.amazonaws.com"}, ArnEquals={"aws:SourceArn": made})})
    a.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, "RoleArn": role, "DeadLetterConfig": {"Arn": arn("sqs", A, name)}}])
    put(a, source=name)
    letter = receive(sqs_a, dead)["MessageAttributes"]
    assert (letter["ERROR_CODE"]["StringValue"], letter["TARGET_ARN"]["StringValue"]) == ("NO_PERMISSIONS", target)
    b.put_permission(EventBusName=name, Action="events:PutEvents", Principal=A, StatementId="a")
    put(a, source=name)
    assert json.loads(body(sqs_b, url))["account"] == A


def test_a_queue_of_another_account_is_a_target_with_a_role(clients, name):
    (a, _), (_, sqs) = clients("events"), clients("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue, role = arn("sqs", B, name), f"arn:aws:iam::{A}:role/send"
    a.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    assert error_message(a.put_targets, Rule=name, Targets=[{"Id": "t", "Arn": queue}]) == f"RoleArn is required for target {queue}."
    a.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": queue, "RoleArn": role}])
    put(a, source=name, detail='{"n": 1}')
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(queue, "sqs:SendMessage", {"AWS": role})})
    put(a, source=name, detail='{"n": 2}')
    assert json.loads(body(sqs, url))["detail"] == {"n": 2}


# ---- S3 ----

def test_buckets_are_global_and_have_an_owner(clients, name):
    a, b = clients("s3")
    a.create_bucket(Bucket=name)
    a.create_bucket(Bucket=name)  # in us-east-1, again
    taken = error_of(b.create_bucket, Bucket=name)
    assert taken["Error"]["Code"] == "BucketAlreadyExists" and taken["Error"]["BucketName"] == name
    assert name in [each["Name"] for each in a.list_buckets()["Buckets"]] and a.list_buckets()["Owner"]["ID"] == A
    assert name not in [each["Name"] for each in b.list_buckets()["Buckets"]]
    a.put_object(Bucket=name, Key="k", Body=b"x")
    for call, parameters in ((b.get_object, {"Key": "k"}), (b.put_object, {"Key": "k", "Body": b"y"}), (b.list_objects_v2, {}),
                             (b.delete_object, {"Key": "k"}), (b.get_bucket_location, {}), (b.delete_bucket, {}),
                             (b.get_bucket_policy, {}), (b.put_bucket_policy, {"Policy": "{}"}), (b.get_object_tagging, {"Key": "k"})):
        assert error_code(call, Bucket=name, **parameters) == ("AccessDenied", 403), call
    assert error_code(b.head_bucket, Bucket=name) == ("403", 403)
    assert error_code(b.copy_object, Bucket=name, Key="c", CopySource=f"{name}/k") == ("AccessDenied", 403)
    assert fetch(a, name, "k") == b"x"


def test_the_policy_of_a_bucket_lets_another_account_in(clients, name):
    a, b = clients("s3")
    a.create_bucket(Bucket=name)
    a.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{B}:root"}, "Action": "s3:*",
         "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}]}))
    b.put_object(Bucket=name, Key="k", Body=b"from B", ACL="bucket-owner-full-control")
    assert fetch(a, name, "k") == b"from B" == fetch(b, name, "k")
    assert a.list_objects_v2(Bucket=name, FetchOwner=True)["Contents"][0]["Owner"]["ID"] == A
    assert b.get_bucket_acl(Bucket=name)["Owner"]["ID"] == A
    for call, more in ((b.get_bucket_policy, {}), (b.delete_bucket_policy, {}), (b.put_bucket_policy, {"Policy": "{}"})):
        assert error_code(call, Bucket=name, **more) == ("MethodNotAllowed", 405), call
    b.create_bucket(Bucket=name + "-b")
    b.copy_object(Bucket=name + "-b", Key="copy", CopySource=f"{name}/k", ExpectedBucketOwner=B, ExpectedSourceBucketOwner=A)
    for more in ({"ExpectedBucketOwner": A}, {"ExpectedSourceBucketOwner": B}):
        assert error_code(b.copy_object, Bucket=name + "-b", Key="copy", CopySource=f"{name}/k", **more) == ("AccessDenied", 403)
    assert error_code(b.get_object, Bucket=name, Key="k", ExpectedBucketOwner=B) == ("AccessDenied", 403)
    assert error_code(a.get_object, Bucket=name + "-b", Key="copy") == ("AccessDenied", 403)
    a.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "Requester"})
    assert error_code(b.get_object, Bucket=name, Key="k") == ("AccessDenied", 403)
    assert b.get_object(Bucket=name, Key="k", RequestPayer="requester")["Body"].read() == b"from B"
    assert fetch(a, name, "k") == b"from B"


def test_a_public_policy_is_for_strangers_only_if_they_are_not_restricted(clients, name):
    a, b = clients("s3")
    a.create_bucket(Bucket=name)
    a.put_object(Bucket=name, Key="k", Body=b"x")
    harness.allow_public_policies(a, name)
    a.put_bucket_policy(Bucket=name, Policy=policy(f"arn:aws:s3:::{name}/*", "s3:GetObject", "*"))
    assert fetch(b, name, "k") == b"x"
    a.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert error_code(b.get_object, Bucket=name, Key="k") == ("AccessDenied", 403)


def notify(s3, bucket, queue):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}], "EventBridgeConfiguration": {}})


def test_a_bucket_notifies_a_queue_of_another_account(clients, name):
    (s3, _), (_, sqs), (events_a, events_b), (sqs_a, _) = clients("s3"), clients("sqs"), clients("events"), clients("sqs")
    s3.create_bucket(Bucket=name)
    url, queue = sqs.create_queue(QueueName=name)["QueueUrl"], arn("sqs", B, name)
    assert error_code(notify, s3, name, queue) == ("InvalidArgument", 400)
    for account, allowed in ((B, False), (A, True)):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(
            queue, "sqs:SendMessage", {"Service": "s3.amazonaws.com"}, StringEquals={"aws:SourceAccount": account})})
        if not allowed:
            assert error_code(notify, s3, name, queue) == ("InvalidArgument", 400)
    notify(s3, name, queue)
    made = events_a.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}))["RuleArn"]
    events_b.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.s3"]}))
    events_a.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn("sqs", A, name)}])
    of_rule = queue_of_rule(sqs_a, A, name, made)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    (record,) = event_records(sqs, url, 1)
    assert (record["s3"]["bucket"]["ownerIdentity"]["principalId"], record["userIdentity"]["principalId"]) == (A, f"AWS:{A}")
    event = json.loads(body(sqs_a, of_rule))
    assert (event["account"], event["detail"]["requester"]) == (A, A)


# ---- STS, the start ----

def test_a_role_of_another_account_acts_for_it(cloud, clients, name):
    sts, _ = clients("sts")
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{B}:role/any", RoleSessionName="session")
    assert session["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{B}:assumed-role/any/session"
    keys = session["Credentials"]
    keys = {"access_key": keys["AccessKeyId"], "secret_key": keys["SecretAccessKey"], "token": keys["SessionToken"]}
    assert harness.client(cloud.endpoint, "sts", **keys).get_caller_identity()["Account"] == B
    url = harness.client(cloud.endpoint, "sqs", **keys).create_queue(QueueName=name)["QueueUrl"]
    assert clients("sqs")[1].get_queue_url(QueueName=name)["QueueUrl"] == url


def test_an_account_with_a_token_of_somewhere_else(cloud):
    sts = harness.client(cloud.endpoint, "sts", access_key=A, secret_key="any", token="a token of AWS")
    assert sts.get_caller_identity()["Account"] == A


def test_accounts_keep_their_resources(start_cloud, idle_pipelines, name):
    """And what an earlier version stored, without accounts, is in that of the embedded cloud."""
    options = ("--keys", "any", "--pipelines", idle_pipelines)
    cloud = start_cloud(*options)

    def of(service, account):
        return harness.client(cloud.endpoint, service, access_key=account, secret_key="any")
    for account in (A, "test"):
        of("s3", account).create_bucket(Bucket=f"{name}-{account}")
        of("sqs", account).create_queue(QueueName=name)
        of("sns", account).create_topic(Name=name)
        of("events", account).create_event_bus(Name=name)
        of("events", account).put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["x"]}')
    cloud.stop()
    with sqlite3.connect(cloud.data / "cloud.sqlite3") as database:
        database.execute("DELETE FROM bucket_settings WHERE kind = 'owner' AND document = ?", (ACCOUNT,))
        for table in "event_rules", "event_buses":
            database.execute(f"UPDATE {table} SET name = replace(name, ?, '')", (f":{ACCOUNT}",))
    for _ in range(2):
        cloud = start_cloud(*options)
        for account, number in ((A, A), ("test", ACCOUNT)):
            assert [each["Name"] for each in of("s3", account).list_buckets()["Buckets"] if each["Name"].startswith(name)] == [
                f"{name}-{account}"]
            assert of("sqs", account).list_queues(QueueNamePrefix=name)["QueueUrls"][0].endswith(f"/{number}/{name}")
            assert of("sns", account).get_topic_attributes(TopicArn=arn("sns", number, name))["Attributes"]["Owner"] == number
            assert of("events", account).describe_rule(Name=name, EventBusName=name)["Arn"] == arn("events", number, f"rule/{name}/{name}")
            assert len(of("events", account).list_event_buses(NamePrefix=name)["EventBuses"]) == 1
        cloud.stop()
