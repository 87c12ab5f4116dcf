#include "metadata_edit.h"

#include <stdint.h>
#include <string.h>

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

void exif_drop_preview(char *block, size_t size)
{
    enum { PREFIX = 6, ENTRY = 12 };
    bool prefixed = size > PREFIX && memcmp(block, "Exif\0", PREFIX) == 0;
    struct exif exif = {prefixed ? block + PREFIX : block, prefixed ? size - PREFIX : size, false};
    if (exif.size < 8)
        return;
    exif.little = exif.data[0] == 'I';
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
