#include "metadata_edit.h"

#include <stdint.h>
#include <string.h>

#include "pipeline_file.h"

/* ---- EXIF: TIFF directories; the second one describes the preview ---- */

struct exif {
    char *data;
    size_t size;
    bool little;
};

static uint32_t read_at(const struct exif *exif, uint64_t at, size_t size)
{
    uint32_t value = 0;
    if (at > exif->size || exif->size - at < size)
        return 0;
    for (size_t i = 0; i < size; i++) {
        size_t place = exif->little ? size - 1 - i : i;
        value = value << 8 | (unsigned char)exif->data[at + place];
    }
    return value;
}

/* Overwrites the preview that an entry's directory points to. */
static void erase_preview(const struct exif *exif, uint32_t directory)
{
    enum { ENTRY = 12, OFFSET = 0x201, LENGTH = 0x202 };
    uint32_t offset = 0, length = 0, count = read_at(exif, directory, 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)directory + 2 + (uint64_t)i * ENTRY;
        uint32_t tag = read_at(exif, at, 2);
        if (tag == OFFSET)
            offset = read_at(exif, at + 8, 4);
        if (tag == LENGTH)
            length = read_at(exif, at + 8, 4);
    }
    if (offset < exif->size && length <= exif->size - offset)
        memset(exif->data + offset, 0, length);
}

static bool exif_open(char *block, size_t size, struct exif *out)
{
    enum { PREFIX = 6 };
    bool prefixed = size > PREFIX && memcmp(block, "Exif\0", PREFIX) == 0;
    *out = (struct exif){prefixed ? block + PREFIX : block, prefixed ? size - PREFIX : size, false};
    if (out->size < 8)
        return false;
    out->little = out->data[0] == 'I';
    return true;
}

/* ---- its tags ---- */

enum exif_kind { EXIF_PICTURE, EXIF_CAMERA, EXIF_GPS, EXIF_INTEROPERABILITY };
enum {
    TAG_ARTIST = 0x13b,
    TAG_COPYRIGHT = 0x8298,
    TAG_CAMERA = 0x8769,
    TAG_GPS = 0x8825,
    TAG_MAKER_NOTE = 0x927c,
    TAG_INTEROPERABILITY = 0xa005
};

/* What keeps a tag. */
static unsigned tag_keepers(enum exif_kind kind, uint32_t tag)
{
    if (kind == EXIF_GPS || (kind == EXIF_PICTURE && tag == TAG_GPS))
        return KEEP_GPS;
    if (kind == EXIF_PICTURE && (tag == TAG_ARTIST || tag == TAG_COPYRIGHT))
        return KEEP_EXIF | KEEP_COPYRIGHT;
    return tag == TAG_MAKER_NOTE ? 0 : KEEP_EXIF; /* a note may contain anything */
}

static void value_erase(const struct exif *exif, uint64_t entry)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    uint32_t type = read_at(exif, entry + 2, 2), at = read_at(exif, entry + 8, 4);
    uint64_t size = (uint64_t)read_at(exif, entry + 4, 4) * (type < sizeof sizes ? sizes[type] : 0);
    if (size > 4 && at >= 8 && at <= exif->size && size <= exif->size - at)
        memset(exif->data + at, 0, (size_t)size);
}

static void number_set(const struct exif *exif, uint64_t at, uint32_t value)
{
    exif->data[at] = (char)(exif->little ? value : value >> 8);
    exif->data[at + 1] = (char)(exif->little ? value >> 8 : value);
}

/* Directories refer to others only downwards, so this ends. */
static void directory_filter(const struct exif *exif, uint32_t at, enum exif_kind kind,
                             unsigned keep)
{
    enum { ENTRY = 12, NEXT = 4 };
    uint32_t count = read_at(exif, at, 2), kept = 0;
    uint64_t first = (uint64_t)at + 2, end = first + (uint64_t)count * ENTRY;
    if (at < 8 || end + NEXT > exif->size)
        return;
    for (uint64_t entry = first; entry < end; entry += ENTRY) {
        uint32_t tag = read_at(exif, entry, 2), below = read_at(exif, entry + 8, 4);
        if (kind == EXIF_PICTURE && tag == TAG_CAMERA)
            directory_filter(exif, below, EXIF_CAMERA, keep);
        else if (kind == EXIF_PICTURE && tag == TAG_GPS)
            directory_filter(exif, below, EXIF_GPS, keep);
        else if (kind == EXIF_CAMERA && tag == TAG_INTEROPERABILITY)
            directory_filter(exif, below, EXIF_INTEROPERABILITY, keep);
        if (tag_keepers(kind, tag) & keep)
            memmove(exif->data + first + (uint64_t)kept++ * ENTRY, exif->data + entry, ENTRY);
        else
            value_erase(exif, entry);
    }
    uint64_t rest = first + (uint64_t)kept * ENTRY;
    memmove(exif->data + rest, exif->data + end, NEXT);
    memset(exif->data + rest + NEXT, 0, (size_t)(end - rest));
    number_set(exif, at, kept);
}

void exif_filter(char *block, size_t size, unsigned keep)
{
    struct exif exif;
    if (exif_open(block, size, &exif))
        directory_filter(&exif, read_at(&exif, 4, 4), EXIF_PICTURE, keep);
}

void exif_drop_preview(char *block, size_t size)
{
    enum { ENTRY = 12 };
    struct exif exif;
    if (!exif_open(block, size, &exif))
        return;
    uint32_t first = read_at(&exif, 4, 4);
    uint64_t next = (uint64_t)first + 2 + (uint64_t)read_at(&exif, first, 2) * ENTRY;
    uint32_t second = read_at(&exif, next, 4);
    if (!second)
        return;
    erase_preview(&exif, second);
    memset(exif.data + next, 0, 4);
}

/* ---- XMP ---- */

bool xmp_has_gain_map(struct slice xmp)
{
    static const char *const names[] = {"http://ns.adobe.com/hdr-gain-map/",
                                        "http://ns.apple.com/HDRGainMap/"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (memmem(xmp.data, xmp.size, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

/* ---- WebP: RIFF chunks; VP8X lists in its flags what follows ---- */

enum { RIFF = 12, CHUNK = 8, FLAG_XMP = 0x04, FLAG_EXIF = 0x08 };

static size_t chunk_size(const char *chunk)
{
    const unsigned char *b = (const unsigned char *)chunk + 4;
    size_t size = (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
    return CHUNK + size + (size & 1);
}

size_t webp_drop_metadata(char *webp, size_t size)
{
    size_t from = RIFF, to = RIFF;
    if (size < RIFF)
        return size;
    while (size - from >= CHUNK) {
        const char *chunk = webp + from;
        size_t length = chunk_size(chunk);
        if (length > size - from)
            break;
        from += length;
        if (memcmp(chunk, "EXIF", 4) == 0 || memcmp(chunk, "XMP ", 4) == 0)
            continue;
        memmove(webp + to, chunk, length);
        if (memcmp(webp + to, "VP8X", 4) == 0)
            webp[to + CHUNK] = (char)(webp[to + CHUNK] & ~(FLAG_XMP | FLAG_EXIF));
        to += length;
    }
    if (from != size) /* never: the encoder has just written it */
        return size;
    for (size_t i = 0; i < 4; i++)
        webp[4 + i] = (char)((to - 8) >> (8 * i));
    return to;
}

/* ---- PNG ---- */

size_t png_drop_repeated_exif(char *png, size_t size)
{
    enum { SIGNATURE = 8, FRAME = 12 };
    size_t from = SIGNATURE, to = SIGNATURE;
    bool seen = false;
    while (from < size && size - from >= FRAME) {
        const unsigned char *b = (const unsigned char *)png + from;
        size_t length =
            FRAME + ((size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3]);
        if (length > size - from)
            break;
        bool exif = memcmp(b + 4, "eXIf", 4) == 0;
        if (!exif || !seen) {
            memmove(png + to, b, length);
            to += length;
        }
        seen |= exif;
        from += length;
    }
    return from == size ? to : size;
}
