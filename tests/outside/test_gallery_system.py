"""The gallery's view of the system: queues, the engine and its last work, dead letters."""
import http.client
import signal
import threading

import pytest

import harness
from gallery import Gallery
from harness import depth, jpeg, until

PIPELINE = """
name: {name}
queue: {name}-queue
match: {{ prefix: ingest/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: 16, format: jpeg }}
"""
BROKEN = b"\xff\xd8\xff\xe0 this is no photo"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    for name in ("web", "mobile"):
        (folder / f"{name}.yaml").write_text(PIPELINE.format(name=name))
    return folder


@pytest.fixture
def local(start_cloud, folder):
    """Two pipelines; the bucket exists, and nothing else was uploaded."""
    local = start_cloud("--gallery", "127.0.0.1:0", "--pipelines", folder)
    local.wait_for("Serving")
    return local


@pytest.fixture
def gallery(local):
    return Gallery.of(local)


def dead(gallery, pipeline):
    return gallery.get("/api/deadletters", pipeline=pipeline)["letters"]


def reject(local, gallery, *keys):
    """The pipelines reject photos with these keys."""
    events = gallery.follow()
    for key in keys:
        local.client("s3").put_object(Bucket="photos", Key=key, Body=BROKEN)
    for key in keys:
        for pipeline in ("web", "mobile"):
            events.wait_for("activity", lambda record, pipeline=pipeline, key=key:
                            (record["pipeline"], record["key"], record["outcome"]) == (pipeline, key, "reject"))
    events.close()


def acknowledged(gallery, key):
    """The pipelines that have done a photo with this key, once for each message."""
    return [record["pipeline"] for record in gallery.get("/api/activity")["activity"]
            if (record["key"], record["outcome"]) == (key, "ack")]


def queue_of(gallery, pipeline):
    return next(queue for queue in gallery.get("/api/system")["queues"] if queue["pipeline"] == pipeline)


def test_the_system_shows_queues_and_the_engine(local, gallery):
    sqs = local.client("sqs")
    reject(local, gallery, "ingest/a.jpg", "ingest/b.jpg")
    until(lambda: queue_of(gallery, "web")["deadLetters"]["visible"] == 2, "both are dead letters")
    system = gallery.get("/api/system")
    assert [queue["pipeline"] for queue in system["queues"]] == ["mobile", "web"]
    for queue in system["queues"]:
        url = sqs.get_queue_url(QueueName=queue["name"])["QueueUrl"]
        assert queue["known"] and queue["error"] == ""
        assert queue["visible"] == depth(sqs, url)[0] == 0
        assert queue["deadLetters"]["name"] == f"{queue['name']}-dlq"
    engine = system["engine"]
    assert engine["rejected"] == 4 and engine["received"] >= 4 and engine["workers"] >= 1
    assert 0 < engine["memoryLimit"] and 0 < system["resident"]
    assert system["history"]


def test_the_system_is_told_while_somebody_looks_and_nothing_is_asked_before(local, gallery):
    events = gallery.follow()
    local.client("s3").put_object(Bucket="photos", Key="ingest/a.jpg", Body=jpeg(64, 48))
    events.wait_for("activity", lambda record: record["outcome"] == "ack")
    asked = len(local.requests("GetQueueAttributes"))
    assert not events.of("system")
    gallery.get("/api/system")
    system = events.wait_for("system", lambda system: system["engine"]["done"] >= 2)
    assert {queue["pipeline"] for queue in system["queues"]} == {"mobile", "web"}
    assert len(local.requests("GetQueueAttributes")) > asked


def test_activity_has_the_path_of_a_photo_through_the_steps(local, gallery):
    events = gallery.follow()
    local.client("s3").put_object(Bucket="photos", Key="ingest/a.jpg", Body=jpeg(640, 480))
    local.client("s3").put_object(Bucket="photos", Key="ingest/broken.jpg", Body=BROKEN)
    done = events.wait_for("activity", lambda record: (record["pipeline"], record["key"]) == ("web", "ingest/a.jpg"))
    names = [step["name"] for step in done["steps"]]
    assert names.index("fetching") < names.index("rendering") < names.index("storing")
    assert done["outcome"] == "ack" and done["sent"] <= done["ended"] and done["received"] <= done["ended"]
    for step, following in zip(done["steps"], done["steps"][1:]):
        assert step["at"] + step["ms"] == pytest.approx(following["at"], abs=0.05)
    last = done["steps"][-1]
    assert last["at"] + last["ms"] <= done["ended"] - done["received"] + 2
    broken = events.wait_for("activity", lambda record: (record["pipeline"], record["key"]) == ("web", "ingest/broken.jpg"))
    assert (broken["outcome"], broken["reason"]) == ("reject", "image-corrupt") and broken["detail"]
    listed = gallery.get("/api/activity")["activity"]
    assert {(record["pipeline"], record["key"]) for record in listed} >= {
        (pipeline, key) for pipeline in ("web", "mobile") for key in ("ingest/a.jpg", "ingest/broken.jpg")}
    assert next(record for record in listed if record["id"] == done["id"]) == done


def test_dead_letters_say_why_and_for_which_photo(local, gallery):
    reject(local, gallery, "ingest/ü <b> & 1.jpg")
    (letter,) = dead(gallery, "web")
    assert (letter["pipeline"], letter["reason"]) == ("web", "image-corrupt")
    assert (letter["bucket"], letter["key"]) == ("photos", "ingest/ü <b> & 1.jpg")
    assert letter["detail"] and letter["sent"] > 0
    assert len(dead(gallery, "mobile")) == 1
    assert dead(gallery, "web") == [dict(letter, receives=letter["receives"] + 1)]  # it was put back


def test_a_dead_letter_is_tried_again(local, gallery):
    reject(local, gallery, "ingest/a.jpg", "ingest/b.jpg")
    local.client("s3").put_object(Bucket="photos", Key="ingest/a.jpg", Body=jpeg(64, 48))
    until(lambda: len(acknowledged(gallery, "ingest/a.jpg")) == 2, "both pipelines are done with the new one")
    ids = [letter["id"] for letter in dead(gallery, "web") if letter["key"] == "ingest/a.jpg"]
    assert gallery.post("/api/deadletters/redrive", pipeline="web", ids=ids) == {"done": 1, "failed": 0, "error": ""}
    until(lambda: len(acknowledged(gallery, "ingest/a.jpg")) == 3, "the letter is done as well")
    assert acknowledged(gallery, "ingest/a.jpg").count("web") == 2
    assert [letter["key"] for letter in dead(gallery, "web")] == ["ingest/b.jpg"]
    assert len(dead(gallery, "mobile")) == 2


def test_all_dead_letters_of_a_pipeline_are_tried_again(local, gallery):
    reject(local, gallery, "ingest/a.jpg", "ingest/b.jpg", "ingest/c.jpg")
    events = gallery.follow()
    assert gallery.post("/api/deadletters/redrive", pipeline="web")["done"] == 3
    for key in "abc":  # they are still broken
        events.wait_for("activity", lambda record, key=key: (record["pipeline"], record["key"]) == ("web", f"ingest/{key}.jpg"))
    until(lambda: len(dead(gallery, "web")) == 3, "they come back")
    assert not [record for record in events.of("activity") if record["pipeline"] == "mobile"]


def test_dead_letters_are_purged_chosen_or_all(local, gallery):
    reject(local, gallery, "ingest/a.jpg", "ingest/b.jpg", "ingest/c.jpg")
    ids = [letter["id"] for letter in dead(gallery, "web") if letter["key"] != "ingest/b.jpg"]
    assert gallery.post("/api/deadletters/purge", pipeline="web", ids=ids)["done"] == 2
    assert [letter["key"] for letter in dead(gallery, "web")] == ["ingest/b.jpg"]
    assert gallery.post("/api/deadletters/purge", pipeline="web")["failed"] == 0
    assert dead(gallery, "web") == []
    assert len(dead(gallery, "mobile")) == 3


def test_two_pages_that_list_at_once_see_everything(local, gallery):
    reject(local, gallery, *[f"ingest/{number}.jpg" for number in range(5)])
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(len(dead(gallery, "web")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [5] * 4


@pytest.mark.parametrize("path, body, status, code", [
    ("/api/deadletters/purge", {"pipeline": "nobody"}, 404, None),
    ("/api/deadletters/purge", {}, 400, "invalid_parameter"),
    ("/api/deadletters/purge", {"pipeline": "web", "ids": []}, 400, "invalid_parameter"),
    ("/api/deadletters/purge", {"pipeline": "web", "ids": "all"}, 400, "invalid_parameter"),
    ("/api/deadletters/redrive", {"pipeline": "web", "ids": [1]}, 400, "invalid_parameter"),
    ("/api/deadletters/redrive", {"pipeline": "web", "ids": ["x" * 129]}, 400, "invalid_parameter"),
    ("/api/deadletters/redrive", {"pipeline": "web", "ids": ["x"] * 1001}, 400, "invalid_parameter"),
    ("/api/deadletters/purge", {"pipeline": 7}, 400, None)])
def test_a_wrong_request_changes_nothing(busy_gallery, path, body, status, code):
    answer = busy_gallery.call("POST", path, body)
    assert answer.status == status and (code is None or answer.error == code)
    assert answer.json["error"]["message"]


@pytest.fixture(scope="module")
def busy_gallery(tmp_path_factory, folder):
    """One for tests that change nothing."""
    home = tmp_path_factory.mktemp("busy")
    (home / "a.jpg").write_bytes(jpeg(64, 48))
    local = harness.Cloud(home / "data", "--gallery", "127.0.0.1:0", "--pipelines", folder, home / "a.jpg")
    yield Gallery.of(local)
    assert local.stop() == 0
    harness.assert_healthy(local.output())


def test_a_list_without_a_pipeline_is_refused(busy_gallery):
    assert busy_gallery.call("GET", "/api/deadletters").status == 400
    assert busy_gallery.call("GET", "/api/deadletters?pipeline=nobody").status == 404


@pytest.mark.parametrize("method, path", [("GET", "/api/system"), ("GET", "/api/activity"), ("GET", "/api/deadletters?pipeline=web"),
                                          ("POST", "/api/deadletters/redrive"), ("POST", "/api/deadletters/purge"), ("GET", "/api/events")])
def test_nothing_is_shown_or_done_without_a_session(busy_gallery, method, path):
    answer = busy_gallery.call(method, path, {"pipeline": "web"} if method == "POST" else None, Cookie=None)
    assert answer.status == 401


def test_a_gallery_that_stops_puts_back_what_it_looks_at(local, gallery, start, tmp_path, folder):
    sqs = local.client("sqs")
    reject(local, gallery, *[f"ingest/{number}.jpg" for number in range(12)])
    url = sqs.get_queue_url(QueueName="web-queue-dlq")["QueueUrl"]
    other = start("gallery", "--listen", "127.0.0.1:0", "--photos", "s3://photos/ingest/", "--pipelines", folder, "--gallery-data",
                  tmp_path / "gallery", environment=harness.aws_environment(local.endpoint))
    page = Gallery.of(other)
    assert page.get("/api/system")["engine"] is None
    thread = threading.Thread(target=lambda: page.call("GET", "/api/deadletters?pipeline=web"))
    asked = len(local.requests("ReceiveMessage"))
    thread.start()
    until(lambda: depth(sqs, url)[1] > 0 or not thread.is_alive(), "letters are in flight")
    assert other.stop(signal.SIGTERM) == 0
    thread.join()
    assert len(local.requests("ReceiveMessage")) > asked
    until(lambda: depth(sqs, url)[:2] == (12, 0), "all are visible again")


def test_a_page_that_leaves_ends_its_list_and_nothing_is_lost(local, gallery):
    reject(local, gallery, "ingest/a.jpg")
    connection = http.client.HTTPConnection(gallery.address)
    connection.request("GET", "/api/deadletters?pipeline=web", None, gallery.headers())
    connection.sock.close()
    connection.close()
    assert [letter["key"] for letter in dead(gallery, "web")] == ["ingest/a.jpg"]


# ---- the stream ----

def test_a_stream_resumes_where_it_ended(local, gallery):
    events = gallery.follow()
    put = local.client("s3").put_object
    put(Bucket="photos", Key="ingest/1.jpg", Body=jpeg(64, 48))
    events.wait_for("activity", lambda record: record["key"] == "ingest/1.jpg")
    others = gallery.follow()
    events.close()
    last = events.last
    put(Bucket="photos", Key="ingest/2.jpg", Body=jpeg(64, 48))
    until(lambda: len(others.of("activity", lambda record: record["key"] == "ingest/2.jpg")) == 2, "both pipelines are done")
    resumed = gallery.follow(last)
    until(lambda: len(resumed.of("activity", lambda record: record["key"] == "ingest/2.jpg")) == 2, "what was missed")
    assert not resumed.of("reset")
    both = [event[0] for event in events.seen + resumed.seen if event[1] == "activity"]
    assert len(both) == len(set(both)) and both == sorted(both, key=lambda id: int(id.partition(".")[2]))


@pytest.mark.parametrize("last", ["0.1", "nonsense", "ffffffffffffffff.999", "x" * 500])
def test_an_unknown_id_makes_the_page_start_anew(busy_gallery, last):
    events = busy_gallery.follow(last)
    events.wait_for("reset", lambda data: True)
    events.close()


def test_a_poll_returns_what_came_and_where_it_stands(local, gallery):
    first = gallery.get("/api/events", poll=1)
    assert first["events"] == []
    put = local.client("s3").put_object
    polled = []
    thread = threading.Thread(target=lambda: polled.append(gallery.get("/api/events", poll=1, last=first["last"])))
    thread.start()  # it waits
    put(Bucket="photos", Key="ingest/1.jpg", Body=jpeg(64, 48))
    thread.join()
    events, last = polled[0]["events"], polled[0]["last"]
    assert events
    while not any(event["type"] == "activity" and event["data"]["key"] == "ingest/1.jpg" for event in events):
        more = gallery.get("/api/events", poll=1, last=last)
        events, last = events + more["events"], more["last"]
    assert [event["id"] for event in events] == sorted({event["id"] for event in events}, key=lambda id: int(id.partition(".")[2]))
    assert last == events[-1]["id"]
    assert gallery.get("/api/events", poll=1, last="0.7")["events"][0]["type"] == "reset"


def test_streams_are_limited(busy_gallery):
    streams = [busy_gallery.follow() for _ in range(64)]
    answer = busy_gallery.call("GET", "/api/events")
    assert answer.status == 503 and answer.headers["retry-after"]
    assert busy_gallery.call("GET", "/api/events?poll=1").status == 503
    assert busy_gallery.get("/api/activity")  # everything else goes on
    streams[0].close()
    until(lambda: busy_gallery.call("GET", "/api/events?poll=1").status == 200, "there is room again")
    for stream in streams:
        stream.close()


def test_streams_end_when_the_program_stops(local, gallery):
    events = gallery.follow()
    assert local.stop() == 0
    until(lambda: events.ended, "the stream ends")


def test_pipelines_that_are_loaded_again_are_shown(start_cloud, tmp_path):
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "web.yaml").write_text(PIPELINE.format(name="web"))
    local = start_cloud("--gallery", "127.0.0.1:0", "--pipelines", pipelines)
    local.wait_for("Serving")
    gallery = Gallery.of(local)
    assert [queue["pipeline"] for queue in gallery.get("/api/system")["queues"]] == ["web"]
    (pipelines / "print.yaml").write_text(PIPELINE.format(name="print"))
    local.process.send_signal(signal.SIGHUP)
    until(lambda: len(gallery.get("/api/system")["queues"]) == 2, "both pipelines are shown")
    until(lambda: queue_of(gallery, "print")["known"], "the new queue is asked")
    assert dead(gallery, "print") == []
    sqs = local.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="print-queue")["QueueUrl"])
    until(lambda: queue_of(gallery, "print")["error"], "the page learns that the queue is gone")
    assert not queue_of(gallery, "print")["known"] and queue_of(gallery, "web")["known"]
