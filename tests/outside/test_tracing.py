"""Tracing: a message's trace goes into the log and into what its job sends."""
import json
import re
import threading
import time
import urllib.request

import pytest

import metadata
from harness import aws_environment, jpeg, make_queue, receive, thumbwheel, until
from proxy import Proxy

PIPELINE = """name: {name}
queue: {name}-queue
match: {{ bucket: photos, prefix: in/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: 40, format: jpeg }}
"""
TRACE = "65c1e2a04bf92f3577b34da6a3ce929d"
SPAN = "00f067aa0ba902b7"
ROOT = f"1-{TRACE[:8]}-{TRACE[8:]}"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
XRAY = f"Root={ROOT};Parent={SPAN};Sampled=1"


def text(value):
    return {"DataType": "String", "StringValue": value}


@pytest.fixture
def traced(start, cloud, tmp_path, sqs, s3):
    """An engine with one pipeline behind a proxy that notes the requests: (operation, headers)."""
    proxies, engines = [], []

    def begin(name, *arguments, **variables):
        (tmp_path / f"{name}.yaml").write_text(PIPELINE.format(name=name))
        url = make_queue(sqs, f"{name}-queue", receives=2)
        s3.put_object(Bucket="photos", Key=f"in/{name}.jpg", Body=jpeg(64, 48))
        requests = []
        proxy = Proxy(cloud.endpoint, lambda method, path, headers, _: requests.append(
            (headers.get("X-Amz-Target", "").partition(".")[2] or f"{method} {path.partition('?')[0]}", headers)))
        proxies.append(proxy)
        process = start("run", "--pipelines", tmp_path / f"{name}.yaml", "--endpoint", proxy.endpoint, "--wait", "1s",
                        "--isolation", "thread", "--log-format", "json", "--log-level", "info", *arguments,
                        environment=aws_environment() | variables)
        engines.append(process)
        process.url, process.requests = url, requests

        def sent(key, body=None, **more):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body or {"bucket": "photos", "key": key}), **more)
        process.send = sent
        return process

    yield begin
    for each in engines:  # while they can still reach the cloud: else they drain until their grace ends
        if each.running():
            each.stop()
    for each in proxies:
        each.close()


def ended(process, count):
    """The log lines of so many jobs that have ended."""
    def lines():
        found = [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]
        found = [line for line in found if line["event"] in ("job done", "job rejected")]
        return found if len(found) >= count else None
    return until(lines, f"{count} jobs have ended")


def headers_of(process, request):
    return [headers for operation, headers in process.requests if operation == request]


@pytest.mark.parametrize("source", ["attribute", "x-ray", "sns"])
def test_a_messages_trace_is_logged_and_sent(traced, source):
    name = f"from-{source}"
    process = traced(name)
    key = f"in/{name}.jpg"
    if source == "attribute":  # it comes before X-Ray's
        process.send(key, MessageAttributes={"traceparent": text(TRACEPARENT)}, MessageSystemAttributes={
            "AWSTraceHeader": text("Root=1-11111111-111111111111111111111111;Sampled=0")})
    elif source == "x-ray":
        process.send(key, MessageSystemAttributes={"AWSTraceHeader": text(XRAY + ";Lineage=1:2")})
    else:
        process.send(key, {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
                           "Message": json.dumps({"bucket": "photos", "key": key}),
                           "MessageAttributes": {"traceparent": {"Type": "String", "Value": TRACEPARENT}}})
    line, = ended(process, 1)
    assert (line["event"], line["trace_id"], line["span_id"]) == ("job done", TRACE, SPAN)
    for request in (f"GET /photos/{key}", f"PUT /photos/{name}/{name}.jpg"):
        headers, = headers_of(process, request)
        assert headers["X-Amzn-Trace-Id"] == XRAY and headers["traceparent"] == TRACEPARENT
        signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        assert "x-amzn-trace-id" not in signed and "traceparent" not in signed
    for headers in headers_of(process, "ReceiveMessage") + headers_of(process, "DeleteMessageBatch"):
        assert "traceparent" not in headers  # they belong to several messages


def test_a_bad_trace_is_ignored_and_a_dead_letter_continues_a_good_one(traced, sqs):
    process = traced("letters")
    process.send("in/missing.jpg", MessageAttributes={"traceparent": text(TRACEPARENT.upper())},
                 MessageSystemAttributes={"AWSTraceHeader": text(XRAY)})
    process.send("in/gone.jpg", MessageAttributes={"traceparent": text("00-0-\u2028-01")})
    lines = {line["key"]: line for line in ended(process, 2)}
    assert lines["in/missing.jpg"]["trace_id"] == TRACE and "trace_id" not in lines["in/gone.jpg"]
    assert "X-Amzn-Trace-Id" not in headers_of(process, "GET /photos/in/gone.jpg")[0]
    letters = sqs.get_queue_url(QueueName="letters-queue-dlq")["QueueUrl"]
    received = {}
    while len(received) < 2:
        message = receive(sqs, letters)
        received[json.loads(message["Body"])["key"]] = message["Attributes"].get("AWSTraceHeader")
    assert received == {"in/missing.jpg": XRAY, "in/gone.jpg": None}


# ---- export ----

HEX = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
SPAN_MEMBERS = {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}


def checked_attributes(attributes):
    """AnyValue: one member each; 64-bit integers are strings."""
    found = {}
    for attribute in attributes:
        assert set(attribute) == {"key", "value"} and isinstance(attribute["key"], str)
        (kind, value), = attribute["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str)
        found[attribute["key"]] = int(value) if kind == "intValue" else value
    assert len(found) == len(attributes)
    return found


def checked_spans(body):
    """The spans of an ExportTraceServiceRequest in JSON, after a check against the rules of OTLP's encoding."""
    root = json.loads(body)
    assert set(root) == {"resourceSpans"}
    spans = []
    for resource in root["resourceSpans"]:
        assert checked_attributes(resource["resource"]["attributes"])["service.name"] == "thumbwheel"
        for scope in resource["scopeSpans"]:
            assert scope["scope"]["name"] == "thumbwheel" and scope["spans"]
            spans += scope["spans"]
    for span in spans:
        assert set(span) <= SPAN_MEMBERS and SPAN_MEMBERS - {"parentSpanId"} <= set(span)
        for name, digits in HEX.items():
            if name in span:
                assert re.fullmatch(f"[0-9a-f]{{{digits}}}", span[name]) and set(span[name]) != {"0"}
        assert type(span["kind"]) is int and 1 <= span["kind"] <= 5
        for name in ("startTimeUnixNano", "endTimeUnixNano"):
            assert isinstance(span[name], str) and abs(int(span[name]) / 1e9 - time.time()) < 3600
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert set(span["status"]) <= {"code", "message"} and span["status"].get("code", 0) in (0, 2)
        span["attributes"] = checked_attributes(span["attributes"])
    return spans


class Collector(metadata.Fake):
    """Takes spans; what it responds can be replaced."""

    def __init__(self):
        self.reply, self.spans, self.lock = (200, {"partialSuccess": {}}), [], threading.Lock()
        super().__init__(self.take)

    def take(self, request):
        assert request.command == "POST" and request.headers["Content-Type"] == "application/json"
        with self.lock:
            self.spans += checked_spans(request.body)
        return self.reply

    def named(self, trace=TRACE):
        """The spans of a trace by name, once the last one has arrived."""
        with self.lock:
            found = {}
            for span in self.spans:
                if span["traceId"] == trace:
                    found.setdefault(span["name"], []).append(span)
        return found if "delete" in found and "process" in found else None


@pytest.fixture
def collector():
    server = Collector()
    yield server
    server.close()


def counters(process):
    """The counters of spans, from /metrics."""
    port = process.wait_for(r'"metrics are served".*"port":(\d+)')[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        found = re.findall(r"^thumbwheel_spans_(\S+) (\d+)$", response.read().decode(), re.M)
    return {key: int(value) for key, value in found}


def test_the_spans_of_a_message_are_exported(traced, collector):
    process = traced("spans", "--otlp", collector.url + "/", OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a%20b, Authorization=Bearer secret")
    process.send("in/spans.jpg", MessageAttributes={"traceparent": text(TRACEPARENT)})
    line, = ended(process, 1)
    spans = until(collector.named, "the trace has arrived")
    assert {name: len(each) for name, each in spans.items()} == dict.fromkeys(
        ("poll", "process", "fetch", "decode", "render", "upload", "delete"), 1)
    spans = {name: each[0] for name, each in spans.items()}
    assert spans["poll"]["parentSpanId"] == spans["process"]["parentSpanId"] == SPAN
    own = spans["process"]["spanId"]
    assert line["trace_id"] == TRACE and line["span_id"] == own
    assert {spans[name]["parentSpanId"] for name in ("fetch", "decode", "render", "upload", "delete")} == {own}
    assert len({span["spanId"] for span in spans.values()}) == 7
    assert spans["process"]["attributes"]["thumbwheel.outcome"] == "acknowledged" and not spans["process"]["status"]
    assert spans["fetch"]["attributes"]["aws.s3.key"] == "in/spans.jpg"
    assert spans["upload"]["attributes"]["aws.s3.key"] == "spans/spans.jpg"
    begins = [int(spans[name]["startTimeUnixNano"]) for name in ("poll", "process", "fetch", "decode", "render", "upload", "delete")]
    assert begins == sorted(begins)
    headers, = headers_of(process, "PUT /photos/spans/spans.jpg")
    assert headers["traceparent"] == f"00-{TRACE}-{own}-01"
    assert collector.requests[0].path == "/v1/traces"
    assert collector.requests[0].headers["x-tenant"] == "a b" and collector.requests[0].headers["Authorization"] == "Bearer secret"
    assert "secret" not in process.output()


def test_a_message_without_a_trace_begins_one_and_an_unsampled_one_has_no_spans(traced, collector):
    process = traced("sampled", "--otlp", collector.url)
    quiet = f"00-{TRACE[::-1]}-{SPAN}-00"
    process.send("in/sampled.jpg", MessageAttributes={"traceparent": text(quiet)})
    process.send("in/none\"\n.jpg")
    lines = {line["key"]: line for line in ended(process, 2)}
    new = lines["in/none\"\n.jpg"]["trace_id"]
    assert abs(int(new[:8], 16) - time.time()) < 3600  # X-Ray demands it
    spans = until(lambda: collector.named(new), "the new trace has arrived")
    assert "parentSpanId" not in spans["process"][0] and spans["process"][0]["status"]["code"] == 2
    assert spans["fetch"][0]["status"]["code"] == 2 and spans["fetch"][0]["attributes"]["aws.s3.key"] == "in/none\"\n.jpg"
    assert {span["traceId"] for span in collector.spans} == {new}
    assert headers_of(process, "PUT /photos/sampled/sampled.jpg")[0]["traceparent"] == quiet


@pytest.mark.parametrize("reply, reason", [
    ((500, {}), "unavailable"), ((200, "<html>"), "unavailable"), ((200, {"partialSuccess": {"rejectedSpans": "9999"}}), "rejected"),
], ids=["500", "html", "rejects"])
def test_a_collector_that_fails_costs_only_spans(traced, collector, reply, reason):
    collector.reply = reply
    name = "fails-" + re.sub(r"\W", "", str(reply))[:40].lower()
    process = traced(name, "--otlp", collector.url, "--metrics", "127.0.0.1:0")
    process.send(f"in/{name}.jpg")
    assert ended(process, 1)[0]["event"] == "job done"
    found = until(lambda: (lambda c: c if c[f'dropped_total{{reason="{reason}"}}'] else None)(counters(process)), "spans are dropped")
    assert found["exported_total"] == 0
    process.stop()


def test_an_absent_or_silent_collector_does_not_delay_the_end(traced, collector):
    collector.reply = None
    for name, url in (("silent", collector.url), ("absent", "http://127.0.0.1:1")):
        process = traced(name, "--otlp", url, "--metrics", "127.0.0.1:0")
        process.send(f"in/{name}.jpg")
        assert ended(process, 1)[0]["event"] == "job done"
        until(lambda: has_deleted(process), "the message is deleted")
        process.stop()
        assert '"spans were dropped"' in process.output()


def has_deleted(process):
    return any(operation == "DeleteMessageBatch" for operation, _ in process.requests)


@pytest.mark.parametrize("url", ["127.0.0.1:4318", "http://u:hidden@a", "http://a?b"])
def test_a_wrong_collector_is_refused(start, url, tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE.format(name="p"))
    refused = thumbwheel("run", "--pipelines", tmp_path / "p.yaml", "--endpoint", "http://127.0.0.1:1", "--otlp", url,
                         environment=aws_environment())
    assert refused.returncode == 2 and "--otlp" in refused.stderr and "hidden" not in refused.stderr, refused.stderr
