"""The checksums of S3's objects: "Checking object integrity in Amazon S3" in the S3 User Guide, and what localstack/localstack recorded
of the service (tests/aws/services/s3/test_s3.py: TestS3MultipartUploadChecksum, test_put_object_checksum, test_get_object_attributes;
localstack-core/localstack/services/s3/models.py: S3Multipart.complete_multipart). The values are computed here, bit by bit."""
import base64
import hashlib
import sqlite3
import zlib

import pytest

from s3_wire import document, elements, request, texts

PART = 5 * 1024 * 1024
TABLE = [0] * 256
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0x9A6C9329AC4BC9B5 if _value & 1 else 0)
    TABLE[_byte] = _value


def crc64(data):
    """CRC-64/NVME of the "NVM Command Set Specification", as base64."""
    value = 2**64 - 1
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return base64.b64encode((value ^ (2**64 - 1)).to_bytes(8, "big")).decode()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


CRC64 = "x-amz-checksum-crc64nvme"


def test_the_reference_is_the_published_one():
    """The check value of CRC-64/NVME in the "Catalogue of parametrised CRC algorithms"."""
    assert base64.b64decode(crc64(b"123456789")).hex() == "ae8b14860a799888"


def read(cloud, method, target, **headers):
    status, found, _ = request(cloud, method, target, x_amz_checksum_mode="ENABLED", **headers)
    return status, {name: value for name, value in found.items() if name.startswith("x-amz-checksum-")}


def listed(cloud, bucket, query, element):
    _, _, text = request(cloud, "GET", f"/{bucket}?{query}")
    return [texts(node, "Key", "ChecksumAlgorithm", "ChecksumType") for node in document(text).iter(element)]


# ---- objects in one piece ----

@pytest.mark.parametrize("size", [0, 9, 16 * 1024, 16 * 1024 + 1, 300_000])
def test_without_a_checksum_an_object_gets_crc64nvme(cloud, bucket, size):
    body = (b"123456789" * (size // 9 + 1))[:size]
    _, put, _ = request(cloud, "PUT", f"/{bucket}/k", body)
    wanted = {CRC64: crc64(body), "x-amz-checksum-type": "FULL_OBJECT"}
    assert {name: put.get(name) for name in wanted} == wanted
    assert read(cloud, "HEAD", f"/{bucket}/k") == read(cloud, "GET", f"/{bucket}/k") == (200, wanted)
    _, plain, _ = request(cloud, "GET", f"/{bucket}/k")
    assert not [name for name in plain if "checksum" in name]  # only with x-amz-checksum-mode
    _, _, text = request(cloud, "GET", f"/{bucket}/k?attributes", x_amz_object_attributes="Checksum")
    assert texts(document(text).find("Checksum"), "ChecksumCRC64NVME", "ChecksumType") == (crc64(body), "FULL_OBJECT")
    for query, element in (("list-type=2", "Contents"), ("", "Contents"), ("versions", "Version")):
        assert listed(cloud, bucket, query, element) == [("k", "CRC64NVME", "FULL_OBJECT")]


def test_the_checksum_of_the_client_is_kept(cloud, bucket):
    request(cloud, "PUT", f"/{bucket}/k", b"body", x_amz_checksum_sha256=sha256(b"body"))
    assert read(cloud, "GET", f"/{bucket}/k") == (200, {"x-amz-checksum-sha256": sha256(b"body"), "x-amz-checksum-type": "FULL_OBJECT"})
    assert listed(cloud, bucket, "list-type=2", "Contents") == [("k", "SHA256", "FULL_OBJECT")]


def test_a_range_has_the_checksum_only_if_it_is_the_whole(cloud, bucket):
    """localstack's get_object: range_data.content_length == s3_object.size."""
    request(cloud, "PUT", f"/{bucket}/k", b"body")
    whole = {CRC64: crc64(b"body"), "x-amz-checksum-type": "FULL_OBJECT"}
    assert read(cloud, "GET", f"/{bucket}/k", Range="bytes=0-3") == (206, whole)
    assert read(cloud, "GET", f"/{bucket}/k", Range="bytes=0-2") == (206, {})
    assert read(cloud, "GET", f"/{bucket}/k?partNumber=1") == (206, whole)


def test_a_copy_keeps_the_algorithm_or_has_that_of_the_request(cloud, bucket):
    request(cloud, "PUT", f"/{bucket}/a", b"body", x_amz_checksum_sha256=sha256(b"body"))
    for key, asked, element, value in (("b", {}, "ChecksumSHA256", sha256(b"body")),
                                       ("c", {"x_amz_checksum_algorithm": "CRC32"}, "ChecksumCRC32", crc32(b"body")),
                                       ("d", {"x_amz_checksum_algorithm": "CRC64NVME"}, "ChecksumCRC64NVME", crc64(b"body"))):
        _, _, text = request(cloud, "PUT", f"/{bucket}/{key}", x_amz_copy_source=f"{bucket}/a", **asked)
        assert texts(document(text), element, "ChecksumType") == (value, "FULL_OBJECT")


# ---- objects of parts ----

def create(cloud, bucket, key="k", **headers):
    status, found, text = request(cloud, "POST", f"/{bucket}/{key}?uploads", **headers)
    assert status == 200, text
    return document(text).findtext("UploadId"), {name: value for name, value in found.items() if "checksum" in name}


def upload(cloud, bucket, upload_id, parts, key="k", headers=lambda body: {}):
    done = []
    for number, body in enumerate(parts, 1):
        status, found, text = request(cloud, "PUT", f"/{bucket}/{key}?uploadId={upload_id}&partNumber={number}", body, **headers(body))
        assert status == 200, text
        done.append((number, found["etag"]))
    return done


def complete(cloud, bucket, upload_id, done, key="k", checksums=None, **headers):
    body = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{(checksums or {}).get(number, '')}</Part>"
                   for number, etag in done)
    return request(cloud, "POST", f"/{bucket}/{key}?uploadId={upload_id}",
                   f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>", **headers)


PARTS = [b"a" * PART, b"bc"]
WHOLE = b"".join(PARTS)


@pytest.mark.parametrize("sent", [lambda body: {}, lambda body: {"x_amz_checksum_crc32": crc32(body)}], ids=["none", "crc32"])
def test_an_upload_without_an_algorithm_ends_with_crc64nvme(cloud, bucket, sent):
    upload_id, said = create(cloud, bucket)
    assert said == {}
    done = upload(cloud, bucket, upload_id, PARTS, headers=sent)
    _, _, text = request(cloud, "GET", f"/{bucket}/k?uploadId={upload_id}")
    assert "Checksum" not in text.decode()
    status, _, text = complete(cloud, bucket, upload_id, done, x_amz_checksum_crc64nvme=crc64(WHOLE),
                               x_amz_checksum_type="FULL_OBJECT", x_amz_mp_object_size=len(WHOLE))
    assert (status, texts(document(text), "ChecksumCRC64NVME", "ChecksumType")) == (200, (crc64(WHOLE), "FULL_OBJECT"))
    assert read(cloud, "HEAD", f"/{bucket}/k") == (200, {CRC64: crc64(WHOLE), "x-amz-checksum-type": "FULL_OBJECT"})
    assert read(cloud, "GET", f"/{bucket}/k?partNumber=2") == (206, {})
    assert listed(cloud, bucket, "list-type=2", "Contents") == [("k", "CRC64NVME", "FULL_OBJECT")]
    _, _, text = request(cloud, "GET", f"/{bucket}/k?attributes", x_amz_object_attributes="ObjectParts,Checksum")
    parts = document(text).find("ObjectParts")
    assert [(child.tag, child.text) for child in parts] == [("PartsCount", "2")]  # the parts are listed for composite ones only


def test_copied_parts_of_an_upload_without_an_algorithm_end_with_crc64nvme(cloud, bucket):
    request(cloud, "PUT", f"/{bucket}/a", PARTS[0])
    upload_id, _ = create(cloud, bucket)
    status, _, text = request(cloud, "PUT", f"/{bucket}/k?uploadId={upload_id}&partNumber=1", x_amz_copy_source=f"{bucket}/a")
    assert status == 200 and "Checksum" not in text.decode()
    done = [(1, document(text).findtext("ETag")), *upload(cloud, bucket, upload_id, [b"", PARTS[1]])[1:]]
    status, found, text = request(cloud, "PUT", f"/{bucket}/k?uploadId={upload_id}&partNumber=1", x_amz_copy_source=f"{bucket}/a")
    _, _, text = complete(cloud, bucket, upload_id, done)
    assert texts(document(text), "ChecksumCRC64NVME", "ChecksumType") == (crc64(WHOLE), "FULL_OBJECT")


@pytest.mark.parametrize("algorithm, function", [("CRC32", crc32), ("SHA256", sha256)])
def test_a_composite_checksum(cloud, bucket, algorithm, function):
    header = f"x-amz-checksum-{algorithm.lower()}"
    upload_id, said = create(cloud, bucket, x_amz_checksum_algorithm=algorithm)
    assert said == {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "COMPOSITE"}
    assert listed(cloud, bucket, "uploads", "Upload") == [("k", algorithm, "COMPOSITE")]
    done = upload(cloud, bucket, upload_id, PARTS, headers=lambda body: {header: function(body)})
    _, _, text = request(cloud, "GET", f"/{bucket}/k?uploadId={upload_id}")
    root = document(text)
    assert texts(root, "ChecksumAlgorithm", "ChecksumType") == (algorithm, "COMPOSITE")
    assert [node.findtext(f"Checksum{algorithm}") for node in root.iter("Part")] == [function(body) for body in PARTS]
    each = {number: f"<Checksum{algorithm}>{function(body)}</Checksum{algorithm}>" for number, body in enumerate(PARTS, 1)}
    value = function(b"".join(base64.b64decode(function(body)) for body in PARTS))
    _, _, text = complete(cloud, bucket, upload_id, done, checksums=each)
    assert texts(document(text), f"Checksum{algorithm}", "ChecksumType") == (f"{value}-2", "COMPOSITE")
    assert read(cloud, "GET", f"/{bucket}/k") == (200, {header: f"{value}-2", "x-amz-checksum-type": "COMPOSITE"})
    assert read(cloud, "GET", f"/{bucket}/k?partNumber=2") == (206, {header: function(PARTS[1]), "x-amz-checksum-type": "COMPOSITE"})
    assert listed(cloud, bucket, "versions", "Version") == [("k", algorithm, "COMPOSITE")]
    _, _, text = request(cloud, "GET", f"/{bucket}/k?attributes", x_amz_object_attributes="ObjectParts,Checksum")
    root = document(text)
    assert texts(root.find("Checksum"), f"Checksum{algorithm}", "ChecksumType") == (value, "COMPOSITE")  # without "-2"
    assert [texts(node, "PartNumber", "Size", f"Checksum{algorithm}") for node in root.iter("Part")] == [
        (str(number), str(len(body)), function(body)) for number, body in enumerate(PARTS, 1)]


@pytest.mark.parametrize("algorithm, function", [("CRC32", crc32), ("CRC64NVME", crc64)])
def test_a_checksum_of_the_full_object(cloud, bucket, algorithm, function):
    upload_id, said = create(cloud, bucket, x_amz_checksum_algorithm=algorithm, x_amz_checksum_type="FULL_OBJECT")
    assert said == {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "FULL_OBJECT"}
    done = upload(cloud, bucket, upload_id, PARTS)
    status, _, text = complete(cloud, bucket, upload_id, done, **{f"x-amz-checksum-{algorithm.lower()}": function(WHOLE)})
    assert (status, texts(document(text), f"Checksum{algorithm}", "ChecksumType")) == (200, (function(WHOLE), "FULL_OBJECT"))


MISSING = ("The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was "
           "missing for part 1 in the request.")


@pytest.mark.parametrize("headers, code, message", [
    ({"x_amz_checksum_algorithm": "CRC64NVME", "x_amz_checksum_type": "COMPOSITE"}, "InvalidRequest",
     "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm."),
    ({"x_amz_checksum_algorithm": "SHA1", "x_amz_checksum_type": "FULL_OBJECT"}, "InvalidRequest",
     "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm."),
    ({"x_amz_checksum_type": "FULL_OBJECT"}, "InvalidRequest",
     "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."),
    ({"x_amz_checksum_algorithm": "other"}, "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of "
     "the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")])
def test_an_upload_with_a_wrong_checksum_is_refused(cloud, bucket, headers, code, message):
    status, _, text = request(cloud, "POST", f"/{bucket}/k?uploads", **headers)
    assert (status, elements(text)) == (400, [("Code", code), ("Message", message)])


def test_a_part_of_another_algorithm_is_refused(cloud, bucket):
    upload_id, _ = create(cloud, bucket, x_amz_checksum_algorithm="SHA256")
    for headers, actual in (({"x_amz_checksum_crc32": crc32(b"x")}, "crc32"), ({}, "null")):
        status, _, text = request(cloud, "PUT", f"/{bucket}/k?uploadId={upload_id}&partNumber=1", b"x", **headers)
        assert (status, dict(elements(text))["Message"]) == (400, "Checksum Type mismatch occurred, expected checksum Type: sha256, "
                                                                  f"actual checksum Type: {actual}")


def test_a_wrong_completion_is_refused(cloud, bucket):
    upload_id, _ = create(cloud, bucket, x_amz_checksum_algorithm="SHA256")
    done = upload(cloud, bucket, upload_id, [b"x"], headers=lambda body: {"x_amz_checksum_sha256": sha256(body)})
    right = {1: f"<ChecksumSHA256>{sha256(b'x')}</ChecksumSHA256>"}
    for checksums, headers, code, message in (
            ({}, {}, "InvalidRequest", MISSING),
            ({1: f"<ChecksumCRC32>{crc32(b'x')}</ChecksumCRC32>"}, {}, "BadDigest",
             "The crc32 you specified for part 1 did not match what we received."),
            ({1: f"<ChecksumSHA256>{sha256(b'y')}</ChecksumSHA256>"}, {}, "InvalidPart", None),
            (right, {"x_amz_checksum_type": "FULL_OBJECT"}, "InvalidRequest", "The upload was created using the COMPOSITE checksum mode. "
             "The complete request must use the same checksum mode."),
            (right, {"x_amz_checksum_sha256": sha256(b"y")}, "BadDigest",
             "The sha256 you specified did not match the calculated checksum.")):
        status, _, text = complete(cloud, bucket, upload_id, done, checksums=checksums, **headers)
        found = dict(elements(text))
        assert (status, found["Code"]) == (400, code) and message in (None, found["Message"])
    assert complete(cloud, bucket, upload_id, done, checksums=right)[0] == 200


def test_checksums_of_parts_do_not_suit_an_upload_without_an_algorithm(cloud, bucket):
    upload_id, _ = create(cloud, bucket)
    done = upload(cloud, bucket, upload_id, [b"x"], headers=lambda body: {"x_amz_checksum_crc32": crc32(body)})
    status, _, text = complete(cloud, bucket, upload_id, done, checksums={1: f"<ChecksumCRC32>{crc32(b'x')}</ChecksumCRC32>"})
    assert (status, dict(elements(text))["Code"]) == (400, "InvalidPart")


# ---- data of earlier versions ----

def test_a_data_directory_without_the_columns_is_opened(start_cloud, tmp_path):
    """Tables as they were before: an upload is completed whose parts have no CRC64NVME, and objects have no checksum."""
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="old")
    s3.put_object(Bucket="old", Key="plain", Body=b"plain")
    upload_id = s3.create_multipart_upload(Bucket="old", Key="k")["UploadId"]
    etag = s3.upload_part(Bucket="old", Key="k", UploadId=upload_id, PartNumber=1, Body=b"part")["ETag"]
    cloud.wait_for("Serving")
    cloud.stop()
    with sqlite3.connect(tmp_path / "data" / "cloud.sqlite3") as database:
        database.execute("ALTER TABLE parts DROP COLUMN crc64")
        database.execute("ALTER TABLE uploads DROP COLUMN existed")
        database.execute("UPDATE objects SET checksum = ''")
    database.close()
    cloud = start_cloud()
    status, _, text = complete(cloud, "old", upload_id, [(1, etag)])
    assert (status, "Checksum" in text.decode()) == (200, False)
    assert read(cloud, "GET", "/old/k") == read(cloud, "GET", "/old/plain") == (200, {})
    _, _, text = request(cloud, "PUT", "/old/copy", x_amz_copy_source="old/plain")
    assert document(text).findtext("ChecksumCRC64NVME") == crc64(b"plain")
