"""Several sizes of one output, their manifest, and placeholders, compared with npm's thumbhash and blurhash."""
import base64
import collections
import json
import random
import subprocess

import pytest
from PIL import Image, ImageDraw

import harness
from harness import ROOT, clean_environment, open_image, thumbwheel
from test_image_formats import as_png, check

ALL = "placeholder: [thumbhash, blurhash, colour]"
SIZES = """name: sizes
queue: q
match: { prefix: ingest/ }
outputs:
  - { key: "web/{stem}-{width}.{ext}", widths: [40, 80, 640, 1280], format: webp, manifest: "web/{stem}.json",
      manifest_url: "https://cdn.example.com/", placeholder: [thumbhash, blurhash, colour] }
  - { key: "web/{stem}-{width}.{ext}", widths: [40, 80, 640, 1280], format: jpeg, manifest: "web/{stem}.json",
      manifest_url: "https://cdn.example.com/" }
  - { key: "card/{stem}-{width}.{ext}", width: 20, height: 10, fit: cover, dpr: [1, 1.5, 2], format: png, manifest: "card/{stem}.json" }
  - { key: "box/{stem}-{width}x{height}.{ext}", width: 40, height: 20, widths: [20, 80], fit: cover, format: png }
  - { key: "same/{stem}-{width}.{ext}", widths: [40, 80], format: webp, manifest: "same/{stem}.json" }
"""


def process(folder, text, sources, *arguments):
    (folder / "one.yaml").write_text(text)
    (folder / "in").mkdir(exist_ok=True)
    for name, data in sources.items():
        (folder / "in" / name).write_bytes(data)
    done = thumbwheel("process", "--json", "--pipelines", folder / "one.yaml", "--out", folder / "out", *arguments, folder / "in")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=["process", "thread"])
def out(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    process(folder, SIZES, {"a photo.png": harness.png(120, 90)}, "--isolation", request.param)
    return folder / "out"


def test_each_width_is_an_output_once(out):
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    widths = (40, 80, 120)  # the source has no more
    assert names == sorted([f"web/a photo-{width}.{ext}" for width in widths for ext in ("webp", "jpg")]
                           + [f"card/a photo-{width}.png" for width in (20, 30, 40)]
                           + ["box/a photo-20x10.png", "box/a photo-80x40.png", "web/a photo.json", "card/a photo.json"]
                           + ["same/a photo-40.webp", "same/a photo-80.webp", "same/a photo.json"])
    for path in out.rglob("box/*.png"):
        assert open_image(path.read_bytes()).size == tuple(map(int, path.stem.split("-")[1].split("x")))


def test_the_manifest_lists_what_is_stored(out):
    manifest = json.loads((out / "web/a photo.json").read_text())
    assert manifest["source"] == {"bucket": "photos", "key": "ingest/a photo.png", "width": 120, "height": 90}
    assert [(image["width"], image["type"]) for image in manifest["images"]] == [
        (width, kind) for kind in ("image/webp", "image/jpeg") for width in (40, 80, 120)]
    for image in manifest["images"]:
        data = (out / image["key"]).read_bytes()
        picture = open_image(data)
        assert (image["bytes"], image["width"], image["height"]) == (len(data), *picture.size)
        assert image["type"] == Image.MIME[picture.format] and image["bucket"] == "photos"
        assert image["url"] == "https://cdn.example.com/" + image["key"].replace(" ", "%20")
    assert manifest["srcset"]["image/webp"] == ", ".join(f"https://cdn.example.com/web/a%20photo-{width}.webp {width}w"
                                                         for width in (40, 80, 120))
    assert set(manifest["placeholder"]) == {"thumbhash", "blurhash", "colour"}


def test_a_list_of_densities_has_their_descriptors(out):
    manifest = json.loads((out / "card/a photo.json").read_text())
    assert [(image["dpr"], image["width"], image["height"]) for image in manifest["images"]] == [(1, 20, 10), (1.5, 30, 15), (2, 40, 20)]
    assert manifest["srcset"] == {"image/png": "card/a%20photo-20.png 1x, card/a%20photo-30.png 1.5x, card/a%20photo-40.png 2x"}
    assert "placeholder" not in manifest


def test_equal_renditions_are_copied_and_listed(out):
    for width in (40, 80):
        assert (out / f"same/a photo-{width}.webp").read_bytes() == (out / f"web/a photo-{width}.webp").read_bytes()


def test_a_report_lists_manifests_without_a_size(tmp_path):
    report = process(tmp_path, SIZES, {"a.png": harness.png(120, 90)})
    outputs = report[0]["pipelines"][0]["outputs"]
    assert len(outputs) == 16
    assert [(output["width"], output["error"]) for output in outputs if output["key"].endswith(".json")] == [(None, None)] * 3


def pictures():
    """Of all shapes that the hashes distinguish: landscape, upright, square, tiny, with alpha, of one colour."""
    chooser = random.Random(3)
    for width, height, mode in ((100, 75, "RGB"), (60, 100, "RGB"), (64, 64, "RGBA"), (1, 1, "RGB"), (100, 30, "RGB"), (7, 90, "RGBA"),
                                (33, 20, "RGBA")):
        image = Image.new(mode, (width, height), (chooser.randrange(256), 90, 200) + ((255,) if mode == "RGBA" else ()))
        pen = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = chooser.randrange(width), chooser.randrange(height)
            colour = tuple(chooser.randrange(256) for _ in mode)
            pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=colour)
        yield image
    yield Image.new("RGB", (50, 40), (200, 30, 60))
    yield Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    yield Image.linear_gradient("L").rotate(25).resize((90, 60))


def from_npm(folder, images):
    listed = [{"width": image.width, "height": image.height, "rgba": base64.b64encode(image.convert("RGBA").tobytes()).decode()}
              for image in images]
    (folder / "pictures.json").write_text(json.dumps(listed))
    done = subprocess.run(["node", ROOT / "tests/js/placeholders.mjs", folder / "pictures.json"], check=True, capture_output=True,
                          text=True, timeout=60, env=clean_environment())
    return json.loads(done.stdout)


def dominant(image):
    boxes = collections.defaultdict(list)
    for *colour, alpha in image.convert("RGBA").getdata():
        if alpha >= 128:
            boxes[tuple(value >> 4 for value in colour)].append(colour)
    most = max(map(len, boxes.values()), default=0)
    fullest = next((boxes[box] for box in sorted(boxes) if len(boxes[box]) == most), None)
    return fullest and "#" + "".join(f"{(sum(values) + most // 2) // most:02x}" for values in zip(*fullest))


def test_placeholders_are_those_of_the_reference_libraries(tmp_path):
    images = list(pictures())
    text = f'name: p\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs:\n  - {{ key: "{{stem}}.png", format: png, manifest: "{{stem}}.json", {ALL} }}\n'
    process(tmp_path, text, {f"{i}.png": as_png(image) for i, image in enumerate(images)})
    for i, expected in enumerate(from_npm(tmp_path, images)):
        found = json.loads((tmp_path / "out" / f"{i}.json").read_text())["placeholder"]
        colour = dominant(images[i])
        if len(images[i].getcolors(10000)) == 1:  # the terms are rounding errors, and their scale is 0
            found["thumbhash"], expected["thumbhash"] = (base64.b64decode(value["thumbhash"])[:5] for value in (found, expected))
        assert found == expected | ({"colour": colour} if colour else {}), i


def test_placeholders_of_a_large_photo_are_close_to_those_of_a_small_one(tmp_path):
    image = harness.picture(800, 600).convert("RGB")
    process(tmp_path, f'name: p\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs:\n  - {{ key: "{{stem}}.png", format: png, manifest: "x.json", {ALL} }}\n',
            {"large.png": as_png(image)})
    found = json.loads((tmp_path / "out/x.json").read_text())["placeholder"]
    expected = from_npm(tmp_path, [image.resize((100, 75), Image.LANCZOS)])[0]
    nibbles = [[byte >> shift & 15 for byte in base64.b64decode(value["thumbhash"]) for shift in (0, 4)] for value in (found, expected)]
    assert max(abs(a - b) for a, b in zip(*nibbles)) <= 1 and found["blurhash"][0] == expected["blurhash"][0]


def test_placeholders_are_metadata_of_the_stored_object(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/p.yaml").write_text(
        'name: p\nqueue: p-queue\nmatch: { prefix: ingest/ }\noutputs:\n'
        f'  - {{ key: "web/{{stem}}-{{width}}.png", widths: [40, 80], format: png, manifest: "web/{{stem}}.json", {ALL}, metadata: {{ owner: me }}, cache_control: no-cache }}\n'
        '  - { key: "plain/{stem}.png", width: 40, format: png }\n')
    photo = tmp_path / "photo.png"
    photo.write_bytes(harness.png(120, 90))
    cloud = start_cloud("--pipelines", tmp_path / "pipelines", photos=(photo,))
    cloud.wait_for("Serving")
    s3 = cloud.client("s3")
    harness.until(lambda: harness.exists(s3, "photos", "web/photo.json"), "the manifest")
    manifest = s3.get_object(Bucket="photos", Key="web/photo.json")
    assert (manifest["ContentType"], manifest["CacheControl"]) == ("application/json", "no-cache")
    listed = json.loads(manifest["Body"].read())
    assert manifest["Metadata"]["thumbwheel-pipeline"] == "p" and len(listed["images"]) == 2
    for image in listed["images"]:  # stored before the manifest
        head = s3.head_object(Bucket="photos", Key=image["key"])
        assert head["ContentLength"] == image["bytes"] and head["Metadata"]["owner"] == "me"
        assert {"thumbhash", "blurhash", "colour"} <= set(head["Metadata"])
    first = s3.head_object(Bucket="photos", Key="web/photo-40.png")["Metadata"]
    assert {name: first[name] for name in listed["placeholder"]} == listed["placeholder"]
    harness.until(lambda: harness.exists(s3, "photos", "plain/photo.png"), "the other output")
    assert "thumbhash" not in s3.head_object(Bucket="photos", Key="plain/photo.png")["Metadata"]


@pytest.mark.parametrize("settings, said", [
    ('key: "o/{stem}.jpg", widths: [10, 20]', "needs {width} with widths"),
    ('key: "o/{stem}-{width}.jpg", widths: [0]', "a list of 1 to 16 whole numbers from 1 to 16384"),
    ('key: "o/{stem}-{width}.jpg", widths: []', "a list of 1 to 16 whole numbers"),
    ('key: "o/{stem}-{width}.jpg", widths: 10', "a list of 1 to 16 whole numbers"),
    ('key: "o/{stem}-{width}.jpg", widths: [10], scale: 0.5', "widths: can't be combined with scale"),
    ('key: "o/{stem}-{width}.jpg", widths: [10], width: 5', "needs width and height, for the aspect ratio, or neither"),
    ('key: "o/{stem}-{width}.jpg", widths: [10], width: 5, height: 9, dpr: [1]', "can't be combined with dpr"),
    ('key: "o/{stem}-{width}.jpg", dpr: [1]', "needs width, height, or both"),
    ('key: "o/{stem}-{width}.jpg", width: 9000, dpr: [2]', "more than 16384 pixels on a side"),
    ('key: "o/{stem}-{width}.jpg", width: 9000, dpr: [6]', "numbers from 0.5 to 5"),
    ('key: "o/{stem}.jpg", manifest: "o/{width}.json"', "can't have {width} or {height}"),
    ('key: "o/{stem}.jpg", manifest_url: "https://x/"', "set manifest, too"),
    ('key: "o/{stem}.jpg", placeholder: [lqip]', "a list of thumbhash, blurhash, colour"),
    ('key: "o/{stem}.jpg", placeholder: [colour], metadata: { colour: red }', "a name that placeholder sets"),
])
def test_check_refuses_what_cannot_be_listed(tmp_path, settings, said):
    problems = check(tmp_path, f"name: x\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs: [{{ {settings}, format: jpeg }}]\n")
    assert len(problems) == 1 and said in problems[0], problems


def test_a_pipeline_has_at_most_32_outputs(tmp_path):
    rows = "".join(f'  - {{ key: "{i}/{{width}}.jpg", format: jpeg, widths: {list(range(10, 26))} }}\n' for i in range(3))
    problems = check(tmp_path, f"name: x\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs:\n{rows}")
    assert problems and "outputs[1].widths: more than 32 outputs" in problems[0], problems


def test_a_manifest_that_a_pipeline_would_read_is_refused(tmp_path):
    problems = check(tmp_path, 'name: x\nqueue: q\nmatch: { prefix: ingest/ }\noutputs: [{ key: "o/{stem}.jpg", format: jpeg, manifest: "ingest/{stem}.json" }]\n')
    assert [problem for problem in problems if problem.startswith("outputs[0].manifest: ") and "would be processed again" in problem], problems
