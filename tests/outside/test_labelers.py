"""Labels from services: Amazon Rekognition, which the embedded cloud stands for, and model servers, good and hostile ones.

One engine with all pipelines runs for the whole file. Its requests to the cloud pass a proxy, which records those for labels.
"""
import base64
import ctypes
import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.session
import pytest
from botocore.validate import ParamValidator
from PIL import Image

import harness
from harness import ROOT, aws_environment, exists, fetch, jpeg, make_queue, open_image, picture, receive, thumbwheel, until
from proxy import Proxy

EXAMPLE = ROOT / "pipelines/examples/label-server"
TOKEN = "s3cret-Token"
MODEL = botocore.session.get_session().get_service_model("rekognition")
DETECT = MODEL.operation_model("DetectLabels")
SERVER_MAX = 2048  # bytes of a response

PIPELINES = {
    "rek": "labels: {{ labeler: rekognition, rate: 50, min_confidence: 60, max: 7, sidecar: 'rek-out/{{name}}.json' }}\n",
    "srv": "labels:\n  labeler: {{ url: '{server}/model?key=hidden', size: 64, timeout: 1s, concurrency: 2, max_response: 2KiB, token_env: LABELS_TOKEN }}\n"
           "  min_confidence: 40\n  sidecar: 'srv-out/{{name}}.json'\n",
    "example": "labels:\n  labeler: {{ url: '{example}', token_file: '{folder}/token' }}\n  sidecar: 'example-out/{{name}}.json'\n",
}


class LabelServer(ThreadingHTTPServer):
    """Responds as the test says: behave(request) returns (status, headers, body)."""
    daemon_threads = True
    block_on_close = False

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.requests.append((self.path, self.headers, body))
            status, headers, content = self.server.behave(body)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.requests, self.behave = [], good
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the engine has given up


def answer(content):
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def good(_):
    return answer({"labels": [{"name": "Cat", "confidence": 97.25, "parents": ["Mammal", "Animal"], "aliases": ["Kitty"],
                               "categories": ["Animals and Pets"],
                               "instances": [{"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4, "confidence": 96}]},
                              {"name": "Rock & Roll's", "confidence": 50}, {"name": "Dog", "confidence": 39.9}]})


class Lab:
    """The cloud, the proxy, the server, the engine."""

    def __init__(self, folder):
        self.folder = folder
        self.cloud = harness.Process("local", "--cloud-only", "--port", "0", "--data", folder / "data")
        self.endpoint = self.cloud.wait_for(r"Endpoint: +(http://\S+:\d+)").group(1)
        self.s3, self.sqs = (harness.client(self.endpoint, service) for service in ("s3", "sqs"))
        self.detected, self.verdict = [], None  # bodies of DetectLabels; a response in place of the cloud's
        self.proxy = Proxy(self.endpoint, self.judge)
        self.server = LabelServer()
        environment = dict(os.environ, LABELS_TOKEN=TOKEN)
        self.example = subprocess.Popen([sys.executable, EXAMPLE / "label_server.py", "0"], env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        (folder / "token").write_text(TOKEN + "\n")
        places = {"server": f"http://127.0.0.1:{self.server.server_port}", "folder": folder,
                  "example": self.example.stdout.readline().split()[-1]}
        self.s3.create_bucket(Bucket="photos")
        arguments, self.urls = [], {}
        for name, text in PIPELINES.items():
            (folder / f"{name}.yaml").write_text(f"name: {name}\nqueue: {name}-queue\nmatch: {{ prefix: in/ }}\n{text.format(**places)}")
            self.urls[name] = make_queue(self.sqs, f"{name}-queue", receives=50, visibility=60)
            arguments += ["--pipelines", folder / f"{name}.yaml"]
        self.engine = harness.Process("run", *arguments, "--endpoint", self.proxy.endpoint, "--wait", "1s", "--backoff", "1s",
                                      "--log-level", "info", environment=aws_environment(LABELS_TOKEN=TOKEN))

    def judge(self, method, path, headers, body):
        if headers.get("X-Amz-Target") != "RekognitionService.DetectLabels":
            return None
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        self.detected.append(json.loads(body))
        return self.verdict(self.detected[-1]) if self.verdict else None

    def put(self, key, body, bucket="photos"):
        return self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def send(self, pipeline, key, bucket="photos", **more):
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key} | more}}
        self.sqs.send_message(QueueUrl=self.urls[pipeline], MessageBody=json.dumps({"Records": [record]}))

    def sidecar(self, pipeline, key):
        path = f"{pipeline}-out/{key.rpartition('/')[2]}.json"
        try:
            until(lambda: exists(self.s3, "photos", path), path)
        except AssertionError as error:  # what happened instead
            raise AssertionError(f"{error}\n{self.engine.output()}") from None
        return json.loads(fetch(self.s3, "photos", path))

    def tags(self, key, **more):
        found = self.s3.get_object_tagging(Bucket="photos", Key=key, **more)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def label(self, pipeline, key, body):
        self.put(key, body)
        self.send(pipeline, key)
        return self.sidecar(pipeline, key)

    def close(self):
        self.engine.stop()
        self.example.kill()
        self.example.wait()
        self.server.shutdown()
        self.server.server_close()
        self.proxy.close()
        self.cloud.stop()
        for process in (self.engine, self.cloud):
            harness.assert_healthy(process.output())


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture(autouse=True)
def fresh(lab):
    lab.detected.clear()
    lab.server.requests.clear()
    yield
    lab.verdict, lab.server.behave = None, good


def valid(request):
    """The request as botocore's model defines it."""
    plain = json.loads(json.dumps(request))
    if "Bytes" in plain["Image"]:
        plain["Image"]["Bytes"] = base64.b64decode(plain["Image"]["Bytes"], validate=True)
    report = ParamValidator().validate(plain, DETECT.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert set(plain) <= set(DETECT.input_shape.members) and len(plain["Image"]) == 1
    return plain


def encoded(form, **options):
    out = io.BytesIO()
    picture(400, 300).save(out, form, **options)
    return out.getvalue()


def heic():
    """libvips writes it, if its libheif can; None: it can't."""
    try:
        vips = ctypes.CDLL("libvips.so.42")
    except OSError:
        return None
    vips.vips_init(b"test")
    vips.vips_image_new_from_buffer.restype = ctypes.c_void_p
    data, out, size = encoded("PNG"), ctypes.c_void_p(), ctypes.c_size_t()
    image = vips.vips_image_new_from_buffer(data, ctypes.c_size_t(len(data)), b"", ctypes.c_void_p())
    if not image or vips.vips_image_write_to_buffer(ctypes.c_void_p(image), b".heic[compression=hevc]", ctypes.byref(out),
                                                    ctypes.byref(size), ctypes.c_void_p()):
        return None
    return ctypes.string_at(out, size.value)


# ---- Rekognition ----

def test_a_jpeg_is_labelled_by_its_name(lab):
    found = lab.label("rek", "in/by name.jpg", jpeg(400, 300))
    request, = map(valid, lab.detected)
    assert request == {"Image": {"S3Object": {"Bucket": "photos", "Name": "in/by name.jpg"}}, "MaxLabels": 7, "MinConfidence": 60}
    assert found["labeler"] == "rekognition" and 0 < len(found["labels"]) <= 7
    assert [each["confidence"] for each in found["labels"]] == sorted((each["confidence"] for each in found["labels"]), reverse=True)
    assert all(each["confidence"] >= 60 for each in found["labels"])
    assert any(each.get("parents") == ["Dominant Colour"] for each in found["labels"])
    assert any(each.get("categories") == ["Colors and Visual Composition"] for each in found["labels"])
    tags = until(lambda: lab.tags("in/by name.jpg"), "tags")
    assert "Landscape" in tags and len(tags) == min(10, len(found["labels"]))


def test_a_version_is_named_and_tagged(lab):
    lab.s3.create_bucket(Bucket="versioned")
    lab.s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    version = lab.put("in/v.jpg", jpeg(200, 150), bucket="versioned")["VersionId"]
    lab.send("rek", "in/v.jpg", bucket="versioned", versionId=version)
    until(lambda: lab.s3.get_object_tagging(Bucket="versioned", Key="in/v.jpg", VersionId=version)["TagSet"], "tags of the version")
    request, = map(valid, lab.detected)
    assert request["Image"]["S3Object"] == {"Bucket": "versioned", "Name": "in/v.jpg", "Version": version}


def large():
    """15 MB and more: comments between the first marker and the rest."""
    data = jpeg(3000, 200)
    comment = b"\xff\xfe\xff\xff" + bytes(0xFFFD)
    return data[:2] + comment * 231 + data[2:]


@pytest.mark.parametrize("form", ["webp", "tiff", "heic", "large.jpg", "16bit.png"])
def test_other_formats_are_labelled_by_their_bytes(lab, form):
    make = {"webp": lambda: encoded("WEBP"), "tiff": lambda: encoded("TIFF"), "heic": heic, "large.jpg": large,
            "16bit.png": lambda: encoded16()}
    data = make[form]()
    if data is None:
        pytest.skip("libvips cannot write HEIC here")
    found = lab.label("rek", f"in/a.{form}", data)
    request, = map(valid, lab.detected)
    image = open_image(request["Image"]["Bytes"])
    assert image.format == "JPEG" and image.mode == ("L" if form == "16bit.png" else "RGB")
    assert image.size == ((2048, 137) if form == "large.jpg" else (400, 300))
    assert found["labels"] and found["image"]["format"] == {"large.jpg": "jpeg", "16bit.png": "png", "heic": "heif"}.get(form, form)


def encoded16():
    out = io.BytesIO()
    Image.new("I;16", (400, 300), 30000).convert("I;16").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("code", ["InvalidS3ObjectException", "InvalidImageFormatException", "ImageTooLargeException"])
def test_an_object_that_is_refused_by_name_is_sent(lab, code):
    lab.verdict = lambda request: (400, json.dumps({"__type": code, "message": "no"}).encode()) if "S3Object" in request["Image"] else None
    data = jpeg(240, 180)
    assert lab.label("rek", f"in/{code}.jpg", data)["labels"]
    named, sent = map(valid, lab.detected)
    assert "S3Object" in named["Image"] and sent["Image"] == {"Bytes": data}


def test_throttled_requests_are_repeated(lab):
    left = [b'{"__type":"ProvisionedThroughputExceededException"}', b'{"__type":"ThrottlingException"}']
    lab.verdict = lambda _: (400, left.pop()) if left else None
    assert lab.label("rek", "in/throttled.jpg", jpeg(200, 150))["labels"]
    assert len(lab.detected) == 3


def test_an_image_that_rekognition_cannot_use_is_rejected(lab):
    lab.put("in/tiny.jpg", jpeg(40, 30))  # it wants 80 pixels
    lab.send("rek", "in/tiny.jpg")
    message = receive(lab.sqs, lab.urls["rek"] + "-dlq")
    assert message["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "labels-refused"


# ---- model servers ----

def test_a_server_gets_a_small_jpeg_and_its_labels_are_stored(lab):
    found = lab.label("srv", "in/cat.png", encoded("PNG"))
    (path, headers, body), = lab.server.requests
    assert path == "/model?key=hidden" and headers["Content-Type"] == "image/jpeg"
    assert headers["Authorization"] == f"Bearer {TOKEN}" and open_image(body).size == (64, 48)
    assert found["labeler"] == "server" and found["labels"] == [
        {"name": "Cat", "confidence": 97.3, "parents": ["Mammal", "Animal"], "aliases": ["Kitty"], "categories": ["Animals and Pets"],
         "instances": [{"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4, "confidence": 96.0}]},
        {"name": "Rock & Roll's", "confidence": 50.0}]
    assert until(lambda: lab.tags("in/cat.png"), "tags") == {"Cat": "97.3", "Rock Rolls": "50.0"}


def test_the_example_server_labels_photos(lab):
    found = lab.label("example", "in/tall.jpg", jpeg(60, 90))
    assert found["labels"] == [{"name": "Tall", "confidence": 99.0, "parents": ["Shape"], "aliases": ["Tall picture"]}]
    done = thumbwheel("check", "--pipelines", EXAMPLE)
    assert done.returncode == 0, done.stderr


ONE = {"name": "Cat", "confidence": 90}
HOSTILE = {
    "slow": (lambda _: released.wait(harness.PATIENCE_S) and good(_), "timeout"),
    "huge": (lambda _: (200, {}, b'{"labels":[' + b" " * SERVER_MAX + b"]}"), "protocol-error"),
    "html": (lambda _: (200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"), "protocol-error"),
    "wrong-json": (lambda _: answer({"tags": []}), "protocol-error"),
    "array": (lambda _: answer([ONE]), "protocol-error"),
    "thousands": (lambda _: (200, {}, b'{"labels":[' + b",".join([b"1"] * 1010) + b"]}"), "protocol-error"),
    "control": (lambda _: answer({"labels": [ONE | {"name": "Cat\nDog"}]}), "protocol-error"),
    "long-name": (lambda _: answer({"labels": [ONE | {"name": "C" * 64}]}), "protocol-error"),
    "confidence": (lambda _: answer({"labels": [ONE | {"confidence": 101}]}), "protocol-error"),
    "parent": (lambda _: answer({"labels": [ONE | {"parents": [{"name": "\u0085"}]}]}), "protocol-error"),
    "redirect": (lambda _: (302, {"Location": "http://127.0.0.1:1/"}, b""), "request-refused"),
    "busy": (lambda _: (503, {}, b""), "throttled"),
    "failing": (lambda _: (500, {}, b""), "service-error"),
}
released = threading.Event()


def test_a_hostile_server_costs_a_retry_and_nothing_else(lab):
    """Each photo has its height, so that the server knows which one it labels: once with hostility, then well."""
    left = {16 + index: behave for index, (behave, _) in enumerate(HOSTILE.values())}
    lab.server.behave = lambda body: left.pop(open_image(body).height, good)(body)
    for index, name in enumerate(HOSTILE):
        lab.put(f"in/{name}.jpg", jpeg(64, 16 + index))
        lab.send("srv", f"in/{name}.jpg")
    for name, (_, reason) in HOSTILE.items():
        lab.engine.wait_for(f"job will be retried.*key=in/{name}.jpg.*{reason}")
    for name in HOSTILE:
        assert [each["name"] for each in lab.sidecar("srv", f"in/{name}.jpg")["labels"]] == ["Cat", "Rock & Roll's"]
    released.set()
    output = lab.engine.output()
    assert "key=hidden" not in output and TOKEN not in output


def test_an_image_that_the_server_cannot_use_is_rejected(lab):
    lab.server.behave = lambda _: (422, {}, b"")
    lab.put("in/odd.jpg", jpeg(64, 48))
    lab.send("srv", "in/odd.jpg")
    message = receive(lab.sqs, lab.urls["srv"] + "-dlq")
    assert message["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "image-unsupported"


def test_a_photo_that_is_replaced_meanwhile_keeps_no_old_labels(lab):
    asked, replaced, key, before = threading.Event(), threading.Event(), "in/replaced.jpg", len(lab.engine.lines)

    def old(body):
        asked.set()
        replaced.wait(harness.PATIENCE_S)
        return answer({"labels": [{"name": "Old", "confidence": 99}]})
    lab.server.behave = old
    lab.put(key, jpeg(64, 48))
    lab.send("srv", key)
    assert asked.wait(harness.PATIENCE_S)
    lab.put(key, jpeg(48, 64))
    lab.server.behave = good
    replaced.set()
    lab.engine.wait_for("labels dropped", after=before)
    assert not exists(lab.s3, "photos", "srv-out/replaced.jpg.json") and not lab.tags(key)
    lab.send("srv", key)  # the new photo's event
    assert lab.sidecar("srv", key)["image"]["height"] == 64
    assert until(lambda: lab.tags(key), "tags of the new photo") == {"Cat": "97.3", "Rock Rolls": "50.0"}


WRONG = {
    "{ labeler: magic }": "labels.labeler: expected one of builtin, rekognition, or a map",
    "{ labeler: { size: 64 } }": "labels.labeler.url: is required",
    "{ labeler: { url: ftp://x/ } }": "labels.labeler.url: must begin with http",
    "{ labeler: { url: 'http:///x' } }": "labels.labeler.url: has no host",
    "{ labeler: { url: 'http://me:pw@x/' } }": "labels.labeler.url: must not contain a user or a password",
    "{ labeler: { url: 'http://x/a b' } }": "labels.labeler.url: contains a character",
    "{ labeler: { url: http://x/, token_env: NO_SUCH } }": 'labels.labeler.token_env: "NO_SUCH" is not set',
    "{ labeler: { url: http://x/, token_file: /no/such } }": 'labels.labeler.token_file: "/no/such" does not exist',
    "{ labeler: { url: http://x/, token_file: a, token_env: b } }": "labels.labeler.token_file: can't be combined",
    "{ labeler: { url: http://x/, timeout: 1h } }": "labels.labeler.timeout: expected a duration from 0.1s to 300s",
    "{ labeler: { url: http://x/, max_response: 1 } }": "labels.labeler.max_response: expected a size from 1KiB to 8192KiB",
    "{ labeler: { url: http://x/, sise: 64 } }": 'labels.labeler.sise: unknown key; did you mean "size"?',
    "{ rate: 5 }": "labels.rate: is for labeling services",
    "{ labeler: rekognition, rate: 0 }": "labels.rate: expected a number from 0.1",
}


def test_check_names_what_is_wrong_with_a_labeler(tmp_path):
    for index, labels in enumerate(WRONG):
        (tmp_path / f"p{index:02}.yaml").write_text(f"name: p{index}\nqueue: q{index}\nlabels: {labels}\n")
    (tmp_path / "right.yaml").write_text("name: right\nqueue: right\nlabels: { labeler: rekognition, rate: 0.5 }\n")
    errors = thumbwheel("check", "--pipelines", tmp_path).stderr
    for index, message in enumerate(WRONG.values()):
        assert any(f"p{index:02}.yaml" in line and message in line for line in errors.splitlines()), (message, errors)
    assert "right.yaml" not in errors
