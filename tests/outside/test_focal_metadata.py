"""The focal point that the metadata of a photo name: crops, compared with Pillow's, in the embedded cloud."""
import io

import pytest

import harness
import operation_runs as runs
from harness import open_image

WIDTH, HEIGHT, SIDE = 90, 60, 60
OUTPUTS = {"centre": "focal: { from: metadata }", "stated": "focal: { from: metadata, x: 0.6, y: 1 }", "fixed": "focal: { x: 0.4 }"}
SETTINGS = {name: f"width: {SIDE}, height: {SIDE}, fit: cover, {focal}" for name, focal in OUTPUTS.items()}
LEFTS = {"centre": 15, "stated": 24, "fixed": 6}  # of the crops of a photo without a point
POINTS = {"0.4,0.9": 6, "0,0": 0, " 1 , 0.5": 30, "0.5,0.5": 15}
NO_POINTS = ["centre", "0.4", "1.2,0.5", "-0.1,0.5", "nan,nan", "0.4,0.5,0.6", "", "0,4,0,5"]
WARNING, ABSENT = "x-amz-meta-focal is not two numbers from 0 to 1", "object has no x-amz-meta-focal"


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def cut(left, top=0):
    return (left, top, left + SIDE, top + SIDE)


def pipeline():
    return runs.pipeline(SETTINGS).replace("'o/", "'o/{name}/").replace("name: operations", "name: focal").replace("queue: q", "queue: focal")


def put(s3, key, image, **more):
    s3.put_object(Bucket="photos", Key=f"ingest/{key}", Body=png(image), **more)


def crops(s3, key):
    """After all outputs are there, which are stored in their order."""
    harness.until(lambda: all(harness.exists(s3, "photos", f"o/{key}/{name}") for name in OUTPUTS), f"the crops of {key}")
    return {name: open_image(harness.fetch(s3, "photos", f"o/{key}/{name}")) for name in OUTPUTS}


def lines_of(cloud, key):
    return [line for line in cloud.output().splitlines() if f"ingest/{key}" in line and "x-amz-meta-focal" in line]


@pytest.fixture
def cloud(start_cloud, tmp_path):
    def begin(*options):
        folder = tmp_path / "pipelines"
        folder.mkdir()
        (folder / "focal.yaml").write_text(pipeline())
        return start_cloud("--pipelines", folder, *options)
    return begin


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_crop_is_around_the_point_that_the_photo_names(cloud, tmp_path, isolation):
    process = cloud("--isolation", isolation)
    s3 = process.client("s3")
    wide, high = runs.smooth(WIDTH, HEIGHT), runs.smooth(HEIGHT, WIDTH)
    for i, (point, left) in enumerate(POINTS.items()):
        put(s3, f"{i}.png", wide, Metadata={"focal": point, "camera": "x"})
        found = crops(s3, f"{i}.png")
        assert runs.largest(found["centre"], wide.crop(cut(left))) == 0, point
        assert runs.largest(found["stated"], found["centre"]) == 0, point
        assert runs.largest(found["fixed"], wide.crop(cut(LEFTS["fixed"]))) == 0, point
        assert not lines_of(process, f"{i}.png")
    (tmp_path / "high.png").write_bytes(png(high))
    harness.aws(process.endpoint, "s3", "cp", tmp_path / "high.png", "s3://photos/ingest/high.png", "--metadata",
                '{"focal": "0.9,0.4"}')
    assert runs.largest(crops(s3, "high.png")["centre"], high.crop(cut(0, 6))) == 0


def test_what_is_no_point_is_logged_and_the_pipeline_s_point_is_used(cloud):
    process = cloud("--log-level", "info")
    s3 = process.client("s3")
    wide = runs.smooth(WIDTH, HEIGHT)
    for i, point in enumerate([None, *NO_POINTS]):
        put(s3, f"{i}.png", wide, Metadata={} if point is None else {"focal": point})
        found = crops(s3, f"{i}.png")
        for name, left in LEFTS.items():
            assert runs.largest(found[name], wide.crop(cut(left))) == 0, (point, name)
        process.wait_for(f"{ABSENT if point is None else WARNING}.*ingest/{i}[.]png")
        assert len(lines_of(process, f"{i}.png")) == 1, point


def test_new_metadata_of_the_same_bytes_make_a_new_crop(cloud):
    """A copy of an object onto itself has its ETag. What was fetched before still waits for other queues then."""
    process = cloud("--linger", "10m")
    s3 = process.client("s3")
    wide = runs.smooth(WIDTH, HEIGHT)
    put(s3, "a.png", wide, Metadata={"focal": "0,0"})
    assert runs.largest(crops(s3, "a.png")["centre"], wide.crop(cut(0))) == 0
    s3.copy_object(Bucket="photos", Key="ingest/a.png", CopySource="photos/ingest/a.png", MetadataDirective="REPLACE",
                   Metadata={"focal": "1,1"})
    harness.until(lambda: runs.largest(crops(s3, "a.png")["centre"], wide.crop(cut(30))) == 0, "the crop around the new point")


def test_files_have_no_metadata(tmp_path):
    wide = runs.smooth(WIDTH, HEIGHT)
    for name, picture in runs.run(tmp_path, png(wide), SETTINGS).items():
        assert runs.largest(picture, wide.crop(cut(LEFTS[name]))) == 0, name
