"""Tags, permissions and message move tasks of the embedded cloud's SQS, in both protocols."""
import itertools
import json

import pytest

import harness
from harness import aws, depth, error_code, make_queue, queue_arn, receive, until
from sqs_wire import element, json_call, query_call

COUNT = itertools.count()
ARN = f"arn:aws:sqs:{harness.REGION}:{harness.ACCOUNT}:"


@pytest.fixture
def name():
    """The parameters of a test may share what the common fixture leaves of them."""
    return f"admin-{next(COUNT)}"


# ---- tags ----

def test_tags_are_set_with_the_queue_changed_and_taken_away(sqs, name):
    url = sqs.create_queue(QueueName=name, tags={"a": "1", "b": ""})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1", "b": ""}
    sqs.tag_queue(QueueUrl=url, Tags={"a": "2", "c d": "ü"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "2", "b": "", "c d": "ü"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "b", "unknown"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"c d": "ü"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["c d"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


@pytest.mark.parametrize("tags", [{"aws:x": "1"}, {"k" * 129: "1"}, {"k": "v" * 257}, {"": "v"},
                                  {str(i): "x" for i in range(51)}])
def test_wrong_tags_are_refused(sqs, queue, tags):
    assert error_code(sqs.tag_queue, QueueUrl=queue, Tags=tags) == ("InvalidParameterValue", 400)
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)


def test_json_and_query_show_the_same_tags(cloud, queue):
    assert json_call(cloud, "TagQueue", QueueUrl=queue, Tags={"a": "1"})[0] == 200
    assert json_call(cloud, "ListQueueTags", QueueUrl=queue)[2] == {"Tags": {"a": "1"}}
    status, xml = query_call(cloud, "ListQueueTags", QueueUrl=queue)
    assert status == 200 and element(xml, "ListQueueTagsResult") == "<Tag><Key>a</Key><Value>1</Value></Tag>"


def test_the_aws_cli_tags(cloud, queue):
    aws(cloud.endpoint, "sqs", "tag-queue", "--queue-url", queue, "--tags", "team=x")
    assert aws(cloud.endpoint, "sqs", "list-queue-tags", "--queue-url", queue) == {"Tags": {"team": "x"}}


# ---- permissions ----

def policy(sqs, url):
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes")
    return found and json.loads(found["Policy"])


def test_permissions_are_statements_of_the_policy(sqs, queue, name):
    """As the service was recorded to write it."""
    sqs.add_permission(QueueUrl=queue, Label="cross", AWSAccountIds=["111111111111", "668614515564"],
                       Actions=["ReceiveMessage"])
    assert policy(sqs, queue) == {
        "Version": "2008-10-17", "Id": f"{ARN}{name}/SQSDefaultPolicy", "Statement": [{
            "Sid": "cross", "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::668614515564:root"]},
            "Action": "SQS:ReceiveMessage", "Resource": ARN + name}]}
    sqs.add_permission(QueueUrl=queue, Label="other", AWSAccountIds=["111111111111"], Actions=["SendMessage", "*"])
    second = policy(sqs, queue)["Statement"][1]
    assert second["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert second["Action"] == ["SQS:SendMessage", "SQS:*"]
    sqs.remove_permission(QueueUrl=queue, Label="cross")
    assert [statement["Sid"] for statement in policy(sqs, queue)["Statement"]] == ["other"]
    sqs.remove_permission(QueueUrl=queue, Label="other")
    assert policy(sqs, queue) is None


@pytest.mark.parametrize("label, account, actions, code", [
    ("a b", "111111111111", ["SendMessage"], "InvalidParameterValue"),
    ("a", "1234", ["SendMessage"], "InvalidParameterValue"),
    ("a", "111111111111", ["Fly"], "InvalidParameterValue"),
    ("a", "111111111111", ["SendMessage"] * 8, "OverLimit")])
def test_a_wrong_permission_is_refused(sqs, queue, label, account, actions, code):
    found, status = error_code(sqs.add_permission, QueueUrl=queue, Label=label, AWSAccountIds=[account],
                               Actions=actions)
    assert found == code and status in (400, 403) and policy(sqs, queue) is None


def test_labels_are_used_once_and_must_be_there(sqs, queue):
    once = {"QueueUrl": queue, "Label": "a", "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"]}
    sqs.add_permission(**once)
    assert error_code(sqs.add_permission, **once) == ("InvalidParameterValue", 400)
    assert error_code(sqs.remove_permission, QueueUrl=queue, Label="b") == ("InvalidParameterValue", 400)


# ---- moving ----

@pytest.fixture
def dead(sqs, name):
    """(queue, its dead-letter queue, the ARN of the latter); two messages have died."""
    url = make_queue(sqs, name, receives=1, visibility=0)
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes={
            "a": {"DataType": "String", "StringValue": body}})
    for _ in range(2):
        receive(sqs, url)
    letters = sqs.get_queue_url(QueueName=f"{name}-dlq")["QueueUrl"]
    until(lambda: not sqs.receive_message(QueueUrl=url).get("Messages") and depth(sqs, letters)[0] == 2, "both died")
    return url, letters, queue_arn(f"{name}-dlq")


def tasks(cloud, arn, **more):
    status, _, response = json_call(cloud, "ListMessageMoveTasks", SourceArn=arn, **more)
    assert status == 200
    return response["Results"]


def ended(cloud, arn):
    return until(lambda: next((task for task in tasks(cloud, arn) if task["Status"] not in ("RUNNING", "CANCELLING")),
                              None), "the task ends")


def test_messages_go_back_to_where_they_came_from(cloud, sqs, dead):
    url, letters, arn = dead
    before = receive(sqs, letters, VisibilityTimeout=0)
    assert before["Attributes"]["ApproximateReceiveCount"] == "2"
    status, _, response = json_call(cloud, "StartMessageMoveTask", SourceArn=arn)
    assert status == 200 and response["TaskHandle"]
    task = ended(cloud, arn)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == \
        ("COMPLETED", 2, 2)
    assert task["SourceArn"] == arn and "TaskHandle" not in task and "DestinationArn" not in task
    assert depth(sqs, letters) == (0, 0, 0) and depth(sqs, url) == (2, 0, 0)
    found = receive(sqs, url, VisibilityTimeout=600)
    assert found["Attributes"]["ApproximateReceiveCount"] == "1"
    assert found["MessageId"] != before["MessageId"] and "DeadLetterQueueSourceArn" not in found["Attributes"]
    assert found["MessageAttributes"]["a"]["StringValue"] == found["Body"]


def test_messages_go_where_they_are_told(cloud, sqs, dead, name):
    _, letters, arn = dead
    other = make_queue(sqs, name + "-other")
    status, xml = query_call(cloud, "StartMessageMoveTask", SourceArn=arn, DestinationArn=queue_arn(name + "-other"))
    assert status == 200 and element(xml, "TaskHandle")
    assert ended(cloud, arn)["DestinationArn"] == queue_arn(name + "-other")
    assert depth(sqs, letters)[0] == 0 and depth(sqs, other)[0] == 2
    status, xml = query_call(cloud, "ListMessageMoveTasks", SourceArn=arn)
    assert element(element(xml, "ListMessageMoveTasksResultEntry"), "Status") == "COMPLETED"


def test_a_slow_task_is_cancelled(cloud, sqs, dead):
    _, letters, arn = dead
    for i in range(8):
        sqs.send_message(QueueUrl=letters, MessageBody=str(i))
    handle = json_call(cloud, "StartMessageMoveTask", SourceArn=arn, DestinationArn=arn.removesuffix("-dlq"),
                       MaxNumberOfMessagesPerSecond=1)[2]["TaskHandle"]
    task, = tasks(cloud, arn)
    assert (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", handle, 1)
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    status, _, response = json_call(cloud, "StartMessageMoveTask", SourceArn=arn)
    assert status == 400 and response["message"] == \
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    status, _, response = json_call(cloud, "CancelMessageMoveTask", TaskHandle=handle)
    assert status == 200 and response["ApproximateNumberOfMessagesMoved"] < 10
    assert ended(cloud, arn)["Status"] == "CANCELLED" and depth(sqs, letters)[0] > 0
    assert json_call(cloud, "CancelMessageMoveTask", TaskHandle=handle)[0] == 400


def test_a_message_that_is_no_dead_letter_cannot_be_moved(cloud, sqs, dead):
    _, letters, arn = dead
    sqs.purge_queue(QueueUrl=letters)
    sqs.send_message(QueueUrl=letters, MessageBody="sent here")
    json_call(cloud, "StartMessageMoveTask", SourceArn=arn)
    task = ended(cloud, arn)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert depth(sqs, letters)[0] == 1


@pytest.mark.parametrize("action, arguments, status, kind, text", [
    ("StartMessageMoveTask", {"SourceArn": ARN + "absent"}, 404, "ResourceNotFoundException",
     "The resource that you specified for the SourceArn parameter doesn't exist."),
    ("StartMessageMoveTask", {"SourceArn": "{queue}"}, 400, "InvalidParameterValueException",
     "Source queue must be configured as a Dead Letter Queue."),
    ("StartMessageMoveTask", {"SourceArn": "{dead}", "DestinationArn": ARN + "absent"}, 404,
     "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."),
    ("StartMessageMoveTask", {"SourceArn": "{dead}", "MaxNumberOfMessagesPerSecond": 501}, 400,
     "InvalidParameterValueException", None),
    ("ListMessageMoveTasks", {"SourceArn": "{dead}", "MaxResults": 11}, 400, "InvalidParameterValueException", None),
    ("CancelMessageMoveTask", {"TaskHandle": "nonsense"}, 400, "InvalidParameterValueException",
     "Value for parameter TaskHandle is invalid."),
    ("CancelMessageMoveTask", {"TaskHandle": "eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoieSJ9"}, 404,
     "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")])
def test_invalid_tasks_are_refused_as_by_the_service(cloud, dead, name, action, arguments, status, kind, text):
    arguments = {key: value.format(queue=queue_arn(name), dead=dead[2]) if isinstance(value, str) else value
                 for key, value in arguments.items()}
    found, _, response = json_call(cloud, action, **arguments)
    assert found == status and response["__type"].endswith("#" + kind)
    assert text in (None, response["message"])


def test_the_sources_of_dead_letters_are_listed_in_pages(sqs, name):
    sqs.create_queue(QueueName=f"{name}-dlq")
    policy_text = json.dumps({"deadLetterTargetArn": queue_arn(f"{name}-dlq"), "maxReceiveCount": 5})
    urls = [sqs.create_queue(QueueName=f"{name}-{i}", Attributes={"RedrivePolicy": policy_text})["QueueUrl"]
            for i in range(5)]
    letters = sqs.get_queue_url(QueueName=f"{name}-dlq")["QueueUrl"]
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=letters, PaginationConfig={"PageSize": 2})
    assert [page["queueUrls"] for page in pages] == [urls[:2], urls[2:4], urls[4:]]


def test_queues_are_listed_in_pages(sqs, name):
    urls = [sqs.create_queue(QueueName=f"{name}-{i}")["QueueUrl"] for i in range(5)]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name, PaginationConfig={"PageSize": 2})
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:4], urls[4:]]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_task_continues_after_a_restart(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    sqs = cloud.client("sqs")
    make_queue(sqs, "kept", receives=1)
    make_queue(sqs, "target")
    letters = sqs.get_queue_url(QueueName="kept-dlq")["QueueUrl"]
    for i in range(6):
        sqs.send_message(QueueUrl=letters, MessageBody=str(i))
    arn = queue_arn("kept-dlq")
    json_call(cloud, "StartMessageMoveTask", SourceArn=arn, DestinationArn=queue_arn("target"),
              MaxNumberOfMessagesPerSecond=2)
    until(lambda: tasks(cloud, arn)[0]["ApproximateNumberOfMessagesMoved"] > 0, "a message has moved")
    getattr(cloud, end)()
    cloud = start_cloud("--pipelines", idle_pipelines)
    sqs = cloud.client("sqs")
    task = ended(cloud, arn)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 6)
    target = sqs.get_queue_url(QueueName="target")["QueueUrl"]
    assert depth(sqs, target) == (6, 0, 0)
