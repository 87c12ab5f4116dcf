"""EventBridge with third-party clients: rules, patterns, targets, and S3's events through them."""
import json
import time

import pytest

import harness
import test_policies
from harness import ACCOUNT, REGION, aws, error_code, make_queue, queue_arn, receive, until


@pytest.fixture(scope="module")
def events(cloud):
    return cloud.client("events")


def rule_arn(name):
    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"


def topic_arn(name):
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def set_policy(sqs, queue, rule):
    sqs.set_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"],
                             Attributes={"Policy": harness.send_policy(queue, "events", rule_arn(rule))})


def queue_for(sqs, name, rule=None):
    """A queue that a rule may send to: its URL."""
    url = make_queue(sqs, name)
    set_policy(sqs, name, rule or name)
    return url


def put_rule(events, name, pattern, **target):
    """A rule with a queue of its own name as its target."""
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn(name), **target}])


def put_event(events, source, detail, kind="Test", **more):
    response = events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": json.dumps(detail), **more}])
    assert response["FailedEntryCount"] == 0, response
    return response["Entries"][0]["EventId"]


def body(sqs, url):
    message = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message["Body"]


def test_an_event_reaches_the_queue_of_the_rule_that_it_matches(events, sqs, name):
    url = queue_for(sqs, name)
    put_rule(events, name, {"source": [name], "detail": {"size": [{"numeric": [">", 10]}]}})
    put_event(events, name, {"size": 5})
    put_event(events, name + "-other", {"size": 50})
    sent = put_event(events, name, {"size": 50, "ä": None}, kind="Größe", Resources=["arn:aws:x:::y"], Time=1234567890)
    event = json.loads(body(sqs, url))
    assert event == {"version": "0", "id": sent, "detail-type": "Größe", "source": name, "account": ACCOUNT,
                     "time": "2009-02-13T23:31:30Z", "region": REGION, "resources": ["arn:aws:x:::y"],
                     "detail": {"size": 50, "ä": None}}
    assert harness.depth(sqs, url) == (0, 0, 0)


def test_rules_are_described_listed_in_pages_and_deleted_only_without_targets(events, sqs, name):
    pattern = json.dumps({"source": [name]})
    names = [f"{name}-{i}" for i in range(5)]
    for each in names:
        response = events.put_rule(Name=each, EventPattern=pattern, Description="of five", State="DISABLED")
        assert response["RuleArn"] == rule_arn(each)
    rule = events.describe_rule(Name=names[0], EventBusName="default")
    expected = {"Name": names[0], "Arn": rule_arn(names[0]), "EventPattern": pattern, "State": "DISABLED",
                "Description": "of five", "EventBusName": "default"}
    assert expected.items() <= rule.items() and rule["CreatedBy"] == ACCOUNT
    pages = events.get_paginator("list_rules").paginate(NamePrefix=name, PaginationConfig={"PageSize": 2})
    pages = [page["Rules"] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [rule["Name"] for page in pages for rule in page] == names
    assert pages[0][0] == expected
    target = queue_arn(name)
    for each in names:
        events.put_targets(Rule=each, Targets=[{"Id": "a", "Arn": target}])
    pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=target,
                                                                       PaginationConfig={"PageSize": 3})
    assert [name for page in pages for name in page["RuleNames"]] == names
    assert error_code(events.delete_rule, Name=names[0]) == ("ValidationException", 400)
    events.remove_targets(Rule=names[0], Ids=["a"])
    events.delete_rule(Name=names[0])
    events.delete_rule(Name=names[0])
    assert error_code(events.describe_rule, Name=names[0]) == ("ResourceNotFoundException", 400)


def test_a_rule_that_is_disabled_sends_nothing(events, sqs, name):
    url = queue_for(sqs, name)
    put_rule(events, name, {"source": [name]})
    events.disable_rule(Name=name)
    assert events.describe_rule(Name=name)["State"] == "DISABLED"
    put_event(events, name, {"n": 1})
    events.enable_rule(Name=name)
    put_event(events, name, {"n": 2})
    assert json.loads(body(sqs, url))["detail"] == {"n": 2}


def test_putting_a_rule_again_replaces_it_and_keeps_its_targets(events, sqs, name):
    url = queue_for(sqs, name)
    put_rule(events, name, {"source": ["nobody"]})
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    put_event(events, name, {"n": 1})
    assert json.loads(body(sqs, url))["source"] == name


def test_targets_are_listed_replaced_and_removed(events, sqs, name):
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    targets = [{"Id": f"t{i}", "Arn": queue_arn(f"{name}-{i}"), "Input": json.dumps({"n": i})} for i in range(5)]
    assert events.put_targets(Rule=name, Targets=targets)["FailedEntryCount"] == 0
    targets[1] = {"Id": "t1", "Arn": queue_arn(name), "InputPath": "$.detail",
                  "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
                  "DeadLetterConfig": {"Arn": queue_arn(name + "-dlq")}}
    events.put_targets(Rule=name, Targets=[targets[1]])
    pages = list(events.get_paginator("list_targets_by_rule").paginate(Rule=name, PaginationConfig={"PageSize": 2}))
    assert [target for page in pages for target in page["Targets"]] == targets
    assert error_code(events.put_targets, Rule=name, Targets=[{"Id": "t5", "Arn": queue_arn(name)}]) == (
        "LimitExceededException", 400)
    response = events.remove_targets(Rule=name, Ids=["t0", "t9"])
    assert response["FailedEntryCount"] == 1 and response["FailedEntries"][0]["TargetId"] == "t9"
    assert [t["Id"] for t in events.list_targets_by_rule(Rule=name)["Targets"]] == ["t1", "t2", "t3", "t4"]


@pytest.mark.parametrize("target, code", [
    ({"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f"}, ("NotImplemented", 501)),
    ({"Arn": "queue"}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "Input": "{"}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "Input": "{}", "InputPath": "$"}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "InputPath": "detail"}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "InputTransformer": {"InputTemplate": "<x>"}}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "InputTransformer": {"InputTemplate": "no JSON"}}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q.fifo")}, ("ValidationException", 400)),
    ({"Arn": topic_arn("t.fifo")}, ("ValidationException", 400)),
    ({"Arn": topic_arn("t"), "SqsParameters": {"MessageGroupId": "g"}}, ("ValidationException", 400)),
    ({"Arn": queue_arn("q"), "KinesisParameters": {"PartitionKeyPath": "$.id"}}, ("NotImplemented", 501)),
    ({"Arn": queue_arn("q"), "RetryPolicy": {"MaximumEventAgeInSeconds": 86401}}, None),
    ({"Arn": queue_arn("q"), "DeadLetterConfig": {"Arn": topic_arn("t")}}, ("ValidationException", 400)),
])
def test_targets_that_cannot_work_are_refused(cloud, name, target, code):
    events = harness.client(cloud.endpoint, "events", parameter_validation=False)
    events.put_rule(Name="refused-targets", EventPattern="{\"source\": [\"x\"]}")
    code = code or ("ValidationException", 400)
    assert error_code(events.put_targets, Rule="refused-targets", Targets=[{"Id": "t", **target}]) == code
    assert events.list_targets_by_rule(Rule="refused-targets")["Targets"] == []


def test_rules_that_cannot_work_are_refused(cloud, name):
    events = harness.client(cloud.endpoint, "events", parameter_validation=False)
    for pattern in ("", "[]", "{", '{"a": "b"}', '{"a": [{"like": "b"}]}', "{}"):
        assert error_code(events.put_rule, Name=name, EventPattern=pattern) == ("InvalidEventPatternException", 400)
        assert error_code(events.test_event_pattern, EventPattern=pattern, Event="{}") == (
            "InvalidEventPatternException", 400)
    pattern = '{"source": ["x"]}'
    assert error_code(events.put_rule, Name=name) == ("ValidationException", 400)
    assert error_code(events.put_rule, Name="no spaces", EventPattern=pattern) == ("ValidationException", 400)
    assert error_code(events.put_rule, Name=name, EventPattern=pattern, State="ASLEEP") == ("ValidationException", 400)
    assert error_code(events.put_rule, Name=name, ScheduleExpression="rate(5 minutes)") == ("NotImplemented", 501)
    assert error_code(events.put_rule, Name=name, EventPattern=pattern, EventBusName="orders") == (
        "ResourceNotFoundException", 400)
    assert error_code(events.describe_rule, Name=name) == ("ResourceNotFoundException", 400)
    assert error_code(events.put_targets, Rule=name, Targets=[{"Id": "t", "Arn": queue_arn("q")}]) == (
        "ResourceNotFoundException", 400)


def test_test_event_pattern_requires_a_complete_event(events):
    event = {"id": "1", "account": ACCOUNT, "source": "s", "time": "2020-01-01T00:00:00Z", "region": REGION,
             "resources": [], "detail-type": "t", "detail": {"n": [1, 2]}}
    for pattern, result in (({"source": ["s"], "detail": {"n": [2]}}, True), ({"detail": {"n": [3]}}, False)):
        response = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
        assert response["Result"] is result
    del event["region"]
    assert error_code(events.test_event_pattern, EventPattern='{"a": [1]}', Event=json.dumps(event)) == (
        "ValidationException", 400)


def test_put_events_checks_each_entry_and_the_total_size(cloud, events, sqs, name):
    url = queue_for(sqs, name)
    put_rule(events, name, {"source": [name]})
    good = {"Source": name, "DetailType": "t", "Detail": "{}"}
    response = events.put_events(Entries=[
        good, {**good, "Detail": "[]"}, {**good, "Detail": "{"}, {"Source": name, "Detail": "{}"},
        {**good, "Source": "aws.s3"}, {**good, "EventBusName": "orders"}, {**good, "EventBusName": "default"}])
    assert response["FailedEntryCount"] == 4
    codes = [entry.get("ErrorCode") for entry in response["Entries"]]
    assert codes == [None, "MalformedDetail", "MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException",
                     None, None]
    got = {json.loads(body(sqs, url))["id"] for _ in range(2)}
    assert got == {response["Entries"][0]["EventId"], response["Entries"][6]["EventId"]}
    big = {**good, "Detail": json.dumps({"x": "y" * 256 * 1024})}
    assert error_code(events.put_events, Entries=[big]) == ("ValidationException", 400)
    unchecked = harness.client(cloud.endpoint, "events", parameter_validation=False)
    assert error_code(unchecked.put_events, Entries=[good] * 11) == ("ValidationException", 400)
    assert error_code(unchecked.put_events, Entries=[]) == ("ValidationException", 400)


def test_inputs_are_constants_parts_and_templates(events, sqs, name):
    url = queue_for(sqs, name)
    detail = {"who": "Zoë \"Z\"", "n": 1.5, "list": [{"a": 1}, {"a": "b"}], "no": None}

    def made(**target):
        put_rule(events, name, {"source": [name]}, **target)
        put_event(events, name, detail)
        return body(sqs, url)

    assert made(Input="{\"a\":  1}") == "{\"a\":  1}"
    assert json.loads(made(InputPath="$.detail.list[1]")) == {"a": "b"}
    assert json.loads(made(InputPath="$.detail-type")) == "Test"
    paths = {"who": "$.detail.who", "n": "$.detail.n", "list": "$.detail.list", "no": "$.detail.no",
             "gone": "$.detail.gone"}

    def transformed(template):
        return made(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})

    assert json.loads(transformed('{"w": <who>, "n": <n>, "l": <list>, "no": <no>, "t": "n is <n>", "g": "<gone>"}')) == {
        "w": detail["who"], "n": 1.5, "l": detail["list"], "no": None, "t": "n is 1.5", "g": ""}
    assert json.loads(transformed('"<who> has <n> and <list>"')) == f'{detail["who"]} has 1.5 and [{{a:1}},{{a:b}}]'
    assert transformed('"line <n>"\n"line <n>"') == '"line 1.5"\n"line 1.5"'
    whole = json.loads(transformed('{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>", '
                                   '"at": <aws.events.event.ingestion-time>, "event": <aws.events.event>, '
                                   '"json": <aws.events.event.json>}'))
    assert whole["rule"] == name and whole["arn"] == rule_arn(name)
    assert abs(time.time() - time.mktime(time.strptime(whole["at"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 3600
    assert whole["json"]["detail"] == detail and "detail" not in whole["event"]
    assert whole["event"]["source"] == whole["json"]["source"] == name


def test_a_topic_is_a_target_too(events, sqs, sns, name):
    url = make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": harness.send_policy(name, "sns", topic_arn(name))})
    sns.create_topic(Name=name, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish",
         "Resource": topic_arn(name)}]})})
    sns.subscribe(TopicArn=topic_arn(name), Protocol="sqs", Endpoint=queue_arn(name))
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": topic_arn(name), "InputPath": "$.detail"}])
    put_event(events, name, {"n": 1})
    envelope = json.loads(body(sqs, url))
    assert envelope["TopicArn"] == topic_arn(name) and json.loads(envelope["Message"]) == {"n": 1}


def test_a_fifo_queue_gets_events_in_the_group_of_its_target(events, sqs, name):
    fifo = name + ".fifo"
    url = sqs.create_queue(QueueName=fifo, Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true",
        "Policy": harness.send_policy(fifo, "events", rule_arn(name))})["QueueUrl"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue_arn(fifo), "InputPath": "$.detail",
                                            "SqsParameters": {"MessageGroupId": "photos"}}])
    for n in (1, 2, 2, 3):
        put_event(events, name, {"n": n})
    for n in (1, 2, 3):
        message = receive(sqs, url)
        assert json.loads(message["Body"]) == {"n": n} and message["Attributes"]["MessageGroupId"] == "photos"
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert harness.depth(sqs, url) == (0, 0, 0)


def test_an_event_that_a_target_refuses_goes_to_its_dead_letter_queue(cloud, events, sqs, name):
    url = make_queue(sqs, name)
    set_policy(sqs, name, "another-rule")
    letters = make_queue(sqs, name + "-dead")
    set_policy(sqs, name + "-dead", name)
    put_rule(events, name, {"source": [name]}, DeadLetterConfig={"Arn": queue_arn(name + "-dead")})
    sent = put_event(events, name, {"n": 1})
    letter = receive(sqs, letters)
    assert json.loads(letter["Body"])["id"] == sent
    attributes = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == rule_arn(name) and attributes["TARGET_ARN"] == queue_arn(name)
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS" and "aws:SourceArn" in attributes["ERROR_MESSAGE"]
    assert harness.depth(sqs, url) == (0, 0, 0)
    cloud.wait_for(f"event not delivered by its rule.*{name}.*aws:SourceArn")


def test_the_queue_policy_of_the_reference_works_as_written(events, sqs, name):
    """A policy as people attach it by hand: the one rule may send, another may not."""
    text = test_policies.reference("queue-from-eventbridge.json")
    rule, queue = "HD-image-upload-trigger", "practiceQ"
    url = make_queue(sqs, queue)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    for each in (rule, name):
        events.put_rule(Name=each, EventPattern=json.dumps({"source": [name], "detail": {"for": [each]}}))
        events.put_targets(Rule=each, Targets=[{"Id": "q", "Arn": queue_arn(queue)}])
    put_event(events, name, {"for": name})
    put_event(events, name, {"for": rule})
    assert json.loads(body(sqs, url))["detail"] == {"for": rule}
    assert harness.depth(sqs, url) == (0, 0, 0)


def test_rules_have_tags_and_the_bus_is_described(events, name):
    events.put_rule(Name=name, EventPattern='{"source": ["x"]}', Tags=[{"Key": "a", "Value": "1"}])
    events.tag_resource(ResourceARN=rule_arn(name), Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    events.untag_resource(ResourceARN=rule_arn(name), TagKeys=["b"])
    assert events.list_tags_for_resource(ResourceARN=rule_arn(name))["Tags"] == [{"Key": "a", "Value": "3"}]
    assert error_code(events.list_tags_for_resource, ResourceARN=rule_arn("nobody")) == (
        "ResourceNotFoundException", 400)
    bus = {"Name": "default", "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}
    assert bus.items() <= events.describe_event_bus().items()
    assert events.list_event_buses()["EventBuses"] == [bus]
    assert events.list_event_buses(NamePrefix="other")["EventBuses"] == []


def test_unsupported_operations_are_refused_by_name(cloud, events):
    assert error_code(events.create_connection, Name="c", AuthorizationType="BASIC", AuthParameters={}) == ("NotImplemented", 501)
    assert error_code(events.list_archives) == ("NotImplemented", 501)


def test_the_aws_cli_puts_a_rule_and_an_event(cloud, sqs, name):
    url = queue_for(sqs, name)
    pattern = json.dumps({"source": [{"prefix": name}]})
    assert aws(cloud.endpoint, "events", "put-rule", "--name", name, "--event-pattern", pattern) == {
        "RuleArn": rule_arn(name)}
    aws(cloud.endpoint, "events", "put-targets", "--rule", name, "--targets", f"Id=1,Arn={queue_arn(name)}")
    entries = json.dumps([{"Source": name + ".x", "DetailType": "t", "Detail": "{\"a\": 1}"}])
    assert aws(cloud.endpoint, "events", "put-events", "--entries", entries)["FailedEntryCount"] == 0
    assert json.loads(body(sqs, url))["detail"] == {"a": 1}


def test_acknowledged_data_survives_a_kill(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    events, sqs = cloud.client("events"), cloud.client("sqs")
    queue_for(sqs, name)
    put_rule(events, name, {"source": [name]})
    events.put_rule(Name=name + "-gone", EventPattern='{"source": ["x"]}')
    events.delete_rule(Name=name + "-gone")
    sent = [put_event(events, name, {"n": n}) for n in range(5)]
    cloud.kill()
    cloud = start_cloud("--pipelines", idle_pipelines)
    events, sqs = cloud.client("events"), cloud.client("sqs")
    assert [rule["Name"] for rule in events.list_rules(NamePrefix=name)["Rules"]] == [name]
    sent.append(put_event(events, name, {"n": 5}))
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert {json.loads(body(sqs, url))["id"] for _ in sent} == set(sent)


# ---- S3 ----

def bridge(s3, events, name, pattern=None):
    """A bucket that sends events to EventBridge, and a rule for them."""
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    put_rule(events, name, {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}, **(pattern or {})})


def test_a_bucket_sends_events_to_eventbridge(events, s3, sqs, name):
    url = queue_for(sqs, name)
    bridge(s3, events, name)
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    key = "a b/ü+1.txt"
    etag = s3.put_object(Bucket=name, Key=key, Body=b"hello")["ETag"].strip('"')
    event = json.loads(body(sqs, url))
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["resources"] == [f"arn:aws:s3:::{name}"] and event["region"] == REGION
    detail, created = event["detail"], event["detail"]["object"]
    assert detail["bucket"] == {"name": name} and detail["version"] == "0" and detail["reason"] == "PutObject"
    assert detail["requester"] == ACCOUNT and detail["source-ip-address"] == "127.0.0.1" and detail["request-id"]
    assert {"key": key, "size": 5, "etag": etag}.items() <= created.items()

    s3.put_object_tagging(Bucket=name, Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    event = json.loads(body(sqs, url))
    assert event["detail-type"] == "Object Tags Added" and event["detail"]["object"]["key"] == key
    s3.delete_object_tagging(Bucket=name, Key=key)
    assert json.loads(body(sqs, url))["detail-type"] == "Object Tags Deleted"

    s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": key})
    event = json.loads(body(sqs, url))
    assert event["detail"]["reason"] == "CopyObject" and event["detail"]["object"]["sequencer"] > created["sequencer"]

    s3.delete_object(Bucket=name, Key=key)
    event = json.loads(body(sqs, url))
    assert (event["detail-type"], event["detail"]["reason"]) == ("Object Deleted", "DeleteObject")
    assert event["detail"]["deletion-type"] == "Permanently Deleted"
    assert event["detail"]["object"]["sequencer"] > created["sequencer"] and "size" not in event["detail"]["object"]

    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    s3.put_object(Bucket=name, Key="silent", Body=b"")
    assert harness.depth(sqs, url) == (0, 0, 0)


def test_a_versioned_bucket_sends_events_to_eventbridge(events, s3, sqs, name):
    url = queue_for(sqs, name)
    bridge(s3, events, name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    assert json.loads(body(sqs, url))["detail"]["object"]["version-id"] == version
    marker = s3.delete_object(Bucket=name, Key="k")["VersionId"]
    detail = json.loads(body(sqs, url))["detail"]
    assert detail["deletion-type"] == "Delete Marker Created" and detail["object"]["version-id"] == marker


def test_from_a_bucket_through_a_rule_to_a_rendition(start, start_cloud, tmp_path):
    """Bucket → EventBridge → rule → queue → engine → rendition, and the configuration outlives a kill."""
    pipeline = tmp_path / "pipelines" / "bridge.yaml"
    pipeline.parent.mkdir()
    pipeline.write_text(harness.PIPELINE_IDLE)
    cloud = start_cloud("--pipelines", pipeline)
    s3, sqs, events = (cloud.client(each) for each in ("s3", "sqs", "events"))
    make_queue(sqs, "bridge-queue")
    set_policy(sqs, "bridge-queue", "uploads")
    s3.create_bucket(Bucket="uploads")
    s3.put_bucket_notification_configuration(Bucket="uploads",
                                             NotificationConfiguration={"EventBridgeConfiguration": {}})
    events.put_rule(Name="uploads", EventPattern=json.dumps({
        "source": ["aws.s3"], "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["uploads"]}, "object": {"key": [{"prefix": "in/"}]}}}))
    events.put_targets(Rule="uploads", Targets=[{"Id": "q", "Arn": queue_arn("bridge-queue")}])
    cloud.kill()
    cloud = start_cloud("--pipelines", pipeline)
    s3 = cloud.client("s3")
    engine = tmp_path / "engine.yaml"
    engine.write_text("name: bridge\nqueue: bridge-queue\nmatch: { bucket: uploads, prefix: in/ }\noutputs:\n"
                      '  - { key: "out/{name}", width: 16, format: jpeg }\n')
    start("run", "--pipelines", engine, "--endpoint", cloud.endpoint, "--log-level", "error",
          environment=harness.aws_environment())
    s3.put_object(Bucket="uploads", Key="in/a photo.jpg", Body=harness.jpeg(64, 48))
    until(lambda: harness.exists(s3, "uploads", "out/a photo.jpg"), "the rendition")
    assert harness.open_image(harness.fetch(s3, "uploads", "out/a photo.jpg")).size == (16, 12)


@pytest.mark.parametrize("call", [
    lambda events: events.list_rules(EventBusName="nobody"),
    lambda events: events.list_rules(NamePrefix="not a name!"),
    lambda events: events.list_rules(NextToken="x" * 3000),
    lambda events: events.list_targets_by_rule(Rule="nobody"),
    lambda events: events.list_targets_by_rule(Rule="a", EventBusName="nobody"),
    lambda events: events.list_rule_names_by_target(TargetArn="a", EventBusName="nobody"),
    lambda events: events.list_tags_for_resource(ResourceARN="arn:aws:events:us-east-1:0:rule/nobody"),
    lambda events: events.put_targets(Rule="nobody", Targets=[{"Id": "a", "Arn": queue_arn("a")}]),
    lambda events: events.remove_targets(Rule="nobody", Ids=["a"]),
    lambda events: events.put_rule(Name="a", EventBusName="nobody", EventPattern="{}"),
    lambda events: events.delete_rule(Name="a", EventBusName="nobody"),
    lambda events: events.describe_rule(Name="a", EventBusName="nobody"),
    lambda events: events.enable_rule(Name="a", EventBusName="nobody"),
])
def test_a_refused_call_is_an_error_and_the_cloud_keeps_serving(events, call):
    with pytest.raises(events.exceptions.ClientError) as refused:
        call(events)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Rules" in events.list_rules()
