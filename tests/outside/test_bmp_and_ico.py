"""BMP and ICO: read by two coders of ImageMagick, in the sandbox, and by nothing else of it."""
import re
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from harness import open_image, until
from test_input_formats import part_of, picture, process, written
from test_isolation import children, stored, upload

ENABLE = "--formats=+bmp,+ico"


def icon(*pictures, **options):
    """Of several sizes, each as a BMP or a PNG inside."""
    largest = picture("RGBA").resize((max(pictures), max(pictures)))
    return written(largest, "ICO", sizes=[(size, size) for size in pictures], **options)


def rle(rows):
    """A BMP of 8 bits with run lengths: one run for each row."""
    data = b"".join(bytes([60, value, 0, 0]) for value in rows) + b"\0\1"
    palette = b"".join(bytes([i, 255 - i, i // 2, 0]) for i in range(256))
    offset = 14 + 40 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset)
    return head + struct.pack("<IiiHHIIiiII", 40, 60, len(rows), 1, 8, 1, len(data), 0, 0, 256, 0) + palette + data


@pytest.fixture(scope="module")
def files():
    return {
        "colour.bmp": written(picture("RGB"), "BMP"),
        "grey.bmp": written(picture("L"), "BMP"),
        "palette.bmp": written(picture("RGB").quantize(16), "BMP"),
        "bits.bmp": written(picture("L").convert("1"), "BMP"),
        "runs.bmp": rle(range(40)),
        "plain.ico": icon(16, 48, 32, bitmap_format="bmp"),
        "png.ico": icon(32, 256),
    }


@pytest.fixture(scope="module")
def enabled(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("magick")
    return process(folder, files, ENABLE), folder / "out"


def test_pixels_are_those_that_pillow_reads(enabled, files):
    """Of an icon, the largest picture."""
    rows, out = enabled
    for name, data in files.items():
        assert rows[name]["result"] == "done", rows[name]
        made, wanted = open_image((out / "o" / f"{name}.png").read_bytes()), open_image(data)
        assert made.size == wanted.size
        difference = ImageChops.difference(made.convert("RGBA"), wanted.convert("RGBA"))
        assert max(high for _, high in difference.getextrema()) == 0, name
        assert (out / "k" / f"{name}.png").exists()


def test_damaged_and_huge_files_are_rejected(tmp_path, files):
    bad = {}
    for name, data in files.items():
        for part in (2, 5, 8):
            bad[f"cut{part}-{name}"] = data[:len(data) * part // 10]
    huge = files["colour.bmp"]
    bad["huge.bmp"] = huge[:18] + struct.pack("<ii", 100000, 100000) + huge[26:]
    bad["large.bmp"] = huge[:18] + struct.pack("<ii", 8000, -8000) + huge[26:]
    rows = process(tmp_path, bad, ENABLE)
    for name in bad:
        part = part_of(rows[name])
        assert part["result"] == "failed", (name, part)
        assert part["reason"] == ("image-over-limit" if name[0] in "hl" else "image-corrupt"), (name, part)


def hostile():
    """Files that begin as a BMP or an icon and continue as another format of ImageMagick."""
    mvg = b"push graphic-context\nviewbox 0 0 64 64\nimage over 0,0 64,64 'text:/etc/passwd'\npop graphic-context\n"
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink'><image x:href='/etc/passwd'/></svg>"
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 4000, 0, 0, 54, 40, 8, 8, 1, 24, 0, 192, 0, 0, 0, 0)
    dicom = header + bytes(128 - len(header)) + b"DICM" + bytes(3000)
    files = {"dicom.bmp": dicom, "png.bmp": header[:30] + struct.pack("<I", 5) + header[34:] + written(picture("RGB"), "PNG"),
             "jpeg.bmp": header[:30] + struct.pack("<I", 4) + header[34:] + written(picture("RGB"), "JPEG")}
    for name, data in (("mvg", mvg), ("svg", svg), ("url", b"https://127.0.0.1/a.png"), ("msl", b"<image><read filename='/etc/passwd'/></image>"),
                       ("ephemeral", b"ephemeral:/etc/passwd")):
        files[f"{name}.bmp"] = header[:2] + data
        files[f"{name}-2.bmp"] = header[:54] + data
        files[f"{name}.ico"] = struct.pack("<HHHBBBBHHII", 0, 1, 1, 8, 8, 0, 0, 1, 24, len(data), 22) + data
    return files


def test_no_other_format_is_reached(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text('name: magick\nqueue: magick\nmatch: { prefix: ingest/ }\n'
                                                   'outputs: [{ key: "o/{name}.png", format: png }]\n')
    cloud = start_cloud("--workers", "1", ENABLE, "--pipelines", tmp_path / "pipelines")
    for name, data in hostile().items():
        upload(cloud, name, data)
    upload(cloud, "last.bmp", written(picture("RGB"), "BMP"))
    until(lambda: stored(cloud, "o/last.bmp.png"), "the last picture")
    for name in hostile():
        if name not in ("dicom.bmp",) and not name.endswith("-2.bmp"):
            assert not stored(cloud, f"o/{name}.png"), name
    [child] = children(cloud)
    maps = Path(f"/proc/{child}/maps").read_text()
    assert set(re.findall(r"coders/(\w+)\.so", maps)) == {"bmp", "icon"}


def test_they_need_a_process_of_their_own(tmp_path, files):
    """In the engine's process, nothing would keep ImageMagick from loading its other coders."""
    rows = process(tmp_path, files, ENABLE, "--isolation=thread")
    for name in files:
        part = part_of(rows[name])
        assert part["reason"] == "image-unsupported" and "--isolation=process" in part["error"], part
