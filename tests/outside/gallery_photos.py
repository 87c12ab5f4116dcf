"""Small photos for the tests of the gallery's page: recognisable colours and shapes, with EXIF, and names that could do harm."""
import random
import subprocess

from PIL import Image, ImageDraw, ImageFilter

SKIES = {"lake": ("#3a6fb5", "#2c5a48"), "dunes": ("#e8b04f", "#b0602e"), "tower": ("#7a55a6", "#27222f"), "beach": ("#4fb3c9", "#e6d39a"),
         "meadow": ("#8cc0e8", "#5f9440"), "night": ("#101830", "#05070d"), "rose": ("#e6a0b4", "#b03050")}
# What a name must not do: run as HTML, turn the text around, break out of a quotation or a URL, hide the ending.
HOSTILE = ["<img src=x onerror=alert(1)>.jpg", "a\u202egpj.exe.jpg", "quote\"'`.jpg", "100% + #1 & ?q=2.jpg", "\U0001f3d4\ufe0f été 東京.jpg", "n" * 150 + ".jpg"]


EXIF = ["-Make=Thumbwheel", "-Model=Field Camera 9", "-ExposureTime=1/250", "-FNumber=5.6", "-ISO=200", "-FocalLength=35",
        "-DateTimeOriginal=2024:06:01 10:20:30", "-GPSLatitude=60.5", "-GPSLatitudeRef=N", "-GPSLongitude=7", "-GPSLongitudeRef=E"]


def add_exif(*paths):
    subprocess.run(["exiftool", "-q", "-overwrite_original", *EXIF, *paths], check=True)


def paint(name, width=480, height=320):
    """Hills below a sky, in the colours of the name."""
    sky, ground = SKIES[name]
    chance = random.Random(name)
    image = Image.new("RGB", (width, height), sky)
    draw = ImageDraw.Draw(image)
    draw.ellipse([width * 0.7, height * 0.12, width * 0.7 + 44, height * 0.12 + 44], fill="#fff4d0")
    for layer in range(3):
        level = height * (0.5 + 0.16 * layer)
        points = [(x, level + chance.uniform(-18, 18)) for x in range(0, width + 40, 40)]
        draw.polygon([(0, height), *points, (width, height)], fill=ground)
        ground = "#" + "".join(f"{int(int(ground[at:at + 2], 16) * 0.8):02x}" for at in (1, 3, 5))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def write(folder):
    """The photos of the shared gallery."""
    for name in SKIES:
        size = (320, 480) if name == "tower" else (480, 320)
        paint(name, *size).save(folder / f"{name}.jpg", quality=88)
    add_exif(folder / "lake.jpg")


def write_formats(folder):
    """One photo with EXIF in each format that the page reads."""
    for ending in ("jpg", "png", "webp", "tif"):
        paint("lake").save(folder / f"lake.{ending}")
    add_exif(*folder.glob("lake.*"))
