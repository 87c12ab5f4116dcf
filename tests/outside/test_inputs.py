"""Every input member of every supported operation is honoured, or ignored for a stated reason, or refused by name: docs/inputs.md
against the models and against the embedded cloud."""
import base64
import hashlib
import json
import random
import re
import shutil
import urllib.parse

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
import input_table
from harness import ACCOUNT, REGION, ROOT, queue_arn

TABLE = input_table.table()
KEYS = Credentials(harness.ACCESS_KEY, harness.SECRET_KEY)
TARGETS = {"sqs": ("AmazonSQS", "1.0"), "events": ("AWSEvents", "1.1"), "rekognition": ("RekognitionService", "1.1")}
QUERY = {"sns": "2010-03-31", "sts": "2011-06-15", "sqs": "2012-11-05"}
# What the models do not have. "POST Object" and "AWS S3 Control", S3 API Reference; the fields of Object Lock and of customer-provided
# keys are those that a form may have as PutObject has the headers.
FORM = set("""AWSAccessKeyId acl Cache-Control Content-Disposition Content-Encoding Content-Language Content-Type Expires file key policy
redirect signature success_action_redirect success_action_status tagging x-amz-algorithm x-amz-checksum-algorithm x-amz-checksum-crc32
x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-sha1 x-amz-checksum-sha256 x-amz-credential x-amz-date
x-amz-object-lock-legal-hold x-amz-object-lock-mode x-amz-object-lock-retain-until-date x-amz-security-token
x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-bucket-key-enabled
x-amz-server-side-encryption-context x-amz-server-side-encryption-customer-algorithm x-amz-server-side-encryption-customer-key
x-amz-server-side-encryption-customer-key-MD5 x-amz-signature x-amz-storage-class x-amz-website-redirect-location""".split())
WITHOUT_MODEL = {"s3": {"PostObject": FORM},
                 "s3control": {"ListTagsForResource": {"AccountId", "ResourceArn"}, "TagResource": {"AccountId", "ResourceArn", "Tags"},
                               "UntagResource": {"AccountId", "ResourceArn", "TagKeys"}, "Tag": {"Key", "Value"}}}


@pytest.fixture(scope="module")
def model():
    if not (ROOT / "tests/js/node_modules/@aws-sdk/client-s3").is_dir() or not shutil.which("node"):
        pytest.skip("needs the JavaScript SDK (./dev test installs it)")
    return input_table.newest()


# ---- the table and the models ----

@pytest.mark.parametrize("service", input_table.SERVICES.values())
def test_the_table_has_every_member_of_the_models_once(model, service):
    wanted = dict(WITHOUT_MODEL.get(service, {}))
    operations, structures = model.get(service, {"operations": {}})["operations"], {}
    old_operations, old_structures = input_table.installed(service) if operations else ({}, {})
    for name in input_table.supported()[service] - set(wanted):
        wanted[name] = set(operations[name]["members"]) | old_operations.get(name, set())
        structures |= {each: set(model[service]["structures"][each]) for each in operations[name]["structures"]}
    wanted |= {name: members | old_structures.get(name, set()) for name, members in structures.items() if members}
    found = {name: [member for column in input_table.COLUMNS for member in row[column]] for name, row in TABLE[service].items()}
    assert all(len(members) == len(set(members)) for members in found.values())
    assert {name: set(members) for name, members in found.items()} == wanted


# ---- sending ----

def signed(cloud, service, method, target, body=b"", **headers):
    request = AWSRequest(method, cloud.endpoint + target, data=body or None, headers=headers)
    (S3SigV4Auth if service == "s3" else SigV4Auth)(KEYS, service, REGION).add_auth(request)
    return harness.http(request.url, method, body or None, **dict(request.headers.items()))


def call(cloud, service, operation, members):
    """One call with these members, in the protocol of JSON or, for services that do not have it, as a form."""
    if service in TARGETS:
        target, version = TARGETS[service]
        status, _, body = signed(cloud, service, "POST", "/", json.dumps(members).encode(), **{
            "Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{target}.{operation}"})
    else:
        status, body = form(cloud, service, operation, members)
    return status, body.decode()


def form(cloud, service, operation, members):
    fields = {"Action": operation, "Version": QUERY[service], **members}
    status, _, body = signed(cloud, service, "POST", "/", urllib.parse.urlencode(fields).encode(), **{
        "Content-Type": "application/x-www-form-urlencoded"})
    return status, body


def is_refused(status, body, name):
    return status == 501 and ("NotImplemented" in body or "UnsupportedOperation" in body) and name in body  # the latter: SQS


OTHERS = [(service, name) for service in ("sqs", "sns", "events", "rekognition", "sts") for name in TABLE[service]
          if name in input_table.supported()[service]]
# What must be valid so that a handler comes to the member.
CONTEXT = {"PutRule": {"Name": "r"}, "CreateEventBus": {"Name": "inputs"}, "CreateTopic": {"Name": "inputs"},
           "PutEvents": {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}, "Publish": {"Message": "m"}}
PATTERN = '{"source": ["x"]}'


@pytest.mark.parametrize("service, operation", OTHERS)
def test_each_member_is_taken_or_refused_as_the_table_says(cloud, service, operation):
    row = TABLE[service][operation]
    for member in row["refused"]:
        status, body = call(cloud, service, operation, {**CONTEXT.get(operation, {}), member: "x"})
        assert is_refused(status, body, member), (member, status, body)
    for member in row["honoured"] + row["ignored"]:
        status, body = call(cloud, service, operation, {member: "x"})
        assert status != 501, (member, status, body)


def test_nothing_came_of_what_was_refused(cloud):
    events, sns = cloud.client("events"), cloud.client("sns")
    events.create_event_bus(Name="inputs")  # it does not exist yet
    events.delete_event_bus(Name="inputs")
    assert not [topic for topic in sns.list_topics()["Topics"] if topic["TopicArn"].endswith(":inputs")]
    assert not [rule for rule in events.list_rules()["Rules"] if rule["Name"] == "r"]


@pytest.mark.parametrize("service, operation", OTHERS)
def test_members_that_no_model_has_are_refused(cloud, service, operation):
    """Names at random, so that a member of a later model is not silently ignored."""
    choice = random.Random(f"{service} {operation}")
    for _ in range(3):
        name = choice.choice("ABCDEFGHIJ") + "".join(choice.choice("abcdefghijklmnopqrstuvwxyzABC") for _ in range(choice.randint(3, 20)))
        status, body = call(cloud, service, operation, {name: "x"})
        assert is_refused(status, body, name), (name, status, body)


def test_sqs_refuses_them_in_its_query_protocol(cloud):
    status, body = form(cloud, "sqs", "CreateQueue", {"QueueName": "inputs-query", "Later": "x"})
    assert is_refused(status, body.decode(), "Later")
    status, body = form(cloud, "sqs", "CreateQueue", {"QueueName": "inputs-query", "Timestamp": "2026-01-01T00:00:00Z"})
    assert status == 200, body


# ---- members of structures ----

def attribute(member):
    return {"QueueUrl": f"/{ACCOUNT}/structures", "MessageBody": "m",
            "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x", member: ["x"]}}}


@pytest.mark.parametrize("member", TABLE["sqs"]["MessageAttributeValue"]["refused"])
def test_lists_in_attributes_of_messages_are_refused(cloud, member):
    harness.make_queue(cloud.client("sqs"), "structures")
    status, body = call(cloud, "sqs", "SendMessage", attribute(member))
    assert status == 400 and "list values" in body


@pytest.mark.parametrize("member", TABLE["events"]["Target"]["refused"])
def test_parameters_of_other_targets_are_refused(cloud, member):
    events = cloud.client("events")
    events.put_rule(Name="structures", EventPattern=PATTERN)
    inner = next((row for name, row in TABLE["events"].items() if name == member), {"refused": []})["refused"]
    target = {"Id": "t", "Arn": queue_arn("q"), member: {each: "x" for each in inner}}
    status, body = call(cloud, "events", "PutTargets", {"Rule": "structures", "Targets": [target]})
    assert is_refused(status, body, member)
    assert events.list_targets_by_rule(Rule="structures")["Targets"] == []


def test_settings_of_image_properties_are_refused(cloud):
    assert TABLE["rekognition"]["DetectLabelsSettings"]["refused"] == ["ImageProperties"]
    status, body = call(cloud, "rekognition", "DetectLabels", {
        "Image": {"Bytes": "AAAA"}, "Settings": {"ImageProperties": {"MaxDominantColors": 1}}})
    assert is_refused(status, body, "ImageProperties")


def document(root, inner):
    return f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{root}>'.encode()


S3_DOCUMENTS = {
    ("NotificationConfiguration", "LambdaFunctionConfigurations"): ("?notification", document("NotificationConfiguration",
        "<CloudFunctionConfiguration><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:f</CloudFunction>"
        "<Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration>")),
    ("VersioningConfiguration", "MFADelete"): ("?versioning", document(
        "VersioningConfiguration", "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>")),
    ("LoggingEnabled", "TargetGrants"): ("?logging", document("BucketLoggingStatus",
        "<LoggingEnabled><TargetBucket>{bucket}</TargetBucket><TargetPrefix/><TargetGrants><Grant/></TargetGrants></LoggingEnabled>")),
    ("RestoreRequest", "Type"): ("/k?restore", document("RestoreRequest", "<Type>SELECT</Type>")),
    ("RestoreRequest", "SelectParameters"): ("/k?restore", document("RestoreRequest", "<Days>1</Days><SelectParameters/>")),
    ("RestoreRequest", "OutputLocation"): ("/k?restore", document("RestoreRequest", "<Days>1</Days><OutputLocation/>")),
    ("CreateBucketConfiguration", "Location"): ("-new", document(
        "CreateBucketConfiguration", "<Location><Type>AvailabilityZone</Type><Name>use1-az1</Name></Location>")),
    ("CreateBucketConfiguration", "Bucket"): ("-new", document(
        "CreateBucketConfiguration", "<Bucket><Type>Directory</Type><DataRedundancy>SingleAvailabilityZone</DataRedundancy></Bucket>")),
}
# Structures that are only inside these.
INSIDE = {"LambdaFunctionConfiguration", "BucketInfo", "LocationInfo", "TargetGrant", "SelectParameters", "OutputLocation", "S3Location",
          "InputSerialization", "OutputSerialization", "CSVInput", "CSVOutput", "JSONInput", "JSONOutput", "ParquetInput", "Encryption",
          "MetadataEntry"}


def test_members_of_documents_are_refused(cloud, s3, bucket):
    refused = {(name, member) for name, row in TABLE["s3"].items() for member in row["refused"] if not name[:3] in ("Put", "Get")}
    structures = {(name, member) for name, member in refused if name not in input_table.supported()["s3"] and name not in INSIDE}
    assert structures == set(S3_DOCUMENTS)
    for (name, member), (target, body) in S3_DOCUMENTS.items():
        path = f"/{bucket}{target}"
        method = "POST" if "restore" in target else "PUT"
        status, _, response = signed(cloud, "s3", method, path, body.replace(b"{bucket}", bucket.encode()))
        assert status == 501 and b"NotImplemented" in response, (name, member, status, response)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert bucket + "-new" not in [each["Name"] for each in s3.list_buckets()["Buckets"]]


# ---- headers of S3 ----

def requests(bucket, upload):
    """A request of each operation that has a header that is ignored or refused: (method, target, body, headers)"""
    copy = {"x-amz-copy-source": f"/{bucket}/k"}
    tags = document("Tagging", "<TagSet/>")
    return {
        "PutObject": ("PUT", "/{b}/new", b"x", {}), "CopyObject": ("PUT", "/{b}/new", b"", copy),
        "CreateMultipartUpload": ("POST", "/{b}/new?uploads=", b"", {}), "CreateBucket": ("PUT", "/{b}-new", b"", {}),
        "UploadPart": ("PUT", f"/{{b}}/up?partNumber=1&uploadId={upload}", b"x", {}),
        "UploadPartCopy": ("PUT", f"/{{b}}/up?partNumber=1&uploadId={upload}", b"", copy),
        "CompleteMultipartUpload": ("POST", f"/{{b}}/up?uploadId={upload}", document("CompleteMultipartUpload", ""), {}),
        "RestoreObject": ("POST", "/{b}/k?restore=", document("RestoreRequest", "<Days>1</Days>"), {}),
        "AbortMultipartUpload": ("DELETE", f"/{{b}}/up?uploadId={upload}", b"", {}),
        "GetObject": ("GET", "/{b}/k", b"", {}), "HeadObject": ("HEAD", "/{b}/k", b"", {}),
        "GetObjectAttributes": ("GET", "/{b}/k?attributes=", b"", {"x-amz-object-attributes": "ETag"}),
        "ListParts": ("GET", f"/{{b}}/up?uploadId={upload}", b"", {}), "GetObjectTagging": ("GET", "/{b}/k?tagging=", b"", {}),
        "PutObjectTagging": ("PUT", "/{b}/k?tagging=", tags, {}), "GetObjectAcl": ("GET", "/{b}/k?acl=", b"", {}),
        "PutObjectAcl": ("PUT", "/{b}/k?acl=", b"", {"x-amz-acl": "private"}),
        "DeleteObject": ("DELETE", "/{b}/none", b"", {}),
        "DeleteObjects": ("POST", "/{b}?delete=", document("Delete", "<Object><Key>none</Key></Object>"), {}),
        "ListMultipartUploads": ("GET", "/{b}?uploads=", b"", {}), "ListObjects": ("GET", "/{b}", b"", {}),
        "ListObjectsV2": ("GET", "/{b}?list-type=2", b"", {}), "ListObjectVersions": ("GET", "/{b}?versions=", b"", {}),
        "GetBucketAccelerateConfiguration": ("GET", "/{b}?accelerate=", b"", {}),
        "PutBucketVersioning": ("PUT", "/{b}?versioning=", document("VersioningConfiguration", "<Status>Suspended</Status>"), {}),
        "PutBucketPolicy": ("PUT", "/{b}?policy=", json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObjectTorrent", "Resource": f"arn:aws:s3:::{bucket}/*"}]}).encode(), {}),
    }


VALUES = {"BypassGovernanceRetention": "true", "ConfirmRemoveSelfBucketAccess": "true", "ObjectLockEnabledForBucket": "true",
          "MFA": "serial 123456", "RequestPayer": "requester"}


@pytest.fixture
def filled(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="up")["UploadId"]
    return bucket, requests(bucket, upload)


def send(cloud, bucket, request, more):
    method, target, body, headers = request
    if "delete=" in target:
        headers = {**headers, "Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    return signed(cloud, "s3", method, target.format(b=bucket), body, **headers, **more)


def header_members(model, column):
    for operation, row in TABLE["s3"].items():
        places = model["s3"]["operations"].get(operation, {"members": {}})["members"]
        for member in row[column]:
            if places.get(member, "").startswith("header:"):
                yield operation, member, places[member].partition(":")[2]


def contents(s3, bucket):
    return ([(entry["Key"], entry["ETag"]) for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]],
            [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]],
            s3.get_bucket_versioning(Bucket=bucket).get("Status"), [each["Name"] for each in s3.list_buckets()["Buckets"]])


def test_headers_that_the_table_refuses_are_refused_by_name(cloud, s3, filled, model):
    bucket, base = filled
    before, count = contents(s3, bucket), 0
    for operation, member, header in header_members(model, "refused"):
        status, _, body = send(cloud, bucket, base[operation], {header: VALUES.get(member, "x")})
        named = operation == "HeadObject" or header.lower().encode() in body.lower()
        assert status == 501 and named, (operation, member, status, body)
        count += 1
    assert count > 30 and contents(s3, bucket) == before


def steady(body):
    """Without what is different each time."""
    return re.sub(rb"<(RequestId|HostId|UploadId|LastModified)>.*?</\1>", b"", body)


def test_headers_that_the_table_ignores_change_nothing(cloud, s3, filled, model):
    """And who pays, for the owner of the bucket."""
    bucket, base = filled
    by_operation = {}
    members = [*header_members(model, "ignored"), *(each for each in header_members(model, "honoured") if each[1] == "RequestPayer")]
    for operation, member, header in members:
        by_operation.setdefault(operation, []).append((header, VALUES[member]))
    assert len(by_operation) > 20
    for operation, headers in by_operation.items():
        if operation in ("AbortMultipartUpload", "CompleteMultipartUpload"):  # not twice
            continue
        plain = send(cloud, bucket, base[operation], {})
        for name, value in headers:
            other = send(cloud, bucket, base[operation], {name: value})
            assert (other[0], steady(other[2])) == (plain[0], steady(plain[2])), (operation, name, other)
    status, _, _ = send(cloud, bucket, base["AbortMultipartUpload"], {"x-amz-request-payer": "requester"})
    assert status == 204


def test_headers_that_no_model_has_are_refused(cloud, s3, filled):
    bucket, base = filled
    before, choice = contents(s3, bucket), random.Random(4)
    for operation, request in base.items():
        name = "x-amz-" + "".join(choice.choice("abcdefghijklmnopqrstuvwxyz-") for _ in range(choice.randint(3, 20))).strip("-")
        status, _, body = send(cloud, bucket, request, {name: "x"})
        assert status == 501 and (operation == "HeadObject" or name.encode() in body.lower()), (operation, name, status, body)
    assert contents(s3, bucket) == before


# ---- forms, and S3 Control ----

def post(cloud, bucket, **fields):
    """An unsigned form, for which the bucket's policy must be open."""
    text = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    body = f'{text}--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncontent\r\n--b--\r\n'.encode()
    status, _, response = harness.http(f"{cloud.endpoint}/{bucket}", "POST", body, **{"Content-Type": "multipart/form-data; boundary=b"})
    return status, response.decode()


def test_fields_of_a_form_are_taken_or_refused_as_the_table_says(cloud, s3, bucket):
    harness.allow_public_policies(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    row, choice = TABLE["s3"]["PostObject"], random.Random(5)
    unknown = "x-amz-" + "".join(choice.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    for name in row["refused"] + [unknown]:
        status, body = post(cloud, bucket, key="k", **{name: "x"})
        assert is_refused(status, body, name.lower()), (name, status, body)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    for name in set(row["honoured"]) - {"file", "key"}:
        status, body = post(cloud, bucket, key="k", **{name: "x"})
        assert status != 501, (name, status, body)


def test_parameters_of_s3_control_that_no_model_has_are_refused(cloud, bucket):
    target = "/v20180820/tags/" + urllib.parse.quote(f"arn:aws:s3:::{bucket}", safe="")
    for method in ("GET", "POST", "DELETE"):
        status, _, body = signed(cloud, "s3", method, target + "?other=1", **{"x-amz-account-id": ACCOUNT})
        assert status == 501 and b"other" in body, (method, status, body)


# ---- what EventBridge and STS ignore ----

def test_members_that_the_other_services_ignore_change_nothing(cloud, name):
    events = cloud.client("events")
    ignored = {member for row in TABLE["events"].values() for member in row["ignored"]}
    assert ignored == {"Force", "KmsKeyIdentifier", "LogConfig", "DeadLetterConfig", "RoleArn", "RetryPolicy"}
    settings = {"KmsKeyIdentifier": "alias/k", "LogConfig": {"Level": "TRACE"}, "DeadLetterConfig": {"Arn": queue_arn("q")}}
    assert call(cloud, "events", "CreateEventBus", {"Name": name, **settings})[0] == 200
    found = json.loads(call(cloud, "events", "DescribeEventBus", {"Name": name})[1])
    assert {key: found[key] for key in settings} == settings
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    sqs = cloud.client("sqs")
    url = harness.make_queue(sqs, name)
    rule = events.put_rule(Name=name, EventBusName=name, EventPattern=PATTERN, RoleArn=role)["RuleArn"]
    assert events.describe_rule(Name=name, EventBusName=name)["RoleArn"] == role
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": harness.send_policy(name, "events", rule)})
    target = {"Id": "q", "Arn": queue_arn(name), "RoleArn": role, "RetryPolicy": {"MaximumRetryAttempts": 0}}
    events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    assert events.list_targets_by_rule(Rule=name, EventBusName=name)["Targets"] == [target]
    events.put_events(Entries=[{"Source": "x", "DetailType": "t", "Detail": "{}", "EventBusName": name}])
    harness.receive(sqs, url)
    assert harness.error_code(events.delete_rule, Name=name, EventBusName=name, Force=True) == ("ValidationException", 400)
    events.remove_targets(Rule=name, EventBusName=name, Ids=["q"], Force=True)
    events.delete_rule(Name=name, EventBusName=name, Force=True)
    sts = cloud.client("sts")
    with_id = sts.assume_role(RoleArn=role, RoleSessionName="session", ExternalId="any")
    assert with_id["AssumedRoleUser"]["Arn"] == sts.assume_role(RoleArn=role, RoleSessionName="session")["AssumedRoleUser"]["Arn"]
