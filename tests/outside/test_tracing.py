"""Tracing: a message's trace goes into the log and into what its job sends."""
import json

import pytest

from harness import aws_environment, jpeg, make_queue, receive, until
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
    proxies = []

    def begin(name, *arguments, trace="info"):
        (tmp_path / f"{name}.yaml").write_text(PIPELINE.format(name=name))
        url = make_queue(sqs, f"{name}-queue", receives=2)
        s3.put_object(Bucket="photos", Key=f"in/{name}.jpg", Body=jpeg(64, 48))
        requests = []
        proxy = Proxy(cloud.endpoint, lambda method, path, headers, _: requests.append(
            (headers.get("X-Amz-Target", "").partition(".")[2] or f"{method} {path.partition('?')[0]}", headers)))
        proxies.append(proxy)
        process = start("run", "--pipelines", tmp_path / f"{name}.yaml", "--endpoint", proxy.endpoint, "--wait", "1s",
                        "--isolation", "thread", "--log-format", "json", "--log-level", trace, *arguments,
                        environment=aws_environment())
        process.url, process.requests = url, requests

        def sent(key, body=None, **more):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body or {"bucket": "photos", "key": key}), **more)
        process.send = sent
        return process

    yield begin
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
