"""Pipeline files in the gallery: shown, checked, tried on a photo, and saved."""
import hashlib
import io
import shutil

import pytest
from PIL import Image

import harness
from gallery import Gallery
from harness import until
from test_gate import send

TEXT = """name: small
queue: small-queue
match: { bucket: photos, prefix: ingest/ }
outputs:
  - { key: "small/{name}", width: 40 }
"""


class World:
    def __init__(self, folder):
        self.folder = folder / "pipelines"
        self.folder.mkdir()
        self.file = self.folder / "small.yaml"
        self.file.write_text(TEXT)
        shutil.copy(harness.ROOT / "pipelines/tags.yaml", self.folder)
        photo = folder / "sea.jpg"
        photo.write_bytes(harness.jpeg(300, 200, orientation=6))
        self.cloud = harness.Cloud(folder / "data", "--gallery", "127.0.0.1:0", "--pipelines", self.folder, photo)
        self.gallery = Gallery.of(self.cloud)
        self.s3 = self.cloud.client("s3")
        self.cloud.wait_for("Serving")

    def exists(self, key):
        return bool(self.s3.list_objects_v2(Bucket="photos", Prefix=key).get("Contents"))

    def shown(self):
        return next(item for item in self.gallery.get("/api/pipelines")["pipelines"] if item["name"] == "small")

    def save(self, text, revision=None, name="small"):
        return self.gallery.call("PUT", f"/api/pipelines/{name}", {"text": text, "revision": revision or self.shown()["revision"]})

    def attempt(self, text, key="ingest/sea.jpg", bucket="photos"):
        return self.gallery.call("POST", "/api/pipelines/try", {"text": text, "bucket": bucket, "key": key})

    def drafts(self):
        return [path.name for path in self.folder.iterdir() if path.name not in ("small.yaml", "tags.yaml")]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    assert world.drafts() == []
    world.cloud.stop()
    harness.assert_healthy(world.cloud.output())


def test_the_files_are_shown_with_their_revisions(world):
    shown = world.shown()
    assert shown == {"name": "small", "file": str(world.file), "text": TEXT, "writable": True,
                     "revision": hashlib.sha256(TEXT.encode()).hexdigest()}
    session = world.gallery.get("/api/session")
    assert session["pipelines"] == [{"name": "small"}, {"name": "tags"}] and session["features"]["savePipelines"] is True


@pytest.mark.parametrize("text, line, message", [
    (TEXT.replace("width", "widht"), 5, "widht"), (TEXT.replace("name: small\n", ""), None, "name"), ("", None, ""), ("{", None, ""),
    (TEXT.replace("small/{name}", "ingest/{name}"), 5, "ingest/"), (TEXT.replace("queue: small-queue", "queue: '!'"), 2, ""),
    (TEXT.replace("40", "[[[["), 5, ""), ("\x01", None, ""), ("name: x\n" * 3, None, ""), ("a" * 200000, None, "")],
    ids=["key", "no name", "empty", "open", "loop", "queue", "yaml", "control", "twice", "long"])
def test_broken_texts_have_problems_at_their_lines(world, text, line, message):
    answer = world.gallery.call("POST", "/api/pipelines/check", {"text": text})
    problems = [problem for problem in answer.json["problems"] if not problem["warning"]]
    assert answer.status == 200 and problems and message in problems[0]["message"]
    assert line is None or problems[0]["line"] == line
    assert ".draft" not in answer.body.decode()
    assert world.attempt(text).json["problems"] and world.save(text).status == 422
    assert world.file.read_text() == TEXT


def test_a_good_text_has_none(world):
    assert world.gallery.post("/api/pipelines/check", text=TEXT) == {"problems": []}
    assert world.gallery.call("POST", "/api/pipelines/check", {"text": "x" * 300000}).status == 400
    assert world.gallery.call("POST", "/api/pipelines/check", {"text": 5}).status == 400


def test_a_trial_shows_what_would_be_made_and_stores_nothing(world):
    before = world.s3.list_objects_v2(Bucket="photos")["KeyCount"]
    trial = world.attempt(TEXT.replace("40", "64").replace("64", "64, format: webp, quality: 50").replace("{name}", "{stem}.webp")).json
    original, [made] = trial["original"], trial["renditions"]
    assert (original["width"], original["height"], original["format"]) == (200, 300, "jpeg") and trial["milliseconds"] > 0
    assert (made["key"], made["width"], made["height"], made["format"]) == ("small/sea.webp", 64, 96, "webp")
    answer = world.gallery.call("GET", made["url"])
    assert answer.headers["content-type"] == "image/webp" and len(answer.body) == made["bytes"]
    assert Image.open(io.BytesIO(answer.body)).size == (64, 96)
    assert len(send(original["url"])[2]) == original["bytes"]
    assert world.s3.list_objects_v2(Bucket="photos")["KeyCount"] == before
    for wrong in (made["url"][:-1] + "1", made["url"][:-1] + "-1", made["url"][:-1] + "x", "/api/trials/" + "0" * 32 + "/0"):
        assert world.gallery.call("GET", wrong).status == 404
    assert world.gallery.call("GET", made["url"], Cookie=None).status == 401


def test_a_trial_of_labels_shows_them(world):
    labels = world.attempt((world.folder / "tags.yaml").read_text()).json["labels"]
    assert any(label["name"] == "Portrait" for label in labels) and all(0 < label["confidence"] <= 100 for label in labels)


def test_a_trial_is_of_photos_only(world):
    world.s3.put_object(Bucket="photos", Key="ingest/broken.jpg", Body=b"not a photo")
    world.s3.put_object(Bucket="photos", Key="secret.jpg", Body=harness.jpeg())
    assert world.attempt(TEXT, "secret.jpg").status == 404
    assert world.attempt(TEXT, "ingest/absent.jpg").status == 404
    assert world.attempt(TEXT, bucket="other").status == 404
    answer = world.attempt(TEXT, "ingest/broken.jpg")
    assert (answer.status, answer.error) == (422, "not_rendered")


def test_a_saved_file_is_used_for_the_next_photo(world):
    answer = world.save(TEXT.replace("40", "50"))
    assert answer.status == 200 and answer.json["revision"] == hashlib.sha256(world.file.read_bytes()).hexdigest()
    assert world.file.read_text() == TEXT.replace("40", "50")
    world.cloud.wait_for("pipeline files were reloaded")
    world.s3.put_object(Bucket="photos", Key="ingest/next.jpg", Body=harness.jpeg(300, 200))
    until(lambda: world.exists("small/next.jpg"), "the rendition")
    body = world.s3.get_object(Bucket="photos", Key="small/next.jpg")["Body"].read()
    assert Image.open(io.BytesIO(body)).width == 50


def test_what_somebody_else_has_changed_is_not_overwritten(world):
    revision = world.shown()["revision"]
    world.file.write_text(TEXT.replace("40", "41"))
    answer = world.save(TEXT.replace("40", "42"), revision)
    assert (answer.status, answer.error) == (409, "changed") and "41" in world.file.read_text()
    assert world.save(TEXT.replace("40", "42")).status == 200


def test_a_file_keeps_its_name_and_its_mode(world):
    world.file.chmod(0o640)
    answer = world.save(TEXT.replace("name: small", "name: other").replace("small-queue", "other-queue"))
    [problem] = [problem for problem in answer.json["problems"] if not problem["warning"]]
    assert answer.status == 422 and problem["line"] == 1 and 'must remain "small"' in problem["message"]
    for name in ("other", "..%2Fsmall", "small.yaml", "%2Fetc%2Fpasswd"):
        assert world.save(TEXT, "0" * 64, name).status == 404
    assert world.save(TEXT).status == 200 and world.file.stat().st_mode & 0o777 == 0o640
