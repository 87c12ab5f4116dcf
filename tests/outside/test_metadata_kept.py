"""What `keep` keeps and what it drops, as exiftool reads it."""
import io
import json
import subprocess

import pytest
from PIL import Image

import harness
from harness import thumbwheel
from test_image_formats import check

FORMATS = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif", "heic": "heic", "tiff": "tif"}
KEEPS = {"none": "strip: true", "all": "strip: false", "icc": "keep: [icc]", "copyright": "keep: copyright", "exif": "keep: [exif]",
         "gps": "keep: [gps]", "xmp": "keep: [xmp]", "iptc": "keep: [iptc]", "mixed": "keep: [xmp, gps]"}
WRITTEN = ["-EXIF:Copyright=Copyright of EXIF", "-EXIF:Artist=Artist of EXIF", "-EXIF:Make=Maker", "-EXIF:Orientation#=6",
           "-EXIF:GPSLatitude=48.1", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=11.5", "-EXIF:GPSLongitudeRef=E", "-EXIF:ISO=200",
           "-XMP-dc:Rights=Rights of XMP & more", "-XMP-dc:Creator=Creator of XMP", "-XMP-dc:Title=Title", "-XMP-exif:GPSLatitude=48.1",
           "-IPTC:CopyrightNotice=Notice of IPTC", "-IPTC:By-line=Author of IPTC", "-IPTC:Keywords=holiday", "-IPTC:City=Munich"]


def source(folder):
    path = folder / "photo.jpg"
    path.write_bytes(harness.jpeg(64, 48))
    thumbnail = folder.parent / "thumbnail.jpg"
    thumbnail.write_bytes(harness.jpeg(32, 24))
    subprocess.run(["exiftool", "-q", "-overwrite_original", *WRITTEN, f"-ThumbnailImage<={thumbnail}", path], check=True)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    (folder / "in").mkdir()
    (folder / "pipelines").mkdir()
    source(folder / "in")
    for name, settings in KEEPS.items():
        rows = "".join(f'  - {{ key: "{name}.{{ext}}", format: {form}, {settings} }}\n' for form in FORMATS)
        (folder / "pipelines" / f"{name}.yaml").write_text(f"name: {name}\nqueue: {name}\nmatch: {{ prefix: ingest/ }}\noutputs:\n{rows}")
    done = thumbwheel("process", "--pipelines", folder / "pipelines", "--out", folder / "out", folder / "in")
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(["exiftool", "-json", "-n", "-G1", "-a", "-b", *sorted((folder / "out").iterdir())], check=True, capture_output=True)
    return {entry["SourceFile"].rsplit("/", 1)[1]: entry for entry in json.loads(listed.stdout)}


def values(entry):
    return {str(value) for value in entry.values()}


def has(entry, text):
    return any(text in value for value in values(entry))


EXIF_RIGHTS, XMP_RIGHTS, IPTC_RIGHTS = "Copyright of EXIF", "Rights of XMP & more", "Notice of IPTC"


def expected(name, form):
    """The texts that a reader must find; libvips writes no EXIF into TIFF, no IPTC into the others."""
    exif, iptc = form != "tiff", form in ("jpeg", "tiff")
    kept = {"none": [], "icc": [], "gps": [], "all": [EXIF_RIGHTS, XMP_RIGHTS, IPTC_RIGHTS, "Maker", "Title", "holiday"],
            "copyright": [EXIF_RIGHTS, "Artist of EXIF", XMP_RIGHTS, "Creator of XMP", IPTC_RIGHTS, "Author of IPTC"],
            "exif": [EXIF_RIGHTS, "Maker"], "xmp": [XMP_RIGHTS, "Title"], "mixed": [XMP_RIGHTS, "Title"], "iptc": [IPTC_RIGHTS, "holiday"]}
    of_exif, of_iptc = {EXIF_RIGHTS, "Artist of EXIF", "Maker"}, {IPTC_RIGHTS, "Author of IPTC", "holiday"}
    return {text for text in kept[name] if (exif or text not in of_exif) and (iptc or text not in of_iptc)}


EVERYTHING = {EXIF_RIGHTS, "Artist of EXIF", XMP_RIGHTS, "Creator of XMP", IPTC_RIGHTS, "Author of IPTC", "Maker", "Title", "holiday", "Munich"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", KEEPS)
def test_exactly_what_is_named_is_kept(out, name, form):
    entry = out[f"{name}.{FORMATS[form]}"]
    wanted = expected(name, form)
    found = {text for text in EVERYTHING if has(entry, text)}
    assert wanted <= found, entry
    if name != "all":
        also = {"exif": {"Artist of EXIF"}, "xmp": {"Creator of XMP"}, "mixed": {"Creator of XMP"}, "iptc": {"Author of IPTC", "Munich"}}
        assert found - wanted <= also.get(name, set()), entry
    positions = [key for key in entry if "GPS" in key and "Composite" not in key]
    assert bool(positions) == (name in ("all", "gps", "mixed") and (form != "tiff" or name != "gps")), positions


def test_no_output_has_the_preview_or_an_old_orientation(out):
    for name, entry in out.items():
        assert not has(entry, "ThumbnailImage") and not [key for key in entry if key.startswith("IFD1:")], name
        assert entry.get("IFD0:Orientation", 1) == 1, name
        width, height = (entry.get(f"{group}:Image{side}") for group in ("File", "PNG", "RIFF", "IFD0", "Meta") for side in ("Width", "Height")
                         if f"{group}:ImageWidth" in entry)
        assert (int(width), int(height)) == (48, 64), name


def test_a_png_has_its_exif_once(out, tmp_path_factory):
    for folder in tmp_path_factory.getbasetemp().glob("kept*"):
        data = (folder / "out" / "all.png").read_bytes()
        assert data.count(b"eXIf") == 1 and Image.open(io.BytesIO(data)).getexif()[0x8298] == EXIF_RIGHTS


@pytest.mark.parametrize("settings, said", [
    ("keep: [icc], strip: false", "keep: can't be combined with strip"),
    ("keep: [icc], strip: true", "keep: can't be combined with strip"),
    ("keep: [colour]", "a list of icc, copyright, exif, gps, xmp, iptc"),
    ("keep: []", "a list of icc"),
])
def test_check_refuses_what_contradicts_itself(tmp_path, settings, said):
    problems = check(tmp_path, f'name: x\nqueue: q\noutputs: [{{ key: "o/{{stem}}.jpg", format: jpeg, {settings} }}]\n')
    assert len(problems) == 1 and said in problems[0], problems
