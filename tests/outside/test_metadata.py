"""What outputs say about themselves: nothing with strip: true; without it, only what is true of the output."""
import io
import struct

import pytest
from PIL import Image

import harness
from harness import open_image, thumbwheel

PIPELINE = """name: metadata
queue: q
match: { prefix: ingest/ }
outputs:
  - { key: "bare/{stem}.jpg", width: 16, format: jpeg }
  - { key: "bare/{stem}.png", width: 16, format: png }
  - { key: "bare/{stem}.webp", width: 16, format: webp }
  - { key: "bare/{stem}.tif", width: 16, format: tiff }
  - { key: "bare-whole/{stem}.webp", format: webp, frames: all }
  - { key: "kept/{stem}.jpg", width: 16, format: jpeg, strip: false }
  - { key: "kept/{stem}.png", width: 16, format: png, strip: false }
  - { key: "kept/{stem}.webp", width: 16, format: webp, strip: false }
  - { key: "kept/{stem}.tif", width: 16, format: tiff, strip: false }
"""
GAIN_MAP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>"""
TITLE = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="A headline"/></rdf:RDF></x:xmpmeta>"""


def exif_with_preview(preview):
    """The camera and Orientation 6; then a directory with a preview as JPEG."""
    def entry(tag, kind, count, value):
        return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    camera = b"Some Camera\0"
    texts, second = 8 + 2 + 2 * 12 + 4, 8 + 2 + 2 * 12 + 4 + len(camera)
    data = second + 2 + 3 * 12 + 4
    return (b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entry(0x110, 2, len(camera), struct.pack("<I", texts))
            + entry(0x112, 3, 1, struct.pack("<H", 6)) + struct.pack("<I", second) + camera
            + struct.pack("<H", 3) + entry(0x103, 3, 1, struct.pack("<H", 6)) + entry(0x201, 4, 1, struct.pack("<I", data))
            + entry(0x202, 4, 1, struct.pack("<I", len(preview))) + struct.pack("<I", 0) + preview)


def jpeg_with(*segments):
    """Segments of APP1."""
    plain = harness.jpeg(32, 24)
    return plain[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments) + plain[2:]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metadata")
    (folder / "in").mkdir()
    xmp = b"http://ns.adobe.com/xap/1.0/\0"
    sources = {"photo.jpg": jpeg_with(exif_with_preview(harness.jpeg(16, 8)), xmp + TITLE), "hdr.jpg": jpeg_with(xmp + GAIN_MAP)}
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "lime")]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    for name, data in {**sources, "moving.gif": moving.getvalue()}.items():
        (folder / "in" / name).write_bytes(data)
    (folder / "metadata.yaml").write_text(PIPELINE)
    done = thumbwheel("process", "--pipelines", folder / "metadata.yaml", "--out", folder / "out", folder / "in")
    assert done.returncode == 0, done.stderr
    return folder / "out"


def everything_in(path):
    """With the texts that PNG compresses."""
    return path.read_bytes() + repr(open_image(path.read_bytes()).info).encode()


def test_stripped_outputs_have_no_metadata(out):
    paths = [path for part in ("bare", "bare-whole") for path in (out / part).iterdir()]
    assert len(paths) == 3 * 5
    for path in paths:
        data = path.read_bytes()
        assert not any(word in data for word in (b"EXIF", b"Exif", b"eXIf", b"XMP ", b"adobe:ns", b"Some Camera")), path.name
        assert open_image(data).size[0] in (16, 24, 32), path.name


def test_a_stripped_animation_still_moves(out):
    moving = Image.open(out / "bare-whole" / "moving.webp")
    assert moving.n_frames == 2 and [moving.seek(1), moving.convert("RGB").getpixel((8, 6))][1][1] > 200


def test_kept_metadata_has_no_preview_and_no_old_orientation(out):
    for path in (out / "kept").glob("photo.*"):
        data, picture = path.read_bytes(), open_image(path.read_bytes())
        if path.suffix != ".tif":  # libvips writes no EXIF there
            assert b"Some Camera" in data and picture.getexif().get(0x112, 1) == 1, path.name
        assert picture.height > picture.width and data[2:].count(b"\xff\xd8\xff") == 0, path.name
        assert b"A headline" in everything_in(path), path.name


def test_the_description_of_a_gain_map_is_not_kept_without_it(out):
    paths = list((out / "kept").glob("hdr.*"))
    assert len(paths) == 4 and not [path.name for path in paths if b"hdr-gain-map" in everything_in(path)]
