"""Cross-origin requests to the embedded cloud's S3: judged here by the rules of the Fetch standard, as a browser does
("CORS protocol", "CORS check", "CORS-preflight fetch"), over bare requests; and by a browser, where there is one."""
import pytest

from browser import needs_browser, visit
from harness import error_code, http

SAFE_METHODS = {"GET", "HEAD", "POST"}  # "CORS-safelisted method"
SAFE_HEADERS = {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified",
                "pragma"}  # "CORS-safelisted response-header name"

RULES = [
    {"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*", "Content-Type"],
     "ExposeHeaders": ["ETag", "x-amz-version-id"], "MaxAgeSeconds": 600, "ID": "app"},
    {"AllowedOrigins": ["http://*.dev.example"], "AllowedMethods": ["DELETE"], "AllowedHeaders": ["*"]},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]


@pytest.fixture
def shared(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    return bucket


def words(headers, name):
    return {word.strip().lower() for word in (headers.get(name) or "").split(",") if word.strip()}


def may_read(origin, headers, credentials=False):
    """The "CORS check"."""
    allowed = headers.get_all("Access-Control-Allow-Origin") or []
    if len(allowed) != 1 or (allowed[0] == "*" and credentials):
        return False
    return allowed[0] == "*" or (allowed[0] == origin and
                                 (not credentials or headers["Access-Control-Allow-Credentials"] == "true"))


def may_send(url, origin, method, names=()):
    """A preflight, judged: whether a page of that origin may send the request."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if names:
        asked["Access-Control-Request-Headers"] = ",".join(sorted(name.lower() for name in names))
    status, headers, _ = http(url, "OPTIONS", **asked)
    if not 200 <= status < 300 or not may_read(origin, headers):
        return False
    methods = {word.strip() for word in (headers.get("Access-Control-Allow-Methods") or "").split(",")}
    return (method in SAFE_METHODS | methods and
            {name.lower() for name in names} <= words(headers, "Access-Control-Allow-Headers"))


@pytest.mark.parametrize("origin, method, names, allowed", [
    ("https://app.example", "PUT", ["Content-Type", "X-Amz-Meta-Camera"], True),
    ("https://app.example", "PUT", [], True),
    ("https://app.example", "PUT", ["Authorization"], False),
    ("https://app.example", "DELETE", [], False),
    ("http://app.example", "PUT", [], False),
    ("https://app.example:8443", "PUT", [], False),
    ("https://app.example.evil.example", "PUT", [], False),
    ("http://a.dev.example", "DELETE", ["Authorization", "X-Anything"], True),
    ("http://.dev.example.evil", "DELETE", [], False),
    ("null", "PUT", [], False),
    ("null", "HEAD", [], True)])
def test_a_preflight_allows_what_the_rules_do(cloud, shared, origin, method, names, allowed):
    assert may_send(f"{cloud.endpoint}/{shared}/a%20b", origin, method, names) is allowed


def test_a_preflight_of_a_signed_url_is_not_signed(s3, shared):
    url = s3.generate_presigned_url("put_object", {"Bucket": shared, "Key": "k", "Metadata": {"a": "b"}})
    status, headers, _ = http(url, "OPTIONS", **{
        "Origin": "https://app.example", "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-amz-meta-a"})
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")


def test_only_origins_of_the_rules_may_read_a_response(s3, shared):
    url = s3.generate_presigned_url("get_object", {"Bucket": shared, "Key": "a b"})
    status, headers, body = http(url, Origin="https://app.example")
    assert (status, body) == (200, b"hello") and may_read("https://app.example", headers, credentials=True)
    assert words(headers, "Access-Control-Expose-Headers") == {"etag", "x-amz-version-id"}
    assert headers["Access-Control-Max-Age"] == "600" and "origin" in words(headers, "Vary")
    for other in ("https://other.example", "http://x.dev.example"):
        status, headers, body = http(url, Origin=other)
        assert status == 403 and not may_read(other, headers)
        assert "origin" in words(headers, "Vary")
    status, headers, _ = http(url)
    assert "origin" in words(headers, "Vary"), "a cache must not send this response to an origin"


def test_a_wildcard_origin_is_sent_as_a_wildcard(s3, shared):
    url = s3.generate_presigned_url("head_object", {"Bucket": shared, "Key": "a b"})
    status, headers, _ = http(url, "HEAD", Origin="https://anywhere.example")
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Credentials"] is None and not may_read("x", headers, credentials=True)


@pytest.mark.parametrize("key, code", [("absent", 404), ("a b", 403)])
def test_errors_may_be_read_too(s3, cloud, shared, key, code):
    url = s3.generate_presigned_url("get_object", {"Bucket": shared, "Key": key})
    if code == 403:
        url = url[:-4] + "dead"  # another signature
    status, headers, body = http(url, Origin="https://app.example")
    assert status == code and b"<Code>" in body and may_read("https://app.example", headers)
    status, headers, _ = http(f"{cloud.endpoint}/{shared}/a", Origin="https://app.example")
    assert status == 403 and may_read("https://app.example", headers)


def test_without_rules_nothing_is_allowed(s3, cloud, bucket):
    url = f"{cloud.endpoint}/{bucket}/k"
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    status, headers, body = http(url, "OPTIONS", **asked)
    assert status == 403 and b"<Code>AccessForbidden</Code>" in body and not may_read("https://app.example", headers)
    assert http(url, "OPTIONS", Origin="https://app.example")[0] == 400
    assert http(url, "OPTIONS", **{"Access-Control-Request-Method": "GET"})[0] == 400
    status, headers, body = http(s3.generate_presigned_url("list_objects_v2", {"Bucket": bucket}), Origin="https://app.example")
    assert status == 403 and b"<Code>AccessDenied</Code>" in body and headers["Access-Control-Allow-Origin"] is None and headers["Vary"] is None


def test_the_configuration_is_kept_and_can_be_deleted(s3, bucket):
    assert error_code(s3.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket=bucket)
    assert error_code(s3.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)


@pytest.mark.parametrize("rule, code", [
    ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["http://*.a.*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["x-*-*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": []}, "MalformedXML"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["a\nSet-Cookie: b"]}, "MalformedXML")])
def test_wrong_rules_are_refused(s3, bucket, rule, code):
    assert error_code(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}) == (code, 400)


# ---- a browser ----

PAGE = """<!doctype html><title>waiting</title><pre id=log></pre><script>
const log = [];
async function attempt(name, url, options) {
    try {
        const response = await fetch(url, options);
        log.push(`${name}:${response.status}:${response.headers.get('etag') !== null}:${await response.text()}`);
    } catch (error) { log.push(`${name}:refused`); }
}
(async () => {
    await attempt('get', GET_URL, {});
    await attempt('put', PUT_URL, {method: 'PUT', body: 'from a page', headers: {'x-amz-meta-a': 'b'}});
    await attempt('other', OTHER_URL, {});
    document.getElementById('log').textContent = 'RESULT ' + log.join(' ');
})();
</script>"""


@needs_browser
def test_a_browser_obeys_the_rules(s3, bucket, name, site, tmp_path):
    other = name[:50] + "-closed"
    s3.create_bucket(Bucket=other)
    for one in (bucket, other):
        s3.put_object(Bucket=one, Key="k", Body=b"hello")
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
        {"AllowedOrigins": [site.origin], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}]})
    page = PAGE
    for word, operation, of, more in (("GET_URL", "get_object", bucket, {}), ("OTHER_URL", "get_object", other, {}),
                                      ("PUT_URL", "put_object", bucket, {"Metadata": {"a": "b"}})):
        url = s3.generate_presigned_url(operation, {"Bucket": of, "Key": "up" if more else "k", **more})
        page = page.replace(word, f"'{url}'")
    site.pages["/"] = page
    shown = visit(site.origin + "/", tmp_path)
    assert "RESULT get:200:true:hello put:200:true: other:refused" in shown, shown
    assert s3.get_object(Bucket=bucket, Key="up")["Body"].read() == b"from a page"
