"""Monitoring: the metrics, the probes, and `thumbwheel health`."""
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import metadata
from harness import aws_environment, clean_environment, jpeg, make_queue, thumbwheel, until

ROOT = Path(__file__).resolve().parent.parent.parent
PIPELINE = """name: {name}
queue: {name}-queue
match: {{ bucket: photos, prefix: in/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: 40, format: jpeg }}
"""


class Page:
    """The samples of one GET /metrics, found by name and labels."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert (name, pairs) not in self.samples, f"twice: {line}"
            self.samples[name, pairs] = float(value)

    def get(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())))

    def families(self):
        return dict(re.findall(r"^# TYPE (\w+) (\w+)$", self.text, re.M))


def get(address, path):
    """The status and the body."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def metrics(address):
    status, text = get(address, "/metrics")
    assert status == 200
    return Page(text)


@pytest.fixture
def engine(start, cloud, tmp_path, sqs):
    """An engine with pipelines of its own, and the address of its metrics."""
    def begin(*names, queues=True, metrics="127.0.0.1:0", environment=None):
        folder = tmp_path / "pipelines"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.yaml").write_text(PIPELINE.format(name=name))
            if queues:
                make_queue(sqs, f"{name}-queue", receives=2)
        process = start("run", "--pipelines", folder, "--endpoint", cloud.endpoint, "--wait", "1s", "--metrics", metrics,
                        "--isolation", "thread", "--log-format", "json", "--log-level", "info",
                        environment=environment or aws_environment())
        process.address = "127.0.0.1:" + process.wait_for(r'"metrics are served".*"port":(\d+)')[1]
        return process
    return begin


def send(sqs, name, **event):
    url = sqs.get_queue_url(QueueName=f"{name}-queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))


def test_messages_are_counted_by_pipeline_outcome_and_reason(engine, cloud, s3, sqs):
    process = engine("counted", "other")
    s3.put_object(Bucket="photos", Key="in/counted.jpg", Body=jpeg(200, 150))
    for key in ("in/counted.jpg", "in/counted.jpg", "in/missing.jpg"):
        send(sqs, "counted", bucket="photos", key=key)
    page = until(lambda: (lambda p: p if p.get("thumbwheel_messages_received_total", pipeline="counted") == 3 and
                          p.get("thumbwheel_messages_in_flight") == 0 else None)(metrics(process.address)),
                 "three messages have ended")
    settled = {labels: value for (name, labels), value in page.samples.items()
               if name == "thumbwheel_messages_total" and ("pipeline", "counted") in labels}
    assert sum(settled.values()) == 3
    assert page.get("thumbwheel_messages_total", pipeline="counted", outcome="acknowledged", reason="") == 2
    rejected = [dict(labels) for labels in settled if ("outcome", "rejected") in labels]
    assert len(rejected) == 1 and rejected[0]["reason"], rejected
    assert page.get("thumbwheel_messages_received_total", pipeline="other") == 0
    for family in ("thumbwheel_event_to_stored_seconds", "thumbwheel_receipt_to_stored_seconds"):
        assert page.get(f"{family}_count", pipeline="counted") == 2
        assert page.get(f"{family}_bucket", pipeline="counted", le="+Inf") == 2
    assert page.get("thumbwheel_upload_seconds_count") == page.get("thumbwheel_renditions_stored_total") == 2
    assert page.get("thumbwheel_decode_seconds_count") == page.get("thumbwheel_decodes_total") >= 1
    assert page.get("thumbwheel_render_seconds_count") == page.get("thumbwheel_renditions_total") == 2
    assert 0 < page.get("thumbwheel_oldest_message_age_seconds", pipeline="counted") < 3600
    assert page.get("thumbwheel_oldest_message_age_seconds", pipeline="other") == 0
    # Requests are counted by operation, and so are those for the depth of the queues.
    operations = {dict(labels)["operation"]: value for (name, labels), value in page.samples.items()
                  if name == "thumbwheel_requests_total"}
    assert operations["GetObject"] >= 2 and operations["PutObject"] == 2 and operations["GetQueueAttributes"] > 0, operations
    assert page.get("thumbwheel_requests_throttled_total", service="s3", operation="PutObject") == 0
    assert page.get("thumbwheel_request_retries_total", service="s3", operation="PutObject") == 0
    assert page.get("thumbwheel_credentials_expiry_timestamp_seconds") == float("inf")


def test_the_depth_of_the_queues_is_shown(engine, sqs):
    process = engine("deep")
    until(lambda: get(process.address, "/readyz")[0] == 200, "the engine is ready")
    page = until(lambda: (lambda p: p if p.get("thumbwheel_queue_messages", pipeline="deep", state="dead_letter") is not None
                          else None)(metrics(process.address)), "the depth is known")
    for state in ("visible", "in_flight", "delayed", "dead_letter"):
        assert page.get("thumbwheel_queue_messages", pipeline="deep", state=state) == 0


def test_promtool_accepts_the_metrics(engine, sqs, s3):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    process = engine("linted")
    s3.put_object(Bucket="photos", Key="in/linted.jpg", Body=jpeg(64, 48))
    send(sqs, "linted", bucket="photos", key="in/linted.jpg")
    page = until(lambda: (lambda p: p if p.get("thumbwheel_messages_total", pipeline="linted", outcome="acknowledged",
                                               reason="") else None)(metrics(process.address)), "a message is done")
    checked = subprocess.run(["promtool", "check", "metrics"], input=page.text, text=True, capture_output=True, timeout=60)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


def test_every_metric_is_documented(engine):
    """docs/metrics.md lists the families with their types, no more and no fewer."""
    process = engine("documented")
    until(lambda: get(process.address, "/readyz")[0] == 200, "the engine is ready")
    written = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.M))
    assert metrics(process.address).families() == written


def test_counters_never_fall(engine, sqs, s3):
    process = engine("steady")
    s3.put_object(Bucket="photos", Key="in/steady.jpg", Body=jpeg(64, 48))
    before = metrics(process.address)
    for _ in range(5):
        send(sqs, "steady", bucket="photos", key="in/steady.jpg")
    after = until(lambda: (lambda p: p if p.get("thumbwheel_messages_total", pipeline="steady", outcome="acknowledged",
                                                reason="") == 5 else None)(metrics(process.address)), "five are done")
    counters = {name for name, kind in before.families().items() if kind == "counter"}
    for (name, labels), value in before.samples.items():
        if name in counters:
            assert after.samples[name, labels] >= value, name


def test_an_engine_without_its_queue_is_alive_but_not_ready(engine, sqs):
    process = engine("late", queues=False)
    assert get(process.address, "/livez") == (200, "ok\n")
    status, reasons = get(process.address, "/readyz")
    assert status == 503 and '"late"' in reasons
    refused = thumbwheel("health", "--metrics", process.address, "--ready")
    assert refused.returncode == 1 and '"late"' in refused.stderr
    assert thumbwheel("health", "--metrics", process.address).returncode == 0
    make_queue(sqs, "late-queue")
    until(lambda: get(process.address, "/readyz")[0] == 200, "the queue is open")
    ready = thumbwheel("health", "--ready", environment=clean_environment(THUMBWHEEL_METRICS=process.address))
    assert ready.returncode == 0 and ready.stdout == "ready\n"
    told = thumbwheel("health", "--ready", "--json", "--metrics", process.address)
    assert told.returncode == 0 and json.loads(told.stdout) == {"check": "ready", "ok": True, "error": None}


@pytest.fixture
def agent():
    """A container's agent, which issues what the list says, and repeats the last one."""
    responses = []
    server = metadata.Fake(lambda _: responses.pop(0) if len(responses) > 1 else responses[0])
    server.responses = responses
    yield server
    server.close()


def test_an_engine_without_valid_credentials_is_not_ready(engine, agent, cloud):
    """While the agent fails, the reason is shown without what the agent said."""
    agent.responses.append((500, "secret-of-the-agent"))
    environment = {name: value for name, value in aws_environment().items()
                   if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    process = engine("rolled", environment=environment | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url + "/keys"})
    status, reasons = get(process.address, "/readyz")
    assert status == 503 and "no credentials have been obtained" in reasons
    assert get(process.address, "/livez")[0] == 200
    page = until(lambda: (lambda p: p if p.get("thumbwheel_credential_refreshes_total", outcome="failure") else None)(
        metrics(process.address)), "a refresh has failed")
    assert page.get("thumbwheel_credentials_expiry_timestamp_seconds") is None
    assert "secret-of-the-agent" not in get(process.address, "/readyz")[1]
    given = cloud.client("sts").get_session_token()["Credentials"]
    valid = metadata.keys(given["AccessKeyId"], SecretAccessKey=given["SecretAccessKey"], Token=given["SessionToken"])
    agent.responses[:] = [(200, valid)]
    until(lambda: get(process.address, "/readyz")[0] == 200, "the engine is ready")
    expiry = metrics(process.address).get("thumbwheel_credentials_expiry_timestamp_seconds")
    assert metadata.stamp(3000) < time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry)) < metadata.stamp(3700)


def test_health_without_an_engine_fails():
    gone = thumbwheel("health", "--metrics", "127.0.0.1:1")
    assert gone.returncode == 1 and "does not respond" in gone.stderr
    told = thumbwheel("health", "--metrics", "127.0.0.1:1", "--json")
    assert told.returncode == 1 and "does not respond" in json.loads(told.stdout)["error"]
    unset = thumbwheel("health")
    assert unset.returncode == 2 and "--metrics" in unset.stderr


@pytest.mark.parametrize("address", ["9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:70000", "::1:9464", "127.0.0.1:94x"])
def test_a_wrong_address_is_refused(address):
    refused = thumbwheel("health", "--metrics", address)
    assert refused.returncode == 2 and "127.0.0.1:9464" in refused.stderr, refused.stderr


def test_a_port_in_use_is_refused(engine, start):
    process = engine("busy")
    second = start("run", "--metrics", process.address, "--endpoint", "http://127.0.0.1:1",
                   "--pipelines", ROOT / "pipelines", environment=aws_environment())
    assert second.wait() == 1
    assert process.address.split(":")[1] in second.output()


def test_only_get_is_served(engine):
    process = engine("strict")
    request = urllib.request.Request(f"http://{process.address}/metrics", method="POST", data=b"x")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=30)
    assert refusal.value.code == 405
    assert get(process.address, "/")[0] == 404
    head = subprocess.run(["curl", "-sI", f"http://{process.address}/livez"], capture_output=True, text=True, timeout=30)
    assert head.stdout.startswith("HTTP/1.1 200")
