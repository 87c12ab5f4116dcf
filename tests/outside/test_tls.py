"""TLS of the served port, with third-party clients."""
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

import harness
from harness import ACCESS_KEY, AWS_CLI, REGION, SECRET_KEY, aws_environment

NODE_SCRIPT = """
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { s3 } from "./clients.mjs";
const { Buckets } = await s3.send(new ListBucketsCommand({}));
console.log(Buckets.map((bucket) => bucket.Name).join());
"""


class Served:
    def __init__(self, process, data):
        self.process, self.data = process, data
        self.endpoint = process.wait_for(r"(https://127\.0\.0\.1:\d+)").group(1)
        self.port = int(self.endpoint.rpartition(":")[2])
        self.certificate = process.wait_for(r"Trust: +(\S+)").group(1)
        process.wait_for("Serving")

    def client(self, service, endpoint=None, **options):
        return boto3.client(service, endpoint_url=endpoint or self.endpoint, region_name=REGION,
                            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                            verify=self.certificate, config=Config(retries={"max_attempts": 0}, read_timeout=60,
                                          signature_version="s3v4" if service == "s3" else "v4"),
                            **options)

    def connect(self, context):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return context.wrap_socket(plain, server_hostname="localhost")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    process = harness.Process("local", "--cloud-only", "--port", "0", "--tls", "--data", folder / "data")
    yield Served(process, folder / "data")
    process.stop()
    harness.assert_healthy(process.output())


@pytest.fixture
def localhost(monkeypatch):
    """Resolves the name without a resolver, which the machine may lack."""
    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: known(
        "127.0.0.1" if host == "localhost" else host, *rest, **more))


def test_boto3_trusts_the_certificate_that_was_made(served, name, localhost):
    s3 = served.client("s3")
    s3.create_bucket(Bucket=name)
    data = os.urandom(3 * 1024 * 1024)
    s3.put_object(Bucket=name, Key="k", Body=data)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == data
    sqs = served.client("sqs", endpoint=f"https://localhost:{served.port}")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.startswith(f"https://localhost:{served.port}/")
    sqs.send_message(QueueUrl=url, MessageBody="ü" * 100000)
    assert harness.receive(sqs, url)["Body"] == "ü" * 100000


def test_the_aws_cli_curl_and_node_trust_it(served, name):
    done = subprocess.run([AWS_CLI, "--endpoint-url", served.endpoint, "--ca-bundle", served.certificate, "s3", "mb",
                           f"s3://{name}"], env=aws_environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    status, _ = harness.curl("--cacert", served.certificate, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                             "--resolve", f"localhost:{served.port}:127.0.0.1", f"https://localhost:{served.port}/{name}")
    assert status == 200
    done = subprocess.run(["node", "--input-type=module", "-e", NODE_SCRIPT], cwd=harness.ROOT / "tests/js",
                          env=harness.clean_environment(NODE_EXTRA_CA_CERTS=served.certificate,
                                                        CLOUD_ENDPOINT=served.endpoint),
                          capture_output=True, text=True, timeout=120)
    assert name in done.stdout, done.stdout + done.stderr


def test_nobody_trusts_it_by_default(served):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", served.endpoint], capture_output=True, timeout=120)
    assert done.returncode == 60


def test_the_certificate_is_for_this_machine_and_its_key_for_its_owner(served):
    context = ssl.create_default_context(cafile=served.certificate)
    with served.connect(context) as connection:
        assert connection.version() == "TLSv1.2"
        found = connection.getpeercert()["subjectAltName"]
    assert set(found) == {("DNS", "localhost"), ("DNS", "*.localhost"), ("IP Address", "127.0.0.1"),
                          ("IP Address", "0:0:0:0:0:0:0:1")}
    assert stat.S_IMODE(os.stat(served.data / "tls-key.pem").st_mode) == 0o600
    text = subprocess.run(["openssl", "x509", "-in", served.certificate, "-noout", "-text"], capture_output=True,
                          text=True, timeout=60).stdout
    assert "prime256v1" in text and "ecdsa-with-SHA256" in text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(served, version):
    context = ssl.create_default_context(cafile=served.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.connect(context)
    test_the_certificate_is_for_this_machine_and_its_key_for_its_owner(served)


def raw(served, data, shut=True):
    """The response to bytes that are not TLS, until the connection is closed."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as peer:
        peer.sendall(data)
        if shut:
            peer.shutdown(socket.SHUT_WR)
        response = b""
        try:
            while piece := peer.recv(65536):
                response += piece
        except ConnectionError:
            pass
        return response


def test_plain_http_gets_an_error_that_names_tls(served):
    response = raw(served, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", shut=False)
    assert response.startswith(b"HTTP/1.1 400 ") and b"use https://" in response
    head, _, text = response.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(text)}".encode() in head
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{served.port}/", timeout=60)


def hello(served):
    """The first flight of a real client."""
    context = ssl.create_default_context(cafile=served.certificate)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_broken_handshakes_end_and_affect_no_other_client(served):
    first = hello(served)
    for size in (1, 4, 5, 6, 40, len(first) - 1):
        raw(served, first[:size])
    for at in range(0, len(first), 7):
        raw(served, first[:at] + bytes([first[at] ^ 0xff]) + first[at + 1:])
    for garbage in (b"\x16", b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x16\x03\x03\x00\x00" * 1000, b"\x00" * 100,
                    b"\x80\x2e\x01\x00\x02", first + b"\x17\x03\x03\x00\x10" + b"y" * 16, first + first):
        assert not raw(served, garbage).startswith(b"HTTP")
    test_the_certificate_is_for_this_machine_and_its_key_for_its_owner(served)


def test_a_peer_that_disconnects_during_a_response_harms_no_other(served, name):
    s3 = served.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=bytes(20 * 1024 * 1024))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"})
    context = ssl.create_default_context(cafile=served.certificate)
    connection = served.connect(context)
    path = url[len(served.endpoint):]
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.close()
    assert s3.head_object(Bucket=name, Key="k")["ContentLength"] == 20 * 1024 * 1024


def test_the_engine_beside_it_trusts_its_own_certificate(start, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(harness.jpeg(64, 48))
    done = harness.thumbwheel("local", "--once", "--tls", "--data", tmp_path / "data", "--out", tmp_path / "out", photo)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "out").rglob("Thumbnail-photo.jpg"))


def make_certificate(folder, *names):
    certificate, key = folder / "given.pem", folder / "given.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=given",
                    "-addext", "subjectAltName=" + ",".join(names), "-keyout", key, "-out", certificate], check=True,
                   capture_output=True, timeout=120)
    return certificate, key


def test_a_given_certificate_is_served_and_the_engine_goes_on(start_cloud, tmp_path):
    certificate, key = make_certificate(tmp_path, "DNS:cloud.example")
    out = tmp_path / "out"
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(harness.jpeg(64, 48))
    done = harness.thumbwheel("local", "--once", "--tls-cert", certificate, "--tls-key", key, "--data",
                              tmp_path / "data", "--out", out, photo)
    assert done.returncode == 0 and list(out.rglob("Thumbnail-photo.jpg")), done.stdout + done.stderr
    assert not (tmp_path / "data" / "tls-key.pem").exists()


def test_the_certificate_is_kept_and_a_bad_one_is_refused_by_name(start, tmp_path):
    def serve(*arguments):
        return start("local", "--cloud-only", "--port", "0", "--data", tmp_path / "data", *arguments)

    first = Served(serve("--tls"), tmp_path / "data")
    text = open(first.certificate).read()
    first.process.stop()
    again = Served(serve("--tls"), tmp_path / "data")
    assert open(again.certificate).read() == text
    again.process.stop()
    certificate, key = make_certificate(tmp_path, "DNS:x")
    other = tmp_path / "data" / "tls-key.pem"
    for arguments, reason in (
            (("--tls-cert", certificate), "must be set together"),
            (("--tls-cert", certificate, "--tls-key", other), "does not match the certificate"),
            (("--tls-cert", key, "--tls-key", key), "cannot read the TLS certificate"),
            (("--tls-cert", certificate, "--tls-key", tmp_path / "none"), "cannot read the TLS key")):
        process = serve(*arguments)
        assert process.wait() == 2 and reason in process.output()


def test_urls_that_the_cloud_makes_are_https(served, name):
    sns = served.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sqs = served.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": harness.send_policy(name, "sns", topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=harness.queue_arn(name))
    sns.publish(TopicArn=topic, Message="m")
    envelope = json.loads(harness.receive(sqs, queue)["Body"])
    assert envelope["UnsubscribeURL"].startswith("https://")


def hashed(folder, certificate):
    """A directory of authorities, as OpenSSL looks them up in it."""
    folder.mkdir()
    shutil.copy(certificate, folder / "authority.pem")
    subprocess.run(["openssl", "rehash", folder], check=True, timeout=60)
    return folder


@pytest.mark.parametrize("kind", ["file", "directory"])
@pytest.mark.parametrize("how", ["AWS_CA_BUNDLE", "ca_bundle", "SSL_CERT_FILE"])
def test_an_engine_trusts_the_bundle_in_the_environment(served, start, tmp_path, how, kind):
    trust = served.certificate if kind == "file" else hashed(tmp_path / "authorities", served.certificate)
    (tmp_path / "pipeline.yaml").write_text(
        "name: tls\nqueue: tls-queue\nmatch: { bucket: tls-photos, prefix: ingest/ }\noutputs: [{ key: 'small/{name}', width: 8 }]\n")
    s3, sqs = served.client("s3"), served.client("sqs")
    s3.create_bucket(Bucket="tls-photos")  # its owner may do so again, in us-east-1
    url = sqs.create_queue(QueueName="tls-queue")["QueueUrl"]
    s3.put_object(Bucket="tls-photos", Key=f"ingest/{how}-{kind}.jpg", Body=harness.jpeg(64, 48))
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": "tls-photos", "key": f"ingest/{how}-{kind}.jpg"}))
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {trust}\n" if how == "ca_bundle" else "")
    environment = aws_environment(AWS_CONFIG_FILE=str(tmp_path / "config"))
    environment = {name: value for name, value in environment.items() if name != "SSL_CERT_FILE"}
    if how != "ca_bundle":
        environment[how] = str(trust)
    engine = start("run", "--pipelines", tmp_path / "pipeline.yaml", "--endpoint", served.endpoint, environment=environment)
    harness.until(lambda: harness.exists(s3, "tls-photos", f"small/{how}-{kind}.jpg"), "an output")
    engine.stop()


BUNDLES = ["AWS_CA_BUNDLE", "ca_bundle", "SSL_CERT_FILE"]  # botocore prefers the variable to the profile's setting


def run_with_bundles(folder, **bundles):
    (folder / "config").write_text(f"[default]\nca_bundle = {bundles.pop('ca_bundle')}\n" if "ca_bundle" in bundles else "")
    environment = aws_environment("https://127.0.0.1:1", AWS_CONFIG_FILE=str(folder / "config"), **bundles)
    if "SSL_CERT_FILE" not in bundles:
        environment.pop("SSL_CERT_FILE", None)
    return harness.thumbwheel("run", environment=environment)


@pytest.mark.parametrize("first, second", [(0, 1), (0, 2), (1, 2)])
def test_the_first_bundle_of_several_counts(served, tmp_path, first, second):
    (tmp_path / "none.pem").write_text("")
    done = run_with_bundles(tmp_path, **{BUNDLES[first]: str(tmp_path / "none.pem"), BUNDLES[second]: str(served.certificate)})
    assert done.returncode == 2
    assert BUNDLES[first] in done.stderr and BUNDLES[second] not in done.stderr


@pytest.mark.parametrize("text", ["", "no certificate\n", "key"])
@pytest.mark.parametrize("how", BUNDLES)
def test_a_bundle_without_a_certificate_is_refused(served, tmp_path, how, text):
    if text == "key":  # PEM, but of something else
        text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"
    (tmp_path / "bundle.pem").write_text(text)
    done = run_with_bundles(tmp_path, **{how: str(tmp_path / "bundle.pem")})
    assert done.returncode == 2
    assert how in done.stderr and "bundle.pem" in done.stderr and "contains no certificate" in done.stderr


@pytest.mark.parametrize("how", BUNDLES)
def test_a_directory_that_was_not_prepared_is_refused(served, tmp_path, how):
    folder = tmp_path / "authorities"
    folder.mkdir()
    shutil.copy(served.certificate, folder / "authority.pem")
    (folder / "0123abcd.0").write_text("no certificate\n")
    done = run_with_bundles(tmp_path, **{how: str(folder)})
    assert done.returncode == 2
    assert how in done.stderr and str(folder) in done.stderr and "openssl rehash" in done.stderr


def test_a_directory_of_other_authorities_is_not_enough(served, start, tmp_path):
    key, other = tmp_path / "key.pem", tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other",
                    "-keyout", key, "-out", other], check=True, timeout=60, capture_output=True)
    engine = start("run", "--endpoint", served.endpoint, environment=aws_environment(AWS_CA_BUNDLE=str(hashed(tmp_path / "ca", other))))
    engine.wait_for("service unavailable.*certificate")
    engine.stop()


def test_a_bundle_that_is_neither_file_nor_directory_is_refused():
    done = harness.thumbwheel("run", environment=aws_environment("https://127.0.0.1:1", AWS_CA_BUNDLE="/dev/null"))
    assert done.returncode == 2
    assert "AWS_CA_BUNDLE" in done.stderr and "neither a file nor a directory" in done.stderr


def test_an_unreadable_bundle_is_reported():
    done = harness.thumbwheel("run", environment=aws_environment("https://127.0.0.1:1", AWS_CA_BUNDLE="/nowhere/ca.pem"))
    assert done.returncode == 2
    assert "AWS_CA_BUNDLE" in done.stderr and "/nowhere/ca.pem" in done.stderr
