"""Signature Version 2 of S3, with which boto3 and the AWS CLI presign by default."""
import base64
import hashlib
import hmac
import subprocess
import time
import urllib.parse

import boto3
import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

import harness
from harness import ACCESS_KEY, REGION, SECRET_KEY, fetch, http


NO_TYPE = {"Content-Type": ""}  # it is signed, and urllib would add one


def client_of(endpoint, access_key=ACCESS_KEY, secret_key=SECRET_KEY, token=None, **config):
    """As boto3 makes it by default."""
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
                        aws_session_token=token, config=Config(**config) if config else None)


@pytest.fixture(scope="module")
def presigner(cloud):
    return client_of(cloud.endpoint)


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def test_boto3_presigns_with_it_by_default(cloud, s3, presigner, bucket):
    url = presigner.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "dir/a b+c é"})
    assert {"AWSAccessKeyId", "Signature", "Expires"} == set(query_of(url))
    assert http(url, "PUT", b"body", **NO_TYPE)[0] == 200
    assert fetch(s3, bucket, "dir/a b+c é") == b"body"
    status, headers, body = http(presigner.generate_presigned_url("get_object", {
        "Bucket": bucket, "Key": "dir/a b+c é", "ResponseContentType": "text/x y", "ResponseCacheControl": "no-cache"}))
    assert (status, body, headers["Content-Type"], headers["Cache-Control"]) == (200, b"body", "text/x y", "no-cache")
    assert http(presigner.generate_presigned_url("delete_object", {"Bucket": bucket, "Key": "dir/a b+c é"}), "DELETE")[0] == 204


def test_the_aws_cli_presigns(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"from the CLI")
    done = subprocess.run([harness.AWS_CLI, "--endpoint-url", cloud.endpoint, "s3", "presign", f"s3://{bucket}/k"],
                          env=harness.aws_environment(cloud.endpoint), capture_output=True, text=True, check=True)
    assert "Signature=" in done.stdout
    assert http(done.stdout.strip())[2] == b"from the CLI"


@pytest.mark.parametrize("target, method", [("/k?tagging", "GET"), ("?list-type=2&prefix=k", "GET"), ("?location", "GET"), ("?uploads", "GET"),
                                            ("/k?acl", "GET"), ("/k", "HEAD"), ("/k?acl&versionId=null", "GET")])
def test_sub_resources_are_signed(cloud, s3, bucket, target, method):
    """botocore's own calls sign a wrong path for these, which S3 refuses, too; its signer is right."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    request = AWSRequest(method, f"{cloud.endpoint}/{bucket}{target}")
    HmacV1QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), expires=60).add_auth(request)
    status, _, body = http(request.url, method)
    assert status == 200, body


def test_headers_that_were_presigned_count(s3, presigner, bucket):
    """botocore moves them to the query."""
    url = presigner.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k", "ContentType": "image/x", "Metadata": {"a": "b c"},
                                                          "Tagging": "x=y"})
    assert http(url, "PUT", b"body", **{"Content-Type": "image/x"})[0] == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentType"], head["Metadata"]) == ("image/x", {"a": "b c"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "x", "Value": "y"}]


def test_a_part_by_a_presigned_url(s3, presigner, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    url = presigner.generate_presigned_url("upload_part", {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1})
    status, headers, _ = http(url, "PUT", b"part", **NO_TYPE)
    assert status == 200
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": headers["ETag"]}]})
    assert fetch(s3, bucket, "k") == b"part"


def test_a_bucket_in_the_host_name_is_signed(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"by host")
    port = cloud.endpoint.rpartition(":")[2]
    client = client_of(f"http://s3.localhost:{port}", signature_version="s3", s3={"addressing_style": "virtual"})
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert f"//{bucket}.s3.localhost" in url
    bare = url.replace(f"{bucket}.s3.localhost", "127.0.0.1")
    assert http(bare, Host=f"{bucket}.s3.localhost:{port}")[2] == b"by host"


def test_with_a_session(cloud, s3, bucket):
    session = cloud.client("sts").get_session_token()["Credentials"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    client = client_of(cloud.endpoint, session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert "x-amz-security-token" in query_of(url) and http(url)[2] == b"kept"
    assert http(url.replace("x-amz-security-token=", "x-amz-security-token=x"))[0] >= 400


@pytest.mark.parametrize("change", [("Signature=", "Signature=A"), ("/k?", "/l?"), ("Expires=1", "Expires=9"), ("GET", "DELETE"),
                                    ("&Signature", "&versionId=null&Signature"), ("&Signature", "&acl&Signature"),
                                    ("&Signature", "&response-expires=x&Signature"), ("&Signature", "&x-amz-acl=private&Signature"),
                                    ("AWSAccessKeyId=thumb", "AWSAccessKeyId=dumb"), ("&Expires=", "&Expires=x"), ("Signature=", "Sig=")],
                         ids=lambda change: change[1])
def test_nothing_that_is_signed_can_be_changed(s3, presigner, bucket, change):
    for key in ("k", "l"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"kept")
    url = presigner.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    method = "DELETE" if change == ("GET", "DELETE") else "GET"
    assert change[0] in url or method == "DELETE"
    status, _, body = http(url.replace(*change, 1) if method == "GET" else url, method)
    assert status in (400, 403) and b"kept" not in body, (status, body)
    assert fetch(s3, bucket, "k") == b"kept"


def test_it_expires(s3, bucket, cloud):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    expires = int(time.time()) - 1
    text = f"GET\n\n\n{expires}\n/{bucket}/k"
    signature = base64.b64encode(hmac.new(SECRET_KEY.encode(), text.encode(), hashlib.sha1).digest()).decode()
    query = urllib.parse.urlencode({"AWSAccessKeyId": ACCESS_KEY, "Expires": expires, "Signature": signature})
    status, _, body = http(f"{cloud.endpoint}/{bucket}/k?{query}")
    assert status == 403 and b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body


# The form of "Browser-Based Uploads Using HTTP POST (AWS Signature Version 2)", S3 API Reference.
def form_upload(url, fields, data):
    boundary = "a-boundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    body = "".join(parts).encode() + f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode() + data
    return http(url, "POST", body + f"\r\n--{boundary}--\r\n".encode(), **{"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_a_form(cloud, s3, bucket):
    client = client_of(cloud.endpoint, signature_version="s3")
    form = client.generate_presigned_post(bucket, "form", Conditions=[["content-length-range", 0, 10]])
    assert set(form["fields"]) == {"key", "AWSAccessKeyId", "policy", "signature"}
    assert form_upload(form["url"], form["fields"], b"0123456789")[0] == 204
    assert fetch(s3, bucket, "form") == b"0123456789"
    assert form_upload(form["url"], form["fields"], b"0123456789a")[0] == 400
    assert form_upload(form["url"], dict(form["fields"], signature="A" + form["fields"]["signature"][1:-2] + "z="), b"x")[0] == 403
    assert form_upload(form["url"], dict(form["fields"], AWSAccessKeyId="other"), b"x")[0] == 403


def test_it_can_be_refused(start_cloud):
    cloud = start_cloud("--cloud-only", "--no-sigv2", photos=())
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="k", Body=b"kept")
    client = client_of(cloud.endpoint)
    assert http(client.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "k"}))[0] == 403
    form = client_of(cloud.endpoint, signature_version="s3").generate_presigned_post("photos", "form")
    assert form_upload(form["url"], form["fields"], b"x")[0] == 403
    assert http(s3.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "k"}))[2] == b"kept"


# ---- two facts of Version 4 ----

def test_the_hash_of_a_presigned_body_need_not_be_signed(s3, bucket):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    assert http(url, "PUT", b"body", **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})[0] == 200
