"""The libraries of a format are loaded when a file of that format is encountered, and not before."""
import subprocess
from pathlib import Path

from PIL import Image

from harness import jpeg, until
from test_isolation import children, stored, upload

PIPELINE = """name: libraries
queue: libraries
match: { prefix: ingest/ }
outputs: [{ key: "o/{name}.png", width: 8, format: png }]
"""
LIBRARIES = {"heif": ("libheif.", "vips-heif."), "jxl": ("libjxl.", "vips-jxl."),
             "poppler": ("libpoppler", "vips-poppler."), "others": ("libMagick", "vips-magick.", "libopenslide")}


def written(tmp_path, form):
    (tmp_path / "a.png").write_bytes(b"")
    Image.new("RGB", (40, 30), (200, 30, 60)).save(tmp_path / "a.png")
    if form == "pdf":
        Image.open(tmp_path / "a.png").save(tmp_path / "a.pdf")
        return (tmp_path / "a.pdf").read_bytes()
    command = {"jxl": ["cjxl", "-e", "1"], "avif": ["avifenc", "-s", "10"]}[form]
    subprocess.run([*command, tmp_path / "a.png", tmp_path / f"a.{form}"], check=True, capture_output=True)
    return (tmp_path / f"a.{form}").read_bytes()


def loaded(cloud):
    """By decoder: the names in LIBRARIES that it has."""
    found = []
    for child in children(cloud):
        maps = Path(f"/proc/{child}/maps").read_text()
        found.append({name for name, files in LIBRARIES.items() if any(file in maps for file in files)})
    return found


def process(cloud, name, body):
    upload(cloud, name, body)
    until(lambda: stored(cloud, f"o/{name}.png"), f"the rendition of {name}")


def test_a_library_is_loaded_with_the_first_file_that_needs_it(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text(PIPELINE)
    cloud = start_cloud("--workers", "1", "--formats", "+jxl,+svg,+pdf", "--pipelines", tmp_path / "pipelines")
    process(cloud, "first.jpg", jpeg())
    engine = Path(f"/proc/{cloud.process.pid}/maps").read_text()
    assert "libvips" not in engine and loaded(cloud) == [set()]
    process(cloud, "a.avif", written(tmp_path, "avif"))
    assert loaded(cloud) == [{"heif"}]
    process(cloud, "a.jxl", written(tmp_path, "jxl"))
    process(cloud, "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='5' height='5'/></svg>")
    assert loaded(cloud) == [{"heif", "jxl"}]
    process(cloud, "a.pdf", written(tmp_path, "pdf"))
    process(cloud, "last.jpg", jpeg())
    assert loaded(cloud) == [{"heif", "jxl", "poppler"}]


def test_a_format_that_is_not_enabled_loads_nothing(start_cloud, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text(PIPELINE)
    cloud = start_cloud("--workers", "1", "--formats=-heif,-avif", "--pipelines", tmp_path / "pipelines")
    for form in ("avif", "jxl", "pdf"):
        upload(cloud, f"a.{form}", written(tmp_path, form))
    process(cloud, "last.jpg", jpeg())
    assert loaded(cloud) == [set()]
