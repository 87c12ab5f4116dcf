"""Resizing in light, compared with the same resize of light values in floating point."""
import io

from PIL import Image

import operation_runs as runs


def encoded(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def srgb_to_light(value):
    value /= 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def light_to_srgb(light):
    light = min(max(light, 0), 1)
    return 255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def power(exponent):
    return lambda value: (value / 255) ** exponent, lambda light: 255 * min(max(light, 0), 1) ** (1 / exponent)


CURVES = {"linear": ("linear: true", srgb_to_light, light_to_srgb), "gamma": ("gamma: 2.2", *power(2.2)),
          "steep": ("gamma: 3", *power(3))}


def resized(image, size, to_light, to_value):
    """By Pillow's Lanczos filter in floating point."""
    bands = []
    for band in image.split():
        light = Image.new("F", image.size)
        light.putdata([to_light(value) for value in band.getdata()])
        made = Image.new("L", size)
        made.putdata([round(to_value(value)) for value in light.resize(size, Image.LANCZOS).getdata()])
        bands.append(made)
    return Image.merge(image.mode, bands)


def text_like(width=120, height=80):
    """Fine bright lines on a dark ground, where light makes the largest difference."""
    image = Image.new("RGB", (width, height))
    image.putdata([(250, 240, 200) if (x * 7 + y * 3) % 11 < 2 or x % 16 == y % 16 else (20 + x, 10 + y, 60)
                   for y in range(height) for x in range(width)])
    return image


def test_resizes_are_those_of_light(tmp_path):
    """The filters are the same; libvips computes its weights in fixed steps, so values differ slightly."""
    found = runs.run(tmp_path, encoded(text_like()), {name: f"width: 40, {row[0]}" for name, row in CURVES.items()})
    for name, (_, to_light, to_value) in CURVES.items():
        expected = resized(text_like(), (40, 27), to_light, to_value)
        assert runs.mean(found[name], expected) < 1.5, name
        assert runs.largest(found[name], expected) <= 16, name


def test_a_resize_of_values_is_darker(tmp_path):
    """The mean of black and white lines: 188 of light, 128 of values."""
    lines = Image.new("L", (64, 64))
    lines.putdata([255 * (y % 2) for y in range(64) for _ in range(64)])
    found = runs.run(tmp_path, encoded(lines), {"light": "height: 32, width: 64, fit: fill, linear: true",
                                                "values": "height: 32, width: 64, fit: fill"})
    assert abs(found["light"].getpixel((32, 16)) - 188) <= 1 and abs(found["values"].getpixel((32, 16)) - 128) <= 1


def test_every_value_of_a_flat_picture_stays(tmp_path):
    """Also the darkest, for which 16 bits would not be enough."""
    image = Image.new("L", (16 * 24, 16 * 24))
    for value in range(256):
        image.paste(value, (value % 16 * 24, value // 16 * 24, value % 16 * 24 + 24, value // 16 * 24 + 24))
    found = runs.run(tmp_path, encoded(image), {name: f"width: 96, {row[0]}" for name, row in CURVES.items()})
    for name, picture in found.items():
        middles = [picture.getpixel((value % 16 * 6 + 3, value // 16 * 6 + 3)) for value in range(256)]
        near = {abs(middle - value) for value, middle in enumerate(middles)}
        assert max(near) <= 3, (name, middles)  # the filter reaches into the neighbours


def test_transparent_pixels_give_no_colour(tmp_path):
    image = Image.new("RGBA", (60, 60), (255, 0, 0, 0))
    image.paste((0, 0, 250, 255), (0, 0, 30, 60))
    found = runs.run(tmp_path, encoded(image), {"x": "width: 20, linear: true"})["x"]
    for x in range(10):
        red, _, blue, alpha = found.getpixel((x, 10))
        assert red <= 1 and abs(blue - 250) <= 1 and alpha > 100
    assert found.getpixel((18, 10))[3] == 0


def test_a_deep_picture_becomes_8_bits(tmp_path):
    deep = Image.new("I;16", (40, 40))
    deep.putdata([30000] * 1600)
    found = runs.run(tmp_path, encoded(deep), {"x": "width: 20, linear: true, format: keep"})["x"]
    assert found.mode == "L" and found.getpixel((5, 5)) == round(30000 / 257)


def test_frames_are_resized_in_light(tmp_path):
    frames = [text_like(), text_like().transpose(Image.FLIP_LEFT_RIGHT)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    found = runs.run(tmp_path, out.getvalue(), {"x": "width: 40, linear: true, frames: all, format: webp, quality: 100"}, "in.webp")["x"]
    assert found.n_frames == 2
    for i, frame in enumerate(frames):
        found.seek(i)
        assert runs.mean(found.convert("RGB"), resized(frame, (40, 27), srgb_to_light, light_to_srgb)) < 8  # of WebP


def test_two_curves_are_refused(tmp_path):
    code, text = runs.check(tmp_path, "linear: true, gamma: 2")
    assert code == 2 and "outputs[0].gamma: can't be combined with linear" in text, text
