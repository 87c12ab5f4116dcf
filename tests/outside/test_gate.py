"""thumbwheel gate: producers with a token and without credentials, and those who mean harm."""
import json
import re
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import closing
from hashlib import sha256

import pytest

import harness
from harness import SECRET_KEY, aws_environment, fetch, thumbwheel, until
from test_s3_post import form

ORIGIN = "https://shop.example"
SIGNATURE = re.compile(r"X-Amz-Signature|x-amz-signature|X-Amz-Credential")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send(url, method="GET", body=None, headers=()):
    """(status, headers, body)"""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        with opener.open(urllib.request.Request(url, data=body, method=method, headers=dict(headers)), timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Gate(harness.Process):
    """`thumbwheel gate` with tokens, on a bucket of a cloud."""

    def __init__(self, cloud, folder, *arguments, command=("gate", "--listen", "127.0.0.1:0"), **options):
        self.folder = folder
        self.file = folder / "tokens.json"
        self.secrets = {}
        if not self.file.exists():
            self.write({"all": {"scopes": ["upload", "download"], "per_minute": 100000}})
        super().__init__(*command, "--tokens", self.file, *arguments,
                         environment=aws_environment(cloud.endpoint, THUMBWHEEL_LOG_LEVEL="debug"), **options)
        port = self.wait_for(r"gate is listening.*\bport=(\d+)").group(1)
        self.url = f"http://127.0.0.1:{port}"
        self.port = int(port)

    def write(self, tokens):
        """Replaces the tokens: name to settings."""
        self.secrets = {name: f"secret-of-{name}" for name in tokens}
        listed = [{"name": name, "sha256": sha256(self.secrets[name].encode()).hexdigest(), **settings}
                  for name, settings in tokens.items()]
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"tokens": listed}))
        new.rename(self.file)

    def ask(self, method, path, body=None, token="all", **headers):
        """(status, headers, the JSON in the response or None)"""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = "Bearer " + self.secrets.get(token, token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        status, received, text = send(self.url + path, method, body, sent)
        return status, received, json.loads(text) if text else None

    def upload(self, status=201, token="all", **request):
        got, _, answer = self.ask("POST", "/uploads", {"content_type": "image/jpeg", "size": 5} | request, token=token)
        assert got == status, answer
        return answer

    def refused(self, method, path, *arguments, **options):
        """(status, the error's code)"""
        status, headers, answer = self.ask(method, path, *arguments, **options)
        assert headers["Content-Type"] == "application/json" and headers["Cache-Control"] == "no-store"
        assert set(answer["error"]) == {"code", "message"} and answer["error"]["message"]
        return status, answer["error"]["code"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Without an engine."""
    cloud = harness.Cloud(tmp_path_factory.mktemp("cloud") / "data", "--cloud-only")
    yield cloud
    cloud.stop()
    harness.assert_healthy(cloud.output())


@pytest.fixture(scope="module")
def gate(cloud, s3, tmp_path_factory):
    """One gate for all tests that need no other settings."""
    s3.create_bucket(Bucket="gated")
    s3.create_bucket(Bucket="other")
    gate = Gate(cloud, tmp_path_factory.mktemp("gate"), "--uploads", "s3://gated/input/", "--downloads",
                "s3://gated/web/,s3://other/public/", "--cors-origin", f"{ORIGIN},http://localhost:3000", "--expires", "5m")
    yield gate
    assert gate.stop() == 0
    harness.assert_healthy(gate.output())


# ---- uploads ----

def test_a_producer_uploads_with_the_url(gate, s3):
    answer = gate.upload()
    assert re.fullmatch(r"input/20\d\d/\d\d/\d\d/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.jpg", answer["key"])
    assert (answer["method"], answer["headers"], answer["size"]) == ("PUT", {"Content-Type": "image/jpeg"}, 5)
    assert "X-Amz-Expires=300&" in answer["url"] and re.fullmatch(r"20\d\d-.*Z", answer["expires"])
    assert send(answer["url"], "PUT", b"hello", answer["headers"])[0] == 200
    assert fetch(s3, "gated", answer["key"]) == b"hello"
    assert s3.head_object(Bucket="gated", Key=answer["key"])["ContentType"] == "image/jpeg"
    assert gate.upload()["key"] != answer["key"]


@pytest.mark.parametrize("body, content_type", [(b"hello!", "image/jpeg"), (b"hell", "image/jpeg"), (b"hello", "text/html")])
def test_the_store_refuses_another_size_or_type(gate, s3, body, content_type):
    answer = gate.upload()
    assert send(answer["url"], "PUT", body, {"Content-Type": content_type})[0] == 403
    assert harness.exists(s3, "gated", answer["key"]) is None


def test_the_url_is_for_nothing_else(gate):
    url = gate.upload()["url"]
    headers = {"Content-Type": "image/jpeg"}
    assert send(url)[0] == 403 and send(url, "DELETE")[0] == 403
    assert send(url.replace("/input/", "/output/"), "PUT", b"hello", headers)[0] == 403
    assert send(url.replace("/gated/", "/other/"), "PUT", b"hello", headers)[0] == 403
    assert send(url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"), "PUT", b"hello", headers)[0] == 403


def post(answer, body, **changed):
    fields = {**answer["fields"], **{name.replace("_", "-"): value for name, value in changed.items()}}
    return send(answer["url"], "POST", form(fields.items(), body),
                {"Content-Type": "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"})[0]


def test_a_browser_uploads_with_the_form(gate, s3):
    answer = gate.upload(method="POST", content_type="image/png", size=10)
    assert answer["method"] == "POST" and answer["max_size"] == 10 and answer["key"].endswith(".png")
    assert post(answer, b"12345678901") == 400  # EntityTooLarge
    assert post(answer, b"hello", Content_Type="text/html") == 403
    assert post(answer, b"hello", key="input/mine.png") == 403
    assert harness.exists(s3, "gated", answer["key"]) is None
    assert post(answer, b"1234567890") == 201
    assert fetch(s3, "gated", answer["key"]) == b"1234567890"
    assert s3.head_object(Bucket="gated", Key=answer["key"])["ContentType"] == "image/png"
    got, _, answer = gate.ask("POST", "/uploads", {"method": "POST", "content_type": "image/png"})
    assert got == 201 and answer["max_size"] == 64 << 20  # the token's


@pytest.mark.parametrize("request_body, status, code", [
    (b"", 400, "invalid_request"), (b"{", 400, "invalid_request"), (b"[]", 400, "invalid_request"), (b"1", 400, "invalid_request"),
    (b'{"size": 1, "size": 2, "content_type": "image/png"}', 400, "invalid_request"), (b"\xff" * 100, 400, "invalid_request"),
    (b"[" * 4000, 400, "invalid_request"), ({"size": 5}, 400, "invalid_request"), ({"content_type": "image/png"}, 400, "invalid_request"),
    ({"content_type": "image/png", "size": -1}, 400, "invalid_request"), ({"content_type": "image/png", "size": "5"}, 400, "invalid_request"),
    ({"content_type": "image/png", "size": 1.5}, 400, "invalid_request"), ({"content_type": "image/png\r\nx: y", "size": 5}, 400, "invalid_request"),
    ({"content_type": 5, "size": 5}, 400, "invalid_request"), ({"content_type": "image/png", "size": 5, "method": "DELETE"}, 400, "invalid_request"),
    ({"content_type": "image/png", "size": 5, "key": "mine"}, 400, "invalid_request"),
    ({"content_type": "image/png", "size": 5, "bucket": "other"}, 400, "invalid_request"),
    ({"content_type": "text/html", "size": 5}, 415, "type_not_allowed"), ({"content_type": "image/svg+xml", "size": 5}, 415, "type_not_allowed"),
    ({"content_type": "image/png", "size": (64 << 20) + 1}, 413, "too_large"), (b" " * 5000, 413, "request_too_large")])
def test_a_wrong_request_is_explained(gate, request_body, status, code):
    assert gate.refused("POST", "/uploads", request_body) == (status, code)


def test_only_json_is_read(gate):
    assert gate.refused("POST", "/uploads", b"a=b", Content_Type="application/x-www-form-urlencoded") == (415, "not_json")
    assert gate.ask("POST", "/uploads", {"content_type": "image/png", "size": 1}, Content_Type="Application/JSON; charset=utf-8")[0] == 201


# ---- downloads ----

def test_a_consumer_is_redirected_to_the_object(gate, s3):
    s3.put_object(Bucket="gated", Key="web/a b+ü.jpg", Body=b"hello")
    s3.put_object(Bucket="other", Key="public/x", Body=b"other")
    status, headers, answer = gate.ask("GET", "/downloads/web/a%20b+%C3%BC.jpg")
    assert status == 302 and headers["Location"] == answer["url"] and send(headers["Location"])[2] == b"hello"
    assert headers["Cache-Control"] == "no-store"
    status, headers, answer = gate.ask("GET", "/downloads/public/x", Accept="application/json")
    assert status == 200 and headers["Location"] is None and answer["key"] == "public/x" and answer["method"] == "GET"
    assert send(answer["url"])[2] == b"other"
    assert gate.ask("GET", "/downloads/web%2Fa%20b+%C3%BC.jpg")[0] == 302  # an encoded slash is one


@pytest.mark.parametrize("path, status", [
    ("input/a.jpg", 404), ("webx/a.jpg", 404), ("web", 404), ("public", 404), ("gated/web/a.jpg", 404), ("WEB/a.jpg", 404),
    ("", 400), ("/", 400), ("web/", 400), ("/web/a.jpg", 400), ("web//a.jpg", 400), ("web/../input/a.jpg", 400),
    ("web/%2e%2e/input/a.jpg", 400), ("web/..%2Finput/a.jpg", 400), ("web/%2E%2E%2Finput%2Fa.jpg", 400), ("%2e%2e/x", 400),
    ("web/./a.jpg", 400), ("web/a%00.jpg", 400), ("web/a%0d%0aSet-Cookie:x", 400), ("web/..%5Cinput", 400), ("web/%c0%ae%c0%ae/x", 400),
    ("web/%", 400), ("web/%zz", 400), ("%252e%252e/input/a.jpg", 404), ("web/" + "k" * 1025, 414), ("web/" + "%41" * 1025, 414)])
def test_tricks_with_the_key(gate, path, status):
    codes = {400: "invalid_key", 404: "not_found", 414: "invalid_key"}
    assert raw(gate, f"GET /downloads/{path} HTTP/1.1", "Authorization: Bearer secret-of-all")[:2] == (status, codes[status])


def test_a_doubly_encoded_key_is_another_key(gate, s3):
    """It is decoded once, and the store decodes the URL once: the dots are never a path."""
    s3.put_object(Bucket="gated", Key="web/%2e%2e/x", Body=b"hello")
    assert send(gate.ask("GET", "/downloads/web/%252e%252e/x")[1]["Location"])[2] == b"hello"


# ---- who may do what ----

def test_a_token_is_required(gate):
    status, headers, _ = gate.ask("POST", "/uploads", {}, token=None)
    assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")
    for token in ("wrong", "", "secret-of-al", "secret-of-all2", sha256(b"secret-of-all").hexdigest()):
        assert gate.refused("GET", "/downloads/web/a", token=None, Authorization=f"Bearer {token}") == (401, "unauthorized")
    for header in ("Basic secret-of-all", "secret-of-all", "Bearer"):
        assert gate.refused("GET", "/downloads/web/a", token=None, Authorization=header) == (401, "unauthorized")
    assert gate.refused("GET", "/downloads/web/a?token=secret-of-all", token=None)[0] == 401  # URLs end up in logs
    assert gate.ask("GET", "/downloads/web/a", token=None, Authorization="bearer secret-of-all")[0] == 302


@pytest.fixture
def limited(cloud, gate, tmp_path):
    """A gate whose tokens the test writes."""
    gates = []

    def begin(tokens, *arguments, **options):
        (tmp_path / "tokens.json").write_text('{"tokens": []}')
        gates.append(Gate(cloud, tmp_path, "--uploads", "s3://gated/input/", "--downloads", "s3://gated/web/", *arguments, **options))
        gates[-1].write(tokens)
        gates[-1].wait_for("tokens were read again")
        return gates[-1]

    yield begin
    for process in gates:
        assert process.stop() == 0
        harness.assert_healthy(process.output())


def test_scopes_limits_and_a_new_token_file(limited):
    """One gate for all of these, since each change of its file takes up to a second."""
    gate = limited({"in": {"scopes": ["upload"], "max_size": "1K", "content_types": ["image/png"]}, "out": {"scopes": ["download"]},
                    "few": {"scopes": ["download"], "per_minute": 2}, "old": {"scopes": ["download"], "expires": "2020-01-01T00:00:00Z"}})
    assert gate.refused("GET", "/downloads/web/a", token="in") == (403, "forbidden")
    assert gate.refused("POST", "/uploads", {}, token="out") == (403, "forbidden")
    assert gate.refused("GET", "/downloads/web/a", token="old") == (401, "unauthorized")
    assert gate.ask("GET", "/downloads/web/a", token="out")[0] == 302
    assert gate.upload(token="in", content_type="image/png", size=1024)["size"] == 1024
    gate.upload(413, token="in", content_type="image/png", size=1025)
    gate.upload(415, token="in")

    assert [gate.ask("GET", "/downloads/web/a", token="few")[0] for _ in range(3)] == [302, 302, 429]
    status, headers, answer = gate.ask("GET", "/downloads/web/a", token="few")
    assert status == 429 and 1 <= int(headers["Retry-After"]) <= 31 and answer["error"]["code"] == "rate_limited"
    assert gate.ask("GET", "/downloads/web/a", token="out")[0] == 302  # others are not affected

    gate.file.write_text("{")  # a mistake changes nothing
    gate.wait_for("the token file is not valid")
    assert gate.ask("GET", "/downloads/web/a", token="out")[0] == 302
    before = len(gate.lines)
    gate.write({"new": {"scopes": ["download"]}, "few": {"scopes": ["download"], "per_minute": 2}})
    gate.wait_for("tokens were read again", after=before)
    assert gate.ask("GET", "/downloads/web/a", token="new")[0] == 302
    assert gate.refused("GET", "/downloads/web/a", token="secret-of-out") == (401, "unauthorized")
    assert gate.refused("GET", "/downloads/web/a", token="few") == (429, "rate_limited")  # nothing is forgiven


def test_a_url_expires(limited):
    gate = limited({"a": {"scopes": ["upload"]}}, "--expires", "1s")
    answer = gate.upload(token="a")
    until(lambda: send(answer["url"], "PUT", b"hello", answer["headers"])[0] == 403, "an expired URL is refused")


def test_a_token_is_made_once_and_is_not_in_the_file(gate, tmp_path):
    made = thumbwheel("gate", "--tokens", tmp_path / "t.json", "--add-token", "camera-7", "--scopes", "upload,download")
    token = made.stdout.strip()
    assert made.returncode == 0 and re.fullmatch(r"tw_[\w-]{43}", token) and made.stderr == ""
    assert (tmp_path / "t.json").stat().st_mode & 0o777 == 0o600 and token not in (tmp_path / "t.json").read_text()
    entry, = json.loads((tmp_path / "t.json").read_text())["tokens"]
    assert entry["name"] == "camera-7" and entry["sha256"] == sha256(token.encode()).hexdigest() and entry["scopes"] == ["upload", "download"]
    again = thumbwheel("gate", "--tokens", tmp_path / "t.json", "--add-token", "camera-7")
    assert again.returncode == 2 and "name must be different" in again.stderr and again.stdout == ""


# ---- pages ----

def test_pages_of_allowed_origins_may_call(gate):
    status, headers, _ = gate.ask("OPTIONS", "/uploads", token=None, Origin=ORIGIN, Access_Control_Request_Method="POST",
                                  Access_Control_Request_Headers="authorization,content-type")
    assert status == 204 and headers["Access-Control-Allow-Origin"] == ORIGIN and headers["Vary"] == "Origin"
    assert "POST" in headers["Access-Control-Allow-Methods"] and "Authorization" in headers["Access-Control-Allow-Headers"]
    status, headers, _ = gate.ask("POST", "/uploads", {"content_type": "image/png", "size": 1}, Origin="http://localhost:3000")
    assert status == 201 and headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    status, headers, _ = gate.ask("POST", "/uploads", {}, token=None, Origin=ORIGIN)  # a page can read errors
    assert status == 401 and headers["Access-Control-Allow-Origin"] == ORIGIN and "Retry-After" in headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example", ""])
def test_pages_of_other_origins_may_not(gate, origin):
    status, headers, _ = gate.ask("OPTIONS", "/uploads", token=None, Origin=origin, Access_Control_Request_Method="POST")
    assert status == 403 and headers["Access-Control-Allow-Origin"] is None
    assert gate.ask("POST", "/uploads", {"content_type": "image/png", "size": 1}, Origin=origin)[1]["Access-Control-Allow-Origin"] is None


# ---- hostile clients ----

def raw(gate, *lines, body=b""):
    """(status, the error's code, all bytes) of a request in these lines."""
    with closing(socket.create_connection(("127.0.0.1", gate.port), timeout=60)) as connection:
        connection.sendall("\r\n".join([*lines, "Host: gate", "Connection: close", "", ""]).encode("latin-1") + body)
        received = b""
        while data := connection.recv(65536):
            received += data
    head, _, text = received.partition(b"\r\n\r\n")
    try:
        code = json.loads(text)["error"]["code"]
    except (ValueError, KeyError):
        code = None
    return int(head.split()[1]), code, received


def test_large_requests_are_refused(gate):
    head = ("POST /uploads HTTP/1.1", "Authorization: Bearer secret-of-all", "Content-Type: application/json")
    assert raw(gate, *head, "Content-Length: 1000000")[:2] == (413, None)  # the connection's limit
    assert raw(gate, *head, "Content-Length: 50000")[:2] == (413, "request_too_large")
    assert raw(gate, *head, "Transfer-Encoding: chunked", body=b"1388\r\n" + b" " * 5000 + b"\r\n0\r\n\r\n")[0] == 413
    assert raw(gate, "GET /downloads/web/" + "a" * 20000 + " HTTP/1.1")[0] == 431
    assert raw(gate, "GET / HTTP/1.1", *(f"X-{i}: {'x' * 1000}" for i in range(20)))[0] == 431
    assert gate.ask("GET", "/livez", token=None)[0] == 200


def test_slow_clients_hold_up_nobody(gate):
    """They wait in the middle of a head and of a body; others are served meanwhile."""
    starts = [b"POST /upl", b"POST /uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret-of-all\r\nContent-Type: application/json\r\n"
              b"Content-Length: 100\r\n\r\n{"]
    slow = [socket.create_connection(("127.0.0.1", gate.port)) for _ in range(20) for _ in starts]
    for i, connection in enumerate(slow):
        connection.sendall(starts[i % 2])
    assert gate.upload()["key"]
    for connection in slow[:2]:  # they are told, and disconnected
        connection.settimeout(60)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")
    for connection in slow:
        connection.close()


def test_other_paths_and_methods(gate):
    assert gate.refused("GET", "/") == (404, "not_found")
    assert gate.refused("GET", "/downloads") == (404, "not_found")
    assert gate.refused("POST", "/uploads/x", {}) == (404, "not_found")
    status, headers, _ = gate.ask("GET", "/uploads")
    assert status == 405 and headers["Allow"] == "POST"
    assert gate.ask("DELETE", "/downloads/web/a")[0] == 405
    assert raw(gate, "GARBAGE")[0] in (400, 501)


# ---- the service ----

def test_health(gate):
    assert gate.ask("GET", "/livez", token=None)[::2] == (200, {"ok": True})
    assert gate.ask("GET", "/readyz", token=None)[::2] == (200, {"ok": True})


def test_many_at_once(gate):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(gate.upload())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["key"] for answer in answers}) == 20


def test_sigterm_finishes_pending_requests(limited):
    gate = limited({"a": {"scopes": ["upload"]}}, "--metrics", "127.0.0.1:0")
    monitor = "http://127.0.0.1:" + gate.wait_for(r"metrics are served.*port=(\d+)").group(1)
    assert send(monitor + "/readyz")[0] == 200
    body = json.dumps({"content_type": "image/png", "size": 1}).encode()
    with closing(socket.create_connection(("127.0.0.1", gate.port), timeout=60)) as connection:
        connection.sendall(b"POST /uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret-of-a\r\nContent-Type: application/json\r\n"
                           b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")  # it is pending
        assert 'thumbwheel_gate_requests_total{result="upload"} 0' in send(monitor + "/metrics")[2].decode()
        gate.process.send_signal(signal.SIGTERM)
        gate.wait_for("gate is draining")
        assert send(gate.url + "/readyz")[0] == 503
        status, headers, answer = gate.ask("GET", "/downloads/web/a")
        assert (status, answer["error"]["code"]) == (503, "stopping") and headers["Retry-After"]
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 201")
    assert gate.wait() == 0


def test_a_gate_beside_the_engine(cloud, gate, tmp_path, sqs):
    (tmp_path / "idle.yaml").write_text(harness.PIPELINE_IDLE)
    harness.make_queue(sqs, "idle-queue")
    beside = Gate(cloud, tmp_path, "--uploads", "s3://gated/input/", "--pipelines", tmp_path / "idle.yaml", "--wait", "1s",
                  command=("run", "--gate", "127.0.0.1:0"))
    beside.wait_for("engine started")
    answer = beside.upload()
    assert send(answer["url"], "PUT", b"hello", answer["headers"])[0] == 200
    assert beside.refused("GET", "/downloads/web/a") == (404, "not_found")  # not configured
    assert beside.stop() == 0
    harness.assert_healthy(beside.output())


def test_a_gate_serves_tls(limited, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=gate", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    gate = limited({"a": {"scopes": ["upload"]}}, "--gate-cert", certificate, "--gate-key", key)
    assert "scheme=https" in gate.output()
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", certificate, "-H", "Authorization: Bearer secret-of-a", "-H",
                           "Content-Type: application/json", "-d", '{"content_type": "image/png", "size": 1}',
                           f"https://127.0.0.1:{gate.port}/uploads"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["method"] == "PUT"


def test_a_store_that_cannot_be_reached_is_unavailable(cloud, gate, start, tmp_path):
    """Requests get 503, and the gate keeps serving."""
    tokens = tmp_path / "tokens.json"
    tokens.write_text(gate.file.read_text())
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        lonely = start("gate", "--listen", "127.0.0.1:0", "--tokens", tokens, "--uploads", "s3://gated/input/",
                       environment=aws_environment(f"http://127.0.0.1:{closed.getsockname()[1]}"))
        port = lonely.wait_for(r"gate is listening.*\bport=(\d+)").group(1)
        lonely.wait_for("requests try again")
        status, headers, text = send(f"http://127.0.0.1:{port}/uploads", "POST", b'{"content_type": "image/png", "size": 1}',
                                     {"Authorization": "Bearer secret-of-all", "Content-Type": "application/json"})
        assert status == 503 and headers["Retry-After"] and json.loads(text)["error"]["code"] == "unavailable"


@pytest.mark.parametrize("arguments, text", [
    ((), "--tokens FILE"), (("--tokens", "TOKENS"), "--uploads s3://BUCKET/PREFIX/"), (("--tokens", "nowhere", "--uploads", "s3://gated/"), "nowhere"),
    (("--tokens", "TOKENS", "--uploads", "s3://gated/input"), "must end with a slash"), (("--tokens", "TOKENS", "--uploads", "gated"), "s3://"),
    (("--tokens", "TOKENS", "--downloads", "s3://gated/a/,,"), "between two commas"),
    (("--tokens", "TOKENS", "--uploads", "s3://gated/", "--cors-origin", "https://a.example/path"), "without a path"),
    (("--tokens", "TOKENS", "--uploads", "s3://gated/", "--gate-cert", "c.pem"), "belong together"),
    (("--tokens", "TOKENS", "--uploads", "s3://gated/", "--listen", "localhost"), "--listen"),
    (("--tokens", "TOKENS", "--uploads", "s3://gated/", "--expires", "8d"), "from 1s to 7d"),
    (("--add-token", "a"), "--add-token needs --tokens"), (("--tokens", "x.json", "--add-token", "a", "--scopes", "all"), "--scopes"), (("x",), "no argument")])
def test_mistakes_are_explained(cloud, gate, arguments, text):
    arguments = [str(gate.file) if argument == "TOKENS" else argument for argument in arguments]
    done = thumbwheel("gate", "--listen", "127.0.0.1:0", *arguments, environment=aws_environment(cloud.endpoint))
    assert done.returncode in (1, 2) and text in done.stderr and done.stdout == ""


def test_a_bucket_that_does_not_exist_is_reported_at_start(cloud, gate):
    done = thumbwheel("gate", "--listen", "127.0.0.1:0", "--tokens", gate.file, "--uploads", "s3://gated/", "--downloads", "s3://nowhere-x/",
                      environment=aws_environment(cloud.endpoint))
    assert done.returncode == 1 and "nowhere-x" in done.stderr


def test_no_secret_is_logged(gate):
    """Even with every line of the log, after all the requests above."""
    gate.upload()
    gate.upload(method="POST")
    gate.ask("GET", "/downloads/web/a.jpg")
    gate.ask("GET", "/downloads/web/a.jpg", token="a-wrong-token")
    gate.wait_for("download granted.*a.jpg")
    log = gate.output()
    assert "upload granted" in log and "connection state" in log
    assert not any(secret in log for secret in [SECRET_KEY, "a-wrong-token", *gate.secrets.values()]) and not SIGNATURE.search(log)
