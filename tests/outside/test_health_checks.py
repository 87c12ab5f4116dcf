"""Unsigned health checks at the paths of other emulators."""
import json

import pytest

import harness

SERVICES = {"events", "rekognition", "s3", "sns", "sqs", "sts"}


@pytest.mark.parametrize("path", ["/health", "/_localstack/health"])
def test_the_services_are_listed_as_by_localstack(cloud, path):
    status, headers, body = harness.http(cloud.endpoint + path)
    assert status == 200 and headers["Content-Type"] == "application/json"
    services = json.loads(body)["services"]
    assert SERVICES <= set(services) and set(services.values()) == {"running"}
    status, head, body = harness.http(cloud.endpoint + path, "HEAD")
    assert (status, body, head["Content-Length"]) == (200, b"", headers["Content-Length"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_live_check_of_minio_has_no_body(cloud, method):
    status, headers, body = harness.http(cloud.endpoint + "/minio/health/live", method)
    assert (status, body, headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("path", ["/health", "/_localstack/health", "/minio/health/live"])
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}])
def test_no_page_of_another_origin_reads_them(cloud, path, headers):
    status, found, body = harness.http(cloud.endpoint + path, **headers)
    assert status == 403 and b"running" not in body and "Access-Control-Allow-Origin" not in found


@pytest.mark.parametrize("path", ["/health", "/_localstack/health", "/minio/health/live"])
def test_other_methods_are_requests_to_s3(cloud, path):
    for method, body in (("POST", b"x"), ("DELETE", None), ("PUT", b"x")):
        status, _, text = harness.http(cloud.endpoint + path, method, body)
        assert status >= 400 and b"<Error>" in text


def test_buckets_with_these_names_work(s3, cloud):
    for bucket, key in (("health", "k"), ("minio", "health/live")):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=b"mine")
        assert harness.fetch(s3, bucket, key) == b"mine"
        assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        assert harness.http(url)[2] == b"mine"


def test_a_host_that_is_a_bucket_has_objects_at_these_paths(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="health", Body=b"an object")
    port = cloud.endpoint.rsplit(":", 1)[1]
    status, _, body = harness.http(cloud.endpoint + "/health", Host=f"{bucket}.localhost:{port}")
    assert status == 403 and b"AccessDenied" in body  # S3 answered: the object is not public


def test_the_name_of_the_server_is_a_host(start_cloud):
    cloud = start_cloud("--host-name", "cloud.example")
    assert harness.http(cloud.endpoint + "/health", Host="cloud.example:4566")[0] == 200
    assert harness.http(cloud.endpoint + "/health", Host="health.cloud.example:4566")[0] in (403, 404)
    harness.until(lambda: cloud.requests("HealthCheck"), "a line in the request log")
