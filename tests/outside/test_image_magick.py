"""Operations compared with ImageMagick, where Pillow has none of its own: sizes exactly, pixels within a stated distance."""
import io
import subprocess

import pytest
from PIL import Image, ImageDraw

import operation_runs as runs

SIZE = (120, 80)


def photo():
    """Soft shapes with strong colours, not too dark and not too light, so that nothing is clipped."""
    image = Image.new("RGB", SIZE, (120, 110, 100))
    draw = ImageDraw.Draw(image)
    for x in range(0, SIZE[0], 12):
        draw.rectangle((x, 10, x + 8, 40), fill=(60 + x, 200 - x, 90))
        draw.ellipse((x, 45, x + 10, 70), fill=(200 - x, 70, 60 + x))
    return image


def logo():
    image = Image.new("RGBA", (30, 20))
    draw = ImageDraw.Draw(image)
    draw.ellipse((1, 1, 28, 18), fill=(255, 210, 0, 255))
    draw.rectangle((10, 5, 20, 15), fill=(30, 60, 200, 128))
    return image


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def magick(folder, *arguments, mode="RGB"):
    """ImageMagick 6, whose command is convert; in.png and logo.png are in the folder."""
    subprocess.run(["convert", *map(str, arguments), "PNG32:magick.png" if mode == "RGBA" else "PNG24:magick.png"], cwd=folder, check=True)
    with Image.open(folder / "magick.png") as made:
        return made.convert(mode)


def measure(found, expected):
    """The mean and the largest difference of all values, on white."""
    assert found.size == expected.size, (found.size, expected.size)
    a, b = (Image.alpha_composite(Image.new("RGBA", found.size, "white"), image.convert("RGBA")).convert("RGB") for image in (found, expected))
    return runs.mean(a, b), runs.largest(a, b)


HALF = "-filter", "Lanczos", "-resize", "60x40!"


def shape(drawing):
    """A mask that is drawn eight times as large, for smooth edges; the middle of a pixel has whole numbers."""
    return ["(", "-size", "960x640", "xc:none", "-fill", "white", "-stroke", "none", "-draw", drawing, "-scale", "120x80!", ")", "-compose", "DstIn", "-composite"]


ELLIPSE = shape("ellipse 479.5,319.5 480,320 0,360")
# the settings, ImageMagick's arguments, the largest mean and the largest single difference
CASES = {
    "resize": ("width: 60", ["in.png", *HALF], 1, 16),
    "linear": ("width: 60, linear: true", ["in.png", "-colorspace", "RGB", *HALF, "-colorspace", "sRGB"], 1, 16),
    "gamma": ("width: 60, gamma: 3", ["in.png", "-evaluate", "Pow", 3, *HALF, "-evaluate", "Pow", 1 / 3], 1, 16),
    "greyscale": ("greyscale: true", ["in.png", "-grayscale", "Rec709Luminance"], 1.5, 4),
    "normalise": ("normalise: true", ["in.png", "-colorspace", "Lab", "-channel", "R", "-contrast-stretch", "1%x1%", "+channel", "-colorspace", "sRGB"], 3, 16),
    "blur": ("blur: 2", ["in.png", "-gaussian-blur", "0x2"], 1.5, 12),
    "over": ("overlay: { file: logo.png, gravity: southeast, x: 7, y: 5 }",
             ["in.png", "logo.png", "-gravity", "southeast", "-geometry", "+7+5", "-composite"], 0.1, 2),
    "opacity": ("overlay: { file: logo.png, gravity: northwest, opacity: 0.4 }",
                ["in.png", "(", "logo.png", "-channel", "A", "-evaluate", "multiply", 0.4, ")", "-gravity", "northwest", "-composite"], 0.1, 2),
    "scale": ("overlay: { file: logo.png, gravity: centre, scale: 0.5 }",
              ["in.png", "(", "logo.png", "-filter", "Lanczos", "-resize", "60x40!", ")", "-gravity", "center", "-composite"], 0.5, 24),
    "tile": ("overlay: { file: logo.png, tile: true, opacity: 0.6 }",
             ["in.png", "(", "logo.png", "-virtual-pixel", "tile", "-set", "option:distort:viewport", "120x80+0+0", "-filter", "point", "-distort", "SRT", 0,
              "-channel", "A", "-evaluate", "multiply", 0.6, ")", "-composite"], 0.2, 2),
    "round": ("round: 15, format: png",
              ["in.png", *shape("roundrectangle -0.5,-0.5 959.5,639.5 120,120")], 0.3, 16),
    "circle": ("mask: circle, format: png",
               ["in.png", *shape("circle 479.5,319.5 479.5,-0.5")], 0.3, 16),
    "ellipse": ("mask: ellipse, format: png",
                ["in.png", *ELLIPSE], 0.3, 16),
    "flat": ("mask: ellipse, background: teal, format: jpeg, quality: 100, chroma: '4:4:4'",
             ["in.png", "-alpha", "set", *ELLIPSE, "-alpha", "set", "-background", "rgb(0,128,128)", "-compose", "Over", "-flatten"], 1.2, 20),
    "pad": ("pad: { top: 3, right: 5, bottom: 7, left: 11 }, background: teal",
            ["in.png", "-background", "rgb(0,128,128)", "-gravity", "northwest", "-splice", "11x3", "-gravity", "southeast", "-splice", "5x7"], 0, 0),
    "turned": ("rotate: 90, flop: true", ["in.png", "-rotate", 90, "-flop"], 0, 0),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("magick")
    logo().save(folder / "logo.png")
    return folder, runs.run(folder, png(photo()), {name: settings for name, (settings, *_) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_that_of_imagemagick(made, name):
    folder, outputs = made
    _, arguments, mean, most = CASES[name]
    mode = "RGBA" if "DstIn" in arguments and "-flatten" not in arguments else "RGB"
    found = measure(outputs[name], magick(folder, *arguments, mode=mode))
    assert found[0] <= mean and found[1] <= most, found


@pytest.mark.parametrize("border", [(0, 0, 0, 0), (7, 0, 3, 11), (1, 40, 1, 0)])
@pytest.mark.parametrize("colour", ["white", "rgb(10,20,30)"])
def test_what_trim_leaves_is_that_of_imagemagick(tmp_path, border, colour):
    """The border has a little noise, which the threshold covers."""
    left, top, right, bottom = border
    paper = Image.new("RGB", (SIZE[0] + left + right, SIZE[1] + top + bottom), colour.replace("rgb", "rgb"))
    paper = Image.blend(paper, Image.effect_noise(paper.size, 20).convert("RGB"), 0.02)
    ImageDraw.Draw(inner := photo()).rectangle((0, 0, SIZE[0] - 1, SIZE[1] - 1), outline=(255, 0, 120))
    paper.paste(inner, (left, top))
    found = runs.run(tmp_path, png(paper), {"a": "trim: 30"})["a"]
    expected = magick(tmp_path, "in.png", "-fuzz", "12%", "-trim", "+repage")
    assert measure(found.convert("RGB"), expected) == (0, 0)


def test_tint_keeps_the_lightness(tmp_path):
    """ImageMagick's L* of the result is that of the grey picture; it has no operation like it."""
    outputs = runs.run(tmp_path, png(photo()), {"tint": "tint: '#c08040'", "grey": "greyscale: true"})
    lightness = {}
    for name, image in outputs.items():
        image.convert("RGB").save(tmp_path / f"{name}.png")
        lightness[name] = magick(tmp_path, f"{name}.png", "-colorspace", "Lab", "-channel", "R", "-separate")
    mean, most = measure(lightness["tint"], lightness["grey"])
    assert mean <= 1 and most <= 4, (mean, most)
    red, green, blue = outputs["tint"].convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert red > green > blue
