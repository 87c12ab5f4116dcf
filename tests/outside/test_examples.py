"""The reference setups in pipelines/examples/: created by hand, as users do, and run with `thumbwheel run`."""
import email
import email.policy
import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

import harness
from harness import (ROOT, aws_environment, depth, exists, fetch, jpeg, make_queue, open_image, png, queue_arn,
                     receive, send_policy, until)
from proxy import Proxy

EXAMPLES = ROOT / "pipelines/examples"


@pytest.fixture
def cloud(start_cloud, tmp_path):
    """A cloud without a queue or bucket of the examples'; each test has its own."""
    idle = tmp_path / "idle"
    idle.mkdir()
    (idle / "idle.yaml").write_text(harness.PIPELINE_IDLE.replace("photos", "idle"))
    cloud = start_cloud("--pipelines", idle)
    cloud.wait_for("Serving")
    return cloud


@pytest.fixture
def run(start, cloud):
    """The engine on the files of an example, reached through an endpoint as any service is."""
    def begin(example, *arguments):
        return start("run", "--wait", "1s", "--pipelines", EXAMPLES / example, "--endpoint", cloud.endpoint, *arguments,
                     environment=aws_environment())
    return begin


def make_topic(cloud, queues, raw):
    """S3 → SNS → SQS by hand: bucket, topic, policies, subscriptions, notification."""
    s3, sns, sqs = cloud.client("s3"), cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="uploads")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
             "Resource": topic, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::photos"}}}]}))
    for name in queues:
        sqs.set_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
                                 Attributes={"Policy": send_policy(name, "sns", topic)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name),
                      Attributes={"RawMessageDelivery": "true"} if raw else {})
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"],
                                 "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "ingest/"}]}}}]})


def test_fan_out_makes_three_half_size_jpegs(cloud, run):
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket="photos")
    urls = [make_queue(sqs, name) for name in ("thumbnail-queue", "web-queue", "mobile-queue")]
    make_topic(cloud, ["thumbnail-queue", "web-queue", "mobile-queue"], raw=False)
    engine = run("fan-out")
    s3.put_object(Bucket="photos", Key="ingest/sea view.jpg", Body=jpeg(600, 400))
    for prefix in ("thumbnail/Thumbnail-", "web/WebImage-", "mobile/MobileImage-"):
        key = f"{prefix}sea view.jpg"
        until(lambda: exists(s3, "photos", key), key)
        image = open_image(fetch(s3, "photos", key))
        assert (image.format, image.size) == ("JPEG", (300, 200))
    for url in urls:
        until(lambda: depth(sqs, url) == (0, 0, 0), "no message is left")
    assert len(cloud.requests("GetObject", key="ingest/sea view.jpg")) == 1
    assert engine.stop() == 0


def test_fan_out_leaves_other_formats_alone(cloud, run):
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket="photos")
    url = make_queue(sqs, "web-queue")
    for name in ("thumbnail-queue", "mobile-queue"):
        make_queue(sqs, name)
    make_topic(cloud, ["web-queue"], raw=False)
    run("fan-out")
    s3.put_object(Bucket="photos", Key="ingest/drawing.png", Body=png())
    s3.put_object(Bucket="photos", Key="ingest/photo.jpg", Body=jpeg())
    until(lambda: exists(s3, "photos", "web/WebImage-photo.jpg"), "the photo")
    until(lambda: depth(sqs, url) == (0, 0, 0), "both messages are done with")
    assert not exists(s3, "photos", "web/WebImage-drawing.png")


@pytest.fixture
def dead_letter_set_up(cloud):
    """Bucket → queue, three receives, and another bucket for what is made."""
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    url = make_queue(sqs, "thumbnail-queue", receives=3, visibility=1)
    s3.create_bucket(Bucket="photos")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": send_policy("thumbnail-queue", "s3", "arn:aws:s3:::photos")})
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue_arn("thumbnail-queue"), "Events": ["s3:ObjectCreated:*"]}]})
    return s3, sqs, url


def test_dead_letter_makes_square_pngs_in_another_bucket(dead_letter_set_up, run):
    s3, sqs, url = dead_letter_set_up
    s3.create_bucket(Bucket="photos-thumbnails")
    run("dead-letter")
    s3.put_object(Bucket="photos", Key="2024/sea.jpg", Body=jpeg(600, 400))
    key = until(lambda: s3.list_objects_v2(Bucket="photos-thumbnails").get("Contents"), "a thumbnail")[0]["Key"]
    assert key.startswith("2024/sea")
    image = open_image(fetch(s3, "photos-thumbnails", key))
    assert (image.format, image.size) == ("PNG", (64, 64))
    until(lambda: depth(sqs, url) == (0, 0, 0), "no message is left")


def test_dead_letter_gives_up_after_three_receives(cloud, dead_letter_set_up, run):
    """The bucket for the thumbnails is missing, which is retryable: three receives, then the message is kept."""
    s3, sqs, url = dead_letter_set_up
    engine = run("dead-letter")
    s3.put_object(Bucket="photos", Key="2024/sea.jpg", Body=jpeg())
    dead = sqs.get_queue_url(QueueName="thumbnail-queue-dlq")["QueueUrl"]
    body = until(lambda: next((m["Body"] for m in [receive(sqs, dead)] if "s3:TestEvent" not in m["Body"]), None),
                 "the event among the dead letters")
    assert json.loads(body)["Records"][0]["s3"]["object"]["key"] == "2024/sea.jpg"
    assert len(cloud.requests("PutObject", resource="photos-thumbnails", status=404)) == 3, engine.output()
    assert depth(sqs, url) == (0, 0, 0)


def test_dead_letter_rejects_a_permanent_failure_at_once(dead_letter_set_up, run):
    s3, sqs, url = dead_letter_set_up
    s3.create_bucket(Bucket="photos-thumbnails")
    run("dead-letter")
    s3.put_object(Bucket="photos", Key="letter.jpg", Body=b"Dear Sir or Madam")
    message = receive(sqs, sqs.get_queue_url(QueueName="thumbnail-queue-dlq")["QueueUrl"])
    assert message["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "image-unsupported"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    until(lambda: depth(sqs, url) == (0, 0, 0), "the original is gone")


@pytest.fixture
def raw_and_tags(cloud):
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket="photos")
    urls = [make_queue(sqs, name, receives=3, visibility=1) for name in ("thumbnail-queue", "tags-queue")]
    make_topic(cloud, ["thumbnail-queue", "tags-queue"], raw=True)
    return s3, sqs, urls


def test_raw_and_tags_delivers_the_bare_event(raw_and_tags):
    s3, sqs, (thumbnails, _) = raw_and_tags
    s3.put_object(Bucket="photos", Key="ingest/sea.jpg", Body=jpeg())
    bodies = (json.loads(receive(sqs, thumbnails)["Body"]) for _ in range(3))
    assert next(body for body in bodies if "Records" in body)["Records"][0]["s3"]["object"]["key"] == "ingest/sea.jpg"


def test_raw_and_tags_makes_a_thumbnail_and_tags(raw_and_tags, run):
    s3, sqs, urls = raw_and_tags
    run("raw-and-tags")
    s3.put_object(Bucket="photos", Key="ingest/sea.jpg", Body=jpeg(600, 400))
    until(lambda: exists(s3, "photos", "thumbnail/Thumbnail-sea.jpg"), "the thumbnail")
    until(lambda: exists(s3, "photos", "tags/sea.jpg.json"), "the sidecar")
    assert max(open_image(fetch(s3, "photos", "thumbnail/Thumbnail-sea.jpg")).size) == 128
    for url in urls:
        until(lambda: depth(sqs, url) == (0, 0, 0), "no message is left")
    assert s3.get_object_tagging(Bucket="photos", Key="ingest/sea.jpg")["TagSet"]


def test_raw_and_tags_fail_independently(raw_and_tags, run, cloud):
    """One queue's message is unreadable and ends as a dead letter; the other queue's event is worked on."""
    s3, sqs, (thumbnails, tags) = raw_and_tags
    run("raw-and-tags")
    sqs.send_message(QueueUrl=tags, MessageBody="not an event")
    s3.put_object(Bucket="photos", Key="ingest/sea.jpg", Body=jpeg())
    message = receive(sqs, sqs.get_queue_url(QueueName="tags-queue-dlq")["QueueUrl"])
    assert message["Body"] == "not an event"
    until(lambda: exists(s3, "photos", "thumbnail/Thumbnail-sea.jpg"), "the thumbnail")
    assert depth(sqs, sqs.get_queue_url(QueueName="thumbnail-queue-dlq")["QueueUrl"]) == (0, 0, 0)


def test_raw_and_tags_makes_thumbnails_while_tagging_is_refused(raw_and_tags, start, cloud):
    """The service refuses every tagging: that queue's messages are tried and kept, the thumbnails are made nevertheless."""
    s3, sqs, (thumbnails, tags) = raw_and_tags
    denied = (b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
              b"<Message>Access Denied</Message></Error>")
    proxy = Proxy(cloud.endpoint, lambda method, path, headers, body:
                  (403, denied) if method == "PUT" and "tagging" in path else None)
    engine = start("run", "--wait", "1s", "--pipelines", EXAMPLES / "raw-and-tags", "--endpoint", proxy.endpoint,
                   environment=aws_environment())
    s3.put_object(Bucket="photos", Key="ingest/sea.jpg", Body=jpeg())
    until(lambda: exists(s3, "photos", "thumbnail/Thumbnail-sea.jpg"), "the thumbnail")
    until(lambda: depth(sqs, thumbnails) == (0, 0, 0), "its message is done with")
    dead = sqs.get_queue_url(QueueName="tags-queue-dlq")["QueueUrl"]
    assert "ingest/sea.jpg" in receive(sqs, dead)["Body"]
    assert "access-denied" in engine.output()
    assert depth(sqs, sqs.get_queue_url(QueueName="thumbnail-queue-dlq")["QueueUrl"]) == (0, 0, 0)
    engine.stop()
    proxy.close()


# ---- the commands of docs/examples.md, as printed ----

class Sections:
    """Runs the commands of one section against the embedded cloud, in a folder with sea.jpg."""

    def __init__(self, cloud, start, folder):
        self.cloud, self.start, self.folder = cloud, start, folder
        (folder / "sea.jpg").write_bytes(jpeg(1600, 1200))
        (folder / "pipelines").symlink_to(ROOT / "pipelines")
        tools = folder / "tools"
        tools.mkdir()
        (tools / "thumbwheel").symlink_to(Path(harness.PROGRAM).resolve())
        (tools / "aws").write_text(f"#!/bin/sh\nexec {harness.AWS_CLI} --endpoint-url {cloud.endpoint} \"$@\"\n")
        (tools / "aws").chmod(0o755)
        self.environment = {**aws_environment(), "AWS_ENDPOINT_URL": cloud.endpoint, "PATH": f"{tools}:{os.environ['PATH']}",
                            "HOME": str(folder), "NO_PROXY": "*"}

    @staticmethod
    def commands(title):
        section = (ROOT / "docs/examples.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
        return [line[2:] for line in section.splitlines() if line.startswith("$ ")]

    def run(self, title, before=None, after=None):
        """before: what must be true before a command that begins so; after: what is done after one."""
        for command in self.commands(title):
            for beginning, condition in (before or {}).items():
                if command.startswith(beginning):
                    until(condition, f"what {beginning} needs")
            if command.startswith("thumbwheel run"):
                self.start(*command.split()[1:], environment=self.environment, cwd=self.folder).wait_for("engine started")
                continue
            done = subprocess.run(["sh", "-c", command], cwd=self.folder, env={**os.environ, **self.environment},
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            for beginning, action in (after or {}).items():
                if command.startswith(beginning):
                    action(done.stdout)


@pytest.fixture
def sections(cloud, start, tmp_path):
    folder = tmp_path / "section"
    folder.mkdir()
    return Sections(cloud, start, folder)


def test_photos_that_are_there_already(sections, cloud):
    """The bucket had photos before; one of them has its copy, another one is no photo, and one arrives while the engine runs."""
    s3 = cloud.client("s3")
    pictures = sections.folder / "pictures/2024"
    pictures.mkdir(parents=True)
    (pictures / "sea.jpg").write_bytes(jpeg(640, 480))
    s3.create_bucket(Bucket="photos")
    for key in ("ingest/2024/sea.jpg", "ingest/2025/forest view.jpg", "ingest/done.jpg"):
        s3.put_object(Bucket="photos", Key=key, Body=jpeg(400, 200))
    s3.put_object(Bucket="photos", Key="ingest/notes.txt", Body=b"not a photo")
    s3.put_object(Bucket="photos", Key="half/ingest/done.jpg", Body=b"made before")
    copies = {"half/ingest/2024/sea.jpg", "half/ingest/2025/forest view.jpg", "half/ingest/done.jpg", "half/ingest/late.jpg"}

    def made():
        return copies <= {each["Key"] for each in s3.list_objects_v2(Bucket="photos", Prefix="half/").get("Contents", [])}
    sections.run("Photos that are there already", before={"aws s3 sync": made}, after={
        "thumbwheel backfill": lambda _: s3.put_object(Bucket="photos", Key="ingest/late.jpg", Body=jpeg(400, 200))})
    [local] = (sections.folder / "smaller").rglob("sea.jpg")
    assert open_image(local.read_bytes()).size == (320, 240)
    half = sections.folder / "half/ingest"
    for path in ("2024/sea.jpg", "2025/forest view.jpg", "late.jpg"):
        assert open_image((half / path).read_bytes()).size == (200, 100)
    assert (half / "done.jpg").read_bytes() == b"made before"


def test_every_section_has_three_to_six_commands_and_every_example_a_section():
    text = (ROOT / "docs/examples.md").read_text()
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert {title: 3 <= len(Sections.commands(title)) <= 6 for title in titles} == dict.fromkeys(titles, True)
    used = set(re.findall(r"pipelines/examples/([\w-]+)", "".join("\n".join(Sections.commands(title)) for title in titles)))
    assert {folder.name for folder in EXAMPLES.iterdir()} - used == {"label-server", "rabbitmq"}  # docs/labels.md, docs/rabbitmq.md


def test_three_sizes_of_every_photo(sections, cloud):
    s3, shown = cloud.client("s3"), []
    sections.run("Three sizes of every photo", after={"aws s3 ls": shown.append},
                 before={"aws s3 ls": lambda: exists(s3, "photos", "web/WebImage-sea.jpg")})
    assert "WebImage-sea.jpg" in shown[0]
    until(lambda: exists(s3, "photos", "mobile/MobileImage-sea.jpg"), "the third size")


def test_square_pictures_in_another_bucket(sections, cloud):
    s3, sqs, shown = cloud.client("s3"), cloud.client("sqs"), []
    letter = "letter.jpg"

    def unreadable():
        s3.put_object(Bucket="photos", Key=letter, Body=b"Dear Sir or Madam")
        dead = sqs.get_queue_url(QueueName="thumbnail-queue-dlq")["QueueUrl"]
        until(lambda: depth(sqs, dead)[0] == 1, "the dead letter")
        return True
    sections.run("Square pictures in another bucket", before={"thumbwheel dlq list": unreadable},
                 after={"thumbwheel dlq list": lambda text: (shown.append(text), s3.put_object(Bucket="photos", Key=letter, Body=jpeg()))})
    assert letter in shown[0] and "image-unsupported" in shown[0]
    until(lambda: len(s3.list_objects_v2(Bucket="photos-thumbnails").get("Contents", [])) == 2, "the photo that was brought back")


def test_thumbnails_and_tags(sections, cloud):
    s3 = cloud.client("s3")
    sections.run("Thumbnails and tags", before={
        "aws s3api": lambda: s3.get_object_tagging(Bucket="photos", Key="ingest/sea.jpg")["TagSet"]})
    until(lambda: exists(s3, "photos", "thumbnail/Thumbnail-sea.jpg"), "the thumbnail")


def test_a_link_by_mail(sections, cloud):
    outbox = cloud.data / "outbox"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def mails():
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in sorted(outbox.glob("*.eml"))]

    def confirm(_):
        question = until(mails, "the question to the subscriber")[0].get_content()
        opener.open(re.search(r"http://\S+ConfirmSubscription\S+", question).group(0)).close()
    sections.run("A link by mail", after={"aws sns subscribe": confirm})
    mail = until(lambda: next((mail for mail in mails() if mail["Subject"] == "sea.jpg has a thumbnail"), None), "the mail")
    with opener.open(re.search(r"http://\S+X-Amz-Signature=\S+", mail.get_content()).group(0)) as response:
        image = open_image(response.read())
    assert (image.format, image.size) == ("PNG", (64, 64))
    rules = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket="photos-thumbnails")["Rules"]
    assert [rule["Expiration"]["Days"] for rule in rules] == [30]


def test_uploads_by_strangers(sections, cloud):
    s3, sqs, told = cloud.client("s3"), cloud.client("sqs"), []
    sections.run("Uploads by strangers", before={"curl -f -o": lambda: exists(s3, "uploads", "web/sea.jpg")}, after={"aws sqs receive": told.append})
    small = (sections.folder / "small.jpg").read_bytes()
    assert open_image(small).size == (1280, 960)
    [message] = json.loads(told[0])["Messages"]
    event = json.loads(message["Body"])
    assert event["type"] == "photo.done" and event["source"]["key"] == "input/sea.jpg"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(event["outputs"][0]["link"]) as response:
        assert response.read() == small
    [rule] = s3.get_bucket_notification_configuration(Bucket="uploads")["QueueConfigurations"]
    assert [(each["Name"].lower(), each["Value"]) for each in rule["Filter"]["Key"]["FilterRules"]] == [("prefix", "input/")]
    url = sqs.get_queue_url(QueueName="uploads-queue")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["MessageRetentionPeriod"], found["VisibilityTimeout"]) == (str(14 * 24 * 3600), "360")
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] in (5, "5")
    assert "ArnLike" in json.loads(found["Policy"])["Statement"][0]["Condition"]
