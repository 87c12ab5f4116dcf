#!/usr/bin/python3
"""Measures how close renditions are to an ideal resize, with sharp beside it.

    ./dev bench quality [--sizes N] [--program FILE]

Sources are photographs, pages of text, line art and zone plates, as JPEG, at sizes that are and are not multiples of the
decoder's divisors. Each is reduced by factors from 1.1 to 16 and compared with a full decode that is reduced with a
Lanczos filter in double precision (bench/quality.c). The report gives PSNR and SSIM at the median and at the 10th
percentile.
"""
import argparse
import json
import math
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
FACTORS = [1.1, 1.3, 1.6, 2, 2.4, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 16]
SIZES = [(1600, 1200), (1601, 1203), (1535, 1023), (1998, 1333)]


def photograph(width, height, seed):
    """One of the built-in samples with sensor noise."""
    folder = Path(tempfile.mkdtemp())
    subprocess.run([BUILD / "bench/bench_photographs", folder, "4"], check=True)
    names = sorted(folder.iterdir())
    picture = Image.open(names[seed % len(names)]).convert("RGB")
    ratio = max(width / picture.width, height / picture.height)
    large = picture.resize((math.ceil(picture.width * ratio), math.ceil(picture.height * ratio)), Image.LANCZOS)
    for name in names:
        name.unlink()
    folder.rmdir()
    return large.crop((0, 0, width, height))


def text(width, height, seed):
    """A page of text, in a bitmap font at twice its size."""
    words = "a queue of photographs waits for the engine which makes renditions and tags of each once".split()
    chooser = random.Random(seed)
    page = Image.new("L", (width // 2 + 1, height // 2 + 1), 255)
    pen = ImageDraw.Draw(page)
    for y in range(8, page.height - 8, 13):
        line = " ".join(chooser.choice(words) for _ in range(40))
        pen.text((8, y), line, fill=0, font=ImageFont.load_default())
    return page.resize((page.width * 2, page.height * 2), Image.NEAREST).crop((0, 0, width, height)).convert("RGB")


def line_art(width, height, seed):
    """Thin lines and circles in plain colours, drawn at four times the size."""
    chooser = random.Random(seed)
    page = Image.new("RGB", (width * 2, height * 2), "white")
    pen = ImageDraw.Draw(page)
    for _ in range(160):
        x, y, r = chooser.randrange(width * 2), chooser.randrange(height * 2), chooser.randrange(8, 500)
        colour = tuple(chooser.choice((0, 40, 200)) for _ in range(3))
        pen.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=chooser.choice((2, 4, 6)))
        pen.line((x, y, x + 3 * r, y + r // 2), fill=colour, width=chooser.choice((2, 4)))
    return page.resize((width, height), Image.BOX)


def zone_plate(width, height, seed):
    """Circles of rising frequency up to the limit of the grid."""
    reach = math.pi / (2 * max(width, height) / (1 + seed % 2))
    row = bytearray()
    for y in range(height):
        for x in range(width):
            row.append(round(127.5 + 127.5 * math.cos(reach * ((x - width / 2) ** 2 + (y - height / 2) ** 2))))
    return Image.frombytes("L", (width, height), bytes(row)).convert("RGB")


KINDS = {"photograph": (photograph, {"quality": 92}), "text": (text, {"quality": 92, "subsampling": 0}),
         "line art": (line_art, {"quality": 92, "subsampling": 0}), "zone plate": (zone_plate, {"quality": 92})}


def sources_make(folder, count):
    made = []
    for kind, (paint, options) in KINDS.items():
        for i, (width, height) in enumerate(SIZES[:count]):
            path = folder / f"{kind.replace(' ', '-')}-{i}.jpg"
            paint(width, height, i).save(path, **options)
            made.append((kind, path, width, height))
    return made


def ours(program, sources, factor, folder):
    """The renditions of all sources by one factor."""
    pipeline = folder / "pipeline.yaml"
    pipeline.write_text(f"name: quality\nqueue: quality\nmatch: {{ prefix: ingest/ }}\noutputs:\n"
                        f"  - key: \"made/{{name}}\"\n    scale: {1 / factor}\n    format: png\n")
    out = folder / f"ours-{factor}"
    subprocess.run([program, "process", "--pipelines", pipeline, "--out", out, *[path for _, path, _, _ in sources]],
                   check=True, stdout=subprocess.DEVNULL)
    return {path.stem: next(out.rglob(f"{path.stem}.*")) for _, path, _, _ in sources}


def theirs(sources, made, factor, folder):
    """The same sizes by sharp."""
    wishes = []
    for _, path, _, _ in sources:
        width, height = Image.open(made[path.stem]).size
        wishes.append({"from": str(path), "to": str(folder / f"sharp-{factor}-{path.stem}.png"), "width": width,
                       "height": height})
    subprocess.run(["node", ROOT / "bench/peers/resize.mjs"], input="\n".join(map(json.dumps, wishes)), text=True,
                   check=True)
    return {Path(wish["from"]).stem: Path(wish["to"]) for wish in wishes}


def compared(source, renditions):
    done = subprocess.run([BUILD / "bench/bench_quality", source, *renditions], capture_output=True, text=True,
                          check=True)
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def tenth(values):
    return statistics.quantiles(values, n=10)[0] if len(values) > 1 else values[0]


def report(rows, factors):
    print(f"{'':12} {'pictures':>8}  {'PSNR median':>23} {'PSNR 10th percentile':>23} {'SSIM median':>19} "
          f"{'SSIM 10th percentile':>21}")
    for kind in [*KINDS, "all"]:
        found = [row for row in rows if kind in ("all", row[0])]
        cells = []
        for measure, digits in ((0, 1), (1, 4)):
            for of in (statistics.median, tenth):
                ours_, theirs_ = (of([row[2][who][measure] for row in found]) for who in (0, 1))
                cells.append(f"{ours_:8.{digits}f} / {theirs_:.{digits}f}")
        print(f"{kind:12} {len(found):8}  {cells[0]:>23} {cells[1]:>23} {cells[2]:>19} {cells[3]:>21}")
    print("\nby factor (PSNR median, 10th percentile): thumbwheel / sharp")
    for factor in factors:
        found = [row for row in rows if row[1] == factor]
        cells = [" / ".join(f"{of([row[2][who][0] for row in found]):.1f}" for who in (0, 1))
                 for of in (statistics.median, tenth)]
        print(f"{factor:5} {cells[0]:>15} {cells[1]:>15}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench quality", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="sizes of each kind of picture")
    parser.add_argument("--program", type=Path, default=BUILD / "thumbwheel", help="the thumbwheel to measure")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, help="divisors of the sides")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="thumbwheel-quality-") as name:
        folder = Path(name)
        sources = sources_make(folder, options.sizes)
        for factor in options.factors:
            made = ours(options.program, sources, factor, folder)
            peers = theirs(sources, made, factor, folder)
            for kind, path, _, _ in sources:
                rows.append((kind, factor, compared(path, [made[path.stem], peers[path.stem]])))
    report(rows, options.factors)


main()
