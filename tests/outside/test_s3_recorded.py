"""The embedded cloud's S3 against what others recorded of the service, beside errors (test_s3_errors.py) and checksums
(test_s3_checksums.py).

"Recorded" names a test of localstack/localstack, tests/aws/services/s3, whose expectations were validated against AWS
(markers.aws.validated, *.snapshot.json), or the function in localstack-core/localstack/services/s3 that such tests cover."""
import concurrent.futures
import datetime
import json
import re

import pytest

import harness
from harness import curl, error_code, event_records, fetch
from s3_wire import document, elements, request, texts

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")


def set_versioning(s3, bucket, status):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


# ---- headers ----

@pytest.mark.parametrize("sent, stored", [
    ("aws-chunked", None), ("gzip,aws-chunked", "gzip"), ("aws-chunked, gzip", "gzip"), ("gzip, aws-chunked,br", "gzip,br"),
    ("gzip", "gzip"), ("AWS-Chunked", None)])
def test_aws_chunked_is_not_stored(cloud, bucket, sent, stored):
    """Recorded: test_put_object_chunked_content_encoding (provider.put_object splits the list and drops aws-chunked)."""
    assert request(cloud, "PUT", f"/{bucket}/k", b"body", Content_Encoding=sent)[0] == 200
    assert request(cloud, "HEAD", f"/{bucket}/k")[1].get("content-encoding") == stored


def test_chunks_are_removed_wherever_the_encoding_says_so(cloud, bucket):
    status, text = curl("-X", "PUT", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-H", "Content-Encoding: gzip,aws-chunked",
                        "-H", "x-amz-decoded-content-length: 4", "--data-binary", "4\r\nbody\r\n0\r\n\r\n",
                        f"{cloud.endpoint}/{bucket}/k")
    assert status == 200, text
    assert request(cloud, "GET", f"/{bucket}/k")[2] == b"body"


def test_a_condition_in_the_future_is_ignored(cloud, bucket):
    """Recorded: test_get_object_with_..._if_modified_since (validate_failed_precondition: if_modified_since < now)."""
    request(cloud, "PUT", f"/{bucket}/k", b"body")
    modified = request(cloud, "HEAD", f"/{bucket}/k")[1]["last-modified"]
    assert request(cloud, "GET", f"/{bucket}/k", If_Modified_Since=modified)[0] == 304
    assert request(cloud, "GET", f"/{bucket}/k", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")[0] == 200
    assert request(cloud, "PUT", f"/{bucket}/c", x_amz_copy_source=f"{bucket}/k",
                   x_amz_copy_source_if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT")[0] == 200


# ---- copies ----

def test_a_copy_onto_itself_may_change_the_storage_class(s3, bucket):
    """Recorded: test_s3_copy_object_in_place_storage_class."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"body", Metadata={"a": "1"})
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, StorageClass="STANDARD")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, StorageClass="STANDARD_IA")
    found = s3.head_object(Bucket=bucket, Key="k")
    assert (found["StorageClass"], found["Metadata"]) == ("STANDARD_IA", {"a": "1"})


def test_the_source_is_judged_before_a_copy_onto_itself(cloud, bucket):
    """Recorded: copy_object compares the source's conditions before it looks whether anything changes."""
    etag = request(cloud, "PUT", f"/{bucket}/k", b"body")[1]["etag"]
    status, _, text = request(cloud, "PUT", f"/{bucket}/k", x_amz_copy_source=f"{bucket}/k", x_amz_copy_source_if_none_match=etag)
    assert (status, dict(elements(text))["Code"]) == (412, "PreconditionFailed")
    status, _, text = request(cloud, "PUT", f"/{bucket}/k", x_amz_copy_source=f"{bucket}/k")
    assert (status, elements(text)) == (400, [("Code", "InvalidRequest"), (
        "Message", "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes.")])


# ---- tags ----

def test_an_empty_set_of_tags_is_none(s3, bucket):
    """Recorded: TestS3BucketObjectTagging.test_bucket_tagging_crud (get_bucket_tagging: if not tag_set)."""
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": []})
    assert error_code(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)


def test_tags_of_a_delete_marker_and_of_a_missing_key(cloud, s3, bucket):
    """Recorded: get_object_tagging: "It seems GetObjectTagging does not work like all other operations", and the key with its
    bucket, "a weird AWS validated bug"."""
    set_versioning(s3, bucket, "Enabled")
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    status, headers, text = request(cloud, "GET", f"/{bucket}/k?tagging")
    assert (status, elements(text)[2:]) == (405, [("Method", "GET"), ("ResourceType", "DeleteMarker")])
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"], headers["allow"]) == ("true", marker, "DELETE")
    status, _, text = request(cloud, "GET", f"/{bucket}/absent?tagging")
    assert (status, elements(text)) == (404, [("Code", "NoSuchKey"), ("Message", "The specified key does not exist."),
                                              ("Key", f"{bucket}/absent")])
    status, _, text = request(cloud, "PUT", f"/{bucket}/k?tagging", "<Tagging><TagSet/></Tagging>")
    assert (status, dict(elements(text))["Code"]) == (404, "NoSuchKey")


# ---- versions ----

def test_the_null_version_of_a_suspended_bucket(cloud, s3, bucket):
    """Recorded: test_put_object_on_suspended_bucket, test_delete_object_on_suspended_bucket."""
    set_versioning(s3, bucket, "Enabled")
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    set_versioning(s3, bucket, "Suspended")
    for body in (b"1", b"2"):
        assert "x-amz-version-id" not in request(cloud, "PUT", f"/{bucket}/k", body)[1]
        assert request(cloud, "GET", f"/{bucket}/k")[1]["x-amz-version-id"] == "null"
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(version["VersionId"], version["IsLatest"]) for version in versions] == [("null", True), (old, False)]
    copied = request(cloud, "PUT", f"/{bucket}/copy", x_amz_copy_source=f"{bucket}/k")[1]
    assert (copied["x-amz-version-id"], copied.get("x-amz-copy-source-version-id")) == ("null", None)
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert (deleted["VersionId"], deleted["DeleteMarker"]) == ("null", True)
    assert fetch(s3, bucket, "copy") == b"2"


def test_the_newest_version_is_the_latest_on_any_page(s3, bucket):
    """Recorded: TestS3ListObjectVersions.test_list_object_versions_pagination_common_prefixes and its neighbours: IsLatest of the
    pages is that of the whole list."""
    set_versioning(s3, bucket, "Enabled")
    for key in ("a", "b", "b", "c", "c", "c", "d/1", "d/2"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=bucket, Key="c")
    set_versioning(s3, bucket, "Suspended")
    s3.put_object(Bucket=bucket, Key="b", Body=b"null")

    def of(page):
        return [(entry["Key"], entry["VersionId"], entry["IsLatest"])
                for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])]

    whole = of(s3.list_object_versions(Bucket=bucket))
    assert sorted(key for key, _, latest in whole if latest) == ["a", "b", "c", "d/1", "d/2"]
    for size in (1, 2, 3):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert sorted(entry for page in pages for entry in of(page)) == sorted(whole)


# ---- lists ----

def test_times_in_lists_have_whole_seconds(cloud, s3, bucket):
    """Recorded, as the XML of the service shows: LastModified, Initiated and CreationDate end in .000Z."""
    set_versioning(s3, bucket, "Enabled")
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="u", UploadId=upload, PartNumber=1, Body=b"x")
    targets = ["/", f"/{bucket}", f"/{bucket}?list-type=2", f"/{bucket}?versions", f"/{bucket}?uploads", f"/{bucket}/u?uploadId={upload}"]
    for target in targets:
        times = [node.text for node in document(request(cloud, "GET", target)[2]).iter()
                 if node.tag in ("LastModified", "Initiated", "CreationDate")]
        assert times and all(TIME.fullmatch(time) for time in times), target
    copied = document(request(cloud, "PUT", f"/{bucket}/c", x_amz_copy_source=f"{bucket}/k")[2])
    assert TIME.fullmatch(copied.findtext("LastModified"))


def test_owners_have_no_display_name(cloud, s3, bucket):
    """"End of support notice: DisplayName" in the S3 API Reference: removed on November 21, 2025."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    for target in ("/", f"/{bucket}", f"/{bucket}?list-type=2&fetch-owner=true", f"/{bucket}?versions", f"/{bucket}?uploads",
                   f"/{bucket}/u?uploadId={upload}", f"/{bucket}?acl", f"/{bucket}/k?acl"):
        text = request(cloud, "GET", target)[2]
        assert b"<Owner>" in text and b"DisplayName" not in text, target


def test_a_marker_inside_a_common_prefix_is_beyond_it(cloud, s3, bucket):
    """Recorded: list_objects and list_object_versions skip a common prefix with which the marker begins; ListObjectsV2 does not."""
    for key in ("a/1", "a/2", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        s3.create_multipart_upload(Bucket=bucket, Key=key)

    def names(query):
        root = document(request(cloud, "GET", f"/{bucket}?delimiter=%2F&{query}")[2])
        return [node.findtext("Prefix") for node in root.iter("CommonPrefixes")], [node.text for node in root.iter("Key")]

    for query in ("marker=a%2F1", "versions&key-marker=a%2F1", "uploads&key-marker=a%2F1"):
        assert names(query) == ([], ["b"]), query
    assert names("list-type=2&start-after=a%2F1") == (["a/"], ["b"])


# ---- multipart uploads ----

def created(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    return upload, s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]


def finish(cloud, bucket, upload, etag, **headers):
    status, _, text = request(cloud, "POST", f"/{bucket}/k?uploadId={upload}", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                              f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>", **headers)
    return status, elements(text) if status != 200 else None


def test_a_raced_completion_is_a_conflict(cloud, s3, bucket):
    """Recorded: test_s3_preconditions.py, test_multipart_if_none_match_with_delete and test_multipart_if_match_with_put."""
    text = "The conditional request cannot succeed due to a conflicting operation against this resource."
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload, etag = created(s3, bucket)
    assert finish(cloud, bucket, upload, etag, If_None_Match="*")[0] == 412
    s3.delete_object(Bucket=bucket, Key="k")
    assert finish(cloud, bucket, upload, etag, If_None_Match="*") == (409, [
        ("Code", "ConditionalRequestConflict"), ("Message", text), ("Condition", "If-None-Match"), ("Key", "k")])
    written = s3.put_object(Bucket=bucket, Key="k", Body=b"y")["ETag"]
    assert finish(cloud, bucket, upload, etag, If_Match=written) == (409, [
        ("Code", "ConditionalRequestConflict"), ("Message", text), ("Condition", "If-Match"), ("Key", "k")])
    assert finish(cloud, bucket, upload, etag)[0] == 200


def test_of_two_conditional_completions_one_succeeds(cloud, s3, bucket):
    uploads = [created(s3, bucket) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda upload: finish(cloud, bucket, *upload, If_None_Match="*")[0], uploads))
    assert sorted(results) == [200, 412, 412, 412]


# ---- events ----

@pytest.fixture
def notified(s3, sqs, bucket, queue, name):
    arn = harness.queue_arn(name)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": arn, "Events": ["s3:ObjectTagging:*", "s3:ObjectRemoved:*"]}]})
    return queue


@pytest.fixture
def queue(sqs, name):
    url = harness.make_queue(sqs, name)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": harness.send_policy(name, "s3", "*")})
    return url


def test_events_of_tags_have_version_2_3_and_no_sequencer(s3, sqs, bucket, notified):
    """Recorded: TestS3NotificationsToSQS.test_object_tagging_put_event, test_object_tagging_delete_event."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    found = [(record["eventName"], record["eventVersion"], sorted(record["s3"]["object"])) for record in event_records(sqs, notified, 3)]
    assert sorted(found) == [("ObjectRemoved:Delete", "2.1", ["key", "sequencer"]), ("ObjectTagging:Delete", "2.3", ["eTag", "key"]),
                             ("ObjectTagging:Put", "2.3", ["eTag", "key"])]


def test_deleting_many_sends_events_for_missing_keys_too(s3, sqs, bucket, notified):
    """Recorded: test_delete_objects ("even if the object didn't exist, S3 will trigger a notification for a non-existing object being
    deleted"); DeleteObject sends none."""
    s3.put_object(Bucket=bucket, Key="there", Body=b"body")
    s3.delete_object(Bucket=bucket, Key="absent-1")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "there"}, {"Key": "absent-2"}]})
    assert sorted(entry["Key"] for entry in done["Deleted"]) == ["absent-2", "there"]
    keys = [record["s3"]["object"]["key"] for record in event_records(sqs, notified, 2)]
    assert sorted(keys) == ["absent-2", "there"]


# ---- access ----

def test_date_stands_in_for_x_amz_date(cloud, bucket):
    """"Authenticating Requests" in the S3 API Reference: x-amz-date is optional if Date is signed. Signed here with botocore's functions,
    whose date header is renamed."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    from s3_wire import send

    class WithDate(botocore.auth.S3SigV4Auth):
        def _set_necessary_date_headers(self, request):
            moment = datetime.datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ")
            request.headers["Date"] = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")

    request = botocore.awsrequest.AWSRequest(method="PUT", url=f"{cloud.endpoint}/{bucket}/k", data=b"body")
    WithDate(botocore.credentials.Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), "s3", harness.REGION).add_auth(request)
    assert "X-Amz-Date" not in request.headers and "date" in request.headers["Authorization"]
    assert send(cloud, "PUT", f"/{bucket}/k", b"body", dict(request.headers))[0] == 200
    old = dict(request.headers, Date="Mon, 01 Jan 2024 00:00:00 GMT")
    assert send(cloud, "PUT", f"/{bucket}/k", b"body", old)[0] in (400, 403)
