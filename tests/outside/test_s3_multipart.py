"""Multipart uploads and copies in the embedded cloud, with third-party clients."""
import base64
import hashlib
import json
import threading
import zlib

import boto3.s3.transfer
import pytest

from harness import aws, error_code, fetch, make_queue, queue_arn, receive, send_policy, until

MIB = 1 << 20
PART = 5 * MIB


def content(size, seed=b"thumbwheel"):
    """Bytes that differ at every part boundary."""
    out, state = bytearray(), seed
    while len(out) < size:
        state = hashlib.sha512(state).digest()
        out += state * 512
    return bytes(out[:size])


def multipart_etag(parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def upload(s3, bucket, key, parts, numbers=None, **create):
    """Uploads the parts; the upload's id and the list for its completion."""
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **create)["UploadId"]
    done = []
    for number, part in zip(numbers or range(1, len(parts) + 1), parts):
        made = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=part,
                              **{name: value for name, value in create.items() if name == "ChecksumAlgorithm"})
        done.append({"PartNumber": number, "ETag": made["ETag"],
                     **{name: value for name, value in made.items() if name.startswith("Checksum") and
                        name != "ChecksumType"}})
    return upload_id, done


def with_headers(cloud, operation, headers):
    """A client that adds headers that Debian's boto3 lacks. Later changes of headers take precedence."""
    s3 = cloud.client("s3")
    s3.meta.events.register(f"before-call.s3.{operation}", lambda params, **_: params["headers"].update(headers))
    return s3


def complete(s3, bucket, key, upload_id, done, **more):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id,
                                        MultipartUpload={"Parts": done}, **more)


def store(s3, bucket, key, parts, **create):
    upload_id, done = upload(s3, bucket, key, parts, **create)
    return complete(s3, bucket, key, upload_id, done)


def blob_files(cloud):
    return sorted(path for folder in ("blobs", "incoming") for path in (cloud.data / folder).rglob("*")
                  if path.is_file())


# ---- common uses ----

def test_a_large_file_is_uploaded_in_threads_and_downloaded(s3, bucket, tmp_path):
    body = content(20 * MIB + 123)
    source, target = tmp_path / "up", tmp_path / "down"
    source.write_bytes(body)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB,
                                              max_concurrency=4)
    s3.upload_file(str(source), bucket, "photo.tif", Config=config,
                   ExtraArgs={"ContentType": "image/tiff", "Metadata": {"camera": "Field 2"}})
    s3.download_file(bucket, "photo.tif", str(target), Config=config)
    assert target.read_bytes() == body
    found = s3.head_object(Bucket=bucket, Key="photo.tif")
    parts = [body[at:at + 5 * MIB] for at in range(0, len(body), 5 * MIB)]
    assert found["ETag"] == multipart_etag(parts) and found["ContentLength"] == len(body)
    assert found["ContentType"] == "image/tiff" and found["Metadata"] == {"camera": "Field 2"}
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ETag"] == multipart_etag(parts)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_the_command_line_copies_a_large_file_there_and_back(cloud, s3, bucket, tmp_path):
    body = content(12 * MIB + 7)
    (tmp_path / "up.jpg").write_bytes(body)
    aws(cloud.endpoint, "s3", "cp", tmp_path / "up.jpg", f"s3://{bucket}/a b+c.jpg")
    aws(cloud.endpoint, "s3", "cp", f"s3://{bucket}/a b+c.jpg", f"s3://{bucket}/copied/a b+c.jpg")
    aws(cloud.endpoint, "s3", "mv", f"s3://{bucket}/copied/a b+c.jpg", f"s3://{bucket}/moved.jpg")
    aws(cloud.endpoint, "s3", "cp", f"s3://{bucket}/moved.jpg", tmp_path / "down.jpg")
    assert (tmp_path / "down.jpg").read_bytes() == body
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a b+c.jpg", "moved.jpg"]


def test_a_completed_upload_sends_one_event(s3, sqs, bucket):
    url = make_queue(sqs, bucket)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": send_policy(bucket, "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue_arn(bucket), "Events": ["s3:ObjectCreated:*"]}]})
    made = store(s3, bucket, "in/a b.jpg", [content(PART), b"end"])
    s3.copy_object(Bucket=bucket, Key="copy.jpg", CopySource={"Bucket": bucket, "Key": "in/a b.jpg"})
    records = []
    while len(records) < 2:
        message = receive(sqs, url)
        records += json.loads(message["Body"]).get("Records", [])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    records.sort(key=lambda record: record["s3"]["object"]["sequencer"])
    assert [record["eventName"] for record in records] == \
        ["ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"]
    item = records[0]["s3"]["object"]
    assert item["key"] == "in/a+b.jpg" and item["size"] == PART + 3 and item["eTag"] == made["ETag"].strip('"')
    assert records[1]["s3"]["object"]["eTag"] == hashlib.md5(content(PART) + b"end").hexdigest()


# ---- reading ----

@pytest.fixture(scope="module")
def assembled(s3):
    """One object of three parts with gaps in their numbers, for the tests that read."""
    s3.create_bucket(Bucket="assembled")
    parts = [content(PART + 11, b"1"), content(PART, b"2"), content(1000, b"3")]
    upload_id, done = upload(s3, "assembled", "a", parts, numbers=[2, 5, 9])
    complete(s3, "assembled", "a", upload_id, done)
    return parts


@pytest.mark.parametrize("first, last", [
    (0, 0), (PART + 10, PART + 11), (PART + 5, PART + 20), (0, PART + 10), (PART + 11, 2 * PART + 10),
    (2 * PART + 11, 2 * PART + 1010), (PART + 10, 2 * PART + 11), (0, 2 * PART + 1010), (3 * MIB, 9 * MIB)])
def test_a_range_crosses_parts(s3, assembled, first, last):
    body = b"".join(assembled)
    got = s3.get_object(Bucket="assembled", Key="a", Range=f"bytes={first}-{last}")
    assert got["Body"].read() == body[first:last + 1]
    assert got["ContentRange"] == f"bytes {first}-{last}/{len(body)}"


def test_the_end_of_an_object_of_parts(s3, assembled):
    body = b"".join(assembled)
    assert s3.get_object(Bucket="assembled", Key="a", Range="bytes=-1200")["Body"].read() == body[-1200:]
    assert fetch(s3, "assembled", "a") == body
    assert error_code(s3.get_object, Bucket="assembled", Key="a", Range=f"bytes={len(body)}-") == ("InvalidRange", 416)


def test_one_part_is_read_by_its_number(s3, assembled):
    for number, part in zip((2, 5, 9), assembled):
        got = s3.get_object(Bucket="assembled", Key="a", PartNumber=number)
        assert got["Body"].read() == part and got["PartsCount"] == 3
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        head = s3.head_object(Bucket="assembled", Key="a", PartNumber=number)
        assert head["ContentLength"] == len(part) and head["PartsCount"] == 3
    assert error_code(s3.get_object, Bucket="assembled", Key="a", PartNumber=3) == ("InvalidPartNumber", 416)
    assert error_code(s3.get_object, Bucket="assembled", Key="a", PartNumber=0) == ("InvalidArgument", 400)
    assert error_code(s3.get_object, Bucket="assembled", Key="a", PartNumber=2, Range="bytes=0-1") == \
        ("InvalidRequest", 400)


def test_an_object_uploaded_at_once_is_its_own_first_part(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"whole")
    got = s3.get_object(Bucket=bucket, Key="a", PartNumber=1)
    assert got["Body"].read() == b"whole" and "PartsCount" not in got
    assert error_code(s3.get_object, Bucket=bucket, Key="a", PartNumber=2) == ("InvalidPartNumber", 416)


def test_a_reader_gets_the_object_that_it_opened_although_it_is_replaced(cloud, s3, bucket):
    before = len(blob_files(cloud))
    parts = [content(6 * MIB, b"a"), content(6 * MIB, b"b"), content(6 * MIB, b"c")]
    store(s3, bucket, "a", parts)
    body = s3.get_object(Bucket=bucket, Key="a")["Body"]
    start = body.read(1000)
    s3.put_object(Bucket=bucket, Key="a", Body=b"new")
    assert start + body.read() == b"".join(parts)
    assert fetch(s3, bucket, "a") == b"new"
    until(lambda: len(blob_files(cloud)) == before, "the files of the replaced object are gone")


def test_a_reader_that_disconnects_releases_the_files(cloud, s3, bucket):
    before = len(blob_files(cloud))
    store(s3, bucket, "a", [content(8 * MIB, b"a"), content(8 * MIB, b"b")])
    body = s3.get_object(Bucket=bucket, Key="a")["Body"]
    body.read(10)
    s3.delete_object(Bucket=bucket, Key="a")
    body.close()
    until(lambda: len(blob_files(cloud)) == before, "the files of the deleted object are gone")


# ---- what is refused ----

def test_completion_must_match_the_uploaded_parts(s3, bucket):
    upload_id, done = upload(s3, bucket, "a", [content(PART), b"tail"])
    args = (s3, bucket, "a", upload_id)
    assert error_code(complete, *args, done[::-1]) == ("InvalidPartOrder", 400)
    assert error_code(complete, *args, [done[0], done[0]]) == ("InvalidPartOrder", 400)
    assert error_code(complete, *args, [done[0], dict(done[1], ETag='"%s"' % ("0" * 32))]) == ("InvalidPart", 400)
    assert error_code(complete, *args, [done[0], dict(done[1], PartNumber=3)]) == ("InvalidPart", 400)
    assert error_code(complete, *args, []) == ("InvalidRequest", 400)  # recorded by localstack: "You must specify at least one part"
    assert error_code(s3.head_object, Bucket=bucket, Key="a") == ("404", 404)
    complete(*args, done)
    assert fetch(s3, bucket, "a") == content(PART) + b"tail"


def test_only_the_last_part_may_be_small(s3, bucket):
    upload_id, done = upload(s3, bucket, "a", [content(PART - 1), b"tail"])
    assert error_code(complete, s3, bucket, "a", upload_id, done) == ("EntityTooSmall", 400)
    complete(s3, bucket, "a", upload_id, done[1:])
    assert fetch(s3, bucket, "a") == b"tail"
    assert s3.head_object(Bucket=bucket, Key="a")["ETag"] == multipart_etag([b"tail"])


@pytest.mark.parametrize("number", [0, 10001, -1])
def test_a_part_number_has_bounds(s3, bucket, number):
    upload_id, _ = upload(s3, bucket, "a", [])
    assert error_code(s3.upload_part, Bucket=bucket, Key="a", UploadId=upload_id, PartNumber=number, Body=b"x") == \
        ("InvalidArgument", 400)


def test_an_upload_that_does_not_exist(s3, bucket):
    upload_id, done = upload(s3, bucket, "a", [b"x"])
    for wrong, key in (("nonsense", "a"), ("0" * 16, "a"), (upload_id, "b"), ("f" * 16, "a")):
        ids = dict(Bucket=bucket, Key=key, UploadId=wrong)
        assert error_code(s3.upload_part, PartNumber=1, Body=b"x", **ids) == ("NoSuchUpload", 404)
        assert error_code(s3.list_parts, **ids) == ("NoSuchUpload", 404)
        assert error_code(s3.abort_multipart_upload, **ids) == ("NoSuchUpload", 404)
        assert error_code(complete, s3, bucket, key, wrong, done) == ("NoSuchUpload", 404)
    assert error_code(s3.create_multipart_upload, Bucket="no-such-bucket", Key="a") == ("NoSuchBucket", 404)


def test_a_part_with_a_wrong_md5_is_refused(cloud, s3, bucket):
    before = len(blob_files(cloud))
    upload_id, _ = upload(s3, bucket, "a", [])
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert error_code(s3.upload_part, Bucket=bucket, Key="a", UploadId=upload_id, PartNumber=1, Body=b"body",
                      ContentMD5=wrong) == ("BadDigest", 400)
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="a", UploadId=upload_id)
    until(lambda: len(blob_files(cloud)) == before, "nothing of it is left")


def test_a_completion_can_be_conditional(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"first")
    upload_id, done = upload(s3, bucket, "a", [b"second"])
    careful = with_headers(cloud, "CompleteMultipartUpload", {"If-None-Match": "*"})
    assert error_code(complete, careful, bucket, "a", upload_id, done) == ("PreconditionFailed", 412)
    assert fetch(s3, bucket, "a") == b"first"
    complete(s3, bucket, "a", upload_id, done)
    assert fetch(s3, bucket, "a") == b"second"


def test_a_completion_can_be_repeated_if_the_response_was_lost(s3, bucket):
    upload_id, done = upload(s3, bucket, "a", [b"once"])
    assert complete(s3, bucket, "a", upload_id, done)["ETag"] == complete(s3, bucket, "a", upload_id, done)["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"newer")
    assert error_code(complete, s3, bucket, "a", upload_id, done) == ("NoSuchUpload", 404)
    assert fetch(s3, bucket, "a") == b"newer"


# ---- checksums ----

def test_a_composite_checksum_is_that_of_the_parts(s3, bucket):
    parts = [content(PART), b"end"]
    upload_id, done = upload(s3, bucket, "a", parts, ChecksumAlgorithm="CRC32")
    assert [item["ChecksumCRC32"] for item in done] == [crc32(part) for part in parts]
    bare = [{"PartNumber": item["PartNumber"], "ETag": item["ETag"]} for item in done]
    assert error_code(complete, s3, bucket, "a", upload_id, bare) == ("InvalidRequest", 400)
    wrong = [done[0], dict(done[1], ChecksumCRC32=crc32(b"other"))]
    assert error_code(complete, s3, bucket, "a", upload_id, wrong) == ("InvalidPart", 400)
    made = complete(s3, bucket, "a", upload_id, done)
    expected = crc32(b"".join(base64.b64decode(crc32(part)) for part in parts)) + "-2"
    assert made["ChecksumCRC32"] == expected
    found = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == expected
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-type"] == "COMPOSITE"
    assert fetch(s3, bucket, "a") == b"".join(parts)


def test_a_checksum_of_the_whole_follows_from_the_parts(cloud, s3, bucket):
    parts = [content(PART + 3, b"x"), content(PART, b"y"), b"end"]
    creating = with_headers(cloud, "CreateMultipartUpload",
                            {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"})
    stated = {}
    kept = with_headers(cloud, "CompleteMultipartUpload", stated)
    upload_id, done = upload(creating, bucket, "a", parts)
    stated["x-amz-checksum-crc32"] = crc32(b"other")
    assert error_code(complete, kept, bucket, "a", upload_id, done) == ("BadDigest", 400)
    stated["x-amz-checksum-crc32"] = crc32(b"".join(parts))
    stated["x-amz-mp-object-size"] = "5"
    assert error_code(complete, kept, bucket, "a", upload_id, done) == ("InvalidRequest", 400)
    stated["x-amz-mp-object-size"] = str(sum(map(len, parts)))
    made = complete(kept, bucket, "a", upload_id, done)
    assert made["ChecksumCRC32"] == crc32(b"".join(parts))
    headers = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-checksum-crc32"] == crc32(b"".join(parts))
    assert headers["x-amz-checksum-type"] == "FULL_OBJECT"


def test_a_part_with_a_different_checksum_algorithm_is_refused(s3, bucket):
    upload_id, _ = upload(s3, bucket, "a", [], ChecksumAlgorithm="SHA256")
    assert error_code(s3.upload_part, Bucket=bucket, Key="a", UploadId=upload_id, PartNumber=1, Body=b"x",
                      ChecksumAlgorithm="SHA1") == ("InvalidRequest", 400)


# ---- listing, aborting ----

def test_parts_are_listed_in_pages_and_replaced(s3, bucket):
    upload_id, _ = upload(s3, bucket, "a b", [b"one", b"two", b"three"], numbers=[3, 1, 10000])
    s3.upload_part(Bucket=bucket, Key="a b", UploadId=upload_id, PartNumber=3, Body=b"newer")
    pages = list(s3.get_paginator("list_parts").paginate(Bucket=bucket, Key="a b", UploadId=upload_id,
                                                         PaginationConfig={"PageSize": 2}))
    parts = [part for page in pages for part in page["Parts"]]
    assert len(pages) == 2 and pages[0]["IsTruncated"] and not pages[1]["IsTruncated"]
    assert [(part["PartNumber"], part["Size"]) for part in parts] == [(1, 3), (3, 5), (10000, 5)]
    assert parts[1]["ETag"] == f'"{hashlib.md5(b"newer").hexdigest()}"'


def test_uploads_are_listed_in_pages(s3, bucket):
    keys = ["a", "a", "b/1", "b/2", "c d"]
    ids = [upload(s3, bucket, key, [])[0] for key in keys]
    pages = list(s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    found = [(item["Key"], item["UploadId"]) for page in pages for item in page["Uploads"]]
    assert found == list(zip(keys, ids)) and len(pages) == 3
    for size in (1, 2, 5):
        pages = list(s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}))
        assert [item["Key"] for page in pages for item in page.get("Uploads", [])] == ["a", "a", "c d"]
        assert [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])] == ["b/"]
    only = s3.list_multipart_uploads(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert [item["Key"] for item in only["Uploads"]] == ["b/1", "b/2"]


def test_aborting_frees_the_space_and_parts_left_out_go_too(cloud, s3, bucket):
    before = len(blob_files(cloud))
    upload_id, done = upload(s3, bucket, "a", [content(PART), content(PART), b"end"])
    assert len(blob_files(cloud)) == before + 3
    s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=upload_id)
    until(lambda: len(blob_files(cloud)) == before, "the parts are gone")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    upload_id, done = upload(s3, bucket, "a", [content(PART), content(PART), b"end"])
    complete(s3, bucket, "a", upload_id, [done[0], done[2]])
    until(lambda: len(blob_files(cloud)) == before + 2, "the part that was not listed is gone")
    assert fetch(s3, bucket, "a") == content(PART) + b"end"
    s3.delete_object(Bucket=bucket, Key="a")
    until(lambda: len(blob_files(cloud)) == before, "the object's parts are gone")


def test_deleting_a_bucket_deletes_its_uploads(cloud, s3, bucket):
    before = len(blob_files(cloud))
    upload(s3, bucket, "a", [b"part"])
    s3.delete_bucket(Bucket=bucket)
    until(lambda: len(blob_files(cloud)) == before, "the parts are gone")


# ---- copies ----

@pytest.mark.parametrize("size", [0, 100, 16384, 16385, 3 * MIB])
def test_a_copy_has_the_bytes_the_metadata_and_the_tags(s3, bucket, size):
    body, source = content(size), {"Bucket": bucket, "Key": "süß + 1%.jpg"}
    put = s3.put_object(Bucket=bucket, Key=source["Key"], Body=body, ContentType="image/jpeg", Metadata={"a": "1"},
                        Tagging="t=1", CacheControl="no-store")
    made = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    s3.delete_object(Bucket=bucket, Key=source["Key"])
    assert made["CopyObjectResult"]["ETag"] == put["ETag"]
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == body and got["Metadata"] == {"a": "1"} and got["CacheControl"] == "no-store"
    assert got["ContentType"] == "image/jpeg"
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_directives_replace_metadata_and_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", Metadata={"old": "1"}, Tagging="old=1", ContentType="image/png")
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "2"},
                   ContentType="image/webp")
    got = s3.head_object(Bucket=bucket, Key="b")
    assert got["Metadata"] == {"new": "2"} and got["ContentType"] == "image/webp"
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == [{"Key": "old", "Value": "1"}]
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, TaggingDirective="REPLACE", Tagging="new=2")
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "new", "Value": "2"}]
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"old": "1"}


@pytest.mark.parametrize("size", [5, 100_000])
def test_an_object_is_copied_onto_itself_only_to_change_it(cloud, s3, bucket, size):
    body = content(size)
    s3.put_object(Bucket=bucket, Key="a", Body=body, Metadata={"v": "1"})
    files = len(blob_files(cloud))
    copy = dict(Bucket=bucket, Key="a", CopySource={"Bucket": bucket, "Key": "a"})
    assert error_code(s3.copy_object, **copy) == ("InvalidRequest", 400)
    s3.copy_object(MetadataDirective="REPLACE", Metadata={"v": "2"}, **copy)
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == body and got["Metadata"] == {"v": "2"}
    until(lambda: len(blob_files(cloud)) == files, "no file is left over")


def test_conditions_on_the_source_are_enforced(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]
    copy = dict(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    failed = ("PreconditionFailed", 412)
    assert error_code(s3.copy_object, CopySourceIfMatch='"other"', **copy) == failed
    assert error_code(s3.copy_object, CopySourceIfNoneMatch=etag, **copy) == failed
    modified = s3.head_object(Bucket=bucket, Key="a")["LastModified"]
    assert error_code(s3.copy_object, CopySourceIfModifiedSince=modified, **copy)[1] == 412
    assert error_code(s3.copy_object, CopySourceIfUnmodifiedSince="Sat, 01 Jan 2000 00:00:00 GMT", **copy) == failed
    s3.copy_object(CopySourceIfMatch=etag, **copy)
    assert fetch(s3, bucket, "b") == b"a"


@pytest.mark.parametrize("source, error", [
    ("no-such-bucket/a", ("NoSuchBucket", 404)), ("{bucket}/absent", ("NoSuchKey", 404)),
    ("nothing", ("InvalidArgument", 400)), ("{bucket}/a?versionId=other", ("InvalidArgument", 400)),
    ("{bucket}/a?versionId=00000100000000ff", ("NoSuchVersion", 404))])
def test_a_wrong_source_is_reported(s3, bucket, source, error):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert error_code(s3.copy_object, Bucket=bucket, Key="b", CopySource=source.format(bucket=bucket)) == error


def test_a_copy_of_parts_is_one_piece(s3, bucket):
    parts = [content(PART, b"1"), content(700_000, b"2")]
    store(s3, bucket, "a", parts, ContentType="image/jpeg")
    made = s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    assert made["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"".join(parts)).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="b")
    assert got["Body"].read() == b"".join(parts) and got["ContentType"] == "image/jpeg"


def test_parts_are_copied_whole_and_in_ranges(s3, bucket):
    body = content(12 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    source = {"Bucket": bucket, "Key": "source"}
    upload_id, _ = upload(s3, bucket, "a", [])
    ids = dict(Bucket=bucket, Key="a", UploadId=upload_id, CopySource=source)
    first, last = 1_000_003, 1_000_003 + 6 * MIB
    made = [s3.upload_part_copy(PartNumber=1, CopySourceRange=f"bytes={first}-{last}", **ids),
            s3.upload_part_copy(PartNumber=2, **ids)]
    etags = [item["CopyPartResult"]["ETag"] for item in made]
    assert etags[0] == f'"{hashlib.md5(body[first:last + 1]).hexdigest()}"'
    complete(s3, bucket, "a", upload_id, [{"PartNumber": i + 1, "ETag": etag} for i, etag in enumerate(etags)])
    assert fetch(s3, bucket, "a") == body[first:last + 1] + body
    assert error_code(s3.upload_part_copy, PartNumber=1, **ids) == ("NoSuchUpload", 404)


@pytest.mark.parametrize("range_", ["bytes=5-", "bytes=-5", "bytes=2-1", "bytes=0-10", "0-1"])
def test_a_range_of_a_copied_part_must_lie_in_its_source(s3, bucket, range_):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload_id, _ = upload(s3, bucket, "a", [])
    assert error_code(s3.upload_part_copy, Bucket=bucket, Key="a", UploadId=upload_id, PartNumber=1,
                      CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=range_) == ("InvalidArgument", 400)


# ---- durability ----

@pytest.mark.parametrize("end", ["stop", "kill"])
def test_uploads_and_objects_of_parts_survive(start_cloud, idle_pipelines, end):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    parts = [content(PART), b"end"]
    store(s3, "kept", "done", parts)
    s3.copy_object(Bucket="kept", Key="copied", CopySource={"Bucket": "kept", "Key": "done"})
    upload_id, done = upload(s3, "kept", "open", parts)
    gone, _ = upload(s3, "kept", "gone", parts)
    s3.abort_multipart_upload(Bucket="kept", Key="gone", UploadId=gone)
    getattr(cloud, end)()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    assert fetch(s3, "kept", "done") == fetch(s3, "kept", "copied") == b"".join(parts)
    assert [item["UploadId"] for item in s3.list_multipart_uploads(Bucket="kept")["Uploads"]] == [upload_id]
    complete(s3, "kept", "open", upload_id, done)
    assert fetch(s3, "kept", "open") == b"".join(parts)
    s3.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": key} for key in ("done", "copied", "open")]})
    photos = [key for page in s3.get_paginator("list_objects_v2").paginate(Bucket="photos")
              for key in page.get("Contents", []) if key["Size"] > 16384]
    until(lambda: len(blob_files(cloud)) == len(photos), "no file is left")


def test_a_process_killed_amid_uploads_leaves_no_file_behind(start_cloud, idle_pipelines):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="torn")
    told = []

    def work(worker):
        mine = cloud.client("s3")
        try:
            for round_ in range(100):
                key = f"{worker}-{round_}"
                store(mine, "torn", key, [content(PART, key.encode()), b"end"])
                told.append(key)
        except Exception:
            pass  # the process is killed under it

    workers = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for worker in workers:
        worker.start()
    until(lambda: len(told) >= 4, "some uploads are acknowledged")
    cloud.kill()
    for worker in workers:
        worker.join()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    found = [item["Key"] for item in s3.list_objects_v2(Bucket="torn")["Contents"]]
    assert set(told) <= set(found) and len(found) <= len(told) + 3
    for key in found:
        assert fetch(s3, "torn", key) == content(PART, key.encode()) + b"end"
    for item in s3.list_multipart_uploads(Bucket="torn").get("Uploads", []):
        s3.abort_multipart_upload(Bucket="torn", Key=item["Key"], UploadId=item["UploadId"])
    assert not list((cloud.data / "incoming").iterdir())
    photos = [key for page in s3.get_paginator("list_objects_v2").paginate(Bucket="photos")
              for key in page.get("Contents", []) if key["Size"] > 16384]
    until(lambda: len(blob_files(cloud)) == 2 * len(found) + len(photos), "each file belongs to an object")


def test_a_part_may_be_empty(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="empty")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="empty", UploadId=upload, PartNumber=1, Body=b"")["ETag"]
    assert etag == '"d41d8cd98f00b204e9800998ecf8427e"'  # the MD5 of nothing
    s3.complete_multipart_upload(Bucket=bucket, Key="empty", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""
