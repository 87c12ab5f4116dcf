"""Files that end too early, through the whole program: pixels as Pillow decodes the intact file, a warning in the log, a label."""
import functools
import io
import json
import random

import pytest
from PIL import Image

from harness import open_image, thumbwheel

STRICT = """name: strict
queue: q1
match: {{ prefix: ingest/ }}
labels: {{ tags: false, sidecar: "l/{{stem}}.json" }}
outputs:
  - {{ key: "s/{{stem}}.png", format: png }}
"""
TOLERANT = """name: tolerant
queue: q2
match: {{ prefix: ingest/ }}
tolerate: truncated
labels: {{ tags: false, sidecar: "m/{{stem}}.json" }}
outputs:
  - {{ key: "t/{{stem}}.png", format: png }}
"""


def picture():
    image = Image.effect_noise((160, 120), 40)
    return Image.merge("RGB", (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), image.transpose(Image.Transpose.ROTATE_180)))


def written(form, **options):
    out = io.BytesIO()
    picture().save(out, form, **options)
    return out.getvalue()


def scan_ends(jpeg):
    """Where the segments between the scans of a progressive JPEG begin."""
    return [at for at in range(700, len(jpeg) - 1) if jpeg[at] == 0xFF and jpeg[at + 1] in (0xC4, 0xDA)]


@functools.cache
def cases():
    """By name: the file, how many bytes follow its pixels, and whether what is left of it can be shown."""
    return {
        "baseline.jpg": (written("JPEG", quality=90), 2, True),
        "progressive.jpg": (written("JPEG", quality=90, progressive=True), 2, True),
        "plain.png": (written("PNG"), 12, True),
        "still.gif": (written("GIF", interlace=0), 1, True),
        "lossless.webp": (written("WEBP", lossless=True), 0, False),
        "strips.tif": (written("TIFF"), 0, False),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    (folder / "in").mkdir()
    files = cases()
    for name, (data, end, _) in files.items():
        (folder / "in" / f"whole-{name}").write_bytes(data)
        if end:
            (folder / "in" / f"end-{name}").write_bytes(data[:-end])
        for part in (3, 6, 9):
            (folder / "in" / f"cut{part}-{name}").write_bytes(data[:len(data) * part // 10])
    progressive = files["progressive.jpg"][0]
    for i, at in enumerate(scan_ends(progressive)):
        (folder / "in" / f"scan{i}-progressive.jpg").write_bytes(progressive[:at])
    for name, text in (("strict", STRICT), ("tolerant", TOLERANT)):
        (folder / f"{name}.yaml").write_text(text.format())
    done = thumbwheel("process", "--json", "--log-level", "warn", "--log-format", "json", "--out", folder / "out",
                      "--pipelines", folder / "strict.yaml", "--pipelines", folder / "tolerant.yaml", folder / "in")
    rows = {row["path"].rpartition("/")[2]: {part["pipeline"]: part for part in row["pipelines"]}
            for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "photo"}
    log = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return rows, folder / "out", log


def warnings(log, name, pipeline):
    return [line["event"] for line in log if line["level"] == "warn" and line.get("key", "").endswith(f"/{name}")
            and line.get("pipeline") == pipeline]


def incomplete(out, folder, name):
    labels = json.loads((out / folder / f"{name.rpartition('.')[0]}.json").read_text())["labels"]
    return [label.get("value") for label in labels if label["name"] == "Incomplete"]


def pixels(data):
    return open_image(data).convert("RGB").tobytes()


def test_a_file_that_lacks_only_its_end_is_processed_with_a_warning(run):
    rows, out, log = run
    for name, (data, end, _) in cases().items():
        if not end:
            continue
        for pipeline, made, labels in (("strict", "s", "l"), ("tolerant", "t", "m")):
            for kind, wanted in (("whole", []), ("end", ["end"])):
                file = f"{kind}-{name}"
                assert rows[file][pipeline]["result"] == "done", rows[file]
                assert pixels((out / made / f"{file.rpartition('.')[0]}.png").read_bytes()) == pixels(data), file
                assert incomplete(out, labels, file) == wanted, file
                found = warnings(log, file, pipeline)
                assert len(found) == len(wanted) and all("all of its pixels are present" in text for text in found), (file, found)


def test_missing_pixels_are_rejected_only_where_they_are_not_tolerated(run):
    rows, out, log = run
    cut = {file: name for name in cases() for file in rows if file.startswith(("cut", "scan")) and file.endswith(f"-{name}")}
    assert len(cut) > 20
    for file, name in cut.items():
        strict, tolerant = rows[file]["strict"], rows[file]["tolerant"]
        assert strict["reason"] == "image-corrupt" and "damaged or truncated" in strict["error"], (file, strict)
        if not cases()[name][2]:
            assert tolerant["reason"] == "image-corrupt", (file, tolerant)
            continue
        assert tolerant["result"] == "done", (file, tolerant)
        assert open_image((out / "t" / f"{file.rpartition('.')[0]}.png").read_bytes()).size == (160, 120)
        assert incomplete(out, "m", file) == ["pixels"], file
        assert ["pixels of this image are missing" in text for text in warnings(log, file, "tolerant")] == [True], file
        assert not any("image" in text for text in warnings(log, file, "strict"))


def test_what_is_there_is_shown(run):
    """The upper part of a cut image has the pixels of the intact one."""
    _, out, _ = run
    for name in ("baseline.jpg", "plain.png", "still.gif"):
        whole = open_image(cases()[name][0]).convert("RGB")
        made = open_image((out / "t" / f"cut6-{name.rpartition('.')[0]}.png").read_bytes()).convert("RGB")
        assert made.crop((0, 0, 160, 48)).tobytes() == whole.crop((0, 0, 160, 48)).tobytes(), name
        assert made.tobytes() != whole.tobytes()


def holed(data, size=1500):
    """A part in the middle is missing, and the end marker is there."""
    middle = len(data) // 2
    return data[:middle] + data[middle + size:]


def benign():
    """Files of which libjpeg warns or might warn, with all pixels: an unknown version, and bytes before the end marker."""
    for name, options in (("baseline", {}), ("progressive", {"progressive": True})):
        data = written("JPEG", quality=90, **options)
        yield f"{name}-version.jpg", data.replace(b"JFIF\0\1\1", b"JFIF\0\7\1", 1)
        yield f"{name}-filled.jpg", data[:-2] + bytes(40) + data[-2:]
        yield f"{name}-trailer.jpg", data + bytes(100)


@pytest.mark.parametrize("width", [None, 60, 20])
def test_a_jpeg_with_a_hole_is_damaged(tmp_path, width):
    """However much the decoder reduces it. Warnings that are not about pixels do not matter. The picture is always the same, since
    the decoder may not notice a hole if what is left happens to make sense."""
    large = Image.frombytes("L", (640, 480), random.Random(13).randbytes(640 * 480)).resize((1280, 960))
    out = {}
    for name, options in (("baseline", {}), ("progressive", {"progressive": True}), ("grey", {})):
        data = io.BytesIO()
        (large if name == "grey" else large.convert("RGB")).save(data, "JPEG", quality=80, **options)
        out[f"hole-{name}.jpg"] = holed(data.getvalue())
    files = out | dict(benign())
    (tmp_path / "in").mkdir()
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    for name, text in (("strict", STRICT), ("tolerant", TOLERANT)):
        more = f"{{width: {width}, " if width else "{"
        (tmp_path / f"{name}.yaml").write_text(text.format().replace("outputs:\n  - {", "outputs:\n  - " + more))
    done = thumbwheel("process", "--json", "--pipelines", tmp_path / "strict.yaml", "--pipelines", tmp_path / "tolerant.yaml",
                      "--out", tmp_path / "out", tmp_path / "in")
    rows = {row["path"].rpartition("/")[2]: {part["pipeline"]: part for part in row["pipelines"]}
            for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "photo"}
    for name in files:
        if name.startswith("hole"):
            assert rows[name]["strict"]["reason"] == "image-corrupt" and "pixels are missing" in rows[name]["strict"]["error"], rows[name]
            assert incomplete(tmp_path / "out", "m", name) == ["pixels"]
        else:
            assert rows[name]["strict"]["result"] == "done", rows[name]
        assert rows[name]["tolerant"]["result"] == "done", rows[name]
