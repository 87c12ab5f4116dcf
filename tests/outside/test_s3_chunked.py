"""Bodies in the aws-chunked encoding that are not as they should be: what S3 accepts, and with which errors it refuses the rest.

Source: openstack/swift, test/s3api/test_input_errors.py (the cases named test_strm_unsgnd_pyld_trl_… and those of its checksums), which is
run against the service, too.
"""
import base64
import re
import struct
import urllib.parse
import zlib

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import harness
from harness import ACCESS_KEY, REGION, SECRET_KEY, fetch

BODY = b"test body"


def crc32(data):
    return base64.b64encode(struct.pack(">I", zlib.crc32(data))).decode()


CRC = f"x-amz-checksum-crc32: {crc32(BODY)}\r\n"


def chunks(*parts, line="\r\n"):
    return b"".join(b"%x%b%b%b" % (len(part), line.encode(), part, line.encode()) for part in parts)


WHOLE = chunks(BODY, b"")
TERMINATED = ("IncompleteBody", "The request body terminated unexpectedly")
MALFORMED = ("MalformedTrailerError",
             "The request contained trailing data that was not well-formed or did not conform to our published schema.")
UNSUPPORTED = ("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
SEVERAL = ("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
ALGORITHM = ("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
MISMATCH = ("BadDigest", "The CRC32 you specified did not match the calculated checksum.")
NUMBER = ("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}


class Streaming(S3SigV4Auth):
    def payload(self, request):
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def put(cloud, bucket, body, headers, signer=Streaming):
    """None, or the code and the text of the error, and its document."""
    if signer is Streaming:
        headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(BODY)), **headers}
    headers = {"Host": urllib.parse.urlsplit(cloud.endpoint).netloc, **headers}
    request = AWSRequest("PUT", f"{cloud.endpoint}/{bucket}/k", data=body, headers=headers)
    signer(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
    status, _, text = harness.http(request.url, "PUT", body, **dict(request.headers.items()))
    if status == 200:
        return None
    assert status == 400, text
    return tuple(re.search(f"<{name}>(.*?)</{name}>", text.decode()).group(1) for name in ("Code", "Message")), text.decode()


ACCEPTED = {
    "no_trailer": (WHOLE, {}),
    "header": (WHOLE, {"x-amz-checksum-crc32": crc32(BODY)}),
    "header_and_type": (WHOLE, {"x-amz-checksum-crc32": crc32(BODY), "x-amz-checksum-type": "COMPOSITE"}),
    "with_trailer": (WHOLE[:-2] + CRC.encode(), TRAILER),
    "with_comma": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": "x-amz-checksum-crc32,"}),
    "with_commas_4": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": "x-amz-checksum-crc32,,"}),
    "extra_line_after": (WHOLE[:-2] + CRC.encode() + b"\r\n", TRAILER),
    "extra_lines_after": (WHOLE[:-2] + CRC.encode() + b"\r\n\r\n", TRAILER),
    "junk_after": (WHOLE[:-2] + CRC.encode() + b"\r\n\xff\xde\xad\xbe\xef\xff", TRAILER),
    "trailer_after_the_end": (WHOLE[:-2] + CRC.encode() + b"\r\nbonus: trailer\r\n", TRAILER),
    "bad_then_good": (WHOLE[:-2] + f"x-amz-checksum-crc32: {crc32(BODY[:-1])}\r\n{CRC}".encode(), TRAILER),
    "no_trailing_crlf": (WHOLE[:-2], {}),
    "no_encoding": (WHOLE, {"content-encoding": "identity"}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_accepted(cloud, s3, bucket, case):
    assert put(cloud, bucket, *ACCEPTED[case]) is None
    assert fetch(s3, bucket, "k") == BODY


def other(trailer):
    return WHOLE[:-2] + f"{trailer}\r\n".encode()


REFUSED = {
    "not_encoded": (BODY, {}, TERMINATED),
    "no_cr": (chunks(BODY, b"", line="\n"), {}, TERMINATED),
    "no_lf": (chunks(BODY, b"", line="\r"), {}, TERMINATED),
    "no_trailing_lf": (WHOLE[:-1], {}, TERMINATED),
    "no_zero_chunk": (chunks(BODY), {}, TERMINATED),
    "trailer_no_cr": (WHOLE[:-2] + CRC.replace("\r", "").encode(), TRAILER, TERMINATED),
    "trailer_no_lf": (WHOLE[:-2] + CRC[:-1].encode(), TRAILER, TERMINATED),
    "trailer_no_crlf": (WHOLE[:-2] + CRC[:-2].encode(), TRAILER, TERMINATED),
    "cl_matches_decoded_cl": (b"9\r\n%b0\r\n" % BODY, {"x-amz-decoded-content-length": "15"}, TERMINATED),
    "extra_line_before": (WHOLE[:-2] + b"\r\n" + CRC.encode(), TRAILER, MALFORMED),
    "declared_no_trailer": (WHOLE, TRAILER, MALFORMED),
    "declared_algo_declared_no_trailer": (WHOLE, {**TRAILER, "x-amz-sdk-checksum-algorithm": "crc32"}, MALFORMED),
    "mismatch_trailer": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": "x-amz-checksum-crc32c"}, MALFORMED),
    "unsupported_trailer_sent": (other("x-amz-checksum-bad: x"), {"x-amz-trailer": "x-amz-checksum-crc32c"}, MALFORMED),
    "extra_trailer": (WHOLE[:-2] + CRC.encode() + b"bonus: trailer\r\n", TRAILER, MALFORMED),
    "trailer_checksum_invalid": (other("x-amz-checksum-crc32: not=base-64"), TRAILER,
                                 ("InvalidRequest", "Value for x-amz-checksum-crc32 trailing header is invalid.")),
    "trailer_checksum_mismatch": (other(f"x-amz-checksum-crc32: {crc32(b'not the body')}"), TRAILER, MISMATCH),
    "good_then_bad": (WHOLE[:-2] + f"{CRC}x-amz-checksum-crc32: {crc32(BODY[:-1])}\r\n".encode(), TRAILER, MISMATCH),
    "crc_header_mismatch": (WHOLE, {"x-amz-checksum-crc32": crc32(b"not the test body")}, MISMATCH),
    "multiple_trailers": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": "x-amz-checksum-crc32, x-amz-checksum-sha256"}, SEVERAL),
    "multiple_headers": (b"nonsense ignored", {"x-amz-checksum-crc32": crc32(BODY), "x-amz-checksum-crc32c": crc32(BODY)}, SEVERAL),
    "multiple_unsupported": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": "x-amz-checksum-crc32, x-amz-foo"}, UNSUPPORTED),
    "algo_mismatch": (b"nonsense ignored", {"x-amz-checksum-crc32": crc32(BODY), "x-amz-sdk-checksum-algorithm": "sha256"}, ALGORITHM),
    **{f"commas_{number}": (WHOLE[:-2] + CRC.encode(), {"x-amz-trailer": value}, UNSUPPORTED) for number, value in (
        (1, ", x-amz-checksum-crc32, ,"), (2, ", x-amz-checksum-crc32"), (3, ",x-amz-checksum-crc32"), (5, "x-amz-checksum-crc32, ,"))},
    **{f"trailer_{name}": (other(f"{name}: x"), {"x-amz-trailer": name}, UNSUPPORTED)
       for name in ("foo", "content-md5", "x-amz-content-sha256", "x-amz-checksum-bad")},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(cloud, s3, bucket, case):
    body, headers, wanted = REFUSED[case]
    found, text = put(cloud, bucket, body, headers)
    assert found == wanted and "NumberBytes" not in text
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("body, provided", [(chunks(BODY[:4], b"", BODY[4:], b""), 4), (chunks(BODY * 2, b""), 2 * len(BODY)),
                                            (chunks(BODY[:4], BODY * 20_000, b""), 4 + 20_000 * len(BODY))],
                         ids=["zero_chunk_mid_stream", "too_many_bytes", "far_too_many"])
def test_another_number_of_bytes(cloud, s3, bucket, body, provided):
    found, text = put(cloud, bucket, body, {})
    assert found == NUMBER
    assert re.search(r"<NumberBytesExpected>(\d+)</NumberBytesExpected><NumberBytesProvided>(\d+)<", text).groups() == (
        str(len(BODY)), str(provided))
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_an_algorithm_needs_a_checksum(cloud, bucket):
    found, _ = put(cloud, bucket, BODY, {"x-amz-sdk-checksum-algorithm": "CRC32"}, signer=S3SigV4Auth)
    assert found == ("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                                       "headers were found.")
    found, _ = put(cloud, bucket, BODY, {"x-amz-checksum-bad": crc32(BODY)}, signer=S3SigV4Auth)
    assert found == ("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
