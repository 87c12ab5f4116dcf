"""What a new bucket is like, and the settings that change it: encryption, public access, ownership, ACLs, logging, acceleration, payment."""
import json

import pytest
from botocore import UNSIGNED

from harness import ACCOUNT, client, error_code, error_message, fetch

# "Default settings for new S3 buckets" and "Blocking public access to your Amazon S3 storage", S3 User Guide
ALL_BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
NOTHING_BLOCKED = dict.fromkeys(ALL_BLOCKED, False)


@pytest.fixture(scope="module")
def anybody(cloud):
    return client(cloud.endpoint, "s3", signature_version=UNSIGNED)


def allow_everybody(bucket, **condition):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", **condition}]})


def block(s3, bucket, **changes):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**NOTHING_BLOCKED, **changes})


# ---- public access ----

def test_a_new_bucket_blocks_public_access(s3, anybody, bucket):
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == ALL_BLOCKED
    assert error_code(s3.put_bucket_policy, Bucket=bucket, Policy=allow_everybody(bucket)) == ("AccessDenied", 403)
    assert error_code(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    s3.delete_public_access_block(Bucket=bucket)
    assert error_code(s3.get_public_access_block, Bucket=bucket) == ("NoSuchPublicAccessBlockConfiguration", 404)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket=bucket, Policy=allow_everybody(bucket))
    assert fetch(anybody, bucket, "k") == b"x"


def test_a_public_bucket_can_be_restricted_to_its_account(s3, anybody, bucket):
    block(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket=bucket, Policy=allow_everybody(bucket))
    block(s3, bucket, RestrictPublicBuckets=True)
    assert error_code(anybody.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    assert fetch(s3, bucket, "k") == b"x"
    block(s3, bucket, BlockPublicPolicy=True)
    assert fetch(anybody, bucket, "k") == b"x", "a policy that was there before stays in force"


# "The meaning of public", S3 User Guide
@pytest.mark.parametrize("condition, public", [
    ({}, True),
    ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
    ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/1"]}}, True),
    ({"IpAddress": {"aws:SourceIp": "2001:db8::/33"}}, False),
    ({"IpAddress": {"aws:SourceIp": "2000::/3"}}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:topic"}}, False),
    ({"ArnLike": {"aws:SourceArn": "*"}}, True),
    ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, False),
    ({"StringLike": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}, True),
    ({"StringEquals": {"aws:UserAgent": "secret"}}, True),
])
def test_which_policies_are_public(s3, bucket, condition, public):
    text = allow_everybody(bucket, Condition=condition) if condition else allow_everybody(bucket)
    if public:
        assert error_code(s3.put_bucket_policy, Bucket=bucket, Policy=text) == ("AccessDenied", 403)
        s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is public


def test_members_that_are_not_given_block_nothing(s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {**NOTHING_BLOCKED, "BlockPublicAcls": True}
    # moto, put_public_access_block: "Must specify at least one configuration."
    assert error_message(s3.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration={}).startswith("Must specify")


# ---- encryption ----

def default_of(s3, bucket):
    return s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]


def set_default(s3, bucket, **rule):
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


# localstack, tests/aws/services/s3/test_s3.py: test_s3_default_bucket_encryption
AES256 = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_the_default_encryption_is_that_of_s3(s3, bucket):
    assert default_of(s3, bucket) == AES256
    set_default(s3, bucket, ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}, BucketKeyEnabled=True)
    assert default_of(s3, bucket)[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    for _ in range(2):  # "resets the default encryption for the bucket as SSE-S3" (DeleteBucketEncryption)
        assert s3.delete_bucket_encryption(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert default_of(s3, bucket) == AES256


def test_objects_are_encrypted_as_their_bucket_says(s3, bucket):
    set_default(s3, bucket, ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}, BucketKeyEnabled=True)
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    copy = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    of = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"]}
    part = s3.upload_part(PartNumber=1, Body=b"x", **of)
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **of)
    read = [call(Bucket=bucket, Key=key) for call in (s3.head_object, s3.get_object) for key in ("k", "copy", "parts")]
    for response in (put, copy, upload, part, done, *read):
        assert (response["ServerSideEncryption"], response["SSEKMSKeyId"], response["BucketKeyEnabled"]) == ("aws:kms", KEY, True)
    assert s3.put_object(Bucket=bucket, Key="own", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    own = s3.head_object(Bucket=bucket, Key="own")
    assert own["ServerSideEncryption"] == "AES256" and not {"SSEKMSKeyId", "BucketKeyEnabled"} & own.keys()
    s3.put_object(Bucket=bucket, Key="off", Body=b"x", ServerSideEncryption="aws:kms", BucketKeyEnabled=False)
    off = s3.head_object(Bucket=bucket, Key="off")
    assert off["SSEKMSKeyId"].endswith(":alias/aws/s3") and "BucketKeyEnabled" not in off


def test_every_response_about_an_object_names_its_encryption(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    copy = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    of = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"]}
    part = s3.upload_part_copy(PartNumber=1, CopySource=f"{bucket}/k", **of)
    done = s3.complete_multipart_upload(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]}, **of)
    for response in (put, copy, upload, part, done, s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="parts"),
                     s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-0")):
        assert response["ServerSideEncryption"] == "AES256"


# localstack, tests/aws/services/s3/test_s3.py: test_s3_default_bucket_encryption_exc
@pytest.mark.parametrize("rules, code", [
    ([], "MalformedXML"), (AES256 * 2, "MalformedXML"), ([{"BucketKeyEnabled": True}], "MalformedXML"),
    ([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}], "MalformedXML"),
    ([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": KEY}}], "InvalidArgument"),
    ([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "a\nx-amz-meta-b: c"}}], "InvalidArgument")])
def test_an_invalid_encryption_is_refused(s3, bucket, rules, code):
    assert error_code(s3.put_bucket_encryption, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}) == (code, 400)
    assert default_of(s3, bucket) == AES256


# ---- ownership and ACLs ----

def own(s3, bucket, ownership):
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})


def test_ownership_controls(s3, bucket):
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    own(s3, bucket, "BucketOwnerPreferred")
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert error_code(s3.get_bucket_ownership_controls, Bucket=bucket) == ("OwnershipControlsNotFoundError", 404)
    assert error_code(s3.put_bucket_ownership_controls, Bucket=bucket,
                      OwnershipControls={"Rules": [{"ObjectOwnership": "Nobody"}]}) == ("MalformedXML", 400)


NOT_SUPPORTED = ("AccessControlListNotSupported", 400)
OWNERS = {"Owner": {"ID": ACCOUNT}, "Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": ACCOUNT}, "Permission": "FULL_CONTROL"}]}
EVERYBODYS = {"Owner": {"ID": ACCOUNT}, "Grants": [
    {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]}


# "Requests to set ACLs or update ACLs fail", "only accept PUT requests that don't specify an ACL or PUT requests that specify bucket owner
# full control ACLs, such as the bucket-owner-full-control canned ACL or an equivalent form of this ACL expressed in the XML format":
# PutBucketAcl and PutObject in the S3 API Reference
def test_a_bucket_without_acls_accepts_only_those_of_its_owner(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=OWNERS)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")  # of the bucket's owner: rclone/rclone issue 6413
    for acl in "private", "bucket-owner-full-control", "public-read":
        assert error_code(s3.put_bucket_acl, Bucket=bucket, ACL=acl) == NOT_SUPPORTED
    for acl in "bucket-owner-read", "public-read":
        assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ACL=acl) == NOT_SUPPORTED
        assert error_code(s3.put_object_acl, Bucket=bucket, Key="k", ACL=acl) == NOT_SUPPORTED
        assert error_code(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", ACL=acl) == NOT_SUPPORTED
        assert error_code(s3.create_multipart_upload, Bucket=bucket, Key="parts", ACL=acl) == NOT_SUPPORTED
    assert error_code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=OWNERS) == NOT_SUPPORTED
    assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"y", GrantRead=f"id={ACCOUNT}") == NOT_SUPPORTED
    assert fetch(s3, bucket, "k") == b"x"
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"]["ID"] == ACCOUNT and acl["Grants"] == OWNERS["Grants"]
    assert error_code(s3.get_object_acl, Bucket=bucket, Key="absent") == ("NoSuchKey", 404)
    assert error_code(s3.put_object_acl, Bucket=bucket, Key="absent", ACL="bucket-owner-full-control") == ("NoSuchKey", 404)


def test_a_bucket_with_acls_keeps_them_private(s3, bucket):
    own(s3, bucket, "ObjectWriter")
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=OWNERS)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-read")
    assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ACL="public-read") == ("AccessDenied", 403)
    assert error_code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=EVERYBODYS) == ("AccessDenied", 403)
    block(s3, bucket)
    assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ACL="public-read") == ("NotImplemented", 501)
    assert error_code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=EVERYBODYS) == ("NotImplemented", 501)
    assert error_code(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ACL="colourful") == ("InvalidArgument", 400)
    assert fetch(s3, bucket, "k") == b"x"


# localstack, tests/aws/services/s3/test_s3.py: test_s3_bucket_acl_exceptions; error code of the "Error responses" in the S3 API Reference
def test_a_new_bucket_has_no_acl(s3, name):
    assert error_code(s3.create_bucket, Bucket=name, ACL="public-read") == ("InvalidBucketAclWithObjectOwnership", 400)
    s3.create_bucket(Bucket=name, ACL="private")
    assert error_code(s3.put_bucket_acl, Bucket=name) == ("MissingSecurityHeader", 400)


# ---- logging, acceleration, payment ----

def test_logging_is_kept(s3, bucket):
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    logging = {"TargetBucket": bucket, "TargetPrefix": "logs/"}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": logging})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == logging
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    # localstack, tests/aws/services/s3/test_s3_api.py: test_put_bucket_logging_wrong_target
    assert error_code(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": "no-such-bucket", "TargetPrefix": ""}}) == ("InvalidTargetBucketForLogging", 400)


def test_acceleration_is_kept(s3, bucket, name):
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    for status in "Enabled", "Suspended":
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": status})
        assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == status
    assert error_code(s3.put_bucket_accelerate_configuration, Bucket=bucket,
                      AccelerateConfiguration={"Status": "Perhaps"}) == ("MalformedXML", 400)
    s3.create_bucket(Bucket="a.b-" + name)
    assert error_code(s3.put_bucket_accelerate_configuration, Bucket="a.b-" + name,
                      AccelerateConfiguration={"Status": "Enabled"}) == ("InvalidRequest", 400)


# "Requester Pays buckets do not support anonymous requests": "Using Requester Pays buckets", S3 User Guide
def test_a_bucket_whose_requester_pays_is_closed_to_strangers(s3, anybody, bucket):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket=bucket, Policy=allow_everybody(bucket))
    assert fetch(anybody, bucket, "k") == b"x"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert error_code(anybody.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    assert fetch(s3, bucket, "k") == b"x"
    assert error_code(s3.put_bucket_request_payment, Bucket=bucket,
                      RequestPaymentConfiguration={"Payer": "Nobody"}) == ("MalformedXML", 400)


def test_the_settings_survive_a_restart(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    set_default(s3, name, ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY})
    own(s3, name, "BucketOwnerPreferred")
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": "a<b"}})
    s3.put_bucket_accelerate_configuration(Bucket=name, AccelerateConfiguration={"Status": "Enabled"})
    s3.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "Requester"})

    def settings(s3):
        responses = [call(Bucket=name) for call in (
            s3.get_bucket_encryption, s3.get_bucket_ownership_controls, s3.get_bucket_logging, s3.get_bucket_request_payment,
            s3.get_bucket_accelerate_configuration, s3.get_public_access_block)]
        return [{key: value for key, value in response.items() if key != "ResponseMetadata"} for response in responses]
    before = settings(s3)
    cloud.kill()
    assert settings(start_cloud("--pipelines", idle_pipelines).client("s3")) == before
