"""S3 requests whose responses are read as they are: Debian's botocore knows neither the newer checksums nor the elements of errors."""
import contextlib
import http.client
import xml.etree.ElementTree as ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from harness import ACCESS_KEY, REGION, SECRET_KEY


def request(cloud, method, target, body=b"", **headers):
    """A signed request: (status, the headers of the response with lower-case names, its body). In the names of headers, underscores
    stand for hyphens; a target of more than ASCII is already encoded."""
    body = body.encode() if isinstance(body, str) else body
    names = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    signed = botocore.awsrequest.AWSRequest(method=method, url=f"{cloud.endpoint}{target}", data=body, headers=names)
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(signed)
    return send(cloud, method, target, body, dict(signed.headers))


def send(cloud, method, target, body, headers):
    connection = http.client.HTTPConnection(cloud.endpoint.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def elements(text):
    """The elements of an error in order, without the two ids at its end."""
    root = ElementTree.fromstring(text)
    assert root.tag == "Error", text
    found = [(child.tag, child.text or "") for child in root]
    assert [name for name, _ in found[-2:]] == ["RequestId", "HostId"]
    return found[:-2]


def document(text):
    """A response without its namespace."""
    root = ElementTree.fromstring(text)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    return root


def texts(node, *names):
    """The texts of these children; None for one that is absent."""
    return tuple(node.findtext(name) for name in names)
