"""The events of the gallery, for several people, resumed, and after a restart; compared with the store."""
import random

import pytest

from gallery import Gallery, quoted
from harness import jpeg, until
from test_gallery_photos import BUCKET, WEB, apart, begin, done, keys  # noqa: F401: fixtures


def shown(events):
    """What a page shows that has followed all events: the last state of each photo."""
    photos = {}
    for _, kind, data in list(events):
        if kind == "photo":
            photos[data["key"]] = data["state"]
        elif kind == "removed":
            photos.pop(data["key"], None)
    return photos


def numbers(events):
    return [int(event[0].partition(".")[2]) for event in events if event[1] != "hello"]


def test_two_people_see_the_same_events(begin):  # noqa: F811
    _, gallery, s3 = begin(WEB)
    other = Gallery(gallery.post("/api/links")["url"])
    done(gallery, "ingest/warm-up.jpg")
    streams = [gallery.follow(), other.follow()]
    for number in range(5):
        s3.put_object(Bucket=BUCKET, Key=f"ingest/{number}.jpg", Body=jpeg(64, 48))
    wanted = {f"ingest/{number}.jpg": "done" for number in range(5)}
    for stream in streams:
        until(lambda: shown(stream.seen).items() >= wanted.items(), "all photos are done")
    until(lambda: streams[0].last == streams[1].last, "both have all")
    common = set(numbers(streams[0].seen)) & set(numbers(streams[1].seen))
    seen = [[event for event in stream.seen if event[1] != "hello" and numbers([event])[0] in common] for stream in streams]
    assert seen[0] == seen[1]


def test_a_stream_that_is_resumed_loses_and_repeats_nothing(begin):  # noqa: F811
    """Against a stream that is never interrupted."""
    _, gallery, s3 = begin(WEB)
    done(gallery, "ingest/warm-up.jpg")
    whole, order = gallery.follow(), random.Random(5)
    pieces, last, present = [], whole.last, set()
    for step in range(12):
        stream = gallery.follow(last)
        for _ in range(order.randrange(4)):
            if present and order.random() < 0.3:
                s3.delete_object(Bucket=BUCKET, Key=present.pop())
            else:
                key = f"ingest/{step}-{order.randrange(1000)}.jpg"
                s3.put_object(Bucket=BUCKET, Key=key, Body=jpeg(64, 48))
                present.add(key)
        wanted = order.randrange(6)
        if present:
            until(lambda: len(stream.seen) > wanted or not whole.seen[-1:] or whole.last == stream.last, "some events")
        stream.close()
        until(lambda: stream.ended, "the stream ends")
        pieces += [event for event in stream.seen if event[1] != "hello"]
        last = pieces[-1][0] if pieces else last
    until(lambda: shown(whole.seen).items() >= {key: "done" for key in present}.items(), "all photos are done")
    stream = gallery.follow(last)
    until(lambda: stream.last == whole.last, "the last stream has caught up")
    pieces += [event for event in stream.seen if event[1] != "hello"]
    assert "reset" not in [event[1] for event in pieces]
    got = numbers(pieces)
    assert got == list(range(got[0], got[0] + len(got)))
    by_number = {numbers([event])[0]: event for event in whole.seen if event[1] != "hello"}
    assert [event for event in pieces if numbers([event])[0] in by_number] == \
        [by_number[number] for number in got if number in by_number]


def test_polling_gives_the_same_as_a_stream(begin):  # noqa: F811
    _, gallery, s3 = begin(WEB)
    done(gallery, "ingest/warm-up.jpg")
    last = gallery.get("/api/events", poll=1)["last"]
    stream, polled = gallery.follow(last), []
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg(64, 48))

    def poll():
        nonlocal last
        answer = gallery.get("/api/events", poll=1, last=last)
        polled.extend((event["id"], event["type"], event["data"]) for event in answer["events"])
        last = answer["last"]
        return shown(polled).get("ingest/a.jpg") == "done"
    until(poll, "the photo is done")
    got = [event for event in stream.seen if event[1] != "hello"]
    until(lambda: numbers([event for event in stream.seen if event[1] != "hello"])[-1:] >= numbers(polled)[-1:], "both have it")
    got = [event for event in stream.seen if event[1] != "hello"]
    assert got[:len(polled)] == polled


@pytest.mark.parametrize("way", ["stream", "poll"])
def test_a_new_process_starts_the_page_anew(apart, way):  # noqa: F811
    s3, _, start_gallery, _ = apart
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg(64, 48))
    process = start_gallery()
    gallery = Gallery.of(process)
    until(lambda: keys(gallery) == ["ingest/a.jpg"], "the photo is found")
    last = gallery.follow().last
    process.kill()
    gallery = Gallery.of(start_gallery())
    if way == "stream":
        gallery.follow(last).wait_for("reset")
    else:
        answer = gallery.get("/api/events", poll=1, last=last)
        assert [event["type"] for event in answer["events"]][:1] == ["reset"]
        assert gallery.get("/api/events", poll=1, last=answer["last"])["events"][:1] != answer["events"][:1]


def test_a_photo_is_not_told_of_to_those_who_have_not_logged_in(begin):  # noqa: F811
    _, gallery, _ = begin(WEB)
    done(gallery, "ingest/warm-up.jpg")
    gallery.cookie = None
    for path in ("/api/events", "/api/events?poll=1", "/api/photos", "/api/layout", "/api/tags",
                 "/api/photos/" + quoted(BUCKET, "ingest/warm-up.jpg")):
        assert gallery.call("GET", path).status == 401, path


def test_a_stream_that_nobody_has_followed_for_a_moment_goes_on(begin):  # noqa: F811
    """What happens while no page follows is told when it comes back."""
    _, gallery, s3 = begin(WEB)
    done(gallery, "ingest/warm-up.jpg")
    stream = gallery.follow()
    last = stream.last
    stream.close()
    until(lambda: stream.ended, "the stream ends")
    s3.put_object(Bucket=BUCKET, Key="ingest/a.jpg", Body=jpeg(64, 48))
    done(gallery, "ingest/a.jpg")
    stream = gallery.follow(last)
    stream.wait_for("photo", lambda photo: photo["name"] == "a.jpg" and photo["state"] == "done")
    assert not stream.of("reset")


def test_looking_at_a_photo_does_not_make_events_of_it(begin):  # noqa: F811
    _, gallery, _ = begin(WEB)
    done(gallery, "ingest/warm-up.jpg")
    stream, path = gallery.follow(), "/api/photos/" + quoted(BUCKET, "ingest/warm-up.jpg")
    for _ in range(20):
        gallery.get(path)
    gallery.post("/api/photos/delete", photos=[{"bucket": BUCKET, "key": "ingest/warm-up.jpg"}])
    stream.wait_for("removed")
    assert len(stream.of("photo")) <= 2, stream.seen
