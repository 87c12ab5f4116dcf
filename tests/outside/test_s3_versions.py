"""Versions of objects, against "Using versioning in S3 buckets" in the S3 User Guide, with boto3."""
import hashlib
import os
import signal

import pytest

from harness import curl, error_code, event_records, make_queue, queue_arn, send_policy, until


def set_versioning(s3, bucket, status):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


@pytest.fixture
def versioned(s3, bucket):
    set_versioning(s3, bucket, "Enabled")
    return bucket


def put(s3, bucket, key, body, **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **more).get("VersionId")


def listed(s3, bucket, **more):
    """(key, version, is latest, is delete marker), the response's two lists merged by key."""
    found = s3.list_object_versions(Bucket=bucket, **more)
    rows = [(v["Key"], v["VersionId"], v["IsLatest"], False) for v in found.get("Versions", [])]
    return rows + [(m["Key"], m["VersionId"], m["IsLatest"], True) for m in found.get("DeleteMarkers", [])]


def body_of(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_a_bucket_begins_without_versioning_and_keeps_what_was_set(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for status in ("Enabled", "Suspended"):
        set_versioning(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    assert error_code(set_versioning, s3, bucket, "Off") == ("MalformedXML", 400)
    assert error_code(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={}) == (
        "IllegalVersioningConfigurationException", 400)


@pytest.mark.parametrize("size", [3, 100_000])
def test_every_version_can_be_read(s3, versioned, size):
    bodies = [bytes([n]) * size for n in range(4)]
    ids = [put(s3, versioned, "a b/ü", body) for body in bodies]
    assert len(set(ids)) == 4 and None not in ids
    assert body_of(s3, versioned, "a b/ü") == bodies[3]
    for body, version in zip(bodies, ids):
        got = s3.get_object(Bucket=versioned, Key="a b/ü", VersionId=version)
        assert (got["Body"].read(), got["VersionId"]) == (body, version)
        head = s3.head_object(Bucket=versioned, Key="a b/ü", VersionId=version)
        assert head["ETag"] == f'"{hashlib.md5(body).hexdigest()}"' and head["VersionId"] == version
    assert listed(s3, versioned) == [("a b/ü", version, version == ids[3], False) for version in reversed(ids)]


def test_a_delete_hides_and_deleting_the_marker_shows_again(s3, versioned):
    first = put(s3, versioned, "k", b"first")
    gone = s3.delete_object(Bucket=versioned, Key="k")
    marker = gone["VersionId"]
    assert gone["DeleteMarker"] is True and marker not in (first, "null")
    with pytest.raises(s3.exceptions.NoSuchKey) as missing:
        s3.get_object(Bucket=versioned, Key="k")
    headers = missing.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == marker
    assert error_code(s3.head_object, Bucket=versioned, Key="k") == ("404", 404)
    assert error_code(s3.get_object, Bucket=versioned, Key="k", VersionId=marker) == ("MethodNotAllowed", 405)
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    assert listed(s3, versioned) == [("k", first, False, False), ("k", marker, True, True)]
    back = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert back["DeleteMarker"] is True and back["VersionId"] == marker
    assert body_of(s3, versioned, "k") == b"first"
    assert listed(s3, versioned) == [("k", first, True, False)]


def test_deleting_the_newest_version_uncovers_the_one_before(s3, versioned):
    ids = [put(s3, versioned, "k", body) for body in (b"1", b"2", b"3")]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    assert body_of(s3, versioned, "k") == b"2"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[0])
    assert body_of(s3, versioned, "k") == b"2"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[1])
    assert error_code(s3.get_object, Bucket=versioned, Key="k") == ("NoSuchKey", 404)
    assert listed(s3, versioned) == []


def test_deleting_a_missing_key_creates_a_delete_marker(s3, versioned):
    assert s3.delete_object(Bucket=versioned, Key="never")["DeleteMarker"] is True
    assert [row[2:] for row in listed(s3, versioned)] == [(True, True)]
    assert error_code(s3.delete_bucket, Bucket=versioned) == ("BucketNotEmpty", 409)


def test_what_was_there_before_is_the_null_version(s3, bucket):
    put(s3, bucket, "k", b"before")
    set_versioning(s3, bucket, "Enabled")
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    newer = put(s3, bucket, "k", b"newer")
    assert body_of(s3, bucket, "k", VersionId="null") == b"before"
    assert listed(s3, bucket) == [("k", newer, True, False), ("k", "null", False, False)]


def test_suspended_there_is_one_null_version_and_the_others_stay(s3, versioned):
    kept = put(s3, versioned, "k", b"kept")
    set_versioning(s3, versioned, "Suspended")
    put(s3, versioned, "k", b"null 1")
    put(s3, versioned, "k", b"null 2")
    assert listed(s3, versioned) == [("k", "null", True, False), ("k", kept, False, False)]
    assert body_of(s3, versioned, "k") == b"null 2" and body_of(s3, versioned, "k", VersionId=kept) == b"kept"
    gone = s3.delete_object(Bucket=versioned, Key="k")
    assert gone["DeleteMarker"] is True and gone["VersionId"] == "null"
    assert listed(s3, versioned) == [("k", kept, False, False), ("k", "null", True, True)]
    set_versioning(s3, versioned, "Enabled")
    newest = put(s3, versioned, "k", b"newest")
    set_versioning(s3, versioned, "Suspended")
    put(s3, versioned, "k", b"null 3")
    assert listed(s3, versioned) == [("k", "null", True, False), ("k", newest, False, False),
                                     ("k", kept, False, False)]


def test_a_missing_version_and_a_missing_key_are_different_errors(s3, versioned):
    other = put(s3, versioned, "other", b"x")
    put(s3, versioned, "k", b"x")
    assert error_code(s3.get_object, Bucket=versioned, Key="k", VersionId=other) == ("NoSuchVersion", 404)
    assert error_code(s3.get_object, Bucket=versioned, Key="k", VersionId="null") == ("NoSuchVersion", 404)
    assert error_code(s3.get_object, Bucket=versioned, Key="k", VersionId="rubbish") == ("InvalidArgument", 400)
    assert error_code(s3.head_object, Bucket=versioned, Key="k", VersionId=other)[1] == 404
    assert s3.delete_object(Bucket=versioned, Key="k", VersionId=other)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert body_of(s3, versioned, "k") == b"x"


def test_tags_belong_to_a_version(s3, versioned):
    old, new = put(s3, versioned, "k", b"1", Tagging="a=old"), put(s3, versioned, "k", b"2")
    response = s3.put_object_tagging(Bucket=versioned, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "new"}]})
    assert response["VersionId"] == new
    found = s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)
    assert found["TagSet"] == [{"Key": "a", "Value": "old"}] and found["VersionId"] == old
    assert s3.delete_object_tagging(Bucket=versioned, Key="k", VersionId=old)["VersionId"] == old
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)["TagSet"] == []
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == [{"Key": "a", "Value": "new"}]
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    assert error_code(s3.get_object_tagging, Bucket=versioned, Key="k") == ("MethodNotAllowed", 405)
    assert error_code(s3.get_object_tagging, Bucket=versioned, Key="k", VersionId=marker) == ("MethodNotAllowed", 405)


@pytest.mark.parametrize("size", [5, 50_000])
def test_an_old_version_is_copied_back(s3, versioned, size):
    old = put(s3, versioned, "k", b"old" * size)
    put(s3, versioned, "k", b"new" * size)
    copied = s3.copy_object(Bucket=versioned, Key="k",
                            CopySource={"Bucket": versioned, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] not in (None, old)
    assert body_of(s3, versioned, "k") == b"old" * size
    assert len(listed(s3, versioned)) == 3
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    source = {"Bucket": versioned, "Key": "k"}
    assert error_code(s3.copy_object, Bucket=versioned, Key="c", CopySource=source) == ("NoSuchKey", 404)
    assert error_code(s3.copy_object, Bucket=versioned, Key="c", CopySource=dict(source, VersionId=marker)) == (
        "InvalidRequest", 400)


def test_a_multipart_upload_makes_a_version(s3, versioned):
    old = put(s3, versioned, "k", b"old")
    parts, upload = [], s3.create_multipart_upload(Bucket=versioned, Key="k")["UploadId"]
    for number, body in ((1, b"x" * (5 << 20)), (2, b"y")):
        part = s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = s3.complete_multipart_upload(Bucket=versioned, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["VersionId"] == s3.head_object(Bucket=versioned, Key="k")["VersionId"] != old
    newest = put(s3, versioned, "k", b"newest")
    assert body_of(s3, versioned, "k", VersionId=done["VersionId"])[-2:] == b"xy"
    assert [row[1] for row in listed(s3, versioned)] == [newest, done["VersionId"], old]


def test_conditions_apply_to_the_current_version(cloud, s3, versioned):
    def put_if_absent():
        return curl("-X", "PUT", "-d", "2", "-H", "If-None-Match: *", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                    f"{cloud.endpoint}/{versioned}/k")[0]

    put(s3, versioned, "k", b"1")
    assert put_if_absent() == 412
    s3.delete_object(Bucket=versioned, Key="k")
    assert put_if_absent() == 200 and body_of(s3, versioned, "k") == b"2"


def test_many_are_deleted_at_once_by_version_or_not(s3, versioned):
    a, b = put(s3, versioned, "a", b"1"), put(s3, versioned, "b", b"1")
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [
        {"Key": "a", "VersionId": a}, {"Key": "b"}, {"Key": "c", "VersionId": b}, {"Key": "d", "VersionId": "rubbish"}]})
    deleted = {item["Key"]: item for item in done["Deleted"]}
    assert deleted["a"] == {"Key": "a", "VersionId": a}
    assert deleted["b"]["DeleteMarker"] is True and deleted["b"]["DeleteMarkerVersionId"] not in (b, None)
    assert deleted["c"] == {"Key": "c", "VersionId": b}
    assert [(error["Key"], error["Code"]) for error in done["Errors"]] == [("d", "NoSuchVersion")]
    assert [row[0] for row in listed(s3, versioned)] == ["b", "b"]
    undone = s3.delete_objects(Bucket=versioned, Delete={"Objects": [
        {"Key": "b", "VersionId": deleted["b"]["DeleteMarkerVersionId"]}]})["Deleted"][0]
    assert undone["DeleteMarker"] is True and undone["DeleteMarkerVersionId"] == undone["VersionId"]
    assert body_of(s3, versioned, "b") == b"1"


# ---- listing ----

@pytest.fixture
def history(s3, versioned):
    """Versions of several keys: what a full listing must say, in S3's order."""
    rows = []
    for key in ("a", "b/1", "b/2", "b/deep/3", "c", "é"):
        ids = [put(s3, versioned, key, b"x") for _ in range(3)]
        if key in ("b/1", "c"):
            ids.append(s3.delete_object(Bucket=versioned, Key=key)["VersionId"])
        rows += [(key, version, version == ids[-1]) for version in reversed(ids)]
    return versioned, rows


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_of_versions_join_to_the_whole(s3, history, size):
    bucket, rows = history
    found, more = [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=size, **more)
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        assert len(entries) <= size
        found += sorted(((e["Key"], e["VersionId"], e["IsLatest"]) for e in entries),
                        key=lambda row: rows.index(row))
        if not page["IsTruncated"]:
            break
        more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert found == rows


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
def test_versions_fold_at_a_delimiter(s3, history, size):
    bucket, rows = history
    keys, prefixes, more = [], [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=size, **more)
        keys += [e["VersionId"] for e in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        prefixes += [e["Prefix"] for e in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            break
        more = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            more["VersionIdMarker"] = page["NextVersionIdMarker"]
    assert prefixes == ["b/"]
    assert sorted(keys) == sorted(version for key, version, _ in rows if not key.startswith("b/"))


def test_a_prefix_and_a_key_marker_narrow_it(s3, history):
    bucket, rows = history
    assert [row[1] for row in listed(s3, bucket, Prefix="b/2")] == [r[1] for r in rows if r[0] == "b/2"]
    assert {row[0] for row in listed(s3, bucket, KeyMarker="b/2")} == {"b/deep/3", "c", "é"}
    assert error_code(s3.list_object_versions, Bucket=bucket, VersionIdMarker=rows[0][1]) == ("InvalidArgument", 400)


# ---- events ----

def test_events_have_the_version_and_the_kind_of_deletion(s3, sqs, versioned):
    url = make_queue(sqs, versioned)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": send_policy(versioned, "s3", f"arn:aws:s3:::{versioned}")})
    s3.put_bucket_notification_configuration(Bucket=versioned, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": queue_arn(versioned), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"]}]})
    version = put(s3, versioned, "k", b"12")
    s3.put_object_tagging(Bucket=versioned, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    s3.delete_object(Bucket=versioned, Key="k", VersionId=version)  # nothing there: no event
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    records = event_records(sqs, url, 5)
    assert [(record["eventName"], record["s3"]["object"]["versionId"]) for record in records] == [
        ("ObjectCreated:Put", version), ("ObjectTagging:Put", version), ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", version), ("ObjectRemoved:Delete", marker)]
    assert "size" not in records[3]["s3"]["object"] and records[0]["s3"]["object"]["size"] == 2


# ---- durability ----

def test_versions_survive_a_kill_and_no_file_is_left_behind(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    set_versioning(s3, name, "Enabled")
    ids = [put(s3, name, "k", bytes([n]) * 70_000) for n in range(6)]
    s3.delete_object(Bucket=name, Key="k", VersionId=ids[1])
    marker = s3.delete_object(Bucket=name, Key="k")["VersionId"]
    cloud.process.send_signal(signal.SIGKILL)
    cloud.wait()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert listed(s3, name) == [("k", v, False, False) for v in (ids[5], ids[4], ids[3], ids[2], ids[0])] + [
        ("k", marker, True, True)]
    for n in (0, 2, 3, 4, 5):
        assert body_of(s3, name, "k", VersionId=ids[n]) == bytes([n]) * 70_000

    def blobs():
        return sum(len(files) for _, _, files in os.walk(cloud.data / "blobs"))

    for version in ids + [marker]:
        s3.delete_object(Bucket=name, Key="k", VersionId=version)
    until(lambda: blobs() == 0 and not os.listdir(cloud.data / "incoming"), "the files of all versions are gone")
    s3.delete_bucket(Bucket=name)
