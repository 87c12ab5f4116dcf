"""thumbwheel backfill: events for the objects that a bucket already has, stopped and continued."""
import json
import signal

import pytest

import harness
from harness import aws_environment, thumbwheel

PIPELINE = """name: {name}
queue: {name}
match: {{ bucket: {bucket}, prefix: in/, suffix: [.jpg] }}
outputs:
  - {{ key: "out/{{image}}", width: 16, format: jpeg }}
  - {{ key: "sized/{{stem}}-{{width}}x{{height}}.jpg", width: 16, format: jpeg }}
"""
COUNT = 24


@pytest.fixture
def place(s3, sqs, bucket, name, tmp_path):
    """A pipeline, its queue and COUNT photos among other objects."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text(PIPELINE.format(name=name, bucket=bucket))
    for i in range(COUNT):
        s3.put_object(Bucket=bucket, Key=f"in/ü {i:03}.jpg", Body=b"x")
    s3.put_object(Bucket=bucket, Key="in/zzz.txt", Body=b"x")
    return tmp_path


@pytest.fixture
def arguments(place, bucket):
    return ["backfill", "--pipelines", place / "pipelines", f"s3://{bucket}/in/"]


@pytest.fixture
def environment(cloud, place):
    return aws_environment(cloud.endpoint, XDG_STATE_HOME=str(place / "state"))


def backfill(arguments, environment, *more):
    done = thumbwheel(*arguments, "--json", *more, environment=environment)
    return done, json.loads(done.stdout)


def keys(sqs, url):
    """Of all events in the queue, in the order in which they were sent."""
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"]).get("Messages"):
        for message in messages:
            [record] = json.loads(message["Body"])["Records"]
            found.append(record["s3"]["object"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [record["key"] for record in found]


def event_keys(numbers):
    return [f"in/%C3%BC+{i:03}.jpg" for i in numbers]


def test_what_has_its_outputs_is_skipped(s3, sqs, bucket, queue, arguments, environment):
    for i in (0, 1, 2):
        s3.put_object(Bucket=bucket, Key=f"out/ü {i:03}.jpg", Body=b"x")
    for i in (0, 1, 3):
        s3.put_object(Bucket=bucket, Key=f"sized/ü {i:03}-16x12.jpg", Body=b"x")
    counts = {"finished": True, "listed": COUNT + 1, "matched": COUNT, "complete": 2, "sent": COUNT - 2,
              "after": f"in/ü {COUNT - 1:03}.jpg", "error": None}
    done, result = backfill(arguments, environment, "--dry-run")
    assert done.returncode == 0 and result == counts | {"messages": 0}
    assert harness.depth(sqs, queue) == (0, 0, 0)
    done, result = backfill(arguments, environment)
    assert done.returncode == 0 and result == counts | {"messages": COUNT - 2}
    assert sorted(keys(sqs, queue)) == event_keys(range(2, COUNT))
    _, result = backfill(arguments, environment, "--force")
    assert result["sent"] == COUNT


def test_it_continues_after_an_interrupt(start, sqs, queue, arguments, environment, place):
    process = start(*arguments, "--rate", "10", environment=environment)
    harness.until(lambda: harness.depth(sqs, queue)[0] >= 3, "some events are sent")
    assert process.stop(signal.SIGINT) == 1
    assert "interrupted" in process.output()
    first = keys(sqs, queue)
    assert 3 <= len(first) < COUNT
    [checkpoint] = (place / "state" / "thumbwheel").iterdir()
    assert json.loads(checkpoint.read_text())["after"] == f"in/ü {len(first) - 1:03}.jpg"
    done, result = backfill(arguments, environment)
    assert done.returncode == 0 and "continuing after" in done.stderr
    assert result["sent"] == COUNT - len(first)
    assert sorted(first + keys(sqs, queue)) == event_keys(range(COUNT))
    assert not list((place / "state" / "thumbwheel").iterdir())


def test_restart_begins_again(start, sqs, queue, arguments, environment):
    process = start(*arguments, "--rate", "10", environment=environment)
    harness.until(lambda: harness.depth(sqs, queue)[0] >= 1, "an event is sent")
    assert process.stop(signal.SIGINT) == 1
    _, result = backfill(arguments, environment, "--restart")
    assert result["sent"] == COUNT


def test_a_fifo_topic_or_queue_gets_one_event_for_all_pipelines(sqs, name, arguments, environment, place):
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    done = thumbwheel(*arguments, "--queue", f"{name}.fifo", environment=environment)
    assert done.returncode == 2 and "--group" in done.stderr
    for _ in range(2):
        done, result = backfill(arguments, environment, "--queue", f"{name}.fifo", "--group", "g")
        assert done.returncode == 0 and result["messages"] == COUNT
    assert harness.depth(sqs, url)[0] == COUNT  # the same objects again are duplicates


def test_on_a_terminal_it_shows_its_progress(queue, arguments, environment):
    text, status = harness.run_on_terminal([*arguments, "--rate", "40"], **environment)
    assert status == 0 and f"{COUNT + 1} objects listed, {COUNT} of them match" in text
    assert f"/{COUNT + 1} objects" in text


@pytest.mark.parametrize("more, status, words", [
    ([], 2, "s3://BUCKET/PREFIX"),
    (["photos"], 2, "s3://"),
    (["--queue", "a", "--topic", "b", "s3://photos/"], 2, "exclude each other"),
    (["--dry-run", "s3://there-is-no-such-bucket/in/"], 1, "there-is-no-such-bucket"),
])
def test_mistakes_are_explained(cloud, idle_pipelines, tmp_path, more, status, words):
    done = thumbwheel("backfill", "--pipelines", idle_pipelines, *more,
                      environment=aws_environment(cloud.endpoint, XDG_STATE_HOME=str(tmp_path)))
    assert done.returncode == status and words in done.stderr, done.stderr
