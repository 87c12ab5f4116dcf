"""Uploads to the gallery: what the page does, with plain HTTP: it asks for presigned URLs and sends the bytes to the store."""
import json
import os
import re
import urllib.parse

import pytest

import harness
from gallery import Gallery
from harness import until
from test_gate import send

MIB = 1024 * 1024


class World:
    def __init__(self, cloud):
        self.cloud = cloud
        self.gallery = Gallery.of(cloud)
        self.s3 = cloud.client("s3")

    def ask(self, *files):
        return self.gallery.post("/api/uploads", files=[{"type": "image/jpeg", **file} for file in files])["uploads"]

    def put(self, upload, body, **more):
        """As the browser sends it."""
        return send(upload["url"], "PUT", body, {**upload.get("headers", {}), "Origin": self.gallery.origin, "Sec-Fetch-Site": "cross-site",
                                                 **{name.replace("_", "-"): value for name, value in more.items()}})

    def body_of(self, upload):
        return self.s3.get_object(Bucket=upload["bucket"], Key=upload["key"])["Body"].read()

    def exists(self, key):
        return key in [item["Key"] for item in self.s3.list_objects_v2(Bucket="photos", Prefix=key).get("Contents", [])]


def make_bucket(world, name):
    world.s3.create_bucket(Bucket=name)
    return world.cloud.endpoint


def anywhere(folder):
    file = folder / "anywhere.yaml"
    file.write_text('name: any\nqueue: any-queue\nmatch: { prefix: ingest/ }\noutputs:\n  - { key: "small/{name}", width: 16 }\n')
    return file


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uploads")
    photo = folder / "warm-up.jpg"
    photo.write_bytes(harness.jpeg(32, 24))
    cloud = harness.Cloud(folder / "data", "--gallery", "127.0.0.1:0", photo)
    yield World(cloud)
    cloud.stop()
    harness.assert_healthy(cloud.output())


def test_a_photo_goes_straight_to_the_store_and_is_processed(world):
    photo = harness.jpeg(300, 200)
    [upload] = world.ask({"path": "trip/sea.jpg", "size": len(photo)})
    assert (upload["bucket"], upload["key"]) == ("photos", "ingest/trip/sea.jpg")
    status, headers, _ = world.put(upload, photo)
    assert status == 200 and headers["Access-Control-Allow-Origin"] == world.gallery.origin
    assert world.body_of(upload) == photo
    assert world.s3.head_object(Bucket="photos", Key=upload["key"])["ContentType"] == "image/jpeg"
    until(lambda: world.exists("thumbnail/Thumbnail-sea.jpg"), "the thumbnail")


def test_the_browser_may_send_it_without_rules_of_the_bucket(world):
    [upload] = world.ask({"path": "preflight.jpg", "size": 10})
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,if-none-match"}
    status, headers, _ = send(upload["url"], "OPTIONS", None, {"Origin": world.gallery.origin, **asked})
    assert status == 200 and "PUT" in headers["Access-Control-Allow-Methods"]
    assert headers["Access-Control-Allow-Headers"] == "content-type,if-none-match" and headers["Access-Control-Expose-Headers"] == "ETag"
    for origin in ("https://evil.example", "http://127.0.0.1:1", world.gallery.origin + "0", "null"):
        assert send(upload["url"], "OPTIONS", None, {"Origin": origin, **asked})[0] == 403, origin
        assert world.put(upload, b"0123456789", Origin=origin)[0] == 403, origin
    asked["Access-Control-Request-Method"] = "DELETE"
    assert send(upload["url"], "OPTIONS", None, {"Origin": world.gallery.origin, **asked})[0] == 403


def test_the_documented_rule_lets_the_page_of_another_gallery_upload(world, start, tmp_path):
    """docs/gallery.md, for buckets of S3."""
    gallery = Gallery.of(start("gallery", "--listen", "127.0.0.1:0", "--gallery-data", tmp_path / "gallery", "--photos", "s3://shared/ingest/",
                               "--pipelines", anywhere(tmp_path), environment=harness.aws_environment(make_bucket(world, "shared"))))
    document = (harness.ROOT / "docs/gallery.md").read_text()
    rules = json.loads(re.search(r"```json\n(.*?)```", document, re.S).group(1).replace("https://photos.example.com", gallery.origin))
    [upload] = gallery.post("/api/uploads", files=[{"path": "a.jpg", "size": 3, "type": "image/jpeg"}])["uploads"]
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": ",".join(upload["headers"]).lower(), "Origin": gallery.origin}
    assert send(upload["url"], "OPTIONS", None, asked)[0] == 403
    world.s3.put_bucket_cors(Bucket="shared", CORSConfiguration=rules)
    status, headers, _ = send(upload["url"], "OPTIONS", None, asked)
    assert status == 200 and headers["Access-Control-Allow-Origin"] == gallery.origin
    status, headers, _ = send(upload["url"], "PUT", b"abc", {**upload["headers"], "Origin": gallery.origin})
    assert status == 200 and headers["Access-Control-Expose-Headers"] == "ETag"


def test_nothing_is_replaced(world):
    first, second = harness.jpeg(40, 30), harness.jpeg(50, 30)
    [upload] = world.ask({"path": "twice.jpg", "size": len(first)})
    assert world.put(upload, first)[0] == 200
    [again] = world.ask({"path": "twice.jpg", "size": len(second)})
    status, headers, _ = world.put(again, second)
    assert status == 412 and headers["Access-Control-Allow-Origin"] == world.gallery.origin  # the page can read it
    assert world.body_of(upload) == first
    bare = {"url": again["url"], "headers": {"Content-Type": "image/jpeg"}}
    assert world.put(bare, second)[0] == 403  # not without the condition
    [renamed] = world.ask({"path": "twice.jpg", "size": len(second), "attempt": 2})
    assert renamed["key"] == "ingest/twice-2.jpg" and world.put(renamed, second)[0] == 200


def test_the_url_is_for_this_size_and_type_only(world):
    [upload] = world.ask({"path": "sized.jpg", "size": 10})
    assert world.put(upload, b"01234567890")[0] == 403
    assert world.put(upload, b"0123456789", Content_Type="text/html")[0] == 403
    assert not world.exists("ingest/sized.jpg")


def test_a_large_file_goes_in_parts(world):
    body = os.urandom(17 * MIB)
    [upload] = world.ask({"path": "large.jpg", "size": len(body)})
    parts = upload["multipart"]
    assert (parts["partBytes"], parts["parts"]) == (16 * MIB, 2)
    named = {"bucket": upload["bucket"], "key": upload["key"], "upload": parts["upload"]}
    urls = world.gallery.post("/api/uploads/parts", **named, **{"from": 1, "count": 2})["urls"]
    etags = []
    for i, url in enumerate(urls):
        status, headers, _ = world.put({"url": url}, body[i * 16 * MIB:(i + 1) * 16 * MIB])
        assert status == 200 and headers["Access-Control-Expose-Headers"] == "ETag"
        etags.append(headers["ETag"])
    assert world.gallery.call("POST", "/api/uploads/complete", {**named, "etags": etags}).status == 204
    assert world.body_of(upload) == body
    [again] = world.ask({"path": "large.jpg", "size": len(body)})
    assert again["error"]["code"] == "exists"


def test_an_upload_in_parts_replaces_nothing_either(world):
    size = 16 * MIB
    [upload] = world.ask({"path": "race.jpg", "size": size})
    named = {"bucket": upload["bucket"], "key": upload["key"], "upload": upload["multipart"]["upload"]}
    [url] = world.gallery.post("/api/uploads/parts", **named, **{"from": 1, "count": 1})["urls"]
    etag = world.put({"url": url}, bytes(size))[1]["ETag"]
    world.s3.put_object(Bucket="photos", Key="ingest/race.jpg", Body=b"the first")
    answer = world.gallery.call("POST", "/api/uploads/complete", {**named, "etags": [etag]})
    assert (answer.status, answer.error) == (412, "exists") and world.body_of(upload) == b"the first"
    assert world.gallery.call("POST", "/api/uploads/abort", named).status == 204
    assert world.s3.list_multipart_uploads(Bucket="photos").get("Uploads", []) == []


def test_parts_are_of_photos_only(world):
    made = world.s3.create_multipart_upload(Bucket="photos", Key="web/x.jpg")["UploadId"]
    for key, bucket in (("web/x.jpg", "photos"), ("ingest/x.txt", "photos"), ("ingest/x.jpg", "other")):
        for path in ("parts", "complete", "abort"):
            answer = world.gallery.call("POST", f"/api/uploads/{path}", {"bucket": bucket, "key": key, "upload": made, "from": 1, "count": 1,
                                                                        "etags": ["x"]})
            assert answer.status == 404, (path, key)
    named = {"bucket": "photos", "key": "ingest/x.jpg", "upload": "unknown"}
    assert world.gallery.call("POST", "/api/uploads/complete", {**named, "etags": ["0" * 32]}).status == 404
    for wrong in ({"from": 0, "count": 1}, {"from": 1, "count": 101}, {"from": 10000, "count": 2}, {"from": "1", "count": 1}, {}):
        assert world.gallery.call("POST", "/api/uploads/parts", {**named, **wrong}).error == "invalid_parameter"
    for wrong in ([], "x", [1], ['"'], ["x"] * 10001):
        assert world.gallery.call("POST", "/api/uploads/complete", {**named, "etags": wrong}).error == "invalid_parameter"
    world.s3.abort_multipart_upload(Bucket="photos", Key="web/x.jpg", UploadId=made)


@pytest.mark.parametrize("path, key", [
    ("../../etc/passwd.jpg", "etc/passwd.jpg"), ("/absolute.jpg", "absolute.jpg"), ("a//b/./c/../d.jpg", "a/b/c/d.jpg"),
    ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"), ("été 'n' \"ü\" 写真.jpg", "été 'n' \"ü\" 写真.jpg"),
    ("back\\slash.jpg", "back_slash.jpg"), ("line\nbreak\t.jpg", "line_break_.jpg"), ("  spaces  .jpg ", "spaces  .jpg"),
    ("a%2Fb+c.jpg", "a%2Fb+c.jpg"), ("x?query#fragment.jpg", "x?query#fragment.jpg"), ("‮gpj.jpg", "‮gpj.jpg"),
])
def test_any_name_becomes_one_key_below_the_place(world, path, key):
    photo = harness.jpeg(16, 16)
    [upload] = world.ask({"path": path, "size": len(photo)})
    assert upload["key"] == "ingest/" + key
    assert world.put(upload, photo)[0] in (200, 412)
    assert world.body_of(upload)


@pytest.mark.parametrize("file, code", [
    ({"path": "notes.txt", "size": 5}, "not_accepted"), ({"path": "", "size": 5}, "not_accepted"), ({"path": "../..", "size": 5}, "not_accepted"),
    ({"path": "x" * 1020 + ".jpg", "size": 5}, "name_too_long"), ({"path": "empty.jpg", "size": 0}, "empty"),
    ({"path": "huge.jpg", "size": 64 * MIB + 1}, "too_large"), ({"path": "x.jpg", "size": "5"}, "empty"), ({"size": 5}, "invalid_file"),
    ({"path": "x.jpg", "size": 5, "attempt": 0}, "invalid_file"), ({"path": ["x.jpg"], "size": 5}, "invalid_file"),
])
def test_a_file_that_cannot_be_taken_says_why(world, file, code):
    good = {"path": "good.jpg", "size": 10}
    bad, fine = world.ask(file, good)
    assert bad["error"]["code"] == code and bad["error"]["message"] and fine["key"] == "ingest/good.jpg"


def test_a_page_cannot_be_stored_as_a_photo(world):
    for kind in ("text/html", "image/svg+xml", "image/png\r\nX: y", "", "image/", "IMAGE/PNG" * 30):
        [upload] = world.ask({"path": "typed.jpg", "size": 10, "type": kind})
        assert upload["headers"]["Content-Type"] == "application/octet-stream"


def test_a_batch_has_a_limit(world):
    files = [{"path": f"many/{i}.jpg", "size": 10, "type": "image/jpeg"} for i in range(101)]
    assert world.gallery.call("POST", "/api/uploads", {"files": files}).error == "invalid_parameter"
    made = world.gallery.post("/api/uploads", files=files[:100])["uploads"]
    assert len({upload["key"] for upload in made}) == 100
    assert all(urllib.parse.urlsplit(upload["url"]).netloc == urllib.parse.urlsplit(world.cloud.endpoint).netloc for upload in made)
