"""Who may use the gallery: links, users, sessions, and pages and peers that mean harm. With plain HTTP."""
import gzip
import http.client
import json
import os
import pty
import re
import signal
import socket
import ssl
import stat
import subprocess
import time
import urllib.parse
from base64 import b64decode, b64encode
from contextlib import closing
from hashlib import scrypt

import pytest

import harness
from gallery import LINK, Gallery
from harness import aws_environment, thumbwheel, until

PASSWORD = "correct horse battery"


def link_of(process, after=0):
    return process.wait_for(LINK, after=after).group(1)


def add_user(file, name, password=PASSWORD):
    done = subprocess.run([harness.PROGRAM, "gallery", *(["--users", str(file)] if file else []), "--add-user", name], input=password + "\n",
                          env=harness.clean_environment(), capture_output=True, text=True, timeout=60)
    harness.assert_healthy(done.stderr)
    return done


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("security")
    photo = folder / "warm-up.jpg"
    photo.write_bytes(harness.jpeg(32, 24))
    cloud = harness.Cloud(folder / "data", "--gallery", "127.0.0.1:0", photo)
    cloud.gallery = Gallery.of(cloud)
    yield cloud
    cloud.stop()
    harness.assert_healthy(cloud.output())


def raw(gallery, request, read=65536):
    """Bytes as they are; the beginning of the response."""
    host, port = gallery.address.rsplit(":", 1)
    with closing(socket.create_connection((host, int(port)), timeout=60)) as peer:
        peer.sendall(request)
        return peer.recv(read)


# ---- links and sessions ----

def test_a_link_logs_in_once(world):
    gallery = world.gallery
    assert gallery.login.status == 204 and gallery.get("/api/session")["user"] == "owner"
    again = Gallery(link_of(world))
    assert (again.login.status, again.login.error) == (403, "link_used") and again.cookie is None
    for token in ("", "0" * 64, link_of(world).partition("=")[2][:-1], "x" * 100000):
        assert gallery.call("POST", "/api/login", {"token": token}, Cookie=None).status == 403


def test_who_is_logged_in_makes_links_for_others(world):
    made = world.gallery.post("/api/links")
    other = Gallery(made["url"])
    assert other.login.status == 204 and other.get("/api/session")["user"] == "owner"
    assert Gallery(made["url"]).login.status == 403
    assert 9 * 60 < made["expires"] / 1000 - time.time() < 11 * 60
    first = world.gallery.post("/api/links")["url"]
    for _ in range(16):  # so many are kept
        last = world.gallery.post("/api/links")["url"]
    assert Gallery(first).login.status == 403 and Gallery(last).login.status == 204


def test_the_cookie_is_for_this_page_only(world):
    cookie = world.gallery.login.headers["set-cookie"]
    port = urllib.parse.urlsplit(world.gallery.origin).port
    assert cookie.startswith(f"thumbwheel_session_{port}=")
    assert set(cookie.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=604800"}


def test_nothing_without_a_session(world):
    for method, path in (("GET", "/api/session"), ("POST", "/api/links"), ("POST", "/api/logout"), ("POST", "/api/uploads"),
                         ("POST", "/api/uploads/parts"), ("POST", "/api/uploads/complete"), ("POST", "/api/uploads/abort")):
        answer = world.gallery.call(method, path, {} if method == "POST" else None, Cookie=None)
        assert (answer.status, answer.error) == (401, "not_logged_in"), path


def test_a_cookie_cannot_be_made_or_changed(world):
    name, _, value = world.gallery.cookie.partition("=")
    fields = value.split(":")
    assert len(fields) == 6

    def status(text, separator="="):
        return world.gallery.call("GET", "/api/session", Cookie=f"{name}{separator}{text}").status

    assert status(value) == 200
    forged = [fields[:i] + ["other" if i == 1 else "9" * len(fields[i])] + fields[i + 1:] for i in range(6)]
    for text in (*map(":".join, forged), value[:-1], value + "0", "", ":::::", value.upper(), fields[5], value[::-1], "x" * 10000):
        assert status(text) == 401, text
    assert world.gallery.call("GET", "/api/session", Cookie=f"x{name}={value}").status == 401
    assert world.gallery.call("GET", "/api/session", Cookie=f"a=b; {name}={value};c=d").status == 200


def test_logging_out_ends_the_session_for_good(start, tmp_path):
    photo = tmp_path / "warm-up.jpg"
    photo.write_bytes(harness.jpeg(32, 24))

    def begin(port):
        return start("local", "--data", tmp_path / "data", "--out", tmp_path / "out", "--port", "0", "--gallery", f"127.0.0.1:{port}", photo)

    process = begin(0)
    leaver = Gallery.of(process)
    stayer = Gallery(leaver.post("/api/links")["url"])
    answer = leaver.call("POST", "/api/logout", {})
    assert answer.status == 204 and "Max-Age=0" in answer.headers["set-cookie"]
    assert leaver.call("GET", "/api/session").status == 401
    assert stayer.call("GET", "/api/session").status == 200
    assert process.stop() == 0
    process = begin(stayer.address.rsplit(":", 1)[1])
    link_of(process)
    assert stayer.call("GET", "/api/session").status == 200  # sessions survive a restart
    assert leaver.call("GET", "/api/session").status == 401  # and so do their ends
    for name in ("session-key", "ended-sessions"):
        assert stat.S_IMODE((tmp_path / "data/gallery" / name).stat().st_mode) == 0o600
    assert process.stop() == 0
    (tmp_path / "data/gallery/session-key").unlink()
    begin(stayer.address.rsplit(":", 1)[1]).wait_for(LINK)
    assert stayer.call("GET", "/api/session").status == 401  # another key


def test_a_key_that_others_can_read_is_refused(start, tmp_path):
    folder = tmp_path / "data/gallery"
    folder.mkdir(parents=True)
    (folder / "session-key").write_bytes(bytes(32))
    (folder / "session-key").chmod(0o644)
    process = start("local", "--data", tmp_path / "data", "--port", "0", "--cloud-only", "--gallery", "127.0.0.1:0")
    assert process.wait() == 2 and "can't sign sessions; remove it" in process.output()
    (folder / "session-key").write_bytes(bytes(31))
    (folder / "session-key").chmod(0o600)
    process = start("local", "--data", tmp_path / "data", "--port", "0", "--cloud-only", "--gallery", "127.0.0.1:0")
    assert process.wait() == 2 and "not a key of the gallery" in process.output()


# ---- users ----

def bare(data):
    return b64encode(data).decode().rstrip("=")


@pytest.fixture
def accounts(tmp_path):
    """A file with alice and bob, whose passwords are as cheap to check as the format allows for, so that each test takes less."""
    salt = b"sixteen bytes..."
    key = scrypt(PASSWORD.encode(), salt=salt, n=2**10, r=8, p=1, dklen=32)
    users = [{"name": name, "password": f"$scrypt$ln=10,r=8,p=1${bare(salt)}${bare(key)}"} for name in ("alice", "bob")]
    (tmp_path / "users.json").write_text(json.dumps({"users": users}))
    return tmp_path / "users.json"


@pytest.fixture
def serve(start, world, accounts):
    """Starts `thumbwheel gallery` with users, on the photos of a cloud."""
    return lambda *arguments: Served(start, world, accounts, *arguments)


class Served:
    def __init__(self, start, cloud, users, *arguments):
        self.users = users
        self.process = start("gallery", "--users", self.users, "--listen", "127.0.0.1:0", "--photos", "s3://photos/ingest/", "--gallery-data",
                             users.parent / "gallery", *arguments, environment=aws_environment(cloud.endpoint))
        self.address = link_of(self.process)

    def login(self, user="alice", password=PASSWORD):
        return Gallery(self.address, user, password)


@pytest.fixture
def served(serve):
    return serve()


def test_a_user_logs_in_with_a_password(served):
    assert "token" not in served.address
    alice = served.login()
    assert alice.login.status == 204 and alice.get("/api/session")["user"] == "alice"
    assert alice.get("/api/session")["features"]["engine"] is False
    other = Gallery(alice.post("/api/links")["url"])
    assert other.get("/api/session")["user"] == "alice"
    assert PASSWORD not in served.process.output()


def test_a_wrong_password_does_not_tell_which_was_wrong(serve, accounts):
    assert add_user(accounts, "alice").returncode == 0  # at the usual cost, that of users who do not exist
    served, took, answers = serve(), [], []
    for user, password in (("alice", "wrong-password"), ("nobody-here", PASSWORD), ("ALICE", PASSWORD), ("alice", "")):
        began = time.monotonic()
        answers.append(served.login(user, password).login)
        took.append(time.monotonic() - began)
    assert {(answer.status, answer.error, answer.body) for answer in answers} == {(403, "wrong_password", answers[0].body)}
    assert min(took) > max(took) / 20  # each has been compared with something


def test_attempts_are_limited_by_name_and_by_address(served):
    statuses = [served.login("alice", "wrong-password").login.status for _ in range(6)]
    assert statuses == [403] * 5 + [429]
    refused = served.login("bob").login  # from the same address
    assert refused.status == 429 and refused.error == "too_many_attempts" and 1 <= int(refused.headers["retry-after"]) <= 10


def test_right_passwords_do_not_count(served):
    for _ in range(6):  # more than the wrong ones that are allowed
        assert served.login().login.status == 204


def test_many_log_in_at_once(served):
    peers = []
    for _ in range(5):
        peer = http.client.HTTPConnection(served.address.partition("//")[2].rstrip("/"), timeout=120)
        peer.request("POST", "/api/login", json.dumps({"user": "alice", "password": PASSWORD}),
                     {"Origin": served.address.rstrip("/"), "Content-Type": "application/json"})
        peers.append(peer)
    peers.pop().close()  # one leaves
    assert [peer.getresponse().status for peer in peers] == [204] * 4


def test_a_changed_or_removed_user_is_logged_out(served):
    alice, bob = served.login("alice"), served.login("bob")
    assert add_user(served.users, "alice", "another password").returncode == 0
    until(lambda: alice.call("GET", "/api/session").status == 401, "the old password's session ends")
    assert bob.call("GET", "/api/session").status == 200
    assert served.login("alice").login.status == 403 and served.login("alice", "another password").login.status == 204
    document = json.loads(served.users.read_text())
    document["users"] = [user for user in document["users"] if user["name"] != "bob"]
    served.users.write_text(json.dumps(document))
    until(lambda: bob.call("GET", "/api/session").status == 401, "the removed user's session ends")
    served.users.write_text("{")
    served.process.wait_for("the file of users is not valid; the old users remain")
    assert served.login("alice", "another password").login.status == 204


def test_the_file_has_no_password(tmp_path):
    users = tmp_path / "users.json"
    assert add_user(users, "alice").returncode == 0
    assert stat.S_IMODE(users.stat().st_mode) == 0o600 and PASSWORD not in users.read_text()
    [user] = json.loads(users.read_text())["users"]
    assert user["name"] == "alice" and re.fullmatch(r"\$scrypt\$ln=17,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", user["password"])
    for name, password, text in (("a b", PASSWORD, "1 to 64"), ("x" * 65, PASSWORD, "1 to 64"),
                                 ("carol", "short", "8 to 1024 bytes"), ("carol", "x" * 1025, "8 to 1024")):
        done = add_user(users, name, password)
        assert done.returncode == 2 and text in done.stderr
    assert add_user(None, "x").returncode == 2
    assert len(json.loads(users.read_text())["users"]) == 1


def test_scrypt_is_that_of_others(tmp_path):
    """Python's hashlib makes the same hash."""
    users = tmp_path / "users.json"
    assert add_user(users, "alice").returncode == 0
    _, _, parameters, salt, key = json.loads(users.read_text())["users"][0]["password"].split("$")
    assert parameters == "ln=17,r=8,p=1"
    assert scrypt(PASSWORD.encode(), salt=b64decode(salt + "=="), n=2**17, r=8, p=1, maxmem=2**28, dklen=32) == b64decode(key + "=")


def test_a_terminal_does_not_show_the_password(tmp_path):
    leader, follower = pty.openpty()
    process = subprocess.Popen([harness.PROGRAM, "gallery", "--users", str(tmp_path / "users.json"), "--add-user", "alice"],
                               stdin=follower, stdout=follower, stderr=follower, env=harness.clean_environment())
    shown = b""
    while b"Password: " not in shown:
        shown += os.read(leader, 1000)
    os.write(leader, PASSWORD.encode() + b"\n")
    assert process.wait(60) == 0
    os.set_blocking(leader, False)
    try:
        shown += os.read(leader, 1000)
    except OSError:  # nothing more
        pass
    assert PASSWORD.encode() not in shown
    os.close(leader)
    os.close(follower)


def test_others_can_reach_it_only_with_users(tmp_path):
    done = thumbwheel("local", "--data", tmp_path / "data", "--port", "0", "--gallery", "0.0.0.0:0", "--cloud-only")
    assert done.returncode == 2 and "needs --users FILE" in done.stderr


# ---- pages and names ----

def test_other_host_names_are_refused(world):
    port = world.gallery.address.rsplit(":", 1)[1]
    for host in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", "127.0.0.1.evil.example", "", "[::1", f"[evil]:{port}"):
        answer = world.gallery.call("GET", "/", Host=host)
        assert (answer.status, answer.error) == (421, "unknown_host"), host
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "localhost:8080"):
        assert world.gallery.call("GET", "/", Host=host).status == 200, host


def test_other_pages_cannot_change_anything(world):
    port = world.gallery.address.rsplit(":", 1)[1]
    for origin in (None, "null", "https://evil.example", "http://127.0.0.1:1", f"https://127.0.0.1:{port}", f"http://localhost:{port}",
                   world.gallery.origin + ".evil.example", ""):
        answer = world.gallery.call("POST", "/api/links", {}, Origin=origin)
        assert (answer.status, answer.error) == (403, "foreign_page"), origin
    for site in ("cross-site", "same-site", "none", "x"):
        assert world.gallery.call("POST", "/api/links", {}, Sec_Fetch_Site=site).status == 403, site
    assert world.gallery.call("POST", "/api/links", {}, Sec_Fetch_Site=None).status == 200  # older browsers


def test_other_pages_cannot_read_anything(world):
    for site in ("cross-site", "same-site"):
        assert world.gallery.call("GET", "/api/session", Sec_Fetch_Site=site).status == 403
    answer = world.gallery.call("GET", "/api/session", Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert world.gallery.call("OPTIONS", "/api/session", Origin="https://evil.example").status == 405


def test_a_form_is_not_json(world):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", None):
        answer = world.gallery.call("POST", "/api/links", b"{}", Content_Type=kind)
        assert (answer.status, answer.error) == (415, "not_json"), kind
    for body in (b"[]", b"{", b"1", b'{"a": 1, "a": 2}', b"\xff", b"null", b"[" * 100000):
        answer = world.gallery.call("POST", "/api/links", body, Content_Type="application/json; charset=utf-8")
        assert (answer.status, answer.error) == (400, "not_json"), body[:10]


def test_every_response_has_the_headers(world):
    store = urllib.parse.urlsplit(world.endpoint)
    for path in ("/", "/api/session", "/absent", "/assets/absent.js"):
        headers = world.gallery.call("GET", path).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
        assert policy["connect-src"] == f"'self' http://{store.netloc}" and policy["img-src"] == f"'self' blob: data: http://{store.netloc}"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'" and "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    assert world.gallery.call("GET", "/api/session").headers["cache-control"] == "no-store"


def test_the_page_comes_compressed_and_is_asked_for_again(world):
    plain = world.gallery.call("GET", "/")
    packed = world.gallery.call("GET", "/", Accept_Encoding="gzip, br")
    assert plain.headers["content-type"] == "text/html; charset=utf-8" and "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert world.gallery.call("GET", "/", Accept_Encoding="gzip;q=0").body == plain.body
    assert packed.headers["vary"] == "Accept-Encoding" and packed.headers["cache-control"] == "no-cache"
    known = world.gallery.call("GET", "/", If_None_Match=plain.headers["etag"])
    assert known.status == 304 and known.body == b""
    assert world.gallery.call("HEAD", "/").headers["content-length"] == str(len(plain.body))
    assert world.gallery.call("GET", "/index.html").body == plain.body


@pytest.mark.parametrize("path", ["/../gallery.c", "/%2e%2e/gallery.c", "/assets/../../gallery.c", "/assets/%2e%2e%2findex.html", "//index.html", "/index.html/",
                                  "/INDEX.HTML", "/api", "/api/", "/api/session/", "/api/sessions", "/etc/passwd", "/session-key", "/assets", "/assets/"])
def test_there_is_nothing_else(world, path):
    assert world.gallery.call("GET", path).status == 404


def test_requests_have_limits(world):
    gallery = world.gallery
    assert gallery.call("POST", "/api/links", b"{" + b" " * (1024 * 1024) + b"}").status == 413
    assert gallery.call("GET", "/api/session?" + "a=1&" * 33).status == 400
    assert gallery.call("GET", "/api/session?" + "a" * 40000).status == 431
    for query in ("a=%zz", "a=%", "%00=1", "a=%ff", "a=%0a"):
        assert gallery.call("GET", "/api/session?" + query).error == "invalid_address", query
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        answer = gallery.call(method, "/api/session")
        assert answer.status == 405 and answer.headers["allow"] == "GET"
    assert gallery.call("PUT", "/").status == 404
    assert b" 400 " in raw(gallery, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").split(b"\r\n")[0] + b" "
    assert gallery.call("GET", "/api/session").status == 200


def test_a_name_behind_a_proxy_is_allowed_when_it_is_given(serve):
    served = serve("--gallery-origin", "https://photos.example.com,http://other.example:8080")
    assert served.address == "https://photos.example.com"
    port = served.process.wait_for(r"gallery is listening.*port=(\d+)").group(1)
    served.address = f"http://127.0.0.1:{port}/"
    alice = served.login()
    proxied = dict(Host="photos.example.com", Origin="https://photos.example.com")
    answer = alice.call("POST", "/api/login", {"user": "alice", "password": PASSWORD}, Cookie=None, **proxied)
    assert answer.status == 204 and "; Secure" in answer.headers["set-cookie"]
    assert alice.call("POST", "/api/links", {}, **proxied).json["url"].startswith("https://photos.example.com/#token=")
    assert alice.call("POST", "/api/links", {}, Host="photos.example.com", Origin="http://photos.example.com").status == 403
    assert alice.call("GET", "/", Host="other.example").status == 421 and alice.call("GET", "/", Host="other.example:8080").status == 200


def test_over_https_the_cookie_is_secure(serve, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    served = serve("--gallery-cert", certificate, "--gallery-key", key)
    assert served.address.startswith("https://")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    peer = http.client.HTTPSConnection(served.address.partition("//")[2].rstrip("/"), context=context, timeout=60)
    peer.request("POST", "/api/login", json.dumps({"user": "alice", "password": PASSWORD}),
                 {"Origin": served.address.rstrip("/"), "Content-Type": "application/json"})
    response = peer.getresponse()
    assert response.status == 204 and "; Secure" in response.getheader("set-cookie")


# ---- start and end ----

def test_the_next_port_serves_if_the_usual_one_is_taken(start, tmp_path):
    processes = [start("local", "--data", tmp_path / str(i), "--port", "0", "--cloud-only") for i in range(2)]
    ports = {urllib.parse.urlsplit(link_of(process)).port for process in processes}
    assert len(ports) == 2
    done = thumbwheel("local", "--data", tmp_path / "third", "--port", "0", "--cloud-only", "--gallery", f"127.0.0.1:{ports.pop()}")
    assert done.returncode == 1 and "in use" in done.stderr
    off = start("local", "--data", tmp_path / "off", "--port", "0", "--cloud-only", "--gallery", "off")
    off.wait_for("Serving")
    assert "Gallery:" not in off.output()


def test_the_places_must_exist_and_be_named(start, world, tmp_path):
    options = ("gallery", "--listen", "127.0.0.1:0", "--gallery-data", tmp_path / "gallery")
    environment = aws_environment(world.endpoint)
    anywhere = tmp_path / "anywhere.yaml"
    anywhere.write_text("name: any\nqueue: any-queue\noutputs:\n  - { key: \"small/{name}\", width: 16 }\nmatch: { prefix: in/ }\n")
    done = thumbwheel(*options, "--pipelines", anywhere, environment=environment, timeout=60)
    assert done.returncode == 2 and "name those of the gallery with --photos" in done.stderr
    done = thumbwheel(*options, "--photos", "s3://absent-bucket/ingest/", environment=environment, timeout=60)
    assert done.returncode == 1 and "absent-bucket" in done.stderr
    for wrong in ("photos", "s3://photos/ingest", "s3:///x/", "s3://photos/a/,,s3://photos/b/"):
        assert thumbwheel(*options, "--photos", wrong, environment=environment, timeout=60).returncode == 2


def test_it_is_ready_without_an_engine(serve):
    served = serve("--metrics", "127.0.0.1:0")
    port = served.process.wait_for(r"metrics are served.*port=(\d+)").group(1)
    until(lambda: harness.http(f"http://127.0.0.1:{port}/readyz")[0] == 200, "the gallery is ready")
    assert harness.http(f"http://127.0.0.1:{port}/livez")[0] == 200
    assert served.login().get("/api/session")
    metrics = harness.http(f"http://127.0.0.1:{port}/metrics")[2].decode()
    assert 'thumbwheel_gallery_requests_total{status="2xx"} 2' in metrics


def test_it_ends_at_a_signal_while_people_use_it(served):
    alice = served.login()
    host, port = alice.address.rsplit(":", 1)
    with closing(socket.create_connection((host, int(port)))) as idle:
        idle.sendall(b"POST /api/login HTTP/1.1\r\nHost: localhost\r\n")  # not all of it
        pending = http.client.HTTPConnection(alice.address)
        pending.request("POST", "/api/login", json.dumps({"user": "bob", "password": PASSWORD}),
                        {"Origin": alice.origin, "Content-Type": "application/json"})
        events = alice.follow()
        served.process.process.send_signal(signal.SIGTERM)
        assert served.process.wait() == 0
        until(lambda: events.ended, "the stream ends")


def test_run_serves_it_beside_the_engine(start, world, tmp_path):
    engine = start("run", "--gallery", "127.0.0.1:0", "--photos", "s3://photos/ingest/", "--gallery-data", tmp_path / "gallery",
                   environment=aws_environment(world.endpoint))
    gallery = Gallery.of(engine)
    until(lambda: gallery.get("/api/session")["features"]["engine"], "the engine has started")
    assert gallery.get("/api/session")["places"] == [{"bucket": "photos", "prefix": "ingest/"}]
    assert engine.stop() == 0
