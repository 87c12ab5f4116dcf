"""First use: samples, a directory of photos, a single run, and a cloud that keeps serving."""
import fcntl
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from types import SimpleNamespace

import pytest
from PIL import Image, ImageOps

import harness
from harness import assert_healthy, clean_environment, jpeg, picture, png, run_on_terminal, screen, thumbwheel

RENDITIONS = {"thumbnail": ("thumbnail/Thumbnail-", 128), "web": ("web/WebImage-", 1280),
              "mobile": ("mobile/MobileImage-", 480)}


def rendition_name(source):
    """What {image} makes of the name of a source, for a JPEG."""
    return source if source.lower().endswith((".jpg", ".jpeg")) else source + ".jpg"


@pytest.fixture(scope="module")
def first(tmp_path_factory, samples):
    """`local --once` without photos, once for all tests below."""
    folder = tmp_path_factory.mktemp("first")
    done = thumbwheel("local", "--once", "--out", folder / "out", timeout=600)
    return SimpleNamespace(code=done.returncode, stdout=done.stdout, stderr=done.stderr, out=folder / "out", samples=samples)


def upright_size(path):
    """The upright size of a photo."""
    with Image.open(path) as image:
        turned = image.getexif().get(0x0112, 1) >= 5
        return (image.height, image.width) if turned else image.size


def inside(size, box):
    """Expected size within a square box, never enlarged; the other side may be off by one pixel's rounding."""
    factor = min(1, box / max(size))
    return size[0] * factor, size[1] * factor


def test_without_photos_it_succeeds(first):
    assert first.code == 0, first.stdout + first.stderr


def test_there_are_at_least_twelve_samples(first):
    assert len(first.samples) >= 12


def test_the_samples_have_names_that_are_hard_for_clients(first):
    names = [path.name for path in first.samples]
    for what in (" ", "+", "%"):
        assert any(what in name for name in names), f"no sample has {what!r} in its name"
    assert any(not name.isascii() for name in names)


def test_the_samples_cover_the_common_formats(first):
    facts = set()
    for path in first.samples:
        with Image.open(path) as image:
            facts |= {image.format, f"{image.format} {image.mode}"}
            facts |= {"progressive"} if image.info.get("progressive") else set()
            facts |= {"profile"} if image.info.get("icc_profile") else set()
            facts |= {"turned"} if image.getexif().get(0x0112, 1) != 1 else set()
            facts |= {"24 megapixels"} if image.width * image.height >= 24_000_000 else set()
            facts |= {"16 bits"} if image.format == "PNG" and path.read_bytes()[24] == 16 else set()
    assert {"JPEG", "PNG", "WEBP", "TIFF", "GIF", "progressive", "profile", "turned", "24 megapixels",
            "16 bits", "JPEG CMYK", "JPEG L", "PNG RGBA"} <= facts


@pytest.mark.parametrize("pipeline", RENDITIONS)
def test_every_sample_has_its_rendition_upright_and_in_size(first, pipeline):
    prefix, box = RENDITIONS[pipeline]
    for sample in first.samples:
        wanted = inside(upright_size(sample), box)
        with Image.open(first.out / (prefix + rendition_name(sample.name))) as image:
            image.load()
            assert image.format == "JPEG", sample.name
            assert image.getexif().get(0x0112, 1) == 1, f"{sample.name} is to be turned once more"
            assert abs(image.width - wanted[0]) <= 1 and abs(image.height - wanted[1]) <= 1, \
                f"{sample.name}: {image.size}, not {wanted}"


def test_rotated_photos_look_like_their_source(first):
    """The size alone would not reveal a mirrored or upside-down picture."""
    turned = [path for path in first.samples if Image.open(path).getexif().get(0x0112, 1) != 1]
    assert turned
    for sample in turned:
        with Image.open(sample) as source, Image.open(first.out / f"thumbnail/Thumbnail-{rendition_name(sample.name)}") as made:
            small = ImageOps.exif_transpose(source).convert("RGB").resize((16, 16), Image.BOX)
            same = made.convert("RGB").resize((16, 16), Image.BOX)
        off = [abs(a - b) for one, other in zip(small.getdata(), same.getdata()) for a, b in zip(one, other)]
        assert sum(off) / len(off) < 8, sample.name


def test_every_sample_has_its_tags(first):
    for sample in first.samples:
        document = json.loads((first.out / f"tags/{sample.name}.json").read_text())
        labels = document["labels"]
        assert labels and all(label["name"] and 0 < label["confidence"] <= 100 for label in labels), document


def test_the_summary_names_every_photo_and_rendition(first):
    rows = first.stdout.splitlines()
    header = next(row for row in rows if "Photo" in row)
    for column in ("Rendition", "Pixels", "Bytes", "ms", "Tags"):
        assert column in header
    for sample in first.samples:
        start = next(i for i, row in enumerate(rows) if row.lstrip().startswith(sample.name))
        block = " \n".join(rows[start:start + 4])
        for pipeline, (prefix, _) in RENDITIONS.items():
            path = first.out / (prefix + rendition_name(sample.name))
            with Image.open(path) as image:
                row = rf"{pipeline}\s+{image.width}×{image.height}\s+{path.stat().st_size}\s+\d+\.\d"
            assert re.search(row, block), f"no {pipeline} of {sample.name} in:\n{block}"
        assert re.search(r"tags\s+\d+\s+\S", block), block


def test_the_summary_names_the_folder_of_the_files(first):
    count = len(first.samples)
    assert f"{count} photos: {count} done, 0 failed" in first.stdout
    assert str(first.out) in first.stdout.splitlines()[-1]


def test_without_a_terminal_there_are_plain_lines(first):
    both = first.stdout + first.stderr
    assert "\033" not in both and "\r" not in both and "━" not in both
    for sample in first.samples:
        assert re.search(rf"^done: {re.escape(sample.name)} \(\d+ of {len(first.samples)}\)$", both, re.MULTILINE)


def test_on_a_terminal_there_is_a_bar(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(1600, 1200))
    text, code = run_on_terminal(["process", "--out", tmp_path / "out", tmp_path / "a.jpg"])
    assert_healthy(text)
    assert code == 0, text
    assert re.search(r"[━─]{6,}.* \d/1 photos", text)
    assert "done: a.jpg" not in text  # the bar says it


def test_a_rejected_photo_fails_the_run_and_says_why(tmp_path):
    (tmp_path / "good.jpg").write_bytes(jpeg())
    (tmp_path / "broken.jpg").write_text("This is a letter, not a photo.\n")
    done = thumbwheel("local", "--once", "--out", tmp_path / "out", tmp_path)
    assert done.returncode == 1
    assert re.search(r"^failed: broken\.jpg: mobile, tags, thumbnail, web: image-\w+: \S", done.stderr, re.MULTILINE)
    assert (done.stdout + done.stderr).count("broken.jpg") == 1
    assert "2 photos: 1 done, 1 failed" in done.stdout
    assert (tmp_path / "out/thumbnail/Thumbnail-good.jpg").exists()


def test_directories_are_searched_recursively(tmp_path):
    deep = tmp_path / "in/2024/summer"
    deep.mkdir(parents=True)
    (deep / "sea.jpg").write_bytes(jpeg())
    (tmp_path / "in/top.png").write_bytes(png())
    (tmp_path / "in/notes.txt").write_text("no photo\n")
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path / "in")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out/web").iterdir()) == ["WebImage-sea.jpg", "WebImage-top.png.jpg"]
    assert "notes.txt" in done.stderr and "skipped 1 file" in done.stderr


ENCODED = {"a.jpg": "JPEG", "b.JPG": "JPEG", "c.jpeg": "JPEG", "d.gif": "GIF", "e.png": "PNG", "f.webp": "WEBP", "g.tiff": "TIFF",
           "same.jpg": "JPEG", "same.png": "PNG", "same.gif": "GIF", "none": "PNG", "wrong.png": "JPEG"}


def encoded(kind, width):
    out = io.BytesIO()
    picture(width, 40).save(out, kind)
    return out.getvalue()


def test_the_extension_matches_the_format_of_the_rendition(start_cloud, tmp_path):
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    for pipeline in RENDITIONS:
        text = (harness.ROOT / f"pipelines/{pipeline}.yaml").read_text()
        suffixes = next(line for line in text.splitlines() if "suffix:" in line)
        (pipelines / f"{pipeline}.yaml").write_text(text.replace(suffixes, ""))
    cloud = start_cloud("--pipelines", pipelines)
    s3 = cloud.client("s3")
    for at, (name, kind) in enumerate(ENCODED.items()):
        s3.put_object(Bucket="photos", Key=f"ingest/{name}", Body=encoded(kind, 50 + at))
    for prefix, _ in RENDITIONS.values():
        for at, name in enumerate(ENCODED):
            key = prefix + rendition_name(name)
            harness.until(lambda: harness.exists(s3, "photos", key), key)
            image = harness.open_image(harness.fetch(s3, "photos", key))
            assert (image.format, image.width) == ("JPEG", 50 + at), key
        for stored in s3.list_objects_v2(Bucket="photos", Prefix=prefix)["Contents"]:
            assert stored["Key"].lower().endswith((".jpg", ".jpeg"))


def test_two_photos_of_one_name_both_survive(tmp_path):
    for folder, width in (("one", 200), ("two", 100)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "beach.jpg").write_bytes(jpeg(width, 50))
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path / "one", tmp_path / "two")
    assert done.returncode == 0, done.stderr
    sizes = {Image.open(path).width for path in (tmp_path / "out/mobile").iterdir()}
    assert sizes == {200, 100}


def test_process_takes_single_files_and_leaves_nothing_else_behind(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "a.jpg").write_bytes(jpeg())
    done = thumbwheel("process", "--out", tmp_path / "out", tmp_path / "a.jpg",
                      environment=clean_environment(TMPDIR=str(temporary)))
    assert done.returncode == 0, done.stderr
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == [
        "mobile/MobileImage-a.jpg", "tags/a.jpg.json", "thumbnail/Thumbnail-a.jpg", "web/WebImage-a.jpg"]
    assert list(temporary.iterdir()) == []


def test_process_without_a_photo_is_a_usage_error():
    done = thumbwheel("process")
    assert done.returncode == 2 and "process needs photos" in done.stderr


def test_a_missing_photo_is_a_usage_error(tmp_path):
    done = thumbwheel("local", "--once", "--out", tmp_path / "out", tmp_path / "absent.jpg")
    assert done.returncode == 2 and "absent.jpg: No such file" in done.stderr


def test_a_second_run_on_the_same_data_gives_the_same_bytes(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(900, 700, orientation=6))
    made = []
    for turn in ("first", "second"):
        done = thumbwheel("local", "--once", "--data", tmp_path / "data", "--out", tmp_path / turn, tmp_path / "a.jpg")
        assert done.returncode == 0, done.stdout + done.stderr
        made.append({str(path.relative_to(tmp_path / turn)): path.read_bytes()
                     for path in (tmp_path / turn).rglob("*.*")})
    assert made[0] == made[1] and len(made[0]) == 4


# ---- samples ----

def own_cache(tmp_path):
    return clean_environment() | {"XDG_CACHE_HOME": str(tmp_path / "cache")}


# Painting all samples takes long with the sanitizers, so most are there when a test of an interruption starts. Of those
# that are missing, one is larger than a megabyte and takes much longer than the others.
SLOW = "sierra-24-megapixels.jpg"
QUICK = {"still-life-cmyk.jpg", "bar-chart.gif"}  # the first is larger than a megabyte, too
MISSING = {SLOW, "bar-chart.gif", "beach.webp", "lighthouse-grey.jpg"}


def begin_cache(tmp_path, samples, missing):
    """The folder of a cache of its own, to which an earlier run has written all samples but some."""
    folder = tmp_path / "cache/thumbwheel/samples"
    folder.mkdir(parents=True)
    assert missing < {path.name for path in samples}
    for path in samples:
        if path.name not in missing:
            shutil.copy(path, folder)
    return folder


@pytest.fixture
def begun(tmp_path, first):
    return begin_cache(tmp_path, first.samples, MISSING)


@pytest.fixture
def nearly_done(tmp_path, first):
    """For what does not depend on how long a sample takes."""
    return begin_cache(tmp_path, first.samples, QUICK)


@pytest.fixture
def small(tmp_path):
    """The options of a start whose renditions cost little; they are in out/small."""
    (tmp_path / "small.yaml").write_text(harness.PIPELINE_SMALL)
    return ["--pipelines", tmp_path / "small.yaml", "--out", tmp_path / "out"]


@pytest.fixture
def once(small):
    return ["local", "--once", *small]


def names_in(folder):
    """The samples that are there, without temporary files."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def whole(folder):
    """The samples that are there; each must be whole."""
    for name in names_in(folder):
        harness.open_image((folder / name).read_bytes())
    return names_in(folder)


def a_new_one(folder):
    """Waits for the first of the missing samples."""
    harness.until(lambda: MISSING & names_in(folder), "the first new sample")


def names_of_renditions(first):
    return {rendition_name(path.name) for path in first.samples}


def test_ctrl_c_ends_the_creation_of_samples_at_once(tmp_path, first, begun, once):
    """Painting and encoding one takes up to a second, and nothing waits for it; what is there is whole."""
    environment = own_cache(tmp_path)
    started = harness.Process(*once, environment=environment)
    started.wait_for("creating")
    a_new_one(begun)
    assert started.stop(signal.SIGINT) == 1
    made = whole(begun)
    assert len(made) < len(first.samples)
    done = thumbwheel(*once, environment=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    assert f"creating {len(first.samples) - len(made)} sample" in done.stderr
    assert whole(begun) == {path.name for path in first.samples}


def test_a_kill_during_the_creation_of_samples_leaves_whole_ones(tmp_path, first, begun, once):
    """What is there is kept, the rest is made, and a terminal shows how far it is."""
    started = harness.Process(*once, environment=own_cache(tmp_path))
    a_new_one(begun)
    assert started.kill() == -signal.SIGKILL
    made = {name: (begun / name).stat().st_ino for name in whole(begun)}
    missing, count = len(first.samples) - len(made), len(first.samples)
    assert missing > 0
    (begun / ".thumbwheel-killed").write_bytes(b"a part")
    text, code = run_on_terminal(once, columns=100, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert code == 0, text
    assert f"creating {missing} sample" in text
    bars = [[int(done), int(all_of_them)] for done, all_of_them in re.findall(r"\r\033\[K[^\r\n]*?(\d+)/(\d+) samples  ", text)]
    assert bars and bars == sorted(bars) and all(done <= of == count for done, of in bars), text
    assert any(done for done, _ in bars), text
    assert not any("/" + str(count) + " samples" in line for line in screen(text))
    assert whole(begun) == {path.name for path in begun.iterdir()} == {path.name for path in first.samples}
    assert {name: (begun / name).stat().st_ino for name in made} == made


def test_a_kill_in_the_middle_of_a_file_leaves_no_part_of_it(tmp_path, first, nearly_done, once):
    """The kernel ends the first run when it writes the second megabyte of a file: a part of a sample is there, but not
    under its name. The next run removes it, unless a run that still lives might be writing it."""
    environment = own_cache(tmp_path)
    killed = harness.Process(*once, environment=environment,
                             under=["prlimit", "--core=0", f"--fsize={1 << 20}:"])
    assert killed.wait() == -signal.SIGXFSZ
    parts = {path.name for path in nearly_done.iterdir()} - whole(nearly_done)
    assert len(parts) == 1 and (nearly_done / parts.copy().pop()).stat().st_size == 1 << 20
    descriptor = os.open(nearly_done, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # another run, at work
    assert thumbwheel(*once, environment=environment).returncode == 0
    names = {path.name for path in first.samples}
    assert {path.name for path in nearly_done.iterdir()} == names | parts
    os.close(descriptor)
    assert thumbwheel(*once, environment=environment).returncode == 0
    assert {path.name for path in nearly_done.iterdir()} == names == whole(nearly_done)


def test_an_interrupted_first_start_is_repeated(tmp_path, first, begun, small):
    environment = own_cache(tmp_path)
    arguments = ("local", "--port", "0", "--data", tmp_path / "data", *small)
    started = harness.Process(*arguments, environment=environment)
    started.wait_for("creating")
    assert started.stop(signal.SIGINT) == 1
    again = harness.Process(*arguments, environment=environment)
    again.wait_for("Serving")
    assert {path.name for path in (tmp_path / "out/small").iterdir()} == names_of_renditions(first)
    assert again.stop() == 0


def test_an_unwritable_cache_fails_no_run(tmp_path, first, once):
    (tmp_path / "cache").write_text("a file, not a directory")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = thumbwheel(*once, environment=own_cache(tmp_path) | {"TMPDIR": str(temporary)}, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "the samples are not kept" in done.stderr
    assert {path.name for path in (tmp_path / "out/small").iterdir()} == names_of_renditions(first)
    assert not list(temporary.iterdir())


def test_two_first_runs_share_the_cache(tmp_path, first, nearly_done, once):
    environment = own_cache(tmp_path)
    runs = [harness.Process(*once[:-1], tmp_path / f"out{i}", environment=environment) for i in range(2)]
    for i, run in enumerate(runs):
        assert run.wait(600) == 0, run.output()
        assert {path.name for path in (tmp_path / f"out{i}/small").iterdir()} == names_of_renditions(first)
    assert {path.name for path in nearly_done.iterdir()} == {path.name for path in first.samples}


def test_serving_processes_the_samples_of_the_same_cache(first, start_cloud, small):
    cloud = start_cloud(*small[:2], photos=())
    cloud.wait_for("Serving")
    assert "creating" not in cloud.output()
    assert {path.name for path in (cloud.out / "small").iterdir()} == names_of_renditions(first)
    cloud.stop()
    again = start_cloud(*small[:2], photos=())  # a later start does not process them again
    uploads = len(again.requests("PutObject"))
    again.wait_for("Serving")
    assert len(again.requests("PutObject")) == uploads
    again.stop()


# ---- serving ----

def test_serving_prints_its_endpoint_and_its_keys(busy_cloud):
    assert busy_cloud.wait_for(r"^Access key:\s+(\S+)").group(1) == harness.ACCESS_KEY
    assert busy_cloud.wait_for(r"^Secret key:\s+(\S+)").group(1) == harness.SECRET_KEY
    assert busy_cloud.wait_for(r"^Photos go to: (\S+)").group(1) == "s3://photos/ingest/"


def test_each_printed_command_works_as_printed(busy_cloud, tmp_path):
    printed = [line.strip() for line in busy_cloud.lines if re.match(r"\s+(aws|export) ", line)]
    assert len([line for line in printed if line.startswith("aws ")]) == 3
    script = "set -e\n" + "\n".join(printed)
    environment = dict(clean_environment(AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="", LANG="C.UTF-8"),
                       PATH="/usr/bin:/bin")
    done = subprocess.run(["sh", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True,
                          timeout=harness.PATIENCE_S)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    assert "ingest/mine.jpg" in done.stdout and '"TagSet"' in done.stdout
    key = shlex.split(next(line for line in printed if " s3 cp " in line))[-1].removeprefix("s3://photos/")
    s3 = busy_cloud.client("s3")
    for prefix, _ in RENDITIONS.values():
        harness.until(lambda: harness.exists(s3, "photos", prefix + key.removeprefix("ingest/")), prefix)


def test_a_photo_uploaded_while_serving_is_reported(busy_cloud):
    busy_cloud.client("s3").put_object(Bucket="photos", Key="ingest/later.jpg", Body=jpeg())
    for pipeline in (*RENDITIONS, "tags"):
        busy_cloud.wait_for(rf"^done: s3://photos/ingest/later\.jpg: {pipeline}: \S")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_serving_cleanly(start_cloud, number):
    cloud = start_cloud()
    cloud.wait_for("Serving")
    assert cloud.stop(number) == 0, cloud.output()


def test_work_that_a_signal_interrupts_is_done_after_the_next_start(start_cloud, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(jpeg(3000, 2000))
    cloud = start_cloud(photos=[large])
    harness.until(lambda: cloud.requests("PutObject", key="ingest/large.jpg"), "large.jpg is uploaded")
    assert cloud.stop() == 0, cloud.output()
    again = start_cloud()
    s3 = again.client("s3")
    for prefix, _ in RENDITIONS.values():
        harness.until(lambda: harness.exists(s3, "photos", f"{prefix}large.jpg"), f"{prefix}large.jpg")


def test_the_commands_to_try_take_the_endpoint_from_the_environment(busy_cloud):
    printed = busy_cloud.output()
    assert f"export AWS_ENDPOINT_URL={busy_cloud.endpoint}\n" in printed
    assert printed.count("  aws ") == printed.count('  aws --endpoint-url "$AWS_ENDPOINT_URL" ') == 3
