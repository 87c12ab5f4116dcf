"""Formats that operators can enable: pixels against the reference decoders, and clear reasons where a format is not enabled."""
import io
import json
import shutil
import subprocess

import pytest
from PIL import Image, ImageChops

from harness import open_image, thumbwheel

PIPELINE = """name: formats
queue: q
match: { prefix: ingest/ }
outputs:
  - { key: "o/{name}.png", format: png }
  - { key: "k/{name}.{ext}", width: 20 }
"""
DEEP = [[(x * 1021 + y * 37) % 65536 for x in range(60)] for y in range(40)]


def picture(mode):
    noise = Image.effect_noise((60, 40), 60)
    bands = [noise, noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT), noise.transpose(Image.Transpose.ROTATE_180), noise]
    return Image.merge(mode, bands[:len(mode)]) if mode != "L" else noise


def written(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def by_cjxl(folder, png, *options):
    (folder / "in.png").write_bytes(png)
    subprocess.run(["cjxl", *options, folder / "in.png", folder / "out.jxl"], check=True, capture_output=True)
    return (folder / "out.jxl").read_bytes()


def reference(folder, name, data):
    """What the format's own decoder makes of it."""
    source, made = folder / name, folder / f"{name}.png"
    source.write_bytes(data)
    if name.endswith("jxl"):
        subprocess.run(["djxl", source, made], check=True, capture_output=True)
    else:
        subprocess.run(["opj_decompress", "-i", source, "-o", made], check=True, capture_output=True)
    return Image.open(made)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encode")
    made = {}
    for mode in ("L", "RGB", "RGBA"):
        png = written(picture(mode), "PNG")
        made[f"{mode}.jxl"] = by_cjxl(folder, png, "-d", "0", "-e", "3")
        made[f"{mode}.jp2"] = written(picture(mode), "JPEG2000", irreversible=False)
    made["lossy.jxl"] = by_cjxl(folder, written(picture("RGB"), "PNG"), "-d", "1")
    made["container.jxl"] = by_cjxl(folder, written(picture("RGB"), "PNG"), "-d", "0", "-e", "3", "--container=1")
    made["tiles.jp2"] = written(picture("RGB"), "JPEG2000", tile_size=(16, 16))
    made["stream.j2k"] = written(picture("RGB"), "JPEG2000", no_jp2=True)
    return made


def process(folder, files, *options):
    (folder / "in").mkdir()
    for name, data in files.items():
        (folder / "in" / name).write_bytes(data)
    (folder / "p.yaml").write_text(PIPELINE)
    done = thumbwheel("process", "--json", *options, "--pipelines", folder / "p.yaml", "--out", folder / "out", folder / "in")
    rows = map(json.loads, done.stdout.splitlines())
    return {row["path"].rpartition("/")[2]: row for row in rows if row["type"] == "photo"}


def part_of(row):
    [part] = row["pipelines"]
    return part


@pytest.fixture(scope="module", params=["process", "thread"])
def enabled(request, tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("enabled")
    return process(folder, files, "--formats=+jxl,+jp2", f"--isolation={request.param}"), folder / "out"


def test_pixels_are_those_of_the_reference_decoder(enabled, files, tmp_path):
    rows, out = enabled
    for name, data in files.items():
        assert rows[name]["result"] == "done", rows[name]
        made, wanted = open_image((out / "o" / f"{name}.png").read_bytes()), reference(tmp_path, name, data)
        assert made.size == wanted.size == (60, 40)
        # libjxl's profile of sRGB is converted, which rounds
        most = max(high for _, high in ImageChops.difference(made.convert("RGBA"), wanted.convert("RGBA")).getextrema())
        assert most <= (2 if name.endswith("jxl") else 0), (name, most)


def test_kept_formats_are_those_that_can_be_written(enabled, files):
    rows, out = enabled
    for name in files:
        made = "jxl" if name.endswith("jxl") else "jpg"
        assert (out / "k" / f"{name}.{made}").stat().st_size > 0, rows[name]


def test_a_format_that_is_not_enabled_is_named(tmp_path, files):
    rows = process(tmp_path, files)
    for name in files:
        part, form = part_of(rows[name]), "jxl" if name.endswith("jxl") else "jp2"
        assert part["reason"] == "image-unsupported", part
        assert f"this is a {form} image, and that format is not enabled; --formats=+{form} enables it" in part["error"], part


def test_any_format_can_be_disabled(tmp_path):
    forms = {"a.jpg": "JPEG", "a.png": "PNG", "a.gif": "GIF", "a.webp": "WEBP", "a.tif": "TIFF"}
    files = {name: written(picture("RGB"), form) for name, form in forms.items()}
    rows = process(tmp_path, files, "--formats=gif,png")
    for name in files:
        assert rows[name]["result"] == ("done" if name in ("a.gif", "a.png") else "failed"), rows[name]
        assert name in ("a.gif", "a.png") or part_of(rows[name])["reason"] == "image-unsupported"


def test_a_format_that_does_not_exist_is_an_error(tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE)
    done = thumbwheel("process", "--formats=jpeg,jpgg", "--pipelines", tmp_path / "p.yaml", tmp_path)
    assert done.returncode == 2 and '"jpgg" is not a format that can be read; the formats are jpeg, png' in done.stderr


def test_damaged_and_huge_files_are_rejected(tmp_path, files):
    jp2 = files["stream.j2k"]
    size = jp2.index(b"\xff\x51") + 6  # SIZ: length, capabilities, then width and height
    bad = {f"cut-{name}": data[:len(data) * 6 // 10] for name, data in files.items()}
    bad["huge.j2k"] = jp2[:size] + (200000).to_bytes(4, "big") * 2 + jp2[size + 8:size + 16] + (200000).to_bytes(4, "big") * 2 + jp2[size + 24:]
    rows = process(tmp_path, bad, "--formats=+jxl,+jp2")
    for name in bad:
        part = part_of(rows[name])
        wanted = "image-over-limit" if name == "huge.j2k" else "image-corrupt"
        assert part["reason"] == wanted, (name, part)


def test_the_reference_decoders_are_installed():
    assert all(map(shutil.which, ("cjxl", "djxl", "opj_decompress")))
