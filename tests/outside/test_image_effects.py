"""Colours, filters and shapes, compared with formulas and with Pillow."""
import io
import math

import pytest
from PIL import Image, ImageDraw

import operation_runs as runs
from test_image_light import light_to_srgb, srgb_to_light, text_like

SIZE = (120, 80)
OUTPUTS = {"grey": "greyscale: true", "tint": "tint: '#c08040'", "normal": "normalise: true", "blur1": "blur: 1", "blur5": "blur: 5",
           "sharp1": "sharpen: 1", "sharp3": "sharpen: 3", "round": "round: 20", "pill": "round: 8192", "circle": "mask: circle",
           "ellipse": "mask: ellipse", "white": "mask: circle, format: jpeg, quality: 95", "red": "mask: circle, background: red",
           "framed": "mask: circle, width: 120, height: 120, fit: contain", "plain": "",
           "all": "normalise: true, greyscale: true, blur: 0.5, sharpen: 1, round: 9, pad: {left: 4}"}


def encoded(image, form="PNG", **more):
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def source():
    """Colours of all kinds, from a dull range, and edges."""
    image = Image.new("RGB", SIZE)
    image.putdata([(60 + x, 70 + y, 150 - x // 2) if (x // 15 + y // 10) % 3 else (170, 80, 60) for y in range(SIZE[1])
                   for x in range(SIZE[0])])
    return image


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return runs.run(tmp_path_factory.mktemp("effects"), encoded(source()), OUTPUTS)


# ---- colours ----

def luminance(pixel):
    """ITU-R BT.709, of light."""
    red, green, blue = map(srgb_to_light, pixel)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lightness(pixel):
    """L* of CIELAB."""
    y = luminance(pixel)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def test_greyscale_is_luminance(found):
    expected = Image.new("L", SIZE)
    expected.putdata([round(light_to_srgb(luminance(pixel))) for pixel in source().getdata()])
    assert runs.largest(found["grey"].convert("L"), expected) <= 1  # of rounding


def test_tint_keeps_the_lightness_and_sets_the_hue(found):
    for before, after in zip(source().getdata(), found["tint"].getdata()):
        assert abs(lightness(before) - lightness(after)) <= 1.5, (before, after)
        assert after[0] > after[1] > after[2]  # an orange


def test_black_and_white_have_no_tint(tmp_path):
    image = Image.new("L", (3, 1))
    image.putdata([0, 128, 255])
    picture = runs.run(tmp_path, encoded(image), {"x": "tint: red"})["x"]
    assert picture.mode == "RGB" and picture.getpixel((0, 0)) == (0, 0, 0)
    assert all(value >= 253 for value in picture.getpixel((2, 0)))
    assert picture.getpixel((1, 0))[0] > picture.getpixel((1, 0))[1] + 100


def test_normalise_stretches_the_lightness(found):
    """The percentiles by sorting; each pixel by its formula."""
    values = sorted(map(lightness, source().getdata()))
    low, high = values[len(values) // 100], values[len(values) * 99 // 100]
    for before, after in zip(source().getdata(), found["normal"].getdata()):
        expected = min(max((lightness(before) - low) / (high - low) * 100, 0), 100)
        if 0 not in after and 255 not in after:  # colours that sRGB does not have are cut off
            assert abs(lightness(after) - expected) <= 2, (before, after)


def test_a_flat_picture_is_not_normalised(tmp_path):
    flat = Image.new("RGB", (20, 20), (90, 91, 92))
    assert runs.largest(runs.run(tmp_path, encoded(flat), {"x": "normalise: true"})["x"], flat) <= 1


# ---- filters ----

def blurred(image, sigma):
    """A Gaussian in floating point, as far as its weights are a fifth of the middle one, which is where libvips, and with it sharp
    and imgproxy, cut it off."""
    reach = 0
    while math.exp(-(reach + 1) ** 2 / (2 * sigma ** 2)) >= 0.2:
        reach += 1
    weights = [math.exp(-i * i / (2 * sigma ** 2)) for i in range(-reach, reach + 1)]
    total = sum(weights)
    bands = []
    for band in image.split():
        width, height = band.size
        rows = [list(band.crop((0, y, width, y + 1)).getdata()) for y in range(height)]
        for _ in range(2):
            rows = [[sum(w * row[min(max(x + i - reach, 0), len(row) - 1)] for i, w in enumerate(weights)) / total
                     for x in range(len(row))] for row in rows]
            rows = [list(column) for column in zip(*rows)]
        made = Image.new("L", band.size)
        made.putdata([round(value) for row in rows for value in row])
        bands.append(made)
    return Image.merge(image.mode, bands)


@pytest.mark.parametrize("name, sigma", [("blur1", 1), ("blur5", 5)])
def test_blur_is_a_gaussian(found, name, sigma):
    assert runs.largest(found[name], blurred(source(), sigma)) <= 4  # libvips rounds the weights to whole numbers
    assert runs.mean(found[name], blurred(source(), sigma)) < 1.2


def test_transparent_pixels_do_not_blur_into_others(tmp_path):
    image = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    image.paste((0, 0, 200, 255), (0, 0, 20, 20))
    picture = runs.run(tmp_path, encoded(image), {"x": "blur: 3"})["x"]
    for x in range(40):
        red, _, _, alpha = picture.getpixel((x, 10))
        assert red <= 1 or alpha == 0
    assert 90 < picture.getpixel((19, 10))[3] < 165 and picture.getpixel((2, 10)) == (0, 0, 200, 255)


def test_sharpen_steepens_edges_only(tmp_path):
    """An edge gets darker and lighter sides, a flat area stays, hues stay."""
    image = Image.new("RGB", (60, 40), (90, 90, 90))
    image.paste((150, 150, 150), (30, 0, 60, 40))
    for name, picture in runs.run(tmp_path, encoded(image), {"1": "sharpen: 1", "3": "sharpen: 3"}).items():
        assert picture.getpixel((29, 20))[0] < 85 and picture.getpixel((30, 20))[0] > 155, name
        assert abs(picture.getpixel((5, 20))[0] - 90) <= 1 and abs(picture.getpixel((55, 20))[0] - 150) <= 1
        assert all(max(pixel) - min(pixel) <= 2 for pixel in picture.getdata())


def contrast(image):
    """The sum of the steps between neighbours."""
    grey = image.convert("L")
    width, values = grey.width, list(grey.getdata())
    return sum(abs(values[i] - values[i + 1]) for i in range(len(values) - 1) if (i + 1) % width)


def test_sharpen_gives_contrast_and_blur_takes_it(tmp_path):
    made = runs.run(tmp_path, encoded(text_like()), {"sharp": "sharpen: 1", "blur1": "blur: 1", "blur5": "blur: 5"})
    assert contrast(made["sharp"]) > 1.1 * contrast(text_like()) and contrast(made["blur1"]) < 0.8 * contrast(text_like())
    assert contrast(made["blur5"]) < 0.5 * contrast(made["blur1"])


# ---- shapes ----

def drawn(shape, box, radius=0):
    """By Pillow, eight times as large, and averaged."""
    large = Image.new("L", (SIZE[0] * 8, SIZE[1] * 8))
    corners = (box[0] * 8, box[1] * 8, box[2] * 8 - 1, box[3] * 8 - 1)
    if shape == "ellipse":
        ImageDraw.Draw(large).ellipse(corners, fill=255)
    else:
        ImageDraw.Draw(large).rounded_rectangle(corners, radius * 8, fill=255)
    return large.resize(SIZE, Image.BOX)


@pytest.mark.parametrize("name, shape", [("round", ("round", (0, 0, 120, 80), 20)), ("pill", ("round", (0, 0, 120, 80), 40)),
                                         ("circle", ("ellipse", (20, 0, 100, 80))), ("ellipse", ("ellipse", (0, 0, 120, 80)))])
def test_shapes_have_smooth_edges(found, name, shape):
    """A pixel of the outline differs by the fineness of the drawing, and by the slope within a pixel."""
    alpha = found[name].getchannel("A")
    assert runs.largest(alpha, drawn(*shape)) <= 32 and runs.mean(alpha, drawn(*shape)) < 0.4
    assert runs.largest(found[name].convert("RGB").crop((50, 30, 70, 50)), source().crop((50, 30, 70, 50))) == 0


def test_what_is_outside_is_background(found):
    assert all(value >= 250 for value in found["white"].getpixel((2, 2)))
    assert found["red"].mode == "RGB" and found["red"].getpixel((2, 2)) == (255, 0, 0)
    assert found["framed"].size == (120, 120) and found["framed"].getpixel((60, 5))[3] == 0
    assert found["framed"].getpixel((60, 60))[3] == 255


def test_a_mask_takes_from_the_transparency_that_is_there(tmp_path):
    image = Image.new("RGBA", (80, 80), (10, 20, 30, 100))
    picture = runs.run(tmp_path, encoded(image), {"x": "mask: circle"})["x"]
    assert picture.getpixel((40, 40)) == (10, 20, 30, 100) and picture.getpixel((0, 0))[3] == 0
    edge = [picture.getpixel((x, 12))[3] for x in range(80)]
    assert max(edge) == 100 and 0 < min(value for value in edge if value) < 100


# ---- together ----

def test_all_of_them_are_applied(found):
    picture = found["all"].convert("LA")
    assert picture.size == (124, 80) and picture.getpixel((2, 40))[1] == 0 and picture.getpixel((4, 0))[1] == 0
    assert picture.getpixel((64, 40))[1] == 255


def test_grey_and_deep_pictures(tmp_path):
    """16 bits stay with format: keep."""
    deep = Image.new("I;16", (60, 40))
    deep.putdata([20000 + 300 * x + 100 * y for y in range(40) for x in range(60)])
    rows = {name: f"{settings}, format: keep" for name, settings in
            {"grey": "greyscale: true", "normal": "normalise: true", "blur": "blur: 2", "sharp": "sharpen: 1", "round": "round: 5"}.items()}
    made = runs.run(tmp_path, encoded(deep), {**rows, "tint": "tint: red, format: keep", "black": "round: 5, background: black, format: tiff"})
    assert list(made["grey"].getdata()) == list(deep.getdata())
    assert abs(made["blur"].getpixel((30, 20)) - deep.getpixel((30, 20))) < 150
    assert abs(made["sharp"].getpixel((30, 20)) - deep.getpixel((30, 20))) < 300
    low, high = made["normal"].getextrema()
    assert low < 1500 and high > 64000
    assert made["tint"].mode == "RGB"  # Pillow reads 16-bit RGB as 8 bits
    assert made["round"].size == (60, 40)


def test_colours_are_converted_before_their_lightness_counts(tmp_path):
    """The picture has no profile of its own afterwards: a sharpened CMYK picture is sRGB, although its profile is to be kept."""
    cmyk = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    made = runs.run(tmp_path, encoded(cmyk, "JPEG", quality=95), {"sharp": "sharpen: 1, strip: false, format: jpeg",
                                                                 "grey": "greyscale: true, strip: false, format: jpeg"}, "in.jpg")
    assert made["sharp"].mode == "RGB" and made["sharp"].getpixel((20, 20))[0] > 180
    assert made["grey"].mode == "L" and "icc_profile" not in made["grey"].info


def test_every_frame_gets_them(tmp_path):
    frames = [text_like(60, 60), text_like(60, 60).transpose(Image.FLIP_LEFT_RIGHT)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    made = runs.run(tmp_path, out.getvalue(), {"x": "greyscale: true, mask: circle, blur: 1, frames: all, format: webp"}, "in.webp")["x"]
    assert made.n_frames == 2
    for i in range(2):
        made.seek(i)
        picture = made.convert("RGBA")
        assert picture.getpixel((1, 1))[3] == 0 and picture.getpixel((30, 30))[3] == 255
        red, green, blue, _ = picture.getpixel((30, 30))
        assert max(red, green, blue) - min(red, green, blue) <= 6


@pytest.mark.parametrize("settings, said", [
    ("normalise: true, format: gif, frames: all", "outputs[0].normalise: can't be combined with frames: all"),
    ("round: 5, mask: circle", "outputs[0].round: can't be combined with mask"),
    ("blur: 0.1", "outputs[0].blur: expected a number from 0.3 to 32"),
    ("sharpen: 11", "outputs[0].sharpen: expected a number from 0.1 to 10"),
    ("tint: reddish", "outputs[0].tint: expected a colour"),
    ("mask: square", "outputs[0].mask: expected one of none, circle, ellipse"),
])
def test_what_has_no_meaning_is_refused(tmp_path, settings, said):
    code, text = runs.check(tmp_path, settings)
    assert code == 2 and said in text, text
