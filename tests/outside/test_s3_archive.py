"""Objects in an archive: what can be done with them, and how they are restored.

Source: "Restoring an archived object" and "Understanding and managing Amazon S3 storage classes", S3 User Guide; RestoreObject, S3 API
Reference; recordings in localstack, tests/aws/services/s3/test_s3.py: test_s3_get_deep_archive_object_restore and
test_s3_restore_object, and test_s3_notifications_sqs.py: test_restore_object.
"""
import datetime
import json
import re
import sqlite3

import pytest

import harness
from harness import ACCOUNT, REGION, error_code, error_message, error_of, fetch, queue_arn, send_policy

DAY = datetime.timedelta(days=1)


def put(s3, bucket, key="k", storage_class="GLACIER", body=b"cold"):
    s3.put_object(Bucket=bucket, Key=key, Body=body, StorageClass=storage_class)


def restore(s3, bucket, key="k", days=2, **more):
    return s3.restore_object(Bucket=bucket, Key=key, RestoreRequest={"Days": days, "GlacierJobParameters": {"Tier": "Standard"}},
                             **more)["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_cannot_be_read(s3, bucket, storage_class):
    put(s3, bucket, storage_class=storage_class, body=b"x" * 40_000)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["StorageClass"], head["ContentLength"]) == (storage_class, 40_000) and "Restore" not in head
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == storage_class
    response = error_of(s3.get_object, Bucket=bucket, Key="k")
    error = response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidObjectState", "The operation is not valid for the object's storage class")
    assert storage_class in (error.get("StorageClass"), response.get("StorageClass"))
    assert error_code(s3.get_object, Bucket=bucket, Key="k", Range="bytes=0-1") == ("InvalidObjectState", 403)
    assert error_code(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k") == ("InvalidObjectState", 403)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    assert error_code(s3.upload_part_copy, Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/k") == (
        "InvalidObjectState", 403)
    s3.delete_object(Bucket=bucket, Key="k")


def test_a_restored_object_can_be_read_until_a_midnight(s3, bucket):
    put(s3, bucket)
    assert restore(s3, bucket) == 202
    assert fetch(s3, bucket, "k") == b"cold"
    head = s3.head_object(Bucket=bucket, Key="k")
    ongoing, expiry = re.fullmatch(r'ongoing-request="(\w+)", expiry-date="(.+)"', head["Restore"]).groups()
    expiry = datetime.datetime.strptime(expiry, "%a, %d %b %Y %H:%M:%S GMT")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert ongoing == "false" and expiry.time() == datetime.time() and now + 2 * DAY < expiry <= now + 3 * DAY
    assert head["StorageClass"] == "GLACIER"
    assert restore(s3, bucket, days=5) == 200, "it extends the time"
    later = s3.head_object(Bucket=bucket, Key="k")["Restore"]
    assert later == f'ongoing-request="false", expiry-date="{(expiry + 3 * DAY).strftime("%a, %d %b %Y %H:%M:%S GMT")}"'
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    copy = s3.get_object(Bucket=bucket, Key="copy")
    assert copy["Body"].read() == b"cold" and "Restore" not in copy and "StorageClass" not in copy


def test_each_version_is_restored_for_itself(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=body, StorageClass="GLACIER")["VersionId"] for body in (b"old", b"new")]
    assert restore(s3, bucket, VersionId=versions[0]) == 202
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=versions[0])["Body"].read() == b"old"
    assert error_code(s3.get_object, Bucket=bucket, Key="k") == ("InvalidObjectState", 403)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert error_code(restore, s3, bucket) == ("NoSuchKey", 404)
    assert error_code(restore, s3, bucket, VersionId=marker) == ("MethodNotAllowed", 405)


def test_lists_show_restored_copies_to_those_who_ask(cloud, s3, bucket):
    """RestoreStatus in ListObjectsV2 and ListObjectVersions, S3 API Reference; Debian's botocore does not have it yet."""
    put(s3, bucket)
    put(s3, bucket, "still-cold")
    restore(s3, bucket)

    def listed(query, attribute="RestoreStatus"):
        return harness.curl(f"{cloud.endpoint}/{bucket}?{query}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                            "-H", f"x-amz-optional-object-attributes: {attribute}")
    for query in "prefix=", "list-type=2", "versions=":
        status, body = listed(query)
        assert status == 200 and body.count(b"<RestoreStatus>") == 1
        assert re.search(rb"<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>[-\d]+T00:00:00.000Z<", body)
    assert b"RestoreStatus" not in harness.curl(f"{cloud.endpoint}/{bucket}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD")[1]
    assert listed("list-type=2", "Colour")[0] == 400


def test_a_restore_expires(start_cloud, idle_pipelines, tmp_path, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    put(s3, name)
    restore(s3, name)
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:  # as if it had been years ago
        database.execute("UPDATE objects SET headers = replace(headers, substr(headers, instr(headers, 'expiry-date=') + 13, 29), "
                         "'Fri, 21 Dec 2012 00:00:00 GMT') WHERE headers LIKE '%expiry-date%'")
    s3 = start_cloud("--pipelines", idle_pipelines).client("s3")
    assert "Restore" not in s3.head_object(Bucket=name, Key="k")
    assert error_code(s3.get_object, Bucket=name, Key="k") == ("InvalidObjectState", 403)
    assert restore(s3, name) == 202
    assert fetch(s3, name, "k") == b"cold"


def test_the_end_of_a_restored_copy_is_announced(start_cloud, idle_pipelines, tmp_path, name):
    """"ObjectRestore:Delete" and "Object Restore Expired": "Supported event types", S3 User Guide."""
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, sqs, events = (cloud.client(service) for service in ("s3", "sqs", "events"))
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    url = harness.make_queue(sqs, name)
    made = events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": ["Object Restore Expired"]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue_arn(name + "-rule")}])
    of_rule = harness.make_queue(sqs, name + "-rule")
    sqs.set_queue_attributes(QueueUrl=of_rule, Attributes={"Policy": send_policy(name + "-rule", "events", made)})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "s3", f"arn:aws:s3:::{name}")})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue_arn(name), "Events": ["s3:ObjectRestore:Delete"]}], "EventBridgeConfiguration": {}})
    versions = []
    for key in ("old", "old", "kept", "replaced"):
        versions.append(s3.put_object(Bucket=name, Key=key, Body=b"cold", StorageClass="GLACIER")["VersionId"])
    s3.restore_object(Bucket=name, Key="old", VersionId=versions[0], RestoreRequest={"Days": 1})
    restore(s3, name, "kept", days=1000)
    restore(s3, name, "replaced")
    s3.delete_object(Bucket=name, Key="replaced", VersionId=versions[3])
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:  # as if it had been years ago, but for one
        for table in "objects", "object_history":
            database.execute(f"UPDATE {table} SET headers = replace(headers, substr(headers, instr(headers, 'expiry-date=') + 13, 29), "
                             "'Fri, 21 Dec 2012 00:00:00 GMT') WHERE headers LIKE '%expiry-date%' AND key != 'kept'")
        database.execute("UPDATE restored_copies SET until = 1356048000000 WHERE key != 'kept'")
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    (record,) = harness.event_records(sqs, url, 1)
    assert (record["eventName"], record["userIdentity"]["principalId"]) == ("ObjectRestore:Delete", "s3.amazonaws.com")
    assert record["s3"]["object"]["key"] == "old" and record["s3"]["object"]["versionId"] == versions[0]
    assert record["s3"]["object"]["size"] == 4 and "glacierEventData" not in record
    event = json.loads(harness.receive(sqs, of_rule)["Body"])
    assert (event["detail"]["object"]["version-id"], event["detail"]["requester"]) == (versions[0], "s3.amazonaws.com")
    assert event["detail"]["source-storage-class"] == "GLACIER" and "reason" not in event["detail"]
    assert "Restore" not in s3.head_object(Bucket=name, Key="old", VersionId=versions[0])
    assert "Restore" in s3.head_object(Bucket=name, Key="kept")
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:
        assert [row[0] for row in database.execute("SELECT key FROM restored_copies")] == ["kept"]


def test_what_cannot_be_restored(s3, bucket):
    put(s3, bucket, "warm", "STANDARD_IA")
    put(s3, bucket, "deep", "DEEP_ARCHIVE")
    put(s3, bucket)
    assert error_code(restore, s3, bucket, "warm") == ("InvalidObjectState", 403)
    assert error_message(restore, s3, bucket, "warm") == "Restore is not allowed for the object's current storage class"
    assert error_code(restore, s3, bucket, "absent") == ("NoSuchKey", 404)
    assert error_code(s3.restore_object, Bucket=bucket, Key="deep", RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}) == (
        "InvalidArgument", 400)
    assert error_code(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest={}) == ("MalformedXML", 400)
    assert error_code(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest={"Days": 0}) == ("MalformedXML", 400)
    assert error_code(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest={"Type": "SELECT"}) == ("NotImplemented", 501)
    assert error_code(s3.get_object, Bucket=bucket, Key="k") == ("InvalidObjectState", 403)


def test_a_restore_sends_events(s3, sqs, bucket, name):
    url = harness.make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": queue_arn(name), "Events": ["s3:ObjectRestore:*"]}]})
    put(s3, bucket)
    restore(s3, bucket)
    restore(s3, bucket)  # the second time there is nothing to restore
    records = {record["eventName"]: record for record in harness.event_records(sqs, url, 2)}
    assert records.keys() == {"ObjectRestore:Post", "ObjectRestore:Completed"}
    assert "glacierEventData" not in records["ObjectRestore:Post"]
    data = records["ObjectRestore:Completed"]["glacierEventData"]["restoreEventData"]
    assert data["lifecycleRestoreStorageClass"] == "GLACIER" and data["lifecycleRestorationExpiryTime"].endswith("T00:00:00.000Z")
    for record in records.values():
        assert record["s3"]["object"]["key"] == "k" and record["s3"]["object"]["size"] == 4
