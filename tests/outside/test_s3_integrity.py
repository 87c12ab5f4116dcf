"""Files of objects that no longer have the bytes that were stored: no response and no copy passes them off as the object."""
import re
import sqlite3

import pytest

from harness import error_code, fetch, until

PART = 5 * 1024 * 1024
DAMAGED = r"a stored object is damaged"


@pytest.fixture
def s3_of(start_cloud, tmp_path):
    """Starts the cloud with a rate of the scrub; the cloud and a client. The data stays between starts."""
    def begin(rate):
        cloud = start_cloud("--scrub-rate", rate, "--log-level", "info")
        cloud.wait_for("Serving")
        return cloud, cloud.client("s3")
    return begin


def names(tmp_path):
    return {path.name for folder in ("incoming", "blobs") for path in (tmp_path / "data" / folder).rglob("*") if path.is_file()}


def stored(tmp_path, store):
    """The files that a call has stored, in their final places."""
    before = names(tmp_path)
    store()
    return [until(lambda: next((tmp_path / "data" / "blobs").glob(f"*/{name}"), None), "the file is in its place")
            for name in sorted(names(tmp_path) - before)]


def flip(path, at=1000):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def store_parts(s3, bucket, key, parts):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    done = [{"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)["ETag"]}
            for number, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})


FAILED = ("InternalError", 500)


@pytest.mark.parametrize("options", [{}, {"ServerSideEncryption": "aws:kms"}], ids=["md5", "checksum"])
def test_a_damaged_object_is_not_copied_and_then_not_read(s3_of, tmp_path, options):
    cloud, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    (path,) = stored(tmp_path, lambda: s3.put_object(Bucket="bbb", Key="k", Body=b"a" * 100_000, **options))
    flip(path)
    source = {"Bucket": "bbb", "Key": "k"}
    assert error_code(s3.copy_object, Bucket="bbb", Key="copy", CopySource=source) == FAILED
    assert error_code(s3.head_object, Bucket="bbb", Key="copy") == ("404", 404)
    line = cloud.wait_for(DAMAGED + ".*").group()
    assert re.search("bucket=bbb +key=k ", line) and path.name in line
    assert error_code(s3.get_object, Bucket="bbb", Key="k") == FAILED
    s3.put_object(Bucket="bbb", Key="k", Body=b"new" * 10_000)
    assert fetch(s3, "bbb", "k") == b"new" * 10_000
    s3.copy_object(Bucket="bbb", Key="copy", CopySource=source)
    assert fetch(s3, "bbb", "copy") == b"new" * 10_000


def test_a_damaged_object_is_not_copied_by_ranges(s3_of, tmp_path):
    _, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    (path,) = stored(tmp_path, lambda: s3.put_object(Bucket="bbb", Key="k", Body=b"a" * 100_000))
    flip(path, 90_000)  # outside of the range: what can be trusted is unknown
    upload = s3.create_multipart_upload(Bucket="bbb", Key="new")["UploadId"]
    assert error_code(s3.upload_part_copy, Bucket="bbb", Key="new", UploadId=upload, PartNumber=1, CopySource={"Bucket": "bbb", "Key": "k"},
                      CopySourceRange="bytes=0-9999") == FAILED
    assert "Parts" not in s3.list_parts(Bucket="bbb", Key="new", UploadId=upload)


def test_of_an_object_of_parts_the_damaged_one_is_not_copied(s3_of, tmp_path):
    _, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    paths = stored(tmp_path, lambda: store_parts(s3, "bbb", "k", [b"a" * PART, b"b" * 1000, b"c" * 1000][:2]))
    (second,) = [path for path in paths if path.stat().st_size == 1000]
    flip(second, 10)
    source = {"Bucket": "bbb", "Key": "k"}
    upload = s3.create_multipart_upload(Bucket="bbb", Key="new")["UploadId"]
    copied = s3.upload_part_copy(Bucket="bbb", Key="new", UploadId=upload, PartNumber=1, CopySource=source,
                                 CopySourceRange=f"bytes=0-{PART - 1}")
    assert copied["CopyPartResult"]["ETag"]
    assert error_code(s3.copy_object, Bucket="bbb", Key="copy", CopySource=source) == FAILED
    assert error_code(s3.get_object, Bucket="bbb", Key="k") == FAILED
    assert s3.get_object(Bucket="bbb", Key="k", Range="bytes=0-99")["Body"].read() == b"a" * 100  # of the other part


@pytest.mark.parametrize("size", [0, 99_999, 100_001])
def test_a_file_of_another_size_is_not_read(s3_of, tmp_path, size):
    _, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    (path,) = stored(tmp_path, lambda: s3.put_object(Bucket="bbb", Key="k", Body=b"a" * 100_000))
    path.write_bytes(b"a" * size)
    assert error_code(s3.get_object, Bucket="bbb", Key="k") == FAILED
    assert error_code(s3.copy_object, Bucket="bbb", Key="copy", CopySource={"Bucket": "bbb", "Key": "k"}) == FAILED


def test_the_scrub_finds_what_is_damaged_and_what_is_restored(s3_of, tmp_path):
    cloud, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    s3.put_bucket_versioning(Bucket="bbb", VersioningConfiguration={"Status": "Enabled"})
    versions = {}

    def put(key, body, **options):
        return lambda: versions.setdefault(key, s3.put_object(Bucket="bbb", Key=key, Body=body, **options)["VersionId"])

    old = stored(tmp_path, put("old", b"1" * 50_000))
    s3.put_object(Bucket="bbb", Key="old", Body=b"2" * 50_000)
    single = stored(tmp_path, put("single", b"3" * 600_000))
    kms = stored(tmp_path, put("kms", b"4" * 50_000, ServerSideEncryption="aws:kms"))
    good = stored(tmp_path, put("good", b"5" * 50_000))
    parts = stored(tmp_path, lambda: store_parts(s3, "bbb", "parts", [b"6" * PART, b"7" * 1000]))
    upload = s3.create_multipart_upload(Bucket="bbb", Key="pending")["UploadId"]
    pending = stored(tmp_path, lambda: s3.upload_part(Bucket="bbb", Key="pending", UploadId=upload, PartNumber=3, Body=b"8" * 50_000))
    gone = stored(tmp_path, put("gone", b"9" * 50_000))
    cloud.stop()
    whole = single[0].read_bytes()
    for path in (old[0], kms[0], parts[-1], pending[0]):
        flip(path, 500)
    single[0].write_bytes(whole[:-1])
    gone[0].unlink()

    cloud, s3 = s3_of("1G")
    lines = {}
    for _ in range(6):
        line = cloud.wait_for(DAMAGED + rf".*key=(?!(?:{'|'.join(lines) or '-'}) )(\w+) .*", timeout=30)
        lines[line.group(1)] = line.group()
    assert sorted(lines) == ["gone", "kms", "old", "parts", "pending", "single"]
    assert f"version={versions['old']}" in lines["old"] and "part=3" in lines["pending"] and old[0].name in lines["old"]
    assert error_code(s3.get_object, Bucket="bbb", Key="old", VersionId=versions["old"]) == FAILED
    for key in ("single", "kms", "parts", "gone"):
        assert error_code(s3.get_object, Bucket="bbb", Key=key) == FAILED
    assert fetch(s3, "bbb", "old") == b"2" * 50_000 and fetch(s3, "bbb", "good") == good[0].read_bytes()
    cloud.stop()

    flip(kms[0], 500)  # restored, but nobody has looked yet
    single[0].write_bytes(whole)
    cloud, s3 = s3_of("0")
    assert error_code(s3.get_object, Bucket="bbb", Key="kms") == FAILED
    cloud.stop()

    cloud, s3 = s3_of("1G")
    for key in ("kms", "single"):
        cloud.wait_for(f"a stored object is no longer damaged.*key={key} ", timeout=30)
    assert fetch(s3, "bbb", "kms") == b"4" * 50_000 and fetch(s3, "bbb", "single") == whole
    assert not [line for line in cloud.lines if re.search(DAMAGED, line)]  # the others are known


@pytest.mark.parametrize("options", [{}, {"ChecksumAlgorithm": "SHA256"}, {"ServerSideEncryption": "aws:kms"}],
                         ids=["crc64", "md5", "checksum"])
def test_a_small_object_that_is_damaged_in_the_database_is_not_read(s3_of, tmp_path, options):
    """And the scrub names it, also if it is an old version."""
    cloud, s3 = s3_of("0")
    s3.create_bucket(Bucket="bbb")
    s3.put_bucket_versioning(Bucket="bbb", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="bbb", Key="k", Body=b"a" * 1000, **options)["VersionId"]
    new = s3.put_object(Bucket="bbb", Key="k", Body=b"b" * 1000, **options)["VersionId"]
    s3.put_object(Bucket="bbb", Key="good", Body=b"c" * 1000, **options)
    s3.put_object(Bucket="bbb", Key="empty", Body=b"", **options)
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:
        for byte, wrong in ("a", "A"), ("b", "B"):
            changed = database.execute("UPDATE object_bodies SET data = CAST(replace(CAST(data AS TEXT), ?, ?) AS BLOB) "
                                       "WHERE CAST(data AS TEXT) LIKE ?", (byte * 7, wrong * 7, byte + "%"))
            assert changed.rowcount == 1
    cloud, s3 = s3_of("1G")
    for version in old, new:
        line = cloud.wait_for(DAMAGED + f".*version={version} .*").group()
        assert re.search("bucket=bbb +key=k .*file=database", line)
    for more in ({}, {"VersionId": old}, {"Range": "bytes=0-9"}):
        assert error_code(s3.get_object, Bucket="bbb", Key="k", **more) == FAILED
    assert error_code(s3.copy_object, Bucket="bbb", Key="copy", CopySource={"Bucket": "bbb", "Key": "k"}) == FAILED
    assert fetch(s3, "bbb", "good") == b"c" * 1000 and fetch(s3, "bbb", "empty") == b""
    assert len([line for line in cloud.lines if re.search(DAMAGED, line)]) == 2
