"""Drawings for tests: SVG and PDF, and what independent programs make of them."""
import hashlib
import io
import subprocess

from PIL import Image, ImageChops, ImageStat

SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SHAPES = """<rect x="20" y="20" width="100" height="50" fill="#c81e3c"/><circle cx="75" cy="50" r="20" fill="#00f" fill-opacity="0.5"/>
<path d="M5 90 Q75 10 145 90" fill="none" stroke="green" stroke-width="3"/>"""


def svg(content=SHAPES, size='width="160" height="100"', head=""):
    return f'{head}<svg {SVG} {size}>{content}</svg>'.encode()


def by_rsvg(data, *options):
    made = subprocess.run(["rsvg-convert", "--unlimited", *map(str, options)], input=data, check=True, capture_output=True)
    return Image.open(io.BytesIO(made.stdout)).convert("RGBA")


def by_poppler(folder, data, *options):
    (folder / "reference.pdf").write_bytes(data)
    subprocess.run(["pdftoppm", "-png", "-singlefile", *map(str, options), folder / "reference.pdf", folder / "reference"], check=True)
    with Image.open(folder / "reference.png") as image:
        return image.convert("RGB")


def on_white(image):
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def distance(a, b):
    """The mean difference of 255, on white."""
    return sum(ImageStat.Stat(ImageChops.difference(on_white(a), on_white(b))).mean) / 3


def pdf_of(objects, trailer=b""):
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
                  % (len(objects) + 1, table, len(objects) + 1, trailer, len(out)))


def stream(content):
    return b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content)


def pdf(pages, catalog=b"", page=b"", trailer=b"", more=()):
    """Of pages, each a size in points and what it draws; the catalog's and the pages' further entries."""
    count, first = len(pages), 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * i) for i in range(count))
    objects = [b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
               b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for i, ((width, height), content) in enumerate(pages):
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>%s>>"
                       % (width, height, first + 2 * i + 1, page))
        objects.append(stream(content))
    return pdf_of([*objects, *more], trailer)


def rc4(key, data):
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def encrypted_pdf(size, content, password=b""):
    """With the standard handler and 40 bits (ISO 32000-1, 7.6.3): without a password for users, only its owner needs one."""
    padding = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
    user = (password + padding)[:32]
    owner = rc4(hashlib.md5((b"owner" + padding)[:32]).digest()[:5], user)
    ident, allowed = bytes(range(16)), (-4).to_bytes(4, "little", signed=True)
    key = hashlib.md5(user + owner + allowed + ident).digest()[:5]
    of_stream = hashlib.md5(key + (5).to_bytes(3, "little") + b"\0\0").digest()[:10]  # of object 5, the page's content
    trailer = b"/ID[<%s><%s>]/Encrypt<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>" % tuple(
        value.hex().encode() for value in (ident, ident, owner, rc4(key, padding)))
    return pdf([(size, rc4(of_stream, content))], trailer=trailer)
