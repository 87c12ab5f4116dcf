"""The embedded cloud's S3 against the S3 API Reference, with third-party clients."""
import base64
import datetime
import hashlib
import http.client as http_client
import json
import os
import socket
import threading
import time
import urllib.parse
import zlib

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest
from botocore.auth import S3SigV4Auth
from botocore.credentials import Credentials

import harness
from harness import (REGION, allow_public_policies, aws, client, curl, depth, error_code, fetch, http, make_queue, queue_arn, receive, send_policy,
                     until)

KEYS = ["plain.txt", "a b+c%2F%.txt", "Café/東京.jpg", "~!*'()$&@=:;,?#[]<>|\\^`{}\".txt", "a//b/../c",
        " lead and trail "]


# ---- buckets ----

def test_a_bucket_can_be_made_listed_and_deleted(s3, name):
    s3.create_bucket(Bucket=name)
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.head_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)
    assert error_code(s3.head_bucket, Bucket=name) == ("404", 404)


def test_a_bucket_with_objects_cannot_be_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert error_code(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)


@pytest.mark.parametrize("wrong", ["AB", "ab", "Capital-bucket", "under_score", "192.168.0.1", "-begins", "ends-",
                                   "a..b"])
def test_a_wrong_bucket_name_is_refused(cloud, wrong):
    status, body = curl("-X", "PUT", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", f"{cloud.endpoint}/{wrong}")
    assert status == 400 and b"<Code>InvalidBucketName</Code>" in body


def test_a_missing_bucket_and_a_missing_key_are_different_errors(s3, bucket):
    assert error_code(s3.get_object, Bucket="no-such-bucket", Key="a") == ("NoSuchBucket", 404)
    assert error_code(s3.get_object, Bucket=bucket, Key="a") == ("NoSuchKey", 404)
    assert error_code(s3.put_object, Bucket="no-such-bucket", Key="a", Body=b"") == ("NoSuchBucket", 404)


def test_an_unsupported_operation_is_an_error(s3, bucket):
    assert error_code(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration={}) == ("NotImplemented", 501)


# ---- objects ----

@pytest.mark.parametrize("key", KEYS)
def test_an_object_with_any_key_is_returned_unchanged(s3, bucket, key):
    body = b"\0\xff" * 1000
    put = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="image/x-test", CacheControl="max-age=60",
                        Metadata={"camera": "Field 2"})
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == body
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["ContentType"] == "image/x-test" and got["CacheControl"] == "max-age=60"
    assert got["Metadata"] == {"camera": "Field 2"} and got["ContentLength"] == 2000
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


@pytest.mark.parametrize("size", [0, 1, 4095, 65536, 1 << 20, (5 << 20) + 17])
def test_an_object_of_any_size_is_returned_unchanged(s3, bucket, size):
    body = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    s3.put_object(Bucket=bucket, Key="sized", Body=body)
    assert fetch(s3, bucket, "sized") == body
    assert s3.head_object(Bucket=bucket, Key="sized")["ContentLength"] == size


def test_an_empty_object_does_not_hold_up_the_next(cloud, bucket):
    """Botocore waits for 100 Continue even where no body follows, on a connection that it goes on using."""
    s3 = cloud.client("s3", max_pool_connections=1)
    for body in (b"", b"1", b"", b"22"):
        assert s3.put_object(Bucket=bucket, Key="a", Body=body)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'


def test_an_object_is_overwritten_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"long" * 1000, Metadata={"old": "1"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"short")
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == b"short" and got["Metadata"] == {}


def test_a_reader_never_sees_less_than_what_was_acknowledged(cloud, bucket):
    """Readers and one writer at once: a GET after the response to a PUT returns that version or a later one."""
    acknowledged, last, wrong = [0], 200, []
    client(cloud.endpoint, "s3").put_object(Bucket=bucket, Key="number", Body=b"0")

    def read():
        s3 = client(cloud.endpoint, "s3")
        while acknowledged[0] < last:
            least = acknowledged[0]
            response = s3.get_object(Bucket=bucket, Key="number")
            number = int(response["Body"].read())
            if number < least or response["ContentLength"] != len(str(number)):
                wrong.append((least, number))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    writer = client(cloud.endpoint, "s3")
    for number in range(1, last + 1):
        writer.put_object(Bucket=bucket, Key="number", Body=str(number).encode())
        acknowledged[0] = number
    for reader in readers:
        reader.join()
    assert not wrong


def test_deleting_is_idempotent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    for _ in range(2):
        assert s3.delete_object(Bucket=bucket, Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_code(s3.head_object, Bucket=bucket, Key="a") == ("404", 404)


def test_many_objects_are_deleted_at_once(s3, bucket):
    for key in ("a", "b c", "kept"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b c"}, {"Key": "absent"}]})
    assert sorted(item["Key"] for item in done["Deleted"]) == ["a", "absent", "b c"]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]


def test_a_key_of_1024_bytes_is_taken_and_one_more_is_not(s3, bucket):
    s3.put_object(Bucket=bucket, Key="é" * 512, Body=b"x")
    assert fetch(s3, bucket, "é" * 512) == b"x"
    assert error_code(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"x") == ("KeyTooLongError", 400)


@pytest.mark.parametrize("range_, wanted, content_range", [
    ("bytes=0-3", b"0123", "bytes 0-3/10"), ("bytes=7-", b"789", "bytes 7-9/10"),
    ("bytes=-2", b"89", "bytes 8-9/10"), ("bytes=5-500", b"56789", "bytes 5-9/10")])
def test_a_range_is_cut_out(s3, bucket, range_, wanted, content_range):
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="digits", Range=range_)
    assert got["Body"].read() == wanted
    assert got["ContentRange"] == content_range and got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_beyond_the_end_cannot_be_satisfied(s3, bucket):
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    assert error_code(s3.get_object, Bucket=bucket, Key="digits", Range="bytes=10-") == ("InvalidRange", 416)


def test_a_large_object_is_read_in_ranges(s3, bucket):
    body = bytes(range(256)) * 8192
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    parts = [s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={at}-{at + 699_999}")["Body"].read()
             for at in range(0, len(body), 700_000)]
    assert b"".join(parts) == body


def test_conditions_are_enforced(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]
    assert error_code(s3.get_object, Bucket=bucket, Key="a", IfNoneMatch=etag)[1] == 304
    assert error_code(s3.get_object, Bucket=bucket, Key="a", IfMatch='"other"') == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="a", IfMatch=etag)["Body"].read() == b"a"


def test_a_body_with_a_wrong_md5_is_refused(s3, bucket):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert error_code(s3.put_object, Bucket=bucket, Key="a", Body=b"a", ContentMD5=wrong) == ("BadDigest", 400)
    assert error_code(s3.head_object, Bucket=bucket, Key="a") == ("404", 404)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_verified_and_kept(s3, bucket, algorithm):
    value = {"CRC32": zlib.crc32(b"body").to_bytes(4, "big"), "SHA1": hashlib.sha1(b"body").digest(),
             "SHA256": hashlib.sha256(b"body").digest()}[algorithm]
    good, field = base64.b64encode(value).decode(), f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"body", **{field: good})
    assert put[field] == good
    assert s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")[field] == good
    bad = base64.b64encode(bytes(len(value))).decode()
    assert error_code(s3.put_object, Bucket=bucket, Key="b", Body=b"body", **{field: bad}) == ("BadDigest", 400)


# ---- listing ----

@pytest.fixture
def listed(s3, bucket):
    for key in ("a.jpg", "b/1.jpg", "b/2.jpg", "b/deep/3.jpg", "c d/4.jpg", "z.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * len(key))
    return bucket


def test_a_listing_is_in_the_order_of_bytes(s3, bucket):
    keys = ["B", "a", "a/b", "a-", "é", "東", "Z", "0"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    found = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert found == sorted(keys, key=lambda key: key.encode())


def test_a_delimiter_folds_what_is_below_it(s3, listed):
    found = s3.list_objects_v2(Bucket=listed, Delimiter="/")
    assert [item["Key"] for item in found["Contents"]] == ["a.jpg", "z.jpg"]
    assert [item["Prefix"] for item in found["CommonPrefixes"]] == ["b/", "c d/"]
    assert found["KeyCount"] == 4 and not found["IsTruncated"]


def test_a_prefix_narrows_a_listing(s3, listed):
    found = s3.list_objects_v2(Bucket=listed, Prefix="b/", Delimiter="/")
    assert [item["Key"] for item in found["Contents"]] == ["b/1.jpg", "b/2.jpg"]
    assert [item["Prefix"] for item in found["CommonPrefixes"]] == ["b/deep/"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_join_to_the_whole_with_folded_prefixes_once(s3, listed, size):
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=listed, Delimiter="/",
                                                              PaginationConfig={"PageSize": size}))
    names = [item["Key"] for page in pages for item in page.get("Contents", [])]
    prefixes = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
    assert names == ["a.jpg", "z.jpg"] and prefixes == ["b/", "c d/"]
    assert all(page["KeyCount"] <= size for page in pages)


def test_a_listing_starts_after_a_key(s3, listed):
    found = s3.list_objects_v2(Bucket=listed, StartAfter="b/2.jpg")
    assert [item["Key"] for item in found["Contents"]] == ["b/deep/3.jpg", "c d/4.jpg", "z.jpg"]
    assert found["Contents"][0]["Size"] == len("b/deep/3.jpg")


def test_the_first_version_of_listing_works_too(s3, listed):
    pages = s3.get_paginator("list_objects").paginate(Bucket=listed, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == \
        ["a.jpg", "b/1.jpg", "b/2.jpg", "b/deep/3.jpg", "c d/4.jpg", "z.jpg"]


# ---- tags ----

def test_tags_are_put_read_and_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    tags = [{"Key": "Dominant Colour", "Value": "Blue"}, {"Key": "Schärfe", "Value": "1+1=2"}]
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": tags})
    found = s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"]
    assert sorted(found, key=lambda tag: tag["Key"]) == sorted(tags, key=lambda tag: tag["Key"])
    assert s3.get_object(Bucket=bucket, Key="a")["TagCount"] == 2
    s3.delete_object_tagging(Bucket=bucket, Key="a")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []


def test_tags_come_with_the_upload(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", Tagging="colour=deep%20blue&place=")
    found = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"]}
    assert found == {"colour": "deep blue", "place": ""}


@pytest.mark.parametrize("tags", [
    [{"Key": f"k{i}", "Value": "v"} for i in range(11)], [{"Key": "k" * 129, "Value": "v"}],
    [{"Key": "k", "Value": "v" * 257}], [{"Key": "same", "Value": "1"}, {"Key": "same", "Value": "2"}]])
def test_tags_over_the_limits_are_refused(s3, bucket, tags):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    code, status = error_code(s3.put_object_tagging, Bucket=bucket, Key="a", Tagging={"TagSet": tags})
    assert status == 400 and code in ("InvalidTag", "BadRequest", "MalformedXML")


def test_tags_of_a_missing_object_are_an_error(s3, bucket):
    assert error_code(s3.get_object_tagging, Bucket=bucket, Key="absent") == ("NoSuchKey", 404)


# ---- authentication ----

def test_a_wrong_secret_is_a_wrong_signature(cloud, bucket):
    other = client(cloud.endpoint, "s3", secret_key="another")
    assert error_code(other.list_objects_v2, Bucket=bucket) == ("SignatureDoesNotMatch", 403)


def test_an_unknown_access_key_is_reported(cloud, bucket):
    other = client(cloud.endpoint, "s3", access_key="AKIDUNKNOWN")
    assert error_code(other.list_objects_v2, Bucket=bucket) == ("InvalidAccessKeyId", 403)


def test_an_unsigned_request_is_denied(cloud, bucket):
    other = client(cloud.endpoint, "s3", signature_version=UNSIGNED)
    assert error_code(other.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)


# "If you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status code 403 (Access Denied) error":
# GetObject, HeadObject and CopyObject in the S3 API Reference
def test_a_missing_key_is_denied_without_permission_to_list(cloud, s3, bucket):
    def allow(*actions, effect="Allow"):
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": effect, "Principal": "*", "Action": list(actions),
             "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}))

    def responses(s3):
        return [error_code(s3.get_object, Bucket=bucket, Key="absent"), error_code(s3.head_object, Bucket=bucket, Key="absent"),
                error_code(s3.get_object, Bucket=bucket, Key="marked"),
                error_code(s3.get_object, Bucket=bucket, Key="here", VersionId=other),
                error_code(s3.get_object_tagging, Bucket=bucket, Key="absent"),
                error_code(s3.copy_object, Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "absent"})]
    allow_public_policies(s3, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="here", Body=b"x")
    other = s3.put_object(Bucket=bucket, Key="marked", Body=b"x")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="marked")
    anybody = client(cloud.endpoint, "s3", signature_version=UNSIGNED)
    may = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:PutObject"]
    hidden = [("AccessDenied", 403), ("403", 403)] + [("AccessDenied", 403)] * 4
    told = [("NoSuchKey", 404), ("404", 404), ("NoSuchKey", 404), ("NoSuchVersion", 404), ("NoSuchKey", 404), ("NoSuchKey", 404)]
    allow(*may)
    assert anybody.get_object(Bucket=bucket, Key="here")["Body"].read() == b"x"
    assert responses(anybody) == hidden and responses(s3) == told
    allow(*may, "s3:ListBucket")
    assert responses(anybody) == told
    allow("s3:ListBucket", effect="Deny")
    assert responses(s3) == hidden


@pytest.mark.parametrize("minutes, code", [(-16, "RequestTimeTooSkewed"), (16, "RequestTimeTooSkewed"),
                                           (-10, None), (10, None)])
def test_a_request_from_another_time_is_refused(cloud, bucket, minutes, code, monkeypatch):
    class Elsewhen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
            return now + datetime.timedelta(minutes=minutes)

    monkeypatch.setattr("botocore.auth.datetime.datetime", Elsewhen)
    s3 = cloud.client("s3")
    if code:
        assert error_code(s3.list_objects_v2, Bucket=bucket) == (code, 403)
    else:
        s3.list_objects_v2(Bucket=bucket)


def test_a_body_that_was_changed_on_its_way_is_refused(cloud, s3, bucket):
    request = AWSRequest("PUT", f"{cloud.endpoint}/{bucket}/a", data=b"signed",
                         headers={"x-amz-content-sha256": hashlib.sha256(b"signed").hexdigest()})
    S3SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "s3", REGION).add_auth(request)
    status, _, body = http(request.url, "PUT", b"forged", **dict(request.headers.items()))
    assert status == 400 and b"XAmzContentSHA256Mismatch" in body
    assert error_code(s3.head_object, Bucket=bucket, Key="a") == ("404", 404)


def test_a_presigned_get_works_without_credentials(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c.txt", Body=b"hello", ContentType="text/x-hello")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b+c.txt"}, ExpiresIn=60)
    status, headers, body = http(url)
    assert (status, body, headers["Content-Type"]) == (200, b"hello", "text/x-hello")


def test_a_presigned_url_overrides_response_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a", "ResponseContentType": "text/other",
                                                   "ResponseContentDisposition": 'attachment; filename="x"'})
    _, headers, _ = http(url)
    assert headers["Content-Type"] == "text/other" and headers["Content-Disposition"] == 'attachment; filename="x"'


def test_a_presigned_put_works_without_credentials(s3, bucket):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "up"}, ExpiresIn=60)
    assert http(url, "PUT", b"uploaded")[0] == 200
    assert fetch(s3, bucket, "up") == b"uploaded"


def test_an_expired_presigned_url_is_denied(s3, bucket, monkeypatch):
    class Earlier(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(seconds=90)

    monkeypatch.setattr("botocore.auth.datetime.datetime", Earlier)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, ExpiresIn=60)
    status, _, body = http(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body and b"Request has expired" in body


def test_a_presigned_url_that_was_changed_is_refused(s3, bucket):
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "mine"})
    status, _, body = http(url.replace("/mine", "/other"))
    assert status == 403 and b"SignatureDoesNotMatch" in body


# ---- other clients ----

def test_curl_puts_and_gets_with_its_own_signature(cloud, s3, bucket, tmp_path):
    (tmp_path / "file").write_bytes(b"from curl\n" * 1000)
    status, body = curl("-T", tmp_path / "file", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                        f"{cloud.endpoint}/{bucket}/curl.txt")
    assert status == 200, body
    assert fetch(s3, bucket, "curl.txt") == b"from curl\n" * 1000


def test_curl_with_a_wrong_secret_is_refused(cloud, bucket):
    status, body = curl("-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", f"{cloud.endpoint}/{bucket}/a", secret="wrong")
    assert status == 403 and b"SignatureDoesNotMatch" in body


def test_a_bucket_in_the_host_name_is_found(cloud, s3, bucket):
    """Virtual-host style, which needs no name service: only the Host header matters."""
    s3.put_object(Bucket=bucket, Key="dir/a b", Body=b"by host")
    host = f"{bucket}.s3.us-east-1.localhost"
    request = AWSRequest("GET", f"http://{host}/dir/a%20b", headers={"Host": host})
    S3SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "s3", REGION).add_auth(request)
    status, _, body = http(f"{cloud.endpoint}/dir/a%20b", **dict(request.headers.items()))
    assert (status, body) == (200, b"by host")


def test_the_aws_cli_copies_there_and_back(cloud, bucket, tmp_path):
    (tmp_path / "a b.bin").write_bytes(b"\1\2\3" * 5000)
    aws(cloud.endpoint, "s3", "cp", tmp_path / "a b.bin", f"s3://{bucket}/in/a b.bin")
    assert "in/a b.bin" in aws(cloud.endpoint, "s3", "ls", "--recursive", f"s3://{bucket}/", check=False).stdout
    aws(cloud.endpoint, "s3", "cp", f"s3://{bucket}/in/a b.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "a b.bin").read_bytes()
    aws(cloud.endpoint, "s3", "rm", f"s3://{bucket}/in/a b.bin")
    assert "Contents" not in (aws(cloud.endpoint, "s3api", "list-objects-v2", "--bucket", bucket) or {})


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_client_that_shuts_down_its_side_gets_its_response(s3, bucket, size):
    """Its request is complete: the object is stored, and it must hear of that."""
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "half"}))
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * size)
        connection.shutdown(socket.SHUT_WR)
        response = b"".join(iter(lambda: connection.recv(4096), b""))
    assert response.startswith(b"HTTP/1.1 200 ") and b"ETag" in response
    assert len(fetch(s3, bucket, "half")) == size


def test_a_client_that_shuts_down_its_side_too_early_stores_nothing(cloud, s3, bucket):
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "early"}))
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 10\r\n\r\nfive!".encode())
        connection.shutdown(socket.SHUT_WR)
        assert not b"".join(iter(lambda: connection.recv(4096), b"")).startswith(b"HTTP/1.1 200 ")
    assert error_code(s3.head_object, Bucket=bucket, Key="early") == ("404", 404)


def test_an_aborted_put_leaves_nothing(cloud, s3, bucket):
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    request = AWSRequest("PUT", f"{cloud.endpoint}/{bucket}/broken", data=b"x" * 100_000)
    S3SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "s3", REGION).add_auth(request)
    lines = [f"PUT /{bucket}/broken HTTP/1.1", f"Host: {host}:{port}", "Content-Length: 100000"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + b"x" * 40_000)
    until(lambda: any(line["status"] == 0 for line in cloud.requests("PutObject", key="broken")), "the end is noticed")
    assert error_code(s3.head_object, Bucket=bucket, Key="broken") == ("404", 404)


# ---- notifications ----

@pytest.fixture
def notified(s3, sqs, bucket):
    """A bucket whose events of in/*.jpg come to a queue; returns both."""
    url = make_queue(sqs, bucket)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(bucket, "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"Id": "uploads", "QueueArn": queue_arn(bucket), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"},
                                            {"Name": "suffix", "Value": ".jpg"}]}}}]})
    return bucket, url


def next_event(sqs, url):
    message = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def record_of(sqs, url):
    while "Records" not in (event := next_event(sqs, url)):
        assert event["Event"] == "s3:TestEvent"
    return event["Records"][0]


def test_a_new_notification_sends_a_test_event(sqs, notified):
    bucket, url = notified
    event = next_event(sqs, url)
    assert event["Service"] == "Amazon S3" and event["Event"] == "s3:TestEvent" and event["Bucket"] == bucket


def test_an_event_describes_the_object(s3, sqs, notified):
    bucket, url = notified
    put = s3.put_object(Bucket=bucket, Key="in/a b+c é.jpg", Body=b"12345")
    record = record_of(sqs, url)
    assert record["eventName"] == "ObjectCreated:Put" and record["eventSource"] == "aws:s3"
    assert record["awsRegion"] == REGION and record["eventVersion"].startswith("2.")
    assert record["s3"]["configurationId"] == "uploads"
    assert record["s3"]["bucket"] == {"name": bucket, "arn": f"arn:aws:s3:::{bucket}",
                                      "ownerIdentity": record["s3"]["bucket"]["ownerIdentity"]}
    item = record["s3"]["object"]
    assert item["key"] == "in/a+b%2Bc+%C3%A9.jpg"
    assert item["size"] == 5 and item["eTag"] == put["ETag"].strip('"')
    assert time.time() - datetime.datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00")).timestamp() < 300


def test_the_sequencer_of_a_key_increases(s3, sqs, notified):
    bucket, url = notified
    for i in range(4):
        s3.put_object(Bucket=bucket, Key="in/a.jpg", Body=b"x" * (i + 1))
    records = [record_of(sqs, url) for _ in range(4)]
    by_size = sorted(records, key=lambda record: record["s3"]["object"]["size"])
    sequencers = [int(record["s3"]["object"]["sequencer"], 16) for record in by_size]
    assert sequencers == sorted(set(sequencers))


def test_a_filter_keeps_other_keys_out(s3, sqs, notified):
    bucket, url = notified
    for key in ("out/a.jpg", "in/a.png", "in/last.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert record_of(sqs, url)["s3"]["object"]["key"] == "in/last.jpg"
    assert depth(sqs, url) == (0, 0, 0)


def test_a_deletion_sends_an_event(s3, sqs, notified):
    bucket, url = notified
    s3.put_object(Bucket=bucket, Key="in/a.jpg", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="in/a.jpg")
    names = {record_of(sqs, url)["eventName"] for _ in range(2)}
    assert names == {"ObjectCreated:Put", "ObjectRemoved:Delete"}


def test_a_notification_is_read_back_as_it_was_put(s3, notified):
    bucket, _ = notified
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert found["Id"] == "uploads" and found["QueueArn"] == queue_arn(bucket)
    assert sorted(found["Events"]) == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    rules = {rule["Name"].lower(): rule["Value"] for rule in found["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "in/", "suffix": ".jpg"}


def test_an_empty_notification_turns_events_off(s3, sqs, notified):
    bucket, url = notified
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_object(Bucket=bucket, Key="in/a.jpg", Body=b"x")
    assert next_event(sqs, url)["Event"] == "s3:TestEvent"
    assert depth(sqs, url) == (0, 0, 0)


def test_a_queue_that_does_not_exist_cannot_be_notified(s3, bucket):
    configuration = {"QueueConfigurations": [{"QueueArn": queue_arn("absent"), "Events": ["s3:ObjectCreated:*"]}]}
    assert error_code(s3.put_bucket_notification_configuration, Bucket=bucket,
                      NotificationConfiguration=configuration) == ("InvalidArgument", 400)


def test_overlapping_notifications_are_refused(s3, sqs, notified):
    bucket, _ = notified
    one = {"QueueArn": queue_arn(bucket), "Events": ["s3:ObjectCreated:*"]}
    configuration = {"QueueConfigurations": [dict(one, Id="a"), dict(one, Id="b")]}
    assert error_code(s3.put_bucket_notification_configuration, Bucket=bucket,
                      NotificationConfiguration=configuration) == ("InvalidArgument", 400)


# ---- durability ----

@pytest.mark.parametrize("end", ["stop", "kill"])
def test_acknowledged_data_survives(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    bodies = {f"{i}": bytes([i]) * size for i, size in enumerate((0, 10, 100_000, 2_000_000))}
    for key, body in bodies.items():
        s3.put_object(Bucket="kept", Key=key, Body=body, Metadata={"n": key}, Tagging=f"n={key}")
    s3.delete_object(Bucket="kept", Key="0")
    getattr(cloud, end)()
    s3 = start_cloud("--pipelines", idle_pipelines).client("s3")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["1", "2", "3"]
    for key in ("1", "2", "3"):
        got = s3.get_object(Bucket="kept", Key=key)
        assert got["Body"].read() == bodies[key] and got["Metadata"] == {"n": key}
        assert s3.get_object_tagging(Bucket="kept", Key=key)["TagSet"] == [{"Key": "n", "Value": key}]


# ---- large objects ----

def test_a_large_object_streams_through_flat_memory(start_cloud, idle_pipelines, monkeypatch):
    """More in and out than it may hold. A sanitizer keeps freed memory aside: here not more than 16 MB."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16")
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, bucket = cloud.client("s3"), "large"
    s3.create_bucket(Bucket=bucket)
    size, piece = 384 << 20, bytes(range(256)) * 4096
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "large"}))
    digest = hashlib.md5()
    connection = http_client.HTTPConnection(url.netloc, timeout=300)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(size // len(piece)):
        connection.send(piece)
        digest.update(piece)
    response = connection.getresponse()
    assert (response.status, response.headers["ETag"]) == (200, f'"{digest.hexdigest()}"')
    connection.close()
    back = hashlib.md5()
    body = s3.get_object(Bucket=bucket, Key="large")["Body"]
    while data := body.read(1 << 20):
        back.update(data)
    assert back.digest() == digest.digest()
    s3.delete_object(Bucket=bucket, Key="large")
    with open(f"/proc/{cloud.process.pid}/status") as status:
        peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))
    assert peak < 320 << 20
