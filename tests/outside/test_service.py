"""A running service: it is reloaded and stopped, and waits for missing services and queues."""
import json
import os
import pty
import signal
import socket
import time

import pytest

from harness import ACCESS_KEY, ACCOUNT, PROGRAM, REGION, aws_environment, depth, exists, fetch, jpeg, make_queue, open_image, until

PIPELINE = """name: {name}
queue: {queue}
match: {{ bucket: photos, prefix: ingest/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: {width}, format: jpeg }}
"""

UNAVAILABLE = "service unavailable: its queues cannot be used; trying again"
AVAILABLE = "service available: its queues can be used again"


class Pipelines:
    """A directory of pipeline files that a test edits."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def write(self, name, queue=None, width=40):
        text = PIPELINE.format(name=name, queue=queue or f"{name}-queue", width=width)
        (self.path / f"{name}.yaml").write_text(text)

    def remove(self, name):
        (self.path / f"{name}.yaml").unlink()


@pytest.fixture
def pipelines(tmp_path):
    return Pipelines(tmp_path / "pipelines")


@pytest.fixture
def alone(start_cloud, tmp_path, idle_pipelines):
    """An embedded cloud without an engine, that keeps its port when it is restarted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def begin(*options):
        return start_cloud("--cloud-only", "--port", port, "--pipelines", idle_pipelines, *options, photos=())
    begin.endpoint = f"http://127.0.0.1:{port}"
    return begin


@pytest.fixture
def engine(start, alone, pipelines):
    def begin(*options, endpoint=None, wait=True, environment=None):
        process = start("run", "--pipelines", pipelines.path, "--endpoint", endpoint or alone.endpoint, "--wait", "1s",
                        "--log-format", "json", *options, environment=environment or aws_environment())
        if wait:
            process.wait_for("engine started")
        return process
    return begin


def events(process, name):
    found = [json.loads(line) for line in process.lines if line.startswith("{")]
    return [line for line in found if line["event"] == name]


def reload(process, outcome, times=1):
    process.process.send_signal(signal.SIGHUP)
    until(lambda: len(events(process, outcome)) >= times, f"{outcome}, {times} times")


def announce(cloud, queue, key, body=None):
    """An upload, and the message with its event."""
    cloud.client("s3").put_object(Bucket="photos", Key=key, Body=body or jpeg())
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "photos", "key": key}))


def made(cloud, key, width=None):
    s3 = cloud.client("s3")
    until(lambda: exists(s3, "photos", key), key)
    if width:
        assert open_image(fetch(s3, "photos", key)).width == width


def is_empty(cloud, queue):
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return depth(sqs, url) == (0, 0, 0)


# ---- reloading ----

def test_photos_in_flight_finish_on_the_old_file_and_later_ones_use_the_new(alone, engine, pipelines, tmp_path):
    plan = tmp_path / "plan.jsonl"
    plan.write_text('{"operation": "GetObject", "fault": "trickle", "milliseconds": 4000, "nth": 1}\n')
    cloud = alone("--faults", plan)
    make_queue(cloud.client("sqs"), "web-queue")
    pipelines.write("web", width=40)
    process = engine("--timeout", "30s", "--log-level", "debug")
    announce(cloud, "web-queue", "ingest/slow.jpg")
    process.wait_for('"state":"fetching"')
    pipelines.write("web", width=60)
    reload(process, "pipeline files reloaded")
    announce(cloud, "web-queue", "ingest/later.jpg")
    made(cloud, "web/later.jpg", 60)
    assert not exists(cloud.client("s3"), "photos", "web/slow.jpg")
    made(cloud, "web/slow.jpg", 40)
    until(lambda: is_empty(cloud, "web-queue"), "the queue is empty")
    assert process.stop() == 0


def test_a_bad_file_is_refused_with_its_location_and_the_old_one_stays(alone, engine, pipelines):
    cloud = alone()
    make_queue(cloud.client("sqs"), "web-queue")
    pipelines.write("web")
    process = engine()
    refusal = "pipeline files rejected; the current ones stay in use"
    broken = pipelines.path / "broken.yaml"
    broken.write_text("name: mobile\nqueue: mobile-queue\noutputs:\n  - key: x\n    widht: 3\n")
    pipelines.write("web", width=60)
    reload(process, refusal)
    line, = events(process, refusal)
    assert line["level"] == "error" and f"{broken}:5:5:" in line["error"] and "widht" in line["error"]
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "web/a.jpg", 40)
    broken.write_text('name: loop\nqueue: loop-queue\nmatch: {prefix: in/}\noutputs: [{key: "in/{name}", width: 3}]\n')
    reload(process, refusal, 2)
    assert "processed again" in events(process, refusal)[1]["error"]
    broken.unlink()
    reload(process, "pipeline files reloaded")
    announce(cloud, "web-queue", "ingest/b.jpg")
    made(cloud, "web/b.jpg", 60)


def test_pipelines_come_and_go_and_change_their_queues(alone, engine, pipelines):
    cloud = alone()
    sqs = cloud.client("sqs")
    for queue in ("web-queue", "mobile-queue", "other-queue"):
        make_queue(sqs, queue)
    pipelines.write("web")
    process = engine()
    pipelines.write("mobile")
    reload(process, "pipeline files reloaded")
    announce(cloud, "mobile-queue", "ingest/a.jpg")
    made(cloud, "mobile/a.jpg")
    pipelines.write("web", queue="other-queue")
    pipelines.remove("mobile")
    reload(process, "pipeline files reloaded", 2)
    until(lambda: len(events(process, "pipeline is closed")) == 2, "two pipelines are closed")
    for queue in ("web-queue", "mobile-queue", "other-queue"):
        announce(cloud, queue, "ingest/b.jpg")
    made(cloud, "web/b.jpg")
    until(lambda: is_empty(cloud, "other-queue"), "the new queue is empty")
    for queue in ("web-queue", "mobile-queue"):
        assert depth(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"])[0] == 1
    assert not exists(cloud.client("s3"), "photos", "mobile/b.jpg")


def test_the_embedded_cloud_makes_what_a_new_file_needs(start_cloud, pipelines):
    pipelines.write("web")
    cloud = start_cloud("--pipelines", pipelines.path, "--log-level", "info", "--log-format", "json")
    cloud.wait_for("Ctrl-C|to try|Try", timeout=120)
    pipelines.write("mobile", width=30)
    cloud.process.send_signal(signal.SIGHUP)
    cloud.wait_for("the pipeline files were reloaded: 2 pipelines")
    cloud.client("s3").put_object(Bucket="photos", Key="ingest/new.jpg", Body=jpeg())
    made(cloud, "web/new.jpg", 40)
    made(cloud, "mobile/new.jpg", 30)


def test_a_hangup_of_the_terminal_stops_it(alone, pipelines):
    cloud = alone()
    make_queue(cloud.client("sqs"), "web-queue")
    pipelines.write("web")
    environment = aws_environment()
    arguments = [PROGRAM, "run", "--pipelines", str(pipelines.path), "--endpoint", cloud.endpoint, "--wait", "1s"]
    process, terminal = pty.fork()
    if process == 0:
        os.execve(PROGRAM, arguments, environment)
    said = b""
    while b"engine started" not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0


# ---- stopping ----

@pytest.fixture
def stalled(alone, engine, pipelines, tmp_path):
    """An engine in the middle of a photo, whose upload never completes."""
    plan = tmp_path / "plan.jsonl"
    plan.write_text('{"operation": "PutObject", "fault": "stall", "nth": 2}\n')  # after that of the photo itself
    cloud = alone("--faults", plan)
    make_queue(cloud.client("sqs"), "web-queue", visibility=60)
    pipelines.write("web")
    process = engine("--timeout", "60s", "--grace", "3s", "--log-level", "debug")
    announce(cloud, "web-queue", "ingest/a.jpg")
    process.wait_for('"state":"storing"')
    return cloud, process


def test_past_the_grace_period_the_rest_is_returned(stalled):
    cloud, process = stalled
    began = time.monotonic()
    assert process.stop() == 0
    assert 2.5 < time.monotonic() - began < 60
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="web-queue")["QueueUrl"]
    assert depth(sqs, url) == (1, 0, 0)  # at once, not when its visibility ends


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once_and_loses_nothing(stalled, engine, second):
    cloud, process = stalled
    process.process.send_signal(signal.SIGTERM)
    process.wait_for("stopping")
    process.process.send_signal(second)
    assert process.wait() == 1
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="web-queue")["QueueUrl"]
    assert sum(depth(sqs, url)) == 1  # it is still the queue's
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "photos", "key": "ingest/a.jpg"}))
    engine()
    made(cloud, "web/a.jpg")


# ---- queues by several names ----

def arn(queue):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


@pytest.mark.parametrize("other", ["arn", "url"])
def test_two_pipelines_that_read_one_queue_under_two_names_end_the_start(alone, engine, pipelines, other):
    cloud = alone()
    url = make_queue(cloud.client("sqs"), "web-queue")
    pipelines.write("web", "web-queue")
    pipelines.write("mobile", {"arn": arn("web-queue"), "url": url}[other])
    process = engine(wait=False)
    assert process.wait() == 2
    assert "is also read by" in process.output() and "web.yaml" in process.output() and "mobile.yaml" in process.output()


def test_a_reload_that_would_read_one_queue_twice_is_refused(alone, engine, pipelines):
    cloud = alone()
    make_queue(cloud.client("sqs"), "web-queue")
    make_queue(cloud.client("sqs"), "tags-queue")
    pipelines.write("web")
    process = engine()
    pipelines.write("mobile", arn("web-queue"))
    pipelines.write("tags")
    reload(process, "pipeline files rejected; the current ones stay in use")
    refused, = events(process, "pipeline files rejected; the current ones stay in use")
    assert "is also read by" in json.dumps(refused) and "web.yaml" in json.dumps(refused)
    assert not [line for line in events(process, "pipeline is open") if line["pipeline"] != "web"]
    pipelines.remove("web")  # another pipeline may take it over
    reload(process, "pipeline files reloaded")
    until(lambda: {line["pipeline"] for line in events(process, "pipeline is open")} == {"web", "mobile", "tags"}, "all are open")
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "mobile/a.jpg")


def test_a_pipeline_whose_queue_turns_out_to_be_read_already_waits_for_it(alone, engine, pipelines):
    """That a plain name means the other pipeline's queue is known only when it is open."""
    cloud = alone()
    make_queue(cloud.client("sqs"), "web-queue")
    pipelines.write("web", arn("web-queue"))
    process = engine()
    pipelines.write("mobile", "web-queue")
    reload(process, "pipeline files reloaded")
    until(lambda: events(process, "queue could not be opened; trying again"), "it says so")
    line = events(process, "queue could not be opened; trying again")[0]
    assert line["pipeline"] == "mobile" and "is also read by" in line["error"] and "web.yaml" in line["error"]
    pipelines.remove("web")
    reload(process, "pipeline files reloaded", 2)
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "mobile/a.jpg")


# ---- starting ----

def test_an_engine_that_starts_before_its_cloud_waits_for_it(alone, engine, pipelines):
    pipelines.write("web")
    process = engine(wait=False)
    process.wait_for("service unavailable")
    cloud = alone()
    make_queue(cloud.client("sqs"), "web-queue")
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "web/a.jpg")
    process.wait_for("engine started")
    line, = events(process, UNAVAILABLE)  # not one for each try
    assert "connect" in line["error"].lower() and line["service"] in cloud.endpoint and line["queues"] == 1, line
    back, = events(process, AVAILABLE)
    assert back["service"] == line["service"] and back["queues"] == 1 and back["seconds"] >= 0, back
    assert process.stop() == 0


def test_a_missing_queue_is_reported_while_the_others_work(alone, engine, pipelines):
    cloud = alone()
    sqs = cloud.client("sqs")
    make_queue(sqs, "web-queue")
    pipelines.write("web")
    pipelines.write("mobile")
    process = engine(wait=False)
    process.wait_for("mobile-queue.*does not exist")
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "web/a.jpg")
    make_queue(sqs, "mobile-queue")
    announce(cloud, "mobile-queue", "ingest/a.jpg")
    made(cloud, "mobile/a.jpg")
    process.wait_for("engine started")


def test_a_signal_ends_an_engine_that_waits(pipelines, engine):
    pipelines.write("web")
    process = engine(wait=False)
    process.wait_for("service unavailable")
    began = time.monotonic()
    assert process.stop() == 0 and time.monotonic() - began < 20


def test_an_unreachable_service_is_reported_once_for_all_its_queues(alone, engine, pipelines):
    names = "web", "mobile", "thumbnail"
    cloud = alone()
    for name in names:
        make_queue(cloud.client("sqs"), f"{name}-queue")
        pipelines.write(name)
    process = engine()
    cloud.kill()
    process.wait_for("service unavailable")
    announce_later = [f"{name}-queue" for name in names]
    cloud = alone()
    for name in announce_later:
        until(lambda: announce(cloud, name, f"ingest/{name}.jpg") or True, name)
    process.wait_for("service available")
    lost, = events(process, UNAVAILABLE)
    back, = events(process, AVAILABLE)
    assert lost["queues"] == back["queues"] == 3 and lost["service"] == back["service"]
    assert lost["service"] in cloud.endpoint and lost["error"]
    assert not events(process, "queue could not be polled; trying again")


def test_a_service_that_is_unreachable_at_the_start_is_reported_once_for_all_its_queues(alone, engine, pipelines):
    names = "web", "mobile", "thumbnail"
    for name in names:
        pipelines.write(name)
    process = engine(wait=False)
    process.wait_for("service unavailable")
    cloud = alone()
    for name in names[1:]:
        make_queue(cloud.client("sqs"), f"{name}-queue")
    process.wait_for("service available")  # although a queue is missing
    make_queue(cloud.client("sqs"), "web-queue")
    process.wait_for("engine started")
    lost, = events(process, UNAVAILABLE)
    back, = events(process, AVAILABLE)
    assert lost["queues"] == back["queues"] == 3 and lost["service"] == back["service"]
    assert lost["service"] in cloud.endpoint and "connect" in lost["error"].lower()
    for line in events(process, "queue could not be opened; trying again"):  # before it was made; not of the outage
        assert "does not exist" in line["error"], line


def test_an_outage_ends_without_the_pipelines_that_were_removed_meanwhile(alone, engine, pipelines):
    cloud = alone()
    for name in "web", "mobile":
        make_queue(cloud.client("sqs"), f"{name}-queue")
        pipelines.write(name)
    process = engine()
    for round in 1, 2:
        cloud.kill()
        until(lambda: len(events(process, UNAVAILABLE)) == round, "an outage is reported")
        if round == 1:
            pipelines.remove("mobile")
            reload(process, "pipeline files reloaded")
        cloud = alone()
        until(lambda: len(events(process, AVAILABLE)) == round, "its end is reported")
    assert [line["queues"] for line in events(process, UNAVAILABLE)] == [2, 1]
    assert [line["queues"] for line in events(process, AVAILABLE)] == [1, 1]


def test_an_engine_survives_its_queue(alone, engine, pipelines):
    cloud = alone()
    sqs = cloud.client("sqs")
    url = make_queue(sqs, "web-queue")
    pipelines.write("web")
    process = engine()
    announce(cloud, "web-queue", "ingest/a.jpg")
    made(cloud, "web/a.jpg")
    until(lambda: is_empty(cloud, "web-queue"), "the first message is gone")
    sqs.delete_queue(QueueUrl=url)
    process.wait_for("queue could not be polled; trying again.*does not exist")

    def again():
        try:
            return make_queue(sqs, "web-queue")
        except sqs.exceptions.QueueDeletedRecently:
            return None
    until(again, "the queue may be made again")
    announce(cloud, "web-queue", "ingest/b.jpg")
    made(cloud, "web/b.jpg")
    assert process.running()


@pytest.mark.parametrize("key, secret", [(ACCESS_KEY, "not-the-secret"), ("AKIAUNKNOWN", "not-the-secret")])
def test_rejected_credentials_stop_it(alone, start, pipelines, key, secret):
    alone()
    pipelines.write("web")
    environment = dict(aws_environment(secret=secret), AWS_ACCESS_KEY_ID=key)
    process = start("run", "--pipelines", pipelines.path, "--endpoint", alone.endpoint, environment=environment)
    assert process.wait() == 2
    assert "check the access key" in process.output() and secret not in process.output()
