/*
 * Metadata can be small in the file and large in memory: text compressed a thousandfold, or
 * thousands of EXIF entries that refer to the same bytes, which a library copies for each. The
 * pixel limit does not cover it, and a decoder could spend all its time and memory before the first
 * pixel.
 *
 * So the containers are parsed here first. Data that is not compressed and referenced only once
 * needs no more memory than its bytes in the file, which --max-bytes limits.
 */
#include "image_metadata.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "tiff_header.h"

/* ---- numbers ---- */

static uint32_t big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t little_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static struct slice slice_after(struct slice all, size_t size)
{
    size_t skipped = size < all.size ? size : all.size;
    return (struct slice){all.data + skipped, all.size - skipped};
}

static struct slice slice_until(struct slice all, size_t size)
{
    return (struct slice){all.data, size < all.size ? size : all.size};
}

/* The part after the first NUL; empty if there is none. */
static struct slice after_text(struct slice all)
{
    const char *end = all.size ? memchr(all.data, '\0', all.size) : NULL;
    return slice_after(all, end ? (size_t)(end - all.data) + 1 : all.size);
}

/* ---- TIFF directories: EXIF, and TIFF itself ---- */

enum {
    ENTRY = 12,
    ENTRY_COST = 32,      /* minimum memory that a library needs per entry, in bytes */
    DIRECTORIES_MAX = 64, /* maximum for an EXIF block, which has five */
    TAG_EXIF = 0x8769,
    TAG_GPS = 0x8825,
    TAG_INTEROPERABILITY = 0xa005,
};

struct directories {
    struct slice all;
    bool little;
    uint32_t pending[DIRECTORIES_MAX]; /* where they begin */
    size_t seen, done;
    uint64_t cost; /* total size of all values */
};

static uint32_t number_at(const struct directories *d, size_t at, size_t size)
{
    if (at > d->all.size || d->all.size - at < size)
        return 0;
    char wide[4] = {0};
    memcpy(d->little ? wide : wide + 4 - size, d->all.data + at, size);
    return d->little ? little_endian(wide) : big_endian(wide);
}

static void directory_add(struct directories *d, uint32_t at)
{
    for (size_t i = 0; i < d->seen; i++) {
        if (d->pending[i] == at)
            return;
    }
    if (at && d->seen < DIRECTORIES_MAX)
        d->pending[d->seen++] = at;
}

static void entry_count(struct directories *d, size_t at)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    uint32_t tag = number_at(d, at, 2), type = number_at(d, at + 2, 2);
    uint64_t size = (uint64_t)number_at(d, at + 4, 4) * (type < sizeof sizes ? sizes[type] : 0);
    if (tag == TAG_EXIF || tag == TAG_GPS || tag == TAG_INTEROPERABILITY)
        directory_add(d, number_at(d, at + 8, 4));
    d->cost += ENTRY_COST;
    if (size <= d->all.size) /* else it is damaged and libraries ignore it */
        d->cost += size;
}

static void directory_count(struct directories *d, uint32_t begin)
{
    size_t entries = number_at(d, begin, 2), at = (size_t)begin + 2;
    for (size_t i = 0; i < entries && at + ENTRY <= d->all.size; i++, at += ENTRY)
        entry_count(d, at);
    directory_add(d, number_at(d, at, 4));
}

/* The total size of all values; stops slightly beyond the limit and the block. */
static uint64_t directories_cost(struct slice block)
{
    if (block.size < 8)
        return 0;
    struct directories d = {.all = block, .little = block.data[0] == 'I'};
    directory_add(&d, number_at(&d, 4, 4));
    while (d.done < d.seen && d.cost <= METADATA_MAX + block.size)
        directory_count(&d, d.pending[d.done++]);
    return d.cost;
}

/* In a TIFF image, the values of one entry may be most of the file; they count only if they are
 * referenced more than once. */
static uint64_t tiff_cost(struct slice image)
{
    uint64_t cost = directories_cost(image);
    return cost > image.size ? cost - image.size : 0;
}

static uint64_t exif_cost(struct slice block)
{
    static const char prefix[] = {'E', 'x', 'i', 'f', 0, 0};
    if (block.size > sizeof prefix && memcmp(block.data, prefix, sizeof prefix) == 0)
        block = slice_after(block, sizeof prefix);
    uint64_t cost = directories_cost(block);
    return cost > block.size ? cost : block.size;
}

/* ---- PNG ---- */

/* The result may slightly exceed the limit. */
static uint64_t inflated_size(struct slice packed)
{
    unsigned char room[16384];
    z_stream stream = {0};
    uint64_t size = 0;
    int code = Z_OK;
    if (inflateInit(&stream) != Z_OK)
        return 0;
    stream.next_in = (Bytef *)(uintptr_t)packed.data; /* zlib reads it only */
    stream.avail_in = (uInt)packed.size;
    while (code == Z_OK && size <= METADATA_MAX) {
        stream.next_out = room;
        stream.avail_out = sizeof room;
        code = inflate(&stream, Z_NO_FLUSH);
        size += sizeof room - stream.avail_out;
    }
    inflateEnd(&stream);
    return size;
}

/* Keyword, a flag and a method, language, translated keyword, text. */
static uint64_t international_text_size(struct slice data)
{
    struct slice rest = after_text(data);
    if (rest.size < 2 || rest.data[0] == 0)
        return data.size;
    return inflated_size(after_text(after_text(slice_after(rest, 2))));
}

/* Keyword, a method, text or a colour profile. */
static uint64_t packed_text_size(struct slice data)
{
    return inflated_size(slice_after(after_text(data), 1));
}

static uint64_t chunk_cost(const char *type, struct slice data)
{
    if (memcmp(type, "zTXt", 4) == 0 || memcmp(type, "iCCP", 4) == 0)
        return packed_text_size(data);
    if (memcmp(type, "iTXt", 4) == 0)
        return international_text_size(data);
    if (memcmp(type, "eXIf", 4) == 0)
        return exif_cost(data);
    return memcmp(type, "tEXt", 4) == 0 ? data.size : 0;
}

static bool has_pixels(const char *type)
{
    return memcmp(type, "IDAT", 4) == 0 || memcmp(type, "fdAT", 4) == 0 ||
           memcmp(type, "fcTL", 4) == 0;
}

static uint64_t png_cost(struct slice image, unsigned *chunks)
{
    enum { SIGNATURE = 8, HEAD = 8, CRC = 4 };
    struct slice rest = slice_after(image, SIGNATURE);
    uint64_t cost = 0;
    while (rest.size >= HEAD && cost <= METADATA_MAX && *chunks <= METADATA_CHUNKS_MAX) {
        size_t size = big_endian(rest.data);
        const char *type = rest.data + 4;
        if (!has_pixels(type))
            ++*chunks;
        cost += chunk_cost(type, slice_until(slice_after(rest, HEAD), size));
        rest = slice_after(rest, HEAD + size + CRC);
    }
    return cost;
}

/* ---- JPEG ---- */

enum { SCAN = 0xda, APP1 = 0xe1, MARKER = 2, LENGTH = 2 };

/* Like libjpeg, skips anything between two segments. */
static struct slice next_marker(struct slice rest)
{
    const char *found = rest.size ? memchr(rest.data, 0xff, rest.size) : NULL;
    rest = slice_after(rest, found ? (size_t)(found - rest.data) : rest.size);
    while (rest.size > 1 && (unsigned char)rest.data[1] == 0xff)
        rest = slice_after(rest, 1);
    return rest;
}

static bool is_exif(unsigned marker, struct slice data)
{
    return marker == APP1 && data.size > 4 && memcmp(data.data, "Exif", 4) == 0;
}

static uint64_t jpeg_cost(struct slice image)
{
    struct slice rest = next_marker(slice_after(image, MARKER));
    uint64_t cost = 0;
    while (rest.size >= MARKER + LENGTH && cost <= METADATA_MAX) {
        unsigned marker = (unsigned char)rest.data[1];
        size_t size = big_endian(rest.data) & 0xffff;
        struct slice data = slice_after(slice_until(rest, MARKER + size), MARKER + LENGTH);
        if (marker == SCAN)
            break;
        if (is_exif(marker, data))
            cost += exif_cost(data);
        rest = next_marker(slice_after(rest, MARKER + size));
    }
    return cost;
}

/* ---- WebP ---- */

static uint64_t webp_cost(struct slice image)
{
    enum { RIFF = 12, HEAD = 8 };
    struct slice rest = slice_after(image, RIFF);
    uint64_t cost = 0;
    while (rest.size >= HEAD && cost <= METADATA_MAX) {
        size_t size = little_endian(rest.data + 4);
        struct slice data = slice_until(slice_after(rest, HEAD), size);
        if (memcmp(rest.data, "EXIF", 4) == 0)
            cost += exif_cost(data);
        rest = slice_after(rest, HEAD + size + (size & 1));
    }
    return cost;
}

/* ---- AVIF and HEIF ---- */

/* A box contains the position of the EXIF block, which may be anywhere; so each place that looks
 * like the beginning of one is checked. */
static uint64_t boxes_cost(struct slice image)
{
    static const char *const begins[] = {"II*\0", "MM\0*"};
    uint64_t cost = 0;
    for (size_t i = 0; i < 2; i++) {
        struct slice rest = image;
        const char *found;
        while (cost <= METADATA_MAX && rest.size &&
               (found = memmem(rest.data, rest.size, begins[i], 4))) {
            rest = slice_after(rest, (size_t)(found - rest.data));
            cost += ENTRY_COST + directories_cost(rest);
            rest = slice_after(rest, 4);
        }
    }
    return cost;
}

/* ---- all samples ---- */

static uint64_t metadata_cost(struct slice image, enum image_format format, unsigned *chunks)
{
    switch (format) {
    case FORMAT_PNG:
        return png_cost(image, chunks);
    case FORMAT_JPEG:
        return jpeg_cost(image);
    case FORMAT_WEBP:
        return webp_cost(image);
    case FORMAT_TIFF:
        return tiff_cost(image);
    case FORMAT_AVIF:
    case FORMAT_HEIF:
        return boxes_cost(image);
    default: /* gif: neither compressed nor referenced twice */
        break;
    }
    return 0;
}

static int fail_large(struct error *error)
{
    return error_set(error, ERR_LIMIT, "the image's metadata would take more than %d MiB of memory",
                     METADATA_MAX >> 20);
}

int image_check_page_metadata(struct slice image, unsigned page, struct error *error)
{
    struct tiff_header tiff;
    bool large = tiff_header_read(image, page, &tiff) && tiff.values > image.size + METADATA_MAX;
    return large ? fail_large(error) : 0;
}

int image_check_metadata(struct slice image, enum image_format format, struct error *error)
{
    unsigned chunks = 0;
    uint64_t cost = metadata_cost(image, format, &chunks);
    if (chunks > METADATA_CHUNKS_MAX)
        return error_set(error, ERR_LIMIT, "the image has more than %d chunks besides its pixels",
                         METADATA_CHUNKS_MAX);
    return cost > METADATA_MAX ? fail_large(error) : 0;
}
