"""Event buses of the embedded cloud: their rules, targets, tags and policies.

"Recorded" names a test of localstack/localstack, tests/aws/services/events/test_events.py, whose responses were recorded from AWS.
"""
import json
import threading

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

import harness
from harness import ACCOUNT, REGION, error_of, make_queue, queue_arn, receive


@pytest.fixture(scope="module")
def events(cloud):
    return cloud.client("events")


def bus_arn(name):
    return f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"


def rule_arn(name):
    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"


def failure(call, **parameters):
    error = error_of(call, **parameters)["Error"]
    return error["Code"], error["Message"]


def put(events, bus, detail, source="app"):
    response = events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": json.dumps(detail), "EventBusName": bus}])
    assert response["FailedEntryCount"] == 0, response


def rule_to_queue(events, sqs, bus, name, queue, bus_name=None):
    """A rule of a bus for all events of "app", to a queue of its own: the URL."""
    url = make_queue(sqs, queue)
    arn = events.put_rule(Name=name, EventBusName=bus_name or bus, EventPattern='{"source": ["app"]}')["RuleArn"]
    assert arn == rule_arn(f"{bus}/{name}" if bus != "default" else name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": harness.send_policy(queue, "events", arn)})
    events.put_targets(Rule=name, EventBusName=bus_name or bus, Targets=[{"Id": "q", "Arn": queue_arn(queue)}])
    return url


def remove_rule(events, bus, name):
    events.remove_targets(Rule=name, EventBusName=bus, Ids=["q"])
    events.delete_rule(Name=name, EventBusName=bus)


def call(events, operation, status=200, **members):
    """One operation with members that the installed botocore may not know."""
    request = AWSRequest("POST", events.meta.endpoint_url, data=json.dumps(members).encode(), headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AWSEvents.{operation}"})
    SigV4Auth(events._request_signer._credentials, "events", REGION).add_auth(request)
    found, _, body = harness.http(request.url, "POST", request.body, **dict(request.headers.items()))
    assert found == status, body
    return json.loads(body or b"{}")


def test_a_bus_is_created_described_listed_and_deleted(events, name):
    """Recorded: test_create_list_describe_delete_custom_event_buses."""
    assert events.create_event_bus(Name=name)["EventBusArn"] == bus_arn(name)
    bus = call(events, "DescribeEventBus", Name=name)
    assert bus == call(events, "DescribeEventBus", Name=bus_arn(name))
    assert (bus["Name"], bus["Arn"]) == (name, bus_arn(name)) and set(bus) == {"Name", "Arn", "CreationTime", "LastModifiedTime"}
    assert call(events, "ListEventBuses", NamePrefix=name)["EventBuses"] == [bus]
    assert [each["Name"] for each in events.list_event_buses(NamePrefix="def")["EventBuses"]] == ["default"]
    events.delete_event_bus(Name=name)
    assert events.list_event_buses(NamePrefix=name)["EventBuses"] == []
    assert failure(events.describe_event_bus, Name=name) == ("ResourceNotFoundException", f"Event bus {name} does not exist.")
    events.delete_event_bus(Name=name)


def test_a_name_is_used_once(events, name):
    """Recorded: test_create_multiple_event_buses_same_name."""
    events.create_event_bus(Name=name)
    assert failure(events.create_event_bus, Name=name) == ("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
    assert failure(events.create_event_bus, Name="default")[0] == "ResourceAlreadyExistsException"
    assert failure(events.create_event_bus, Name="a/b")[0] == "ValidationException"


def test_several_clients_create_a_bus_once(cloud, name):
    outcomes, clients = [], [cloud.client("events") for _ in range(6)]

    def create(client):
        try:
            client.create_event_bus(Name=name)
            outcomes.append("created")
        except client.exceptions.ResourceAlreadyExistsException:
            outcomes.append("exists")

    threads = [threading.Thread(target=create, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created"] + ["exists"] * 5


def test_buses_are_listed_in_pages(events, name):
    names = sorted(f"{name}-{i}" for i in range(5))
    for each in names:
        events.create_event_bus(Name=each)
    first = events.list_event_buses(NamePrefix=name, Limit=3)
    second = events.list_event_buses(NamePrefix=name, Limit=3, NextToken=first["NextToken"])
    assert [bus["Name"] for bus in first["EventBuses"] + second["EventBuses"]] == names and "NextToken" not in second


def test_settings_are_stored_updated_and_removed(events, name):
    letters, log = {"Arn": queue_arn("letters")}, {"IncludeDetail": "FULL", "Level": "INFO"}
    call(events, "CreateEventBus", Name=name, Description="ä", KmsKeyIdentifier="alias/k", DeadLetterConfig=letters, LogConfig=log)
    bus = call(events, "DescribeEventBus", Name=name)
    assert (bus["Description"], bus["KmsKeyIdentifier"], bus["DeadLetterConfig"], bus["LogConfig"]) == ("ä", "alias/k", letters, log)
    updated = call(events, "UpdateEventBus", Name=name, Description="", LogConfig={"IncludeDetail": "NONE", "Level": "OFF"})
    assert updated["Arn"] == bus_arn(name) and updated["Name"] == name
    bus = call(events, "DescribeEventBus", Name=name)
    assert "Description" not in bus and bus["KmsKeyIdentifier"] == "alias/k" and bus["LogConfig"]["Level"] == "OFF"
    assert call(events, "UpdateEventBus", Name=name, LogConfig={"Level": "LOUD"}, status=400)["__type"].endswith("ValidationException")


def test_events_reach_only_the_rules_of_their_bus(events, sqs, name):
    one, two = f"{name}-1", f"{name}-2"
    for bus in (one, two):
        events.create_event_bus(Name=bus)
    urls = {bus: rule_to_queue(events, sqs, bus, "same", bus, bus_name) for bus, bus_name in ((one, one), (two, bus_arn(two)))}
    urls["default"] = rule_to_queue(events, sqs, "default", name, name)
    put(events, one, {"n": 1})
    put(events, bus_arn(two), {"n": 2})
    put(events, "default", {"n": 3})
    put(events, "absent", {"n": 4})
    for bus, n in ((one, 1), (two, 2), ("default", 3)):
        assert json.loads(receive(sqs, urls[bus])["Body"])["detail"] == {"n": n}
        assert harness.depth(sqs, urls[bus]) == (0, 1, 0)
    for bus in (one, two, "default"):
        remove_rule(events, bus, "same" if bus != "default" else name)


def test_rules_belong_to_their_bus(events, name):
    """Each operation takes the bus by its name or its ARN."""
    events.create_event_bus(Name=name)
    for bus in (name, "default"):
        events.put_rule(Name="r", EventBusName=bus, EventPattern='{"source": ["x"]}', Description=bus)
    for bus in (name, bus_arn(name)):
        assert events.describe_rule(Name="r", EventBusName=bus)["Description"] == name
        assert events.describe_rule(Name="r", EventBusName=bus)["EventBusName"] == name
        rules = events.list_rules(EventBusName=bus)["Rules"]
        assert [(rule["Arn"], rule["EventBusName"]) for rule in rules] == [(rule_arn(f"{name}/r"), name)]
        events.disable_rule(Name="r", EventBusName=bus)
        assert events.describe_rule(Name="r")["State"] == "ENABLED"
        events.enable_rule(Name="r", EventBusName=bus)
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "q", "Arn": queue_arn("q")}])
        assert events.list_targets_by_rule(Rule="r")["Targets"] == []
        assert events.list_rule_names_by_target(TargetArn=queue_arn("q"), EventBusName=bus)["RuleNames"] == ["r"]
        events.remove_targets(Rule="r", EventBusName=bus, Ids=["q"])
    events.delete_rule(Name="r", EventBusName=bus_arn(name))
    assert events.describe_rule(Name="r")["Description"] == "default"
    events.delete_rule(Name="r")
    assert failure(events.describe_rule, Name="r", EventBusName=name) == (
        "ResourceNotFoundException", f"Rule r does not exist on EventBus {name}.")
    for call_of in (events.put_rule, events.describe_rule, events.delete_rule):
        more = {"EventPattern": '{"source": ["x"]}'} if call_of == events.put_rule else {}
        assert failure(call_of, Name="r", EventBusName="absent", **more) == (
            "ResourceNotFoundException", "Event bus absent does not exist.")


def test_rules_of_a_bus_are_listed_in_pages(events, name):
    events.create_event_bus(Name=name)
    names = [f"a{i}" for i in range(5)]
    for each in [*names, "b"]:
        events.put_rule(Name=each, EventBusName=name, EventPattern='{"source": ["x"]}')
    pages = list(events.get_paginator("list_rules").paginate(EventBusName=name, NamePrefix="a", PaginationConfig={"PageSize": 2}))
    assert [[rule["Name"] for rule in page["Rules"]] for page in pages] == [["a0", "a1"], ["a2", "a3"], ["a4"]]


def test_a_bus_with_rules_and_the_default_bus_cannot_be_deleted(events, name):
    """The texts: recorded in test_delete_default_event_bus; reported for AWS in hashicorp/terraform-provider-aws, issue 22131."""
    events.create_event_bus(Name=name)
    events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["x"]}')
    assert failure(events.delete_event_bus, Name=name) == ("ValidationException", "EventBus can't be deleted since it has rules.")
    events.delete_rule(Name="r", EventBusName=name)
    events.delete_event_bus(Name=name)
    assert failure(events.delete_event_bus, Name="default") == ("ValidationException", "Cannot delete event bus default.")


def test_buses_and_their_rules_have_tags(events, name):
    arn = events.create_event_bus(Name=name, Tags=[{"Key": "a", "Value": "1"}])["EventBusArn"]
    rule = events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["x"]}', Tags=[{"Key": "r", "Value": "1"}])["RuleArn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert events.list_tags_for_resource(ResourceARN=rule)["Tags"] == [{"Key": "r", "Value": "1"}]
    assert failure(events.list_tags_for_resource, ResourceARN=bus_arn("absent"))[0] == "ResourceNotFoundException"


def statement(sid, arn, principal):
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "events:PutEvents", "Resource": arn}


@pytest.mark.parametrize("kind", ["custom", "default"])
def test_permissions_are_statements_of_the_policy(events, name, kind):
    """Recorded: test_put_permission, with the order of the elements."""
    bus = name if kind == "custom" else "default"
    if kind == "custom":
        events.create_event_bus(Name=bus)

    def policy():
        return json.loads(events.describe_event_bus(Name=bus)["Policy"])

    def grant(sid, principal, **more):
        events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal=principal, StatementId=sid, **more)

    grant("one", "111122223333")
    grant("all", "*", Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"})
    one = statement("one", bus_arn(bus), {"AWS": "arn:aws:iam::111122223333:root"})
    every = {**statement("all", bus_arn(bus), "*"), "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    assert list(policy()["Statement"][0].items()) == list(one.items())
    assert policy() == {"Version": "2012-10-17", "Statement": [one, every]}
    assert failure(events.remove_permission, EventBusName=bus, StatementId="none") == (
        "ResourceNotFoundException", "Statement with the provided id does not exist.")
    events.remove_permission(EventBusName=bus, StatementId="one")
    assert policy()["Statement"] == [every]
    events.remove_permission(EventBusName=bus, StatementId="all")
    assert "Policy" not in events.describe_event_bus(Name=bus)
    assert failure(events.remove_permission, EventBusName=bus, StatementId="all") == (
        "ResourceNotFoundException", "EventBus does not have a policy.")
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "p", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                                                        "Action": "events:ListRules", "Resource": "*"}]}
    events.put_permission(EventBusName=bus, Policy=json.dumps(document))
    assert policy() == document
    events.remove_permission(EventBusName=bus, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=bus)


@pytest.mark.parametrize("wrong, code", [
    ({"Action": "events:PutRule", "Principal": "*", "StatementId": "s"}, "ValidationException"),
    ({"Action": "events:PutEvents", "Principal": "me", "StatementId": "s"}, "ValidationException"),
    ({"Action": "events:PutEvents", "Principal": "*"}, "ValidationException"),
    ({"Policy": "{"}, "ValidationException"),
    ({"Policy": json.dumps({"Statement": [statement("x" * 10300, "*", "*")]})}, "PolicyLengthExceededException"),
    ({"EventBusName": "absent", "Action": "events:PutEvents", "Principal": "*", "StatementId": "s"}, "ResourceNotFoundException"),
])
def test_wrong_permissions_are_refused(cloud, wrong, code):
    events = harness.client(cloud.endpoint, "events", parameter_validation=False)
    assert failure(events.put_permission, **wrong)[0] == code


def test_a_policy_can_deny_events_and_its_owner_can_still_change_it(events, name):
    events.create_event_bus(Name=name)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "events:*", "Resource": "*"}
    events.put_permission(EventBusName=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    entry = {"Source": "app", "DetailType": "t", "Detail": "{}", "EventBusName": name}
    assert failure(events.put_events, Entries=[entry])[0] == "AccessDeniedException"
    assert failure(events.put_rule, Name="r", EventBusName=name, EventPattern='{"source": ["x"]}')[0] == "AccessDeniedException"
    assert failure(events.delete_event_bus, Name=name)[0] == "AccessDeniedException"
    events.remove_permission(EventBusName=name, RemoveAllPermissions=True)
    put(events, name, {})


def test_everything_of_a_bus_survives_a_kill(start_cloud, idle_pipelines, tmp_path):
    cloud = start_cloud("--pipelines", idle_pipelines)
    events, sqs = cloud.client("events"), cloud.client("sqs")
    events.create_event_bus(Name="kept", Tags=[{"Key": "a", "Value": "1"}])
    events.put_permission(EventBusName="kept", Action="events:PutEvents", Principal="*", StatementId="s")
    events.put_permission(Action="events:PutEvents", Principal="*", StatementId="d")
    rule_to_queue(events, sqs, "kept", "r", "kept-queue")
    rule_to_queue(events, sqs, "default", "plain", "plain-queue")
    events.create_event_bus(Name="gone")
    events.delete_event_bus(Name="gone")
    before = [call(events, "ListEventBuses"), events.list_rules(EventBusName="kept")["Rules"], events.list_rules(NamePrefix="plain")["Rules"]]
    cloud.kill()
    database = harness.sqlite3.connect(cloud.data / "cloud.sqlite3")  # as an older version stored a rule
    database.execute("UPDATE event_rules SET name = 'plain' WHERE name = 'us-east-1/default/plain'")
    database.commit()
    database.close()
    cloud = start_cloud("--pipelines", idle_pipelines)
    events, sqs = cloud.client("events"), cloud.client("sqs")
    after = [call(events, "ListEventBuses"), events.list_rules(EventBusName="kept")["Rules"], events.list_rules(NamePrefix="plain")["Rules"]]
    assert after == before
    assert events.list_tags_for_resource(ResourceARN=bus_arn("kept"))["Tags"] == [{"Key": "a", "Value": "1"}]
    put(events, "kept", {"n": 1})
    assert json.loads(receive(sqs, sqs.get_queue_url(QueueName="kept-queue")["QueueUrl"])["Body"])["detail"] == {"n": 1}
