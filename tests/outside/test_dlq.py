"""Dead letters: thumbwheel dlq against the embedded cloud, with messages that boto3 sends."""
import itertools
import json
import signal

import pytest

import harness
from harness import (aws_environment, depth, make_queue, queue_arn, receive, run_on_terminal, thumbwheel, until)
from proxy import Proxy

COUNT = itertools.count()

BINARY = bytes(range(256))
ODD = "caf\u00e9 \u202e\x9b \U0001f98a"  # a bidirectional override and a control character


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dlq")
    cloud = harness.Cloud(folder / "data", "--cloud-only")
    yield cloud
    cloud.stop()
    harness.assert_healthy(cloud.output())


@pytest.fixture
def name():
    return f"q{next(COUNT)}"


def event(key, bucket="photos"):
    return json.dumps({"bucket": bucket, "key": key})


def text(value):
    return {"DataType": "String", "StringValue": value}


def why(reason, pipeline, **more):
    """The attributes that the engine adds."""
    return {"ThumbwheelReason": text(reason), "ThumbwheelPipeline": text(pipeline)} | {
        f"Thumbwheel{key}": text(value) for key, value in more.items()}


class Queues:
    """A queue and its dead-letter queue, and a pipeline file for it."""

    def __init__(self, sqs, folder, name, fifo=False):
        self.sqs, self.name = sqs, name
        suffix, attributes = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
        self.source, self.letters = name + suffix, f"{name}-dlq{suffix}"
        self.dlq = sqs.create_queue(QueueName=self.letters, Attributes=attributes)["QueueUrl"]
        redrive = {"deadLetterTargetArn": queue_arn(self.letters), "maxReceiveCount": 1}
        self.url = sqs.create_queue(QueueName=self.source, Attributes=attributes | {
            "RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "0"})["QueueUrl"]
        self.files = folder / name
        self.files.mkdir()
        (self.files / "p.yaml").write_text(
            f"name: {name}\nqueue: {self.source}\nmatch: {{ prefix: in/ }}\n"
            f"outputs: [{{ key: 'out/{name}/{{name}}', width: 9 }}]\n")

    def put(self, body, attributes=None, url=None, **more):
        return self.sqs.send_message(QueueUrl=url or self.dlq, MessageBody=body,
                                     MessageAttributes=attributes or {}, **more)["MessageId"]

    def die(self, body, **more):
        """A message that the redrive policy moves."""
        before = depth(self.sqs, self.dlq)[0]
        self.put(body, url=self.url, **more)
        receive(self.sqs, self.url)
        until(lambda: not self.sqs.receive_message(QueueUrl=self.url).get("Messages") and
              depth(self.sqs, self.dlq)[0] > before, "it died")

    def all(self, url):
        """Every message of a queue, deleted; in the order in which they came."""
        found = []
        while messages := self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, AttributeNames=["All"],
                MessageAttributeNames=["All"]).get("Messages"):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found


@pytest.fixture
def queues(sqs, tmp_path, name):
    return Queues(sqs, tmp_path, name)


@pytest.fixture
def fifo(sqs, tmp_path, name):
    return Queues(sqs, tmp_path, f"{name}-f", fifo=True)


@pytest.fixture
def dlq(cloud):
    def run(action, queues, *arguments, status=0, **options):
        done = thumbwheel("dlq", action, *arguments, "--pipelines", queues.files,
                          environment=aws_environment(cloud.endpoint), **options)
        assert done.returncode == status, done.stdout + done.stderr
        return done
    return run


def lines(done, kind):
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == kind]


@pytest.fixture(scope="module", autouse=True)
def killed(cloud, sqs, tmp_path_factory):
    """A redrive that was killed in the middle. What it had received is hidden for some time, in which the other tests
    run; the last one looks at the result."""
    queues = Queues(sqs, tmp_path_factory.mktemp("killed"), "killed")
    fill(queues, 300)
    redrive = harness.Process("dlq", "redrive", "--key", "in/", "--to", queues.source, "--pipelines", queues.files,
                              environment=aws_environment(cloud.endpoint))
    until(lambda: depth(sqs, queues.url)[0] >= 20, "some are moved")
    redrive.kill()
    assert depth(sqs, queues.url)[0] < 300
    return queues


def fill(queues, count):
    for at in range(0, count, 10):
        queues.sqs.send_message_batch(QueueUrl=queues.dlq, Entries=[
            {"Id": str(index), "MessageBody": event(f"in/{at + index}.jpg")} for index in range(10)])


# ---- list and show ----

def test_list_tells_why_each_message_died_and_puts_it_back(dlq, queues):
    queues.put(event("in/a b.jpg"), why("image-corrupt", queues.name, Detail="not an image", MessageId="m-1"))
    queues.die(event("in/c.jpg"))
    queues.put("not ours \x9b31m\u202e")
    done = dlq("list", queues, "--json")
    messages = {message["reason"]: message for message in lines(done, "message")}
    corrupt, moved, other = messages["image-corrupt"], messages["receive count exceeded"], messages[None]
    assert (corrupt["bucket"], corrupt["key"], corrupt["pipeline"]) == ("photos", "in/a b.jpg", queues.name)
    assert (corrupt["detail"], corrupt["original_id"], corrupt["receive_count"]) == ("not an image", "m-1", 1)
    assert (moved["key"], moved["pipeline"]) == ("in/c.jpg", queues.name)
    assert moved["source_queue_arn"] == queue_arn(queues.source)
    assert (other["key"], other["pipeline"], other["records"]) == (None, None, 0)
    assert all(message["queue"] == queues.letters and message["age_seconds"] >= 0 for message in messages.values())
    [summary] = lines(done, "summary")
    assert (summary["matched"], summary["looked_at"], summary["complete"]) == (3, 3, True)
    assert depth(queues.sqs, queues.dlq) == (3, 0, 0)

    shown = dlq("list", queues).stdout
    assert "image-corrupt" in shown and "s3://photos/in/a b.jpg" in shown and "3 dead letters" in shown
    assert "unknown" in shown and "\x9b" not in shown and "Receives" in shown


@pytest.mark.parametrize("options, found", [
    (["--reason", "image-corrupt"], "ac"), (["--reason", "image-*"], "ac"), (["--reason", "image"], ""),
    (["--reason", "receive count exceeded"], "d"), (["--key", "in/x/"], "bc"), (["--key", "*/b.jpg"], "b"),
    (["--key", "b.jpg"], ""), (["--older-than", "1h"], ""), (["--reason", "*", "--key", "in/x/*", "--limit", "1"], "?")])
def test_filters_select(dlq, filtered, options, found):
    messages = lines(dlq("list", filtered, "--json", *options), "message")
    keys = "".join(sorted(message["key"][-5] for message in messages))
    assert keys == found or (found == "?" and len(keys) == 1 and keys in "bc")


@pytest.fixture(scope="module")
def filtered(sqs, tmp_path_factory):
    """Looked at by several tests."""
    queues = Queues(sqs, tmp_path_factory.mktemp("filtered"), "filtered")
    queues.put(event("in/a.jpg"), why("image-corrupt", "filtered"))
    queues.put(event("in/x/b.jpg"), why("object-missing", "filtered"))
    queues.put(event("in/x/c.jpg"), why("image-corrupt", "other"))
    queues.die(event("in/d.jpg"))
    return queues


def test_a_pipeline_selects_its_messages(dlq, filtered):
    messages = lines(dlq("list", filtered, "--json", "--pipeline", "filtered"), "message")
    assert sorted(message["key"] for message in messages) == ["in/a.jpg", "in/d.jpg", "in/x/b.jpg"]
    done = dlq("list", filtered, "--pipeline", "none", status=2)
    assert 'no pipeline file has the name "none"' in done.stderr


def test_a_queue_can_be_named_and_list_has_a_limit(dlq, filtered, queues):
    done = dlq("list", queues, "--queue", filtered.letters, "--limit", "2")
    assert "these are the first 2" in done.stderr and "2 of" in done.stdout
    done = dlq("list", queues, "--queue", "does-not-exist", status=1)
    assert "does not exist" in done.stderr


def test_show_prints_everything_in_a_form_that_a_terminal_can_show(dlq, queues):
    attributes = {"odd": text(ODD), "bin": {"DataType": "Binary.x", "BinaryValue": BINARY},
                  "n": {"DataType": "Number", "StringValue": "1.50"}}
    known = queues.put(f"first\n{ODD}", attributes)
    queues.put("another")
    done = dlq("show", queues, known)
    assert f"ID              {known}" in done.stdout and "first\ncaf\u00e9 ?? \U0001f98a\n" in done.stdout
    assert "n (Number): 1.50" in done.stdout and "another" not in done.stdout
    assert "\u202e" not in done.stdout and "\x9b" not in done.stdout
    [message] = lines(dlq("show", queues, known, "--json"), "message")
    assert message["body"] == f"first\n{ODD}" and len(message["attributes"]) == 3
    assert "no dead letter has the id nothing" in dlq("show", queues, "nothing", status=1).stderr


# ---- redrive ----

def test_without_a_filter_the_service_moves_the_messages(dlq, queues):
    for key in "abc":
        queues.put(event(key), why("image-corrupt", queues.name))
    done = dlq("redrive", queues, "--json")
    [result] = lines(done, "queue")
    assert (result["method"], result["moved"], result["to"]) == ("move-task", 3, queues.source)
    assert len(queues.all(queues.url)) == 3 and depth(queues.sqs, queues.dlq) == (0, 0, 0)


@pytest.mark.parametrize("status, kind", [(400, "UnsupportedOperation"), (403, "AccessDeniedException")])
def test_if_the_service_refuses_the_task_messages_are_moved_one_by_one(cloud, queues, status, kind):
    """Services without move tasks, and roles that may not start them; sqs:StartMessageMoveTask is a permission of its own."""
    asked = []

    def judge(method, path, headers, body):
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        asked.append(operation)
        if operation == "StartMessageMoveTask":
            return status, json.dumps({"__type": f"com.amazonaws.sqs#{kind}", "message": "no"}).encode()
        return None

    for key in "abc":
        queues.put(event(key), why("image-corrupt", queues.name) | {"odd": text(ODD)})
    proxy = Proxy(cloud.endpoint, judge)
    done = thumbwheel("dlq", "redrive", "--json", "--pipelines", queues.files, environment=aws_environment(proxy.endpoint))
    proxy.close()
    assert done.returncode == 0, done.stderr
    [result] = lines(done, "queue")
    assert (result["method"], result["moved"], result["to"]) == ("messages", 3, queues.source)
    assert asked.count("StartMessageMoveTask") == 1
    found = queues.all(queues.url)
    assert sorted(json.loads(message["Body"])["key"] for message in found) == ["a", "b", "c"]
    assert {message["MessageAttributes"]["odd"]["StringValue"] for message in found} == {ODD}
    assert depth(queues.sqs, queues.dlq) == (0, 0, 0)


def test_a_filter_moves_messages_as_they_were(dlq, queues):
    attributes = {"odd": text(ODD), "bin": {"DataType": "Binary.x", "BinaryValue": BINARY},
                  "n": {"DataType": "Number", "StringValue": "1.50"}, "ThumbwheelOther": text("mine")}
    body = f"{event('in/1.jpg')}\n "
    trace = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")}
    queues.put(body, attributes | why("image-corrupt", queues.name, Detail="x", MessageId="y"),
               MessageSystemAttributes=trace)
    queues.put(event("in/2.jpg"), why("object-missing", queues.name))
    done = dlq("redrive", queues, "--reason", "image-corrupt")
    assert f"{queues.letters}: 1 of 1 messages moved to {queues.source}" in done.stdout
    [message] = queues.all(queues.url)
    assert message["Body"] == body
    assert message["Attributes"]["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    received = {key: value.get("BinaryValue", value.get("StringValue"))
                for key, value in message["MessageAttributes"].items()}
    assert received == {"odd": ODD, "bin": BINARY, "n": "1.50", "ThumbwheelOther": "mine"}
    assert message["MessageAttributes"]["bin"]["DataType"] == "Binary.x"
    assert depth(queues.sqs, queues.dlq) == (1, 0, 0)


def test_messages_go_to_the_queues_they_came_from(dlq, sqs, tmp_path, name):
    first, second = Queues(sqs, tmp_path, name), Queues(sqs, tmp_path, f"{name}-b")
    sqs.set_queue_attributes(QueueUrl=second.url, Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": queue_arn(first.letters), "maxReceiveCount": 1})})
    second.dlq = first.dlq
    first.die(event("in/1.jpg"))
    second.die(event("in/2.jpg"))
    first.put(event("in/3.jpg"), why("image-corrupt", first.name))
    first.put("stranger")
    done = dlq("redrive", first, "--json", status=1)
    assert "does not say which queue it came from; name one with --to" in done.stderr
    [result] = lines(done, "queue")
    assert (result["method"], result["moved"], result["failed"]) == ("messages", 3, 1)
    keys = [sorted(json.loads(message["Body"])["key"] for message in queues.all(queues.url)) for queues in (first, second)]
    assert keys == [["in/1.jpg", "in/3.jpg"], ["in/2.jpg"]]
    other = sqs.create_queue(QueueName=f"{name}-other")["QueueUrl"]
    dlq("redrive", first, "--to", f"{name}-other")
    assert [message["Body"] for message in first.all(other)] == ["stranger"]


def test_a_fifo_queue_keeps_groups_and_order(dlq, fifo):
    for number in range(12):
        fifo.put(event(f"in/{number}.jpg"), why("image-corrupt", fifo.name), MessageGroupId="ab"[number % 2],
                 MessageDeduplicationId=f"d{number}")
    fifo.put("stays", MessageGroupId="c", MessageDeduplicationId="s")
    dlq("redrive", fifo, "--reason", "image-corrupt")
    found = fifo.all(fifo.url)
    for group in "ab":
        keys = [json.loads(message["Body"])["key"] for message in found if message["Attributes"]["MessageGroupId"] == group]
        assert keys == [f"in/{number}.jpg" for number in range(12) if "ab"[number % 2] == group]
    assert [message["Body"] for message in fifo.all(fifo.dlq)] == ["stays"]


def test_a_young_fifo_message_is_not_dropped_as_a_repetition(dlq, fifo):
    """Its deduplication id is known to the queue that it came from: SQS would confirm it, and drop it."""
    fifo.die(event("in/1.jpg"), MessageGroupId="a", MessageDeduplicationId="known")
    dlq("redrive", fifo, "--key", "in/")
    assert [json.loads(message["Body"])["key"] for message in fifo.all(fifo.url)] == ["in/1.jpg"]


def test_a_queue_is_not_moved_to_itself_or_to_another_kind(dlq, queues, fifo):
    queues.put("x")
    assert "cannot be moved to itself" in dlq("redrive", queues, "--to", queues.letters, status=2).stderr
    assert "not both FIFO" in dlq("redrive", queues, "--to", fifo.source, status=2).stderr
    assert depth(queues.sqs, queues.dlq) == (1, 0, 0)


def test_ctrl_c_ends_a_redrive_and_puts_the_rest_back(cloud, start, queues):
    fill(queues, 200)
    redrive = start("dlq", "redrive", "--key", "in/", "--to", queues.source, "--pipelines", queues.files,
                    environment=aws_environment(cloud.endpoint))
    until(lambda: depth(queues.sqs, queues.url)[0] > 0, "the first is moved")
    redrive.stop(signal.SIGINT)
    moved, left = queues.all(queues.url), depth(queues.sqs, queues.dlq)
    assert left[1:] == (0, 0) and len(moved) + left[0] == 200, redrive.output()


# ---- purge ----

def test_purge_needs_an_answer(cloud, dlq, queues):
    queues.put("a")
    done = dlq("purge", queues, status=2)
    assert "give --yes" in done.stderr and depth(queues.sqs, queues.dlq)[0] == 1
    dlq("purge", queues, "--yes")
    assert depth(queues.sqs, queues.dlq) == (0, 0, 0)
    until(lambda: cloud.requests("PurgeQueue"), "the purge is logged")


def test_purge_asks_on_a_terminal(cloud, queues):
    queues.put("a")
    command = ["dlq", "purge", "--pipelines", queues.files]
    question = f"Delete for good all messages of {queues.letters} (about 1)? [y/N] "
    for answer in ("n\n", "\n", "\x04"):
        written, code = run_on_terminal(command, columns=200, typed=answer, asked=question, **aws_environment(cloud.endpoint))
        assert code == 1 and question in written
    written, code = run_on_terminal(command, columns=200, typed="\x03", asked=question, **aws_environment(cloud.endpoint))
    assert code == -signal.SIGINT
    assert depth(queues.sqs, queues.dlq) == (1, 0, 0)
    written, code = run_on_terminal(command, columns=200, typed="y\n", asked=question, **aws_environment(cloud.endpoint))
    assert code == 0 and depth(queues.sqs, queues.dlq) == (0, 0, 0)


def test_purge_deletes_what_matches(dlq, queues):
    kept = queues.put(event("in/1.jpg"), why("object-missing", queues.name))
    for number in range(15):
        queues.put(event(f"in/{number}.jpg"), why("image-corrupt", queues.name))
    one = queues.put("by its id")
    [result] = lines(dlq("purge", queues, "--yes", "--json", "--reason", "image-corrupt"), "queue")
    assert (result["deleted"], result["matched"], result["looked_at"]) == (15, 15, 17)
    dlq("purge", queues, one, "--yes")
    assert [message["MessageId"] for message in queues.all(queues.dlq)] == [kept]


# ---- conditions ----

def test_a_dead_letter_queue_with_a_redrive_policy_is_not_looked_at_unasked(dlq, queues, sqs, name):
    sqs.create_queue(QueueName=f"{name}-last")
    sqs.set_queue_attributes(QueueUrl=queues.dlq, Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": queue_arn(f"{name}-last"), "maxReceiveCount": 3})})
    queues.put("x")
    done = dlq("list", queues, status=2)
    assert "redrive policy of its own" in done.stderr and "after 3 of them" in done.stderr
    assert "1 dead letter\n" in dlq("list", queues, "--yes").stdout


def test_what_another_receiver_has_is_reported(dlq, queues):
    queues.put("x")
    queues.sqs.receive_message(QueueUrl=queues.dlq, VisibilityTimeout=600)
    done = dlq("list", queues)
    assert "1 messages are in flight" in done.stderr and "0 dead letters" in done.stdout


def test_wrong_commands_are_usage_errors(dlq, queues):
    for arguments, says in ((["lst"], 'did you mean "list"?'), (["show"], "needs the id of a message"),
                            (["list", "x"], "takes no argument"), (["list", "--to", "q"], "option of redrive only"),
                            (["list", "--queue", "a b"], "not a valid queue")):
        done = dlq(arguments[0], queues, *arguments[1:], status=2)
        assert says in done.stderr, done.stderr


def test_a_missing_queue_is_reported_and_the_others_are_worked_on(dlq, queues):
    (queues.files / "z.yaml").write_text("name: gone\nqueue: gone-queue\nmatch: { prefix: in/ }\n"
                                         "outputs: [{ key: 'out/z/{name}', width: 9 }]\n")
    queues.put("x")
    done = dlq("list", queues, status=1)
    assert "pipeline gone:" in done.stderr and "1 dead letter\n" in done.stdout


def test_the_list_fits_the_terminal(cloud, queues):
    queues.put(event(f"in/{'long' * 40}.jpg"), why("image-corrupt", queues.name))
    written, status = run_on_terminal(["dlq", "list", "--pipelines", queues.files], columns=120,
                                      **aws_variables(cloud))
    shown = harness.screen(written)
    assert status == 0 and "1 dead letter" in shown and all(len(line) <= 120 for line in shown)
    assert any("image-corrupt" in line and "\u2026" in line for line in shown)


def aws_variables(cloud):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL")
    return {name: value for name, value in aws_environment(cloud.endpoint).items() if name in names}


def test_a_killed_redrive_loses_nothing(sqs, killed):
    moved = {message["Body"] for message in killed.all(killed.url)}
    left = set()

    def drained():
        left.update(message["Body"] for message in killed.all(killed.dlq))
        return sum(depth(sqs, killed.dlq)) == 0

    until(drained, "nothing is hidden any more")
    assert moved | left == {event(f"in/{number}.jpg") for number in range(300)}
    assert left and moved
