"""`notify` of a pipeline: each target against the embedded cloud, and hostile receivers of webhooks."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import re
import signal
import socket
import threading
import time
import urllib.request

import pytest

import harness
from harness import make_queue, queue_arn, receive, send_policy, until
from proxy import HOLD, Proxy
from sns_tools import Receiver, Subscriber

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OUTPUT = 'match: {{ bucket: photos }}\noutputs:\n  - {{ key: "{name}/{{image}}", bucket: thumbs, width: 64, height: 64, fit: cover, format: png, enlarge: true }}\n'


class World:
    """The embedded cloud without an engine of its own; each test runs engines with its own pipelines."""

    def __init__(self, folder):
        self.folder = folder
        self.cloud = harness.Process("local", "--cloud-only", "--port", "0", "--data", folder / "data")
        self.endpoint = self.cloud.wait_for(r"Endpoint: +(http://127\.0\.0\.1:\d+)").group(1)
        self.cloud.wait_for("Serving")
        self.s3, self.sqs, self.sns, self.events = (harness.client(self.endpoint, service) for service in ("s3", "sqs", "sns", "events"))
        for bucket in ("photos", "thumbs"):
            self.s3.create_bucket(Bucket=bucket)

    def pipeline(self, name, notify, receives=3):
        """Writes a pipeline file and makes its queue; returns the file."""
        file = self.folder / f"{name}.yaml"
        file.write_text(f"name: {name}\nqueue: {name}-photos\n" + OUTPUT.format(name=name) + f"notify: {json.dumps(notify)}\n")
        self.url = make_queue(self.sqs, f"{name}-photos", receives=receives, visibility=20)
        self.dead = self.sqs.get_queue_url(QueueName=f"{name}-photos-dlq")["QueueUrl"]
        return file

    def send(self, key, body=None):
        """Puts a photo (unless it is missing) and sends its event; returns the photo's ETag."""
        etag = self.s3.put_object(Bucket="photos", Key=key, Body=body)["ETag"].strip('"') if body else "absent"
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps({"Records": [
            {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
             "s3": {"bucket": {"name": "photos"}, "object": {"key": key, "eTag": etag}}}]}))
        return etag

    def is_done(self):
        return harness.depth(self.sqs, self.url) == (0, 0, 0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("notify"))
    yield world
    world.cloud.stop()
    harness.assert_healthy(world.cloud.output())


@pytest.fixture
def engine(start, world):
    def begin(file, endpoint=None, **environment):
        process = start("run", "--pipelines", file, "--endpoint", endpoint or world.endpoint, "--workers", "1", "--isolation", "thread",
                        "--backoff", "1s", "--log-format", "json", environment=harness.aws_environment(**environment))
        process.wait_for("engine started")
        return process
    return begin


def link_opens(link):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(link, timeout=60) as response:
        image = harness.open_image(response.read())
    assert image.format == "PNG" and image.size == (64, 64)


def assert_document(document, pipeline, key, etag):
    assert document["type"] == "photo.done" and document["pipeline"] == pipeline and document["id"].startswith("msg_")
    assert document["source"] == {"bucket": "photos", "key": key, "etag": etag}
    output, = document["outputs"]
    assert (output["bucket"], output["width"], output["height"], output["content_type"]) == ("thumbs", 64, 64, "image/png")
    link_opens(output["link"])


# ---- set-up (d) ----

def test_a_photo_becomes_a_mail_with_a_link_to_its_thumbnail(world, engine):
    """PutObject → EventBridge rule → queue → thumbnail in another bucket → topic → mail → the link in it."""
    topic = world.sns.create_topic(Name="thumbnails")["TopicArn"]
    world.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    outbox = world.folder / "data/outbox"

    def mails():
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in sorted(outbox.glob("*.eml"))]
    question = until(mails, "the question to the subscriber")[0]
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(re.search(r"http://\S+ConfirmSubscription\S+", question.get_content()).group(0)).close()

    file = world.pipeline("mailed", {"topic": topic, "subject": "{name} is ready", "link": "24h",
                                     "message": "Your thumbnail of {key}:\n{link}\n"})
    world.s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration={"EventBridgeConfiguration": {}})
    rule = world.events.put_rule(Name="photos", EventPattern=json.dumps(
        {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["photos"]}, "object": {"key": [{"prefix": "mail/"}]}}}))["RuleArn"]
    world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"Policy": send_policy("mailed-photos", "events", rule)})
    world.events.put_targets(Rule="photos", Targets=[{"Id": "queue", "Arn": queue_arn("mailed-photos")}])
    engine(file)
    world.s3.put_object(Bucket="photos", Key="mail/Größe 1.jpg", Body=harness.jpeg())
    mail = until(lambda: next((mail for mail in mails() if "is ready" in (mail["Subject"] or "")), None), "the mail")
    assert mail["Subject"] == "Gr??e 1.jpg is ready" and mail["To"] == "reader@example.com"
    assert "Your thumbnail of mail/Größe 1.jpg:" in mail.get_content()
    link_opens(re.search(r"http://\S+X-Amz-Signature=\S+", mail.get_content()).group(0))
    until(world.is_done, "the message is deleted")


# ---- the other targets ----

def test_programs_that_are_subscribed_to_a_topic_get_the_document(world, engine):
    topic = world.sns.create_topic(Name="programs")["TopicArn"]
    url = make_queue(world.sqs, "programs")
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy("programs", "sns", topic)})
    world.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("programs"),
                        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"event": ["photo.done"]})})
    engine(world.pipeline("to-topic", {"topic": topic, "link": "1h"}))
    etag = world.send("t/1.jpg", harness.jpeg(40, 30))
    assert_document(json.loads(receive(world.sqs, url)["Body"]), "to-topic", "t/1.jpg", etag)


def test_a_queue_gets_the_document(world, engine):
    url = make_queue(world.sqs, "told")
    engine(world.pipeline("to-queue", {"queue": "told", "link": "1h"}))
    etag = world.send("q/1.jpg", harness.jpeg(40, 30))
    message = receive(world.sqs, url)
    assert_document(json.loads(message["Body"]), "to-queue", "q/1.jpg", etag)
    assert message["MessageAttributes"]["event"]["StringValue"] == "photo.done"
    until(world.is_done, "the message is deleted")


def test_an_event_bus_gets_the_document(world, engine):
    url = make_queue(world.sqs, "bus")
    rule = world.events.put_rule(Name="done", EventPattern=json.dumps({"source": ["thumbwheel"], "detail-type": ["Photo Done"],
                                                                       "detail": {"pipeline": ["to-bus"]}}))["RuleArn"]
    world.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy("bus", "events", rule)})
    world.events.put_targets(Rule="done", Targets=[{"Id": "queue", "Arn": queue_arn("bus")}])
    engine(world.pipeline("to-bus", {"event_bus": "default", "link": "1h"}))
    etag = world.send("b/1.jpg", harness.jpeg(40, 30))
    assert_document(json.loads(receive(world.sqs, url)["Body"])["detail"], "to-bus", "b/1.jpg", etag)


def test_a_fifo_queue_recognises_a_repetition(world, engine):
    """The same version of a photo in two events: one notification, and both events are deleted."""
    url = world.sqs.create_queue(QueueName="told.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    process = engine(world.pipeline("to-fifo", {"queue": "told.fifo"}))
    photo = harness.jpeg(40, 30)
    world.send("f/1.jpg", photo)
    first = receive(world.sqs, url)
    world.send("f/1.jpg", photo)
    world.send("f/2.jpg", harness.jpeg(30, 40))
    second = receive(world.sqs, url)
    assert [json.loads(message["Body"])["source"]["key"] for message in (first, second)] == ["f/1.jpg", "f/2.jpg"]
    assert first["Attributes"]["MessageDeduplicationId"] == json.loads(first["Body"])["id"]
    assert first["Attributes"]["MessageGroupId"] != second["Attributes"]["MessageGroupId"]
    until(world.is_done, "all messages are deleted")
    assert harness.depth(world.sqs, url)[0] == 0 and "notification-refused" not in process.output()


# ---- rejections ----

def test_a_rejection_is_announced_before_its_dead_letter(world, engine):
    """The target does not exist at first: the message is not lost, and no dead letter is sent unannounced."""
    process = engine(world.pipeline("refused", {"queue": "late", "on": ["rejected"]}, receives=1000))
    world.send("r/1.jpg", b"not a picture")
    process.wait_for("notify-target-missing")
    assert harness.depth(world.sqs, world.dead)[0] == 0
    url = make_queue(world.sqs, "late")
    document = json.loads(receive(world.sqs, url)["Body"])
    assert document["type"] == "photo.rejected" and document["reason"] == "image-unsupported" and document["detail"]
    assert document["source"]["key"] == "r/1.jpg" and "outputs" not in document
    letter = receive(world.sqs, world.dead)
    assert letter["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "image-unsupported"
    world.send("r/2.jpg", harness.jpeg(40, 30))  # done, which is not announced
    until(world.is_done, "the message is deleted")
    assert harness.depth(world.sqs, url)[0] == 0


# ---- webhooks ----

def verify(headers, body):
    """As the Standard Webhooks specification says; the identifier."""
    names = {name.lower(): value for name, value in headers.items()}
    assert abs(int(names["webhook-timestamp"]) - time.time()) < 300
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{names['webhook-id']}.{names['webhook-timestamp']}.{body}".encode()
    assert names["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert json.loads(body)["id"] == names["webhook-id"]
    return names["webhook-id"]


@pytest.fixture
def subscriber():
    subscriber = Subscriber()
    yield subscriber
    subscriber.close()


def test_a_webhook_is_signed_and_repeated_with_the_same_identifier(world, engine, subscriber):
    subscriber.statuses = [500, 302, 429, 204]
    process = engine(world.pipeline("hooked", {"url": subscriber.url, "secret": "env:HOOK_SECRET", "link": "1h"}, receives=1000),
                     HOOK_SECRET=SECRET)
    etag = world.send("w/1.jpg", harness.jpeg(40, 30))
    arrived = [subscriber.next() for _ in range(4)]
    identifier, = {verify(*each) for each in arrived}
    assert_document(json.loads(arrived[3][1]), "hooked", "w/1.jpg", etag)
    until(world.is_done, "the message is deleted")
    assert "which is not followed" in process.output() and SECRET not in process.output()
    process.stop()
    assert subscriber.arrived.empty() and identifier.startswith("msg_")


def test_a_secret_in_a_file_may_be_replaced(world, engine, subscriber):
    """Without it the message waits; the file is read anew for each notification."""
    secret = world.folder / "secret"
    process = engine(world.pipeline("filed", {"url": subscriber.url, "secret": f"file:{secret}"}, receives=1000))
    world.send("s/1.jpg", harness.jpeg(40, 30))
    process.wait_for("credentials-refused")
    secret.write_text(SECRET + "\n")
    verify(*subscriber.next())
    until(world.is_done, "the message is deleted")


class Hostile(Receiver):
    """A server that reads a request, writes a script's bytes and closes the connection."""

    def __init__(self, *scripts):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.scripts, self.open, self.requests = list(scripts), [], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536) or b"\r\n\r\n"
        self.requests += 1
        script = self.scripts.pop(0) if self.scripts else [b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"]
        try:
            for part in script:
                connection.sendall(part)
            connection.close()
        except OSError:
            pass

    def close(self):
        for connection in self.open:
            connection.close()
        self.listener.close()


def test_hostile_receivers_lose_nothing(world, engine):
    """Garbage, a head without an end, and a body that is too long, whose 200 counts."""
    garbage = [b"\0\xff not HTTP\r\n\r\n"]
    endless_head = (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 65536 + b"\r\n" for _ in range(100))
    hostile = Hostile(garbage, endless_head)
    try:
        process = engine(world.pipeline("hostile", {"url": hostile.url, "secret": "env:HOOK_SECRET"}, receives=1000), HOOK_SECRET=SECRET)
        world.send("h/1.jpg", harness.jpeg(40, 30))
        until(world.is_done, "the message is deleted in the end")
        assert hostile.requests == 3
        hostile.scripts = [[b"HTTP/1.1 200 OK\r\n\r\n", *[b"z" * 65536] * 64]]
        before = hostile.requests
        world.send("h/2.jpg", harness.jpeg(40, 30))
        until(world.is_done, "a 200 counts, whatever follows it")
        assert hostile.requests == before + 1
        process.stop()
    finally:
        hostile.close()


# ---- crashes ----

def test_kill_9_between_notification_and_delete_notifies_again_with_the_same_identifier(world, engine):
    url = make_queue(world.sqs, "twice")
    proxy = Proxy(world.endpoint, lambda method, path, headers, body: HOLD if "DeleteMessageBatch" in (headers.get("X-Amz-Target") or "") else None)
    try:
        file = world.pipeline("killed", {"queue": "twice"}, receives=1000)
        world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"VisibilityTimeout": "2"})
        first = engine(file, endpoint=proxy.endpoint)
        world.send("k/1.jpg", harness.jpeg(40, 30))
        once = json.loads(receive(world.sqs, url)["Body"])
        first.process.send_signal(signal.SIGKILL)
        first.wait()
        assert harness.exists(world.s3, "thumbs", f"killed/{once['outputs'][0]['key'].split('/')[-1]}")
        engine(file)
        twice = until(lambda: world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages"), "the second notification")
        assert json.loads(twice[0]["Body"])["id"] == once["id"]
        until(world.is_done, "the message is deleted")
    finally:
        proxy.close()


# ---- metrics ----

def test_the_embedded_cloud_makes_what_its_pipelines_notify(start_cloud, tmp_path):
    """Its own pipelines need no set-up by hand; what is in another account or region is not its business."""
    targets = {"topic": {"topic": f"arn:aws:sns:{harness.REGION}:{harness.ACCOUNT}:ready"}, "queue": {"queue": "ready-queue"},
               "far": {"topic": f"arn:aws:sns:eu-central-1:{harness.ACCOUNT}:far"}}
    for name, notify in targets.items():
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nqueue: {name}-photos\n" + OUTPUT.replace("thumbs", "photos").format(name=name)
                                               .replace("bucket: photos }", "bucket: photos, prefix: ingest/ }", 1)
                                               + f"notify: {json.dumps(notify)}\n")
    cloud = start_cloud("--pipelines", tmp_path)
    cloud.wait_for("Serving")
    topics = [each["TopicArn"] for each in cloud.client("sns").list_topics()["Topics"]]
    assert targets["topic"]["topic"] in topics and not [each for each in topics if each.endswith(":far")]
    assert cloud.client("sqs").get_queue_url(QueueName="ready-queue")["QueueUrl"]


def test_notifications_are_counted(world, start, subscriber):
    subscriber.statuses = [503]
    file = world.pipeline("counted", {"url": subscriber.url, "secret": "env:HOOK_SECRET"}, receives=1000)
    process = start("run", "--pipelines", file, "--endpoint", world.endpoint, "--workers", "1", "--isolation", "thread", "--backoff", "1s",
                    "--metrics", "127.0.0.1:0", "--log-format", "json", environment=harness.aws_environment(HOOK_SECRET=SECRET))
    address = process.wait_for(r'"metrics are served".*"port":(\d+)').group(1)
    world.send("c/1.jpg", harness.jpeg(40, 30))
    until(world.is_done, "the message is deleted")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{address}/metrics") as response:
        text = response.read().decode()
    assert "thumbwheel_notifications_sent_total 1\n" in text and "thumbwheel_notifications_failed_total 1\n" in text
