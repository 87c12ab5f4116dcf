"""Lifecycle rules that expire objects, against "Managing the lifecycle of objects" in the S3 User Guide.

A rule with a date in the past is due at once. What takes days is made older in the database of a cloud that has
stopped, and is due when it starts again.
"""
import datetime
import sqlite3

import pytest

from harness import error_code, event_records, make_queue, queue_arn, send_policy, until

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
DAY_MS = 24 * 3600 * 1000


def rule(status="Enabled", prefix="", **actions):
    actions.setdefault("Filter", {"Prefix": prefix})
    return {"Status": status, **actions}


def set_rules(s3, bucket, *rules):
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


def keys(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def versions(s3, bucket):
    found = s3.list_object_versions(Bucket=bucket)
    rows = found.get("Versions", []) + found.get("DeleteMarkers", [])
    return sorted((row["Key"], row["VersionId"]) for row in rows)


# ---- the configuration ----

def test_the_configuration_is_kept_and_can_be_deleted(s3, bucket):
    assert error_code(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)
    rules = [
        {"ID": "a", "Status": "Disabled", "Filter": {"And": {"Prefix": "x/", "Tags": [{"Key": "k", "Value": "v"}],
                                                             "ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 9}},
         "Expiration": {"Days": 3}, "NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 4}},
        {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "y/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {"ID": "c", "Status": "Enabled", "Filter": {"Prefix": "z/"}, "Expiration": {"ExpiredObjectDeleteMarker": True}}]
    set_rules(s3, bucket, *rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    set_rules(s3, bucket, rule(Expiration={"Days": 1}))
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"], "one that has none is given one"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert error_code(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)


def test_transitions_are_kept(s3, bucket):
    rules = [rule(ID="a", Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}], Expiration={"Days": 90}),
             rule(ID="b", prefix="x/", NoncurrentVersionTransitions=[
                 {"NoncurrentDays": 0, "StorageClass": "DEEP_ARCHIVE", "NewerNoncurrentVersions": 2}])]
    set_rules(s3, bucket, *rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules


SIZE_HEADER = "x-amz-transition-default-minimum-object-size"


def set_size(s3, bucket, value, *rules):
    """Debian's botocore does not have the header yet."""
    def add(params, **_):
        params["headers"][SIZE_HEADER] = value
    s3.meta.events.register("before-call.s3.PutBucketLifecycleConfiguration", add)
    try:
        return s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})
    finally:
        s3.meta.events.unregister("before-call.s3.PutBucketLifecycleConfiguration", add)


def size_of(response):
    return response["ResponseMetadata"]["HTTPHeaders"].get(SIZE_HEADER)


# The header's values: PutBucketLifecycleConfiguration, S3 API Reference
def test_the_least_size_of_transitions_is_kept(s3, bucket):
    one = rule(ID="a", Expiration={"Days": 3})
    set_rules(s3, bucket, one)
    assert size_of(s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == "all_storage_classes_128K"
    assert size_of(set_size(s3, bucket, "varies_by_storage_class", one)) == "varies_by_storage_class"
    assert size_of(s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == "varies_by_storage_class"
    assert error_code(set_size, s3, bucket, "none", one) == ("InvalidRequest", 400)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    set_rules(s3, bucket, one)
    assert size_of(s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == "all_storage_classes_128K"


@pytest.mark.parametrize("wrong, code", [
    # "Transitioning objects using Amazon S3 Lifecycle", S3 User Guide
    (rule(Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}]), ("InvalidArgument", 400)),
    (rule(NoncurrentVersionTransitions=[{"NoncurrentDays": 29, "StorageClass": "ONEZONE_IA"}]), ("InvalidArgument", 400)),
    (rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD"}]), ("MalformedXML", 400)),
    (rule(Transitions=[{"StorageClass": "GLACIER"}]), ("MalformedXML", 400)),
    (rule(Transitions=[{"Days": 1, "Date": PAST, "StorageClass": "GLACIER"}]), ("MalformedXML", 400)),
    (rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER"}, {"Days": 2, "StorageClass": "GLACIER"}]), ("InvalidRequest", 400)),
    (rule(Transitions=[{"Days": 5, "StorageClass": "GLACIER"}], Expiration={"Days": 5}), ("InvalidArgument", 400)),
    (rule(), ("InvalidRequest", 400)),
    (rule(Expiration={"Days": 0}), ("InvalidArgument", 400)),
    (rule(Expiration={"Days": 1, "Date": PAST}), ("MalformedXML", 400)),
    (rule(Expiration={"Date": PAST + datetime.timedelta(hours=1)}), ("InvalidArgument", 400)),
    (rule(status="Perhaps", Expiration={"Days": 1}), ("MalformedXML", 400)),
    (rule(Filter={"Tag": {"Key": "a", "Value": "b"}}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
     ("InvalidRequest", 400)),
    (rule(Filter={"Tag": {"Key": "a", "Value": "b"}}, Expiration={"ExpiredObjectDeleteMarker": True}), ("InvalidRequest", 400)),
    ({"Status": "Enabled", "Expiration": {"Days": 1}}, ("MalformedXML", 400))])
def test_an_invalid_rule_is_refused(s3, bucket, wrong, code):
    assert error_code(set_rules, s3, bucket, wrong) == code


def test_two_rules_need_two_names(s3, bucket):
    twice = rule(ID="same", Expiration={"Days": 1})
    assert error_code(set_rules, s3, bucket, twice, twice) == ("InvalidArgument", 400)


# ---- a date ----

def test_expired_objects_are_deleted_and_the_rest_stays(s3, bucket):
    for key, size, tags in (("old/a", 10, ""), ("old/b c", 10, ""), ("kept", 10, ""), ("tagged/yes", 10, "keep=no&a=b+c"),
                            ("tagged/no", 10, "keep=yes"), ("size/5", 5, ""), ("size/6", 6, ""), ("size/9", 9, ""),
                            ("off/x", 1, ""), ("both/1", 7, "a=b"), ("both/2", 7, ""), ("both/3", 70_000, "a=b")):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * size, Tagging=tags)
    due = {"Expiration": {"Date": PAST}}
    set_rules(s3, bucket, rule(prefix="old/", **due), rule(status="Disabled", prefix="off/", **due),
              rule(Filter={"And": {"Prefix": "tagged/", "Tags": [{"Key": "a", "Value": "b c"}, {"Key": "keep", "Value": "no"}]}}, **due),
              rule(Filter={"And": {"Prefix": "size/", "ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 9}}, **due),
              rule(Filter={"And": {"Prefix": "both/", "Tags": [{"Key": "a", "Value": "b"}], "ObjectSizeGreaterThan": 100}}, **due))
    left = ["both/1", "both/2", "kept", "off/x", "size/5", "size/9", "tagged/no"]
    until(lambda: keys(s3, bucket) == left, "what is due has gone")


def test_many_objects_expire(s3, bucket):
    """More than one page of a bucket's scan."""
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: s3.put_object(Bucket=bucket, Key=f"{'old' if n % 3 else 'new'}/{n:04}", Body=b""), range(600)))
    set_rules(s3, bucket, rule(prefix="old/", Expiration={"Date": PAST}))
    until(lambda: all(key.startswith("new/") for key in keys(s3, bucket)), "what is due has gone")
    assert len(keys(s3, bucket)) == 200


def test_with_versions_the_current_one_is_hidden(s3, sqs, bucket):
    url = make_queue(sqs, bucket)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(bucket, "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"Id": "expired", "QueueArn": queue_arn(bucket), "Events": ["s3:LifecycleExpiration:*"]}]})
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    set_rules(s3, bucket, rule(Expiration={"Date": PAST}))
    until(lambda: keys(s3, bucket) == [], "it has gone")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    set_rules(s3, bucket, rule(Expiration={"Date": PAST}))
    until(lambda: keys(s3, bucket) == [], "it is hidden")
    marker = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"][0]["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() == b"x"
    records = event_records(sqs, url, 2)
    assert [(r["eventName"], r["s3"]["object"]["key"], r["s3"]["object"].get("versionId")) for r in records] == [
        ("LifecycleExpiration:Delete", "plain", None), ("LifecycleExpiration:DeleteMarkerCreated", "k", marker)]
    assert records[0]["userIdentity"]["principalId"] == "s3.amazonaws.com"
    assert records[0]["s3"]["configurationId"] == "expired"


def test_a_delete_marker_that_hides_nothing_is_deleted(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    lone = s3.put_object(Bucket=bucket, Key="lone", Body=b"x")["VersionId"]
    kept = s3.put_object(Bucket=bucket, Key="kept", Body=b"x")["VersionId"]
    for key in ("lone", "kept"):
        marker = s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    s3.delete_object(Bucket=bucket, Key="lone", VersionId=lone)
    set_rules(s3, bucket, rule(Expiration={"ExpiredObjectDeleteMarker": True}))
    until(lambda: versions(s3, bucket) == sorted([("kept", kept), ("kept", marker)]), "the lone marker has gone")


# ---- days ----

def test_the_response_has_the_expiry_date(s3, bucket):
    set_rules(s3, bucket, rule(ID="in three", prefix="in/", Expiration={"Days": 3}), rule(ID="later", Expiration={"Days": 30}))
    put = s3.put_object(Bucket=bucket, Key="in/x", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="in/x")
    made = head["LastModified"]
    due = datetime.datetime.combine((made + datetime.timedelta(days=4)).date(), datetime.time())  # rounded to the next midnight
    wanted = due.strftime('expiry-date="%a, %d %b %Y 00:00:00 GMT", rule-id="in%%20three"')
    assert head["Expiration"] == put["Expiration"] == wanted
    assert 'rule-id="later"' in s3.put_object(Bucket=bucket, Key="out", Body=b"")["Expiration"]
    set_rules(s3, bucket, rule(prefix="else/", Expiration={"Days": 3}))
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="in/x")


def age(cloud, table, column, days, where="1"):
    """Makes rows older while the cloud is down; days of whole days, so that the time of the day does not matter."""
    cloud.stop()
    database = sqlite3.connect(cloud.data / "cloud.sqlite3")
    with database:
        changed = database.execute(f"UPDATE {table} SET {column} = {column} - {days * DAY_MS} WHERE {where}").rowcount
    database.close()
    assert changed > 0


def test_days_pass(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    for key in ("in/old", "in/new", "out/old"):
        s3.put_object(Bucket=name, Key=key, Body=b"x" * 30_000)
    old, new = (s3.create_multipart_upload(Bucket=name, Key=f"up/{n}")["UploadId"] for n in ("old", "new"))
    s3.upload_part(Bucket=name, Key="up/old", UploadId=old, PartNumber=1, Body=b"y" * 50_000)
    set_rules(s3, name, rule(prefix="in/", Expiration={"Days": 3}),
              rule(prefix="up/", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}))
    age(cloud, "objects", "modified", 4, "key LIKE '%/old'")
    age(cloud, "objects", "modified", 3, "key LIKE '%/new'")  # due at the next midnight
    age(cloud, "uploads", "created", 3, "key = 'up/old'")
    age(cloud, "uploads", "created", 2, "key = 'up/new'")
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    until(lambda: keys(s3, name) == ["in/new", "out/old"], "the old object has gone")
    until(lambda: [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=name)["Uploads"]] == [new], "and the upload")
    blobs = [path for path in cloud.data.glob("blobs/*/*")] + [path for path in cloud.data.glob("incoming/*")]
    assert len(blobs) == 2


@pytest.mark.parametrize("kept", [0, 2])
def test_versions_grow_old(start_cloud, idle_pipelines, name, kept):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    many = [s3.put_object(Bucket=name, Key="many", Body=b"%d" % n)["VersionId"] for n in range(300)]
    few = [s3.put_object(Bucket=name, Key="few", Body=b"x")["VersionId"] for _ in range(3)]
    hidden = s3.put_object(Bucket=name, Key="hidden", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=name, Key="hidden")["VersionId"]
    expiration = {"NoncurrentDays": 1, **({"NewerNoncurrentVersions": kept} if kept else {})}
    set_rules(s3, name, rule(NoncurrentVersionExpiration=expiration))
    age(cloud, "objects", "modified", 2)
    # Versions cease to be current when their successor is made: of "few" all did long ago, the last but one of "many" just now.
    database = sqlite3.connect(cloud.data / "cloud.sqlite3")
    with database:
        database.execute(f"UPDATE object_history SET modified = modified - {5 * DAY_MS} WHERE key IN ('few', 'many')")
        database.execute(f"UPDATE objects SET modified = modified + {2 * DAY_MS} WHERE key = 'many'")
    database.close()
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    left = [("few", version) for version in (few[2:] if not kept else few)]
    left += [("many", version) for version in (many[-2:] if not kept else many[-3:])]
    left += [("hidden", hidden), ("hidden", marker)]
    until(lambda: versions(s3, name) == sorted(left), "the old versions have gone")
    assert s3.get_object(Bucket=name, Key="many", VersionId=many[-2])["Body"].read() == b"298"


# ---- transitions ----

def classes(s3, bucket):
    return {item["Key"]: item["StorageClass"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def make_older(cloud, days):
    """In the database of a cloud that has stopped."""
    with sqlite3.connect(cloud.data / "cloud.sqlite3") as database:
        for table in "objects", "object_history":
            database.execute(f"UPDATE {table} SET modified = modified - ?", (days * DAY_MS,))


LARGE, SMALL = b"x" * (128 << 10), b"x"  # "objects smaller than 128 KB will not transition to any storage class by default"


def test_objects_move_to_other_classes(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket=name)
    url = make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(name, "s3", f"arn:aws:s3:::{name}")})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": queue_arn(name), "Events": ["s3:LifecycleTransition"]}]})
    for key in "a/large", "b/large":
        s3.put_object(Bucket=name, Key=key, Body=LARGE, Metadata={"m": "kept"})
    s3.put_object(Bucket=name, Key="a/small", Body=SMALL)
    s3.put_object(Bucket=name, Key="a/deep", Body=LARGE, StorageClass="DEEP_ARCHIVE")
    set_rules(s3, name, rule(prefix="a/", Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]))
    cloud.stop()
    make_older(cloud, 31)
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    until(lambda: classes(s3, name)["a/large"] == "STANDARD_IA", "the transition")
    assert classes(s3, name) == {"a/deep": "DEEP_ARCHIVE", "a/large": "STANDARD_IA", "a/small": "STANDARD", "b/large": "STANDARD"}
    head = s3.head_object(Bucket=name, Key="a/large")
    assert (head["StorageClass"], head["Metadata"]) == ("STANDARD_IA", {"m": "kept"})
    record = event_records(cloud.client("sqs"), url, 1)[0]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("LifecycleTransition", "a/large")
    assert record["lifecycleEventData"] == {"transitionEventData": {"destinationStorageClass": "STANDARD_IA"}}
    cloud.stop()
    make_older(cloud, 31)
    s3 = start_cloud("--pipelines", idle_pipelines).client("s3")
    until(lambda: classes(s3, name)["a/large"] == "GLACIER", "the second transition")
    assert error_code(s3.get_object, Bucket=name, Key="a/large") == ("InvalidObjectState", 403)


def test_which_small_objects_move(s3, bucket):
    """A rule with a size has no least size; otherwise the header decides."""
    for key in "archived/", "warm/", "sized/":
        s3.put_object(Bucket=bucket, Key=key + "small", Body=SMALL * 10)
    set_size(s3, bucket, "varies_by_storage_class",
             rule(ID="a", prefix="archived/", Transitions=[{"Date": PAST, "StorageClass": "GLACIER"}]),
             rule(ID="b", prefix="warm/", Transitions=[{"Date": PAST, "StorageClass": "INTELLIGENT_TIERING"}]),
             rule(ID="c", Filter={"And": {"Prefix": "sized/", "ObjectSizeGreaterThan": 5}}, Transitions=[{"Date": PAST, "StorageClass": "ONEZONE_IA"}]))
    until(lambda: classes(s3, bucket)["archived/small"] == "GLACIER" and classes(s3, bucket)["sized/small"] == "ONEZONE_IA", "the transitions")
    assert classes(s3, bucket)["warm/small"] == "STANDARD"


def test_old_versions_move(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=name, Key="k", Body=LARGE)["VersionId"] for _ in range(3)]
    set_rules(s3, name, rule(NoncurrentVersionTransitions=[{"NoncurrentDays": 1, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 1}]))
    cloud.stop()
    make_older(cloud, 3)
    s3 = start_cloud("--pipelines", idle_pipelines).client("s3")

    def found():
        return {item["VersionId"]: item["StorageClass"] for item in s3.list_object_versions(Bucket=name)["Versions"]}
    until(lambda: found()[ids[0]] == "GLACIER", "the transition of the oldest version")
    assert found() == {ids[0]: "GLACIER", ids[1]: "STANDARD", ids[2]: "STANDARD"}
