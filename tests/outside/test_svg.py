"""SVG: drawn in the size of the output, as rsvg-convert draws it, and without reading anything outside the file."""
import base64
import http.server
import io
import os
import subprocess
import threading
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

import drawings
import operation_runs as runs
from drawings import SVG, by_rsvg, distance, svg
from harness import PROGRAM, clean_environment, open_image, until
from test_input_formats import part_of, picture, process, written
from test_isolation import children, stored, upload

ENABLE = "--formats=+svg"
EMBEDDED = base64.b64encode(written(picture("RGB").filter(ImageFilter.GaussianBlur(4)), "PNG")).decode()
DRAWINGS = {
    "pixels": (svg(), (160, 100)),
    "viewbox": (svg(size='viewBox="0 0 160 100"'), (160, 100)),
    "small": (svg(size='width="24" height="16.5" viewBox="0 0 160 110"'), (24, 17)),
    "inches": (svg(size='width="2in" height="1in" viewBox="0 0 150 75"'), (192, 96)),
    "millimetres": (svg('<rect width="20mm" height="10mm"/>', 'width="25.4mm" height="12.7mm"'), (96, 48)),
    "text": (svg('<text x="10" y="60" font-family="DejaVu Sans" font-size="40">Text</text>'), (160, 100)),
    "effects": (svg('<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="#00f"/></linearGradient>'
                    '<filter id="b"><feGaussianBlur stdDeviation="4"/></filter></defs>'
                    '<rect width="150" height="60" fill="url(#g)"/><circle id="c" cx="60" cy="60" r="20" filter="url(#b)"/>'
                    '<use href="#c" x="50"/>'), (160, 100)),
    "picture": (svg(f'<image x="10" y="10" width="120" height="80" xlink:href="data:image/png;base64,{EMBEDDED}"/>'), (160, 100)),
    "entity": (svg('<rect width="90" height="60" fill="&red;"/>', head='<!DOCTYPE svg [<!ENTITY red "#c00">]>'), (160, 100)),
    "links": (svg('<a href="https://127.0.0.1/"><rect width="90" height="60"/></a>',
                  head='<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'), (160, 100)),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_is_drawn_in_each_size_as_by_rsvg_convert(tmp_path, name):
    """The largest output is drawn in its size; a smaller one is resized, which has other greys at edges."""
    data, size = DRAWINGS[name]
    made = runs.run(tmp_path / "all", data, {"small": "", "large": "width: 1280"}, "in.svg", ENABLE)
    made |= runs.run(tmp_path / "own", data, {"own": ""}, "in.svg", ENABLE)
    for output, most, wanted in (("small", 6, by_rsvg(data)), ("large", 1, by_rsvg(data, "-w", 1280)), ("own", 1.5 if size[0] > 24 else 8, by_rsvg(data))):
        assert made[output].size == (size if output != "large" else wanted.size), (output, wanted.size)
        assert distance(made[output], wanted.resize(made[output].size)) < most, output


def test_a_small_drawing_is_sharp_in_a_large_size(tmp_path):
    """Each pixel is black or white, except for those of the outline."""
    data = svg('<rect x="8" width="8" height="16"/>', 'width="16" height="16"')
    made = runs.run(tmp_path, data, {"a": "width: 1024, background: white"}, "in.svg", ENABLE)["a"]
    white = drawings.on_white(made)
    row = [white.getpixel((x, 500))[0] for x in range(1024)]
    assert made.size == (1024, 1024) and row == [255] * 512 + [0] * 512


def test_operations_apply(tmp_path):
    data = svg('<rect x="30" y="20" width="60" height="40" fill="#c81e3c"/>')
    made = runs.run(tmp_path, data, {
        "trim": "trim: 10, width: 300", "trimmed": "trim: 10", "turned": "rotate: 90, width: 200", "half": "scale: 0.5", "filled": "height: 300, fit: fill",
        "cover": "width: 300, height: 300, fit: cover", "box": "width: 300, height: 300, fit: contain, background: black",
        "light": "width: 300, linear: true"}, "in.svg", ENABLE)
    sizes = {name: image.size for name, image in made.items()}
    assert sizes == {"trim": (300, 200), "trimmed": (60, 40), "turned": (200, 320), "half": (80, 50), "filled": (160, 300), "cover": (300, 300),
                     "box": (300, 300), "light": (300, 188)}
    for name, at in (("trim", (160, 100)), ("trim", (4, 4)), ("trim", (295, 195)), ("cover", (150, 150)), ("turned", (120, 150)), ("light", (100, 80))):
        assert made[name].convert("RGBA").getpixel(at) == (200, 30, 60, 255), name


class Server:
    """Counts the requests that reach it."""

    def __enter__(self):
        self.paths = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                outer.paths.append(self.path)
                self.send_error(404)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def references(url, secret):
    """To a file and to a server. True: the drawing is rejected; else it is drawn without what is missing."""
    for name, target in (("file", f"file://{secret}"), ("path", str(secret)), ("http", f"{url}/a.png")):
        yield f"image-{name}", svg(f'<image width="150" height="100" href="{target}"/>'), True
        yield f"xlink-{name}", svg(f'<image width="150" height="100" xlink:href="{target}"/>'), True
        yield f"use-{name}", svg(f'<use href="{target}#a"/>'), True
        yield f"filter-{name}", svg(f'<filter id="f"><feImage href="{target}"/></filter><rect width="50" height="50" filter="url(#f)"/>'), True
        yield f"include-{name}", svg(f'<text y="40"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{target}" parse="text"/></text>'), True
        yield f"entity-{name}", svg('<text y="40">&e;</text>', head=f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{target}">]>'), True
        yield f"parameter-{name}", svg('<text y="40">a</text>', head=f'<!DOCTYPE svg [<!ENTITY % e SYSTEM "{target}"> %e;]>'), True
        yield f"dtd-{name}", svg('<text y="40">a</text>', head=f'<!DOCTYPE svg SYSTEM "{target}">'), False
        yield f"style-{name}", svg(f'<style>@import url("{target}"); rect {{ fill: url("{target}#a") }}</style><rect width="9" height="9"/>'), False
        yield f"sheet-{name}", svg('<text y="40">a</text>', head=f'<?xml-stylesheet href="{target}" type="text/css"?>'), False
        yield f"font-{name}", svg(f'<style>@font-face {{ font-family: a; src: url("{target}") }}</style><text y="40" font-family="a">a</text>'), False


def test_nothing_outside_the_file_is_read(tmp_path):
    """The file that they name is a picture, and readable: if it were read, it would be seen."""
    secret = tmp_path / "secret.png"
    Image.new("RGB", (160, 100), (255, 0, 0)).save(secret)
    secret.chmod(0o644)
    with Server() as server:
        cases = list(references(server.url, secret))
        rows = process(tmp_path, {f"{name}.svg": data for name, data, _ in cases}, ENABLE)
        assert server.paths == []
    for name, _, rejected in cases:
        row = rows[f"{name}.svg"]
        if rejected:
            part = part_of(row)
            assert part["reason"] == "image-unsupported" and "refers to another file" in part["error"], part
            continue
        assert row["result"] == "done", row
        made = open_image((tmp_path / "out/o" / f"{name}.svg.png").read_bytes()).convert("RGB")
        assert all(red < 200 or green > 100 for _, (red, green, _) in made.getcolors(160 * 100)), name


def laughs(levels, wide):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * wide}">' for i in range(1, levels))
    return svg(f'<text y="40">&e{levels - 1};</text>', head=f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]>')


def nested(levels):
    """Each group uses the one before it ten times."""
    groups = "".join(f'<g id="g{i}">{f"""<use href="#g{i - 1}"/>""" * 10}</g>' for i in range(1, levels))
    return svg(f'<defs><rect id="g0" width="9" height="9"/>{groups}</defs><use href="#g{levels - 1}"/>')


def test_small_files_with_much_work_are_bounded(tmp_path):
    files = {"laughs.svg": laughs(12, 12), "quadratic.svg": svg(f'<text y="9">{"&a;" * 60000}</text>', head=f'<!DOCTYPE svg [<!ENTITY a "{"a" * 60000}">]>'),
             "uses.svg": nested(12), "deep.svg": svg("<g>" * 20000 + "</g>" * 20000), "loop.svg": svg('<g id="a"><use href="#a"/></g>'),
             "blur.svg": svg('<filter id="f"><feGaussianBlur stdDeviation="9999999"/></filter><rect width="9" height="9" filter="url(#f)"/>'),
             "wide.svg": svg(size='width="100000" height="100000"'), "nothing.svg": svg(size='width="0" height="0"'),
             "last.svg": svg()}
    rows = process(tmp_path, files, ENABLE, "--image-timeout=5s", "--image-memory=512M")
    for name in ("laughs.svg", "quadratic.svg", "uses.svg"):
        assert rows[name]["result"] == "failed", rows[name]
    assert part_of(rows["wide.svg"])["reason"] == "image-over-limit"
    assert part_of(rows["nothing.svg"])["reason"] == "image-corrupt"
    assert rows["last.svg"]["result"] == rows["loop.svg"]["result"] == "done"


def test_damaged_drawings_are_rejected(tmp_path):
    files = {"cut.svg": svg()[:-30], "open.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><rect>",
             "latin.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><text>\xe4\xff</text></svg>"}
    rows = process(tmp_path, files, ENABLE)
    for name in files:
        assert part_of(rows[name])["reason"] == "image-corrupt", rows[name]


def test_it_needs_a_process_of_its_own(tmp_path):
    part = part_of(process(tmp_path, {"a.svg": svg()}, ENABLE, "--isolation=thread")["a.svg"])
    assert part["reason"] == "image-unsupported" and "--isolation=process" in part["error"], part


def test_a_decoder_of_drawings_can_read_fonts_alone(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text('name: draw\nqueue: draw\nmatch: { prefix: ingest/ }\n'
                                                   'outputs: [{ key: "o/{name}.png", format: png }]\n')
    cloud = start_cloud("--workers", "1", ENABLE, "--pipelines", tmp_path / "pipelines")
    upload(cloud, "a.svg", DRAWINGS["text"][0])
    until(lambda: stored(cloud, "o/a.svg.png"), "the drawing")
    child, = children(cloud)
    assert len(os.listdir(f"/proc/{child}/fd")) == 6
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status and "CapEff:\t0000000000000000" in status
    if os.readlink(f"/proc/{child}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
        root = Path(f"/proc/{child}/root")
        found = {str(path.relative_to(root)) for path in root.glob("*/*/*")}
        assert found <= {"usr/share/fonts", "usr/local/share"} and {path.name for path in root.iterdir()} == {"usr"}, found


@pytest.mark.parametrize("refused", ["max_user_namespaces"])
def test_fonts_are_read_without_namespaces(tmp_path, refused):
    """Landlock alone does."""
    (tmp_path / "in.svg").write_bytes(DRAWINGS["text"][0])
    (tmp_path / "p.yaml").write_text('name: draw\nqueue: draw\nmatch: { prefix: ingest/ }\noutputs: [{ key: "o/{name}.png", width: 640, format: png }]\n')
    within = ["unshare", "-Ur", "sh", "-c", f'echo 0 > /proc/sys/user/{refused} && exec "$@"', "sh"]
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("no limit of namespaces can be set")
    done = subprocess.run([*within, PROGRAM, "process", ENABLE, "--pipelines", tmp_path / "p.yaml", "--out", tmp_path / "out", tmp_path / "in.svg"],
                          env=clean_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "out/o/in.svg.png") as made:
        assert distance(made, by_rsvg(DRAWINGS["text"][0], "-w", 640)) < 1
