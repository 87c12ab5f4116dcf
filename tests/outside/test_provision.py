"""`thumbwheel provision` against the embedded cloud: what it makes, what it leaves alone, and that photos pass through it."""
import json
import re
import signal
import time
from types import SimpleNamespace

import pytest

import harness
from harness import ACCOUNT, REGION, aws_environment, error_code, jpeg, open_image, queue_arn, run_on_terminal, thumbwheel, until
from proxy import HOLD, Proxy

WRITES = re.compile("^(Create|Put|Set|Subscribe|Delete|Unsubscribe|Remove|Add|Tag|Untag)")
PIPELINE = """name: {name}
queue: {queue}
match: {{ prefix: {prefix} }}
outputs:
  - {{ bucket: {out}, key: "small/{{stem}}.png", width: 64, height: 64, fit: cover, format: png }}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory, idle_pipelines):
    """One cloud; it fails to create one queue, once."""
    folder = tmp_path_factory.mktemp("provision")
    fault = {"operation": "CreateQueue", "resource": "half-queue", "fault": "error", "times": 3}  # each attempt of one call
    (folder / "faults.jsonl").write_text(json.dumps(fault))
    cloud = harness.Cloud(folder / "data", "--cloud-only", "--pipelines", idle_pipelines, "--faults", folder / "faults.jsonl")
    clients = {service: cloud.client(service) for service in ("s3", "sqs", "sns", "events")}
    yield SimpleNamespace(cloud=cloud, folder=folder, **clients)
    cloud.stop()
    harness.assert_healthy(cloud.output())


@pytest.fixture
def make(world, name):
    """Runs provision for one pipeline of this test; the result's `plan` is its JSON."""
    file = world.folder / f"{name}.yaml"
    file.write_text(PIPELINE.format(name="small", queue=f"{name}-q", prefix="in/", out=f"{name}-out"))

    def run(*arguments, pipelines=file, status=0, bucket=name, form=("--json", "--yes")):
        done = thumbwheel("provision", "--endpoint", world.cloud.endpoint, "--pipelines", pipelines, "--bucket", bucket, "--name", name,
                          *form, *arguments, environment=aws_environment())
        assert done.returncode == status, done.stdout + done.stderr
        done.plan = json.loads(done.stdout) if "--json" in form and done.stdout else None
        return done

    run.pipeline = file
    return run


def actions(done):
    return {f"{resource['kind']} {resource['name']}": resource["action"] for resource in done.plan["resources"]}


def differing(done):
    return {name: action for name, action in actions(done).items() if action != "keep"}


def queue(world, name):
    url = world.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return SimpleNamespace(url=url, **found, redrive=json.loads(found.get("RedrivePolicy", "{}")),
                           statements=json.loads(found.get("Policy", '{"Statement": []}'))["Statement"])


def pass_a_photo(world, start, pipeline, name):
    """Uploads one photo, and waits until an engine has made its thumbnail."""
    engine = start("run", "--endpoint", world.cloud.endpoint, "--pipelines", pipeline, "--wait", "1s", "--workers", "1", "--isolation", "thread",
                   environment=aws_environment())
    world.s3.put_object(Bucket=name, Key="in/a cat.jpg", Body=jpeg(120, 90))
    until(lambda: harness.exists(world.s3, f"{name}-out", "small/a cat.png"), "the thumbnail")
    assert engine.stop() == 0
    return open_image(harness.fetch(world.s3, f"{name}-out", "small/a cat.png"))


def requests_so_far(world):
    """All requests until now: the log is written a little later, so one request marks its place."""
    marker = f"marker-{len(world.cloud.requests())}-{time.monotonic_ns()}"
    error_code(world.sqs.get_queue_url, QueueName=marker)
    until(lambda: world.cloud.requests(resource=marker), "the marker is in the log")
    lines = world.cloud.requests()
    return lines[:next(at for at, line in enumerate(lines) if line["resource"] == marker)]


@pytest.mark.parametrize("via", ["sns", "sqs", "eventbridge"])
def test_each_way_is_made_once_and_photos_pass(world, make, name, via, start):
    options = ["--via", via, "--lifecycle-days", "30"]
    first = make(*options)
    assert set(actions(first).values()) == {"create"} and first.plan["applied"]
    assert all(resource["done"] for resource in first.plan["resources"])
    before = len(requests_so_far(world)) + 1
    second = make(*options)
    assert not differing(second) and second.plan["keep"] == len(second.plan["resources"]) == first.plan["create"]
    sent = [line["operation"] for line in requests_so_far(world)[before:]]
    assert sent and not [operation for operation in sent if WRITES.match(operation)]
    assert queue(world, f"{name}-q").redrive == {"deadLetterTargetArn": queue_arn(f"{name}-q-dlq"), "maxReceiveCount": 3}
    image = pass_a_photo(world, start, make.pipeline, name)
    assert (image.format, image.size) == ("PNG", (64, 64))


def test_set_up_d_a_rule_of_eventbridge(world, make, name):
    """A rule on new objects, a queue with a policy for the rule, a DLQ after three receives, an output bucket that expires."""
    make("--via", "eventbridge", "--max-receives", "3", "--lifecycle-days", "7")
    rule = f"{name}-small"
    found = world.events.describe_rule(Name=rule)
    assert found["State"] == "ENABLED"
    assert json.loads(found["EventPattern"]) == {
        "source": ["aws.s3"], "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [name]}, "object": {"key": [{"prefix": "in/"}]}}}
    targets = world.events.list_targets_by_rule(Rule=rule)["Targets"]
    assert targets == [{"Id": "thumbwheel", "Arn": queue_arn(f"{name}-q")}]
    made = queue(world, f"{name}-q")
    assert made.redrive["maxReceiveCount"] == 3
    [statement] = made.statements
    assert statement["Principal"] == {"Service": "events.amazonaws.com"} and statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"}}
    [expiry] = world.s3.get_bucket_lifecycle_configuration(Bucket=f"{name}-out")["Rules"]
    assert expiry["Expiration"] == {"Days": 7} and expiry["Filter"] == {"Prefix": "small/"} and expiry["Status"] == "Enabled"
    assert "EventBridgeConfiguration" in world.s3.get_bucket_notification_configuration(Bucket=name)


def test_set_up_e_notifications_of_unknown_producers(world, make, name):
    """Uploads to a prefix, S3's notification, a queue that keeps messages for 14 days and hides them for 360 seconds."""
    make("--via", "sqs", "--prefix", "input/", "--retention", "14d", "--visibility", "360s", "--max-receives", "5")
    made = queue(world, f"{name}-q")
    assert (made.MessageRetentionPeriod, made.VisibilityTimeout) == ("1209600", "360")
    assert made.redrive == {"deadLetterTargetArn": queue_arn(f"{name}-q-dlq"), "maxReceiveCount": 5}
    assert queue(world, f"{name}-q-dlq").MessageRetentionPeriod == "1209600"
    [statement] = made.statements
    assert statement["Condition"] == {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{name}"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    [rule] = world.s3.get_bucket_notification_configuration(Bucket=name)["QueueConfigurations"]
    assert rule["QueueArn"] == queue_arn(f"{name}-q") and rule["Events"] == ["s3:ObjectCreated:*"]
    assert [(r["Name"].lower(), r["Value"]) for r in rule["Filter"]["Key"]["FilterRules"]] == [("prefix", "input/")]


def notify_their_queue(world, name, prefix):
    theirs = f"{name}-theirs"
    url = world.sqs.create_queue(QueueName=theirs)["QueueUrl"]
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": harness.send_policy(theirs, "s3", f"arn:aws:s3:::{name}")})
    world.s3.create_bucket(Bucket=name)
    world.s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": [
        {"Id": "Resize", "QueueArn": queue_arn(theirs), "Events": ["s3:ObjectCreated:Put"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}}]})


def test_what_is_not_ours_stays(world, make, name):
    notify_their_queue(world, name, "other/")
    world.s3.create_bucket(Bucket=f"{name}-out")
    world.s3.put_bucket_lifecycle_configuration(Bucket=f"{name}-out", LifecycleConfiguration={"Rules": [
        {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}]})
    url = world.sqs.create_queue(QueueName=f"{name}-q")["QueueUrl"]
    theirs = json.loads(harness.send_policy(f"{name}-q", "sns", f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs"))
    theirs["Statement"][0]["Sid"] = "Theirs"
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(theirs), "VisibilityTimeout": "77"})
    done = make("--via", "sns", "--lifecycle-days", "30")
    kept = [sentence for resource in done.plan["resources"] for sentence in resource["kept"]]
    for mark in ('"Resize"', '"theirs"', '"Theirs"'):
        assert [sentence for sentence in kept if mark in sentence], kept
    found = world.s3.get_bucket_notification_configuration(Bucket=name)
    assert found["QueueConfigurations"][0]["Id"] == "Resize" and len(found["TopicConfigurations"]) == 1
    rules = world.s3.get_bucket_lifecycle_configuration(Bucket=f"{name}-out")["Rules"]
    assert sorted(rule["ID"] for rule in rules) == ["theirs", "thumbwheel-small/"]
    made = queue(world, f"{name}-q")
    assert len(made.statements) == 2 and theirs["Statement"][0] in made.statements
    assert made.VisibilityTimeout == "77"  # neither the pipeline nor a setting says otherwise


def test_an_overlap_is_reported_and_nothing_changes(world, make, name):
    notify_their_queue(world, name, "in/raw/")
    done = make("--via", "sqs", status=1)
    assert differing(done)[f"notification of bucket {name}"] == "conflict" and not done.plan["applied"]
    [text] = [resource["conflict"] for resource in done.plan["resources"] if resource["conflict"]]
    assert '"Resize"' in text and "--via eventbridge" in text
    assert harness.error_code(world.sqs.get_queue_url, QueueName=f"{name}-q")[0].endswith("NonExistentQueue")
    assert make("--via", "eventbridge").plan["applied"]  # it stands beside the notification
    assert not differing(make("--via", "eventbridge"))


def test_drift_is_reported_and_repaired(world, make, name):
    options = ["--via", "sns", "--visibility", "90s", "--lifecycle-days", "30"]
    make(*options)
    url = queue(world, f"{name}-q").url
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5", "Policy": ""})
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    [subscription] = world.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    world.sns.set_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"], AttributeName="RawMessageDelivery", AttributeValue="false")
    world.s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    world.s3.put_bucket_lifecycle_configuration(Bucket=f"{name}-out", LifecycleConfiguration={"Rules": [
        {"ID": "thumbwheel-small/", "Status": "Enabled", "Filter": {"Prefix": "small/"}, "Expiration": {"Days": 1}}]})
    expected = {f"queue {name}-q": "change", f"policy of queue {name}-q": "create", f"subscription of queue {name}-q": "change",
                f"notification of bucket {name}": "create", f"lifecycle of bucket {name}-out": "change"}
    dry = make(*options, "--dry-run")
    assert differing(dry) == expected and not dry.plan["applied"]
    [change] = [resource for resource in dry.plan["resources"] if resource["name"] == f"{name}-q" and resource["kind"] == "queue"]
    assert change["differences"] == {"VisibilityTimeout": {"is": 5, "should": 90}}
    shown = make(*options, form=("--dry-run",)).stdout
    assert f"~ queue {name}-q" in shown and "VisibilityTimeout: 5 -> 90" in shown and "Plan: 2 to create, 3 to change, 5 unchanged." in shown
    assert differing(make(*options)) == expected
    assert "No changes" in make(*options, form=("--yes",)).stdout
    assert queue(world, f"{name}-q").VisibilityTimeout == "90"


def test_after_a_failure_half_way_the_same_command_continues(world, name):
    file = world.folder / "half.yaml"
    file.write_text(PIPELINE.format(name="half", queue="half-queue", prefix="in/", out="half-out"))
    command = ["provision", "--endpoint", world.cloud.endpoint, "--pipelines", file, "--bucket", "half-photos", "--via", "sqs"]
    broken = thumbwheel(*command, "--yes", environment=aws_environment())
    assert broken.returncode == 1 and "queue half-queue: cannot set it" in broken.stderr
    assert "the same command continues" in broken.stderr and "queue half-queue-dlq: created" in broken.stdout
    again = thumbwheel(*command, "--yes", environment=aws_environment())
    assert again.returncode == 0, again.stderr
    assert "= queue half-queue-dlq" in again.stdout and "+ queue half-queue\n" in again.stdout
    assert queue(world, "half-queue").statements


def test_it_asks_before_it_changes_anything(world, make, name):
    refused = make(form=(), status=2)
    assert "--yes" in refused.stderr and "--dry-run" in refused.stderr and not refused.stdout
    command = ["provision", "--endpoint", world.cloud.endpoint, "--pipelines", make.pipeline, "--bucket", name, "--name", name]
    question = f"Apply this plan to account {ACCOUNT}, region {REGION}? [y/N] "
    for answer in ("no\n", "\n", "yes please\n", "\x04"):  # the last one is Ctrl-D
        text, code = run_on_terminal(command, columns=200, typed=answer, asked=question, **aws_environment())
        assert code == 1 and f" bucket {name}" in text and "nothing was changed" in text, text
    text, code = run_on_terminal(command, columns=200, typed="\x03", asked=question, **aws_environment())
    assert code == -signal.SIGINT and question in text
    assert harness.error_code(world.s3.get_bucket_location, Bucket=name) == ("NoSuchBucket", 404)
    text, code = run_on_terminal(command, typed="Y\n", asked="[y/N] ", **aws_environment())
    assert code == 0 and "Done: 9 created, 0 changed." in text


def test_after_ctrl_c_while_it_applies_the_same_command_continues(world, make, name, start):
    """The second queue is being created when the signal comes: what was done stays, and nothing is done after it."""
    sent, second = [], ("CreateQueue", f"{name}-q")

    def judge(method, path, headers, body):
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        sent.append((operation, json.loads(body)["QueueName"]) if operation == "CreateQueue" else (operation or method,))
        return HOLD if sent[-1] == second else None

    proxy = Proxy(world.cloud.endpoint, judge)
    process = start("provision", "--endpoint", proxy.endpoint, "--pipelines", make.pipeline, "--bucket", name, "--name", name, "--via", "sqs",
                    "--yes", environment=aws_environment())
    until(lambda: second in sent, "the second queue is asked for")
    assert process.stop(signal.SIGINT) == 1
    proxy.close()
    assert "interrupted; what was done stays, and the same command continues" in process.output()
    assert f"queue {name}-q-dlq: created" in process.output() and f"queue {name}-q: created" not in process.output()
    assert sent[-1] == second
    again = make("--via", "sqs")
    assert again.plan["applied"]
    assert actions(again)[f"queue {name}-q-dlq"] == actions(again)[f"bucket {name}"] == "keep"
    assert actions(again)[f"queue {name}-q"] == actions(again)[f"notification of bucket {name}"] == "create"
    assert not differing(make("--via", "sqs"))


def test_what_cannot_be_made_is_refused_before_anything_is_sent(world, make, name):
    files = {}
    for each, queue_name, prefix in (("one", "one-q", "in/"), ("two", "two-q", "in/raw/"), ("fifo", "q.fifo", "x/"),
                                     ("far", "arn:aws:sqs:eu-west-1:999999999999:far-q", "far/")):
        files[each] = world.folder / f"{name}-{each}.yaml"
        files[each].write_text(PIPELINE.format(name=each, queue=queue_name, prefix=prefix, out=f"{name}-out"))
    before = len(world.cloud.requests())
    overlap = make("--via", "sqs", "--pipelines", files["two"], pipelines=files["one"], status=2)
    assert "--via sns" in overlap.stderr
    assert "FIFO" in make("--via", "sns", pipelines=files["fifo"], status=2).stderr
    assert len(world.cloud.requests()) == before
    far = make("--dry-run", "--pipelines", files["far"], pipelines=files["one"])
    assert "far-q" in far.plan["notes"][0] and not [each for each in actions(far) if "far-q" in each]
    fifo = make("--via", "eventbridge", pipelines=files["fifo"])
    assert fifo.plan["applied"] and queue(world, "q-dlq.fifo").FifoQueue == "true"
    assert not differing(make("--via", "eventbridge", pipelines=files["fifo"]))
