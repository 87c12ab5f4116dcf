"""The search for a quality: max_bytes, target: ssim and format: auto, against encodings of every quality."""
import io
import json
import random

import pytest
from PIL import Image

import harness
from harness import open_image, thumbwheel
from test_image_formats import as_png, check, read

WIDTH, HEIGHT = 160, 120


def photo():
    chooser = random.Random(11)
    image = harness.picture(WIDTH, HEIGHT).convert("RGB")
    image.putdata([tuple(min(255, max(0, value + chooser.randrange(-20, 21))) for value in pixel) for pixel in image.getdata()])
    return image


def flat():
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    image.paste((200, 30, 60), (20, 20, 90, 90))
    image.paste((20, 40, 200), (60, 50, 150, 110))
    return image


def glass():
    image = photo().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def run(folder, rows, sources, *arguments):
    text = "".join(f'  - {{ key: "{name}/{{stem}}.{{ext}}", {settings} }}\n' for name, settings in rows.items())
    (folder / "search.yaml").write_text(f"name: search\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs:\n{text}")
    (folder / "in").mkdir()
    for name, image in sources.items():
        (folder / "in" / f"{name}.png").write_bytes(as_png(image))
    done = thumbwheel("process", "--pipelines", folder / "search.yaml", "--out", folder / "out", *arguments, folder / "in")
    assert done.returncode == 0, done.stderr
    return folder / "out", done.stderr


def luma(image):
    """Of sRGB on white, as ITU-R BT.601 weighs it."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return [(299 * r + 587 * g + 114 * b + 500) // 1000 for r, g, b in image.convert("RGB").getdata()]


def ssim(one, other):
    """Wang et al. 2004 with windows of 8 × 8 at every fourth pixel."""
    a, b, width, height = luma(one), luma(other), *one.size
    c1, c2, found = (0.01 * 255) ** 2, (0.03 * 255) ** 2, []
    for y in range(0, height - 7, 4):
        for x in range(0, width - 7, 4):
            at = [(y + j) * width + x + i for j in range(8) for i in range(8)]
            p, q = [a[i] for i in at], [b[i] for i in at]
            mp, mq = sum(p) / 64, sum(q) / 64
            vp, vq = sum(v * v for v in p) / 64 - mp * mp, sum(v * v for v in q) / 64 - mq * mq
            both = sum(v * w for v, w in zip(p, q)) / 64 - mp * mq
            found.append((2 * mp * mq + c1) * (2 * both + c2) / ((mp * mp + mq * mq + c1) * (vp + vq + c2)))
    return sum(found) / len(found)


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_max_bytes_is_the_highest_quality_that_fits(tmp_path, isolation):
    (tmp_path / "ladder").mkdir()
    steps, _ = run(tmp_path / "ladder", {f"q{quality}": f"format: jpeg, quality: {quality}" for quality in range(40, 71)}, {"photo": photo()})
    sizes = {path.parent.name: path.stat().st_size for path in steps.glob("*/photo.jpg")}
    limit = sizes["q57"] + 1
    wanted = {"limited": f"format: jpeg, quality: 90, max_bytes: {limit}", "roomy": "format: jpeg, quality: 90, max_bytes: 1MiB",
              "webp": f"format: webp, quality: 90, max_bytes: {limit}", "avif": f"format: avif, effort: 0, quality: 90, max_bytes: {limit}",
              "both": f"format: webp, target: ssim, ssim: 0.99, max_bytes: {limit}"}
    out, _ = run(tmp_path, wanted, {"photo": photo()}, "--isolation", isolation)
    best = max((size, name) for name, size in sizes.items() if size <= limit)[1]
    assert (out / "limited/photo.jpg").read_bytes() == (steps / f"{best}/photo.jpg").read_bytes()
    assert all(next((out / name).iterdir()).stat().st_size <= limit for name in ("webp", "avif", "both"))
    assert (out / "roomy/photo.jpg").stat().st_size > limit


def test_an_output_that_can_not_fit_is_stored_with_a_warning(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/p.yaml").write_text(
        'name: p\nqueue: p-queue\nmatch: { prefix: ingest/ }\noutputs:\n'
        '  - { key: "small/{stem}.jpg", format: jpeg, max_bytes: 1KiB, min_quality: 40 }\n  - { key: "forty/{stem}.jpg", format: jpeg, quality: 40 }\n')
    (tmp_path / "photo.png").write_bytes(as_png(photo()))
    cloud = start_cloud("--pipelines", tmp_path / "pipelines", "--log-format", "json", "--log-level", "warn", photos=(tmp_path / "photo.png",))
    s3 = cloud.client("s3")
    harness.until(lambda: all(harness.exists(s3, "photos", f"{name}/photo.jpg") for name in ("small", "forty")), "the outputs")
    assert harness.fetch(s3, "photos", "small/photo.jpg") == harness.fetch(s3, "photos", "forty/photo.jpg")
    line = cloud.wait_for(r"\{.*more bytes than max_bytes.*\}").group(0)
    fields = json.loads(line)
    assert fields["output"] == "small/photo.jpg" and fields["level"] == "warn" and fields["bytes"] > 1024


@pytest.mark.parametrize("end", ["jpg", "webp", "avif", "heic", "jxl"])
def test_target_ssim_is_the_lowest_quality_that_is_similar_enough(tmp_path, end):
    form = {"jpg": "jpeg"}.get(end, end)
    settings = f"format: {form}, target: ssim, ssim: 0.9, effort: 0"
    step = {f"q{quality}": f"format: {form}, effort: 0, quality: {quality}" for quality in range(20, 51)}
    out, _ = run(tmp_path, {"target": settings}, {"photo": photo()})
    found = out / f"target/photo.{end}"
    assert ssim(read(found), photo()) >= 0.9 - 0.004  # other decoders round in other ways
    (tmp_path / "ladder").mkdir()
    steps, _ = run(tmp_path / "ladder", step, {"photo": photo()})
    same = [name for name in step if (steps / f"{name}/photo.{end}").read_bytes() == found.read_bytes()]
    qualities = [int(name[1:]) for name in same]
    if qualities and min(qualities) > 20:  # one step lower is not similar enough
        assert ssim(read(steps / f"q{min(qualities) - 1}/photo.{end}"), photo()) < 0.9 + 0.004


def test_auto_is_the_smallest_of_its_formats_and_says_so(tmp_path):
    rows = {"auto": "format: auto, formats: [jpeg, png, webp]", "jpeg": "format: jpeg", "png": "format: png", "webp": "format: webp",
            "two": "format: auto, formats: [jpeg, png]"}
    out, _ = run(tmp_path, rows, {"photo": photo(), "flat": flat(), "glass": glass()})
    for stem in ("photo", "flat", "glass"):
        sizes = {name: next((out / name).glob(f"{stem}.*")).stat().st_size for name in ("jpeg", "png", "webp")}
        if stem == "glass":
            del sizes["jpeg"]  # has no transparency
        chosen = next((out / "auto").glob(f"{stem}.*"))
        smallest = min(sizes, key=sizes.get)
        assert chosen.stat().st_size == sizes[smallest]
        assert chosen.suffix == {"jpeg": ".jpg"}.get(smallest, f".{smallest}") and open_image(chosen.read_bytes()).format.lower() == smallest
    assert {path.name for path in (out / "two").iterdir()} == {"photo.jpg", "flat.png", "glass.png"}


def test_the_content_type_follows_the_chosen_format(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/p.yaml").write_text(
        'name: p\nqueue: p-queue\nmatch: { prefix: ingest/ }\noutputs:\n'
        '  - { key: "auto/{stem}", format: auto, formats: [jpeg, png], manifest: "auto/{stem}.json" }\n')
    (tmp_path / "flat.png").write_bytes(as_png(flat()))
    cloud = start_cloud("--pipelines", tmp_path / "pipelines", photos=(tmp_path / "flat.png",))
    s3 = cloud.client("s3")
    harness.until(lambda: harness.exists(s3, "photos", "auto/flat.json"), "the manifest")
    assert s3.head_object(Bucket="photos", Key="auto/flat")["ContentType"] == "image/png"
    assert json.load(io.BytesIO(harness.fetch(s3, "photos", "auto/flat.json")))["images"][0]["type"] == "image/png"


@pytest.mark.parametrize("settings, said", [
    ("format: png, max_bytes: 10KiB", "needs a format with a quality"),
    ("format: jpeg, max_bytes: 1", "a size from 1KiB to 65536KiB"),
    ("format: webp, lossless: true, max_bytes: 10KiB", "lossless: has no quality"),
    ("format: jpeg, ssim: 0.9", "ssim: needs target: ssim"),
    ("format: jpeg, min_quality: 9", "needs max_bytes or target: ssim"),
    ("format: jpeg, max_bytes: 10KiB, quality: 30, min_quality: 40", "must not be above quality"),
    ("format: png, target: ssim", "ssim needs formats with a quality"),
    ("format: webp, target: ssim, frames: all", "can't be combined with frames: all"),
    ("format: jpeg, formats: [webp]", "formats: is for format: auto"),
    ("format: auto, formats: [gif]", "a list of jpeg, png, webp, avif, heic, jxl"),
    ("format: auto, keep: [icc]", "can't have icc with format: auto"),
    ("format: auto, frames: all", "all needs a format with animations"),
])
def test_check_refuses_a_search_without_an_end(tmp_path, settings, said):
    problems = check(tmp_path, f'name: x\nqueue: q\nmatch: {{ prefix: ingest/ }}\noutputs: [{{ key: "o/{{stem}}.{{ext}}", {settings} }}]\n')
    assert len(problems) == 1 and said in problems[0], problems
