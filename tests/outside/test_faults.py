"""Every operation that the engine calls, times everything that can go wrong with it, ends in the same state.

One cloud with one fault plan; each case has a bucket, a queue and an engine of its own, and its rules name them. The
engine works off a few photos and one that is corrupt: every rendition must be what it is without faults, every queue
empty, and in the dead-letter queue nothing but the corrupt photo.
"""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

import harness
from harness import aws_environment, depth, fetch, jpeg, make_queue, png, thumbwheel, until

AT_ONCE = 8  # engines; most of a case is waiting for a visibility timeout or a backoff
VISIBILITY_S = 3
ANY = ["error", "slow-down", "throttle", "clock-skew", "reset", "reset-after", "stall"]
BODY = ["reset-in-body", "truncate", "trickle"]
UPLOAD = ["reset-in-upload", "bad-digest"]
MATRIX = {
    "ReceiveMessage": ANY + BODY + ["corrupt", "duplicate", "reorder"],
    "DeleteMessageBatch": ANY + BODY + ["expire-receipt", "fail-entry"],
    "ChangeMessageVisibilityBatch": ANY + BODY + ["expire-receipt", "fail-entry"],
    "SendMessage": ANY + BODY,
    "GetQueueUrl": ANY + BODY,
    "GetQueueAttributes": ANY + BODY,
    "GetObject": ANY + BODY + ["corrupt"],
    "HeadObject": ANY,
    "PutObject": ANY + UPLOAD,
    "GetObjectTagging": ANY + BODY,
    "PutObjectTagging": ANY,
}
CASES = [(operation, fault) for operation, faults in MATRIX.items() for fault in faults]
STORMS = [1, 2, 3]  # seeds: all of the above at random
PHOTOS = {"a.jpg": jpeg(120, 90), "b.png": png(64, 96), "c.jpg": jpeg(97, 55, orientation=6), "grey.png": png(40, 40, "L")}
CORRUPT = {"corrupt.jpg": jpeg(400, 300)[:4000]}
PIPELINE = """name: faults
queue: {name}
match: {{ bucket: {name}, prefix: in/ }}
outputs:
  - {{ bucket: {name}-out, key: "small/{{name}}", width: 48, format: jpeg }}
  - {{ bucket: {name}-out, key: "large/{{name}}", width: 90, format: jpeg }}
labels:
  labeler: builtin
  tags: true
  bucket: {name}-out
  sidecar: "labels/{{name}}.json"
"""


def name_of(operation, fault):
    return f"{operation.lower()}-{fault}"


def resource_of(operation, name):
    """The engine's outputs and dead letters have their own buckets and queues."""
    return name + {"SendMessage": "-dlq", "PutObject": "-out", "HeadObject": "-out"}.get(operation, "")


def rules_of(operation, fault):
    """More often than the client retries, so that the engine has to retry."""
    name = name_of(operation, fault)
    resource = resource_of(operation, name)
    starts = operation in ("GetQueueUrl", "GetQueueAttributes")
    times = 4 if fault in ("error", "slow-down", "throttle", "reset") and not starts else 2
    if starts and fault == "clock-skew":
        times = 1
    rules = [{"operation": operation, "resource": resource, "fault": fault, "nth": 1, "times": times}]
    if operation == "ChangeMessageVisibilityBatch":  # something must go back to the queue
        rules.append({"operation": "GetObject", "resource": name, "fault": "error", "nth": 1,
                      "times": 3 * len(PHOTOS)})
        rules.append({"operation": "GetObject", "resource": name, "fault": "trickle", "nth": 1,
                      "milliseconds": 1000 * (VISIBILITY_S + 1)})  # and something must be kept from it
    return rules


def storm_rules(seed):
    return [{"operation": operation, "resource": resource_of(operation, f"storm-{seed}"), "fault": fault,
             "probability": 0.06, "seed": 100 * seed + i, "times": 2}
            for i, (operation, fault) in enumerate(CASES)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, idle_pipelines):
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "warm-up.jpg").write_bytes(jpeg(32, 24))
    rules = [rule for case in CASES for rule in rules_of(*case)] + [rule for seed in STORMS for rule in storm_rules(seed)]
    (folder / "plan.jsonl").write_text("# the whole matrix\n\n" + "\n".join(map(json.dumps, rules)) + "\n")
    cloud = harness.Cloud(folder / "data", "--pipelines", idle_pipelines, "--durability", "relaxed", "--faults",
                          folder / "plan.jsonl", folder / "warm-up.jpg")
    yield cloud
    assert cloud.stop() == 0
    harness.assert_healthy(cloud.output())


# ---- one case ----

def set_up(s3, sqs, name, folder):
    s3.create_bucket(Bucket=name)
    s3.create_bucket(Bucket=f"{name}-out")
    if name.startswith(("headobject", "storm")):  # where objects have versions the engine looks at its outputs first
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    url = make_queue(sqs, name, receives=1000, visibility=VISIBILITY_S)
    entries = []
    for key, content in {**PHOTOS, **CORRUPT}.items():
        put = s3.put_object(Bucket=name, Key=f"in/{key}", Body=content)
        stored = {"key": f"in/{key}", "eTag": put["ETag"].strip('"'), "sequencer": f"{1000 + len(entries):016X}"}
        if "VersionId" in put:
            stored["versionId"] = put["VersionId"]
        body = {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                             "s3": {"bucket": {"name": name}, "object": stored}}]}
        entries.append({"Id": str(len(entries)), "MessageBody": json.dumps(body)})
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    (folder / f"{name}.yaml").write_text(PIPELINE.format(name=name))
    return url


def asked_again(ask, *arguments):
    """Repeats a call of the test until it succeeds: the injected faults also hit the test's own calls."""
    for _ in range(100):
        try:
            return ask(*arguments)
        except (BotoCoreError, ClientError, ResponseParserError):
            pass
    return ask(*arguments)


def is_done(sqs, url):
    return asked_again(depth, sqs, url) == (0, 0, 0) and depth(sqs, f"{url}-dlq")[0] > 0


def dead_letters(sqs, url):
    """Keys and reasons of all that is there."""
    found = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600,
                                          MessageAttributeNames=["All"]).get("Messages"):
        for message in messages:
            record = json.loads(message["Body"])["Records"][0]
            found.add((record["s3"]["object"]["key"],
                       message["MessageAttributes"]["ThumbwheelReason"]["StringValue"]))
    return found


def results(s3, name):
    """All results: renditions, label documents, tags, without the name of the case."""
    made = {}
    for bucket in (name, f"{name}-out"):
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            if not item["Key"].startswith("in/"):
                made[item["Key"]] = fetch(s3, bucket, item["Key"]).replace(name.encode(), b"NAME")
    for key in PHOTOS:
        made["tags", key] = sorted((tag["Key"], tag["Value"]) for tag in
                                   s3.get_object_tagging(Bucket=name, Key=f"in/{key}")["TagSet"])
    return made


def run_case(cloud, s3, sqs, name, folder):
    """(results, dead letters) of an engine's work, once its queue is empty."""
    url = set_up(s3, sqs, name, folder)
    engine = harness.Process("run", "--pipelines", folder / f"{name}.yaml", "--endpoint", cloud.endpoint, "--wait", "1s",
                             "--timeout", "2s", "--workers", "1", "--isolation", "thread", "--log-level", "debug",
                             environment=aws_environment())
    try:
        engine.wait_for("engine started")  # the queue is open: the test's own calls use up none of its faults
        until(lambda: not engine.running() or is_done(sqs, url), f"{name} is done", pause=0.3)
        assert engine.running(), engine.output()
        assert engine.stop() == 0, engine.output()
    except BaseException:
        print(engine.output()[-20000:])
        raise
    finally:
        if engine.running():
            engine.kill()
    harness.assert_healthy(engine.output())
    assert is_done(sqs, url)
    return asked_again(results, s3, name), dead_letters(sqs, f"{url}-dlq")


@pytest.fixture(scope="module")
def outcomes(cloud, tmp_path_factory):
    """All cases, several at a time; an exception is raised by the test of that case."""
    folder = tmp_path_factory.mktemp("pipelines")
    # Threads may share clients, but not make them.
    s3, sqs = cloud.client("s3", read_timeout=10), cloud.client("sqs", read_timeout=10)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {name: pool.submit(run_case, cloud, s3, sqs, name, folder)
                for name in ["no-faults", *(name_of(*case) for case in CASES), *(f"storm-{seed}" for seed in STORMS)]}


def test_without_faults_every_rendition_is_made(outcomes):
    made, dead = outcomes["no-faults"].result()
    for key in PHOTOS:
        for prefix in ("small", "large"):
            assert harness.open_image(made[f"{prefix}/{key}"]).format == "JPEG"
        assert json.loads(made[f"labels/{key}.json"]) and made["tags", key]
    assert len(made) == 4 * len(PHOTOS)
    assert dead == {("in/corrupt.jpg", "image-corrupt")}


def test_the_matrix_has_every_operation_that_the_engine_calls(cloud, outcomes):
    for outcome in outcomes.values():
        outcome.exception()  # all have ended
    ours = {"CreateBucket", "PutBucketVersioning", "CreateQueue", "SendMessageBatch", "ListObjectsV2"}
    names = tuple(outcomes)
    called = {line["operation"] for line in cloud.requests() if line["resource"].startswith(names)}
    assert called - ours == set(MATRIX)


@pytest.mark.parametrize("operation, fault", CASES)
def test_a_fault_changes_nothing(cloud, outcomes, operation, fault):
    expected, _ = outcomes["no-faults"].result()
    made, dead = outcomes[name_of(operation, fault)].result()
    rule = rules_of(operation, fault)[0]
    assert any(line.get("fault") == fault for line in cloud.requests(operation, resource=rule["resource"]))
    assert made == expected
    assert dead == {("in/corrupt.jpg", "image-corrupt")}


@pytest.mark.parametrize("seed", STORMS)
def test_many_faults_at_once_change_nothing(cloud, outcomes, seed):
    expected, _ = outcomes["no-faults"].result()
    made, dead = outcomes[f"storm-{seed}"].result()
    struck = {(line["operation"], line["fault"]) for line in cloud.requests()
              if line.get("fault") and line["resource"].startswith(f"storm-{seed}")}
    assert len(struck) >= 10, struck
    assert made == expected
    assert dead == {("in/corrupt.jpg", "image-corrupt")}


# ---- the plan ----

@pytest.mark.parametrize("line, words", [
    ('{"operation": "GetObjekt", "fault": "error"}', 'unknown operation "GetObjekt"; did you mean "GetObject"?'),
    ('{"operation": "GetObject", "fault": "truncat"}', 'unknown fault "truncat"; did you mean "truncate"?'),
    ('{"operation": "GetObject", "fault": "error", "evry": 2}', 'unknown member "evry"; did you mean "every"?'),
    ('{"operation": "PutObject", "fault": "corrupt"}', 'the fault "corrupt" does not apply to PutObject'),
    ('{"operation": "*", "fault": "error", "nth": 0}', '"nth" must be a whole number from 1'),
    ('{"operation": "*", "fault": "error", "nth": 1, "every": 2}', 'one of "nth", "every" and "probability"'),
    ('{"operation": "*", "fault": "error", "probability": 2}', '"probability" must be a number above 0 and up to 1'),
    ('{"operation": "*", "fault": "error", "seed": 2}', '"seed" requires "probability"'),
    ('{"fault": "error"}', '"operation" is missing'),
    ('{"operation": "*"}', '"fault" is missing'),
    ('["*", "error"]', "a rule must be a JSON object"),
    ('{"operation": "*",', "premature EOF")])
def test_a_bad_plan_is_refused_with_its_line(tmp_path, line, words):
    plan = tmp_path / "plan.jsonl"
    plan.write_text(f'# a comment\n{{"operation": "*", "fault": "error", "every": 9}}\n\n{line}\n')
    done = thumbwheel("local", "--once", "--faults", plan, "--out", tmp_path / "out", "--data", tmp_path / "data")
    assert done.returncode == 2
    assert f"{plan}:4:" in done.stderr and words in done.stderr, done.stderr


def test_a_plan_injects_as_many_faults_as_it_states(start_cloud, tmp_path, idle_pipelines):
    rules = [{"operation": "ListQueues", "fault": "error", "nth": 3},
             {"operation": "ListBuckets", "fault": "slow-down", "every": 2, "times": 2},
             {"operation": "ListTopics", "fault": "throttle", "probability": 0.5, "seed": 3}]
    (tmp_path / "plan.jsonl").write_text("\n".join(map(json.dumps, rules)))
    cloud = start_cloud("--pipelines", idle_pipelines, "--faults", tmp_path / "plan.jsonl")
    s3, sqs, sns = cloud.client("s3"), cloud.client("sqs"), cloud.client("sns")

    def struck(call):
        try:
            call()
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        return 200

    assert [struck(sqs.list_queues) for _ in range(5)] == [200, 200, 500, 200, 200]
    assert [struck(s3.list_buckets) for _ in range(6)] == [200, 503, 200, 503, 200, 200]
    tops = [struck(sns.list_topics) for _ in range(40)]
    assert set(tops) == {200, 403} and 8 < tops.count(403) < 32
