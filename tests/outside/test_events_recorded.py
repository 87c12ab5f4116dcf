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


# Recorded: test_events_patterns.py, test_event_pattern[…_EXC] and test_invalid_json_event_pattern: the pattern, the reason, and the columns
# of the parser that the service names, if any.
ANYTHING = '{"detail": {"state": [{"anything-but": {'
FILE = '{"detail": {"FileName": [{"anything-but": {'
STRING, SIDE = "match pattern must be a string", "prefix/suffix match pattern must be a string"
FOLDED = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
NEITHER = "Value of anything-but must be an array or single string/number value."
EXPECTING = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
PATTERNS = [
    ('{"int": 42}', '"int" must be an object or an array', 11),
    ('{"string": "my-value"}', '"string" must be an object or an array', 13),
    ('{"resources": []}', "Empty arrays are not allowed", 17),
    ('{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC", 36),
    ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28),
    ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49),
    ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50),
    ('{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}', "Consecutive wildcard characters at pos 26", 72),
    ('{"EventBusArn": [{"wildcard": 123}]}', f"wildcard {STRING}", 34),
    ('{"EventBusArn": [{"wildcard": ["arn:aws:events:us-east-1:**:event-bus/*"]}]}', f"wildcard {STRING}", 32),
    ('{"detail-type": [{"equals-ignore-case": ["ec2 instance state-change notification"]}]}', f"equals-ignore-case {STRING}", 42),
    ('{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}', f"equals-ignore-case {STRING}", 42),
    ('{"time": [{"prefix": ["2022-07-13"]}]}', f"prefix {STRING}", 23),
    ('{"time": [{"prefix": 123}]}', f"prefix {STRING}", 25),
    ('{"FileName": [{"suffix": 123}]}', f"suffix {STRING}", 29),
    ('{"FileName": [{"suffix": [".png"]}]}', f"suffix {STRING}", 27),
    ('{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}', f"prefix {STRING}", 43),
    ('{"detail": {"sourceIPAddress": [{"cidr": "xx.11.xx/8"}]}}', "Nonstandard IP address: xx.11.xx"),
    ('{"detail": {"sourceIPAddress": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}}', "Nonstandard IP address: xxxx:db8:1234:1a00::"),
    ('{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/xx"}]}}', "Malformed CIDR, mask bits must be an integer"),
    (ANYTHING + '"equals-ignore-case": 123}}]}}', FOLDED, 66),
    (ANYTHING + '"equals-ignore-case": [123, 456]}}]}}', FOLDED, 67, 67),
    (ANYTHING + '"wildcard": [123, "*/dir/*"]}}]}}', f"wildcard {STRING}", 57, 57),
    ('{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}', f"wildcard {STRING}", 59),
    (FILE + '"suffix": [123, ".txt"]}}]}}', SIDE, 58, 58),
    (FILE + '"suffix": 123}}]}}', SIDE, 57),
    (ANYTHING + '"prefix": [123, "test"]}}]}}', SIDE, 55, 55),
    (ANYTHING + '"prefix": 123}}]}}', SIDE, 54),
    (FILE + '"prefix": {"equals-ignore-case": "file"}}}]}}', NEITHER, 55),
    (FILE + '"suffix": {"equals-ignore-case": ".png"}}}]}}', NEITHER, 55),
    ("this is valid json but not a dict", f"Unrecognized token 'this': {EXPECTING}", 5),
    ('{"not": closed mark"', f"Unrecognized token 'closed': {EXPECTING}", 15),
    ("{'bad': 'quotation'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2),
    ('["not", "a", "dict", "but valid json"]', "Filter is not an object", 2),
]


@pytest.mark.parametrize("pattern, reason, columns", [(pattern, reason, columns) for pattern, reason, *columns in PATTERNS])
def test_a_wrong_pattern_is_refused_in_the_words_of_the_service(events, pattern, reason, columns):
    places = "".join(f'\n at [Source: (String)"{pattern}"; line: 1, column: {column}]' for column in columns)
    wanted = {"Code": "InvalidEventPatternException", "Message": f"Event pattern is not valid. Reason: {reason}{places}"}
    assert error_of(events.test_event_pattern, EventPattern=pattern, Event=json.dumps(EVENT))["Error"] == wanted


@pytest.mark.parametrize("event", ['"plain string"', "[]", '{"foo": "bar"}', "{"])
def test_an_event_that_is_none_is_refused_in_the_words_of_the_service(events, event):
    """Recorded: test_events_patterns.py, test_plain_string_payload and test_invalid_event_payload."""
    assert error_of(events.test_event_pattern, EventPattern='{"source": ["x"]}', Event=event)["Error"] == {
        "Code": "ValidationException", "Message": "Parameter Event is not valid."}
