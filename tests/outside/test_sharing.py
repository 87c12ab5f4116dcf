"""The requests for one photo, counted in the embedded cloud's request log."""
import json

import harness
from harness import jpeg, thumbwheel

OUTPUTS = {"thumbnail/Thumbnail-a.jpg", "web/WebImage-a.jpg", "mobile/MobileImage-a.jpg", "tags/a.jpg.json"}


def once(tmp_path, *photos):
    """`local --once`, and the lines of its request log."""
    log = tmp_path / "requests.jsonl"
    done = thumbwheel("local", "--once", "--out", tmp_path / "out", "--request-log", log, *photos)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in log.read_text().splitlines()]


def count(lines, operation, **fields):
    return len([line for line in lines if line["operation"] == operation
                and all(line[name] == value for name, value in fields.items())])


def test_one_photo_through_four_pipelines_costs_one_get(tmp_path):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(jpeg(1600, 1200))
    lines = once(tmp_path, photo)
    assert count(lines, "GetObject", key="ingest/a.jpg") == 1
    assert count(lines, "HeadObject", key="ingest/a.jpg") == 0


def test_each_output_costs_one_put(tmp_path):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(jpeg(1600, 1200))
    lines = once(tmp_path, photo)
    puts = [line["key"] for line in lines if line["operation"] == "PutObject"]
    assert sorted(puts) == sorted(OUTPUTS | {"ingest/a.jpg"})


def test_sqs_requests_are_far_fewer_than_messages(tmp_path):
    photos = []
    for i in range(60):
        photos.append(tmp_path / f"{i}.jpg")
        photos[-1].write_bytes(jpeg(64 + i, 48))
    lines = once(tmp_path, *photos)
    messages = 4 * len(photos)
    deletes = count(lines, "DeleteMessageBatch")
    assert count(lines, "DeleteMessage") == 0
    assert count(lines, "ChangeMessageVisibility") == 0
    assert deletes <= messages / 4, f"{deletes} requests to delete {messages} messages"
    assert count(lines, "GetObject") - messages <= len(photos)  # the rest is what --out collects


def test_a_new_version_of_a_photo_is_fetched_again(start_cloud):
    """Sharing goes by version: an overwritten key must not be served from what was fetched before."""
    cloud = start_cloud()
    s3 = cloud.client("s3")
    for width in (200, 300):
        s3.put_object(Bucket="photos", Key="ingest/a.jpg", Body=jpeg(width, 100))
        harness.until(lambda: harness.exists(s3, "photos", "web/WebImage-a.jpg") and
                      harness.open_image(harness.fetch(s3, "photos", "web/WebImage-a.jpg")).width == width,
                      f"the web image of {width} pixels")
