"""Shared by the outside tests: the program as a process, third-party clients, pictures.

The program is a black box here: it is reached by its command line, its output, its files and its port. Nothing sleeps
for a fixed time; until() asks a condition again where there is no event to wait for.
"""
import fcntl
import functools
import io
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import termios
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from contextlib import closing
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from PIL import Image

import shapes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import sanitizers  # noqa: E402

for _name, _value in sanitizers.OPTIONS.items():  # the same options as in a run of all tests
    os.environ.setdefault(_name, _value)

PROGRAM = os.environ.get("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))
AWS_CLI = "/usr/bin/aws"  # Debian's; one in the PATH may have any version
ACCESS_KEY, SECRET_KEY, REGION, ACCOUNT = "thumbwheel", "thumbwheel-secret", "us-east-1", "000000000000"
PATIENCE_S = 120  # long, because sanitizers and a busy machine are slow

PIPELINE_IDLE = """name: idle
queue: idle-queue
match: { bucket: photos, prefix: ingest/warm-up }
outputs:
  - { key: "idle/{name}", width: 16, format: jpeg }
"""


def until(condition, what, timeout=PATIENCE_S, pause=0.02):
    """The condition's first true value. It is asked again after a pause in seconds, and the less often, the longer it has taken."""
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"after {timeout} s still not so: {what}")
        time.sleep(max(pause, min(waited / 10, 0.5)))
    return value


def free_port():
    """For a server that is restarted: outside the ephemeral range, so that no other process gets it while the server is
    down."""
    while True:
        port = random.randrange(15000, 30000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def make_certificate(folder, *names):
    """Paths of a certificate, which is its own authority, and of its key; names: host names and addresses."""
    folder = Path(folder)
    kinds = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=here", "-addext", f"subjectAltName={kinds}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True, timeout=60)
    return folder / "cert.pem", folder / "key.pem"


# ---- the program ----

_home = None


def set_home(path):
    """The home directory of the program under test, one for this test run."""
    global _home
    _home = str(path)


def clean_environment(**more):
    """No AWS setting, proxy or THUMBWHEEL_ variable of the caller's reaches the program under test, nor does the metadata
    service of the machine that runs the tests."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "THUMBWHEEL", "XDG_")) and not name.lower().endswith("_proxy")}
    return dict(kept, HOME=_home) | {"THUMBWHEEL_LOG_FORMAT": "text", "AWS_EC2_METADATA_DISABLED": "true"} | more


def aws_environment(endpoint=None, secret=SECRET_KEY, **more):
    """What an AWS client needs to reach the embedded cloud."""
    settings = dict(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=secret, AWS_DEFAULT_REGION=REGION,
                    AWS_REGION=REGION, AWS_PAGER="", AWS_EC2_METADATA_DISABLED="true", LANG="C.UTF-8")
    if endpoint:
        settings["AWS_ENDPOINT_URL"] = endpoint
    return clean_environment(**settings, **more)


def role_environment(token_file, **more):
    """The same without keys: those of a role, for the web identity in the file."""
    settings = aws_environment(AWS_WEB_IDENTITY_TOKEN_FILE=str(token_file), AWS_ROLE_ARN=f"arn:aws:iam::{ACCOUNT}:role/path/engine", **more)
    return {name: value for name, value in settings.items() if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def thumbwheel(*arguments, timeout=300, environment=None, **options):
    """Runs the program to its end; stdout and stderr are in the result."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], env=environment or clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=timeout, **options)
    assert_healthy(done.stdout + done.stderr)
    return done


def assert_healthy(output):
    """A sanitizer's report fails the test that caused it."""
    assert "Sanitizer" not in output and "runtime error:" not in output, output


def run_on_terminal(arguments, columns=80, typed="", asked="", **variables):
    """Runs the program on a terminal of its own, on which somebody types when it has asked; what it wrote, and its exit code.

    A signal that a key sends gives the negative number of the signal."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(PROGRAM, [PROGRAM, *map(str, arguments)], clean_environment(**{"TERM": "xterm-256color", **variables}))
    written, end = b"", time.monotonic() + PATIENCE_S
    while True:
        if typed and asked.encode() in written:
            os.write(fd, typed.encode())
            typed = ""
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            break
        try:
            part = os.read(fd, 65536)
        except OSError:  # on Linux: the other side is closed
            break
        if not part:
            break
        written += part
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    text = written.decode()
    assert_healthy(text)
    return text, os.waitstatus_to_exitcode(status)


def screen(text):
    """The lines on the terminal after all output."""
    shown = [""]
    for part in re.findall(r"\r\033\[K|\r\n|\r|\033\[\d*m|[^\r\n\033]+", text):
        if part == "\r\n":
            shown.append("")
        elif part == "\r\033[K":
            shown[-1] = ""
        elif not part.startswith(("\r", "\033")):
            shown[-1] += part
    return shown


@functools.cache
def signing_key():
    """A key for the signatures of SNS, one for all test runs of this build: making one takes longer than most tests."""
    path = Path(PROGRAM).resolve().parent / "sns-signing-key.pem"
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}")
        subprocess.run(["openssl", "genrsa", "-out", made, "2048"], check=True, capture_output=True)
        made.rename(path)
    return path.read_text()


PIPELINE_SMALL = """name: small
queue: small
match: { prefix: ingest/ }
outputs:
  - { key: "small/{image}", width: 16, format: jpeg }
"""


def paint_samples(cache):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "small.yaml").write_text(PIPELINE_SMALL)
        done = thumbwheel("local", "--once", "--pipelines", Path(folder) / "small.yaml", "--out", Path(folder) / "out",
                          environment=clean_environment(XDG_CACHE_HOME=str(cache)), timeout=600)
        assert done.returncode == 0, done.stderr


def copy_samples(home):
    """Puts the samples where the program looks for them. They are painted once for each build, which takes as long as many tests."""
    build = Path(PROGRAM).resolve().parent
    with open(build / "samples.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache = build / f"samples-{Path(PROGRAM).stat().st_mtime_ns}"
        if not cache.exists():
            for older in build.glob("samples-*"):
                shutil.rmtree(older)
            painted = build / "samples.new"
            shutil.rmtree(painted, ignore_errors=True)
            paint_samples(painted)
            painted.rename(cache)
        shutil.copytree(cache, Path(home) / ".cache", dirs_exist_ok=True)


def know_key(data):
    """Gives the embedded cloud in a data directory the keys of the tests, before its first start: the access key, and the
    key of SNS."""
    data = Path(data)
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "credentials").exists():
        (data / "credentials").write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
    key = data / "sns-signing-key.pem"
    if not key.exists() and not (data / "cloud.sqlite3").exists():
        key.touch(mode=0o600)
        key.write_text(signing_key())


class Process:
    """The running program. Its output is read as it arrives; it is stopped by its process id."""

    def __init__(self, *arguments, environment=None, cwd=None, under=()):
        """under: a command that the program is started by, such as prlimit."""
        if arguments[0] == "local" and "--data" in arguments and "--keys" not in arguments:
            know_key(arguments[arguments.index("--data") + 1])
        self.process = subprocess.Popen([*under, PROGRAM, *map(str, arguments)], cwd=cwd,
                                        env=environment or clean_environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace")
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern, timeout=PATIENCE_S, after=0):
        """The first match of a pattern in the output, past or future; not in the first `after` lines."""
        found, seen = None, after

        def look():
            nonlocal found, seen
            while not found and seen < len(self.lines):
                found = re.search(pattern, self.lines[seen])
                seen += 1
            return found or self._ended

        with self._changed:
            self._changed.wait_for(look, timeout)
        if not found:
            raise AssertionError(f"no line matches {pattern!r} in:\n" + self.output())
        return found

    def output(self):
        return "\n".join(self.lines)

    def running(self):
        return self.process.poll() is None

    def wait(self, timeout=PATIENCE_S):
        code = self.process.wait(timeout)
        with self._changed:
            self._changed.wait_for(lambda: self._ended, timeout)
        return code

    def stop(self, number=signal.SIGTERM):
        if self.running():
            self.process.send_signal(number)
        return self.wait()

    def kill(self):
        self.process.kill()
        return self.wait()

    def children(self):
        """The processes that it has started and that are not yet gone, as marks for still_there()."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            facts = process_facts(path.parent.name)
            if facts and facts["parent"] == self.process.pid and facts["state"] != "Z":
                found.append((path.parent.name, facts["started"]))
        return found


def process_facts(pid):
    """The process's status in /proc (proc(5)); None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return {"state": fields[0], "parent": int(fields[1]), "started": fields[19]}


def still_there(mark):
    """Whether a process of children() lives; a zombie does not count."""
    facts = process_facts(mark[0])
    return bool(facts) and facts["started"] == mark[1] and facts["state"] != "Z"


class Cloud(Process):
    """`thumbwheel local`, serving: the embedded cloud with an engine of its own."""

    def __init__(self, data, *arguments, **options):
        self.data = Path(data)
        self.request_log = self.data.parent / f"{self.data.name}-requests.jsonl"
        self._logged, self._logged_bytes, self._reads_log = [], 0, threading.Lock()
        self.out = self.data.parent / f"{self.data.name}-out"
        super().__init__("local", "--port", "0", "--data", data, "--out", self.out, "--request-log",
                         self.request_log, *arguments, **options)
        self.endpoint = self.wait_for(r"Endpoint: +(http://127\.0\.0\.1:\d+)").group(1)

    def wait_for(self, *arguments, **options):
        try:
            return super().wait_for(*arguments, **options)
        except AssertionError as error:  # what happened instead
            last = self.request_log.read_text().splitlines()[-60:] if self.request_log.exists() else []
            raise AssertionError("\n".join([str(error), "the last requests:", *last])) from None

    def client(self, service, **options):
        return client(self.endpoint, service, **options)

    def requests(self, operation=None, **fields):
        """Lines of the request log so far, the last one as far as it is whole."""
        with self._reads_log:
            if self.request_log.exists():
                with open(self.request_log, "rb") as log:
                    log.seek(self._logged_bytes)
                    new, end, _ = log.read().rpartition(b"\n")
                self._logged += map(json.loads, new.splitlines())
                self._logged_bytes += len(new + end)
            return [line for line in self._logged if (operation is None or line["operation"] == operation)
                    and all(line[name] == value for name, value in fields.items())]


def leftovers(data):
    """Differences between a stopped cloud's data directory and its database; all of them should be empty."""
    files = {int(path.name, 16) for path in data.glob("blobs/*/*")}
    with closing(sqlite3.connect(data / "cloud.sqlite3")) as database:
        live = {row[0] for row in database.execute("SELECT id FROM blobs WHERE dropped = 0")}
        tables = [row[0] for row in database.execute(
            "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'blob'")]
        used = {row[0] for table in tables for row in database.execute(f"SELECT blob FROM {table} WHERE blob != 0")}
    known = {"blobs", "incoming", "lock", "credentials", "cloud.sqlite3", "cloud.sqlite3-wal", "cloud.sqlite3-shm",
             "sns-signing-key.pem", "sns-signing-certificate.pem", "gallery"}
    return {"files that no row names": files - live, "rows without a file": live - files,
            "blobs that nothing uses": live - used, "blobs that are gone": used - live,
            "files in incoming": list(data.glob("incoming/*")),
            "strange files": [path for path in data.iterdir() if path.name not in known]}


def client(endpoint, service, access_key=ACCESS_KEY, secret_key=SECRET_KEY, token=None, region=REGION, **config):
    config = {"retries": {"max_attempts": 0}, "read_timeout": 60, "signature_version": "v4",
              "s3": {"addressing_style": "path"}, **config}
    if service == "s3" and config["signature_version"] == "v4":
        config["signature_version"] = "s3v4"
    return shapes.watch(
        boto3.client(service, endpoint_url=endpoint, region_name=region, aws_access_key_id=access_key,
                     aws_secret_access_key=secret_key, aws_session_token=token, config=Config(**config)))


def aws(endpoint, *arguments, check=True, **options):
    """The AWS CLI; returns the JSON that it prints, or None."""
    done = subprocess.run([AWS_CLI, "--endpoint-url", endpoint, "--output", "json", *map(str, arguments)],
                          env=aws_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE_S, **options)
    if not check:
        return done
    assert done.returncode == 0, done.stderr
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return None


def http(url, method="GET", body=None, **headers):
    """A bare request: (status, headers, body)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with opener.open(request, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def curl(*arguments, secret=SECRET_KEY, service="s3"):
    """curl with its own SigV4: (status, body). Without a secret, unsigned."""
    sign = ["--aws-sigv4", f"aws:amz:{REGION}:{service}", "--user", f"{ACCESS_KEY}:{secret}"] if secret else []
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *sign, *map(str, arguments)],
                          capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def error_of(call, *arguments, **parameters):
    """The error of a call that must fail, as boto3 parses it."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        return error.response
    raise AssertionError("the call succeeded")


def error_code(call, *arguments, **parameters):
    """(code, HTTP status)"""
    response = error_of(call, *arguments, **parameters)
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def error_message(call, *arguments, **parameters):
    return error_of(call, *arguments, **parameters)["Error"]["Message"]


# ---- queues ----

def queue_arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def allow_public_policies(s3, bucket):
    """New buckets block them, as those of S3 do."""
    s3.delete_public_access_block(Bucket=bucket)


def send_policy(name, service, source):
    """Lets a service send to a queue."""
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sqs:SendMessage",
         "Resource": queue_arn(name), "Condition": {"ArnEquals": {"aws:SourceArn": source}}}]})


def make_queue(sqs, name, receives=None, visibility=None):
    """A queue; with receives, its dead letters go to NAME-dlq after so many. Returns its URL."""
    attributes = {}
    if visibility is not None:
        attributes["VisibilityTimeout"] = str(visibility)
    if receives:
        sqs.create_queue(QueueName=f"{name}-dlq")
        attributes["RedrivePolicy"] = json.dumps(
            {"deadLetterTargetArn": queue_arn(f"{name}-dlq"), "maxReceiveCount": receives})
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def receive(sqs, url, wait=20, timeout=PATIENCE_S, **options):
    """The next message, with all attributes."""
    def ask():
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=1,
                                   AttributeNames=["All"], MessageAttributeNames=["All"],
                                   **options).get("Messages")
    return until(ask, f"a message in {url}", timeout)[0]


def event_records(sqs, url, count):
    """So many records of S3's events, taken from a queue, in the order in which they came about."""
    records = []
    while len(records) < count:
        message = receive(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        records += json.loads(message["Body"]).get("Records", [])
    return sorted(records, key=lambda record: (record["eventTime"], record["s3"]["object"].get("sequencer", "")))


def receives_stored(sqs):
    """A receive is acknowledged before its change of visibility is stored, so a kill may undo it. A later acknowledged
    write proves that it is stored."""
    sqs.create_queue(QueueName="stored-after-the-receives")


def depth(sqs, url):
    """(visible, in flight, delayed)"""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names)


def exists(s3, bucket, key):
    try:
        return s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise


def fetch(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


# ---- pictures ----

def picture(width=320, height=240):
    """Something with edges and colours: dark top left, red to the right, green below."""
    across = Image.frombytes("L", (width, 1), bytes(x * 255 // width for x in range(width)))
    down = Image.frombytes("L", (1, height), bytes(y * 255 // height for y in range(height)))
    bands = [band.resize((width, height), Image.NEAREST) for band in (across, down)]
    return Image.merge("RGB", [*bands, Image.new("L", (width, height), 64)])


def jpeg(width=320, height=240, orientation=None, quality=90):
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    picture(width, height).save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def png(width=320, height=240, mode="RGB"):
    out = io.BytesIO()
    picture(width, height).convert(mode).save(out, "PNG")
    return out.getvalue()


def png_bomb(width=100_000, height=100_000):
    """A well-formed beginning of a PNG that promises 10,000 megapixels, and a little of its data."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(3 * width + 1) * 20, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def open_image(data):
    """Decoded to its last pixel."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
