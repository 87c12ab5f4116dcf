"""Turned, mirrored, cut and padded pictures, compared with Pillow's."""
import io
import math

import pytest
from PIL import Image

import harness
import operation_runs as runs

WIDTH, HEIGHT = 90, 60
GRAVITIES = {"northwest": (0, 0), "north": (1, 0), "northeast": (2, 0), "west": (0, 1), "centre": (1, 1), "east": (2, 1),
             "southwest": (0, 2), "south": (1, 2), "southeast": (2, 2)}
ANGLES = [1, 30, 45, 100, -20, 200.5, 300]


def source():
    """No symmetry: every turn and every crop gives another picture."""
    return runs.smooth(WIDTH, HEIGHT)


def encoded(image, form="PNG", **more):
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def outputs():
    turns = {f"turn{angle}{flip}{flop}": f"rotate: {angle}, flip: {str(flip).lower()}, flop: {str(flop).lower()}"
             for angle in (0, 90, 180, -90) for flip in (False, True) for flop in (False, True)}
    return {**turns, "again": "rotate: -270"}


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    return runs.run(tmp_path_factory.mktemp("turned"), encoded(source()), outputs())


def test_right_angles_and_mirror_images_are_exact(turned):
    for angle in (0, 90, 180, -90):
        for flip in (False, True):
            for flop in (False, True):
                expected = source().rotate(-angle, expand=True)
                expected = expected.transpose(Image.FLIP_TOP_BOTTOM) if flip else expected
                expected = expected.transpose(Image.FLIP_LEFT_RIGHT) if flop else expected
                assert runs.largest(turned[f"turn{angle}{flip}{flop}"], expected) == 0, (angle, flip, flop)
    assert runs.largest(turned["again"], source().rotate(-90, expand=True)) == 0


def test_any_angle_turns_around_the_middle(tmp_path):
    """Pillow's bicubic filter is the same. It computes in other steps of fractions, so values differ by rounding. Pillow adds
    columns at other sides to reach its size, so the pictures are compared in what both surely contain."""
    found = runs.run(tmp_path, encoded(source()), {f"a{angle}": f"rotate: {angle}, background: '#285a78'" for angle in ANGLES})
    for angle in ANGLES:
        c, s = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
        size = (math.floor(WIDTH * c + HEIGHT * s + 0.5), math.floor(WIDTH * s + HEIGHT * c + 0.5))
        picture = found[f"a{angle}"]
        assert (picture.size, picture.mode) == (size, "RGB"), angle
        middle = Image.new("RGB", (size[0] * 2, size[1] * 2), (40, 90, 120))
        middle.paste(source().resize((WIDTH * 2, HEIGHT * 2), Image.BICUBIC), (size[0] - WIDTH, size[1] - HEIGHT))
        expected = middle.rotate(-angle, Image.BICUBIC).resize(size, Image.BOX)
        box = (size[0] // 2 - 15, size[1] // 2 - 15, size[0] // 2 + 15, size[1] // 2 + 15)
        assert runs.largest(picture.crop(box), expected.crop(box)) <= 3, angle
        assert picture.getpixel((0, 0)) == (40, 90, 120) or angle == 1, angle


def test_the_corners_of_an_angle_are_transparent_or_background(tmp_path):
    found = runs.run(tmp_path, encoded(source()), {"clear": "rotate: 45", "white": "rotate: 45, format: jpeg, quality: 95",
                                                   "red": "rotate: 45, background: red"})
    assert found["clear"].mode == "RGBA" and found["clear"].getpixel((0, 0))[3] == 0
    assert found["clear"].getpixel((53, 53))[3] == 255
    assert min(found["white"].getpixel((0, 0))) >= 250
    assert found["red"].getpixel((0, 0)) == (255, 0, 0)


def test_the_size_is_that_of_the_turned_picture(tmp_path):
    found = runs.run(tmp_path, encoded(source()), {
        "width": "width: 30, rotate: 90", "height": "height: 30, rotate: 90", "box": "width: 40, height: 40, rotate: 270",
        "cover": "width: 20, height: 40, fit: cover, rotate: 90", "angle": "width: 50, height: 50, rotate: 45",
        "part": "width: 20, height: 20, fit: cover, rotate: 45", "fill": "width: 10, height: 50, fit: fill, rotate: 90"})
    assert found["width"].size == (30, 45) and found["height"].size == (20, 30) and found["box"].size == (27, 40)
    assert found["cover"].size == (20, 40) and found["angle"].size == (50, 50) and found["part"].size == (20, 20)
    assert found["fill"].size == (10, 50)


def test_the_orientation_of_the_source_comes_first(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = source().rotate(90, expand=True)
    found = runs.run(tmp_path, encoded(stored, "JPEG", quality=95, exif=exif), {"x": "rotate: 90", "y": "flop: true"}, "in.jpg")
    assert runs.largest(found["x"], source().rotate(-90, expand=True)) <= 4  # of JPEG
    assert runs.largest(found["y"], source().transpose(Image.FLIP_LEFT_RIGHT)) <= 4


def test_gravity_chooses_what_cover_keeps(tmp_path):
    found = runs.run(tmp_path, encoded(source()), {name: f"width: 60, height: 60, fit: cover, gravity: {name}" for name in GRAVITIES})
    tall = runs.run(tmp_path / "tall", encoded(source().rotate(-90, expand=True)),
                    {name: f"width: 60, height: 60, fit: cover, gravity: {name}" for name in GRAVITIES})
    for name, (across, down) in GRAVITIES.items():
        left = across * 15
        assert runs.largest(found[name], source().crop((left, 0, left + 60, 60))) == 0, name
        assert runs.largest(tall[name], source().rotate(-90, expand=True).crop((0, down * 15, 60, down * 15 + 60))) == 0, name


def test_gravity_places_the_picture_in_contain(tmp_path):
    settings = {name: f"width: 90, height: 90, fit: contain, background: blue, gravity: {name}" for name in GRAVITIES}
    for name, picture in runs.run(tmp_path, encoded(source()), settings).items():
        expected = Image.new("RGB", (90, 90), "blue")
        expected.paste(source(), (0, GRAVITIES[name][1] * 15))
        assert runs.largest(picture, expected) == 0, name


def test_the_focal_point_is_in_the_middle_where_possible(tmp_path):
    found = runs.run(tmp_path, encoded(source()), {
        "middle": "width: 60, height: 60, fit: cover, focal: {x: 0.5}", "left": "width: 60, height: 60, fit: cover, focal: {x: 0.4}",
        "edge": "width: 60, height: 60, fit: cover, focal: {x: 1, y: 1}",
        "turned": "width: 60, height: 60, fit: cover, focal: {x: 0.4}, rotate: 180"})
    assert runs.largest(found["middle"], source().crop((15, 0, 75, 60))) == 0
    assert runs.largest(found["left"], source().crop((6, 0, 66, 60))) == 0
    assert runs.largest(found["edge"], source().crop((30, 0, 90, 60))) == 0
    assert runs.largest(found["turned"], source().crop((6, 0, 66, 60)).rotate(180)) == 0


def test_padding_is_added_to_the_size(tmp_path):
    found = runs.run(tmp_path, encoded(source()), {
        "sides": "pad: {top: 1, right: 2, bottom: 3, left: 4}, background: green", "clear": "pad: {left: 5}",
        "both": "width: 90, height: 70, fit: contain, pad: {top: 5, bottom: 5}, background: green"})
    expected = Image.new("RGB", (96, 64), (0, 128, 0))
    expected.paste(source(), (4, 1))
    assert runs.largest(found["sides"], expected) == 0
    assert found["clear"].size == (95, 60) and found["clear"].getpixel((4, 30))[3] == 0
    expected = Image.new("RGB", (90, 80), (0, 128, 0))
    expected.paste(source(), (0, 10))
    assert runs.largest(found["both"], expected) == 0


def test_sixteen_bits_are_kept(tmp_path):
    deep = Image.new("I;16", (30, 20))
    deep.putdata([1000 + 1500 * x + 7 * y for y in range(20) for x in range(30)])
    found = runs.run(tmp_path, encoded(deep), {"x": "rotate: 90, format: keep", "pad": "pad: {left: 2}, background: white, format: keep"})
    assert [found["x"].getpixel((19 - y, x)) for y in range(20) for x in range(30)] == list(deep.getdata())
    assert found["pad"].getpixel((1, 5)) == 65535 and found["pad"].getpixel((2, 5)) == deep.getpixel((0, 5))


def test_every_frame_is_turned(tmp_path):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "lime", "blue")]
    frames = [_with_corner(frame) for frame in frames]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    found = runs.run(tmp_path, gif, {"x": "rotate: 90, frames: all, format: keep, pad: {top: 10}, background: black"}, "in.gif")["x"]
    assert found.n_frames == 3 and found.size == (20, 40)
    for i, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
        found.seek(i)
        picture = found.convert("RGB")
        assert picture.getpixel((5, 35)) == colour and picture.getpixel((18, 12)) == (255, 255, 255)
        assert picture.getpixel((5, 5)) == (0, 0, 0)


def _with_corner(frame):
    frame.paste((255, 255, 255), (0, 0, 5, 5))
    return frame


@pytest.mark.parametrize("settings, said", [
    ("width: 10, gravity: north", "outputs[0].gravity: needs fit: cover or fit: contain"),
    ("width: 10, height: 10, fit: cover, crop: entropy, gravity: north", "outputs[0].gravity: can't be combined with crop"),
    ("width: 10, focal: {x: 0.1}", "outputs[0].focal: needs fit: cover"),
    ("width: 10, height: 10, fit: cover, gravity: north, focal: {x: 0.1}", "outputs[0].focal: can't be combined with gravity"),
    ("width: 10, height: 10, fit: fill, rotate: 10", "outputs[0].rotate: by another angle than 90, 180 or 270"),
    ("width: 10, height: 10, fit: cover, focal: {x: 2}", "outputs[0].focal.x: expected a number from 0 to 1, found \"2\""),
    ("width: 10, height: 10, fit: cover, focal: metadata", "outputs[0].focal: expected a map, found \"metadata\""),
    ("width: 10, height: 10, fit: cover, focal: {from: name}", "outputs[0].focal.from: expected one of fixed, metadata, tags"),
    ("width: 10, focal: {from: metadata}", "outputs[0].focal: needs fit: cover"),
    ("rotate: 361", "outputs[0].rotate: expected a number from -360 to 360"),
    ("pad: {top: 5000}", "outputs[0].pad.top: expected a whole number from 0 to 4096"),
    ("gravity: up", "outputs[0].gravity: expected one of centre, north"),
])
def test_what_has_no_meaning_is_refused(tmp_path, settings, said):
    code, text = runs.check(tmp_path, settings)
    assert code == 2 and said in text, text


def test_turned_jpegs_are_shrunk_while_they_are_decoded(tmp_path):
    """A large JPEG has the same small rendition whether it is turned before or after."""
    jpeg = harness.jpeg(1600, 1200, quality=95)
    found = runs.run(tmp_path, jpeg, {"plain": "width: 80", "turned": "height: 80, rotate: 90"}, "in.jpg")
    assert runs.largest(found["turned"], found["plain"].rotate(-90, expand=True)) == 0
