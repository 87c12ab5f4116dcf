"""Hostile requests to the embedded cloud's S3 over bare sockets. Each is refused, nothing is smuggled past it, and it keeps
serving."""
import hashlib
import json
import re
import socket
import urllib.parse

import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import ACCESS_KEY, REGION, SECRET_KEY, allow_public_policies, client, error_code, fetch


class Peer:
    """Signs any request, and sends exactly these bytes."""

    def __init__(self, cloud):
        self.host, port = cloud.endpoint.removeprefix("http://").split(":")
        self.port = int(port)
        self.endpoint = cloud.endpoint

    def signed(self, method, target, body=b"", headers=(), more=()):
        """A request; `headers` are signed, `more` are lines added behind, as they are."""
        request = AWSRequest(method, self.endpoint + target, data=body, headers=dict(headers))
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join([*lines, *more]).encode() + b"\r\n\r\n"

    def send(self, data):
        """What the server sends until it closes the connection or waits for more."""
        with socket.create_connection((self.host, self.port), timeout=60) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            response = b""
            try:
                while piece := connection.recv(65536):
                    response += piece
            except ConnectionResetError:
                pass
            return response


def statuses(response):
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d+) ", response, re.MULTILINE)]


@pytest.fixture
def peer(cloud):
    return Peer(cloud)


REFUSED = ([400], [403])  # a request without a canonical form cannot have a valid signature


# ---- names ----

@pytest.mark.parametrize("key", ["../x", "../../etc/passwd", "a/../../x", "%2e%2e/x", "%2e%2e%2f%2e%2e%2fx", "./../x", ".."])
def test_a_key_that_leads_above_the_bucket_is_refused(peer, s3, bucket, key):
    for method in ("PUT", "GET", "DELETE"):
        response = peer.send(peer.signed(method, f"/{bucket}/{key}", more=["Content-Length: 0", "Connection: close"]))
        assert statuses(response) in REFUSED, response
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("key", ["a/../b", "a/./b", "..a/b..", "/etc/passwd", "C:\\windows\\x", "-rf", "$(reboot)", "x|y;z"])
def test_an_odd_key_is_an_ordinary_name(cloud, s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 50_000)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert fetch(s3, bucket, key) == b"x" * 50_000
    names = [path.name for folder in ("blobs", "incoming") for path in (cloud.data / folder).rglob("*") if path.is_file()]
    assert names and all(re.fullmatch("[0-9a-f]{16}", name) for name in names), names


@pytest.mark.parametrize("key", ["a%00b", "%00", "a%ff", "a%C0%AFb", "a%zz", "a%", "%ED%A0%80"])
def test_a_key_that_is_not_text_is_refused(peer, s3, bucket, key):
    response = peer.send(peer.signed("PUT", f"/{bucket}/{key}", more=["Content-Length: 0", "Connection: close"]))
    assert statuses(response) in REFUSED, response
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "a%2fb", "a%00b", "%0d%0aX:1"])
def test_a_bucket_with_an_invalid_name_is_not_created(peer, s3, name):
    before = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    response = peer.send(peer.signed("PUT", f"/{name}", more=["Content-Length: 0", "Connection: close"]))
    assert statuses(response) in REFUSED, response
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == before


# ---- headers ----

@pytest.mark.parametrize("line", [b"x-amz-meta-a: b\nx-evil: 1", b"x-amz-meta-a: b\rx-evil: 1", b"x-amz-meta-a: b\r\n x-evil: 1",
                                  b"x-amz-meta-a: b\x00c", b"x-amz-meta-a : b", b": b", b"x amz: b"])
def test_a_malformed_header_line_is_refused_or_harmless(peer, s3, bucket, line):
    whole = peer.signed("PUT", f"/{bucket}/k", more=["Content-Length: 0", "Connection: close"])
    response = peer.send(whole[:-2] + line + b"\r\n\r\n")
    assert statuses(response)[0] in (400, 403), response
    assert error_code(s3.head_object, Bucket=bucket, Key="k")[1] == 404


@pytest.mark.parametrize("parameter", ["response-content-disposition", "response-content-type", "response-cache-control",
                                       "response-expires", "response-content-language", "response-content-encoding"])
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nSet-Cookie: b=c", "a\rb", "a\0b"])
def test_no_header_is_injected_through_a_query(peer, s3, bucket, parameter, value):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    response = peer.send(peer.signed("GET", f"/{bucket}/k?{parameter}={urllib.parse.quote(value)}", more=["Connection: close"]))
    assert b"set-cookie" not in response.split(b"\r\n\r\n")[0].lower() and statuses(response) in REFUSED, response


def test_only_signed_requests_may_override_response_headers(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    allow_public_policies(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    anybody = client(cloud.endpoint, "s3", signature_version=UNSIGNED)
    assert anybody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert error_code(anybody.get_object, Bucket=bucket, Key="k", ResponseContentType="text/html") == ("InvalidRequest", 400)


def test_metadata_over_the_limit_is_refused(s3, bucket):
    assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"a": "b" * 2100}) == ("MetadataTooLarge", 400)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "b" * 2000})


@pytest.mark.parametrize("make", [
    lambda: ["X-Long: " + "h" * 100_000], lambda: [f"X-{n}: {'v' * 90}" for n in range(2000)]])
def test_headers_over_the_limit_are_refused(peer, bucket, make):
    response = peer.send(peer.signed("GET", f"/{bucket}", more=make()))
    assert statuses(response) in ([431], [400]), response[:300]


def test_a_target_over_the_limit_is_refused(peer, bucket):
    response = peer.send(peer.signed("GET", f"/{bucket}?prefix={'p' * 100_000}", more=["Connection: close"]))
    assert statuses(response) in ([431], [414], [400]), response[:300]


# ---- bodies ----

def smuggled(peer, bucket):
    """A whole request inside what may be a body; it must never get a response."""
    return peer.signed("PUT", f"/{bucket}/smuggled", more=["Content-Length: 0"])


@pytest.mark.parametrize("lines, body", [
    (["Content-Length: 0", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
    (["Content-Length: 0", "Content-Length: 5"], b"hello"),
    (["Content-Length: 5", "Content-Length: 0"], b""),
    (["Content-Length: 0, 5"], b"hello"),
    (["Content-Length: +5"], b"hello"),
    (["Content-Length: -1"], b""),
    (["Content-Length: 0x5"], b"hello"),
    (["Content-Length: 99999999999999999999"], b""),
    (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    (["Transfer-Encoding:\x0bchunked"], b"0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"5;\nhello\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"-5\r\nhello\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"g\r\nhello\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"5\r\nhelloXX0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n")])
def test_an_ambiguous_length_closes_the_connection(peer, s3, bucket, lines, body):
    data = peer.signed("PUT", f"/{bucket}/k", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, more=lines)
    response = peer.send(data + body + smuggled(peer, bucket))
    found = statuses(response)
    assert len(found) <= 1 and all(status >= 400 for status in found), response
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def framed(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


@pytest.mark.parametrize("body, size", [
    (b"5\r\nhello\r\n", 5), (b"5\r\nhello\r\n0\r\n", 5), (b"-5\r\nhello\r\n0\r\n\r\n", 5), (b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", 5),
    (b"5\r\nhelloXX0\r\n\r\n", 5), (framed(b"hello") + b"0\r\n\r\n", 4), (framed(b"hello") + b"0\r\n\r\n", 6),
    (framed(b"hello") + b"0\r\n" + b"x-amz-checksum-crc32:" + b"A" * 100_000 + b"\r\n\r\n", 5)])
def test_a_wrong_aws_chunked_body_is_refused(peer, s3, bucket, body, size):
    data = peer.signed("PUT", f"/{bucket}/k", headers={
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": str(size),
        "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"},
        more=[f"Content-Length: {len(body)}", "Connection: close"])
    response = peer.send(data + body)
    assert statuses(response)[0] >= 400, response
    assert error_code(s3.head_object, Bucket=bucket, Key="k")[1] == 404


BOMB = ("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">" + "".join(
    f"<!ENTITY {chr(98 + n)} \"{(f'&{chr(97 + n)};') * 10}\">" for n in range(9)) + "]>")
FILE = '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'
DOCUMENTS = [("PUT", "?tagging", "<Tagging><TagSet><Tag><Key>{}</Key><Value>v</Value></Tag></TagSet></Tagging>"),
             ("PUT", "/k?tagging", "<Tagging><TagSet><Tag><Key>{}</Key><Value>v</Value></Tag></TagSet></Tagging>"),
             ("POST", "?delete", "<Delete><Object><Key>{}</Key></Object></Delete>"),
             ("PUT", "?cors", "<CORSConfiguration><CORSRule><AllowedOrigin>{}</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                              "</CORSRule></CORSConfiguration>"),
             ("PUT", "?lifecycle", "<LifecycleConfiguration><Rule><ID>{}</ID><Status>Enabled</Status><Prefix/><Expiration><Days>1"
                                   "</Days></Expiration></Rule></LifecycleConfiguration>"),
             ("PUT", "?versioning", "<VersioningConfiguration><Status>{}</Status></VersioningConfiguration>"),
             ("PUT", "?notification", "<NotificationConfiguration><QueueConfiguration><Queue>{}</Queue><Event>s3:ObjectCreated:*"
                                      "</Event></QueueConfiguration></NotificationConfiguration>")]


@pytest.mark.parametrize("method, target, document", DOCUMENTS)
def test_entities_are_never_expanded(peer, s3, bucket, method, target, document):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for doctype, word in ((BOMB, "&j;"), (FILE, "&j;"), ("<!DOCTYPE x>", "plain")):
        body = (doctype + document.format(word)).encode()
        data = peer.signed(method, f"/{bucket}{target}", body, more=[f"Content-Length: {len(body)}", "Connection: close"])
        response = peer.send(data + body)
        assert statuses(response) == [400] and b"<Code>MalformedXML</Code>" in response and b"root:" not in response, response


@pytest.mark.parametrize("body", [
    b"<Delete>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</Delete>",
    b"<Delete>" + b"<Object/>" * 100_000 + b"</Delete>",
    b"<Delete><Object><Key>" + b"k" * 1_000_000 + b"</Key></Object></Delete>",
    b"<Delete><Object><Key>" + b"k" * 5_000_000 + b"</Key></Object></Delete>",
    b"<Delete><Object><Key>a</Key></Object>", b"\xff\xfe<Delete/>", b"", b"{}"])
def test_a_document_over_the_limits_is_refused(peer, bucket, body):
    digest = hashlib.sha256(body).hexdigest()
    data = peer.signed("POST", f"/{bucket}?delete", body, headers={"x-amz-content-sha256": digest},
                       more=[f"Content-Length: {len(body)}", "Connection: close"])
    response = peer.send(data + body)
    assert not statuses(response) or statuses(response)[0] in (400, 413), response[:300]


def test_it_keeps_serving(cloud, s3, bucket):
    """After all of the above, in the same process."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"still here")
    assert fetch(s3, bucket, "k") == b"still here" and cloud.running()
