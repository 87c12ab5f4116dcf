"""Overlays that are objects in buckets: fetched by the engine, kept, looked at again, and never a reason to lose a photo."""
import io
import json
import subprocess

import pytest
from PIL import Image

import harness
import operation_runs as runs
from harness import PROGRAM, clean_environment, open_image, thumbwheel, until

PHOTO = (90, 60)


def png(colour, size=PHOTO):
    out = io.BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def pipelines(folder, *overlays, name="overlays"):
    folder.mkdir(exist_ok=True)
    outputs = {f"{i}": f"overlay: {{ {overlay} }}" for i, overlay in enumerate(overlays)}
    text = runs.pipeline(outputs).replace("'o/", f"'{name}/{{name}}/").replace("name: operations", f"name: {name}")
    (folder / f"{name}.yaml").write_text(text.replace("queue: q", f"queue: {name}"))
    return folder


def put_photo(s3, name):
    s3.put_object(Bucket="photos", Key=f"ingest/{name}", Body=png("white"))


def made(s3, name, output="0", folder="overlays"):
    key = f"{folder}/{name}/{output}"
    until(lambda: harness.exists(s3, "photos", key), f"the output {key}")
    return open_image(harness.fetch(s3, "photos", key)).convert("RGB")


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_an_object_is_laid_over_the_output(start_cloud, tmp_path, isolation):
    """With its bucket or without, and beside an overlay that is a text."""
    folder = pipelines(tmp_path / "pipelines", "object: 's3://photos/logos/red.png', gravity: northwest", "object: logos/blue.png, gravity: southeast",
                       "text: A, size: 40, colour: black", "object: 's3://photos/logos/red.png', gravity: southeast")
    cloud = start_cloud("--isolation", isolation, "--pipelines", folder)
    s3 = cloud.client("s3")
    s3.put_object(Bucket="photos", Key="logos/red.png", Body=png("red", (30, 20)))
    s3.put_object(Bucket="photos", Key="logos/blue.png", Body=png("blue", (30, 20)))
    for name in ("a.png", "b.png"):
        put_photo(s3, name)
    for name in ("a.png", "b.png"):
        for output, colour, inside in (("0", (255, 0, 0), (29, 19)), ("1", (0, 0, 255), (60, 40)), ("3", (255, 0, 0), (60, 40))):
            image = made(s3, name, output)
            assert image.getpixel(inside) == colour and image.getpixel((45, 20)) == (255, 255, 255)
        assert min(made(s3, name, "2").convert("L").getdata()) < 100


def test_it_is_fetched_once(start_cloud, tmp_path):
    folder = pipelines(tmp_path / "pipelines", "object: logos/red.png")
    pipelines(folder, "object: 's3://photos/logos/red.png'", name="second")
    cloud = start_cloud("--gallery", "off", "--pipelines", folder)
    s3 = cloud.client("s3")
    s3.put_object(Bucket="photos", Key="logos/red.png", Body=png("red"))
    for i in range(8):
        put_photo(s3, f"{i}.png")
    for i in range(8):
        for pipeline in ("overlays", "second"):
            assert made(s3, f"{i}.png", folder=pipeline).getpixel((45, 30)) == (255, 0, 0)
    assert len(cloud.requests("GetObject", key="logos/red.png", status=200)) == 1  # another one may precede it: of the photo of the start
    s3.put_object(Bucket="photos", Key="logos/red.png", Body=png("blue"))
    put_photo(s3, "later.png")
    assert made(s3, "later.png").getpixel((45, 30)) == (255, 0, 0)  # it is looked at again after a minute


def bad_pictures():
    yield "missing", None, "not exist"
    yield "text", b"this is no picture", "not in a format that is read"
    yield "cut", png("red")[:60], "is damaged"
    yield "large", png("red") + bytes(1024 * 1024), "can't be used"
    wide = io.BytesIO()
    Image.new("L", (4097, 8)).save(wide, "PNG")
    yield "wide", wide.getvalue(), "larger than 4096"
    yield "drawing", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "read by default"


@pytest.mark.parametrize("name, body, text", bad_pictures(), ids=lambda value: value if isinstance(value, str) and " " not in value else "")
def test_a_photo_waits_until_its_overlay_is_in_order(start_cloud, tmp_path, name, body, text):
    cloud = start_cloud("--backoff", "1s", "--pipelines", pipelines(tmp_path / "pipelines", "object: logos/red.png"))
    s3 = cloud.client("s3")
    if body:
        s3.put_object(Bucket="photos", Key="logos/red.png", Body=body)
    put_photo(s3, "a.png")
    until(lambda: "overlay-unavailable" in cloud.output() and text in cloud.output(), f"the reason of {name}")
    if name in ("missing", "large"):  # others are looked at again after a minute
        s3.put_object(Bucket="photos", Key="logos/red.png", Body=png("red"))
        assert made(s3, "a.png").getpixel((45, 30)) == (255, 0, 0)


@pytest.mark.parametrize("overlay, text", [
    ("object: 's3://logos'", "is not s3://BUCKET/KEY"), ("object: 's3:///a.png'", "is not s3://BUCKET/KEY"), ("object: /a.png", "begins with a slash"),
    ("object: a.png, file: a.png", "exactly one of file, object and text"), ("scale: 0.5", "exactly one of file, object and text"),
    (f"object: {'k' * 1025}", "more than 1024 bytes")])
def test_names_are_checked(tmp_path, overlay, text):
    code, output = runs.check(tmp_path, f"overlay: {{ {overlay} }}")
    assert code == 2 and text in output, output


def test_process_fetches_it_with_the_users_credentials(start_cloud, tmp_path):
    """Another embedded cloud stands for AWS."""
    cloud = start_cloud()
    cloud.client("s3").put_object(Bucket="photos", Key="logos/red.png", Body=png("red"))
    (tmp_path / "a.png").write_bytes(png("white"))
    (tmp_path / "p.yaml").write_text(runs.pipeline({"x": "overlay: { object: 's3://photos/logos/red.png' }"}))
    environment = clean_environment() | harness.aws_environment(cloud.endpoint)
    done = subprocess.run([PROGRAM, "process", "--json", "--pipelines", tmp_path / "p.yaml", "--out", tmp_path / "out", tmp_path / "a.png"],
                          env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert open_image((tmp_path / "out/o/x").read_bytes()).convert("RGB").getpixel((45, 30)) == (255, 0, 0)


def test_process_needs_the_bucket_of_an_overlay(tmp_path):
    (tmp_path / "a.png").write_bytes(png("white"))
    (tmp_path / "p.yaml").write_text(runs.pipeline({"x": "overlay: { object: logos/red.png }"}))
    done = thumbwheel("process", "--pipelines", tmp_path / "p.yaml", "--out", tmp_path / "out", tmp_path / "a.png")
    assert done.returncode == 2 and "use s3://BUCKET/KEY" in done.stderr, done.stderr


def test_the_policy_allows_to_read_it(start_cloud, tmp_path):
    cloud = start_cloud()
    folder = pipelines(tmp_path / "pipelines", "object: logos/red.png", "object: 's3://brand/logo.png'", "object: 's3://brand/logo.png', opacity: 0.5")
    done = thumbwheel("provision", "--emit", "iam-policy", "--bucket", "photos", "--endpoint", cloud.endpoint, "--pipelines", folder,
                      environment=harness.aws_environment())
    assert done.returncode == 0, done.stderr
    statement, = (s for s in json.loads(done.stdout)["Statement"] if s["Sid"] == "Overlays")
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == ["arn:aws:s3:::photos/logos/red.png", "arn:aws:s3:::brand/logo.png"]
