"""Configurations of buckets: tags, policies, and the responses of a bucket without a configuration."""
import base64
import hashlib
import json
import urllib.error
import urllib.request

import pytest
from botocore import UNSIGNED

from harness import ACCOUNT, allow_public_policies, client, error_code


@pytest.fixture
def anybody(cloud):
    return client(cloud.endpoint, "s3", signature_version=UNSIGNED)


# ---- tags ----

def test_tags_of_a_bucket(s3, bucket):
    assert error_code(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    tags = [{"Key": f"k{i}", "Value": f"ü {i}"} for i in range(50)]
    response = s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    more = tags + [{"Key": "one more", "Value": ""}]
    assert error_code(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": more})[1] == 400
    s3.delete_bucket_tagging(Bucket=bucket)
    assert error_code(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)


# ---- policies ----

def statement(bucket, action, effect="Allow", resource="/*", principal="*", **more):
    actions = [f"s3:{name}" for name in ([action] if isinstance(action, str) else action)]
    return {"Effect": effect, "Principal": principal, "Action": actions, "Resource": f"arn:aws:s3:::{bucket}{resource}",
            **more}


def set_policy(s3, bucket, *statements):
    allow_public_policies(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def test_a_policy_is_kept_as_it_was_sent(s3, bucket):
    assert error_code(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    assert error_code(s3.get_bucket_policy_status, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    allow_public_policies(s3, bucket)
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement(bucket, "GetObject")]}, indent=3)
    assert s3.put_bucket_policy(Bucket=bucket, Policy=text)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    set_policy(s3, bucket, statement(bucket, "GetObject", principal={"AWS": ACCOUNT}))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_bucket_policy(Bucket=bucket)
    assert error_code(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)


@pytest.mark.parametrize("document", [
    "not JSON", "{}", '{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}',
    json.dumps({"Statement": [statement("somebody-elses", "GetObject")]}),
    json.dumps({"Statement": [{**statement("x", "GetObject"), "Resource": "arn:aws:sqs:us-east-1:1:q"}]}),
    json.dumps({"Statement": [{**statement("x", "GetObject"), "Action": "sqs:SendMessage"}]})])
def test_an_invalid_bucket_policy_is_refused(s3, bucket, document):
    assert error_code(s3.put_bucket_policy, Bucket=bucket, Policy=document) == ("MalformedPolicy", 400)


def test_anybody_may_do_what_a_policy_allows_and_nothing_else(s3, anybody, bucket):
    s3.put_object(Bucket=bucket, Key="public/a b", Body=b"hello")
    s3.put_object(Bucket=bucket, Key="private", Body=b"secret")
    assert error_code(anybody.get_object, Bucket=bucket, Key="public/a b") == ("AccessDenied", 403)
    set_policy(s3, bucket, statement(bucket, "GetObject", resource="/public/*"))
    assert anybody.get_object(Bucket=bucket, Key="public/a b")["Body"].read() == b"hello"
    assert anybody.head_object(Bucket=bucket, Key="public/a b")["ContentLength"] == 5
    assert error_code(anybody.get_object, Bucket=bucket, Key="private") == ("AccessDenied", 403)
    for call, more in ((anybody.put_object, {"Key": "public/x", "Body": b""}), (anybody.delete_object, {"Key": "public/x"}),
                       (anybody.list_objects_v2, {}), (anybody.get_object_tagging, {"Key": "public/a b"}),
                       (anybody.get_bucket_policy, {}), (anybody.delete_bucket, {}),
                       (anybody.create_multipart_upload, {"Key": "public/x"}),
                       (anybody.copy_object, {"Key": "public/x", "CopySource": f"{bucket}/public/a b"})):
        assert error_code(call, Bucket=bucket, **more) == ("AccessDenied", 403), call
    assert error_code(anybody.list_buckets) == ("AccessDenied", 403)
    assert error_code(anybody.create_bucket, Bucket=bucket + "2")[1] in (403, 404)
    assert error_code(anybody.get_object, Bucket="no-such-bucket", Key="k") == ("NoSuchBucket", 404)


def test_anybody_may_write_list_and_delete_where_a_policy_says_so(s3, anybody, bucket):
    set_policy(s3, bucket, statement(bucket, ["PutObject", "DeleteObject"], resource="/in/*"),
               statement(bucket, "ListBucket", resource=""))
    anybody.put_object(Bucket=bucket, Key="in/x", Body=b"1")
    assert [item["Key"] for item in anybody.list_objects_v2(Bucket=bucket)["Contents"]] == ["in/x"]
    done = anybody.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/x"}, {"Key": "out/x"}]})
    assert [item["Key"] for item in done["Deleted"]] == ["in/x"]
    assert [(item["Key"], item["Code"]) for item in done["Errors"]] == [("out/x", "AccessDenied")]


def test_a_deny_wins_over_the_owner_too(s3, anybody, bucket):
    s3.put_object(Bucket=bucket, Key="locked/k", Body=b"1")
    set_policy(s3, bucket, statement(bucket, "GetObject"),
               statement(bucket, ["GetObject", "DeleteObject"], effect="Deny", resource="/locked/*"))
    for who in (s3, anybody):
        assert error_code(who.get_object, Bucket=bucket, Key="locked/k") == ("AccessDenied", 403)
    assert error_code(s3.delete_object, Bucket=bucket, Key="locked/k") == ("AccessDenied", 403)
    source = {"Bucket": bucket, "Key": "locked/k"}
    assert error_code(s3.copy_object, Bucket=bucket, Key="copy", CopySource=source) == ("AccessDenied", 403)
    set_policy(s3, bucket, statement(bucket, "*", effect="Deny"), statement(bucket, "*", effect="Deny", resource=""))
    assert error_code(s3.list_objects_v2, Bucket=bucket) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=bucket)  # which no policy keeps its owner from
    assert s3.get_object(Bucket=bucket, Key="locked/k")["Body"].read() == b"1"


def test_versions_need_another_permission(s3, anybody, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    set_policy(s3, bucket, statement(bucket, "GetObject"))
    assert anybody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
    assert error_code(anybody.get_object, Bucket=bucket, Key="k", VersionId=version) == ("AccessDenied", 403)
    set_policy(s3, bucket, statement(bucket, "GetObjectVersion"))
    assert anybody.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() == b"old"


def test_a_condition_is_enforced(s3, anybody, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    set_policy(s3, bucket, statement(bucket, "GetObject"),
               statement(bucket, "*", effect="Deny", principal="*", Condition=insecure))
    assert anybody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1", "what stays on the machine is secure"
    set_policy(s3, bucket, statement(bucket, "GetObject", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}))
    assert error_code(anybody.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False


# ---- what is the same for every bucket ----

@pytest.mark.parametrize("call, code", [
    ("get_bucket_website", "NoSuchWebsiteConfiguration"),
    ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
    ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError")])
def test_a_missing_configuration(s3, bucket, call, code):
    assert error_code(getattr(s3, call), Bucket=bucket) == (code, 404)
    assert error_code(getattr(s3, call), Bucket="no-such-bucket") == ("NoSuchBucket", 404)
    if call == "get_bucket_website":
        assert s3.delete_bucket_website(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_settings_survive_a_restart_and_are_deleted_with_the_bucket(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    set_policy(s3, name, statement(name, "GetObject"))
    cloud.kill()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"] == [rule]
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert client(cloud.endpoint, "s3", signature_version=UNSIGNED).get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    s3.create_bucket(Bucket=name)
    assert error_code(s3.get_bucket_cors, Bucket=name) == ("NoSuchCORSConfiguration", 404)
    assert error_code(s3.get_bucket_policy, Bucket=name) == ("NoSuchBucketPolicy", 404)


# ---- attributes of objects ----

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_attributes_of_an_object(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")["ETag"]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert found["ETag"] == etag.strip('"') and found["ObjectSize"] == 5 and found["StorageClass"] == "STANDARD"
    assert found["Checksum"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    assert "ObjectParts" not in found and found["LastModified"]
    some = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert some["ObjectSize"] == 5 and "ETag" not in some
    assert error_code(s3.get_object_attributes, Bucket=bucket, Key="absent", ObjectAttributes=ALL) == ("NoSuchKey", 404)
    assert error_code(s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["Colour"]) == ("InvalidArgument", 400)


def test_attributes_of_parts_come_in_pages(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    parts = []
    for number in (1, 2, 5):
        body = bytes([number]) * (5 << 20)
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    first = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=2)["ObjectParts"]
    assert first["TotalPartsCount"] == 3 and first["IsTruncated"] is True and first["NextPartNumberMarker"] == 2
    rest = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], PartNumberMarker=2)["ObjectParts"]
    assert rest["IsTruncated"] is False
    assert [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in first["Parts"] + rest["Parts"]] == [
        (part["PartNumber"], 5 << 20, part["ChecksumSHA256"]) for part in parts]


def test_attributes_belong_to_a_version(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"22")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", VersionId=old, ObjectAttributes=["ObjectSize"])
    assert (found["ObjectSize"], found["VersionId"]) == (1, old)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert error_code(s3.get_object_attributes, Bucket=bucket, Key="k", VersionId=marker, ObjectAttributes=ALL) == (
        "MethodNotAllowed", 405)


def test_a_policy_tells_users_apart(start_cloud, idle_pipelines, tmp_path, name):
    keys = tmp_path / "keys"
    keys.write_text("".join(f"[{user}]\naws_access_key_id = AKIA{user.upper()}\naws_secret_access_key = of-{user}\n\n"
                            for user in ("alice", "bob")))
    cloud = start_cloud("--cloud-only", "--keys", keys, photos=())
    alice, bob = (client(cloud.endpoint, "s3", access_key=f"AKIA{user.upper()}", secret_key=f"of-{user}")
                  for user in ("alice", "bob"))
    alice.create_bucket(Bucket=name)
    set_policy(alice, name, statement(name, "PutObject", effect="Deny", principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}))
    alice.put_object(Bucket=name, Key="k", Body=b"1")
    assert error_code(bob.put_object, Bucket=name, Key="k", Body=b"2") == ("AccessDenied", 403)
    form = bob.generate_presigned_post(name, "k")
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
                   for field, value in [*form["fields"].items(), ("file", "2")]) + "--b--\r\n"
    request = urllib.request.Request(form["url"], body.encode(), {"Content-Type": "multipart/form-data; boundary=b"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)
    assert refused.value.code == 403 and b"<Code>AccessDenied</Code>" in refused.value.read()
    assert bob.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
