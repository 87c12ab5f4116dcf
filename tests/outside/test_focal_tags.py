"""The focal point that a tag of the photo names: a request for tags only where a pipeline wants them. The gallery, which reads tags as
well, is off where requests are counted."""
import json

import pytest

import harness
import operation_runs as runs
from harness import open_image, thumbwheel, until
from test_focal_metadata import SIDE, cut, png

SETTINGS = f"width: {SIDE}, height: {SIDE}, fit: cover, focal: {{ from: tags, x: 0.6 }}"
LEFTS = {"focal=0.4:0.9": 6, "focal=0%3A0": 0, "focal=1:0.5&other=a": 30, "other=0.4:0.9": 24, "": 24, "focal=centre": 24, "focal=1.2:0.5": 24}


def pipelines(folder, settings=SETTINGS):
    folder.mkdir()
    (folder / "focal.yaml").write_text(runs.pipeline({"x": settings}).replace("'o/", "'o/{name}/").replace("name: operations", "name: focal")
                                       .replace("queue: q", "queue: focal"))
    return folder


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_crop_is_around_the_point_of_the_tag(start_cloud, tmp_path, isolation):
    cloud = start_cloud("--log-level", "info", "--gallery", "off", "--isolation", isolation, "--pipelines", pipelines(tmp_path / "pipelines"))
    s3, photo = cloud.client("s3"), runs.smooth()
    for i, tags in enumerate(LEFTS):
        s3.put_object(Bucket="photos", Key=f"ingest/{i}.png", Body=png(photo), Tagging=tags)
    for i, (tags, left) in enumerate(LEFTS.items()):
        until(lambda: harness.exists(s3, "photos", f"o/{i}.png/x"), f"the crop of {i}")
        made = open_image(harness.fetch(s3, "photos", f"o/{i}.png/x"))
        assert runs.largest(made, photo.crop(cut(left))) == 0, tags
    lines = cloud.output().splitlines()
    assert sum("the tag focal is not two numbers" in line for line in lines) == 2
    assert [len(cloud.requests("GetObjectTagging", key=f"ingest/{i}.png")) for i in range(len(LEFTS))] == [1] * len(LEFTS)


def test_no_tags_are_requested_without_such_a_pipeline(start_cloud, tmp_path):
    cloud = start_cloud("--gallery", "off", "--pipelines", pipelines(tmp_path / "pipelines", SETTINGS.replace("tags", "metadata")))
    s3 = cloud.client("s3")
    s3.put_object(Bucket="photos", Key="ingest/a.png", Body=png(runs.smooth()), Tagging="focal=0:0")
    until(lambda: harness.exists(s3, "photos", "o/a.png/x"), "the crop")
    assert cloud.requests("GetObjectTagging") == []


def test_a_photo_is_tried_again_while_its_tags_cannot_be_read(start_cloud, tmp_path):
    (tmp_path / "faults.json").write_text(json.dumps({"operation": "GetObjectTagging", "fault": "error", "nth": 1, "times": 9}))
    cloud = start_cloud("--backoff", "1s", "--faults", tmp_path / "faults.json", "--pipelines", pipelines(tmp_path / "pipelines"))
    s3, photo = cloud.client("s3"), runs.smooth()
    s3.put_object(Bucket="photos", Key="ingest/a.png", Body=png(photo), Tagging="focal=0:0")
    until(lambda: harness.exists(s3, "photos", "o/a.png/x"), "the crop")
    assert runs.largest(open_image(harness.fetch(s3, "photos", "o/a.png/x")), photo.crop(cut(0))) == 0


def test_the_policy_allows_to_read_the_tags(start_cloud, tmp_path):
    cloud = start_cloud()
    done = thumbwheel("provision", "--emit", "iam-policy", "--bucket", "photos", "--endpoint", cloud.endpoint,
                      "--pipelines", pipelines(tmp_path / "pipelines"), environment=harness.aws_environment())
    assert done.returncode == 0, done.stderr
    statement, = (s for s in json.loads(done.stdout)["Statement"] if s["Sid"] == "FocalTags")
    assert statement["Action"] == ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
    assert statement["Resource"] == ["arn:aws:s3:::photos/ingest/*"]
