#!/usr/bin/python3
"""Measures the gallery's page with many photos: the first view, scrolling, nodes and memory of the page.

    ./dev bench gallery [--photos N] [--rounds N] [--loads N] [--data DIR] [--out DIR]

It starts `thumbwheel local` with the pipelines that come with it, uploads N small JPEGs (20,000) of many shapes and colours,
waits until the engine has processed them all and the index shows it, and then looks at the page in Chromium
(bench/gallery.mjs), as large as a screen and as a phone. With --data, a data directory that holds N photos already is used
again, and a new one is kept there.

Exits 1 if a goal is missed. It judges its goals only with three or more rounds (the default).
"""
import argparse
import colorsys
import concurrent.futures
import contextlib
import io
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/outside"))
os.environ.setdefault("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))

import gallery as page  # noqa: E402
import harness  # noqa: E402
from browser import WITH_WINDOWS, chromium  # noqa: E402

DIFFERENT = 400  # pictures; each of the photos has a name of its own, so the browser fetches each of them
UPLOADERS = 6
NAME = "photo-{:06}.jpg"
ASPECTS = (3 / 2, 3 / 2, 4 / 3, 16 / 9, 1, 3 / 4, 2 / 3, 9 / 16, 2.4)
FILL_TIMEOUT_S = 3600
ROUNDS_TO_JUDGE = 3
GOALS = {"first_view_ms": 1000, "dropped": 0.03}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench gallery", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=20_000, help="number of photos (20000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the whole measurement (3)")
    parser.add_argument("--loads", type=int, default=5, help="loads of the page with an empty cache in each round (5)")
    parser.add_argument("--data", type=Path, help="data directory that is used again and kept (a temporary one)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="where gallery.json is written (bench/results)")
    return parser.parse_args()


# ---- the photos ----

def paint(number):
    """A small picture with hills below a sky, in its own colours and shape."""
    chance = random.Random(number)
    aspect = chance.choice(ASPECTS)
    width, height = (480, round(480 / aspect)) if aspect >= 1 else (round(480 * aspect), 480)

    def colour(hue, lightness):
        return tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue % 1, lightness, 0.55))
    hue = chance.random()
    image = Image.new("RGB", (width, height), colour(hue, 0.7))
    draw = ImageDraw.Draw(image)
    for layer in range(4):
        level = height * (0.35 + 0.16 * layer)
        points = [(x, level + chance.uniform(-30, 30)) for x in range(0, width + 40, 40)]
        draw.polygon([(0, height), *points, (width, height)], fill=colour(hue + 0.1 * layer, 0.55 - 0.1 * layer))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def upload(cloud, count):
    pictures = [paint(number) for number in range(min(DIFFERENT, count))]
    s3 = cloud.client("s3", max_pool_connections=UPLOADERS)

    def put(number):
        s3.put_object(Bucket="photos", Key=f"ingest/{NAME.format(number)}", Body=pictures[number % len(pictures)])
    with concurrent.futures.ThreadPoolExecutor(UPLOADERS) as pool:
        for _ in pool.map(put, range(1, count)):
            pass


def fill(cloud, user, count):
    """Until every photo is in the store, with its renditions and tags, and the index knows it."""
    def done():
        return user.get("/api/layout", state="done")["total"]
    if user.get("/api/layout")["total"] < count:
        print(f"uploading {count:,} photos", file=sys.stderr)
        upload(cloud, count)
    began, told = time.monotonic(), time.monotonic()
    while (ready := done()) < count:
        if time.monotonic() - began > FILL_TIMEOUT_S or not cloud.running():
            raise SystemExit(f"only {ready:,} of {count:,} photos were processed:\n" + "\n".join(cloud.lines[-10:]))
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"{ready:,} of {count:,} photos processed", file=sys.stderr)
        time.sleep(1)


# ---- the measurement ----

@contextlib.contextmanager
def data_directory(kept):
    if kept:
        yield kept.resolve()
        return
    folder = tempfile.mkdtemp(prefix="thumbwheel-gallery-")
    try:
        yield Path(folder) / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def look(user, options):
    """What the browser measures: a list of rounds, each with numbers for each size of the window."""
    name, _, value = user.cookie.partition("=")
    environment = dict(os.environ, CHROMIUM=chromium(WITH_WINDOWS), ORIGIN=user.origin, COOKIE_NAME=name, COOKIE_VALUE=value,
                       ROUNDS=str(options.rounds), LOADS=str(options.loads), PHOTOS=str(options.photos))
    done = subprocess.run(["node", ROOT / "bench/gallery.mjs"], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit("the browser could not measure; its error is above")
    return json.loads(done.stdout)


def summary(rounds):
    """For each size: the median of all first loads, and of each other number the median of the rounds."""
    found = {}
    for size in rounds[0]:
        each = [one[size] for one in rounds]
        loads = [load for one in each for load in one["first_view_ms"]]
        motions = {motion: {what: statistics.median(one["motions"][motion][what] for one in each)
                            for what in each[0]["motions"][motion]} for motion in each[0]["motions"]}
        found[size] = {"first_view_ms": statistics.median(loads), "first_view_range_ms": [min(loads), max(loads)], "motions": motions,
                       "nodes": max(one["nodes"] for one in each), "heap_mib": max(one["heap_mib"] for one in each)}
    return found


def show(found):
    for size, one in found.items():
        low, high = one["first_view_range_ms"]
        print(f"\n{size}")
        print(f"  first view {one['first_view_ms']:.0f} ms, from {low:.0f} to {high:.0f} (goal: under {GOALS['first_view_ms']})")
        print(f"  {'':<24}{'frames':>8}{'long':>8}{'longest':>10}{'pictures after':>16}")
        for motion, numbers in one["motions"].items():
            after = f"{numbers['shown_ms']:.0f} ms" if "shown_ms" in numbers else ""
            print(f"  {motion:<24}{numbers['frames']:>8.0f}{numbers['dropped']:>8.1%}{numbers['longest_ms']:>7.0f} ms{after:>16}")
        print(f"  elements in the page at most {one['nodes']:,}; JavaScript heap at most {one['heap_mib']:.0f} MiB")
    print(f"\nlong: frames that took more than 1.5 frame times (goal: at most {GOALS['dropped']:.0%} while scrolling)")


def missed(found):
    """What a user would notice; the empty page, which shows what the machine can do, and the jumps are only shown."""
    for size, one in found.items():
        if one["first_view_ms"] >= GOALS["first_view_ms"]:
            yield f"{size}: the first view takes {one['first_view_ms']:.0f} ms"
        for motion in ("wheel", "keyboard"):
            if motion in one["motions"] and one["motions"][motion]["dropped"] > GOALS["dropped"]:
                yield f"{size}: {one['motions'][motion]['dropped']:.1%} of the frames were long, {motion}"


def main():
    options = arguments()
    if not chromium(WITH_WINDOWS):
        raise SystemExit("this needs Chromium: apt-get install chromium")
    harness.set_home(tempfile.gettempdir())
    with data_directory(options.data) as data:
        data.parent.mkdir(parents=True, exist_ok=True)
        first = data.parent / NAME.format(0)  # without a photo of ours, the cloud would begin with its samples
        first.write_bytes(paint(0))
        cloud = harness.Cloud(data, "--gallery", "127.0.0.1:0", "--durability", "relaxed", first)
        try:
            user = page.Gallery.of(cloud)
            fill(cloud, user, options.photos)
            rounds = look(user, options)
        finally:
            cloud.stop()
    found = summary(rounds)
    print(f"{options.photos:,} photos, {options.rounds} rounds, {options.loads} loads each, {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f}")
    show(found)
    options.out.mkdir(parents=True, exist_ok=True)
    machine = {"system": platform.platform(), "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    (options.out / "gallery.json").write_text(json.dumps({"found": found, "rounds": rounds, "machine": machine}, indent=2) + "\n")
    problems = list(missed(found)) if options.rounds >= ROUNDS_TO_JUDGE else []
    for problem in problems:
        print(f"goal missed: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
