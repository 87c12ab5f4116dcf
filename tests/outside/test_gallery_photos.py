"""The photos of the gallery: found, watched, searched, tagged, deleted, tried again."""
import base64
import io
import math
import sqlite3
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import pytest
from PIL import Image

from gallery import Gallery, quoted
from harness import Process, aws_environment, exists, fetch, jpeg, until

BUCKET = "photos"
PIPELINE = """\
name: {name}
queue: {name}-queue
match: {{ bucket: photos, prefix: ingest/, suffix: [.jpg, .png] }}
outputs:
{outputs}"""
OUTPUT = '  - {{ key: "{key}", width: {width}, height: {width}, fit: inside, format: jpeg{more} }}\n'


def pipeline(name, *outputs):
    """outputs: (key, width) or (key, width, further keys)"""
    listed = "".join(OUTPUT.format(key=key, width=width, more="".join(more)) for key, width, *more in outputs)
    return PIPELINE.format(name=name, outputs=listed)


LABELS = """\
name: labels
queue: labels-queue
match: { bucket: photos, prefix: ingest/, suffix: [.jpg, .png] }
labels: { labeler: builtin, tags: true, sidecar: "labels/{name}.json" }
"""


def plain(colour=(200, 30, 30), width=600, height=400, form="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()


def photo_of(gallery, key):
    answer = gallery.call("GET", "/api/photos/" + quoted(BUCKET, key))
    return answer.json if answer.status == 200 else None


def wait_for(gallery, key, what, test):
    """The photo, once it is so."""
    until(lambda: (photo := photo_of(gallery, key)) and test(photo), f"{key} {what}")
    return photo_of(gallery, key)


def done(gallery, key):
    return wait_for(gallery, key, "is done", lambda photo: photo["state"] == "done" and photo["size"] and photo["width"])


def tagged(gallery, key):
    return wait_for(gallery, key, "has tags", lambda photo: photo["state"] == "done" and photo["tags"])


def keys(gallery, **query):
    return [photo["key"] for photo in gallery.get("/api/photos", **query)["photos"]]


def names(gallery, **query):
    return [photo["name"] for photo in gallery.get("/api/photos", **query)["photos"]]


def load(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as response:
        return response.headers, response.read()


@pytest.fixture
def begin(start_cloud, tmp_path):
    """Starts a cloud with these pipeline files, and a gallery; returns the cloud, the user and S3."""
    def begin_with(*texts, arguments=(), photos=None):
        folder = tmp_path / "pipelines"
        if not folder.exists():
            folder.mkdir()
            for number, text in enumerate(texts):
                (folder / f"{number}.yaml").write_text(text)
        given = {} if photos is None else {"photos": photos}
        cloud = start_cloud("--pipelines", folder, "--gallery", "127.0.0.1:0", *arguments, **given)
        return cloud, Gallery.of(cloud), cloud.client("s3")
    return begin_with


WEB = pipeline("web", ("web/{name}", 320, ", placeholder: [thumbhash, colour]"), ("small/{stem}-{width}.jpg", 64))


# ---- watching ----

def test_a_photo_appears_and_is_followed_until_it_is_done(begin):
    _, gallery, s3 = begin(WEB, LABELS)
    events = gallery.follow()
    s3.put_object(Bucket=BUCKET, Key="ingest/a b.jpg", Body=jpeg(600, 400, orientation=6))
    events.wait_for("photo", lambda photo: photo["name"] == "a b.jpg" and photo["state"] == "done" and photo["tags"])
    events.wait_for("layout", lambda layout: layout["total"] == 2)
    photo = done(gallery, "ingest/a b.jpg")
    assert (photo["width"], photo["height"]) == (400, 600)  # upright
    assert photo["size"] == len(jpeg(600, 400, orientation=6))
    assert photo["thumbhash"] and len(photo["colour"]) == 7
    web, small = photo["renditions"]
    assert (web["pipeline"], web["key"], web["width"], web["height"], web["format"]) == ("web", "web/a b.jpg", 213, 320, "jpeg")
    assert (small["key"], small["width"], small["height"]) == ("small/a b-43.jpg", 43, 64)
    assert photo["expected"] == 2
    for rendition in photo["renditions"]:
        _, body = load(rendition["url"])
        assert len(body) == rendition["bytes"]
        assert Image.open(io.BytesIO(body)).size == (rendition["width"], rendition["height"])
    assert load(photo["original"])[1] == jpeg(600, 400, orientation=6)
    assert load(photo["thumb"])[1] == fetch(s3, BUCKET, "web/a b.jpg")  # the smallest that is high enough
    labels = {tag["name"]: tag for tag in photo["tags"]}
    assert labels["Portrait"]["by"] == "labeler" and labels["Dominant Colour"]["by"] == "labeler"


def test_a_photo_in_progress_says_what_is_being_done(begin):
    _, gallery, s3 = begin(WEB)
    events = gallery.follow()
    large = io.BytesIO()
    Image.effect_noise((6000, 5000), 80).save(large, "PNG", compress_level=1)
    s3.put_object(Bucket=BUCKET, Key="ingest/large.png", Body=large.getvalue())
    events.wait_for("photo", lambda photo: photo["name"] == "large.png" and photo["state"] == "working" and photo["stage"])
    events.wait_for("photo", lambda photo: photo["name"] == "large.png" and photo["state"] == "done" and not photo["stage"])


def test_lists_have_pages_an_order_and_a_layout(begin):
    _, gallery, s3 = begin(WEB)
    sizes = {f"{number:02}.jpg": (100 + 10 * number, 300) for number in range(12)}
    for name, size in sizes.items():
        s3.put_object(Bucket=BUCKET, Key="ingest/" + name, Body=plain(width=size[0], height=size[1]))
    for name in sizes:
        done(gallery, "ingest/" + name)
    by_name = names(gallery, sort="name", q="jpg", count=200)
    assert by_name == sorted(by_name) and set(sizes) <= set(by_name)
    pages = [gallery.get("/api/photos", sort="name", first=first, count=5) for first in (0, 5, 10)]
    assert [photo["name"] for page in pages for photo in page["photos"]] == by_name
    assert {page["total"] for page in pages} == {13}
    assert names(gallery, sort="oldest") == names(gallery, sort="newest")[::-1]
    layout = gallery.get("/api/layout", sort="name")
    aspects = base64.b64decode(layout["aspects"])
    assert layout["total"] == len(aspects) == 13
    expected = [round(64 * math.log2(width / height) / 3) + 128 for width, height in sizes.values()]
    assert [abs(got - wanted) <= 1 for got, wanted in zip(aspects, expected)] == [True] * 12
    again = gallery.get("/api/photos", sort="name", first=0, count=5)
    assert [photo["thumb"] for photo in again["photos"]] == [photo["thumb"] for photo in pages[0]["photos"]]  # for caches
    assert all("original" not in photo for photo in again["photos"])


def test_a_rejected_photo_says_why_and_can_be_tried_again(begin):
    _, gallery, s3 = begin(WEB)
    events = gallery.follow()
    s3.put_object(Bucket=BUCKET, Key="ingest/bad.jpg", Body=b"no picture")
    photo = wait_for(gallery, "ingest/bad.jpg", "is rejected", lambda photo: photo["state"] == "rejected")
    assert photo["reason"] and photo["detail"]
    assert [photo["key"] for photo in gallery.get("/api/photos", state="rejected")["photos"]] == ["ingest/bad.jpg"]
    bad = [{"bucket": BUCKET, "key": "ingest/bad.jpg"}]
    assert gallery.post("/api/photos/retry", photos=bad) == {"sent": 1, "failed": 0}
    until(lambda: len(events.of("activity", lambda record: record["key"] == "ingest/bad.jpg")) == 2, "the photo is tried again")
    wait_for(gallery, "ingest/bad.jpg", "is rejected again", lambda photo: photo["state"] == "rejected" and photo["reason"])
    warm_up = {"bucket": BUCKET, "key": "ingest/warm-up.jpg"}
    done(gallery, warm_up["key"])
    assert gallery.post("/api/photos/retry", photos=[warm_up]) == {"sent": 0, "failed": 0}  # nothing is missing


# ---- searching ----

def test_photos_are_found_by_name_tag_date_and_colour(begin):
    _, gallery, s3 = begin(WEB, LABELS)
    pictures = {"ingest/Red Rose.jpg": (200, 30, 30), "ingest/sub/blue-sea.jpg": (30, 60, 200), "ingest/grass.png": (40, 160, 60)}
    for key, colour in pictures.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=plain(colour, form="PNG" if key.endswith("png") else "JPEG"))
    for key in pictures:
        tagged(gallery, key)
    assert names(gallery, q="ROSE") == ["Red Rose.jpg"]
    assert names(gallery, q="rose red") == ["Red Rose.jpg"]
    assert names(gallery, q="rose blue") == []
    assert names(gallery, tag="Dominant Colour:Blue") == ["blue-sea.jpg"]
    assert names(gallery, tag=["Dominant Colour:Blue", "Landscape"]) == ["blue-sea.jpg"]
    assert names(gallery, tag="Dominant Colour:Mauve") == []
    assert sorted(names(gallery, tag="Landscape", q="a")) == ["blue-sea.jpg", "grass.png", "warm-up.jpg"]
    for key, colour in pictures.items():
        close = "#%02x%02x%02x" % tuple(min(255, value + 12) for value in colour)
        assert keys(gallery, colour=close) == [key]
    today, day = date.today(), timedelta(days=1)
    assert len(names(gallery, **{"from": str(today - day), "to": str(today + day)})) == 4
    assert names(gallery, to=str(today - 2 * day)) == []
    assert names(gallery, **{"from": str(today + 2 * day)}) == []
    assert len(names(gallery, state="done")) == 4
    assert base64.b64decode(gallery.get("/api/layout", q="rose")["aspects"]) == bytes([round(64 * math.log2(1.5) / 3) + 128])
    counted = {(tag["name"], tag["value"]): tag["count"] for tag in gallery.get("/api/tags")["tags"]}
    assert counted["Landscape", ""] == 4 and counted["Dominant Colour", "Blue"] == 1


@pytest.mark.parametrize("query", ["colour=red", "colour=%23gg0000", "from=yesterday", "to=2026-13-01", "state=lost", "sort=size",
                                   "count=0", "count=201", "count=x", "first=-1", "q=" + "x" * 1025,
                                   "&".join(f"tag=t{number}" for number in range(17))])
def test_a_wrong_question_is_refused(shared, query):
    answer = shared.call("GET", "/api/photos?" + query)
    assert answer.status == 400 and answer.json["error"]["message"], answer.body


# ---- tags ----

def tags_of(s3, key):
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]}


def write_tags(gallery, key, tags, **more):
    wanted = [{"name": name, "value": value} for name, value in tags.items()]
    return gallery.call("PUT", "/api/photos/" + quoted(BUCKET, key) + "/tags", {"tags": wanted} | more)


def test_tags_of_people_and_of_the_labeler_stay_apart(begin):
    _, gallery, s3 = begin(LABELS)
    key = "ingest/a.jpg"
    s3.put_object(Bucket=BUCKET, Key=key, Body=jpeg())
    tagged(gallery, key)
    labels = tags_of(s3, key)
    assert len(labels) > 2
    assert write_tags(gallery, key, {"trip": "Brittany", "Landscape?": ""}).status == 400
    assert write_tags(gallery, key, {"trip": "Brittany", "holiday": ""}).status == 204
    assert tags_of(s3, key) == labels | {"trip": "Brittany", "holiday": ""}
    photo = wait_for(gallery, key, "shows them", lambda photo: len(photo["tags"]) == len(labels) + 2)
    assert {tag["name"] for tag in photo["tags"] if tag["by"] == "person"} == {"trip", "holiday"}
    assert names(gallery, tag="trip:Brittany") == ["a.jpg"]
    # a person's tag that has the name of a label
    shape = next(name for name, value in labels.items() if value == "100.0")
    assert write_tags(gallery, key, {shape: "mine"}).status == 204
    assert tags_of(s3, key) == labels | {shape: "mine"}
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": shape, "Value": "mine"}]})
    wait_for(gallery, key, "was labelled", lambda photo: True)
    gallery.post("/api/photos/retry", photos=[{"bucket": BUCKET, "key": key}])
    # the sidecar is there, so nothing is sent: an event labels the photo again
    s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": key}, MetadataDirective="REPLACE")
    until(lambda: len(tags_of(s3, key)) == len(labels), "the photo is labelled again")
    assert tags_of(s3, key) == labels | {shape: "mine"}


def test_two_people_do_not_overwrite_each_others_tags(begin):
    cloud, gallery, s3 = begin(WEB)
    key = "ingest/a.jpg"
    s3.put_object(Bucket=BUCKET, Key=key, Body=jpeg())
    done(gallery, key)
    link = gallery.post("/api/links")["url"]
    other = Gallery(link)
    assert write_tags(gallery, key, {"trip": "Norway"}, was=[]).status == 204
    answer = write_tags(other, key, {"mine": "1"}, was=[])
    assert answer.status == 409 and answer.error == "tags_changed"
    assert tags_of(s3, key) == {"trip": "Norway"}
    # another program changes them
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    assert write_tags(gallery, key, {"trip": "Sweden"}, was=[{"name": "trip", "value": "Norway"}]).status == 409
    assert tags_of(s3, key) == {"x": "y"}
    wait_for(gallery, key, "shows the new tags", lambda photo: [tag["name"] for tag in photo["tags"]] == ["x"])
    assert write_tags(gallery, key, {}).status == 204
    assert tags_of(s3, key) == {}


@pytest.mark.parametrize("tags", [[{"name": "", "value": ""}], [{"name": "a" * 129, "value": ""}], [{"name": "a", "value": "b" * 257}],
                                  [{"name": "aws:x", "value": ""}], [{"name": "<img onerror=1>", "value": ""}],
                                  [{"name": "Beach", "value": "97.3"}], [{"name": "Dominant Colour", "value": "Blue"}],
                                  [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}], [{"value": "1"}], [7], "x", None,
                                  [{"name": str(number), "value": ""} for number in range(11)]])
def test_tags_that_s3_would_not_take_are_refused(shared, tags):
    answer = shared.call("PUT", "/api/photos/" + quoted(BUCKET, "ingest/warm-up.jpg") + "/tags", {"tags": tags})
    assert answer.status == 400 and answer.json["error"]["message"], answer.body


# ---- deleting ----

def test_a_deleted_photo_is_gone_with_all_that_was_made_of_it_and_nothing_else(begin):
    same = pipeline("stems", ("stems/{stem}.jpg", 50))
    _, gallery, s3 = begin(WEB, LABELS, same)
    s3.put_object(Bucket=BUCKET, Key="ingest/a.png", Body=plain(form="PNG"))
    done(gallery, "ingest/a.png")
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg(500, 300))  # overwrites what is named by the stem
    tagged(gallery, "ingest/a.jpg")
    s3.put_object(Bucket=BUCKET, Key="small/a-999.jpg", Body=b"of somebody else")
    before = {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    events = gallery.follow()
    deletion = gallery.post("/api/photos/delete", photos=[{"bucket": BUCKET, "key": "ingest/a.png"}])
    events.wait_for("removed", lambda photo: photo["key"] == "ingest/a.png")
    assert photo_of(gallery, "ingest/a.png") is None and "ingest/a.png" not in keys(gallery)
    until(lambda: not exists(s3, BUCKET, "ingest/a.png"), "the photo is deleted")
    after = {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert before - after == {"ingest/a.png", "web/a.png", "labels/a.png.json"}
    assert done(gallery, "ingest/a.jpg")["expected"] == 3
    answer = gallery.call("POST", "/api/photos/undo", {"undo": deletion["undo"]})
    assert answer.status == 410 and answer.error == "too_late"


def test_a_deletion_can_be_undone_in_time(begin):
    cloud, gallery, s3 = begin(WEB)
    for name in ("a", "b"):
        s3.put_object(Bucket=BUCKET, Key=f"ingest/{name}.jpg", Body=jpeg())
        done(gallery, f"ingest/{name}.jpg")
    before = {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    events = gallery.follow()
    both = [{"bucket": BUCKET, "key": f"ingest/{name}.jpg"} for name in ("a", "b")]
    deletion = gallery.post("/api/photos/delete", photos=both)
    assert deletion["count"] == 2 and keys(gallery) == ["ingest/warm-up.jpg"]
    assert gallery.call("POST", "/api/photos/delete", {"photos": both}).status == 404  # they are being deleted
    gallery.post("/api/photos/undo", undo=deletion["undo"])
    events.wait_for("restored", lambda photo: photo["key"] == "ingest/b.jpg")
    assert len(keys(gallery)) == 3
    gallery.post("/api/photos/delete", photos=both)
    cloud.stop()  # what was not carried out is dropped
    cloud, gallery, s3 = begin(WEB)
    until(lambda: len(keys(gallery)) == 3, "all photos are shown")
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]} == before


def test_a_photo_that_was_replaced_meanwhile_is_not_deleted(begin):
    _, gallery, s3 = begin(WEB)
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg())
    done(gallery, "ingest/a.jpg")
    events = gallery.follow()
    gallery.post("/api/photos/delete", photos=[{"bucket": BUCKET, "key": "ingest/a.jpg"}])
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg(500, 100))
    events.wait_for("restored", lambda photo: photo["key"] == "ingest/a.jpg")
    assert exists(s3, BUCKET, "ingest/a.jpg")
    assert wait_for(gallery, "ingest/a.jpg", "is the new one", lambda photo: photo["width"] == 500 and photo["state"] == "done")


# ---- links ----

def test_links_lead_to_photos_and_renditions_alone(begin):
    _, gallery, s3 = begin(WEB)
    key = "ingest/été & <b>.jpg"
    s3.put_object(Bucket=BUCKET, Key=key, Body=jpeg())
    photo = done(gallery, key)
    shared = gallery.post("/api/share", bucket=BUCKET, key=photo["renditions"][0]["key"])
    assert load(shared["url"])[1] == fetch(s3, BUCKET, photo["renditions"][0]["key"])
    assert shared["expires"] > photo["modified"] + 23 * 3600 * 1000
    url = gallery.get("/api/photos/" + quoted(BUCKET, key), download=1)["url"]
    headers, body = load(url)
    assert body == jpeg()
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9t%C3%A9%20%26%20%3Cb%3E.jpg"
    rendition = photo["renditions"][1]["key"]
    url = gallery.get("/api/photos/" + quoted(BUCKET, rendition), download=1)["url"]
    assert load(url)[1] == fetch(s3, BUCKET, rendition)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A gallery with one photo, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "pipelines").mkdir()
    (folder / "pipelines/web.yaml").write_text(WEB)
    (folder / "warm-up.jpg").write_bytes(jpeg(32, 24))
    process = Process("local", "--port", "0", "--data", folder / "data", "--out", folder / "out", "--pipelines",
                      folder / "pipelines", "--gallery", "127.0.0.1:0", folder / "warm-up.jpg")
    gallery = Gallery.of(process)
    done(gallery, "ingest/warm-up.jpg")
    yield gallery
    process.stop()


OUTSIDE = [("photos", "private/x.jpg"), ("photos", "ingest"), ("photos", "web/other.jpg"), ("photos", "ingest/a.txt"),
           ("photos", "ingest/"), ("other-bucket", "ingest/warm-up.jpg"), ("photos", "../ingest/warm-up.jpg"),
           ("photos", "ingest/no-such.jpg"), ("photos", "ingest/a\u202e.txt"), ("..", "ingest/warm-up.jpg")]


@pytest.mark.parametrize("bucket,key", OUTSIDE)
def test_what_is_outside_the_places_is_refused_by_every_request(shared, bucket, key):
    path, one = "/api/photos/" + quoted(bucket, key), {"bucket": bucket, "key": key}
    requests = [("GET", path, None), ("GET", path + "?download=1", None), ("POST", "/api/share", one),
                ("PUT", path + "/tags", {"tags": []}), ("POST", "/api/photos/delete", {"photos": [one]}),
                ("POST", "/api/photos/retry", {"photos": [one]})]
    for method, address, body in requests:
        answer = shared.call(method, address, body)
        if address == "/api/photos/retry" and key == "ingest/no-such.jpg":
            assert answer.json == {"sent": 0, "failed": 0}  # it might be a photo, but there is none
        else:
            assert answer.status == 404, (method, address, answer.status, answer.body)


@pytest.mark.parametrize("body", [{}, {"photos": []}, {"photos": {}}, {"photos": [1]}, {"photos": [{}]},
                                  {"photos": [{"bucket": "photos"}]}, {"photos": [{"bucket": 1, "key": 2}]},
                                  {"photos": [{"bucket": "photos", "key": "ingest/warm-up.jpg"}] * 1001}])
def test_lists_of_photos_are_checked(shared, body):
    for path in ("/api/photos/delete", "/api/photos/retry"):
        answer = shared.call("POST", path, body)
        assert answer.status in (400, 404), answer.body
    assert shared.call("POST", "/api/photos/undo", body).status == 400


HOSTILE = ["<img src=x onerror=alert(1)>.jpg", "a'b\"c`.jpg", "100% + ü?#&=.jpg", "\u202egnp.jpg", "a//b/./../c.jpg", "日本語 📷.jpg",
           "x" * 900 + ".jpg", "%2e%2e%2f.jpg", "\\..\\..\\a.jpg"]


def test_photos_with_hostile_names_are_photos(begin):
    _, gallery, s3 = begin(WEB)
    for name in HOSTILE:
        s3.put_object(Bucket=BUCKET, Key="ingest/" + name, Body=jpeg(64, 48))
    for name in HOSTILE:
        photo = done(gallery, "ingest/" + name) if len(name) < 900 else wait_for(gallery, "ingest/" + name, "is there", bool)
        assert photo["key"] == "ingest/" + name
        assert load(photo["original"])[1] == jpeg(64, 48)
    assert set(keys(gallery, count=200)) == {"ingest/" + name for name in HOSTILE} | {"ingest/warm-up.jpg"}


# ---- processes of their own ----

@pytest.fixture
def apart(start, start_cloud, tmp_path):
    """A cloud without an engine; what starts an engine and a gallery, each in a process of its own."""
    folder = tmp_path / "pipelines"
    folder.mkdir()
    for number, text in enumerate((WEB, LABELS)):
        (folder / f"{number}.yaml").write_text(text)
    cloud = start_cloud("--cloud-only", "--pipelines", folder, "--gallery", "off", photos=())
    environment = aws_environment(cloud.endpoint)

    def engine(*arguments):
        return start("run", "--pipelines", folder, *arguments, environment=environment)

    def gallery(*arguments):
        return start("gallery", "--listen", "127.0.0.1:0", "--pipelines", folder, "--gallery-data", tmp_path / "state", *arguments,
                     environment=environment)
    return cloud.client("s3"), engine, gallery, tmp_path / "state" / "index.sqlite"


def test_a_gallery_of_its_own_sees_what_the_store_has(apart):
    s3, engine, start_gallery, _ = apart
    s3.put_object(Bucket=BUCKET, Key="ingest/early.jpg", Body=jpeg(600, 300))
    gallery = Gallery.of(start_gallery())
    events = gallery.follow()
    photo = wait_for(gallery, "ingest/early.jpg", "is found", bool)
    assert photo["state"] == "waiting" and photo["expected"] == 2 and photo["renditions"] == []
    engine()
    events.wait_for("photo", lambda photo: photo["name"] == "early.jpg" and photo["state"] == "done")
    photo = wait_for(gallery, "ingest/early.jpg", "is read", lambda photo: photo["tags"] and photo["colour"] and
                     all(rendition["width"] for rendition in photo["renditions"]))
    assert (photo["width"], photo["height"]) == (600, 300)
    assert [(rendition["width"], rendition["height"]) for rendition in photo["renditions"]] == [(320, 160), (64, 32)]
    s3.put_object(Bucket=BUCKET, Key="ingest/late.jpg", Body=jpeg())
    events.wait_for("photo", lambda photo: photo["name"] == "late.jpg" and photo["state"] == "done")
    s3.delete_object(Bucket=BUCKET, Key="ingest/late.jpg")
    events.wait_for("removed", lambda photo: photo["key"] == "ingest/late.jpg")
    assert keys(gallery) == ["ingest/early.jpg"]


@pytest.mark.parametrize("damage", ["none", "deleted", "garbage", "cut", "older"])
def test_the_index_is_built_again_when_it_has_to_be(apart, damage):
    s3, _, start_gallery, index = apart
    for number in range(5):
        s3.put_object(Bucket=BUCKET, Key=f"ingest/{number}.jpg", Body=jpeg(64, 48))
    process = start_gallery()
    gallery = Gallery.of(process)
    until(lambda: len(keys(gallery)) == 5, "all photos are found")
    events = gallery.follow()
    until(lambda: events.of("index", lambda facts: facts["done"]) or gallery.get("/api/photos"), "the scan has ended")
    process.kill()
    if damage == "deleted":
        index.unlink()
    elif damage == "garbage":
        index.write_bytes(b"no database" * 1000)
    elif damage == "cut":
        index.write_bytes(index.read_bytes()[:8192])
    elif damage == "older":
        with closing(sqlite3.connect(index)) as database:
            database.execute("PRAGMA user_version = 1000")
            database.execute("UPDATE photo SET key = 'ingest/lie.jpg' WHERE key = 'ingest/0.jpg'")
            database.commit()
    s3.delete_object(Bucket=BUCKET, Key="ingest/4.jpg")
    gallery = Gallery.of(start_gallery())
    until(lambda: sorted(keys(gallery)) == [f"ingest/{number}.jpg" for number in range(4)], "the index is right")


def test_thousands_of_photos_are_listed_counted_and_found(apart):
    s3, _, start_gallery, _ = apart
    count, body = 2500, jpeg(16, 12)

    def put(number):
        s3.put_object(Bucket=BUCKET, Key=f"ingest/{number % 7}/{number:05}.jpg", Body=body)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(count)))
    gallery = Gallery.of(start_gallery())
    until(lambda: gallery.get("/api/layout")["total"] == count, "all photos are found")
    seen = [photo["name"] for first in range(0, count, 200)
            for photo in gallery.get("/api/photos", sort="name", first=first, count=200)["photos"]]
    assert seen == [f"{number:05}.jpg" for number in range(count)]
    assert len(base64.b64decode(gallery.get("/api/layout")["aspects"])) == count
    assert sorted(names(gallery, q="0123")) == ["00123.jpg"] + [f"0123{digit}.jpg" for digit in range(10)]
    assert gallery.get("/api/photos", first=count)["photos"] == []


def test_an_upload_is_seen_without_an_engine(apart):
    s3, _, start_gallery, _ = apart
    gallery = Gallery.of(start_gallery())
    events = gallery.follow()
    events.wait_for("index", lambda facts: facts["done"])
    body = jpeg(64, 48)
    upload = gallery.post("/api/uploads", files=[{"path": "new.jpg", "size": len(body), "type": "image/jpeg"}])["uploads"][0]
    request = urllib.request.Request(upload["url"], body, {**upload["headers"]}, method="PUT")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()
    events.wait_for("photo", lambda photo: photo["name"] == "new.jpg" and photo["state"] == "waiting" and photo["size"] == len(body))
