"""The embedded cloud's EventBridge against what others recorded of the service.

"Recorded" names a test of localstack/localstack, tests/aws/services/events, whose responses were recorded from AWS."""
import json

import pytest

from harness import ACCOUNT, REGION, client, error_of, make_queue, queue_arn, receive, send_policy

EVENT = {"id": "1", "source": "order", "detail-type": "Test", "account": ACCOUNT, "region": REGION, "time": "2022-07-13T13:48:01Z"}
ENTRY = {"Source": "MySource", "DetailType": "CustomType", "Detail": '{"message": "for the default event bus"}'}


@pytest.fixture(scope="module")
def events(cloud):
    return cloud.client("events")


def matches(events, pattern, **event):
    return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps({**EVENT, **event}))["Result"]


def test_an_event_needs_no_resources(events):
    """Recorded: test_event_patterns.py, test_event_pattern_source."""
    assert matches(events, {"source": ["order"], "detail-type": ["Test"]})
    assert not matches(events, {"source": ["shipment"], "detail-type": ["Test"]})


NESTED, DOTTED = {"state": {"status": "running"}}, {"state.status": "running"}


@pytest.mark.parametrize("wanted", [{"state": {"status": ["running"]}}, {"state.status": ["running"]}])
@pytest.mark.parametrize("detail", [NESTED, DOTTED])
def test_names_are_joined_with_dots(events, wanted, detail):
    """"Considerations when creating event patterns" in the EventBridge User Guide. Recorded: test_event_patterns.py,
    dot_joining_pattern."""
    assert matches(events, {"detail": wanted}, detail=detail)
    assert not matches(events, {"detail": {"state.status": ["stopped"]}}, detail=detail)
    assert not matches(events, {"detail": {"state.status.more": ["running"]}}, detail=detail)


@pytest.mark.parametrize("detail", [NESTED, DOTTED])
def test_an_event_with_dots_is_delivered_as_it_was_sent(events, sqs, name, detail):
    url = make_queue(sqs, name)
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name], "detail.state.status": ["running"]}))["RuleArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "events", rule)})
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue_arn(name)}])
    events.put_events(Entries=[{**ENTRY, "Source": name, "Detail": json.dumps(detail)}])
    assert json.loads(receive(sqs, url)["Body"])["detail"] == detail
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_an_event_to_a_bus_that_does_not_exist_is_accepted_and_lost(events, sqs, name):
    """Recorded: test_events.py, test_put_events_nonexistent_event_bus."""
    url = make_queue(sqs, name)
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "events", rule)})
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue_arn(name)}])
    put = events.put_events(Entries=[{**ENTRY, "Source": name, "EventBusName": "absent"}, {**ENTRY, "Source": name}])
    assert put["FailedEntryCount"] == 0 and len({entry["EventId"] for entry in put["Entries"]}) == 2
    assert json.loads(receive(sqs, url)["Body"])["id"] == put["Entries"][1]["EventId"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert error_of(events.describe_event_bus, Name="absent")["Error"] == {
        "Code": "ResourceNotFoundException", "Message": "Event bus absent does not exist."}
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


@pytest.mark.parametrize("missing", ["Source", "DetailType", "Detail"])
def test_a_missing_argument_of_an_event_is_named(events, missing):
    """Recorded: test_events.py, test_put_events_without_source and its like."""
    put = events.put_events(Entries=[{name: value for name, value in ENTRY.items() if name != missing}])
    assert (put["FailedEntryCount"], put["Entries"]) == (1, [{
        "ErrorCode": "InvalidArgument", "ErrorMessage": f"Parameter {missing} is not valid. Reason: {missing} is a required argument."}])


@pytest.mark.parametrize("detail", ["Not a JSON", "[]", '"text"', '{"not": closed mark"'])
def test_a_detail_that_is_no_object_is_malformed(events, detail):
    """Recorded: test_events.py, test_put_event_malformed_detail."""
    put = events.put_events(Entries=[{**ENTRY, "Detail": detail}])
    assert put["Entries"] == [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}]


@pytest.mark.parametrize("call, arguments, text", [
    ("put_rule", {"Name": "a b", "EventPattern": "{}"},
     r"Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"),
    ("put_rule", {"Name": "x" * 65, "EventPattern": "{}"},
     f"Value '{'x' * 65}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64"),
    ("list_rules", {"Limit": 101}, "Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"),
    ("put_rule", {"EventPattern": "{}"}, "Value null at 'name' failed to satisfy constraint: Member must not be null")])
def test_a_failed_constraint_is_worded_as_by_the_service(cloud, call, arguments, text):
    """Recorded: test_events.py, test_create_connection_validations; the last two are of the same kind in recordings of other services."""
    unchecked = client(cloud.endpoint, "events", parameter_validation=False)
    assert error_of(getattr(unchecked, call), **arguments)["Error"] == {
        "Code": "ValidationException", "Message": f"1 validation error detected: {text}"}


def test_eleven_events_are_too_many(cloud):
    """Recorded: test_events.py, test_put_events_exceed_limit_ten_entries, which also shows the entries."""
    unchecked = client(cloud.endpoint, "events", parameter_validation=False)
    message = error_of(unchecked.put_events, Entries=[ENTRY] * 11)["Error"]["Message"]
    assert message.endswith("at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10")


@pytest.mark.parametrize("pattern, name, column", [
    ('{"source":["test.event-pattern"],"detail":{"lenderId":"LenderA"}}', "lenderId", 56),
    ('{"source":[{"prefix":"a"}],"$or":[{"a":[1]},{"b":"x"}]}', "b", 51)])
def test_a_wrong_field_of_a_pattern_has_the_place_of_the_parser(events, pattern, name, column):
    """The first is the service's text as a user of the CDK quotes it; in the second, the column is again that behind the quote."""
    wanted = {"Code": "InvalidEventPatternException",
              "Message": f'Event pattern is not valid. Reason: "{name}" must be an object or an array\n'
                         f' at [Source: (String)"{pattern}"; line: 1, column: {column}]'}
    assert error_of(events.put_rule, Name="places", EventPattern=pattern)["Error"] == wanted
    assert error_of(events.test_event_pattern, EventPattern=pattern, Event=json.dumps(EVENT))["Error"] == wanted
