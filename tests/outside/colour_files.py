"""ICC profiles and images with any kind of pixels, made of a few bytes; and their colours according to lcms.

Pixels have one colour for the whole image. Values are given in 8 bits, alpha last; 16 bits and floating point hold the
same value on their scale.
"""
import ctypes
import functools
import hashlib
import io
import struct
import zlib

from PIL import Image, ImageCms

SIZE = 8
CHANNELS = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}
SPACES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}
MODES = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}
RELATIVE, PERCEPTUAL, BLACK_POINT_COMPENSATION = 1, 0, 0x2000


# ---- profiles ----

def pack_profile(space, tags, device=b"mntr", pcs=b"XYZ "):
    head = struct.pack(">I4sI4s4s4s", 0, b"", 0x02400000, device, space, pcs).ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">2I", at + len(data), len(body))
        data += body
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


def tags_of(profile):
    count, = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4s2I", profile, 132 + 12 * i) for i in range(count))
    return {name: profile[at:at + size] for name, at, size in entries}


def _xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


# libpng refuses profiles that are compressed to less than 81 bytes.
LONG = b"text\0\0\0\0" + b"".join(hashlib.sha256(bytes([i])).digest() for i in range(8))
WHITE = {b"wtpt": _xyz(0.9642, 1, 0.8249), b"cprt": LONG}


def table(channels, colour_of):
    """A lut16 table with two points for each channel, whose corners lead to Lab."""
    points = [[(i >> (channels - 1 - c)) & 1 for c in range(channels)] for i in range(2 ** channels)]
    corners = [value for point in points for value in colour_of(point)]
    head = struct.pack(">4sI4B9i2H", b"mft2", 0, channels, 3, 2, 0, *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536), 2, 2)
    ramps = struct.pack(">2H", 0, 65535)
    encoded = [(round(min(max(lightness, 0), 100) / 100 * 65280), round((a + 128) * 256), round((b + 128) * 256))
               for lightness, a, b in corners]
    return head + ramps * channels + b"".join(struct.pack(">3H", *colour) for colour in encoded) + ramps * 3


def lut_only(kind):
    """Has only a table for the perceptual intent, and one that nobody could take for something else: the first channel
    is green against red, as in an XYB JPEG."""
    def colour_of(point):
        if kind == "grey":
            return [(5 + 60 * point[0], 0, 0)]
        paper = 100 - 22 * sum(point) if kind == "cmyk" else 90 * sum(point) / len(point) + 5
        return [(paper, 60 * (0.5 - point[0]), 30 * (point[-1] - 0.5))]
    return pack_profile(SPACES[kind], {**WHITE, b"A2B0": table(CHANNELS[kind], colour_of)}, b"scnr", b"Lab ")


@functools.cache
def of_libvips(name):
    """One of the profiles in libvips, as data: "cmyk" is one of a press, with a table for each intent."""
    lib = ctypes.CDLL("libvips.so.42")
    lib.vips_init(b"profiles")
    lib.vips_blob_get.restype = ctypes.c_void_p
    blob, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert lib.vips_profile_load(name.encode(), ctypes.byref(blob), None) == 0
    return ctypes.string_at(lib.vips_blob_get(blob, ctypes.byref(size)), size.value)


def matching(kind):
    if kind == "grey":
        return pack_profile(b"GRAY", {**WHITE, b"kTRC": _gamma(1.0)})
    if kind == "rgb":  # much wider than sRGB
        return pack_profile(b"RGB ", {**WHITE, b"rXYZ": _xyz(0.6097, 0.3111, 0.0195), b"gXYZ": _xyz(0.2053, 0.6257, 0.0609),
                                      b"bXYZ": _xyz(0.1492, 0.0632, 0.7446), b"rTRC": _gamma(1.8), b"gTRC": _gamma(1.8),
                                      b"bTRC": _gamma(1.8)})
    return of_libvips("cmyk")


@functools.cache
def broken(kind):
    """Every tag is where the header says, with a body that means nothing."""
    bodies = {name: b"\xee" * 40 for name in tags_of(matching(kind))}
    return pack_profile(SPACES[kind], bodies, b"prtr" if kind == "cmyk" else b"mntr", b"Lab " if kind == "cmyk" else b"XYZ ")


# ---- colours ----

def _to_srgb(mode, colour, profile, intent=RELATIVE):
    picture = Image.new(mode, (1, 1), tuple(colour))
    return ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), renderingIntent=intent,
                                     outputMode="RGB", flags=BLACK_POINT_COMPENSATION).getpixel((0, 0))


def as_profile(data):
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


def srgb_of(kind, colour, profile=None, intent=RELATIVE):
    """The colour in sRGB according to lcms. Without a profile, CMYK has that of libvips."""
    return _srgb_of(kind, tuple(colour), profile, intent)


@functools.cache
def _srgb_of(kind, colour, profile, intent):
    if kind == "lab":
        lightness, a, b = colour  # TIFF has signed values, lcms has an offset
        return _to_srgb("LAB", (lightness, a ^ 128, b ^ 128), ImageCms.createProfile("LAB"))
    if profile is None and kind == "cmyk":
        profile = of_libvips("cmyk")
    if profile is None:
        return colour if kind == "rgb" else (colour[0],) * 3
    return _to_srgb(MODES[kind], colour if kind != "grey" else colour[0:1], as_profile(profile), intent)


def intent_of(profile):
    return RELATIVE if profile is None or {b"A2B1", b"rXYZ", b"kTRC"} & tags_of(profile).keys() else PERCEPTUAL


def seen(picture):
    """The first pixel of a Pillow picture as sRGB, by the profile in it; alpha is the fourth value if it has any."""
    profile = picture.info.get("icc_profile")
    pixel = picture.getpixel((SIZE // 4, SIZE // 4))
    pixel = pixel if isinstance(pixel, tuple) else (pixel,)
    if picture.mode.startswith("I"):
        pixel = (pixel[0] // 257,)
    kind = {"L": "grey", "LA": "grey", "I;16": "grey", "I": "grey", "CMYK": "cmyk"}.get(picture.mode, "rgb")
    count = CHANNELS[kind]
    if profile is not None:
        assert profile[16:20] == SPACES[kind], f"{picture.mode} with a profile for {profile[16:20]}"
    return (*srgb_of(kind, pixel[:count], profile, intent_of(profile)), *pixel[count:])


# ---- files ----

def _samples(values, depth, order):
    if depth == "8":
        return bytes(values)
    if depth == "16":
        return struct.pack(f"{order}{len(values)}H", *(value * 257 for value in values))
    return struct.pack(f"{order}{len(values)}f", *values)


def tiff(kind, depth, values, profile=None, extras=()):
    """Without compression, in one strip. values: colours, then the extra samples, whose kinds are in extras (2: alpha)."""
    photometric = {"grey": 1, "rgb": 2, "cmyk": 5, "lab": 8}[kind]
    bits, form = {"8": (8, 1), "16": (16, 1), "float": (32, 3)}[depth]
    pixels = _samples(values, depth, "<") * (SIZE * SIZE)
    tags = {256: (3, [SIZE]), 257: (3, [SIZE]), 258: (3, [bits] * len(values)), 259: (3, [1]), 262: (3, [photometric]),
            273: (4, [0]), 277: (3, [len(values)]), 278: (3, [SIZE]), 279: (4, [len(pixels)]), 339: (3, [form] * len(values))}
    if extras:
        tags[338] = (3, list(extras))
    if profile:
        tags[34675] = (7, profile)
    return pack_tiff(tags, pixels)


def pack_tiff(tags, pixels):
    blobs, entries, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
    parts = {tag: bytes(values) if kind in (1, 2, 7) else struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
             for tag, (kind, values) in tags.items()}
    long = sum(len(part) + len(part) % 2 for part in parts.values() if len(part) > 4)
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack("<I", at + long) if tag == 273 else parts[tag]
        if len(packed) > 4:
            packed, blobs = struct.pack("<I", at + len(blobs)), blobs + packed + bytes(len(packed) % 2)
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + blobs + pixels


def png(kind, depth, values, profile=None):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    colour = {("grey", False): 0, ("rgb", False): 2, ("grey", True): 4, ("rgb", True): 6}[kind, len(values) > CHANNELS[kind]]
    head = struct.pack(">2I5B", SIZE, SIZE, 8 if depth == "8" else 16, colour, 0, 0, 0)
    line = b"\0" + _samples(values, depth, ">") * SIZE
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + (chunk(b"iCCP", b"p\0\0" + zlib.compress(profile)) if profile else b"")
            + chunk(b"IDAT", zlib.compress(line * SIZE)) + chunk(b"IEND", b""))


def by_pillow(form, kind, values, profile=None):
    """JPEG or WebP."""
    mode = MODES[kind] + ("A" if len(values) > CHANNELS[kind] else "")
    out = io.BytesIO()
    lossless = {"lossless": True} if form == "WEBP" else {"quality": 100, "subsampling": 0}
    picture = Image.new(mode, (SIZE, SIZE), tuple(values) if len(values) > 1 else values[0])
    picture.save(out, form, **lossless, **({"icc_profile": profile} if profile else {}))
    return out.getvalue()
