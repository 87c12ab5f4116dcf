"""The errors of the embedded cloud's S3 word for word: code, message, and the elements that the service adds.

Each row of TABLE names its source:
R  recorded of the service by localstack/localstack (markers.aws.validated; tests/aws/services/s3/test_s3.snapshot.json and
   test_s3_api.snapshot.json, or the text in localstack-core/localstack/services/s3 that these tests cover)
M  minio/minio, cmd/api-errors.go, whose texts are the service's
V  versity/versitygw, s3err/s3err.go
S  openstack/swift, test/s3api, which is run against the service, too"""
import base64
import datetime
import hashlib
import re
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

import harness
from harness import ACCESS_KEY, REGION, SECRET_KEY, curl
from s3_wire import elements, request

PART = 5 * 1024 * 1024
NO_UPLOAD = ("The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
             "completed.")
NO_PART = ("One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
           "entity tag may not match the part's entity tag.")
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
CONDITION = "At least one of the pre-conditions you specified did not hold"
HEADER = "A header you provided implies functionality that is not implemented"
TAGGING = ("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "
           "duplicates.")
FOREIGN = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"  # a version id of the service


def tagging(*tags):
    return "<Tagging><TagSet>" + "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags) + "</TagSet></Tagging>"


def completion(*parts):
    return "<CompleteMultipartUpload>" + "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts) + "</CompleteMultipartUpload>"


def call(cloud, method, target, *headers, body=None):
    """(status, the elements of the error)"""
    status, _, text = request(cloud, method, target, body or "", **dict(header.split(": ", 1) for header in headers))
    return status, elements(text)


# request, (status, code, message), further elements; {b} is the bucket, {u} an upload with the parts 1 and 2, {v} the id of a
# delete marker of {b}-v
TABLE = [
    # R test_get_object_no_such_bucket
    ("GET /absent-{b}/k", 404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": "absent-{b}"}),
    # R test_range_key_not_exists
    ("GET /{b}/absent", 404, "NoSuchKey", "The specified key does not exist.", {"Key": "absent"}),
    # R test_invalid_range_error
    ("GET /{b}/k|Range: bytes=1024-4096", 416, "InvalidRange", "The requested range is not satisfiable",
     {"RangeRequested": "bytes=1024-4096", "ActualObjectSize": "4"}),
    # R test_get_object_with_version_unversioned_bucket
    (f"GET /{{b}}/k?versionId={FOREIGN}", 400, "InvalidArgument", "Invalid version id specified",
     {"ArgumentName": "versionId", "ArgumentValue": FOREIGN}),
    # R the same, for a version id of this server
    ("GET /{b}/k?versionId={v}", 400, "InvalidArgument", "Invalid version id specified",
     {"ArgumentName": "versionId", "ArgumentValue": "{v}"}),
    # R test_delete_object
    (f"DELETE /{{b}}/k?versionId={FOREIGN}", 400, "InvalidArgument", "Invalid version id specified",
     {"ArgumentName": "versionId", "ArgumentValue": FOREIGN}),
    # R test_delete_object_versioned
    ("GET /{b}-v/k?versionId={v}", 405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
     {"Method": "GET", "ResourceType": "DeleteMarker"}),
    ("GET /{b}-v/k?versionId=00000000000000ff", 404, "NoSuchVersion", "The specified version does not exist.",
     {"Key": "k", "VersionId": "00000000000000ff"}),
    # R TestS3ObjectCRUD.test_get_object_preconditions: If-Match, If-Unmodified-Since
    ('GET /{b}/k|If-Match: "other"', 412, "PreconditionFailed", CONDITION, {"Condition": "If-Match"}),
    ("GET /{b}/k|If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 412, "PreconditionFailed", CONDITION,
     {"Condition": "If-Unmodified-Since"}),
    # R test_s3_copy_object_preconditions
    ("PUT /{b}/k2|x-amz-copy-source: {b}/k|x-amz-copy-source-if-none-match: {etag}", 412, "PreconditionFailed", CONDITION,
     {"Condition": "x-amz-copy-source-If-None-Match"}),
    # R the conditions of PutObject (test_s3_preconditions.py)
    ("PUT /{b}/k|If-None-Match: *", 412, "PreconditionFailed", CONDITION, {"Condition": "If-None-Match"}),
    ('PUT /{b}/k|If-Match: "other"', 412, "PreconditionFailed", CONDITION, {"Condition": "If-Match"}),
    ('PUT /{b}/absent|If-Match: "other"', 404, "NoSuchKey", "The specified key does not exist.", {"Key": "absent"}),
    ('PUT /{b}/k|If-None-Match: "x"', 501, "NotImplemented", HEADER,
     {"Header": "If-None-Match",
      "additionalMessage": "We don't accept the provided value of If-None-Match header for this API"}),
    ('PUT /{b}/k|If-None-Match: *|If-Match: "x"', 501, "NotImplemented", HEADER,
     {"Header": "If-Match,If-None-Match",
      "additionalMessage": "Multiple conditional request headers present in the request"}),
    # R the source of a copy
    ("PUT /{b}/k2|x-amz-copy-source: {b}/absent", 404, "NoSuchKey", "The specified key does not exist.", {"Key": "absent"}),
    ("PUT /{b}/k2|x-amz-copy-source: absent-{b}/k", 404, "NoSuchBucket", "The specified bucket does not exist",
     {"BucketName": "absent-{b}"}),
    # R parse_copy_source_range_header
    ("PUT /{b}/u?uploadId={u}&partNumber=3|x-amz-copy-source: {b}/k|x-amz-copy-source-range: bytes=0-9", 400, "InvalidArgument",
     "Range specified is not valid for source object of size: 4",
     {"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": "bytes=0-9"}),
    ("PUT /{b}/u?uploadId={u}&partNumber=3|x-amz-copy-source: {b}/k|x-amz-copy-source-range: bytes=8-9", 400, "InvalidRequest",
     "The specified copy range is invalid for the source object size", {}),
    ("PUT /{b}/u?uploadId={u}&partNumber=3|x-amz-copy-source: {b}/k|x-amz-copy-source-range: 0-1", 400, "InvalidArgument",
     "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of "
     "the first and last bytes to copy", {"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": "0-1"}),
    # R UploadPart
    ("PUT /{b}/u?uploadId={u}&partNumber=10001", 400, "InvalidArgument",
     "Part number must be an integer between 1 and 10000, inclusive", {"ArgumentName": "partNumber", "ArgumentValue": "10001"}),
    ("PUT /{b}/u?uploadId=00000000000000ff&partNumber=1", 404, "NoSuchUpload", NO_UPLOAD, {"UploadId": "00000000000000ff"}),
    ("DELETE /{b}/u?uploadId=other", 404, "NoSuchUpload", NO_UPLOAD, {"UploadId": "other"}),
    # R S3Multipart.complete_multipart
    ("POST /{b}/u?uploadId={u}||" + completion((1, "0" * 32)), 400, "InvalidPart", NO_PART,
     {"ETag": "0" * 32, "PartNumber": "1", "UploadId": "{u}"}),
    ("POST /{b}/u?uploadId={u}||" + completion((1, "{etag1}"), (2, "{etag1}")), 400, "EntityTooSmall",
     "Your proposed upload is smaller than the minimum allowed size",
     {"ETag": "{etag1}", "PartNumber": "1", "MinSizeAllowed": str(PART), "ProposedSize": "4"}),
    ("POST /{b}/u?uploadId={u}||" + completion((2, "{etag1}"), (1, "{etag1}")), 400, "InvalidPartOrder",
     "The list of parts was not in ascending order. Parts must be ordered by part number.", {"UploadId": "{u}"}),
    ("POST /{b}/u?uploadId={u}||<CompleteMultipartUpload/>", 400, "InvalidRequest", "You must specify at least one part", {}),
    ("POST /{b}/u?uploadId={u}||<CompleteMultipartUpload>", 400, "MalformedXML", MALFORMED, {}),
    ("POST /{b}/u?uploadId={u}|x-amz-mp-object-size: 5|" + completion((1, "{etag1}")), 400, "InvalidRequest",
     "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 4", {}),
    # M ErrInvalidPartNumber
    ("GET /{b}/k?partNumber=2", 416, "InvalidPartNumber", "The requested partnumber is not satisfiable",
     {"ActualPartCount": "1", "PartNumberRequested": "2"}),
    # R test_put_object_checksum
    ("PUT /{b}/new|x-amz-checksum-crc32: nonsense", 400, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid.", {}),
    ("PUT /{b}/new|x-amz-checksum-crc32: AAAAAA==|body", 400, "BadDigest",
     "The CRC32 you specified did not match the calculated checksum.", {}),
    ("PUT /{b}/new|x-amz-checksum-crc32: AAAAAA==|x-amz-checksum-crc32c: AAAAAA==", 400, "InvalidRequest",
     "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.", {}),
    # V ErrInvalidChecksumAlgorithm's neighbour; scality/cloudserver, tests/functional/raw-node
    ("PUT /{b}/new|x-amz-sdk-checksum-algorithm: other", 400, "InvalidRequest",
     "Value for x-amz-sdk-checksum-algorithm header is invalid.", {}),
    ("PUT /{b}/new|x-amz-trailer: x-amz-checksum-other", 400, "InvalidRequest",
     "The value specified in the x-amz-trailer header is not supported", {}),
    # R test_object_with_wrong_md5: Content-MD5
    ("PUT /{b}/new|Content-MD5: nonsense", 400, "InvalidDigest", "The Content-MD5 you specified was invalid.",
     {"Content-MD5": "nonsense"}),
    ("PUT /{b}/new|Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==|body", 400, "BadDigest",
     "The Content-MD5 you specified did not match what we received.",
     {"ExpectedDigest": "AAAAAAAAAAAAAAAAAAAAAA==", "CalculatedDigest": base64.b64encode(hashlib.md5(b"body").digest()).decode()}),
    # R test_put_object_storage_class (create_multipart_upload: StorageClassRequested)
    ("PUT /{b}/new|x-amz-storage-class: OTHER", 400, "InvalidStorageClass", "The storage class you specified is not valid",
     {"StorageClassRequested": "OTHER"}),
    # V GetInvalidMpObjectSizeErr
    ("POST /{b}/u?uploadId={u}|x-amz-mp-object-size: x|" + completion((1, "{etag1}")), 400, "InvalidRequest",
     "Value for x-amz-mp-object-size header is invalid: 'x'", {}),
    # R test_key_too_long
    ("GET /{b}/" + "k" * 1025, 400, "KeyTooLongError", "Your key is too long", {"Size": "1025", "MaxSizeAllowed": "1024"}),
    # V ErrMetadataTooLarge
    ("PUT /{b}/new|x-amz-meta-a: " + "v" * 2048, 400, "MetadataTooLarge",
     "Your metadata headers exceed the maximum allowed metadata size", {"Size": "2049", "MaxSizeAllowed": "2048"}),
    # R validate_tag_set, parse_tagging_header; V ErrObjectTaggingLimited
    ("PUT /{b}/k?tagging||" + tagging(("a", "1"), ("a", "2")), 400, "InvalidTag", "Cannot provide multiple Tags with the same key",
     {"TagKey": "a"}),
    ("PUT /{b}/k?tagging||" + tagging(("aws:a", "1")), 400, "InvalidTag", "Your TagKey cannot be prefixed with aws:",
     {"TagKey": "aws:a"}),
    ("PUT /{b}/k?tagging||" + tagging(("a,b", "1")), 400, "InvalidTag", "The TagKey you have provided is invalid", {"TagKey": "a,b"}),
    ("PUT /{b}/k?tagging||" + tagging(("a", "1,2")), 400, "InvalidTag", "The TagValue you have provided is invalid",
     {"TagKey": "a", "TagValue": "1,2"}),
    ("PUT /{b}/k?tagging||" + tagging(*((str(i), "") for i in range(11))), 400, "BadRequest", "Object tags cannot be greater than 10",
     {}),
    ("PUT /{b}?tagging||" + tagging(("aws:a", "1")), 400, "InvalidTag", "System tags cannot be added/updated by requester",
     {"TagKey": "aws:a"}),
    ("PUT /{b}?tagging||" + tagging(("a", "1"), ("a", "2")), 400, "InvalidTag", "Cannot provide multiple Tags with the same key",
     {"TagKey": "a"}),
    ("PUT /{b}/new|x-amz-tagging: a=1&a=2", 400, "InvalidArgument", TAGGING,
     {"ArgumentName": "x-amz-tagging", "ArgumentValue": "a=1&a=2"}),
    ("PUT /{b}/k?tagging||<Tagging/>", 400, "MalformedXML", MALFORMED, {}),
    # R test_put_bucket_lifecycle_conf_exc, test_cors_..., test_bucket_tagging_crud, test_get_bucket_policy
    ("GET /{b}?tagging", 404, "NoSuchTagSet", "The TagSet does not exist", {"BucketName": "{b}"}),
    ("GET /{b}?cors", 404, "NoSuchCORSConfiguration", "The CORS configuration does not exist", {"BucketName": "{b}"}),
    ("GET /{b}?lifecycle", 404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", {"BucketName": "{b}"}),
    ("GET /{b}?policy", 404, "NoSuchBucketPolicy", "The bucket policy does not exist", {"BucketName": "{b}"}),
    ("GET /{b}?website", 404, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
     {"BucketName": "{b}"}),
    ("GET /{b}?object-lock", 404, "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket", {"BucketName": "{b}"}),
    # R test_delete_bucket_with_objects, test_delete_versioned_bucket_with_objects
    ("DELETE /{b}", 409, "BucketNotEmpty", "The bucket you tried to delete is not empty", {"BucketName": "{b}"}),
    ("DELETE /{b}-v", 409, "BucketNotEmpty",
     "The bucket you tried to delete is not empty. You must delete all versions in the bucket.", {"BucketName": "{b}-v"}),
    ("DELETE /absent-{b}", 404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": "absent-{b}"}),
    # R test_create_bucket_with_invalid_name
    ("PUT /{b}_", 400, "InvalidBucketName", "The specified bucket is not valid.", {"BucketName": "{b}_"}),
    # R test_put_bucket_versioning
    ("PUT /{b}?versioning||<VersioningConfiguration><Status>enabled</Status></VersioningConfiguration>", 400, "MalformedXML",
     MALFORMED, {}),
    ("PUT /{b}?versioning||<VersioningConfiguration/>", 400, "IllegalVersioningConfigurationException",
     "The Versioning element must be specified", {}),
    # R lists: test_list_objects_v2_continuation_start_after, test_s3_list_object_versions_..., test_list_multipart_uploads_...
    ("GET /{b}?list-type=2&continuation-token=", 400, "InvalidArgument", "The continuation token provided is incorrect",
     {"ArgumentName": "continuation-token"}),
    ("GET /{b}?versions&version-id-marker={v}", 400, "InvalidArgument",
     "A version-id marker cannot be specified without a key marker.",
     {"ArgumentName": "version-id-marker", "ArgumentValue": "{v}"}),
    ("GET /{b}?encoding-type=other", 400, "InvalidArgument", "Invalid Encoding Method specified in Request",
     {"ArgumentName": "encoding-type", "ArgumentValue": "other"}),
    ("GET /{b}?max-keys=x", 400, "InvalidArgument", "Provided max-keys not an integer or within integer range",
     {"ArgumentName": "max-keys", "ArgumentValue": "x"}),
    ("GET /{b}?uploads&key-marker=u&upload-id-marker=other", 400, "InvalidArgument", "Invalid uploadId marker",
     {"ArgumentName": "upload-id-marker", "ArgumentValue": "other"}),
    # V ErrObjectAttributesInvalidHeader; R test_get_object_attributes
    ("GET /{b}/k?attributes", 400, "InvalidRequest",
     "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty", {}),
    ("GET /{b}/k?attributes|x-amz-object-attributes: Other", 400, "InvalidArgument", "Invalid attribute name specified.",
     {"ArgumentName": "x-amz-object-attributes", "ArgumentValue": "Other"}),
    # M ErrMethodNotAllowed, and the elements of the service's page
    ("POST /{b}/k", 405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
     {"Method": "POST", "ResourceType": "OBJECT"}),
]


@pytest.fixture(scope="module")
def place(cloud, s3):
    """What the requests of the table refer to."""
    names = {"b": "errors-table"}
    s3.create_bucket(Bucket="errors-table")
    s3.create_bucket(Bucket="errors-table-v")
    s3.put_bucket_versioning(Bucket="errors-table-v", VersioningConfiguration={"Status": "Enabled"})
    names["etag"] = s3.put_object(Bucket="errors-table", Key="k", Body=b"body")["ETag"]
    s3.put_object(Bucket="errors-table-v", Key="k", Body=b"body")
    names["v"] = s3.delete_object(Bucket="errors-table-v", Key="k")["VersionId"]
    names["u"] = s3.create_multipart_upload(Bucket="errors-table", Key="u")["UploadId"]
    for number in (1, 2):
        etag = s3.upload_part(Bucket="errors-table", Key="u", UploadId=names["u"], PartNumber=number, Body=b"body")["ETag"]
    return names | {"etag1": etag.strip('"')}


def filled(text, names):
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


@pytest.mark.parametrize("request_text, status, code, message, more", TABLE, ids=[row[0][:60] for row in TABLE])
def test_an_error_is_that_of_the_service(cloud, place, request_text, status, code, message, more):
    line, *rest = filled(request_text, place).split("|")
    method, target = line.split(" ", 1)
    headers = [part for part in rest if re.match(r"[A-Za-z0-9-]+: ", part)]
    bodies = [part for part in rest if part and part not in headers]
    body = bodies[0] if bodies else "" if method in ("PUT", "POST") else None
    found_status, found = call(cloud, method, target, *headers, body=body)
    wanted = {"Code": code, "Message": message} | {name: filled(value, place) for name, value in more.items()}
    assert (found_status, dict(found)) == (status, wanted)
    assert len(found) == len(wanted) and [name for name, _ in found[:2]] == ["Code", "Message"]


# ---- signatures ----

def presigned(cloud, path, expires=60, at=None, secret=SECRET_KEY, key=ACCESS_KEY):
    unsigned_request = botocore.awsrequest.AWSRequest(method="GET", url=f"{cloud.endpoint}{path}")
    signer = botocore.auth.S3SigV4QueryAuth(botocore.credentials.Credentials(key, secret), "s3", REGION, expires=expires)
    with harness_time(at):
        signer.add_auth(unsigned_request)
    return unsigned_request.url


class harness_time:
    """botocore signs at that time."""

    def __init__(self, at):
        self.at = at

    def __enter__(self):
        self.real = botocore.auth.get_current_datetime if hasattr(botocore.auth, "get_current_datetime") else botocore.auth.datetime
        if self.at is None:
            return
        at = self.at
        if hasattr(botocore.auth, "get_current_datetime"):
            botocore.auth.get_current_datetime = lambda *_, **__: at
        else:
            fixed = type("Fixed", (), {"datetime": type("Clock", (datetime.datetime,), {"utcnow": classmethod(lambda _: at)})})
            botocore.auth.datetime = fixed

    def __exit__(self, *_):
        if hasattr(botocore.auth, "get_current_datetime"):
            botocore.auth.get_current_datetime = self.real
        else:
            botocore.auth.datetime = self.real


def unsigned(url, *arguments):
    status, text = curl(*arguments, url, secret=None)
    return status, dict(elements(text))


def test_a_wrong_signature_shows_what_is_signed(cloud, place):
    """Recorded: TestS3PresignedUrl.test_presigned_url_signature_authentication: localstack's create_signature_does_not_match_sig_v4.
    The texts are compared with those that botocore makes of the same request."""
    url = presigned(cloud, f"/{place['b']}/k", secret="wrong")
    status, found = unsigned(url)
    path, _, query = url.removeprefix(cloud.endpoint).partition("?")
    names = dict(pair.split("=", 1) for pair in query.split("&"))
    signature = names.pop("X-Amz-Signature")
    canonical = "\n".join(["GET", path, "&".join(f"{k}={v}" for k, v in sorted(names.items())),
                           f"host:{cloud.endpoint.removeprefix('http://')}", "", "host", "UNSIGNED-PAYLOAD"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", names["X-Amz-Date"], f"{names['X-Amz-Date'][:8]}/{REGION}/s3/aws4_request",
                         hashlib.sha256(canonical.encode()).hexdigest()])
    assert status == 403
    assert found == {
        "Code": "SignatureDoesNotMatch",
        "Message": "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        "AWSAccessKeyId": ACCESS_KEY, "StringToSign": to_sign, "SignatureProvided": signature,
        "StringToSignBytes": to_sign.encode().hex(" ").upper(), "CanonicalRequest": canonical,
        "CanonicalRequestBytes": canonical.encode().hex(" ").upper()}


def test_a_wrong_signature_of_version_2_shows_what_is_signed(cloud, place):
    """create_signature_does_not_match_sig_v2."""
    expires = int(time.time()) + 60
    status, found = unsigned(f"{cloud.endpoint}/{place['b']}/k?AWSAccessKeyId={ACCESS_KEY}&Signature=wrong%3D&Expires={expires}")
    text = f"GET\n\n\n{expires}\n/{place['b']}/k"
    assert (status, found["Code"], found["StringToSign"], found["SignatureProvided"]) == (403, "SignatureDoesNotMatch", text, "wrong=")
    assert found["StringToSignBytes"] == text.encode().hex(" ").upper() and "CanonicalRequest" not in found


def test_an_expired_url_says_when(cloud, place):
    """Recorded: test_presigned_url_signature_authentication_expired."""
    at = datetime.datetime.utcnow().replace(microsecond=0) - datetime.timedelta(hours=1)
    status, found = unsigned(presigned(cloud, f"/{place['b']}/k", expires=60, at=at))
    assert (status, found.pop("Code"), found.pop("Message")) == (403, "AccessDenied", "Request has expired")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.pop("ServerTime"))
    assert found == {"X-Amz-Expires": "60", "Expires": (at + datetime.timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")}


def test_an_unknown_key_is_named(cloud, place):
    status, found = unsigned(presigned(cloud, f"/{place['b']}/k", key="AKIAOTHER"))
    assert (status, found) == (403, {"Code": "InvalidAccessKeyId", "AWSAccessKeyId": "AKIAOTHER",
                                     "Message": "The AWS Access Key Id you provided does not exist in our records."})


MISSING = ("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
           "X-Amz-SignedHeaders, and X-Amz-Expires parameters.")


@pytest.mark.parametrize("name", ["Algorithm", "Credential", "Date", "Expires", "Signature", "SignedHeaders"])
def test_a_presigned_url_without_a_parameter_is_refused_by_name(cloud, place, name):
    """Recorded: test_presigned_url_v4_... (is_valid_sig_v4)."""
    url = re.sub(rf"X-Amz-{name}=[^&]*&?", "", presigned(cloud, f"/{place['b']}/k"))
    status, found = unsigned(url)
    assert (status, found) == (400, {"Code": "AuthorizationQueryParametersError", "Message": MISSING})


@pytest.mark.parametrize("pattern, value, message", [
    (r"Algorithm=[^&]*", "Algorithm=AWS4", 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"'),
    (r"Credential=[^&]*", "Credential=x", 'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting '
     '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    (r"Date=[^&]*", "Date=2026", """X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'\""""),
    (r"Expires=[^&]*", "Expires=soon", "X-Amz-Expires should be a number"),
    (r"Expires=[^&]*", "Expires=-1", "X-Amz-Expires must be non-negative"),
    (r"Expires=[^&]*", "Expires=604801", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
     "must be less than 604800 seconds")])
def test_a_wrong_parameter_of_a_presigned_url_is_refused_by_name(cloud, place, pattern, value, message):
    """minio/minio, cmd/api-errors.go: AuthorizationQueryParametersError."""
    status, found = unsigned(re.sub(f"X-Amz-{pattern}", f"X-Amz-{value}", presigned(cloud, f"/{place['b']}/k")))
    assert (status, found) == (400, {"Code": "AuthorizationQueryParametersError", "Message": message})


@pytest.mark.parametrize("missing", ["AWSAccessKeyId", "Signature", "Expires"])
def test_a_presigned_url_of_version_2_without_a_parameter_is_refused(cloud, place, missing):
    """Recorded: is_valid_sig_v2."""
    parameters = {"AWSAccessKeyId": ACCESS_KEY, "Signature": "x", "Expires": "1"}
    del parameters[missing]
    status, found = unsigned(f"{cloud.endpoint}/{place['b']}/k?" + "&".join(f"{k}={v}" for k, v in parameters.items()))
    assert (status, found) == (403, {"Code": "AccessDenied", "Message": "Query-string authentication requires the Signature, "
                                                                        "Expires and AWSAccessKeyId parameters"})


@pytest.mark.parametrize("header, status, code, message", [
    ("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0", 400, "AuthorizationHeaderMalformed",
     'The authorization header is malformed; the Credential is mal-formed; expecting '
     '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/us-east-1/s3/aws4_request", 400, "AuthorizationHeaderMalformed",
     "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and "
     "Signature."),
    ("AWS thumbwheel:0", 400, "InvalidRequest",
     "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."),
    (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", 403,
     "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")])
def test_a_wrong_authorization_header_is_refused_by_name(cloud, place, header, status, code, message):
    """minio/minio, cmd/api-errors.go; versity/versitygw, s3err.go."""
    assert unsigned(f"{cloud.endpoint}/{place['b']}/k", "-H", f"Authorization: {header}") == (
        status, {"Code": code, "Message": message})


def test_headers_that_are_not_signed_are_named(cloud, place):
    """Recorded: test_presigned_url_v4_signed_headers_in_qs and its neighbours."""
    status, found = unsigned(presigned(cloud, f"/{place['b']}/k"), "-H", "X-Amz-Request-Payer: requester")
    assert (status, found) == (403, {
        "Code": "AccessDenied", "Message": "There were headers present in the request which were not signed",
        "HeadersNotSigned": "x-amz-request-payer"})


def test_a_wrong_hash_of_the_body_shows_both(cloud, place):
    """"XAmzContentSHA256Mismatch" of localstack's provider, recorded in test_put_object_wrong_content_sha256."""
    wrong = hashlib.sha256(b"other").hexdigest()
    status, text = curl("-X", "PUT", "-H", f"x-amz-content-sha256: {wrong}", "--data-binary", "body",
                        f"{cloud.endpoint}/{place['b']}/new")
    assert (status, dict(elements(text))) == (400, {
        "Code": "XAmzContentSHA256Mismatch",
        "Message": "The provided 'x-amz-content-sha256' header does not match what was computed.",
        "ClientComputedContentSHA256": wrong, "S3ComputedContentSHA256": hashlib.sha256(b"body").hexdigest()})


# ---- forms ----

def form(s3, bucket, conditions=(), **changes):
    made = s3.generate_presigned_post(bucket, "new", Conditions=list(conditions))
    return made["url"], {name: value for name, value in {**made["fields"], **changes}.items() if value is not None}


def post(url, fields, body=b"body"):
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    if body is not None:
        parts.append(b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + body + b"\r\n")
    status, _, text = harness.http(url, "POST", b"".join(parts) + b"--x--\r\n", **{"Content-Type": "multipart/form-data; boundary=x"})
    return status, dict(elements(text))


def test_errors_of_forms(s3, place):
    """Recorded: TestS3PresignedPost (test_post_object_with_..., validate_post_policy in presigned_url.py)."""
    bucket = place["b"]
    for conditions, body, code, message, more in (
            ([["content-length-range", 0, 3]], b"body", "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size",
             {"ProposedSize": "4", "MaxSizeAllowed": "3"}),
            ([["content-length-range", 5, 9]], b"body", "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
             {"ProposedSize": "4", "MinSizeAllowed": "5"}),
            ([], None, "InvalidArgument", "POST requires exactly one file upload per request.",
             {"ArgumentName": "file", "ArgumentValue": "0"})):
        assert post(*form(s3, bucket, conditions), body) == (400, {"Code": code, "Message": message, **more})
    url, fields = form(s3, bucket)
    text = base64.b64encode(b"{}").decode()
    missing = {name: value for name, value in fields.items() if name != "key"}
    assert post(url, missing) == (400, {
        "Code": "InvalidArgument", "ArgumentName": "key", "ArgumentValue": "", "Message": "Bucket POST must contain a field named 'key'.  "
        "If it is specified, please check the order of the fields."})
    status, found = post(url, {**fields, "policy": text})
    name = "x-amz-signature" if "x-amz-signature" in fields else "signature"
    assert (status, found["Code"], found["StringToSign"], found["SignatureProvided"], found["StringToSignBytes"]) == (
        403, "SignatureDoesNotMatch", text, fields[name], text.encode().hex(" ").upper())
