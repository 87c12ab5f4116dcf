"""FIFO queues of the embedded cloud, against the SQS Developer Guide and responses recorded from the service."""
import hashlib
import itertools
import json

import pytest

from harness import aws, depth, error_code, queue_arn, receive, receives_stored
from sqs_wire import element, json_call, query_call

COUNT = itertools.count()


@pytest.fixture
def name():
    return f"fifo-{next(COUNT)}.fifo"


@pytest.fixture
def fifo(sqs, name):
    return sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]


def send(sqs, url, group, body, **more):
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group,
                            **{"MessageDeduplicationId": body, **more})


def batch(sqs, url, count=10, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"],
                               MessageAttributeNames=["All"], **more).get("Messages", [])


# ---- what a FIFO queue is ----

def test_a_fifo_queue_has_the_fifo_attributes(sqs, fifo):
    found = sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=["All"])["Attributes"]
    wanted = {"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
              "FifoThroughputLimit": "perQueue"}
    assert wanted.items() <= found.items()


def test_a_standard_queue_has_no_fifo_attributes(sqs, name):
    url = sqs.create_queue(QueueName=name.replace(".", "-"))["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert not {"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope"} & found.keys()


@pytest.mark.parametrize("wrong, attributes, code", [
    ("a.fifo", {}, "InvalidParameterValue"), ("plain", {"FifoQueue": "true"}, "InvalidParameterValue"),
    (".fifo", {"FifoQueue": "true"}, "InvalidParameterValue"),
    ("x" * 76 + ".fifo", {"FifoQueue": "true"}, "InvalidParameterValue"),
    ("a.b.fifo", {"FifoQueue": "true"}, "InvalidParameterValue"),
    ("plain", {"FifoQueue": "false"}, "InvalidAttributeName"),
    ("plain", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
    ("b.fifo", {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}, "InvalidAttributeValue")])
def test_name_and_attributes_must_fit(sqs, wrong, attributes, code):
    assert error_code(sqs.create_queue, QueueName=wrong, Attributes=attributes) == (code, 400)


def test_the_type_of_a_queue_cannot_change(sqs, fifo):
    assert error_code(sqs.set_queue_attributes, QueueUrl=fifo, Attributes={"FifoQueue": "false"}) == \
        ("InvalidAttributeValue", 400)


def test_deduplication_by_content_is_switched(sqs, fifo):
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"ContentBasedDeduplication": "true"})
    found = sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=["ContentBasedDeduplication"])["Attributes"]
    assert found == {"ContentBasedDeduplication": "true"}


# ---- sending ----

@pytest.mark.parametrize("arguments, code", [
    ({"MessageDeduplicationId": "d"}, "MissingParameter"), ({"MessageGroupId": "g"}, "InvalidParameterValue"),
    ({"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2}, "InvalidParameterValue"),
    ({"MessageGroupId": "g h", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
    ({"MessageGroupId": "g", "MessageDeduplicationId": "x" * 129}, "InvalidParameterValue")])
def test_a_message_needs_a_group_and_a_deduplication_id(sqs, fifo, arguments, code):
    assert error_code(sqs.send_message, QueueUrl=fifo, MessageBody="x", **arguments) == (code, 400)


@pytest.mark.parametrize("entry, text", [
    ({"MessageDeduplicationId": "d"}, "The request must contain the parameter MessageGroupId."),
    ({"MessageGroupId": "g"}, "The queue should either have ContentBasedDeduplication enabled or "
                              "MessageDeduplicationId provided explicitly")])
def test_a_batch_without_group_or_id_is_refused_whole(sqs, fifo, entry, text):
    entries = [{"Id": "good", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "e"},
               dict(entry, Id="bad", MessageBody="x")]
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValue", text)
    assert depth(sqs, fifo) == (0, 0, 0)


def test_a_duplicate_returns_the_first_message(sqs, fifo):
    first = send(sqs, fifo, "g", "x", MessageDeduplicationId="id")
    again = send(sqs, fifo, "g", "another", MessageDeduplicationId="id")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    assert again["MD5OfMessageBody"] == hashlib.md5(b"another").hexdigest()
    assert depth(sqs, fifo) == (1, 0, 0)


def test_a_received_message_has_group_id_and_number(sqs, fifo):
    sent = send(sqs, fifo, "group-1", "x", MessageDeduplicationId="dedup-1")
    known = receive(sqs, fifo)["Attributes"]
    assert known["MessageGroupId"] == "group-1" and known["MessageDeduplicationId"] == "dedup-1"
    assert known["SequenceNumber"] == sent["SequenceNumber"] and len(sent["SequenceNumber"]) == 20


def test_sequence_numbers_increase(sqs, fifo):
    numbers = [send(sqs, fifo, f"g{i % 3}", str(i))["SequenceNumber"] for i in range(6)]
    assert numbers == sorted(set(numbers))


def test_content_based_deduplication(sqs, name):
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    for body in ("same", "same", "other"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    messages = batch(sqs, url)
    assert [message["Body"] for message in messages] == ["same", "other"]
    assert messages[0]["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"same").hexdigest()


# ---- order ----

def test_a_batch_keeps_its_order(sqs, fifo):
    entries = [{"Id": str(i), "MessageBody": str(i), "MessageGroupId": "g", "MessageDeduplicationId": str(i)}
               for i in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]) == 10
    assert [message["Body"] for message in batch(sqs, fifo)] == [str(i) for i in range(10)]


def test_a_group_in_flight_blocks_only_itself(sqs, fifo):
    for group, body in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        send(sqs, fifo, group, body)
    (first,) = batch(sqs, fifo, 1)
    assert first["Body"] == "a1"
    assert [message["Body"] for message in batch(sqs, fifo)] == ["b1"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert [message["Body"] for message in batch(sqs, fifo)] == ["a2"]


def test_a_message_that_becomes_visible_again_is_first(sqs, fifo):
    for body in ("1", "2", "3"):
        send(sqs, fifo, "g", body)
    (first,) = batch(sqs, fifo, 1)
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert [message["Body"] for message in batch(sqs, fifo)] == ["1", "2", "3"]


def test_an_expired_receipt_deletes_nothing(sqs, fifo):
    send(sqs, fifo, "g", "x")
    (message,) = batch(sqs, fifo, 1, VisibilityTimeout=0)
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue" and error["Message"].endswith("The receipt handle has expired.")
    assert depth(sqs, fifo) == (1, 0, 0)


def test_a_receive_is_repeated_after_a_lost_response(sqs, fifo):
    send(sqs, fifo, "g", "1")
    send(sqs, fifo, "g", "2")
    first = batch(sqs, fifo, ReceiveRequestAttemptId="attempt")
    again = batch(sqs, fifo, ReceiveRequestAttemptId="attempt")
    assert len(first) == 2 and batch(sqs, fifo, ReceiveRequestAttemptId="other") == []
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_standard_queue_takes_no_attempt_and_no_id(sqs, name):
    url = sqs.create_queue(QueueName=name.replace(".", "-"))["QueueUrl"]
    assert error_code(sqs.receive_message, QueueUrl=url, ReceiveRequestAttemptId="a") == ("InvalidParameterValue", 400)
    assert error_code(sqs.send_message, QueueUrl=url, MessageBody="x", MessageDeduplicationId="a") == \
        ("InvalidParameterValue", 400)


def test_a_standard_queue_returns_the_group(cloud, sqs, name):
    url = sqs.create_queue(QueueName=name.replace(".", "-"))["QueueUrl"]
    assert json_call(cloud, "SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="tenant")[0] == 200
    assert receive(sqs, url)["Attributes"]["MessageGroupId"] == "tenant"


# ---- dead letters ----

def test_dead_letters_of_a_fifo_queue_are_one_too(sqs, name):
    standard = name.replace(".", "-")
    sqs.create_queue(QueueName=standard)
    policy = json.dumps({"deadLetterTargetArn": queue_arn(standard), "maxReceiveCount": 1})
    assert error_code(sqs.create_queue, QueueName=name, Attributes={"FifoQueue": "true", "RedrivePolicy": policy}) == \
        ("InvalidParameterValue", 400)


def test_after_its_last_receive_a_message_makes_way(sqs, name):
    dead = sqs.create_queue(QueueName="d-" + name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": queue_arn("d-" + name), "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "RedrivePolicy": policy})["QueueUrl"]
    for body in ("bad", "good"):
        send(sqs, url, "g", body)
    assert batch(sqs, url, 1, VisibilityTimeout=0)[0]["Body"] == "bad"
    assert receive(sqs, url)["Body"] == "good"
    found = receive(sqs, dead)
    assert found["Body"] == "bad" and found["Attributes"]["MessageGroupId"] == "g"
    assert found["Attributes"]["DeadLetterQueueSourceArn"] == queue_arn(name)


# ---- other clients, durability ----

def test_the_aws_cli_speaks_to_a_fifo_queue(cloud, name):
    endpoint = cloud.endpoint
    url = aws(endpoint, "sqs", "create-queue", "--queue-name", name, "--attributes", "FifoQueue=true")["QueueUrl"]
    sent = aws(endpoint, "sqs", "send-message", "--queue-url", url, "--message-body", "x", "--message-group-id", "g",
               "--message-deduplication-id", "d")
    found = aws(endpoint, "sqs", "receive-message", "--queue-url", url, "--attribute-names", "SequenceNumber")
    assert found["Messages"][0]["Attributes"] == {"SequenceNumber": sent["SequenceNumber"]}


def test_the_query_protocol_shows_the_number(cloud, fifo):
    status, xml = query_call(cloud, "SendMessage", QueueUrl=fifo, MessageBody="x", MessageGroupId="g",
                             MessageDeduplicationId="d")
    assert status == 200 and len(element(xml, "SequenceNumber")) == 20


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_order_and_history_survive(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"}, tags={"team": "x"})["QueueUrl"]
    sent = [send(sqs, url, "g", str(i)) for i in range(20)]
    gone = batch(sqs, url, 2)
    for message in gone:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    hidden = batch(sqs, url, 1, VisibilityTimeout=600)[0]
    receives_stored(sqs)
    getattr(cloud, end)()
    sqs = start_cloud("--pipelines", idle_pipelines).client("sqs")
    url = sqs.get_queue_url(QueueName="kept.fifo")["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "x"}
    assert send(sqs, url, "g", "0")["MessageId"] == sent[0]["MessageId"]
    later = send(sqs, url, "g", "20")
    assert later["SequenceNumber"] > sent[-1]["SequenceNumber"]
    assert batch(sqs, url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=hidden["ReceiptHandle"], VisibilityTimeout=0)
    found = []
    while len(found) < 19:
        for message in batch(sqs, url, WaitTimeSeconds=20):
            found.append(int(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert found == list(range(2, 21))
