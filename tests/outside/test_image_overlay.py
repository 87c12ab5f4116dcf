"""Pictures and texts over outputs, compared with Pillow's."""
import io

import pytest
from PIL import Image, ImageDraw, ImageFont

import operation_runs as runs
from harness import clean_environment, open_image, thumbwheel

SIZE, LOGO = (120, 80), (30, 20)
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def encoded(image, form="PNG", **more):
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def logo():
    """Opaque, half transparent and transparent parts."""
    image = Image.new("RGBA", LOGO, (255, 200, 0, 255))
    image.paste((0, 40, 200, 128), (10, 0, 20, 20))
    image.paste((0, 0, 0, 0), (20, 0, 30, 10))
    return image


def source():
    return runs.smooth(*SIZE)


def run(folder, outputs, data=None, name="in.png", *options):
    folder.mkdir(exist_ok=True)
    (folder / "logo.png").write_bytes(encoded(logo()))
    return runs.run(folder, data or encoded(source()), outputs, name, *options)


def laid(image, picture, at):
    """Composed by Pillow."""
    layer = Image.new("RGBA", image.size)
    layer.paste(picture, at)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert(image.mode)


def test_it_lies_where_gravity_says(tmp_path):
    """Both round to whole numbers."""
    places = {"northwest": (0, 0), "north": (45, 0), "northeast": (90, 0), "west": (0, 30), "centre": (45, 30), "east": (90, 30),
              "southwest": (0, 60), "south": (45, 60), "southeast": (90, 60)}
    found = run(tmp_path, {name: f"overlay: {{file: logo.png, gravity: {name}}}" for name in places} | {"default": "overlay: {file: logo.png}"})
    for name, at in places.items():
        assert runs.largest(found[name], laid(source(), logo(), at)) <= 1, name
    assert runs.largest(found["default"], found["southeast"]) == 0


def test_offsets_lead_inwards(tmp_path):
    found = run(tmp_path, {"nw": "overlay: {file: logo.png, gravity: northwest, x: 7, y: 3}", "se": "overlay: {file: logo.png, x: 7, y: 3}",
                           "far": "overlay: {file: logo.png, x: 4000, y: 4000}", "s": "overlay: {file: logo.png, gravity: south, y: 9}"})
    assert runs.largest(found["nw"], laid(source(), logo(), (7, 3))) <= 1
    assert runs.largest(found["se"], laid(source(), logo(), (83, 57))) <= 1
    assert runs.largest(found["far"], laid(source(), logo(), (0, 0))) <= 1
    assert runs.largest(found["s"], laid(source(), logo(), (45, 51))) <= 1


def test_opacity_scale_and_tiles(tmp_path):
    found = run(tmp_path, {"half": "overlay: {file: logo.png, opacity: 0.5}", "scaled": "overlay: {file: logo.png, scale: 0.5, gravity: northwest}",
                           "tiles": "overlay: {file: logo.png, tile: true, x: 10, y: 5}", "small": "width: 20, overlay: {file: logo.png}"})
    faint = logo()
    faint.putalpha(faint.getchannel("A").point(lambda value: round(value / 2)))
    assert runs.largest(found["half"], laid(source(), faint, (90, 60))) <= 1
    scaled = laid(source(), logo().resize((60, 40), Image.LANCZOS), (0, 0))
    assert runs.mean(found["scaled"], scaled) < 1  # the filters differ at the edges
    tiled = source()
    for y in range(0, 80, 25):
        for x in range(0, 120, 40):
            tiled = laid(tiled, logo(), (x, y))
    assert runs.largest(found["tiles"], tiled) <= 1
    assert found["small"].size == (20, 13)  # a larger picture is made to fit


def test_transparent_outputs_stay_transparent_elsewhere(tmp_path):
    clear = encoded(Image.new("RGBA", SIZE, (0, 0, 0, 0)))
    found = run(tmp_path, {"x": "overlay: {file: logo.png}", "pad": "pad: {left: 40}, overlay: {file: logo.png, gravity: west}"}, clear)
    assert found["x"].mode == "RGBA" and found["x"].getpixel((5, 5))[3] == 0
    assert found["x"].getpixel((92, 70)) == (255, 200, 0, 255) and found["x"].getpixel((105, 70))[3] in (127, 128)
    assert found["pad"].getpixel((3, 40)) == (255, 200, 0, 255)  # over the padding


def test_grey_and_deep_pictures(tmp_path):
    grey = run(tmp_path / "grey", {"x": "overlay: {file: logo.png}", "made": "greyscale: true, overlay: {file: logo.png}"},
               encoded(source().convert("L")))
    for picture in grey.values():
        assert picture.mode == "RGB" and picture.getpixel((92, 70)) == (255, 200, 0)
        assert len(set(picture.getpixel((5, 5)))) == 1
    deep = Image.new("I;16", SIZE)
    deep.putdata([20000] * SIZE[0] * SIZE[1])
    found = run(tmp_path / "deep", {"x": "overlay: {file: logo.png}, format: keep"}, encoded(deep))["x"]
    assert found.getpixel((92, 70)) == (255, 200, 0) and abs(found.getpixel((5, 5))[0] - 20000 // 257) <= 1


def test_every_frame_has_it(tmp_path):
    frames = [Image.new("RGB", SIZE, colour) for colour in ("red", "lime", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    found = run(tmp_path, {"x": "frames: all, format: gif, overlay: {file: logo.png}"}, gif, "in.gif")["x"]
    assert found.n_frames == 3
    for i in range(3):
        found.seek(i)
        assert all(abs(a - b) < 12 for a, b in zip(found.convert("RGB").getpixel((92, 70)), (255, 200, 0)))


# ---- texts ----

def box_of(picture, ground=(0, 0, 0)):
    return Image.frombytes("L", picture.size, bytes(max(abs(a - b) for a, b in zip(pixel, ground)) for pixel in picture.getdata())) \
        .point(lambda value: 255 if value > 100 else 0).getbbox()


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_text_has_the_size_of_its_font(tmp_path, isolation):
    """Decoder processes have no fonts; the same font drawn by Pillow has the same size, within its hinting."""
    black = encoded(Image.new("RGB", (400, 80)))
    text = "Größe <b> & 50 %"
    found = run(tmp_path, {"x": f"overlay: {{text: '{text}', font: DejaVu Sans, size: 24, colour: yellow, gravity: centre}}"}, black,
                "in.png", "--isolation", isolation)["x"]
    drawn = Image.new("RGB", (400, 80))
    ImageDraw.Draw(drawn).text((20, 20), text, font=ImageFont.truetype(FONT, 24), fill="yellow")
    left, top, right, bottom = box_of(found)
    a, b, c, d = box_of(drawn)
    assert abs((right - left) - (c - a)) <= 6 and abs((bottom - top) - (d - b)) <= 3
    red, green, blue = map(max, zip(*found.getdata()))
    assert red > 240 and green > 240 and blue == 0


def test_a_missing_font_is_replaced(tmp_path):
    found = run(tmp_path, {"x": "overlay: {text: hello, font: No Such Font, gravity: centre}"})["x"]
    assert runs.largest(found, source()) > 100


def test_a_machine_without_fonts_is_reported(tmp_path):
    """Pango would draw boxes."""
    (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>/none</dir></fontconfig>')
    (tmp_path / "text.yaml").write_text(runs.pipeline({"x": "overlay: {text: x}"}))
    done = thumbwheel("check", "--pipelines", tmp_path / "text.yaml",
                      environment=clean_environment(FONTCONFIG_FILE=str(tmp_path / "fonts.conf")))
    assert done.returncode == 2 and "outputs[0].overlay.text: can't be drawn: there is no font on this machine" in done.stdout + done.stderr


def test_pipelines_with_files_of_the_same_name(tmp_path):
    """Each has its own, although the settings are equal and both make the same output of one photo."""
    for name, colour in (("a", "red"), ("b", "blue")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "logo.png").write_bytes(encoded(Image.new("RGB", LOGO, colour)))
        (tmp_path / name / f"{name}.yaml").write_text(runs.pipeline({f"{name}": "overlay: {file: logo.png}"})
                                                      .replace("name: operations", f"name: {name}").replace("queue: q", f"queue: {name}"))
    (tmp_path / "in.png").write_bytes(encoded(source()))
    done = thumbwheel("process", "--pipelines", tmp_path / "a" / "a.yaml", "--pipelines", tmp_path / "b" / "b.yaml", "--out", tmp_path / "out",
                      tmp_path / "in.png")
    assert done.returncode == 0, done.stderr
    corner = {name: open_image((tmp_path / "out" / "o" / name).read_bytes()).getpixel((119, 79)) for name in "ab"}
    assert corner == {"a": (255, 0, 0), "b": (0, 0, 255)}


# ---- problems ----

@pytest.mark.parametrize("settings, said", [
    ("overlay: {file: none.png}", "outputs[0].overlay.file: "),
    ("overlay: {file: text.png}", "outputs[0].overlay.file: unsupported image format"),
    ("overlay: {file: large.png}", "outputs[0].overlay.file: "),
    ("overlay: {file: wide.png}", "outputs[0].overlay.file: the image has 5000 × 1 pixels; the limit is 4096 × 4096"),
    ("overlay: {file: bad.png}", "outputs[0].overlay.file: the png image is damaged or truncated"),
    ("overlay: {x: 1}", "outputs[0].overlay.text: exactly one of file, object and text must be given"),
    ("overlay: {file: logo.png, text: x}", "outputs[0].overlay.text: exactly one of file, object and text must be given"),
    (f"overlay: {{text: {'x' * 150}, size: 500}}", "outputs[0].overlay.size: is too large for a text of this length"),
    ("overlay: {text: x, opacity: 2}", "outputs[0].overlay.opacity: expected a number from 0.01 to 1"),
])
def test_check_finds_what_cannot_be_laid_over(tmp_path, settings, said):
    (tmp_path / "logo.png").write_bytes(encoded(logo()))
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "large.png").write_bytes(encoded(logo()) + bytes(1024 * 1024))
    (tmp_path / "wide.png").write_bytes(encoded(Image.new("L", (5000, 1))))
    (tmp_path / "bad.png").write_bytes(encoded(runs.smooth(300, 300))[:300])
    code, text = runs.check(tmp_path, settings)
    assert code == 2 and said in text, text


def test_check_accepts_a_file_and_a_text(tmp_path):
    (tmp_path / "logo.png").write_bytes(encoded(logo()))
    for settings in ("overlay: {file: logo.png}", f"overlay: {{file: {tmp_path}/logo.png}}", "overlay: {text: x}"):
        assert runs.check(tmp_path, settings)[0] == 0
