"""What trim leaves, compared with the box that Pillow finds."""
import io

import pytest
from PIL import Image, ImageChops

import operation_runs as runs


def encoded(image, form="PNG", **more):
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def framed(border=(250, 250, 250), box=(13, 7, 73, 47), size=(100, 60)):
    """A picture in a border that is not the same on all sides."""
    image = Image.new("RGB", size, border)
    image.paste(runs.smooth(box[2] - box[0], box[3] - box[1]), box[:2])
    image.paste((0, 0, 0), (box[0] + 9, box[1] + 5, box[0] + 20, box[1] + 12))
    return image


def inner(image, threshold):
    """The box of all pixels of which a colour differs by more than the threshold from the top left one."""
    corner = Image.new(image.mode, image.size, image.getpixel((0, 0)))
    differences = ImageChops.difference(image, corner).split()
    masks = [band.point(lambda value: 255 if value > threshold else 0) for band in differences]
    mask = masks[0]
    for other in masks[1:]:
        mask = ImageChops.lighter(mask, other)
    return mask.getbbox()


def test_the_border_goes(tmp_path):
    image = framed()
    found = runs.run(tmp_path, encoded(image), {"ten": "trim: 10", "much": "trim: 220", "first": "trim: 254"})
    assert runs.largest(found["ten"], image.crop(inner(image, 10))) == 0
    assert inner(image, 10) == (13, 7, 73, 47)
    assert found["much"].size != found["ten"].size
    assert runs.largest(found["much"], image.crop(inner(image, 220))) == 0
    assert runs.largest(found["first"], image) == 0  # no pixel differs so much: nothing is cut off


def test_noise_below_the_threshold_is_border(tmp_path):
    image = framed()
    image.putpixel((2, 50), (245, 252, 255))
    found = runs.run(tmp_path, encoded(image), {"four": "trim: 4", "five": "trim: 5"})
    assert found["four"].size == (71, 44) and found["five"].size == (60, 40)


def test_sizes_are_those_of_what_remains(tmp_path):
    found = runs.run(tmp_path, encoded(framed()), {
        "width": "trim: 10, width: 30", "box": "trim: 10, width: 30, height: 30, fit: contain",
        "cover": "trim: 10, width: 20, height: 20, fit: cover, gravity: east", "turned": "trim: 10, width: 20, rotate: 90",
        "large": "trim: 10, width: 240, height: 240, enlarge: true", "half": "trim: 10, scale: 0.5",
        "more": "trim: 10, width: 120, height: 120, fit: cover, enlarge: true", "tilted": "trim: 10, rotate: 45",
        "limit": "trim: 10, width: 600", "padded": "trim: 10, pad: {left: 3}"})
    sizes = {name: picture.size for name, picture in found.items()}
    assert sizes == {"width": (30, 20), "box": (30, 30), "cover": (20, 20), "turned": (20, 30), "large": (240, 160), "half": (30, 20),
                     "more": (120, 120), "tilted": (71, 71), "limit": (60, 40), "padded": (63, 40)}
    expected = framed().crop((33, 7, 73, 47)).resize((20, 20), Image.LANCZOS)
    assert runs.mean(found["cover"], expected) < 1


def test_an_output_with_trim_leaves_the_others_alone(tmp_path):
    alone = runs.run(tmp_path / "alone", encoded(framed()), {"plain": "width: 50"})
    both = runs.run(tmp_path / "both", encoded(framed()), {"trimmed": "trim: 10, width: 50", "plain": "width: 50", "again": "trim: 20, width: 25"})
    assert runs.largest(alone["plain"], both["plain"]) == 0
    assert both["trimmed"].size == (50, 33) and both["again"].size == (25, 17)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_border_of_a_turned_photo(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = framed()
    data = encoded(stored, "TIFF", exif=exif)
    found = runs.run(tmp_path, data, {"x": "trim: 10", "whole": ""}, "in.tif")
    box = inner(found["whole"], 10)
    assert runs.largest(found["x"], found["whole"].crop(box)) == 0
    assert found["x"].size == ((60, 40) if orientation < 5 else (40, 60))


def test_transparent_pixels_are_border_whatever_their_colour(tmp_path):
    image = Image.new("RGBA", (40, 30), (200, 0, 0, 0))
    image.paste((0, 200, 0, 0), (20, 0, 40, 30))
    image.paste((10, 20, 200, 255), (5, 6, 25, 16))
    found = runs.run(tmp_path, encoded(image), {"x": "trim: 10"})["x"]
    assert found.size == (20, 10) and found.getpixel((0, 0)) == (10, 20, 200, 255)


def test_deep_and_grey_pictures(tmp_path):
    deep = Image.new("I;16", (40, 30), 60000)
    deep.putdata([20000 if 5 <= x < 25 and 6 <= y < 16 else 60000 for y in range(30) for x in range(40)])
    found = runs.run(tmp_path, encoded(deep), {"deep": "trim: 10, format: keep", "flat": "trim: 10"})
    assert found["deep"].size == (20, 10) and found["deep"].getpixel((0, 0)) == 20000
    assert found["flat"].size == (20, 10)
    grey = framed().convert("L")
    assert runs.run(tmp_path / "grey", encoded(grey), {"x": "trim: 10"})["x"].size == (60, 40)


def test_a_jpeg_is_trimmed_at_its_full_size(tmp_path):
    image = framed(box=(130, 70, 730, 470), size=(1000, 600))
    found = runs.run(tmp_path, encoded(image, "JPEG", quality=95), {"x": "trim: 40, width: 60", "full": "trim: 40"}, "in.jpg")
    assert found["full"].size == (600, 400) and found["x"].size == (60, 40)


@pytest.mark.parametrize("settings, said", [
    ("trim: 10, format: gif, frames: all", "outputs[0].trim: can't be combined with frames: all"),
    ("trim: 10, width: 100, enlarge: true", "outputs[0].trim: with enlarge needs width and height"),
    ("trim: 0", "outputs[0].trim: expected a whole number from 1 to 254"),
])
def test_what_has_no_meaning_is_refused(tmp_path, settings, said):
    code, text = runs.check(tmp_path, settings)
    assert code == 2 and said in text, text
