"""DetectLabels with third-party clients. What an image's labels must be is derived from what the analyser
documents (pipelines/labels/labels.c): a fact, a colour's share of the area, a mean lightness."""
import io
import json
import os
import signal
import threading
import time

import pytest
from botocore.exceptions import ReadTimeoutError
from PIL import Image

import harness
from harness import ACCOUNT, aws, error_code, until

COMPOSITION = "Colors and Visual Composition"
RED = (255, 0, 0)


def encoded(image, format="PNG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def plain(colour=RED, width=400, height=300, format="PNG", **options):
    return encoded(Image.new("RGB", (width, height), colour), format, **options)


@pytest.fixture(scope="module")
def rekognition(cloud):
    return cloud.client("rekognition")


def labels(rekognition, data, **more):
    response = rekognition.detect_labels(Image={"Bytes": data}, **more)
    return {label["Name"]: label for label in response["Labels"]}


def test_a_red_picture_is_red(rekognition):
    response = rekognition.detect_labels(Image={"Bytes": plain()})
    assert response["LabelModelVersion"] and "OrientationCorrection" not in response and "ImageProperties" not in response
    found = {label["Name"]: label for label in response["Labels"]}
    assert found["Dominant Colour Red"] == {
        "Name": "Dominant Colour Red", "Confidence": 100, "Instances": [], "Parents": [{"Name": "Dominant Colour"}],
        "Aliases": [], "Categories": [{"Name": COMPOSITION}]}
    assert found["Landscape"] == {"Name": "Landscape", "Confidence": 100, "Instances": [], "Parents": [], "Aliases": [],
                                  "Categories": [{"Name": COMPOSITION}]}
    assert {"Monochrome", "Low Resolution", "Low Contrast"} <= set(found)
    assert not {"Portrait", "Square", "Black and White", "Transparency"} & set(found)
    confidences = [label["Confidence"] for label in response["Labels"]]
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize("data, expected", [
    (plain((0, 0, 255), 300, 400, "JPEG"), {"Dominant Colour Blue", "Portrait"}),
    (plain((0, 0, 0), 300, 300), {"Dominant Colour Black", "Square", "Dark", "Black and White"}),
    (plain((255, 255, 255), 900, 300), {"Dominant Colour White", "Panorama", "Bright"}),
    (encoded(Image.new("RGBA", (300, 300), (255, 0, 0, 128))), {"Dominant Colour Red", "Transparency"}),
])
def test_pictures_have_the_labels_that_are_documented(rekognition, data, expected):
    assert expected <= set(labels(rekognition, data))


def test_labels_of_the_file_have_no_category(rekognition):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", "Cam 1"
    found = labels(rekognition, plain(format="JPEG", exif=exif))
    camera, = (label for label in found.values() if {"Name": "Camera"} in label["Parents"])
    assert "Cam 1" in camera["Name"] and camera["Categories"] == [] and camera["Confidence"] == 100


def test_max_labels_keeps_the_highest_confidence(rekognition):
    every = rekognition.detect_labels(Image={"Bytes": plain()})["Labels"]
    assert len(every) > 2
    for most in (0, 1, 2, len(every), 10_000):
        assert rekognition.detect_labels(Image={"Bytes": plain()}, MaxLabels=most)["Labels"] == every[:most]


def half_and_half():
    """35 % of it blue on white: 50 + 50 · (35 - 10) / (60 - 10) = 75 percent sure of the second colour."""
    image = Image.new("RGB", (400, 400), (255, 255, 255))
    image.paste((0, 0, 255), (0, 0, 140, 400))
    return encoded(image)


def test_min_confidence_is_55_unless_asked(rekognition):
    data = half_and_half()
    found = labels(rekognition, data)
    assert found["Second Colour Blue"]["Confidence"] == pytest.approx(75, abs=2)
    assert all(label["Confidence"] >= 55 for label in found.values())
    assert "Second Colour Blue" in labels(rekognition, data, MinConfidence=70)
    sure = labels(rekognition, data, MinConfidence=80.5)
    assert "Second Colour Blue" not in sure and "Square" in sure
    image = Image.new("RGB", (400, 400), (255, 255, 255))  # 12 % of it blue: 52 percent sure
    image.paste((0, 0, 255), (0, 0, 48, 400))
    assert "Second Colour Blue" not in labels(rekognition, encoded(image))
    assert "Second Colour Blue" in labels(rekognition, encoded(image), MinConfidence=0)


def test_filters_choose_by_name_and_category(rekognition):
    def ask(**filters):
        return set(labels(rekognition, data, Settings={"GeneralLabels": filters}))
    exif = Image.Exif()
    exif[0x0110] = "Cam 1"
    data = plain(format="JPEG", exif=exif)
    every = ask()
    camera, = (name for name in every if name.startswith("Camera"))
    assert ask(LabelInclusionFilters=["Landscape", "Cat"]) == {"Landscape"}
    assert ask(LabelExclusionFilters=["Landscape"]) == every - {"Landscape"}
    assert ask(LabelInclusionFilters=["Landscape", camera], LabelExclusionFilters=[camera]) == {"Landscape"}
    assert ask(LabelCategoryInclusionFilters=[COMPOSITION]) == every - {camera}
    assert ask(LabelCategoryExclusionFilters=[COMPOSITION]) == {camera}
    assert ask(LabelCategoryInclusionFilters=["Sports"]) == set()
    assert ask(LabelInclusionFilters=[]) == every


def test_an_object_has_the_labels_of_its_version(rekognition, s3, bucket):
    def ask(**more):
        response = rekognition.detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": "a/ö +.jpg", **more}})
        return {label["Name"] for label in response["Labels"]}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    red = s3.put_object(Bucket=bucket, Key="a/ö +.jpg", Body=plain())["VersionId"]
    blue = s3.put_object(Bucket=bucket, Key="a/ö +.jpg", Body=plain((0, 0, 255)))["VersionId"]
    assert "Dominant Colour Blue" in ask() and "Dominant Colour Blue" in ask(Version=blue)
    assert "Dominant Colour Red" in ask(Version=red)
    marker = s3.delete_object(Bucket=bucket, Key="a/ö +.jpg")["VersionId"]
    assert "Dominant Colour Red" in ask(Version=red)
    for more in ({}, {"Version": marker}, {"Version": "0" * 16}, {"Version": "nonsense"}):
        assert error_code(ask, **more) == ("InvalidS3ObjectException", 400)


def test_a_large_object_is_read_from_its_parts(rekognition, s3, bucket):
    noise = Image.effect_noise((2600, 2300), 90).convert("RGB")
    data = encoded(noise, "PNG", compress_level=0)
    assert 15 * 2**20 < len(data)
    key = {"S3Object": {"Bucket": bucket, "Name": "noise.png"}}
    s3.put_object(Bucket=bucket, Key="noise.png", Body=data)
    assert error_code(rekognition.detect_labels, Image=key) == ("ImageTooLargeException", 400)
    data = encoded(noise.convert("L"), "PNG", compress_level=0)
    assert 5 * 2**20 < len(data) < 6 * 2**20
    upload = s3.create_multipart_upload(Bucket=bucket, Key="noise.png")["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key="noise.png", UploadId=upload,
                                                           PartNumber=number, Body=body)["ETag"]}
             for number, body in enumerate((data[:5 * 2**20], data[5 * 2**20:]), 1)]
    s3.complete_multipart_upload(Bucket=bucket, Key="noise.png", UploadId=upload, MultipartUpload={"Parts": parts})
    found = {label["Name"] for label in rekognition.detect_labels(Image=key)["Labels"]}
    assert {"Landscape", "Black and White"} <= found
    assert error_code(rekognition.detect_labels, Image={"Bytes": data}) == ("ImageTooLargeException", 400)


def test_an_unavailable_object_is_an_invalid_s3_object(rekognition, cloud, s3, bucket):
    def ask(bucket, key="red.png"):
        return error_code(rekognition.detect_labels, Image={"S3Object": {"Bucket": bucket, "Name": key}})
    s3.put_object(Bucket=bucket, Key="red.png", Body=plain())
    assert ask("nowhere-at-all") == ("InvalidS3ObjectException", 400)
    assert ask(bucket, "missing.png") == ("InvalidS3ObjectException", 400)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    assert ask(bucket) == ("InvalidS3ObjectException", 400)
    s3.delete_bucket_policy(Bucket=bucket)
    rekognition.detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": "red.png"}})
    line = until(lambda: cloud.requests("DetectLabels", resource=bucket, key="red.png", status=200), "a line in the log")
    assert line[0]["service"] == "rekognition"


HOSTILE = {
    "empty object": b"",
    "text": b"no image at all",
    "only a beginning": plain(format="JPEG")[:200],
    "a PNG's name alone": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "a GIF, which Rekognition does not take": encoded(Image.new("RGB", (300, 300), RED), "GIF"),
    "a WebP, which it does not take either": encoded(Image.new("RGB", (300, 300), RED), "WEBP"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_data_that_is_not_an_image_is_refused(rekognition, s3, bucket, what):
    s3.put_object(Bucket=bucket, Key="x", Body=HOSTILE[what])
    wrong = ("InvalidImageFormatException", 400)
    assert error_code(rekognition.detect_labels, Image={"S3Object": {"Bucket": bucket, "Name": "x"}}) == wrong
    if HOSTILE[what]:
        assert error_code(rekognition.detect_labels, Image={"Bytes": HOSTILE[what]}) == wrong


# "Guidelines and quotas in Amazon Rekognition": 80 pixels at least and 10,000 at most, in height and width; the name of
# the first error is on record in boto/botocore, issue 1366.
@pytest.mark.parametrize("size, code", [
    ((79, 300), "InvalidParameterException"), ((300, 79), "InvalidParameterException"), ((1, 1), "InvalidParameterException"),
    ((80, 80), None), ((10_000, 80), None), ((10_001, 80), "ImageTooLargeException"), ((80, 10_001), "ImageTooLargeException")])
@pytest.mark.parametrize("how", [{"format": "PNG"}, {"format": "JPEG"}, {"format": "JPEG", "progressive": True}],
                         ids=["png", "jpeg", "progressive"])
def test_the_sides_of_an_image_have_limits(rekognition, size, code, how):
    data = plain(width=size[0], height=size[1], **how)
    if code:
        assert error_code(rekognition.detect_labels, Image={"Bytes": data}) == (code, 400)
    else:
        assert "Dominant Colour Red" in labels(rekognition, data)


@pytest.mark.parametrize("size", [5 * 2**20 + 1, 8 * 2**20, 16 * 2**20])
def test_an_image_of_too_many_bytes_is_too_large(rekognition, size):
    assert error_code(rekognition.detect_labels, Image={"Bytes": bytes(size)}) == ("ImageTooLargeException", 400)
    assert error_code(rekognition.detect_faces, Image={"Bytes": bytes(size)}) == ("NotImplemented", 501)
    assert "Dominant Colour Red" in labels(rekognition, plain())


def test_a_decompression_bomb_is_too_large_and_costs_nothing(rekognition):
    assert error_code(rekognition.detect_labels, Image={"Bytes": harness.png_bomb()}) == ("ImageTooLargeException", 400)
    assert "Dominant Colour Red" in labels(rekognition, plain())


@pytest.mark.parametrize("parameters, code", [
    ({"Image": {}}, ("InvalidParameterException", 400)),
    ({}, ("InvalidParameterException", 400)),
    ({"Image": {"Bytes": b""}}, ("InvalidParameterException", 400)),
    ({"Image": {"Bytes": b"x", "S3Object": {"Bucket": "abc", "Name": "x"}}}, ("InvalidParameterException", 400)),
    ({"Image": {"S3Object": {"Bucket": "abc"}}}, ("InvalidParameterException", 400)),
    ({"Image": {"S3Object": {"Bucket": "abc", "Name": ""}}}, ("InvalidParameterException", 400)),
    ({"MaxLabels": -1}, ("InvalidParameterException", 400)),
    ({"MinConfidence": -0.1}, ("InvalidParameterException", 400)),
    ({"MinConfidence": 101}, ("InvalidParameterException", 400)),
    ({"Features": ["COLOURS"]}, ("InvalidParameterException", 400)),
    ({"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"] * 101}}}, ("InvalidParameterException", 400)),
    ({"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["x" * 51]}}}, ("InvalidParameterException", 400)),
    ({"Features": ["IMAGE_PROPERTIES"]}, ("NotImplemented", 501)),
    ({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}, ("NotImplemented", 501)),
    ({"Settings": {"ImageProperties": {"MaxDominantColors": 3}}}, ("NotImplemented", 501)),
])
def test_wrong_parameters_are_refused(cloud, parameters, code):
    client = cloud.client("rekognition", parameter_validation=False)
    given = parameters if "Image" in parameters or not parameters else {"Image": {"Bytes": plain()}, **parameters}
    assert error_code(client.detect_labels, **given) == code


def test_general_labels_may_be_requested(rekognition):
    assert labels(rekognition, plain(), Features=["GENERAL_LABELS"]) == labels(rekognition, plain(), Features=[])


def post(cloud, body, operation="DetectLabels"):
    status, response = harness.curl("-X", "POST", cloud.endpoint + "/", "-H", "Content-Type: application/x-amz-json-1.1",
                                  "-H", f"X-Amz-Target: RekognitionService.{operation}", "-d", body,
                                  service="rekognition")
    return status, json.loads(response)


def test_bodies_that_no_client_sends_are_refused(cloud):
    for body in ('{"Image": {"Bytes": "***"}}', '{"Image": 3}', '{"Image": {"Bytes": 3}}', "{", "[]",
                 '{"Image": {"Bytes": "AAAA"}, "MaxLabels": "1"}', '{"Image": {"Bytes": "AAAA"}, "MinConfidence": []}',
                 '{"Image": {"Bytes": "AAAA"}, "Features": [1]}'):
        status, response = post(cloud, body)
        assert (status, response["__type"]) == (400, "SerializationException"), body


def test_other_operations_are_refused_by_name(rekognition, cloud):
    assert error_code(rekognition.detect_faces, Image={"Bytes": plain()}) == ("NotImplemented", 501)
    status, response = post(cloud, "{}", "SearchUsersByImage")
    assert status == 501 and "SearchUsersByImage" in response["message"]
    assert post(cloud, "{}", "FlyToTheMoon")[1]["__type"] == "UnknownOperationException"


def test_the_command_line_sends_bytes_and_objects(cloud, s3, bucket, tmp_path):
    (tmp_path / "red.png").write_bytes(plain())
    by_bytes = aws(cloud.endpoint, "rekognition", "detect-labels", "--image-bytes", f"fileb://{tmp_path}/red.png",
                   "--min-confidence", "90")
    assert "Dominant Colour Red" in {label["Name"] for label in by_bytes["Labels"]}
    aws(cloud.endpoint, "s3", "cp", tmp_path / "red.png", f"s3://{bucket}/red.png")
    image = json.dumps({"S3Object": {"Bucket": bucket, "Name": "red.png"}})
    assert aws(cloud.endpoint, "rekognition", "detect-labels", "--image", image, "--min-confidence", "90") == by_bytes
    refused = aws(cloud.endpoint, "rekognition", "detect-labels", "--image", image.replace("red.", "blue."), check=False)
    assert refused.returncode and "InvalidS3ObjectException" in refused.stderr


def test_concurrent_requests_all_succeed(cloud):
    wrong, colours = [], {"Red": RED, "Blue": (0, 0, 255), "White": (255, 255, 255)}

    def ask(colour):
        if f"Dominant Colour {colour}" not in labels(cloud.client("rekognition"), plain(colours[colour])):
            wrong.append(colour)

    threads = [threading.Thread(target=ask, args=(colour,)) for colour in list(colours) * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_cloud_alone_starts_its_decoder_with_the_first_image(start_cloud, isolation):
    cloud = start_cloud("--cloud-only", "--isolation", isolation, photos=())
    rekognition = cloud.client("rekognition")
    cloud.client("s3").list_buckets()
    assert cloud.children() == []
    assert "Dominant Colour Red" in labels(rekognition, plain())
    assert error_code(rekognition.detect_labels, Image={"Bytes": HOSTILE["only a beginning"]}) == (
        "InvalidImageFormatException", 400)
    decoders = cloud.children()
    assert bool(decoders) == (isolation == "process")
    assert cloud.stop() == 0
    assert not any(harness.still_there(mark) for mark in decoders)


def test_a_client_that_disconnects_occupies_no_decoder(start_cloud, tmp_path):
    """A stopped decoder would be busy for a minute; once its client has disconnected, the next request is served."""
    cloud = start_cloud("--cloud-only", "--workers", "1", "--image-timeout", "60s", photos=())
    rekognition = cloud.client("rekognition", read_timeout=3)
    labels(cloud.client("rekognition"), plain())
    (pid, _), = cloud.children()
    os.kill(int(pid), signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        rekognition.detect_labels(Image={"Bytes": plain()})
    assert "Dominant Colour Red" in labels(cloud.client("rekognition"), plain())
    assert time.monotonic() - started < 55
