"""Contact sheets for people to look at: build/sheets/operations.png, all operations on sample pictures, and drawings.png, SVG and
PDF in two sizes."""
import io

from PIL import Image, ImageDraw, ImageOps

import harness
import operation_runs as runs
import test_pdf
import test_svg

SHEET = harness.ROOT / "build" / "sheets" / "operations.png"
DRAWINGS = SHEET.with_name("drawings.png")
TILE, TEXT = (200, 190), 200
ROWS = ["width: 180", "width: 120, rotate: 90", "width: 180, rotate: 20", "width: 180, rotate: -20, background: white",
        "width: 180, flip: true", "width: 180, flop: true", "width: 120, height: 120, fit: cover, gravity: west",
        "width: 120, height: 120, fit: cover, focal: {x: 0.8, y: 0.5}", "width: 140, height: 140, fit: contain, gravity: south, background: navy",
        "width: 150, pad: {top: 5, right: 20, bottom: 5, left: 20}, background: white", "width: 180, trim: 60", "width: 180, linear: true",
        "width: 180, gamma: 3", "width: 180, normalise: true", "width: 180, greyscale: true", "width: 180, tint: '#c08040'",
        "width: 180, blur: 2", "width: 180, sharpen: 2", "width: 180, round: 20", "width: 180, round: 900", "width: 180, mask: circle",
        "width: 180, mask: ellipse, background: teal", "width: 180, overlay: {text: Thumbwheel, size: 18, x: 14, y: 14}",
        "width: 180, overlay: {text: sample, tile: true, opacity: 0.4, size: 14, x: 12, y: 12}",
        "width: 180, overlay: {file: logo.png, scale: 0.3, gravity: northeast, x: 6, y: 6}"]


def pasted(pictures):
    sheet = Image.new("RGB", (len(pictures) * TILE[0] + TEXT, len(ROWS) * TILE[1]), (160, 160, 160))
    draw = ImageDraw.Draw(sheet)
    for row, settings in enumerate(ROWS):
        draw.text((8, row * TILE[1] + 60), settings.replace(", ", ",\n"), fill="black")
        for column, made in enumerate(pictures):
            picture = made[f"r{row}"].convert("RGBA")
            picture.thumbnail((TILE[0] - 10, TILE[1] - 10))
            sheet.paste(picture, (TEXT + column * TILE[0] + 5, row * TILE[1] + 5), picture)
    return sheet


def bordered(path):
    """On a sheet of paper, so that there is something to trim."""
    with Image.open(path) as image:
        small = ImageOps.exif_transpose(image).convert("RGB")
    small.thumbnail((800, 600))
    paper = Image.new("RGB", (small.width + 80, small.height + 80), (235, 235, 230))
    paper.paste(small, (30, 40))
    return paper


def logo():
    image = Image.new("RGBA", (200, 120))
    ImageDraw.Draw(image).ellipse((4, 4, 196, 116), fill=(255, 210, 0, 255), outline=(40, 40, 40, 255), width=10)
    return image


def encoded(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


def test_a_sheet_shows_all_operations(tmp_path, samples):
    """Each cell differs from the plain one beside it; whether it looks right is for the eye."""
    photos = [path for path in samples if path.suffix in (".jpg", ".jpeg", ".png", ".JPG")][:4]  # those that show enough
    assert len(photos) == 4
    outputs = {f"r{row}": settings for row, settings in enumerate(ROWS)}
    for i in range(len(photos)):
        (tmp_path / str(i)).mkdir()
        logo().save(tmp_path / str(i) / "logo.png")
    made = [runs.run(tmp_path / str(i), encoded(bordered(path)), outputs, "in.jpg") for i, path in enumerate(photos)]
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    pasted(made).save(SHEET)
    for pictures in made:
        plain = pictures["r0"].convert("RGBA")
        assert all(picture.size != plain.size or runs.mean(picture.convert("RGBA"), plain) > 0.05
                   for name, picture in pictures.items() if name != "r0")


def test_a_sheet_shows_drawings(tmp_path):
    """Beside each other in the size of a tile, and enlarged from a tenth of it, which shows how sharp they are."""
    files = {f"{name}.svg": data for name, (data, _) in test_svg.DRAWINGS.items()} | {
        f"{name}.pdf": data for name, (data, _) in test_pdf.DOCUMENTS.items()}
    sheet = Image.new("RGB", (2 * TILE[0] + TEXT, len(files) * TILE[1]), (160, 160, 160))
    for row, (name, data) in enumerate(files.items()):
        ImageDraw.Draw(sheet).text((8, row * TILE[1] + 60), name, fill="black")
        made = runs.run(tmp_path / name, data, {"large": "width: 180", "small": "width: 18"}, name, "--formats=+svg,+pdf")
        for column, picture in enumerate((made["large"], made["small"].resize(made["large"].size))):
            picture = picture.convert("RGBA")
            picture.thumbnail((TILE[0] - 10, TILE[1] - 10))
            sheet.paste(picture, (TEXT + column * TILE[0] + 5, row * TILE[1] + 5), picture)
        assert len(made["large"].getcolors(1 << 20)) > 1, name
    DRAWINGS.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(DRAWINGS)
