"""Runs outputs with operations on one picture, and measures how far the results are from a reference."""
import json

from PIL import Image, ImageChops, ImageStat

from harness import open_image, thumbwheel


def pipeline(outputs):
    """outputs: settings as YAML by name; png unless they name another format."""
    lines = ["name: operations", "queue: q", "match: { prefix: ingest/ }", "outputs:"]
    for name, settings in outputs.items():
        form = "" if "format:" in settings else ", format: png"
        lines.append(f"  - {{ key: 'o/{name}', {settings}{form} }}".replace(", , ", ", "))
    return "\n".join(lines) + "\n"


def check(tmp_path, settings):
    """The problems that `thumbwheel check` reports of one output."""
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline({"x": settings}))
    done = thumbwheel("check", "--pipelines", file)
    return done.returncode, done.stdout + done.stderr


def run(folder, source, outputs, name="in.png", *options):
    """source: the file's bytes. The pictures of the outputs by name."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(source)
    (folder / "operations.yaml").write_text(pipeline(outputs))
    done = thumbwheel("process", "--json", "--pipelines", folder / "operations.yaml", "--out", folder / "out", *options,
                      folder / name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(json.loads(line)["type"] != "photo" or json.loads(line)["result"] == "done"
               for line in done.stdout.splitlines()), done.stdout
    return {key: open_image((folder / "out" / "o" / key).read_bytes()) for key in outputs}


def largest(found, expected):
    """The largest difference of a value of any pixel."""
    assert found.size == expected.size and found.mode == expected.mode, (found, expected)
    return max(high for _, high in _extrema(ImageChops.difference(found, expected)))


def mean(found, expected, box=None):
    """The mean difference of all values, in a part of the picture."""
    assert found.size == expected.size and found.mode == expected.mode, (found, expected)
    difference = ImageChops.difference(found, expected)
    values = ImageStat.Stat(difference.crop(box) if box else difference).mean
    return sum(values) / len(values)


def _extrema(image):
    extrema = image.getextrema()
    return extrema if isinstance(extrema[0], tuple) else [extrema]


def smooth(width=90, height=60):
    """Without edges: interpolation has nothing to overshoot."""
    image = Image.new("RGB", (width, height))
    image.putdata([(40 + x * 170 // width, 40 + y * 170 // height, 90) for y in range(height) for x in range(width)])
    return image
