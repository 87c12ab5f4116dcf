/* Layout: TIFF 6.0, and BigTIFF, whose counts and offsets have eight bytes. Everything is
 * untrusted. */
#include "tiff_header.h"

#include <string.h>

struct directory {
    struct slice all;
    bool little, big; /* byte order; BigTIFF */
    size_t first;     /* entry */
    uint64_t count;
};

static uint64_t number_at(const struct directory *d, uint64_t at, size_t size)
{
    uint64_t value = 0;
    if (at > d->all.size || d->all.size - at < size)
        return 0;
    for (size_t i = 0; i < size; i++) {
        size_t place = d->little ? size - 1 - i : i;
        value = value << 8 | (unsigned char)d->all.data[at + place];
    }
    return value;
}

static bool read_directory(struct directory *d, uint64_t at)
{
    size_t head = d->big ? 8 : 2;
    if (at > d->all.size || d->all.size - at < head)
        return false;
    d->count = number_at(d, at, head);
    d->first = (size_t)at + head;
    return true;
}

static bool open_directory(struct slice image, struct directory *d)
{
    enum { CLASSIC = 42, BIG = 43 };
    if (image.size < 16)
        return false;
    *d = (struct directory){.all = image, .little = image.data[0] == 'I'};
    uint64_t version = number_at(d, 2, 2);
    if (version != CLASSIC && version != BIG)
        return false;
    d->big = version == BIG;
    return read_directory(d, d->big ? number_at(d, 8, 8) : number_at(d, 4, 4));
}

/* The chain may be a circle, so it is followed only as far as the page. */
static bool open_page(struct slice image, unsigned page, struct directory *d)
{
    bool found = open_directory(image, d);
    for (unsigned i = 0; found && i < page; i++) {
        uint64_t size = d->big ? 20 : 12;
        if (d->count > d->all.size / size)
            return false;
        uint64_t next = number_at(d, d->first + d->count * size, d->big ? 8 : 4);
        found = next && read_directory(d, next);
    }
    return found;
}

/* The values of a tag. Returns how many were stored; 0: the tag is absent. */
static size_t read_tag(const struct directory *d, uint32_t tag, uint64_t *out, size_t most)
{
    static const uint8_t sizes[] = {[1] = 1, [3] = 2, [4] = 4, [13] = 4, [16] = 8, [18] = 8};
    size_t entry = d->big ? 20 : 12, inside = d->big ? 8 : 4;
    uint64_t at = d->first;
    for (uint64_t i = 0; i < d->count && at + entry <= d->all.size; i++, at += entry) {
        uint64_t type = number_at(d, at + 2, 2), count = number_at(d, at + 4, inside);
        size_t size = type < sizeof sizes ? sizes[type] : 0;
        if (number_at(d, at, 2) != tag || !size || count > d->all.size)
            continue;
        uint64_t value = at + 4 + inside;
        if (count * size > inside)
            value = number_at(d, value, inside);
        size_t n = count < most ? (size_t)count : most;
        for (size_t k = 0; k < n; k++)
            out[k] = number_at(d, value + k * size, size);
        return n;
    }
    return 0;
}

static uint32_t read_number(const struct directory *d, uint32_t tag, uint32_t fallback)
{
    uint64_t value;
    return read_tag(d, tag, &value, 1) ? (uint32_t)value : fallback;
}

static struct slice read_pixels(const struct directory *d)
{
    enum { STRIPS = 273, STRIP_SIZES = 279, TILES = 324, TILE_SIZES = 325 };
    uint64_t at = 0, size = 0;
    if (!read_tag(d, STRIPS, &at, 1))
        read_tag(d, TILES, &at, 1);
    if (!read_tag(d, STRIP_SIZES, &size, 1))
        read_tag(d, TILE_SIZES, &size, 1);
    if (at > d->all.size || size > d->all.size - at)
        return (struct slice){"", 0};
    return (struct slice){d->all.data + at, (size_t)size};
}

/* As a library reads them: several entries may refer to the same bytes. */
static uint64_t values_size(const struct directory *d)
{
    enum { ENTRY_COST = 32 };
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    size_t entry = d->big ? 20 : 12;
    uint64_t at = d->first, sum = 0;
    for (uint64_t i = 0; i < d->count && at + entry <= d->all.size; i++, at += entry) {
        uint64_t type = number_at(d, at + 2, 2), count = number_at(d, at + 4, d->big ? 8 : 4);
        uint64_t size = type < sizeof sizes ? sizes[type] : 0;
        sum += ENTRY_COST;
        if (size && count <= d->all.size / size) /* else it is damaged, and libraries ignore it */
            sum += count * size;
    }
    return sum;
}

bool tiff_header_read(struct slice image, unsigned page, struct tiff_header *out)
{
    enum {
        BITS = 258,
        COMPRESSION = 259,
        PHOTOMETRIC = 262,
        SAMPLES = 277,
        PLANES = 284,
        EXTRAS = 338,
        FORM = 339
    };
    struct directory d;
    uint64_t extras[TIFF_EXTRAS_MAX] = {0};
    if (!open_page(image, page, &d))
        return false;
    *out = (struct tiff_header){
        .bits = read_number(&d, BITS, 1),
        .samples = read_number(&d, SAMPLES, 1),
        .form = read_number(&d, FORM, TIFF_UNSIGNED),
        .compression = read_number(&d, COMPRESSION, 1),
        .photometric = read_number(&d, PHOTOMETRIC, 0),
        .planes = read_number(&d, PLANES, 1),
        .extra_count = read_tag(&d, EXTRAS, extras, TIFF_EXTRAS_MAX),
        .values = values_size(&d),
        .pixels = read_pixels(&d),
    };
    for (size_t i = 0; i < out->extra_count; i++)
        out->extras[i] = (uint32_t)extras[i];
    return true;
}

unsigned tiff_header_alpha(const struct tiff_header *header)
{
    enum { PREMULTIPLIED = 1, PLAIN = 2 };
    unsigned found = 0, count = 0;
    if (header->extra_count >= header->samples)
        return 0;
    for (size_t i = 0; i < header->extra_count; i++) {
        if (header->extras[i] != PREMULTIPLIED && header->extras[i] != PLAIN)
            continue;
        found = (unsigned)(header->samples - header->extra_count + i);
        count++;
    }
    return count == 1 ? found : 0;
}
