"""Resources of several regions in one embedded cloud: the region of a request is the one that its signature names."""
import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY, allow_public_policies, aws, error_code, error_message, fetch

AWAY = "eu-west-1"


def client(cloud, service, region=AWAY, **config):
    return harness.client(cloud.endpoint, service, region_name=region, **config)


@pytest.fixture(scope="module")
def away(cloud):
    return client(cloud, "s3")


@pytest.fixture
def away_bucket(away, name):
    away.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY})
    return name


def send(cloud, method, target, region=REGION, host=None, presign=False):
    """One signed request that follows no redirect: (status, headers, body)"""
    request = AWSRequest(method, cloud.endpoint + target, headers={"Host": host or urllib.parse.urlsplit(cloud.endpoint).netloc})
    keys = Credentials(ACCESS_KEY, SECRET_KEY)
    (S3SigV4QueryAuth(keys, "s3", region) if presign else S3SigV4Auth(keys, "s3", region)).add_auth(request)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    bare = urllib.request.Request(request.url, method=method, headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay).open(bare, timeout=60) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


# ---- S3: where a bucket is ----

def test_a_bucket_is_in_the_region_that_its_creator_names(s3, away, away_bucket, bucket_at_home):
    assert away.get_bucket_location(Bucket=away_bucket)["LocationConstraint"] == AWAY
    assert s3.get_bucket_location(Bucket=away_bucket)["LocationConstraint"] == AWAY, "the global endpoint tells every location"
    assert s3.get_bucket_location(Bucket=bucket_at_home)["LocationConstraint"] is None
    head = away.head_bucket(Bucket=away_bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert head["x-amz-bucket-region"] == AWAY


@pytest.fixture
def bucket_at_home(s3, name):
    s3.create_bucket(Bucket="home-" + name)
    return "home-" + name


# localstack, tests/aws/services/s3/test_s3.py: test_create_bucket_via_host_name, test_location_path_url and the exceptions that its
# provider raises in CreateBucket
def test_which_region_may_be_named(cloud, s3, away, name):
    def create(s3, constraint=None, suffix=""):
        more = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
        return s3.create_bucket(Bucket=name + suffix, **more)
    assert error_code(create, away) == ("IllegalLocationConstraintException", 400)
    assert error_message(create, away).startswith("The unspecified location constraint is incompatible for the region specific endpoint")
    assert error_code(create, away, "ap-south-1") == ("IllegalLocationConstraintException", 400)
    assert error_message(create, away, "ap-south-1").startswith("The ap-south-1 location constraint is incompatible")
    for constraint in REGION, "atlantis-1":
        assert error_code(create, s3, constraint) == ("InvalidLocationConstraint", 400)
    assert create(s3)["Location"] == f"/{name}"
    assert create(s3, AWAY, "-a")["Location"] == f"http://{name}-a.s3.amazonaws.com/"
    create(away, "EU", "-b")
    assert away.get_bucket_location(Bucket=name + "-a")["LocationConstraint"] == AWAY
    assert away.get_bucket_location(Bucket=name + "-b")["LocationConstraint"] == AWAY


# "In us-east-1, if you re-create an existing bucket that you already own, Amazon S3 returns 200 OK": BucketAlreadyOwnedByYou in the
# "Error responses" of the S3 API Reference
def test_names_are_global(s3, away, away_bucket, bucket_at_home):
    again = {"Bucket": away_bucket, "CreateBucketConfiguration": {"LocationConstraint": AWAY}}
    assert error_code(away.create_bucket, **again) == ("BucketAlreadyOwnedByYou", 409)
    assert error_code(s3.create_bucket, Bucket=away_bucket) == ("BucketAlreadyOwnedByYou", 409)
    assert s3.create_bucket(Bucket=bucket_at_home)["Location"] == f"/{bucket_at_home}"


def test_all_buckets_are_listed_everywhere(cloud, s3, away, away_bucket, bucket_at_home):
    for lister in s3, away:
        assert {away_bucket, bucket_at_home} <= {item["Name"] for item in lister.list_buckets()["Buckets"]}
    status, _, body = send(cloud, "GET", f"/?bucket-region={AWAY}&prefix=")
    assert status == 200 and f"<Name>{away_bucket}</Name>" in body and f"<BucketRegion>{AWAY}</BucketRegion>" in body
    assert bucket_at_home not in body


# ---- S3: requests to the wrong region ----

def test_a_path_is_redirected_to_the_region_of_the_bucket(cloud, away_bucket):
    """"PermanentRedirect" in the "Error responses" of the S3 API Reference."""
    for target in f"/{away_bucket}", f"/{away_bucket}/k", f"/{away_bucket}?versioning":
        status, headers, body = send(cloud, "GET", target)
        assert (status, headers["x-amz-bucket-region"]) == (301, AWAY) and "Location" not in headers
        assert "<Code>PermanentRedirect</Code>" in body and f"<Endpoint>{away_bucket}.s3.{AWAY}.amazonaws.com</Endpoint>" in body
        assert f"<Bucket>{away_bucket}</Bucket>" in body
    status, headers, body = send(cloud, "HEAD", f"/{away_bucket}")
    assert (status, headers["x-amz-bucket-region"], body) == (301, AWAY, "")
    assert send(cloud, "GET", f"/{away_bucket}", AWAY)[0] == 200


def test_a_host_with_the_bucket_refuses_the_wrong_region(cloud, away_bucket):
    """The name leads to the right region, whose answer names it: boto/botocore, S3RegionRedirectorv2."""
    host = f"{away_bucket}.localhost:{urllib.parse.urlsplit(cloud.endpoint).port}"
    status, headers, body = send(cloud, "GET", "/", host=host)
    assert (status, headers["x-amz-bucket-region"]) == (400, AWAY)
    assert "<Code>AuthorizationHeaderMalformed</Code>" in body and f"<Region>{AWAY}</Region>" in body
    assert f"the region '{REGION}' is wrong; expecting '{AWAY}'" in body
    status, _, body = send(cloud, "GET", "/k", host=host, presign=True)
    assert status == 400 and "<Code>AuthorizationQueryParametersError</Code>" in body and f"<Region>{AWAY}</Region>" in body
    assert send(cloud, "GET", "/", AWAY, host=host)[0] == 200


def test_nothing_is_done_in_the_wrong_region(cloud, away, away_bucket):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"kept")
    for method, target in (("PUT", f"/{away_bucket}/k"), ("DELETE", f"/{away_bucket}/k"), ("DELETE", f"/{away_bucket}"),
                           ("PUT", f"/{away_bucket}/k?tagging"), ("POST", f"/{away_bucket}/k?uploads")):
        assert send(cloud, method, target)[0] == 301
    assert fetch(away, away_bucket, "k") == b"kept"


def test_boto3_follows_to_the_region_of_the_bucket(s3, away_bucket):
    s3.put_object(Bucket=away_bucket, Key="k", Body=b"x" * 100_000)
    assert fetch(s3, away_bucket, "k") == b"x" * 100_000
    assert s3.head_object(Bucket=away_bucket, Key="k")["ContentLength"] == 100_000
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=away_bucket)["Contents"]] == ["k"]


def test_the_aws_cli_follows_to_the_region_of_the_bucket(cloud, away_bucket, tmp_path):
    (tmp_path / "photo.txt").write_bytes(b"hello")
    aws(cloud.endpoint, "s3", "cp", tmp_path / "photo.txt", f"s3://{away_bucket}/photo.txt")
    assert "photo.txt" in aws(cloud.endpoint, "s3", "ls", f"s3://{away_bucket}", check=False).stdout


def test_a_request_without_a_region_is_right_everywhere(cloud, away, away_bucket):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    allow_public_policies(away, away_bucket)
    away.put_bucket_policy(Bucket=away_bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{away_bucket}/*"}]}))
    assert fetch(harness.client(cloud.endpoint, "s3", signature_version=UNSIGNED), away_bucket, "k") == b"x"
    url = harness.client(cloud.endpoint, "s3", signature_version="s3").generate_presigned_url(
        "get_object", Params={"Bucket": away_bucket, "Key": "k"})
    assert urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60).read() == b"x"


def test_objects_are_copied_between_regions(s3, away, away_bucket, bucket_at_home):
    away.put_object(Bucket=away_bucket, Key="k", Body=b"x")
    s3.copy_object(Bucket=bucket_at_home, Key="k", CopySource=f"{away_bucket}/k")
    assert fetch(s3, bucket_at_home, "k") == b"x"


def test_a_key_of_kms_is_in_the_region_of_the_bucket(away, away_bucket):
    put = away.put_object(Bucket=away_bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    assert put["SSEKMSKeyId"] == f"arn:aws:kms:{AWAY}:{ACCOUNT}:alias/aws/s3"


def test_buckets_keep_their_region(start_cloud, idle_pipelines, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    client(cloud, "s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY})
    cloud.kill()
    cloud = start_cloud("--pipelines", idle_pipelines)
    assert send(cloud, "HEAD", f"/{name}")[0] == 301 and send(cloud, "HEAD", f"/{name}", AWAY)[0] == 200


# ---- data directories ----

def older_buckets(database):
    """Undoes what the regions added to it."""
    database.execute("DELETE FROM bucket_settings WHERE kind = 'location'")


def test_what_was_made_before_there_were_regions_is_in_the_cloud_s_own(start_cloud, idle_pipelines, tmp_path, name):
    cloud = start_cloud("--pipelines", idle_pipelines)
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.stop()
    with sqlite3.connect(tmp_path / "data/cloud.sqlite3") as database:
        older_buckets(database)
    for _ in range(2):
        cloud = start_cloud("--pipelines", idle_pipelines)
        assert send(cloud, "HEAD", f"/{name}")[0] == 200 and send(cloud, "HEAD", f"/{name}", AWAY)[0] == 301
        cloud.stop()
