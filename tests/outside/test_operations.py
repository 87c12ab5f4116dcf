"""Every operation of the services' models is in the tables that the program prints, or is refused by name."""
import hashlib
import re
import urllib.error
import urllib.request

import botocore.session
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import thumbwheel

# Of another host (WriteGetObjectResponse), or an old name for the wire form of another operation.
NOT_OURS = {"s3": {"WriteGetObjectResponse", "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification",
                   "PutBucketNotification"}}

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
NAMES = {"EventBridge": "events"}  # of botocore


@pytest.fixture(scope="module")
def supported():
    """service: the names in its table"""
    sections = re.split(r"^### (.+)$", thumbwheel("check", "--operations").stdout, flags=re.MULTILINE)[1:]
    return {NAMES.get(title, title).lower(): re.findall(r"(?<=\| )\w+", section)
            for title, section in zip(sections[::2], sections[1::2])}


def model(service):
    return set(botocore.session.get_session().get_service_model(service).operation_names)


@pytest.mark.parametrize("service", ["events", "rekognition", "s3", "sns", "sqs", "sts"])
def test_the_table_lists_each_operation_once(supported, service):
    assert supported[service] and len(set(supported[service])) == len(supported[service])


def test_every_operation_of_sqs_is_supported(supported):
    assert model("sqs") <= set(supported["sqs"])


def refused(supported, service):
    return sorted(model(service) - set(supported[service]) - NOT_OURS.get(service, set()))


def send(cloud, service, method, path, body, headers):
    """One signed request: (status, response body)"""
    request = AWSRequest(method, cloud.endpoint + path, data=body, headers=headers)
    sign = S3SigV4Auth if service == "s3" else SigV4Auth
    sign(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), service, harness.REGION).add_auth(request)
    bare = urllib.request.Request(request.url, method=method, data=body or None, headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bare, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def query(cloud, service, action):
    """One call by its name, without parameters: (status, response body)"""
    return send(cloud, service, "POST", "/", f"Action={action}".encode(),
                {"Content-Type": "application/x-www-form-urlencoded"})


@pytest.mark.parametrize("service", ["sns", "sqs", "sts"])
def test_unsupported_operations_are_refused_by_name(cloud, supported, service):
    for name in refused(supported, service):
        status, response = query(cloud, service, name)
        assert status == 501 and "<Code>NotImplemented</Code>" in response and name in response
    status, response = query(cloud, service, "FlyToTheMoon")
    assert status == 400 and "<Code>InvalidAction</Code>" in response


@pytest.mark.parametrize("service", ["events", "rekognition"])
def test_unsupported_operations_are_refused_by_name_in_json(cloud, supported, service):
    target = botocore.session.get_session().get_service_model(service).metadata["targetPrefix"]
    for name in refused(supported, service):
        status, response = send(cloud, service, "POST", "/", b"{}", {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{target}.{name}"})
        assert status == 501 and "NotImplemented" in response and name in response, (name, status, response)


def test_unsupported_operations_are_refused_by_name_in_s3(cloud, supported):
    operations = botocore.session.get_session().get_service_model("s3")
    for name in refused(supported, "s3"):
        http = operations.operation_model(name).http
        path = http["requestUri"].replace("{Bucket}", "bucket").replace("{Key+}", "key")
        status, response = send(cloud, "s3", http["method"], path, b"", {"X-Amz-Content-Sha256": EMPTY_SHA256})
        one = re.sub(r"^List(.*Configuration)s$", r"Get\1", name)  # without an id it is the list of what this gets
        assert status == 501 and "<Code>NotImplemented</Code>" in response and one in response, (name, status, response)
