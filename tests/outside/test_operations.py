"""Every operation of the services' models is in the table that the program prints, answered or refused by name."""
import urllib.error
import urllib.request

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import thumbwheel

# Of another host (WriteGetObjectResponse), or an old name for the wire form of another operation.
NOT_OURS = {"s3": {"WriteGetObjectResponse", "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification",
                   "PutBucketNotification"}}

NAMES = {"EventBridge": "events"}  # of botocore


@pytest.fixture(scope="module")
def table():
    """service: (answered, refused)"""
    rows = [line.strip("| ").split(" |") for line in thumbwheel("check", "--operations").stdout.splitlines()[2:]]
    cells = [[{name for name in cell.strip().split(", ") if name} for cell in row] for row in rows]
    return {NAMES.get(next(iter(service)), next(iter(service))).lower(): (answered, set().union(*rest)) for service, answered, *rest in cells}


def model(service):
    return set(botocore.session.get_session().get_service_model(service).operation_names)


@pytest.mark.parametrize("service", ["events", "rekognition", "s3", "sns", "sqs", "sts"])
def test_every_operation_of_the_model_is_listed_once(table, service):
    answered, refused = table[service]
    assert model(service) - NOT_OURS.get(service, set()) <= answered | refused
    assert not answered & refused


def query(cloud, service, action):
    """One call by its bare name, whatever the model wants with it: (status, answer)."""
    request = AWSRequest("POST", cloud.endpoint + "/", data=f"Action={action}",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), service, harness.REGION).add_auth(request)
    bare = urllib.request.Request(request.url, data=request.data.encode(), headers=dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bare, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("service", ["sns", "sqs", "sts"])
def test_what_is_refused_is_refused_by_name(cloud, table, service):
    for name in sorted(table[service][1]):
        status, answer = query(cloud, service, name)
        assert status == 501 and "<Code>NotImplemented</Code>" in answer and name in answer
    status, answer = query(cloud, service, "FlyToTheMoon")
    assert status == 400 and "<Code>InvalidAction</Code>" in answer
