"""The embedded cloud's SQS, in both protocols, against the SQS API Reference, with third-party clients."""
import hashlib
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import harness
from harness import REGION, aws, client, depth, error_code, make_queue, queue_arn, receive, receives_stored, until
from sqs_wire import json_call

LONGEST_POLL_S = 20  # an earlier response has another cause, even on a slow machine
NOT_THERE = ("AWS.SimpleQueueService.NonExistentQueue", 400)


def bodies(sqs, url, count, **options):
    """Receives this many messages."""
    found = []
    while len(found) < count:
        found.append(receive(sqs, url, **options)["Body"])
    return found


# ---- queues ----

def test_a_queue_is_made_found_listed_and_deleted(cloud, sqs, name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.endswith(f"/{harness.ACCOUNT}/{name}")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    sqs.delete_queue(QueueUrl=url)
    assert error_code(sqs.get_queue_url, QueueName=name) == NOT_THERE


def test_making_a_queue_twice_gives_the_same(sqs, name):
    first = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] == first
    assert error_code(sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "8"}) == \
        ("QueueAlreadyExists", 400)


@pytest.mark.parametrize("wrong", ["a b", "a.b", "x" * 81, "ü"])
def test_a_wrong_queue_name_is_refused(sqs, wrong):
    assert error_code(sqs.create_queue, QueueName=wrong) == ("InvalidParameterValue", 400)


@pytest.mark.parametrize("attribute, value", [("VisibilityTimeout", "43201"), ("VisibilityTimeout", "-1"),
                                              ("DelaySeconds", "901"), ("ReceiveMessageWaitTimeSeconds", "21"),
                                              ("MessageRetentionPeriod", "59"), ("MaximumMessageSize", "1023"),
                                              ("RedrivePolicy", "{"), ("VisibilityTimeout", "ten")])
def test_an_attribute_out_of_range_is_refused(sqs, name, attribute, value):
    code, status = error_code(sqs.create_queue, QueueName=name, Attributes={attribute: value})
    assert status == 400 and code in ("InvalidAttributeValue", "InvalidParameterValue")


def test_an_unknown_attribute_is_refused(sqs, name):
    assert error_code(sqs.create_queue, QueueName=name, Attributes={"Colour": "red"}) == ("InvalidAttributeName", 400)


def test_attributes_have_their_documented_defaults(sqs, queue, name):
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    wanted = {"VisibilityTimeout": "30", "DelaySeconds": "0", "MessageRetentionPeriod": "345600",
              "ReceiveMessageWaitTimeSeconds": "0", "QueueArn": queue_arn(name)}
    assert wanted.items() <= found.items()
    assert abs(int(found["CreatedTimestamp"]) - time.time()) < 300


def test_attributes_are_changed(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "9", "DelaySeconds": "1"})
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout", "DelaySeconds"])["Attributes"]
    assert found == {"VisibilityTimeout": "9", "DelaySeconds": "1"}


def test_a_missing_queue_is_reported(cloud, sqs):
    url = f"{cloud.endpoint}/{harness.ACCOUNT}/absent"
    assert error_code(sqs.get_queue_url, QueueName="absent") == NOT_THERE
    assert error_code(sqs.send_message, QueueUrl=url, MessageBody="x") == NOT_THERE
    assert error_code(sqs.receive_message, QueueUrl=url) == NOT_THERE


# ---- messages ----

@pytest.mark.parametrize("body", ["x", '{"a": 1}', "two\nlines\ttab", "<&>'\"]]>", "Ω東京 🙂", " edge ", "+%20"])
def test_a_body_is_returned_as_it_was_sent(sqs, queue, body):
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    message = receive(sqs, queue)
    assert message["Body"] == body and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()


def test_message_attributes_come_back_of_every_type(sqs, queue):
    """Boto3 itself checks their MD5."""
    attributes = {"text": {"DataType": "String", "StringValue": "Ω"},
                  "n": {"DataType": "Number", "StringValue": "-1.5"},
                  "bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
                  "own": {"DataType": "String.uuid", "StringValue": "u"}}
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    assert receive(sqs, queue)["MessageAttributes"] == attributes


def test_message_attributes_are_chosen_by_name_and_prefix(sqs, queue):
    text = {"DataType": "String", "StringValue": "v"}
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={"a.1": text, "a.2": text, "b": text})
    message = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["a.*"], WaitTimeSeconds=20)["Messages"][0]
    assert set(message["MessageAttributes"]) == {"a.1", "a.2"}


def test_a_received_message_has_its_receive_attributes(sqs, queue):
    before = time.time()
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue, VisibilityTimeout=0)
    known = receive(sqs, queue)["Attributes"]
    assert known["ApproximateReceiveCount"] == "2"
    assert abs(int(known["SentTimestamp"]) / 1000 - before) < 60
    assert int(known["ApproximateFirstReceiveTimestamp"]) >= int(known["SentTimestamp"])


def test_a_message_of_the_largest_size_is_taken_and_one_byte_more_is_not(sqs, queue):
    largest = int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["MaximumMessageSize"])
                  ["Attributes"]["MaximumMessageSize"])
    assert largest in (262_144, 1_048_576)
    sqs.send_message(QueueUrl=queue, MessageBody="x" * largest)
    assert len(receive(sqs, queue)["Body"]) == largest
    code, status = error_code(sqs.send_message, QueueUrl=queue, MessageBody="x" * (largest + 1))
    assert status == 400 and code in ("InvalidParameterValue", "InvalidMessageContents")


def test_characters_that_xml_does_not_have_are_refused(sqs, queue):
    assert error_code(sqs.send_message, QueueUrl=queue, MessageBody="a\x01b") == ("InvalidMessageContents", 400)


def test_an_empty_body_is_refused(cloud, queue):
    status, _, response = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody="")
    assert status == 400 and re.search("MissingRequiredParameter|InvalidParameterValue", response["__type"])


def test_a_delayed_message_is_hidden(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=600)
    assert depth(sqs, queue) == (0, 0, 1)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_delayed_message_comes_after_its_delay(sqs, queue):
    began = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=2)
    assert receive(sqs, queue)["Body"] == "later"
    assert 1.5 < time.monotonic() - began < LONGEST_POLL_S


def attributes_md5(attributes):
    """As "Calculating the MD5 message digest for message attributes" in the SQS Developer Guide says."""
    digest = hashlib.md5()
    for name in sorted(attributes):
        for field in (name, attributes[name]["DataType"]):
            digest.update(len(field.encode()).to_bytes(4, "big") + field.encode())
        value = attributes[name]["StringValue"].encode()
        digest.update(b"\x01" + len(value).to_bytes(4, "big") + value)
    return digest.hexdigest()


def test_the_trace_header_is_delivered_with_the_message(cloud, queue):
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    text = {"own": {"DataType": "Number.float", "StringValue": "1.5"}}
    _, _, sent = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody="x", MessageSystemAttributes=trace,
                           MessageAttributes=text)
    assert sent["MD5OfMessageSystemAttributes"] == attributes_md5(trace)
    assert sent["MD5OfMessageAttributes"] == attributes_md5(text)
    for names in ("MessageSystemAttributeNames", "AttributeNames"):
        _, _, response = json_call(cloud, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20, VisibilityTimeout=0,
                                 **{names: ["AWSTraceHeader"]})
        assert response["Messages"][0]["Attributes"] == {"AWSTraceHeader": trace["AWSTraceHeader"]["StringValue"]}


def test_only_the_trace_header_is_a_system_attribute(sqs, queue):
    assert error_code(sqs.send_message, QueueUrl=queue, MessageBody="x", MessageSystemAttributes={
        "Other": {"DataType": "String", "StringValue": "x"}}) == ("InvalidParameterValue", 400)


def test_settings_of_encryption_are_kept_and_exclude_each_other(sqs, name):
    names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
    url = sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": "alias/aws/sqs",
                                                       "KmsDataKeyReusePeriodSeconds": "6000"})["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == {
        "KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "6000", "SqsManagedSseEnabled": "false"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == {"SqsManagedSseEnabled": "true"}
    assert error_code(sqs.set_queue_attributes, QueueUrl=url, Attributes={
        "KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}) == ("InvalidAttributeName", 400)


# ---- visibility ----

def test_a_received_message_is_hidden(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue, VisibilityTimeout=600)
    assert depth(sqs, queue) == (0, 1, 0)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_hidden_message_comes_back(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    began = time.monotonic()
    receive(sqs, queue, VisibilityTimeout=2)
    receive(sqs, queue)
    assert 1 < time.monotonic() - began < LONGEST_POLL_S


def test_visibility_zero_gives_a_message_back_at_once(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    first = receive(sqs, queue, VisibilityTimeout=600)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert receive(sqs, queue)["Attributes"]["ApproximateReceiveCount"] == "2"


def test_visibility_can_be_extended(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")

    handle = receive(sqs, queue, VisibilityTimeout=1)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=600)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)
    assert depth(sqs, queue) == (0, 1, 0)


def test_visibility_beyond_twelve_hours_is_refused(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive(sqs, queue)["ReceiptHandle"]
    assert error_code(sqs.change_message_visibility, QueueUrl=queue, ReceiptHandle=handle,
                      VisibilityTimeout=43201) == ("InvalidParameterValue", 400)


def test_a_deleted_message_never_comes_back(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive(sqs, queue, VisibilityTimeout=1)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)  # a repeat does no harm
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)
    assert depth(sqs, queue) == (0, 0, 0)


def test_an_invalid_receipt_is_refused(sqs, queue):
    assert error_code(sqs.delete_message, QueueUrl=queue, ReceiptHandle="nonsense") == ("ReceiptHandleIsInvalid", 404)


# ---- long polls ----

def test_a_long_poll_returns_as_soon_as_a_message_arrives(cloud, sqs, queue):
    returned = []

    def poll():
        mine = cloud.client("sqs")
        message = mine.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]
        returned.append((time.monotonic(), message["Body"]))

    thread = threading.Thread(target=poll)
    thread.start()
    until(lambda: len([line for line in cloud.requests() if line["service"] == "sqs"]), "the log")
    sqs.send_message(QueueUrl=queue, MessageBody="now")
    sent = time.monotonic()
    thread.join(60)
    assert returned[0][1] == "now" and returned[0][0] - sent < LONGEST_POLL_S / 2


def test_a_short_poll_of_an_empty_queue_returns_at_once(sqs, queue):
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert time.monotonic() - began < LONGEST_POLL_S


def test_the_queue_sets_the_length_of_a_poll(sqs, name):
    url = sqs.create_queue(QueueName=name, Attributes={"ReceiveMessageWaitTimeSeconds": "2"})["QueueUrl"]
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert 1.5 < time.monotonic() - began < LONGEST_POLL_S


@pytest.mark.parametrize("wait", [-1, 21])
def test_a_poll_of_impossible_length_is_refused(sqs, queue, wait):
    assert error_code(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=wait) == ("InvalidParameterValue", 400)


@pytest.mark.parametrize("count", [0, 11])
def test_a_poll_for_an_impossible_number_is_refused(sqs, queue, count):
    assert error_code(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=count) == ("InvalidParameterValue", 400)


def test_a_poller_that_disconnected_hides_no_message(cloud, sqs, queue):
    """The poll is gone before the message comes, so the message must be there for the next one at once."""
    body = ("Action=ReceiveMessage&Version=2012-11-05&WaitTimeSeconds=20&VisibilityTimeout=600"
            f"&QueueUrl={queue}").encode()
    request = AWSRequest("POST", f"{cloud.endpoint}/", data=body,
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "sqs", REGION).add_auth(request)
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    head = "\r\n".join(["POST / HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}",
                        *(f"{name}: {value}" for name, value in request.headers.items())])
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        # A second request on another connection gets its response after the first was read, so the poll is open now.
        sqs.list_queues()
    until(lambda: any(line["status"] == 0 and line["operation"] == "ReceiveMessage" for line in
                      cloud.requests(resource=queue.rpartition("/")[2])), "the cloud sees that the poller is gone")
    sqs.send_message(QueueUrl=queue, MessageBody="for whoever is there")
    assert receive(sqs, queue, timeout=5)["Attributes"]["ApproximateReceiveCount"] == "1"


# ---- batches ----

def test_a_batch_of_ten_messages(sqs, queue):
    entries = [{"Id": str(i), "MessageBody": f"body {i}"} for i in range(10)]
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == [str(i) for i in range(10)]
    messages = []
    while len(messages) < 10:
        messages += sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]
    assert {message["Body"] for message in messages} == {f"body {i}" for i in range(10)}
    handles = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(messages)]
    extended = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[dict(handle, VisibilityTimeout=100) for handle in handles])
    assert len(extended["Successful"]) == 10
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=handles)["Successful"]) == 10
    assert depth(sqs, queue) == (0, 0, 0)


def test_one_bad_entry_does_not_spoil_a_batch(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    good = receive(sqs, queue)["ReceiptHandle"]
    done = sqs.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "good", "ReceiptHandle": good},
                                                             {"Id": "bad", "ReceiptHandle": "nonsense"}])
    assert [entry["Id"] for entry in done["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in done["Failed"]] == \
        [("bad", "ReceiptHandleIsInvalid", True)]


@pytest.mark.parametrize("entries, code", [
    ([{"Id": str(i), "MessageBody": "x"} for i in range(11)], "TooManyEntriesInBatchRequest"),
    ([{"Id": "same", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
    ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
    ([{"Id": "x" * 81, "MessageBody": "x"}], "InvalidBatchEntryId"),
    ([{"Id": str(i), "MessageBody": "x" * 400_000} for i in range(3)], "BatchRequestTooLong")])
def test_an_invalid_batch_is_refused_as_a_whole(sqs, queue, entries, code):
    assert error_code(sqs.send_message_batch, QueueUrl=queue, Entries=entries) == \
        (f"AWS.SimpleQueueService.{code}", 400)
    assert depth(sqs, queue) == (0, 0, 0)


def test_an_empty_batch_is_refused(cloud, queue):
    status, headers, response = json_call(cloud, "SendMessageBatch", QueueUrl=queue, Entries=[])
    assert status == 400 and response["__type"].endswith("#EmptyBatchRequest")
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.EmptyBatchRequest;Sender"


# ---- dead letters, purging ----

def test_after_its_last_receive_a_message_becomes_a_dead_letter(sqs, name):
    url = make_queue(sqs, name, receives=2, visibility=0)
    text = {"DataType": "String", "StringValue": "kept"}
    sent = sqs.send_message(QueueUrl=url, MessageBody="bad", MessageAttributes={"a": text})
    history = [receive(sqs, url)["Attributes"] for _ in range(2)]
    assert [known["ApproximateReceiveCount"] for known in history] == ["1", "2"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    dead = receive(sqs, sqs.get_queue_url(QueueName=f"{name}-dlq")["QueueUrl"])
    for kept in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert dead["Attributes"][kept] == history[0][kept] == history[1][kept]
    assert dead["Attributes"]["ApproximateReceiveCount"] == "3"
    assert dead["Attributes"]["DeadLetterQueueSourceArn"] == queue_arn(name)
    assert dead["Body"] == "bad" and dead["MessageId"] == sent["MessageId"] and dead["MessageAttributes"] == {"a": text}
    assert depth(sqs, url) == (0, 0, 0)


def test_a_dead_letter_queue_that_does_not_exist_is_refused(sqs, queue):
    policy = json.dumps({"deadLetterTargetArn": queue_arn("absent"), "maxReceiveCount": 3})
    code, status = error_code(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    assert status == 400 and code in ("InvalidParameterValue", "InvalidAttributeValue", NOT_THERE[0])


def test_a_purged_queue_is_empty(sqs, queue):
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue)
    sqs.purge_queue(QueueUrl=queue)
    assert depth(sqs, queue) == (0, 0, 0)


# ---- protocols and signatures ----

def test_json_1_0_and_query_see_the_same_queue(cloud, sqs, queue):
    status, headers, sent = json_call(cloud, "SendMessage", QueueUrl=queue, MessageBody="from JSON")
    assert status == 200 and headers["Content-Type"] == "application/x-amz-json-1.0"
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"from JSON").hexdigest()
    assert receive(sqs, queue)["Body"] == "from JSON"


def test_json_1_0_names_an_error_for_old_and_new_clients(cloud):
    status, headers, response = json_call(cloud, "GetQueueUrl", QueueName="absent")
    assert status == 400 and response["__type"] == "com.amazonaws.sqs#QueueDoesNotExist" and response["message"]
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"


def test_an_unknown_action_is_an_error(cloud):
    status, _, response = json_call(cloud, "FlyToTheMoon")
    assert status in (400, 404) and "UnknownOperation" in response["__type"]


def test_a_body_that_is_not_json_is_an_error(cloud):
    body = b"{not json"
    request = AWSRequest("POST", cloud.endpoint + "/", data=body, headers={
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"})
    SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "sqs", REGION).add_auth(request)
    bare = urllib.request.Request(request.url, data=body, headers=dict(request.headers.items()))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bare, timeout=60)
    assert caught.value.code == 400 and b"SerializationException" in caught.value.read()


def test_a_wrong_secret_is_a_wrong_signature(cloud):
    other = client(cloud.endpoint, "sqs", secret_key="another")
    assert error_code(other.list_queues) == ("SignatureDoesNotMatch", 403)
    status, _, response = json_call(cloud, "ListQueues", secret="another")
    assert status == 403 and response["__type"].endswith("InvalidSignatureException")


def test_an_unsigned_request_is_refused(cloud):
    other = client(cloud.endpoint, "sqs", signature_version=UNSIGNED)
    code, status = error_code(other.list_queues)
    assert status == 403 and code in ("MissingAuthenticationToken", "AccessDenied")


def test_the_aws_cli_sends_and_receives(cloud, queue):
    aws(cloud.endpoint, "sqs", "send-message", "--queue-url", queue, "--message-body", "from the CLI")
    response = aws(cloud.endpoint, "sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "20")
    assert response["Messages"][0]["Body"] == "from the CLI"


def test_a_queue_is_reached_by_any_host_name_in_its_url(cloud, sqs, queue):
    other = queue.replace("127.0.0.1", "localhost")
    sqs.send_message(QueueUrl=other, MessageBody="x")
    assert receive(sqs, queue)["Body"] == "x"


# ---- durability ----

@pytest.mark.parametrize("end", ["stop", "kill"])
def test_acknowledged_data_survives(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sqs = cloud.client("sqs")
    url = make_queue(sqs, "kept", receives=3, visibility=1)
    for i in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=f"kept {i}")
    for _ in range(5):
        gone = receive(sqs, url, VisibilityTimeout=600)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=gone["ReceiptHandle"])
    hidden = receive(sqs, url, VisibilityTimeout=600)
    receives_stored(sqs)
    getattr(cloud, end)()
    sqs = start_cloud("--pipelines", idle_pipelines).client("sqs")
    url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    found = bodies(sqs, url, 14, VisibilityTimeout=600)
    assert len(set(found)) == 14 and hidden["Body"] not in found
    assert depth(sqs, url) == (0, 15, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=hidden["ReceiptHandle"])
    assert depth(sqs, url) == (0, 14, 0)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"] == queue_arn("kept-dlq")
