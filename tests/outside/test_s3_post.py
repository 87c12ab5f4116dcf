"""Uploads by the form of a browser, made by boto3's generate_presigned_post, sent as browsers send them."""
import base64
import datetime
import hashlib
import json
import socket
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest

from harness import allow_public_policies, client, error_code, fetch, make_queue, queue_arn, receive, send_policy

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def form(fields, body, filename="photo.jpg", boundary=BOUNDARY, after=()):
    """What a browser makes of a form: the fields, the file last."""
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
                 "Content-Type: image/jpeg\r\n\r\n".encode() + body + b"\r\n")
    parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
              for name, value in after]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send(url, body, content_type=f"multipart/form-data; boundary={BOUNDARY}"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    request = urllib.request.Request(url, data=body, method="POST", headers={"Content-Type": content_type})
    try:
        with opener.open(request, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def post(s3, bucket, signed_key, body=b"hello", fields=None, conditions=None, expires=600, filename="photo.jpg", **changed):
    """Signs a form and sends it; `changed` are fields that are sent with another value than the signed one (None: omitted)."""
    made = s3.generate_presigned_post(bucket, signed_key, Fields=dict(fields or {}), Conditions=conditions, ExpiresIn=expires)
    sent = {**made["fields"], **{name.replace("_", "-"): value for name, value in changed.items()}}
    return send(made["url"], form([(k, v) for k, v in sent.items() if v is not None], body, filename))


def code_of(response):
    status, _, body = response
    return ElementTree.fromstring(body).findtext("Code"), status


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 700_001])
def test_a_form_stores_its_file(s3, bucket, size):
    body = (b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n\r")[:size] + bytes(max(0, size - 45))
    status, headers, _ = post(s3, bucket, "in/a b+ü.jpg", body)
    assert status == 204 and headers["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert fetch(s3, bucket, "in/a b+ü.jpg") == body


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_a_form_may_arrive_in_any_pieces(cloud, s3, bucket, piece):
    """Delimiters and similar bytes, cut at any position."""
    body = b"\r\n--" + BOUNDARY.encode()[:-2] + b"\r\r\n-\r\n--" * 20
    made = s3.generate_presigned_post(bucket, f"k{piece}")
    data = form(made["fields"].items(), body)
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    head = (f"POST /{bucket} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=\"{BOUNDARY}\"\r\n\r\n").encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head)
        for at in range(0, len(data), piece):
            connection.sendall(data[at:at + piece])
        assert connection.recv(100).startswith(b"HTTP/1.1 204")
    assert fetch(s3, bucket, f"k{piece}") == body


def test_fields_correspond_to_the_headers_of_a_put(s3, bucket):
    fields = {"Content-Type": "image/x-test", "Cache-Control": "max-age=60", "x-amz-meta-camera": "Field 2", "acl": "private",
              "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>"}
    assert post(s3, bucket, "k", fields=fields, conditions=[{k: v} for k, v in fields.items()])[0] == 204
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("image/x-test", "max-age=60", {"camera": "Field 2"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b c"}]


def test_the_file_gives_its_name(s3, bucket):
    assert post(s3, bucket, "user/${filename}", filename="C:\\\\Photos\\\\cat 1.jpg")[0] == 204
    assert fetch(s3, bucket, "user/cat 1.jpg") == b"hello"


@pytest.mark.parametrize("wanted, status", [("200", 200), ("201", 201), ("204", 204), ("999", 204)])
def test_a_form_chooses_the_success_status(s3, cloud, bucket, wanted, status):
    fields = {"success_action_status": wanted}
    got, headers, body = post(s3, bucket, "a b", fields=fields, conditions=[fields])
    assert got == status and headers["Location"] == f"{cloud.endpoint}/{bucket}/a%20b"
    if status == 201:
        response = ElementTree.fromstring(body)
        namespace = response.tag.removesuffix("PostResponse")
        assert {child.tag.removeprefix(namespace): child.text for child in response} == {
            "Location": headers["Location"], "Bucket": bucket, "Key": "a b", "ETag": f'"{hashlib.md5(b"hello").hexdigest()}"'}
    else:
        assert body == b""


def test_a_form_redirects_on_success(s3, bucket):
    fields = {"success_action_redirect": "http://127.0.0.1/done?x=1"}
    status, headers, _ = post(s3, bucket, "a b", fields=fields, conditions=[fields])
    etag = hashlib.md5(b"hello").hexdigest()
    assert (status, headers["Location"]) == (303, f"http://127.0.0.1/done?x=1&bucket={bucket}&key=a%20b&etag=%22{etag}%22")
    for wrong in ("javascript:alert(1)", "http://127.0.0.1/\r\nSet-Cookie: a=b"):
        fields = {"success_action_redirect": wrong}
        status, headers, _ = post(s3, bucket, "k", fields=fields, conditions=[fields])
        assert status == 204 and headers["Set-Cookie"] is None


def test_a_form_is_a_version_and_an_event(s3, sqs, bucket):
    url = make_queue(sqs, bucket)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": send_policy(bucket, "s3", f"arn:aws:s3:::{bucket}")})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": queue_arn(bucket), "Events": ["s3:ObjectCreated:Post"]}]})
    _, headers, _ = post(s3, bucket, "k")
    records = []
    while not records:
        message = receive(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        records = json.loads(message["Body"]).get("Records", [])
    assert records[0]["eventName"] == "ObjectCreated:Post"
    assert records[0]["s3"]["object"]["versionId"] == headers["x-amz-version-id"]


# ---- conditions ----

@pytest.mark.parametrize("conditions, fields, changed, code", [
    ([["starts-with", "$Content-Type", "image/"]], {"Content-Type": "image/png"}, {}, None),
    ([["starts-with", "$Content-Type", "image/"]], {"Content-Type": "text/html"}, {}, ("AccessDenied", 403)),
    ([["starts-with", "$x-amz-meta-a", ""]], {"x-amz-meta-a": "anything"}, {}, None),
    ([["eq", "$x-amz-meta-a", "1"]], {"x-amz-meta-a": "1"}, {}, None),
    ([["eq", "$x-amz-meta-a", "1"]], {}, {}, ("AccessDenied", 403)),
    ([], {}, {"x_amz_meta_extra": "1"}, ("AccessDenied", 403)),
    ([], {}, {"x_ignore_this": "1"}, None),
    ([["content-length-range", 1, 5]], {}, {}, None),
    ([["content-length-range", 6, 10]], {}, {}, ("EntityTooSmall", 400)),
    ([["content-length-range", 0, 4]], {}, {}, ("EntityTooLarge", 400)),
    ([["matches", "$key", "k"]], {}, {}, ("InvalidPolicyDocument", 400)),
    ([{"bucket": "another-bucket"}], {}, {}, ("AccessDenied", 403)),
    ([], {}, {"key": "other"}, ("AccessDenied", 403)),
    ([], {}, {"key": None}, ("InvalidArgument", 400)),
    ([], {}, {"x_amz_signature": "0" * 64}, ("SignatureDoesNotMatch", 403)),
    ([], {}, {"x_amz_signature": None}, ("InvalidArgument", 400)),
    ([], {}, {"x_amz_credential": "AKIDOTHER/20260101/us-east-1/s3/aws4_request"}, ("InvalidArgument", 400)),
    ([], {}, {"policy": None}, ("AccessDenied", 403))])
def test_conditions_are_enforced(s3, bucket, conditions, fields, changed, code):
    response = post(s3, bucket, "k", fields=fields, conditions=conditions, **changed)
    if code is None:
        assert response[0] == 204, response[2]
        assert fetch(s3, bucket, "k") == b"hello"
    else:
        assert code_of(response) == code, response[2]
        assert error_code(s3.head_object, Bucket=bucket, Key="k")[1] == 404


def test_an_expired_or_foreign_form_is_refused(cloud, s3, bucket, monkeypatch):
    response = post(s3, bucket, "k", expires=-1)
    assert code_of(response) == ("AccessDenied", 403) and b"Policy expired" in response[2]
    assert code_of(post(client(cloud.endpoint, "s3", secret_key="wrong"), bucket, "k")) == ("SignatureDoesNotMatch", 403)
    assert code_of(post(client(cloud.endpoint, "s3", access_key="AKIDOTHER"), bucket, "k")) == ("InvalidAccessKeyId", 403)
    made = s3.generate_presigned_post(bucket, "k", ExpiresIn=600)
    document = json.loads(base64.b64decode(made["fields"]["policy"]))
    document["expiration"] = (datetime.datetime.utcnow() + datetime.timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made["fields"]["policy"] = base64.b64encode(json.dumps(document).encode()).decode()
    assert code_of(send(made["url"], form(made["fields"].items(), b"x"))) == ("SignatureDoesNotMatch", 403)


def test_temporary_credentials_sign_a_form(cloud, s3, bucket):
    given, other = (cloud.client("sts").get_session_token()["Credentials"] for _ in range(2))
    session = client(cloud.endpoint, "s3", access_key=given["AccessKeyId"], secret_key=given["SecretAccessKey"],
                     token=given["SessionToken"])
    assert post(session, bucket, "k")[0] == 204
    assert fetch(s3, bucket, "k") == b"hello"
    for token, code in ((None, ("InvalidAccessKeyId", 403)), ("", ("InvalidAccessKeyId", 403)), ("x" * 2000, ("InvalidToken", 400)),
                        (other["SessionToken"], ("InvalidToken", 400))):
        assert code_of(post(session, bucket, "no", x_amz_security_token=token)) == code
    # A permanent key has no token, and the field needs a condition, like every field.
    assert code_of(post(s3, bucket, "no", x_amz_security_token=given["SessionToken"])) == ("InvalidToken", 400)
    assert code_of(post(s3, bucket, "no", x_amz_security_token="")) == ("AccessDenied", 403)
    assert error_code(s3.head_object, Bucket=bucket, Key="no")[1] == 404


# The field acl: "POST Object" in the S3 API Reference; the error is that of PutObject in a bucket without ACLs.
@pytest.mark.parametrize("acl, answer", [("bucket-owner-full-control", 204), ("public-read", ("AccessControlListNotSupported", 400))])
def test_a_form_may_state_an_acl(s3, bucket, acl, answer):
    response = post(s3, bucket, "k", fields={"acl": acl}, conditions=[{"acl": acl}])
    assert (code_of(response) if response[0] >= 400 else response[0]) == answer


def test_a_form_is_signed_for_the_region_of_its_bucket(cloud, bucket):
    away = client(cloud.endpoint, "s3", region="eu-west-1")
    assert code_of(post(away, bucket, "k")) == ("AuthorizationQueryParametersError", 400)


def test_anybody_may_post_where_the_bucket_says_so(cloud, s3, bucket):
    url, data = f"{cloud.endpoint}/{bucket}", form([("key", "in/k")], b"hello")
    assert code_of(send(url, data)) == ("AccessDenied", 403)
    allow_public_policies(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"}]}))
    status, headers, _ = send(url, data)
    assert status == 204 and headers["x-amz-server-side-encryption"] == "AES256"
    assert code_of(send(url, form([("key", "out/k")], b"hello"))) == ("AccessDenied", 403)


# ---- invalid forms ----

@pytest.mark.parametrize("make, code", [
    (lambda f: (form(f, b"x")[:-20], None), ("MalformedPOSTRequest", 400)),
    (lambda f: (b"no form at all", None), ("InvalidArgument", 400)),
    (lambda f: (form(f, b"x"), "multipart/form-data"), ("PreconditionFailed", 412)),
    (lambda f: (form(f, b"x"), "multipart/form-data; boundary=" + "b" * 71), ("PreconditionFailed", 412)),
    (lambda f: (form(f, b"x"), "application/json"), ("PreconditionFailed", 412)),
    (lambda f: (form([("x-ignore-a", "v" * 30_000), *f], b"x"), None), ("MaxPostPreDataLengthExceededError", 400)),
    (lambda f: (form([(f"x-ignore-{i}", "v") for i in range(200)], b"x"), None), ("MaxPostPreDataLengthExceededError", 400)),
    (lambda f: (f"--{BOUNDARY}\r\nX-Long: {'h' * 9000}\r\n\r\n".encode() + form(f, b"x"), None),
     ("MaxPostPreDataLengthExceededError", 400)),
    (lambda f: (f"--{BOUNDARY}\r\n\r\nnameless\r\n".encode() + form(f, b"x"), None), ("MalformedPOSTRequest", 400))])
def test_an_invalid_form_is_refused(s3, bucket, make, code):
    made = s3.generate_presigned_post(bucket, "k")
    body, content_type = make(list(made["fields"].items()))
    response = send(made["url"], body, content_type or f"multipart/form-data; boundary={BOUNDARY}")
    assert code_of(response) == code, response[2]
    assert error_code(s3.head_object, Bucket=bucket, Key="k")[1] == 404


def test_fields_after_the_file_are_ignored(s3, bucket):
    made = s3.generate_presigned_post(bucket, "k")
    body = form(made["fields"].items(), b"hello", after=[("key", "other"), ("x-amz-meta-late", "1")])
    assert send(made["url"], body)[0] == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Metadata"] == {}


@pytest.mark.parametrize("field, value", [("x-amz-meta-a", "b\r\nSet-Cookie: c=d"), ("x-amz-meta-a", "b\nx: y"),
                                         ("Content-Type", "text/html\r\nX-Evil: 1"), ("x-amz-meta-a: b\nx", "1")], ids=["crlf", "lf", "type", "name"])
def test_no_line_is_smuggled_into_headers(s3, bucket, field, value):
    response = post(s3, bucket, "k", fields={field: value}, conditions=[{field: value}])
    assert response[0] in (400, 403)
    assert error_code(s3.head_object, Bucket=bucket, Key="k")[1] == 404
