"""The embedded cloud's SQS against what others recorded of the service.

"Recorded" names a test of localstack/localstack, tests/aws/services/sqs/test_sqs.py, whose expectations were validated against
AWS (markers.aws.validated, test_sqs.snapshot.json)."""
import json

import pytest

import harness
from harness import client, curl, depth, error_of, receive
from sqs_wire import element, json_call, query_call

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def fifo(sqs, name):
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]


def bodies(response):
    return [message["Body"] for message in response.get("Messages", [])]


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})


def refusal(call, **parameters):
    error = error_of(call, **parameters)["Error"]
    return error["Code"], error["Message"]


# ---- queues ----

def test_truth_values_have_any_case(sqs, name):
    """localstack's models.py reads them with lower(); Python programs send str(True)."""
    wanted = {"FifoQueue": "True", "ContentBasedDeduplication": "TRUE", "SqsManagedSseEnabled": "False"}
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes=wanted)["QueueUrl"]
    assert attributes(sqs, url, *wanted) == {"FifoQueue": "true", "ContentBasedDeduplication": "true",
                                             "SqsManagedSseEnabled": "false"}
    assert sqs.create_queue(QueueName=f"{name}.fifo", Attributes=wanted)["QueueUrl"] == url


def test_a_name_serves_as_a_queue_url(cloud, queue, name):
    """Recorded: test_posting_to_queue_via_queue_name."""
    status, _, sent = json_call(cloud, "SendMessage", QueueUrl=name, MessageBody="Using name instead of URL")
    assert (status, sent.get("MD5OfMessageBody")) == (200, "86a83f96652a1bfad3891e7d523750cb")
    assert query_call(cloud, "SendMessage", QueueUrl=name, MessageBody="x")[0] == 200


def test_queues_are_encrypted_by_default(sqs, queue):
    """Recorded: test_fifo_set_content_based_deduplication_strategy."""
    assert attributes(sqs, queue, "SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "true"}


def test_a_policy_may_have_a_resource_that_is_no_arn(sqs, queue):
    """Recorded: test_set_queue_policy, whose resource is '$sqs_queue_arn'."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sqs:SendMessage",
                                                     "Resource": "'$sqs_queue_arn'"}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    assert json.loads(attributes(sqs, queue, "Policy")["Policy"]) == policy


# ---- receipt handles ----

def test_an_earlier_receipt_handle_changes_the_visibility(sqs, queue):
    """Recorded: test_terminate_visibility_timeout_after_receive."""
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    first = receive(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    receive(sqs, queue, VisibilityTimeout=600)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first, VisibilityTimeout=0)
    assert receive(sqs, queue)["Body"] == "x"


def test_an_earlier_receipt_handle_deletes(sqs, queue):
    """Recorded for a handle whose time is over: test_remove_message_with_old_receipt_handle. For an earlier one the API reference
    allows both; moto and localstack delete."""
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    first = receive(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    receive(sqs, queue, VisibilityTimeout=0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first)
    assert depth(sqs, queue) == (0, 0, 0)


def test_a_message_whose_time_is_over_can_be_hidden_again(sqs, queue):
    """Recorded: test_change_message_visibility_after_visibility_timeout_expiration."""
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=600)
    assert depth(sqs, queue) == (0, 1, 0)


# ---- order ----

def test_a_message_that_comes_back_is_before_later_ones(sqs, queue):
    """Recorded: test_inflight_message_requeue."""
    for body in ("1", "2"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    handle = receive(sqs, queue, VisibilityTimeout=600)["ReceiptHandle"]
    sqs.send_message(QueueUrl=queue, MessageBody="3")
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)) == ["1", "2", "3"]


def test_a_group_is_open_again_from_its_first_message_on(sqs, fifo):
    """Recorded: test_fifo_message_group_visibility_after_terminate_visibility_timeout."""
    for body, group in (("g1-m1", "1"), ("g1-m2", "1"), ("g1-m3", "1"), ("g2-m1", "2")):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=group)
    first, second = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=2)["Messages"]
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)) == ["g2-m1", "g1-m1"]
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)) == []  # the first is in flight


def test_groups_take_turns(sqs, fifo):
    """Recorded: test_fifo_receive_message_with_zero_visibility_timeout."""
    for body in ("g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=body[:2])
    taken = [bodies(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=count, VisibilityTimeout=0)) for count in (3, 10)]
    assert taken == [["g1-m1", "g1-m2", "g2-m1"], ["g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2"]]


def test_a_purge_forgets_deduplication_ids(sqs, fifo):
    """Recorded: test_purge_queue_clears_fifo_deduplication_cache."""
    for body in ("message-1", "message-2"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d")
        if body == "message-1":
            sqs.purge_queue(QueueUrl=fifo)
    assert bodies(sqs.receive_message(QueueUrl=fifo)) == ["message-2"]


# ---- messages ----

@pytest.mark.parametrize("pattern", ["*", ".*", "All"])
def test_all_attributes_are_asked_for(sqs, queue, pattern):
    """Recorded: test_receive_message_message_attribute_names_filters."""
    own = {"Help.Me": {"DataType": "String", "StringValue": "Me"}, "Hello": {"DataType": "String", "StringValue": "There"}}
    sqs.send_message(QueueUrl=queue, MessageBody="msg", MessageAttributes=own)
    (message,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=[pattern])["Messages"]
    assert message["MessageAttributes"] == own


@pytest.mark.parametrize("batch", [False, True])
def test_the_trace_header_of_the_request_is_that_of_its_messages(cloud, queue, batch):
    """"Amazon SQS and AWS X-Ray" in the X-Ray Developer Guide."""
    traced = client(cloud.endpoint, "sqs")
    traced.meta.events.register("before-sign.sqs", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", TRACE))
    if batch:
        traced.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}])
    else:
        assert "MD5OfMessageSystemAttributes" not in traced.send_message(QueueUrl=queue, MessageBody="x")
    assert receive(traced, queue)["Attributes"]["AWSTraceHeader"] == TRACE


def test_the_trace_header_of_the_message_wins(cloud, queue):
    traced = client(cloud.endpoint, "sqs")
    traced.meta.events.register("before-sign.sqs", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", TRACE))
    traced.send_message(QueueUrl=queue, MessageBody="x", MessageSystemAttributes={
        "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-0"}})
    assert receive(traced, queue)["Attributes"]["AWSTraceHeader"] == "Root=1-0"


@pytest.mark.parametrize("body", ["Invalid-\0-\x08-\x13-\uffff", "\0"])
def test_a_body_with_characters_that_xml_has_not_is_refused(cloud, queue, body):
    """Recorded: test_send_message_with_invalid_payload_characters."""
    status, _, error = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody=body)
    assert (status, error["__type"]) == (400, "com.amazonaws.sqs#InvalidMessageContents")
    status, error = query_call(cloud, "SendMessage", QueueUrl=queue, MessageBody=body)
    assert (status, element(error, "Code")) == (400, "InvalidMessageContents")


def test_a_nul_elsewhere_is_malformed(cloud, queue):
    for member in ({"QueueUrl": queue + "\0"}, {"MessageGroupId": "a\0b"}, {"Unknown": ["\0"]}):
        status, _, error = json_call(cloud, "SendMessage", **{"QueueUrl": queue, "MessageBody": "x", **member})
        assert (status, error["__type"]) == (400, "com.amazon.coral.service#SerializationException")
    status, error = query_call(cloud, "SendMessage", QueueUrl=queue + "\0", MessageBody="x")
    assert (status, element(error, "Code")) == (400, "MalformedInput")
    status, _, error = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody="x", MessageSystemAttributes={
        "AWSTraceHeader": {"DataType": "String", "StringValue": "Root\0"}})
    assert (status, error["__type"]) == (400, "com.amazon.coral.service#InvalidParameterValueException")


@pytest.mark.parametrize("value, text", [
    ("", "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."), ("a\x08", None), ("\0", None)])
def test_a_wrong_text_in_an_attribute_is_refused(cloud, queue, value, text):
    """Recorded: test_send_message_with_empty_string_attribute, test_invalid_string_attributes_cause_invalid_parameter_value_error."""
    status, _, error = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody="x",
                                 MessageAttributes={"ErrorDetails": {"DataType": "String", "StringValue": value}})
    assert (status, error["__type"]) == (400, "com.amazon.coral.service#InvalidParameterValueException")
    assert text in (None, error["message"])


# ---- texts ----

@pytest.mark.parametrize("action", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"])
def test_an_empty_batch_is_refused_by_name(cloud, queue, action):
    """EmptyBatchRequest in getmoto/moto, moto/sqs/exceptions.py."""
    _, _, error = json_call(cloud, action, QueueUrl=queue, Entries=[])
    assert error == {"__type": "com.amazonaws.sqs#EmptyBatchRequest",
                     "message": f"There should be at least one {action}RequestEntry in the request."}


@pytest.mark.parametrize("action", ["send_message_batch", "delete_message_batch", "change_message_visibility_batch"])
def test_a_batch_of_too_many_is_refused(sqs, queue, action):
    """Recorded: test_too_many_entries_in_batch_request and its like."""
    more = {"send": {"MessageBody": "x"}, "delete": {"ReceiptHandle": "x"},
            "change": {"ReceiptHandle": "x", "VisibilityTimeout": 1}}[action.split("_")[0]]
    assert refusal(getattr(sqs, action), QueueUrl=queue, Entries=[{"Id": str(i), **more} for i in range(20)]) == (
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 20.")


@pytest.mark.parametrize("parameter", ["MessageGroupId", "MessageDeduplicationId"])
@pytest.mark.parametrize("value", ["QA-P3 INTERIOR", "x" * 129])
def test_a_wrong_group_or_deduplication_id_is_refused(sqs, fifo, parameter, value):
    """As the service's text is quoted in reports of its users."""
    arguments = {"MessageGroupId": "g", "MessageDeduplicationId": "d", parameter: value}
    assert refusal(sqs.send_message, QueueUrl=fifo, MessageBody="x", **arguments) == (
        "InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include "
                                 "alphanumeric and punctuation characters. 1 to 128 in length.")


def test_a_text_that_is_no_receipt_handle_is_refused(sqs, queue):
    """Recorded: test_delete_message_with_illegal_receipt_handle."""
    wanted = ("ReceiptHandleIsInvalid", 'The input receipt handle "garbage" is not a valid receipt handle.')
    assert refusal(sqs.delete_message, QueueUrl=queue, ReceiptHandle="garbage") == wanted
    assert refusal(sqs.change_message_visibility, QueueUrl=queue, ReceiptHandle="garbage", VisibilityTimeout=1) == wanted


def test_an_absent_queue_has_a_text_for_each_protocol(cloud):
    """Recorded: test_non_existent_queue."""
    text = "The specified queue does not exist"
    for action, arguments in (("GetQueueUrl", {"QueueName": "absent"}),
                              ("GetQueueAttributes", {"QueueUrl": f"{cloud.endpoint}/{harness.ACCOUNT}/absent"})):
        assert json_call(cloud, action, **arguments)[2]["message"] == f"{text}."
        assert element(query_call(cloud, action, **arguments)[1], "Message") == f"{text} for this wsdl version."


# ---- the URL of a queue ----

def test_a_get_without_an_action_is_an_unknown_operation(queue):
    """Recorded: TestSqsQueryApi.test_get_without_query_returns_unknown_operation."""
    assert curl(queue, service="sqs") == (404, b"<UnknownOperationException/>\n")


@pytest.mark.parametrize("action", ["CreateQueue&QueueName=other", "ListQueues"])
def test_the_url_of_a_queue_serves_no_action_on_all_queues(queue, action):
    """Recorded: TestSqsQueryApi.test_get_create_queue_fails, test_get_list_queues_fails."""
    status, error = curl(f"{queue}?Action={action}", service="sqs")
    assert (status, element(error.decode(), "Code")) == (400, "InvalidAction")
    assert element(error.decode(), "Message") == f"The action {action.split('&')[0]} is not valid for this endpoint."
