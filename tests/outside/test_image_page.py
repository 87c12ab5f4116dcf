"""The pages of a TIFF, the frames of a GIF or WebP and the images of a HEIC file, compared with Pillow's."""
import io
import json
import subprocess

import pytest
from PIL import Image, ImageOps, ImageSequence, TiffImagePlugin

import operation_runs as runs
from harness import open_image, thumbwheel

ISOLATIONS = ["process", "thread"]


def encoded(pages, form, **more):
    out = io.BytesIO()
    pages[0].save(out, form, save_all=True, append_images=pages[1:], **more)
    return out.getvalue()


def flat(colour, size=(40, 30)):
    """A plain picture with a mark, which shows whether it was turned or mixed with another one."""
    image = Image.new("RGB", size, colour)
    image.paste((255, 255, 255), (2, 3, 9, 8))
    return image


def moving(count=5):
    """Frames that differ in a part, which is all that the encoder stores of them."""
    frames = []
    for number in range(count):
        frame = flat((20, 40, 200), (64, 48))
        frame.paste((250, 200 - 30 * number, 0), (5 + 9 * number, 20, 17 + 9 * number, 33))
        frames.append(frame)
    return frames


def decoded(data, mode="RGB"):
    return [frame.convert(mode) for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]


def each_page(count):
    """The last page first: an output does not depend on those before it."""
    outputs = {f"page{number}": f"page: {number}" for number in range(count, 0, -1)}
    return {**outputs, "none": ""}


def compare(found, expected):
    assert runs.largest(found["none"].convert("RGB"), expected[0]) == 0
    for number, picture in enumerate(expected, 1):
        assert runs.largest(found[f"page{number}"].convert("RGB"), picture) == 0, number


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_pages_of_a_tiff(tmp_path, isolation):
    pages = [flat("red"), flat("green", (31, 57)), flat("blue", (120, 11)), flat("gray").convert("L").convert("RGB")]
    data = encoded(pages, "TIFF")
    compare(runs.run(tmp_path, data, each_page(4), "in.tif", "--isolation", isolation), pages)
    assert decoded(data)[1].size == (31, 57)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("form, more", [("GIF", {}), ("GIF", {"disposal": 2}), ("WEBP", {"lossless": True})])
def test_frames_of_an_animation(tmp_path, isolation, form, more):
    data = encoded(moving(), form, duration=50, **more)
    expected = decoded(data)
    assert len(expected) == 5
    compare(runs.run(tmp_path, data, each_page(5), f"in.{form.lower()}", "--isolation", isolation), expected)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_images_of_a_heic_file(tmp_path, isolation):
    """Without page, it is the primary image, which need not be the first one."""
    pages = [flat("red", (64, 64)), flat("green", (96, 64)), flat("blue", (64, 80))]
    for number, page in enumerate(pages):
        page.save(tmp_path / f"{number}.png")
    heic = tmp_path / "in.heic"
    subprocess.run(["heif-enc", "-q", "90", *[tmp_path / f"{n}.png" for n in range(3)], "-o", heic], check=True,
                   capture_output=True)
    data = bytearray(heic.read_bytes())
    primary = data.index(b"pitm") + 8  # ISO/IEC 14496-12: a full box with an item's number
    items = sorted(int.from_bytes(data[at + 8:at + 10], "big") for at in range(len(data)) if data[at:at + 4] == b"infe")
    assert int.from_bytes(data[primary:primary + 2], "big") == items[0]
    data[primary:primary + 2] = items[1].to_bytes(2, "big")
    found = runs.run(tmp_path / "run", bytes(data), each_page(3), "in.heic", "--isolation", isolation)
    for number, page in enumerate(pages, 1):
        assert runs.mean(found[f"page{number}"].convert("RGB"), page) < 4, number
    assert runs.largest(found["none"], found["page2"]) == 0


def test_each_page_has_its_own_depth_kind_and_orientation(tmp_path):
    """Pages as programs mix them: in colours, grey, in black and white, with 16 bits, with alpha."""
    grey = Image.linear_gradient("L").resize((50, 40))
    deep = Image.new("I;16", (30, 20), 0x8000)
    alpha = Image.new("RGBA", (25, 35), (10, 200, 30, 128))
    pages = [flat("red"), grey, grey.convert("1"), deep, alpha]
    data = encoded(pages, "TIFF")
    found = runs.run(tmp_path, data, {**each_page(5), "small": "page: 2, width: 10",
                                      "cut": "page: 5, width: 5, height: 5, fit: cover"}, "in.tif")
    assert [found[f"page{n}"].size for n in range(1, 6)] == [page.size for page in pages]
    assert runs.largest(found["page2"].convert("L"), grey) == 0
    assert runs.largest(found["page3"].convert("L"), grey.convert("1").convert("L")) == 0
    assert found["page4"].convert("L").getextrema() == (128, 128)
    assert found["page5"].getpixel((3, 3)) == (10, 200, 30, 128)
    assert found["small"].size == (10, 8) and found["cut"].size == (5, 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_page_has_its_own_orientation(tmp_path, orientation):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        flat("red").save(writer, "TIFF")
        writer.newFrame()
        flat("purple", (44, 22)).save(writer, "TIFF", exif=exif)
        writer.newFrame()
    tiff = Image.open(io.BytesIO(file.getvalue()))
    tiff.seek(1)
    assert tiff.getexif()[0x0112] == orientation
    found = runs.run(tmp_path, file.getvalue(), each_page(2), "in.tif")
    alone = io.BytesIO()
    flat("purple", (44, 22)).save(alone, "PNG", exif=exif)
    compare(found, [flat("red"), ImageOps.exif_transpose(Image.open(alone))])


def test_resizes_are_made_of_their_page_alone(tmp_path):
    """A smaller picture is derived from a larger one of the same page, never from that of another one."""
    pages = [runs.smooth(400, 300), runs.smooth(400, 300).transpose(Image.ROTATE_180)]
    data = encoded(pages, "TIFF")
    alone = runs.run(tmp_path / "alone", data, {"a": "page: 2, width: 50"}, "in.tif")
    both = runs.run(tmp_path / "both", data, {"large": "width: 200", "small": "width: 50", "b": "page: 2, width: 200",
                                             "a": "page: 2, width: 50", "again": "width: 50, page: 1"}, "in.tif")
    assert runs.mean(both["a"], pages[1].resize((50, 38), Image.LANCZOS)) < 1.5
    assert runs.mean(both["a"], alone["a"]) < 0.5
    assert runs.largest(both["again"], both["small"]) == 0
    assert runs.mean(both["small"], both["a"]) > 20


def results(folder, data, name, files, *options):
    """The result and reason of each pipeline, by its name."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / "pipelines").mkdir()
    for pipeline, outputs in files.items():
        text = runs.pipeline(outputs).replace("name: operations", f"name: {pipeline}").replace("queue: q", f"queue: {pipeline}")
        (folder / "pipelines" / f"{pipeline}.yaml").write_text(text.replace("'o/", f"'{pipeline}/"))
    done = thumbwheel("process", "--json", "--pipelines", folder / "pipelines", "--out", folder / "out", *options, folder / name)
    return [json.loads(line) for line in done.stdout.splitlines()]


def reasons(rows):
    [row] = [row for row in rows if row["type"] == "photo"]
    return [part["error"] for part in row["pipelines"] if part["result"] != "done"]


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("name, form, text", [("in.tif", "TIFF", "page 3, but the image has 2 pages"),
                                              ("in.gif", "GIF", "page 3, but the image has 2 pages"),
                                              ("in.png", "PNG", "page 3, but the image has 1 page"),  # an APNG
                                              ("in.jpg", "MPO", "page 3, but the image has 1 page")])
def test_a_page_that_does_not_exist_rejects_its_pipeline_only(tmp_path, isolation, name, form, text):
    data = encoded([flat("red"), flat("blue")], form)
    rows = results(tmp_path, data, name, {"good": {"x": "page: 1"}, "bad": {"x": "", "y": "page: 3"}}, "--isolation", isolation)
    assert reasons(rows) == ["an output needs " + text]
    assert (tmp_path / "out" / "good" / "x").exists()
    assert not (tmp_path / "out" / "bad").exists()


def test_a_damaged_page_rejects_those_that_need_it(tmp_path):
    """The first page is whole; the strip of the second one is behind the end of the file."""
    data = encoded([flat("red"), flat("blue", (300, 300))], "TIFF")
    whole = data[:-300 * 300]
    with pytest.raises(Exception):
        decoded(whole)
    rows = results(tmp_path, whole, "in.tif", {"good": {"x": ""}, "bad": {"y": "page: 2"}})
    assert (tmp_path / "out" / "good" / "x").exists(), rows
    assert not (tmp_path / "out" / "bad").exists(), rows


def test_a_gif_that_breaks_off_has_the_frames_before(tmp_path):
    data = encoded(moving(), "GIF", duration=50)
    cut = data[:-20]
    rows = results(tmp_path, cut, "in.gif", {"good": {"x": "page: 3"}, "bad": {"y": "page: 5"}})
    expected = decoded(data)[2]
    assert runs.largest(open_image((tmp_path / "out" / "good" / "x").read_bytes()).convert("RGB"), expected) == 0, rows
    assert not (tmp_path / "out" / "bad").exists(), rows


def test_frames_beyond_the_limit_are_refused(tmp_path):
    data = encoded(moving(), "GIF", duration=50)
    rows = results(tmp_path, data, "in.gif", {"good": {"x": "page: 3"}, "bad": {"y": "page: 4"}}, "--max-frames", "3")
    assert (tmp_path / "out" / "good" / "x").exists()
    assert "needs frame 4; the limit is 3" in json.dumps(rows)


@pytest.mark.parametrize("settings, text", [("page: 2, frames: all, format: gif", "frames: all"), ("page: 0", "page"), ("page: 1.5", "page"),
                                            ("page: 10001", "page")])
def test_check_refuses(tmp_path, settings, text):
    code, said = runs.check(tmp_path, settings)
    assert code != 0 and text in said, said
