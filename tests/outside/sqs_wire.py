"""Raw SQS requests, for what Debian's boto3 lacks: JSON 1.0, and newer actions."""
import json
import re
import urllib.error
import urllib.parse
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness


def _exchange(cloud, headers, body, secret):
    request = AWSRequest("POST", cloud.endpoint + "/", data=body, headers=headers)
    SigV4Auth(Credentials(harness.ACCESS_KEY, secret), "sqs", harness.REGION).add_auth(request)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    bare = urllib.request.Request(request.url, data=body, headers=dict(request.headers.items()), method="POST")
    try:
        with opener.open(bare, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def json_call(cloud, action, secret=harness.SECRET_KEY, **parameters):
    """One call in JSON 1.0: (status, headers, response body)."""
    status, headers, body = _exchange(cloud, {"Content-Type": "application/x-amz-json-1.0",
                                              "X-Amz-Target": f"AmazonSQS.{action}"},
                                      json.dumps(parameters).encode(), secret)
    return status, headers, json.loads(body or b"{}")


def query_call(cloud, action, **parameters):
    """One call in the Query protocol: (status, XML). Dots in names are written as two underscores."""
    form = {"Action": action, "Version": "2012-11-05"}
    form.update({name.replace("__", "."): value for name, value in parameters.items()})
    status, _, body = _exchange(cloud, {"Content-Type": "application/x-www-form-urlencoded"},
                                urllib.parse.urlencode(form).encode(), harness.SECRET_KEY)
    return status, body.decode()


def element(xml, name):
    found = re.search(rf"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found and found.group(1)
