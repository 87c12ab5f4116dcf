"""dpr multiplies everything that is in pixels of the output, so that all densities look alike."""
import pytest
from PIL import Image

import operation_runs as runs
from harness import open_image, thumbwheel

SIZE = "width: 60, height: 40, fit: cover"
CASES = {  # what is given with dpr, and the same without it for a factor of 2
    "pad": ("pad: { top: 2, right: 3, bottom: 4, left: 5 }, background: red", "pad: { top: 4, right: 6, bottom: 8, left: 10 }, background: red"),
    "round": ("round: 9", "round: 18"),
    "blur": ("blur: 1.5", "blur: 3"),
    "sharpen": ("sharpen: 0.8", "sharpen: 1.6"),
    "text": ("overlay: { text: Abc, size: 12, x: 3, y: 2 }", "overlay: { text: Abc, size: 24, x: 6, y: 4 }"),
    "scaled": ("overlay: { file: logo.png, scale: 0.3, x: 3, y: 2 }", "overlay: { file: logo.png, scale: 0.3, x: 6, y: 4 }"),
    "own": ("overlay: { file: logo.png, x: 3, y: 2 }", "overlay: { file: twice.png, x: 6, y: 4 }"),
    "tile": ("overlay: { file: logo.png, tile: true, x: 3, y: 2 }", "overlay: { file: twice.png, tile: true, x: 6, y: 4 }"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dpr")
    runs.smooth(240, 160).save(folder / "in.png")
    Image.new("RGBA", (12, 8), (0, 0, 255, 255)).save(folder / "logo.png")
    Image.new("RGBA", (24, 16), (0, 0, 255, 255)).save(folder / "twice.png")
    lines = ["name: dpr", "queue: q", "match: { prefix: ingest/ }", "outputs:"]
    for name, (once, twice) in CASES.items():
        lines.append(f"  - {{ key: 'o/{name}-{{width}}', {SIZE}, {once}, dpr: [1, 2], format: png }}")
        lines.append(f"  - {{ key: 'wanted/{name}-1', {SIZE}, {once}, format: png }}")
        lines.append(f"  - {{ key: 'wanted/{name}-2', width: 120, height: 80, fit: cover, {twice}, format: png }}")
    (folder / "p.yaml").write_text("\n".join(lines) + "\n")
    done = thumbwheel("process", "--pipelines", folder / "p.yaml", "--out", folder / "out", folder / "in.png")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


@pytest.mark.parametrize("name", CASES)
def test_all_that_is_in_pixels_is_multiplied(made, name):
    for factor in (1, 2):
        wanted = open_image((made / f"wanted/{name}-{factor}").read_bytes())
        found = open_image((made / f"o/{name}-{wanted.width}").read_bytes())
        assert runs.largest(found, wanted) == 0, factor


@pytest.mark.parametrize("settings, key", [("blur: 20", "blur"), ("sharpen: 8", "sharpen"), ("round: 5000", "round"), ("pad: { top: 3000 }", "pad"),
                                           ("overlay: { text: A, x: 3000 }", "overlay"), (f"overlay: {{ text: {'A' * 100}, size: 150 }}", "overlay")])
def test_what_would_be_too_large_is_refused(tmp_path, settings, key):
    (tmp_path / "p.yaml").write_text(f"name: dpr\nqueue: q\nmatch: {{ prefix: ingest/ }}\n"
                                     f"outputs: [{{ key: 'o/{{width}}', width: 60, dpr: [1, 2], {settings} }}]\n")
    done = thumbwheel("check", "--pipelines", tmp_path / "p.yaml")
    assert done.returncode == 2 and f"outputs[0].{key}: is too large for the largest dpr" in done.stdout + done.stderr, done.stdout + done.stderr
