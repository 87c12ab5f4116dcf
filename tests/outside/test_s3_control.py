"""The operations of S3 Control on the tags of buckets, which newer Terraform providers use.

Requests and responses are those of ListTagsForResource, TagResource and UntagResource in the "AWS S3 Control" part of the S3 API Reference;
Debian's botocore does not have them yet.
"""
import concurrent.futures
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

NAMESPACE = "{http://awss3control.amazonaws.com/doc/2018-08-20/}"


def send(cloud, method, target, body=b"", host=None, account=ACCOUNT):
    headers = {"Host": host or urllib.parse.urlsplit(cloud.endpoint).netloc, **({"x-amz-account-id": account} if account else {})}
    request = AWSRequest(method, cloud.endpoint + target, data=body, headers=headers)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
    bare = urllib.request.Request(request.url, method=method, data=body or None, headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bare, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def path(bucket):
    return "/v20180820/tags/" + urllib.parse.quote(f"arn:aws:s3:::{bucket}", safe="")


def tag(cloud, bucket, **tags):
    pairs = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in tags.items())
    body = f'<TagResourceRequest xmlns="{NAMESPACE[1:-1]}"><Tags>{pairs}</Tags></TagResourceRequest>'
    return send(cloud, "POST", path(bucket), body.encode())


def tags_of(cloud, bucket, **options):
    status, body = send(cloud, "GET", path(bucket), **options)
    assert status == 200, body
    root = ElementTree.fromstring(body)
    assert root.tag == NAMESPACE + "ListTagsForResourceResult"
    return {item.find(NAMESPACE + "Key").text: item.find(NAMESPACE + "Value").text for item in root.iter(NAMESPACE + "Tag")}


def code_of(answer):
    status, body = answer
    code = ElementTree.fromstring(body).find(f"{NAMESPACE}Error/{NAMESPACE}Code")
    assert code is not None, body
    return status, code.text


def test_tags_of_a_bucket(cloud, s3, bucket):
    assert tags_of(cloud, bucket) == {}
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})
    assert tag(cloud, bucket, b="3", c="4") == (204, b"")
    assert tags_of(cloud, bucket) == {"a": "1", "b": "3", "c": "4"}
    assert {item["Key"]: item["Value"] for item in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]} == {"a": "1", "b": "3", "c": "4"}
    assert send(cloud, "DELETE", path(bucket) + "?tagKeys=a&tagKeys=c&tagKeys=absent") == (204, b"")
    assert tags_of(cloud, bucket) == {"b": "3"}
    assert send(cloud, "DELETE", path(bucket) + "?tagKeys=b")[0] == 204
    assert tags_of(cloud, bucket) == {}
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def test_clients_put_the_account_in_front_of_the_host(cloud, bucket):
    tag(cloud, bucket, a="1")
    port = urllib.parse.urlsplit(cloud.endpoint).port
    assert tags_of(cloud, bucket, host=f"{ACCOUNT}.localhost:{port}") == {"a": "1"}


def test_tags_that_several_clients_add_at_once_are_all_kept(cloud, bucket):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: tag(cloud, bucket, **{f"k{i}": str(i)}), range(40)))
    assert answers == [(204, b"")] * 40
    assert tags_of(cloud, bucket) == {f"k{i}": str(i) for i in range(40)}


def test_what_is_not_valid_is_refused(cloud, s3, bucket):
    tag(cloud, bucket, kept="1")
    assert code_of(tag(cloud, bucket, **{"aws:x": "1"})) == (400, "InvalidTag")
    assert code_of(tag(cloud, bucket, **{f"k{i}": "v" for i in range(50)})) == (400, "InvalidTag")
    assert code_of(send(cloud, "POST", path(bucket), b"<Tags/>")) == (400, "MalformedXML")
    assert code_of(send(cloud, "GET", path("no-such-bucket"))) == (404, "NoSuchBucket")
    assert code_of(send(cloud, "GET", path(bucket), account="123456789012")) == (403, "AccessDenied")
    assert code_of(send(cloud, "GET", path(bucket), account=None)) == (400, "InvalidRequest")
    for target in "/v20180820/bucket/x", "/v20180820/tags/b", "/v20180820/jobs", "/v20180820/":
        assert code_of(send(cloud, "GET", target)) == (501, "NotImplemented")
        assert send(cloud, "PUT", target, b"x")[0] in (405, 501)
    assert tags_of(cloud, bucket) == {"kept": "1"}
    assert "v20180820" not in {item["Name"] for item in s3.list_buckets()["Buckets"]}
