"""The formats of outputs and the settings of their encoders, read by programs that share no code with the encoders."""
import io
import json
import random
import struct
import subprocess

import pytest
from PIL import Image, ImageDraw

from harness import open_image, thumbwheel

WIDTH, HEIGHT = 180, 122
OUTPUTS = {  # by the end of the key
    "plain.jpg": "format: jpeg, quality: 80",
    "full.jpg": "format: jpeg, quality: 80, chroma: 4:4:4",
    "half.jpg": "format: jpeg, quality: 95, chroma: 4:2:0",
    "auto.jpg": "format: jpeg, quality: 95, chroma: auto",
    "plain.png": "format: png",
    "two.png": "format: png, palette: true, colours: 2",
    "some.png": "format: png, palette: true, colours: 13",
    "many.png": "format: png, palette: true",
    "plain.webp": "format: webp, quality: 80",
    "exact.webp": "format: webp, lossless: true",
    "near.webp": "format: webp, near_lossless: 60",
    "plain.gif": "format: gif",
    "few.gif": "format: gif, colours: 8",
    "half.avif": "format: avif, quality: 60, effort: 2, chroma: 4:2:0",
    "full.avif": "format: avif, quality: 60, effort: 2, chroma: 4:4:4",
    "plain.heic": "format: heic, quality: 60",
    "plain.jxl": "format: jxl, quality: 85, effort: 3",
    "exact.jxl": "format: jxl, lossless: true, effort: 3",
    "deflate.tif": "format: tiff",
    "lzw.tif": "format: tiff, compression: lzw",
    "zstd.tif": "format: tiff, compression: zstd",
    "none.tif": "format: tiff, compression: none",
    "jpeg.tif": "format: tiff, compression: jpeg, quality: 90",
}


def colourful():
    """Soft colours, edges between saturated ones, and noise."""
    chooser = random.Random(7)
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(x * 255 // WIDTH, y * 255 // HEIGHT, 128) for y in range(HEIGHT) for x in range(WIDTH)])
    pen = ImageDraw.Draw(image)
    for x in range(60, 120):
        pen.line((x, 30, x, 90), fill=(255, 0, 0) if x % 2 else (0, 0, 255))
    pixels = [tuple(min(255, max(0, value + chooser.randrange(-6, 7))) for value in pixel) for pixel in image.getdata()]
    image.putdata(pixels)
    return image


def check(folder, text):
    (folder / "one.yaml").write_text(text)
    done = thumbwheel("check", "--json", "--pipelines", folder / "one.yaml")
    return [problem["key"] + ": " + problem["message"] for problem in json.loads(done.stdout)["problems"]]


def process(folder, outputs, sources):
    lines = [f'  - {{ key: "{{stem}}-{end}", {settings} }}\n' for end, settings in outputs.items()]
    (folder / "formats.yaml").write_text("name: formats\nqueue: q\nmatch: { prefix: ingest/ }\noutputs:\n" + "".join(lines))
    (folder / "in").mkdir()
    for name, data in sources.items():
        (folder / "in" / name).write_bytes(data)
    done = thumbwheel("process", "--pipelines", folder / "formats.yaml", "--out", folder / "out", folder / "in")
    assert done.returncode == 0, done.stderr
    return folder / "out"


def as_png(image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return process(tmp_path_factory.mktemp("formats"), OUTPUTS, {"photo.png": as_png(colourful())})


def read_with(path, command):
    """By a program that writes a PNG."""
    target = path.with_name(path.name + ".read.png")
    subprocess.run([*command, path, target], check=True, capture_output=True, timeout=60)
    return open_image(target.read_bytes()).convert("RGB")


def read(path):
    programs = {".jxl": ["djxl"], ".avif": ["avifdec"], ".heic": ["heif-convert"]}
    if path.suffix in programs:
        return read_with(path, programs[path.suffix])
    return open_image(path.read_bytes()).convert("RGB")


def distance(image):
    """Mean difference from the source, in levels of 255."""
    pairs = zip(image.getdata(), colourful().getdata())
    return sum(abs(a - b) for one, other in pairs for a, b in zip(one, other)) / (3 * WIDTH * HEIGHT)


# The stripes of one pixel lose their colours with 4:2:0; palettes of few colours are further away.
MOST = {"two.png": 90, "some.png": 25, "many.png": 12, "few.gif": 40, "plain.gif": 12}
EXACT = {"plain.png", "exact.webp", "exact.jxl", "deflate.tif", "lzw.tif", "zstd.tif", "none.tif"}


@pytest.mark.parametrize("end", OUTPUTS)
def test_an_independent_reader_sees_the_same_picture(out, end):
    image = read(out / f"photo-{end}")
    assert image.size == (WIDTH, HEIGHT)
    if end in EXACT:
        assert image.tobytes() == colourful().tobytes()
    else:
        assert 0 < distance(image) < MOST.get(end, 20)


def test_the_content_type_is_that_of_the_format(out):
    begins = {".jxl": (b"\xff\x0a", b"\0\0\0\x0cJXL "), ".heic": (b"ftypheic",), ".avif": (b"ftypavif",)}
    for suffix, allowed in begins.items():
        for path in out.glob(f"*{suffix}"):
            head = path.read_bytes()[:12]
            assert any(mark in head for mark in allowed), path.name


def sampling(data):
    """Of the first component, from the frame header of a JPEG."""
    at = 2
    while data[at + 1] not in (0xc0, 0xc1, 0xc2):
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    return data[at + 11]


def test_chroma_is_the_resolution_of_the_colours(out):
    assert {name: sampling((out / f"photo-{name}.jpg").read_bytes()) for name in ("plain", "full", "half", "auto")} == {
        "plain": 0x22, "full": 0x11, "half": 0x22, "auto": 0x11}
    for name, shown in (("half", "YUV420"), ("full", "YUV444")):
        facts = subprocess.run(["avifdec", "--info", out / f"photo-{name}.avif"], check=True, capture_output=True, text=True)
        assert shown in facts.stdout, facts.stdout
    assert distance(read(out / "photo-full.avif")) < distance(read(out / "photo-half.avif")) / 1.5


def test_a_palette_has_the_next_size_that_the_format_has(out):
    bits = {name: (out / f"photo-{name}.png").read_bytes()[24] for name in ("two", "some", "many")}
    assert bits == {"two": 1, "some": 4, "many": 8}
    sizes = {name: len(open_image((out / f"photo-{name}").read_bytes()).convert("RGB").getcolors(70000))
             for name in ("two.png", "some.png", "many.png", "few.gif")}
    assert sizes["two.png"] == 2 and sizes["some.png"] <= 16 and 128 < sizes["many.png"] <= 256 and sizes["few.gif"] <= 8


def test_near_lossless_is_between_lossy_and_lossless(out):
    near, exact = (out / "photo-near.webp"), (out / "photo-exact.webp")
    assert near.stat().st_size < exact.stat().st_size and distance(read(near)) < 2
    assert b"VP8L" in near.read_bytes()[:40]


def test_tiff_is_compressed_as_it_says(out):
    methods = {name: open_image((out / f"photo-{name}.tif").read_bytes()).tag_v2[259]
               for name in ("deflate", "lzw", "zstd", "none", "jpeg")}
    assert methods == {"deflate": 8, "lzw": 5, "zstd": 50000, "none": 1, "jpeg": 7}


def test_transparency_survives_where_the_format_has_it(tmp_path):
    outputs = {"a.webp": "format: webp, lossless: true", "a.png": "format: png, palette: true", "a.jxl": "format: jxl, lossless: true",
               "a.avif": "format: avif, effort: 0", "a.heic": "format: heic"}
    image = colourful().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)))
    out = process(tmp_path, outputs, {"glass.png": as_png(image)})
    for end in ("a.webp", "a.png", "a.jxl", "a.avif"):
        path = out / f"glass-{end}"
        if path.suffix in (".jxl", ".avif"):
            read(path)
            path = path.with_name(path.name + ".read.png")
        alpha = open_image(path.read_bytes()).convert("RGBA").getchannel("A")
        wanted = image.getchannel("A")
        assert max(abs(a - b) for a, b in zip(alpha.getdata(), wanted.getdata())) <= (0 if "a.p" not in end and "avif" not in end else 24), end


@pytest.mark.parametrize("settings, said", [
    ("format: png, chroma: 4:4:4", "chroma: is for jpeg, webp, avif and heic; the format is png"),
    ("format: webp, chroma: 4:4:4", "webp has 4:2:0 only"),
    ("format: avif, lossless: true", "the encoders of avif and heic never are"),
    ("format: jpeg, near_lossless: 60", "near_lossless: is for webp"),
    ("format: webp, lossless: true, near_lossless: 60", "use one or the other"),
    ("format: webp, lossless: true, quality: 60", "can't be combined with lossless"),
    ("format: gif, palette: true", "palette: is for png (gif always has one)"),
    ("format: png, colours: 16", "needs palette: true"),
    ("format: png, palette: true, colours: 257", "a whole number from 2 to 256"),
    ("format: jpeg, compression: lzw", "compression: is for tiff"),
    ("format: avif, frames: all", "Debian's libheif can't write animated avif"),
    ("format: jpeg, trellis: true", "unknown key"),
])
def test_check_refuses_what_no_encoder_has(tmp_path, settings, said):
    problems = check(tmp_path, f'name: x\nqueue: q\noutputs: [{{ key: "o/{{stem}}.{{ext}}", {settings} }}]\n')
    assert len(problems) == 1 and said in problems[0], problems
