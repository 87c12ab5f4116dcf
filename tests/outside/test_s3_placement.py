"""How an object is stored: class, encryption, tags, metadata and disposition, as clients see them, and as outputs get them."""
import hashlib
import io

import pytest
from PIL import Image

from harness import error_code, exists, fetch, until

KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}


def md5(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def test_a_class_and_an_encryption_are_kept(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"x", StorageClass="STANDARD_IA", ContentDisposition="attachment", **KMS)
    head, got = s3.head_object(Bucket=bucket, Key="a"), s3.get_object(Bucket=bucket, Key="a")
    for response in put, head, got:
        assert response["ServerSideEncryption"] == "aws:kms"
        assert response["SSEKMSKeyId"].startswith("arn:aws:kms:") and response["SSEKMSKeyId"].endswith(":key/" + KMS["SSEKMSKeyId"])
        assert response["ETag"] == put["ETag"] != md5(b"x") and len(put["ETag"]) == 34
    assert got["Body"].read() == b"x"
    assert (head["StorageClass"], head["ContentDisposition"]) == ("STANDARD_IA", "attachment")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD_IA"
    assert s3.list_object_versions(Bucket=bucket)["Versions"][0]["StorageClass"] == "STANDARD_IA"
    attributes = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["StorageClass"])
    assert attributes["StorageClass"] == "STANDARD_IA"
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=bucket, Key="a")["Grants"]] == ["FULL_CONTROL"]


def test_an_object_without_them_has_the_defaults(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"x", StorageClass="STANDARD", ACL="bucket-owner-full-control")
    head = s3.head_object(Bucket=bucket, Key="a")
    assert put["ETag"] == md5(b"x")
    assert put["ServerSideEncryption"] == head["ServerSideEncryption"] == "AES256"
    assert not {"StorageClass", "SSEKMSKeyId", "BucketKeyEnabled"} & (put.keys() | head.keys())
    encrypted = s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="AES256")
    assert (encrypted["ServerSideEncryption"], encrypted["ETag"]) == ("AES256", md5(b"x"))


def test_a_copy_has_the_class_and_the_encryption_of_its_request(s3, bucket):
    body = b"x" * 20000  # a file of its own, which a copy links
    s3.put_object(Bucket=bucket, Key="a", Body=body, StorageClass="GLACIER_IR", Metadata={"k": "v"}, **KMS)
    source = {"Bucket": bucket, "Key": "a"}
    plain = s3.copy_object(Bucket=bucket, Key="plain", CopySource=source)
    head = s3.head_object(Bucket=bucket, Key="plain")
    assert head["ServerSideEncryption"] == "AES256" and "StorageClass" not in head and head["Metadata"] == {"k": "v"}
    assert plain["CopyObjectResult"]["ETag"] == head["ETag"] == md5(body)
    dsse = s3.copy_object(Bucket=bucket, Key="a", CopySource=source, ServerSideEncryption="aws:kms:dsse")
    head = s3.head_object(Bucket=bucket, Key="a")
    assert dsse["ServerSideEncryption"] == head["ServerSideEncryption"] == "aws:kms:dsse"
    assert head["SSEKMSKeyId"].endswith(":alias/aws/s3") and head["Metadata"] == {"k": "v"}
    assert dsse["CopyObjectResult"]["ETag"] == head["ETag"] != md5(body)


def test_a_multipart_object_keeps_them(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", StorageClass="ONEZONE_IA", ServerSideEncryption="AES256")
    assert upload["ServerSideEncryption"] == "AES256"
    of = {"Bucket": bucket, "Key": "a", "UploadId": upload["UploadId"]}
    part = s3.upload_part(PartNumber=1, Body=b"x", **of)
    assert part["ServerSideEncryption"] == "AES256"
    assert s3.list_parts(**of)["StorageClass"] == "ONEZONE_IA"
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["StorageClass"] == "ONEZONE_IA"
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **of)
    head = s3.head_object(Bucket=bucket, Key="a")
    assert done["ServerSideEncryption"] == head["ServerSideEncryption"] == "AES256" and head["StorageClass"] == "ONEZONE_IA"


@pytest.mark.parametrize("asked, code", [
    ({"StorageClass": "OUTPOSTS"}, "InvalidStorageClass"), ({"StorageClass": "COLD"}, "InvalidStorageClass"),
    ({"ServerSideEncryption": "rot13"}, "InvalidArgument"), ({"SSEKMSKeyId": "k"}, "InvalidArgument"),
    ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": "k"}, "InvalidArgument"),
    ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "a b"}, "InvalidArgument"),
    ({"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": "e30="}, "NotImplemented"),
    ({"ACL": "public-read"}, "AccessControlListNotSupported"),
])
def test_what_cannot_be_kept_is_refused(s3, bucket, asked, code):
    assert error_code(s3.put_object, Bucket=bucket, Key="a", Body=b"x", **asked)[0] == code
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


PIPELINE = """
name: web
queue: web-queue
match: { prefix: ingest/ }
outputs:
  - key: "web/{stem}.jpg"
    width: 32
    format: jpeg
    sse: aws:kms
    kms_key: alias/photos
    storage_class: STANDARD_IA
    acl: bucket-owner-full-control
    tags: { kind: rendition, "cost centre": "a/b+c=d", Größe: 32 }
    metadata: { licence: "CC BY 4.0, 100%" }
    content_disposition: inline; filename="web.jpg"
    cache_control: max-age=60
  - { key: "plain/{stem}.jpg", width: 32, format: jpeg }
"""


def small_jpeg(colour):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def test_an_output_is_stored_as_its_pipeline_says(start_cloud, tmp_path):
    """Twice: the second time it replaces an object whose ETag is not an MD5."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/web.yaml").write_text(PIPELINE)
    cloud = start_cloud("--pipelines", tmp_path / "pipelines")
    s3, before = cloud.client("s3"), None
    for colour in "red", "blue":
        s3.put_object(Bucket="photos", Key="ingest/a.jpg", Body=small_jpeg(colour))
        until(lambda: all(exists(s3, "photos", key) for key in ("web/a.jpg", "plain/a.jpg")) and
              fetch(s3, "photos", "web/a.jpg") == fetch(s3, "photos", "plain/a.jpg") != before, f"the {colour} outputs")
        before = fetch(s3, "photos", "web/a.jpg")
    head, plain = (s3.head_object(Bucket="photos", Key=key) for key in ("web/a.jpg", "plain/a.jpg"))
    assert (head["ServerSideEncryption"], head["StorageClass"]) == ("aws:kms", "STANDARD_IA")
    assert head["SSEKMSKeyId"].endswith(":alias/photos")
    assert (head["ContentDisposition"], head["CacheControl"]) == ('inline; filename="web.jpg"', "max-age=60")
    assert head["Metadata"]["licence"] == "CC BY 4.0, 100%" and head["Metadata"]["thumbwheel-pipeline"] == "web"
    tags = s3.get_object_tagging(Bucket="photos", Key="web/a.jpg")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"kind": "rendition", "cost centre": "a/b+c=d", "Größe": "32"}
    assert plain["ServerSideEncryption"] == "AES256"
    assert not {"StorageClass", "ContentDisposition", "CacheControl"} & plain.keys()
    assert s3.get_object_tagging(Bucket="photos", Key="plain/a.jpg")["TagSet"] == []
    assert head["ETag"] != plain["ETag"] == md5(before)
