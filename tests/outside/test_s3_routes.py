"""No request falls through to another operation than the one that it names: whatever the embedded cloud does not know is refused,
and changes nothing."""
import json
import random
import shutil
import subprocess
import urllib.parse

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import harness
from harness import REGION, ROOT, error_code, http

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
FOLDER = ROOT / "tests/js"
ACCOUNT = "000000000000"


def send(cloud, method, target, body=b"", presign=False, **headers):
    """A signed request, whatever it asks for."""
    url = f"{cloud.endpoint}{target}"
    signed_body = None if presign else body or None  # a presigned request does not sign its body
    request = AWSRequest(method, url, data=signed_body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    keys = Credentials(harness.ACCESS_KEY, harness.SECRET_KEY)
    (S3SigV4QueryAuth(keys, "s3", REGION, expires=300) if presign else S3SigV4Auth(keys, "s3", REGION)).add_auth(request)
    return http(request.url, method, body, **dict(request.headers.items()))


def everything(s3):
    """What a request could have changed."""
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if bucket["Name"] != "photos"]  # of the warm-up
    return {name: ([(entry["Key"], entry["ETag"]) for entry in s3.list_objects_v2(Bucket=name).get("Contents", [])],
                   s3.get_bucket_versioning(Bucket=name).get("Status"), len(s3.list_multipart_uploads(Bucket=name).get("Uploads", [])))
            for name in buckets}


@pytest.fixture(scope="module")
def model():
    """The newest operations: name, method, bucket or object, sub-resource."""
    if not (FOLDER / "node_modules/@aws-sdk/client-s3").is_dir() or not shutil.which("node"):
        pytest.skip("needs the JavaScript SDK (./dev test installs it)")
    done = subprocess.run(["node", FOLDER / "s3_operations.mjs"], cwd=FOLDER, capture_output=True, text=True, check=True, timeout=120)
    rows = []
    for row in json.loads(done.stdout):
        path, _, query = row["path"].partition("?")
        names = [name for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True) if name != "x-id"]
        if path in ("/", "/{Key+}"):
            rows.append((row["name"], row["method"], "object" if "Key" in path else "bucket", names[0] if names else None))
    assert len(rows) > 100
    return rows


@pytest.fixture
def filled(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    return bucket


def targets(bucket):
    return {"service": "/", "bucket": f"/{bucket}", "object": f"/{bucket}/k", "new bucket": f"/{bucket}-new", "new object": f"/{bucket}/new"}


def test_every_sub_resource_with_every_method_does_what_it_says_or_nothing(cloud, s3, filled, model):
    """A sub-resource of the newest model at a target or with a method where the model does not have it."""
    known = {(method, depth, resource) for _, method, depth, resource in model}
    # a GET of an operation that is only a POST or DELETE must not list, and the like
    resources = sorted({resource for _, _, _, resource in model if resource})
    before, wrong = everything(s3), []
    for resource in resources:
        for kind, target in targets(filled).items():
            for method in METHODS:
                if (method, kind.removeprefix("new "), resource) in known or (method == "HEAD" and kind == "service"):
                    continue
                status, _, body = send(cloud, method, f"{target}?{resource}")
                if status not in (501, 405) and not (status == 404 and b"NoSuchBucket" in body) and not (method == "HEAD" and status in (404,)):
                    wrong.append((method, target, resource, status))
    assert wrong == []
    assert everything(s3) == before


def test_operations_that_are_not_supported_are_refused_by_name(cloud, s3, filled, model):
    supported = supported_operations()
    before, wrong = everything(s3), []
    for name, method, depth, resource in model:
        if name in supported or not resource:
            continue
        status, _, body = send(cloud, method, f"{targets(filled)[depth]}?{resource}")
        if status != 501 or b"NotImplemented" not in body:
            wrong.append((name, status, body))
    assert wrong == []
    assert everything(s3) == before


def supported_operations():
    """docs/operations.md, which a test compares with the program."""
    text = (ROOT / "docs/operations.md").read_text()
    section = text.split("### S3\n")[1].split("\n###")[0].split("<!-- end")[0]
    return {cell.strip() for line in section.splitlines() if line.startswith("|") for cell in line.split("|") if cell.strip(" -")}


def test_a_query_parameter_that_an_operation_does_not_have_is_refused(cloud, s3, filled):
    """Random names, at each depth and with each method; nothing is created, changed, deleted or listed."""
    choice = random.Random(20)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    names = ["".join(choice.choice(letters) for _ in range(choice.randint(1, 24))) for _ in range(40)]
    names += ["Encryption", "ACL", "versionid", "x-amz-acl", "response-content-typo", "policy ", "delete[]", "policy/"]
    before, wrong = everything(s3), []
    for name in names:
        for kind, target in targets(filled).items():
            for method in METHODS:
                if kind == "service" and method != "GET":
                    continue
                query = name if choice.random() < 0.5 else f"{name}=1"
                status, _, body = send(cloud, method, f"{target}?{urllib.parse.quote(query, safe='=')}")
                if status != 501 and not (status in (400, 404, 405) and method in ("HEAD", "POST")) and b"NoSuchBucket" not in body:
                    wrong.append((method, target, query, status, body[:200]))
    assert wrong == []
    assert everything(s3) == before


@pytest.mark.parametrize("method, target", [("PUT", "/{}/k?encryption"), ("DELETE", "/{}?metadataConfiguration"), ("PUT", "/{}-x?abac"),
                                            ("GET", "/{}?nonsense"), ("DELETE", "/{}/k?nonsense")])
def test_the_refusal_names_the_parameter_or_the_operation(cloud, s3, filled, method, target):
    before = everything(s3)
    status, _, body = send(cloud, method, target.format(filled))
    assert status == 501 and b"<Code>NotImplemented</Code>" in body
    assert target.split("?")[1].encode() in body or b"Bucket" in body
    assert everything(s3) == before


@pytest.mark.parametrize("method, path", [("GET", "/v20180820/configuration/publicAccessBlock"), ("PUT", "/v20180820/jobs"), ("PUT", "/v20180820"),
                                          ("POST", "/v20180820/accesspoint/a")])
def test_s3_control_is_not_a_bucket(cloud, s3, method, path):
    before = everything(s3)
    status, _, body = send(cloud, method, path, b"x" if method != "GET" else b"", x_amz_account_id=ACCOUNT)
    assert status == 501 and b"S3 Control" in body
    assert everything(s3) == before


# ---- headers in the query of presigned requests ----

def test_headers_in_a_presigned_query_count_as_headers(cloud, s3, bucket):
    """As the AWS SDK for JavaScript v3 puts them there."""
    query = "x-amz-meta-Camera=box&x-amz-tagging=a%3Db&x-amz-storage-class=STANDARD_IA&x-amz-acl=bucket-owner-full-control&x-id=PutObject"
    status, _, body = send(cloud, "PUT", f"/{bucket}/q?{query}", b"body", presign=True)
    assert status == 200, body
    head = s3.head_object(Bucket=bucket, Key="q")
    assert head["Metadata"] == {"camera": "box"} and head["StorageClass"] == "STANDARD_IA"
    assert s3.get_object_tagging(Bucket=bucket, Key="q")["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("query", ["If-None-Match=%2A", "if-match=%22ffffffffffffffffffffffffffffffff%22"])
def test_conditions_in_a_presigned_query_hold(cloud, s3, filled, query):
    status, _, body = send(cloud, "PUT", f"/{filled}/k?{query}", b"new", presign=True)
    assert status == 412, body
    assert s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"kept"


def test_checksums_in_a_presigned_query_are_ignored(cloud, s3, bucket):
    """The AWS SDK for JavaScript v3 presigns the checksum of an empty body."""
    query = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject"
    status, _, body = send(cloud, "PUT", f"/{bucket}/q?{query}", b"body", presign=True)
    assert status == 200, body
    assert s3.get_object(Bucket=bucket, Key="q")["Body"].read() == b"body"


def test_headers_in_the_query_of_other_requests_are_refused(cloud, s3, filled):
    """Only a presigned request can have them; a signature in the header says nothing about them to S3."""
    status, _, body = send(cloud, "PUT", f"/{filled}/k?x-amz-acl=private", b"new")
    assert status == 501, body
    assert s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"kept"


# ---- conditions ----

def test_a_conditional_delete(s3, filled):
    etag = s3.head_object(Bucket=filled, Key="k")["ETag"]

    def delete(key, etag):
        def add(params, **_):
            params["headers"]["If-Match"] = etag
        s3.meta.events.register("before-call.s3.DeleteObject", add)
        try:
            s3.delete_object(Bucket=filled, Key=key)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        finally:
            s3.meta.events.unregister("before-call.s3.DeleteObject", add)

    assert delete("k", '"0123456789abcdef0123456789abcdef"') == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"kept"
    assert delete("absent", "*") == ("NoSuchKey", 404)
    assert delete("k", etag) is None
    assert error_code(s3.head_object, Bucket=filled, Key="k") == ("404", 404)


def test_conditions_of_delete_objects(cloud, s3, filled):
    s3.put_object(Bucket=filled, Key="two", Body=b"12345")
    head = s3.head_object(Bucket=filled, Key="two")
    modified = head["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")

    def delete(*objects):
        body = "<Delete>" + "".join(f"<Object>{entry}</Object>" for entry in objects) + "</Delete>"
        status, _, response = send(cloud, "POST", f"/{filled}?delete", body.encode())
        assert status == 200, response
        return response.decode()
    wrong = ("<Key>two</Key><ETag>\"0\"</ETag>", "<Key>two</Key><Size>4</Size>",
             "<Key>two</Key><LastModifiedTime>Thu, 01 Jan 2015 00:00:00 GMT</LastModifiedTime>")
    for entry in wrong:
        assert "<Code>PreconditionFailed</Code>" in delete(entry)
    assert "<Code>NoSuchKey</Code>" in delete("<Key>absent</Key><ETag>*</ETag>")
    assert "<Code>NotImplemented</Code>" in delete("<Key>two</Key><ETag>*</ETag><VersionId>null</VersionId>")
    assert "<Code>InvalidArgument</Code>" in delete("<Key>two</Key><Size>five</Size>")
    assert s3.head_object(Bucket=filled, Key="two")["ETag"] == head["ETag"]
    response = delete(f"<Key>two</Key><ETag>{head['ETag']}</ETag><Size>5</Size><LastModifiedTime>{modified}</LastModifiedTime>",
                      "<Key>k</Key><Size>5</Size>")
    assert "<Deleted><Key>two</Key></Deleted>" in response and "<Key>k</Key><Code>PreconditionFailed</Code>" in response


@pytest.mark.parametrize("operation, extra", [("get_object", {"Key": "k"}), ("put_object", {"Key": "k", "Body": b"new"}),
                                              ("delete_object", {"Key": "k"}), ("list_objects_v2", {}), ("delete_bucket_tagging", {})])
def test_the_expected_owner_is_checked(s3, filled, operation, extra):
    call = getattr(s3, operation)
    assert error_code(call, Bucket=filled, ExpectedBucketOwner="111122223333", **extra) == ("AccessDenied", 403)
    assert error_code(call, Bucket=filled, ExpectedBucketOwner="me", **extra) == ("InvalidBucketOwnerAWSAccountID", 400)
    assert s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"kept"
    call(Bucket=filled, ExpectedBucketOwner=ACCOUNT, **extra)


def test_the_expected_owner_of_a_copy_source_is_checked(s3, filled):
    copy = {"Bucket": filled, "Key": "copy", "CopySource": f"{filled}/k"}
    assert error_code(s3.copy_object, ExpectedSourceBucketOwner="111122223333", **copy) == ("AccessDenied", 403)
    s3.copy_object(ExpectedSourceBucketOwner=ACCOUNT, **copy)


def test_a_bucket_of_others_is_missing_before_it_is_denied(s3, name):
    assert error_code(s3.get_object, Bucket=name, Key="k", ExpectedBucketOwner="111122223333") == ("NoSuchBucket", 404)


# ---- buckets ----

def test_list_buckets_in_pages(cloud, s3, name):
    wanted = [f"{name}-{letter}" for letter in "abcde"]
    for bucket in wanted:
        s3.create_bucket(Bucket=bucket)

    def page(**parameters):
        status, _, body = send(cloud, "GET", "/?" + urllib.parse.urlencode({key.replace("_", "-"): value for key, value in parameters.items()}))
        assert status == 200, body
        text = body.decode()
        names = [part.split("<")[0] for part in text.split("<Name>")[1:]]
        token = text.split("<ContinuationToken>")[1].split("<")[0] if "<ContinuationToken>" in text else None
        return names, token, text
    names, token, text = page(prefix=name, max_buckets=2)
    assert names == wanted[:2] and token and f"<Prefix>{name}</Prefix>" in text and text.count(f"<BucketRegion>{REGION}<") == 2
    more, token, _ = page(prefix=name, max_buckets=2, continuation_token=token)
    last, end, _ = page(prefix=name, max_buckets=2, continuation_token=token)
    assert names + more + last == wanted and end is None
    assert page(prefix=name, bucket_region="eu-west-3")[0] == []
    assert page(prefix=name, bucket_region=REGION)[0] == wanted
    for wrong in ({"max_buckets": "many"}, {"max_buckets": "0"}, {"continuation_token": "zz"}):
        query = urllib.parse.urlencode({key.replace("_", "-"): value for key, value in wrong.items()})
        assert send(cloud, "GET", f"/?{query}")[0] == 400


def test_create_bucket_with_tags(cloud, s3, name):
    tags = "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"
    status, _, body = send(cloud, "PUT", f"/{name}", tags.encode())
    assert status == 200, body
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]
    twice = tags.replace("</Tags>", "<Tag><Key>a</Key><Value>c</Value></Tag></Tags>")
    status, _, body = send(cloud, "PUT", f"/{name}-2", twice.encode())
    assert status == 400 and b"InvalidTag" in body
    assert error_code(s3.head_bucket, Bucket=f"{name}-2") == ("404", 404)


def test_create_bucket_with_an_ownership(s3, name):
    assert error_code(s3.create_bucket, Bucket=name, ObjectOwnership="Nobody") == ("InvalidArgument", 400)
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
