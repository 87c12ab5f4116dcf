"""Perceptual hashes as labels, against the definition of Python's ImageHash."""
import io
import json
import math
import statistics

import pytest
from PIL import Image, ImageDraw

import harness
from harness import thumbwheel
from test_image_formats import as_png, check


def scene(shift=0):
    image = harness.picture(640, 480).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.ellipse((120 + shift, 90, 330 + shift, 300), fill=(240, 220, 60))
    pen.rectangle((380, 250, 600, 440), fill=(20, 40, 90))
    return image


def dhash(image):
    """imagehash.dhash."""
    rows = list(image.convert("L").resize((9, 8), Image.LANCZOS).getdata())
    return [rows[y * 9 + x + 1] > rows[y * 9 + x] for y in range(8) for x in range(8)]


def phash(image):
    """imagehash.phash: scipy's DCT of type 2 on both axes of 32 × 32, the lowest 8 × 8, the median."""
    pixels = list(image.convert("L").resize((32, 32), Image.LANCZOS).getdata())
    wave = [[math.cos(math.pi * k * (2 * n + 1) / 64) for n in range(32)] for k in range(8)]
    columns = [[sum(pixels[y * 32 + x] * wave[v][y] for y in range(32)) for x in range(32)] for v in range(8)]
    low = [sum(columns[v][x] * wave[u][x] for x in range(32)) for v in range(8) for u in range(8)]
    return [value > statistics.median(low) for value in low]


def bits(text):
    assert len(text) == 16
    return [int(text, 16) >> (63 - i) & 1 == 1 for i in range(64)]


def apart(one, other):
    return sum(a != b for a, b in zip(one, other))


def jpeg(image, quality):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hashes")
    (folder / "in").mkdir()
    (folder / "pipelines").mkdir()
    for name, hashes in (("both", "[dhash, phash]"), ("one", "dhash")):
        (folder / f"pipelines/{name}.yaml").write_text(
            f'name: {name}\nqueue: {name}\nmatch: {{ prefix: ingest/ }}\nlabels: {{ hash: {hashes}, sidecar: "{name}/{{stem}}.json" }}\n')
    (folder / "pipelines/none.yaml").write_text('name: none\nqueue: none\nmatch: { prefix: ingest/ }\nlabels: { sidecar: "none/{stem}.json" }\n')
    sources = {"a.png": as_png(scene()), "b.jpg": jpeg(scene().resize((320, 240), Image.LANCZOS), 60),
               "c.png": as_png(scene().transpose(Image.FLIP_LEFT_RIGHT))}
    for name, data in sources.items():
        (folder / "in" / name).write_bytes(data)
    done = thumbwheel("process", "--pipelines", folder / "pipelines", "--out", folder / "out", folder / "in")
    assert done.returncode == 0, done.stderr
    return {path.relative_to(folder / "out").with_suffix("").as_posix():
            {label["name"]: label.get("value") for label in json.loads(path.read_text())["labels"]} for path in folder.rglob("out/*/*.json")}


@pytest.mark.parametrize("name, image", [("a", scene()), ("b", scene()), ("c", scene().transpose(Image.FLIP_LEFT_RIGHT))])
def test_hashes_are_those_of_imagehash(labels, name, image):
    """But for bits whose values are close to the threshold, because the picture is reduced in two steps."""
    assert apart(bits(labels[f"both/{name}"]["dHash"]), dhash(image)) <= 3
    assert apart(bits(labels[f"both/{name}"]["pHash"]), phash(image)) <= 3


def test_a_smaller_copy_is_close_and_a_mirrored_one_is_not(labels):
    a, b, c = (labels[f"both/{name}"] for name in "abc")
    for kind in ("dHash", "pHash"):
        assert apart(bits(a[kind]), bits(b[kind])) <= 4 < 12 < apart(bits(a[kind]), bits(c[kind]))


def test_each_pipeline_gets_the_hashes_that_it_asks_for(labels):
    assert "pHash" not in labels["one/a"] and labels["one/a"]["dHash"] == labels["both/a"]["dHash"]
    assert not {"dHash", "pHash"} & labels["none/a"].keys()


def test_only_the_built_in_labeler_has_hashes(tmp_path):
    problems = check(tmp_path, "name: x\nqueue: q\nlabels: { labeler: rekognition, hash: dhash }\n")
    assert len(problems) == 1 and "built-in labeler only" in problems[0], problems
