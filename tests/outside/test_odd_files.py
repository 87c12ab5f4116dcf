"""Valid images that are unusual: read correctly, or reported as unsupported; never as damaged, never in false colours."""
import io
import json

import pytest
from PIL import Image

import colour_files as files
import harness
from harness import open_image, thumbwheel

PIPELINE = """name: odd
queue: q
match: { prefix: ingest/ }
outputs:
  - { key: "o/{stem}.png", width: 4, format: png }
"""
RED = [200, 30, 60]


def as_jpeg(picture, **more):
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, **more)
    return out.getvalue()


def process_of(jpeg, marker):
    """The same file with another process in its frame header: it claims to be coded differently."""
    return jpeg.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)


def in_tiff(pixels, photometric, compression, bits=8, form=1, samples=3, subsampling=None):
    size = files.SIZE
    tags = {256: (3, [size]), 257: (3, [size]), 258: (3, [bits] * samples), 259: (3, [compression]), 262: (3, [photometric]),
            273: (4, [0]), 277: (3, [samples]), 278: (3, [size]), 279: (4, [len(pixels)]), 339: (3, [form] * samples)}
    if subsampling:
        tags[530] = (3, subsampling)
    return files.pack_tiff(tags, pixels)


def unsupported():
    flat = Image.new("RGB", (files.SIZE, files.SIZE), tuple(RED))
    jpeg, area = as_jpeg(flat), files.SIZE * files.SIZE
    ycbcr = flat.convert("YCbCr").tobytes()
    return {
        "lossless.jpg": (process_of(jpeg, 0xC3), "lossless JPEG"),
        "hierarchical.jpg": (process_of(jpeg, 0xC5), "hierarchical JPEG"),
        "half.tif": (in_tiff(b"\0\x38" * area * 3, 2, 1, 16, 3), "floating-point samples of less than 32 bits"),
        "bits12.tif": (in_tiff(b"\x38\x38\x38" * (area // 2) * 3, 2, 1, 12), "samples that are not"),
        "ycbcr.tif": (in_tiff(ycbcr, 6, 1, subsampling=[1, 1]), "YCbCr samples"),
        "subsampled.tif": (in_tiff(ycbcr[:area * 3 // 2], 6, 1, subsampling=[2, 2]), "YCbCr samples"),
        "old-jpeg.tif": (in_tiff(jpeg, 6, 6, subsampling=[2, 2]), "old form of JPEG"),
        "false-colours.tif": (in_tiff(jpeg, 2, 7), "JPEG data in YCbCr that is marked as RGB"),
        "jpeg2000.tif": (in_tiff(b"\0" * 99, 2, 34712), "uncommon compression"),
        "icclab.tif": (in_tiff(b"\x80" * area * 3, 9, 1), "uncommon kind of colours"),
    }


def readable():
    """With the expected pixel."""
    flat = Image.new("RGB", (files.SIZE, files.SIZE), tuple(RED))
    pages = [Image.new("RGB", (8, 8), (200, 30, 60 + i)) for i in range(5)]
    gif, tiff = io.BytesIO(), io.BytesIO()
    pages[0].save(gif, "GIF", save_all=True, append_images=pages[1:])
    pages[0].save(tiff, "TIFF", save_all=True, append_images=pages[1:])
    half = [value * 64 // 255 for value in RED]
    return {
        "frames.gif": (gif.getvalue(), RED),
        "pages.tif": (tiff.getvalue(), RED),
        "jpeg-ycbcr.tif": (in_tiff(as_jpeg(flat), 6, 7, subsampling=[2, 2]), RED),
        "alpha-first.tif": (files.tiff("rgb", "8", RED + [64, 250], extras=[2, 0]), RED + [64]),
        "alpha-last.tif": (files.tiff("rgb", "8", RED + [250, 64], extras=[0, 2]), RED + [64]),
        "premultiplied.tif": (files.tiff("rgb", "8", half + [64, 250], extras=[1, 0]), RED + [64]),
        "grey-alpha.tif": (files.tiff("grey", "16", [90, 64, 250], extras=[2, 0]), [90, 64]),
        "cmyk-alpha.tif": (files.tiff("cmyk", "8", [0, 0, 0, 0, 64, 250], extras=[2, 0]), [255, 255, 255, 64]),
        "no-alpha.tif": (files.tiff("rgb", "8", RED + [64, 250], extras=[0, 0]), RED),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "in").mkdir()
    for name, (data, _) in {**unsupported(), **readable()}.items():
        (folder / "in" / name).write_bytes(data)
    (folder / "odd.yaml").write_text(PIPELINE)
    done = thumbwheel("process", "--json", "--max-frames", "3", "--pipelines", folder / "odd.yaml", "--out", folder / "out",
                      folder / "in")
    rows = {row["path"].rpartition("/")[2]: row for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "photo"}
    return rows, folder / "out" / "o"


def test_unsupported_kinds_are_named(run):
    rows, _ = run
    for name, (_, why) in unsupported().items():
        [part] = rows[name]["pipelines"]
        assert part["reason"] == "image-unsupported" and why in part["error"], (name, part)


def test_unusual_kinds_are_read(run):
    """More frames than --max-frames leave the first one; of several extra channels, the one that is alpha is kept."""
    rows, out = run
    for name, (_, wanted) in readable().items():
        assert rows[name]["result"] == "done", (name, rows[name])
        picture = open_image((out / f"{name[:-4]}.png").read_bytes())
        found = picture.getpixel((1, 1))
        assert len(found) == len(wanted) and all(abs(a - b) <= 3 for a, b in zip(found, wanted)), (name, found)
