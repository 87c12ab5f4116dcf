"""Bad input must neither break the engine nor be lost: it goes to the dead-letter queue with a reason, or is retried."""
import io
import json
import os
import random
import struct
import subprocess
import threading

import pytest

import harness
from harness import (PROGRAM, assert_healthy, aws_environment, clean_environment, depth, exists, fetch, jpeg,
                     make_queue, png_bomb, receive, thumbwheel, until)
from proxy import HOLD, Proxy

QUEUES = ["thumbnail-queue", "web-queue", "mobile-queue", "tags-queue"]
RSS_MAX = 1 << 30  # bytes; a sanitizer's shadow memory is in it, the bomb's 30 GB are not
PIPELINE = """name: {name}
queue: {name}-queue
match: {{ bucket: {bucket}, prefix: in/ }}
outputs:
  - {{ key: "{key}", width: 40, format: jpeg }}
"""


@pytest.fixture(scope="module")
def cloud(busy_cloud):
    return busy_cloud


def url_of(sqs, name):
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def dead_letter(sqs, queue, contains):
    """The dead letter of a queue whose body has a text in it. Others stay."""
    url = url_of(sqs, f"{queue}-dlq")

    def look():
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10, VisibilityTimeout=0,
                                    MessageAttributeNames=["All"]).get("Messages", [])
        return next((message for message in found if contains in message["Body"]), None)

    found = until(look, f"a dead letter of {queue} about {contains}")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
    return found["Body"], {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}


def is_drained(sqs, queue):
    return depth(sqs, url_of(sqs, queue)) == (0, 0, 0)


def object_event(bucket, key, **facts):
    return json.dumps({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
                                    "eventTime": "2026-01-02T03:04:05.000Z", "eventName": "ObjectCreated:Put",
                                    "s3": {"bucket": {"name": bucket}, "object": {"key": key, **facts}}}]})


def truncated_jpeg():
    whole = jpeg(800, 600)
    return whole[:len(whole) // 3]


# ---- images ----

@pytest.mark.parametrize("name, content, reason, why", [
    ("truncated.jpg", truncated_jpeg(), "image-corrupt", ""),
    ("empty.jpg", b"", "image-", "empty"),
    ("letter.jpg", b"Dear Sir or Madam,\n" * 20, "image-unsupported", "text"),
    ("bomb.png", png_bomb(), "image-over-limit", "pixels")])
def test_a_bad_image_ends_in_each_dead_letter_queue_with_its_reason(cloud, name, content, reason, why):
    sqs = cloud.client("sqs")
    cloud.client("s3").put_object(Bucket="photos", Key=f"ingest/{name}", Body=content)
    for queue in QUEUES:
        body, attributes = dead_letter(sqs, queue, f"ingest/{name}")
        event = json.loads(json.loads(body)["Message"])
        assert event["Records"][0]["s3"]["object"]["key"] == f"ingest/{name}"
        assert attributes["ThumbwheelReason"].startswith(reason)
        assert why in attributes["ThumbwheelDetail"]
        assert attributes["ThumbwheelPipeline"] == queue.removesuffix("-queue")
        until(lambda: is_drained(sqs, queue), f"{queue} is empty")


@pytest.mark.parametrize("name, content, words", [
    ("truncated.jpg", truncated_jpeg(), "image-corrupt"), ("empty.jpg", b"", "empty"),
    ("letter.jpg", b"Dear Sir or Madam,\n" * 20, "image-unsupported"), ("bomb.png", png_bomb(), "pixels")])
def test_a_bad_image_fails_a_one_shot_run_with_its_reason(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path / name)
    assert done.returncode == 1
    assert f"failed: {name}: " in done.stderr and words in done.stderr
    assert not (tmp_path / "out/web").exists()


def test_a_bomb_costs_no_memory(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_bomb())
    command = [PROGRAM, "process", "--out", str(tmp_path / "out"), str(tmp_path / "bomb.png")]
    process = subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1
    assert usage.ru_maxrss * 1024 < RSS_MAX


def test_noise_in_any_format_never_ends_the_process(tmp_path):
    """Damaged files of every kind: each is processed or refused, none crashes, hangs or goes unreported."""
    dice = random.Random(20)
    for i in range(60):
        kind = dice.choice(["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
        out = io.BytesIO()
        harness.picture(90, 70).save(out, kind)
        data = bytearray(out.getvalue())
        for _ in range(dice.randrange(1, 12)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        extension = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
        (tmp_path / f"{i}.{extension}").write_bytes(data[:dice.randrange(len(data) // 2, len(data) + 1)])
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert "60 photos: " in done.stdout and "no-result" not in done.stderr


def tiff(photometric, samples, bits, size=32):
    """Without compression, in one strip; the samples of a pixel may be more than its colours."""
    pixels = b"\x60" * (size * size * samples * bits // 8)
    tags = {256: (3, [size]), 257: (3, [size]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]),
            273: (4, [0]), 277: (3, [samples]), 278: (3, [size]), 279: (4, [len(pixels)])}
    if photometric == 3:
        tags[320] = (3, [1000] * (3 << bits))
    blobs, entries, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            blobs, packed = blobs + packed, struct.pack("<I", at + len(blobs))
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    strip = struct.pack("<HHII", 273, 4, 1, 0)
    entries = entries.replace(strip, strip[:8] + struct.pack("<I", at + len(blobs)))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + blobs + pixels


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_more_samples_than_colours_are_harmless(tmp_path, isolation):
    """Grey and palette pictures with four samples a pixel became six bands, for which no background was ready."""
    names = [f"{photometric}-{samples}-{bits}.tif" for photometric in (0, 1, 2, 3, 5) for samples in range(1, 7) for bits in (8, 16)]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_bytes(tiff(*map(int, name[:-4].split("-"))))
    (tmp_path / "all.yaml").write_text("name: web\nqueue: q\nmatch: { prefix: ingest/ }\noutputs:\n"
                                       "  - { key: 'flat/{stem}.jpg', width: 16, format: jpeg }\n"
                                       "  - { key: 'padded/{stem}.png', width: 16, height: 9, fit: contain, format: png }\n")
    done = thumbwheel("process", "--isolation", isolation, "--pipelines", tmp_path / "all.yaml", "--out", tmp_path / "out", tmp_path / "in")
    assert done.returncode in (0, 1), done.stderr
    assert "crashed" not in done.stderr and f"{len(names)} photos: " in done.stdout
    for path in (tmp_path / "out").rglob("1-4-8.jpg"):  # black is 0: the first sample alone counts
        assert all(abs(band - 0x60) <= 1 for band in harness.open_image(path.read_bytes()).convert("RGB").getpixel((8, 8)))
    assert list((tmp_path / "out").rglob("1-4-8.jpg"))


# ---- messages ----

@pytest.mark.parametrize("body", ["this is not JSON", "{", "[1, 2]", '{"unknown": "shape"}', '"text"', "Ω" * 1000])
def test_a_message_that_is_not_an_event_becomes_a_dead_letter_unchanged(cloud, body):
    sqs = cloud.client("sqs")
    attribute = {"origin": {"DataType": "String", "StringValue": "a test"}}
    sent = sqs.send_message(QueueUrl=url_of(sqs, "web-queue"), MessageBody=body, MessageAttributes=attribute)
    found, attributes = dead_letter(sqs, "web-queue", body)
    assert found == body
    assert attributes["ThumbwheelReason"] == "message-unreadable" and attributes["ThumbwheelDetail"]
    assert attributes["ThumbwheelMessageId"] == sent["MessageId"]
    assert attributes["origin"] == "a test"


def test_an_event_for_a_missing_object_becomes_a_dead_letter(cloud):
    sqs = cloud.client("sqs")
    body = object_event("photos", "ingest/never+was.jpg")
    sqs.send_message(QueueUrl=url_of(sqs, "thumbnail-queue"), MessageBody=body)
    found, attributes = dead_letter(sqs, "thumbnail-queue", "never+was")
    assert found == body and attributes["ThumbwheelReason"] == "object-missing"
    assert "never was.jpg" in attributes["ThumbwheelDetail"]


def test_an_event_for_a_missing_bucket_is_retried_and_kept(cloud):
    """A missing bucket may still be created: the message is retried as often as the queue allows, and then kept."""
    sqs = cloud.client("sqs")
    make_queue(sqs, "elsewhere-queue", receives=2, visibility=1)
    folder = cloud.data.parent / "elsewhere"
    folder.mkdir()
    (folder / "p.yaml").write_text(PIPELINE.format(name="elsewhere", bucket="no-such-bucket", key="out/{name}"))
    body = object_event("no-such-bucket", "in/a.jpg")
    sqs.send_message(QueueUrl=url_of(sqs, "elsewhere-queue"), MessageBody=body)
    engine = harness.Process("run", "--wait", "1s", "--pipelines", folder, "--endpoint", cloud.endpoint,
                             environment=aws_environment())
    try:
        url = url_of(sqs, "elsewhere-queue-dlq")
        assert receive(sqs, url)["Body"] == body
        assert "no-such-bucket" in engine.wait_for("bucket-missing").string
    finally:
        assert engine.stop() == 0
    assert_healthy(engine.output())


def test_a_test_event_is_dropped_without_a_trace(cloud):
    sqs = cloud.client("sqs")
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-02T03:04:05.000Z",
                       "Bucket": "photos", "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3"})
    sqs.send_message(QueueUrl=url_of(sqs, "mobile-queue"), MessageBody=body)
    until(lambda: is_drained(sqs, "mobile-queue"), "the test event is gone")
    assert is_drained(sqs, "mobile-queue-dlq")


# ---- keys ----

def long_key(prefix, size=1024):
    """A key of this many bytes, with spaces, plus signs, percent signs and non-ASCII characters."""
    unit = "a+b c%20é/東 "
    key = prefix + unit * (size // len(unit.encode()))
    while len((key + ".jpg").encode()) > size:
        key = key[:-1]
    return key + "x" * (size - len((key + ".jpg").encode())) + ".jpg"


def test_a_key_of_1024_bytes_is_preserved(start_cloud, tmp_path):
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "p.yaml").write_text(PIPELINE.format(name="long", bucket="photos", key="made/{width}.{ext}")
                                   .replace("in/", "ingest/"))
    cloud = start_cloud("--pipelines", folder)
    s3 = cloud.client("s3")
    key = long_key("ingest/")
    assert len(key.encode()) == 1024
    s3.put_object(Bucket="photos", Key=key, Body=jpeg(77, 55))
    until(lambda: exists(s3, "photos", "made/40.jpg"), "made/40.jpg")
    assert harness.open_image(fetch(s3, "photos", "made/40.jpg")).size == (40, 29)


def test_an_output_key_over_1024_bytes_is_refused_with_its_reason(cloud):
    sqs, key = cloud.client("sqs"), "ingest/" + "n" * (1024 - len("ingest/.jpg")) + ".jpg"
    cloud.client("s3").put_object(Bucket="photos", Key=key, Body=jpeg(50, 40))
    for queue in QUEUES[:3]:
        body, attributes = dead_letter(sqs, queue, "n" * 900)
        assert key in body
        assert attributes["ThumbwheelReason"] == "output-key-too-long"
        assert "key would be longer than 1024 bytes" in attributes["ThumbwheelDetail"]


# ---- pipeline files ----

@pytest.fixture
def pipeline_file(tmp_path):
    def write(text):
        path = tmp_path / "web.yaml"
        path.write_text(text)
        return path
    return write


def refused_everywhere(path, *words, out):
    """By check, local and run, before anything starts."""
    for command in (["check"], ["local", "--once", "--out", out], ["run"], ["process", "--out", out, path]):
        done = thumbwheel(*command, "--pipelines", path)
        assert done.returncode == 2, done.stdout
        for word in words:
            assert word in done.stderr, done.stderr
    assert not out.exists()


def test_an_unknown_key_is_reported_with_its_location_and_a_suggestion(pipeline_file, tmp_path):
    path = pipeline_file('name: web\nqueue: web-queue\noutputs:\n  - key: "web/{name}"\n    widht: 1280\n')
    refused_everywhere(path, f"{path}:5:5:", "widht", 'did you mean "width"?', out=tmp_path / "out")


def test_a_wrong_type_is_reported_with_its_location_and_the_expected_type(pipeline_file, tmp_path):
    path = pipeline_file('name: web\nqueue: web-queue\noutputs:\n  - key: "web/{name}"\n    width: wide\n')
    refused_everywhere(path, f"{path}:5:12:", "whole number", '"wide"', out=tmp_path / "out")


def test_an_output_that_is_its_own_input_is_refused(pipeline_file, tmp_path):
    path = pipeline_file('name: web\nqueue: web-queue\nmatch: { prefix: in/ }\n'
                         'outputs:\n  - { key: "in/web-{name}", width: 9 }\n')
    refused_everywhere(path, str(path), "in/web-{name}", "processed again", "another bucket", out=tmp_path / "out")


@pytest.mark.parametrize("text, words", [
    ("name: web\nqueue: [\n", "web.yaml:"), ("", "web.yaml"), ("- a\n- b\n", "web.yaml:1"),
    ("name: web\n", "queue"), ("name: web\nqueue: q\n", "outputs"),
    ("name: web\nname: web\nqueue: q\n", "web.yaml:2"),
    ('name: web\nqueue: q\noutputs: [{key: "{nam}", width: 3}]\n', "{nam}")])
def test_an_invalid_pipeline_is_refused_with_its_location(pipeline_file, text, words):
    done = thumbwheel("check", "--pipelines", pipeline_file(text))
    assert done.returncode == 2 and words in done.stderr, done.stderr


# ---- environment ----

def test_wrong_credentials_are_reported_but_not_shown(cloud, pipeline_file):
    path = pipeline_file(PIPELINE.format(name="absent", bucket="photos", key="made/{name}"))
    done = thumbwheel("run", "--pipelines", path, "--endpoint", cloud.endpoint,
                      environment=aws_environment(secret="not-the-secret"))
    assert done.returncode == 2
    assert "signature" in done.stderr.lower() and "not-the-secret" not in done.stdout + done.stderr


def test_missing_credentials_are_reported_with_the_possible_sources(pipeline_file):
    path = pipeline_file(PIPELINE.format(name="absent", bucket="photos", key="made/{name}"))
    done = thumbwheel("run", "--pipelines", path, "--endpoint", "http://127.0.0.1:9", "--region", "us-east-1")
    assert done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr


def test_a_port_in_use_is_reported(cloud, tmp_path):
    port = cloud.endpoint.rpartition(":")[2]
    done = thumbwheel("local", "--once", "--port", port, "--data", tmp_path / "data", "--out", tmp_path / "out",
                      write_photo(tmp_path))
    assert done.returncode == 1
    assert port in done.stderr and "in use" in done.stderr and "choose another port" in done.stderr


def write_photo(folder):
    path = folder / "a.jpg"
    path.write_bytes(jpeg(40, 30))
    return path


def test_a_data_directory_in_use_by_another_process_is_refused(cloud, tmp_path):
    done = thumbwheel("local", "--once", "--data", cloud.data, "--out", tmp_path / "out", write_photo(tmp_path))
    assert done.returncode == 1 and str(cloud.data) in done.stderr


@pytest.mark.parametrize("place", ["below a file", "/proc/thumbwheel"])
def test_an_unwritable_data_directory_is_reported(tmp_path, place):
    photo = write_photo(tmp_path)
    data = photo / "data" if place == "below a file" else place
    done = thumbwheel("local", "--once", "--data", data, "--out", tmp_path / "out", photo)
    assert done.returncode == 1
    assert str(data if place != "below a file" else photo) in done.stderr and "--data" in done.stderr


def test_an_unwritable_out_directory_fails_the_run_and_is_reported(tmp_path):
    photo = write_photo(tmp_path)
    done = thumbwheel("process", "--out", photo / "out", photo)
    assert done.returncode == 1 and str(photo) in done.stdout + done.stderr


# ---- kill -9 ----

def test_kill_9_between_upload_and_delete_loses_nothing(start_cloud, start, tmp_path):
    """
    The deletes are held on their way, so that both processes die exactly between the output's upload and the message's
    end. After a restart the message comes back, is worked on again, and the output has the same bytes.
    """
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "p.yaml").write_text(PIPELINE.format(name="kept", bucket="kept", key="made/{name}"))
    idle = tmp_path / "idle"
    idle.mkdir()
    (idle / "idle.yaml").write_text(harness.PIPELINE_IDLE)

    cloud = start_cloud("--pipelines", idle)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    url = make_queue(sqs, "kept-queue", receives=5, visibility=3)
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="in/a.jpg", Body=jpeg(500, 400))
    sqs.send_message(QueueUrl=url, MessageBody=object_event("kept", "in/a.jpg"))

    deleting = threading.Event()

    def hold_deletes(method, path, headers, body):
        if "DeleteMessage" in headers.get("X-Amz-Target", ""):
            deleting.set()
            return HOLD
        return None

    proxy = Proxy(cloud.endpoint, hold_deletes)
    engine = start("run", "--pipelines", pipelines, "--endpoint", proxy.endpoint, environment=aws_environment())
    assert deleting.wait(harness.PATIENCE_S), engine.output()
    before = fetch(s3, "kept", "made/a.jpg")
    assert depth(sqs, url) == (0, 1, 0)
    engine.kill()
    cloud.kill()
    proxy.close()

    cloud = start_cloud("--pipelines", idle)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    url = url_of(sqs, "kept-queue")
    assert sum(depth(sqs, url)) == 1, "the message is gone"
    s3.delete_object(Bucket="kept", Key="made/a.jpg")
    engine = start("run", "--wait", "1s", "--pipelines", pipelines, "--endpoint", cloud.endpoint,
                   environment=aws_environment())
    until(lambda: exists(s3, "kept", "made/a.jpg"), "the output is made again")
    assert fetch(s3, "kept", "made/a.jpg") == before
    until(lambda: depth(sqs, url) == (0, 0, 0), "the message is deleted")
    assert engine.stop() == 0
    assert depth(sqs, url_of(sqs, "kept-queue-dlq")) == (0, 0, 0)


def test_kill_9_of_the_whole_process_under_load_loses_no_photo(start_cloud, tmp_path):
    """At any moment: objects that S3 has acknowledged get all their renditions after the next start."""
    pipelines = tmp_path / "pipelines"  # the standard ones, but what was in flight comes back sooner
    pipelines.mkdir()
    for file in (harness.ROOT / "pipelines").glob("*.yaml"):
        (pipelines / file.name).write_text(file.read_text() + "visibility: 3\n")
    cloud = start_cloud("--pipelines", pipelines)
    s3 = cloud.client("s3")
    names = [f"{i}.jpg" for i in range(20)]
    for name in names:
        s3.put_object(Bucket="photos", Key=f"ingest/{name}", Body=jpeg(300, 200))
    until(lambda: cloud.requests("PutObject", key="thumbnail/Thumbnail-7.jpg"), "some work is done")
    cloud.kill()
    cloud = start_cloud("--pipelines", pipelines)
    s3 = cloud.client("s3")
    wanted = {f"{prefix}{name}{suffix}" for name in names for prefix, suffix in
              [("thumbnail/Thumbnail-", ""), ("web/WebImage-", ""), ("mobile/MobileImage-", ""), ("tags/", ".json")]}

    def stored():
        return {item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="photos")
                for item in page.get("Contents", [])}

    until(lambda: wanted <= stored(), "every photo has its renditions")
