#include "jpeg_frame.h"

#include <stdint.h>
#include <string.h>

enum {
    MARKER = 2,
    LENGTH = 2,
    SCAN = 0xda,
    FRAME = MARKER + LENGTH, /* the frame header: precision, height, width, components */
    FRAME_HEIGHT = FRAME + 1,
    FRAME_WIDTH = FRAME + 3,
    FRAME_COUNT = FRAME + 5,
    FRAME_COMPONENTS = FRAME + 6,
    COMPONENT = 3, /* identifier, sampling factors, table */
    COMPONENTS_MAX = 4,
    BLOCK = 8,
    SIDE_MAX = 65500, /* libjpeg's JPEG_MAX_DIMENSION */
};

static unsigned byte_at(struct slice file, size_t at)
{
    return (unsigned char)file.data[at];
}

static unsigned short_at(struct slice file, size_t at)
{
    return byte_at(file, at) << 8 | byte_at(file, at + 1);
}

/* SOF0 to SOF15, without DHT, JPG and DAC, which have numbers in between. */
static bool is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* TEM, RST0 to RST7 and SOI have no parameters. */
static bool is_bare(unsigned marker)
{
    return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Like libjpeg, skips anything between two segments, fill bytes and markers without parameters. */
static size_t marker_after(struct slice file, size_t at)
{
    while (at + 1 < file.size && (byte_at(file, at) != 0xff || byte_at(file, at + 1) == 0xff ||
                                  is_bare(byte_at(file, at + 1))))
        at++;
    return at;
}

/* The position of its marker; 0: there is none that is complete. */
static size_t frame_find(struct slice file)
{
    size_t at = marker_after(file, MARKER);
    while (at + FRAME_COMPONENTS < file.size && byte_at(file, at + 1) != SCAN) {
        const size_t size = short_at(file, at + MARKER);
        if (is_frame(byte_at(file, at + 1))) {
            const unsigned count = byte_at(file, at + FRAME_COUNT);
            bool whole = count >= 1 && count <= COMPONENTS_MAX && file.size - at > MARKER + size &&
                         size >= FRAME_COMPONENTS - MARKER + count * COMPONENT;
            return whole ? at : 0;
        }
        at = marker_after(file, at + MARKER + size);
    }
    return 0;
}

/* Of one component. */
static unsigned blocks(unsigned side, unsigned samples, unsigned samples_max)
{
    const uint64_t all = (uint64_t)side * samples, each = (uint64_t)samples_max * BLOCK;
    return (unsigned)((all + each - 1) / each);
}

struct sampling {
    unsigned across[COMPONENTS_MAX], down[COMPONENTS_MAX];
    unsigned across_max, down_max;
    unsigned count;
};

static bool sampling_read(struct slice file, size_t frame, struct sampling *out)
{
    out->count = byte_at(file, frame + FRAME_COUNT);
    for (unsigned i = 0; i < out->count; i++) {
        const unsigned factors = byte_at(file, frame + FRAME_COMPONENTS + i * COMPONENT + 1);
        out->across[i] = factors >> 4;
        out->down[i] = factors & 15;
        if (!out->across[i] || !out->down[i])
            return false;
        out->across_max = out->across[i] > out->across_max ? out->across[i] : out->across_max;
        out->down_max = out->down[i] > out->down_max ? out->down[i] : out->down_max;
    }
    return true;
}

bool jpeg_frame_fits(struct slice file, struct plan_size from, struct plan_size to)
{
    struct sampling s = {0};
    const size_t frame = frame_find(file);
    if (!frame || to.width > SIDE_MAX || to.height > SIDE_MAX ||
        short_at(file, frame + FRAME_WIDTH) != from.width ||
        short_at(file, frame + FRAME_HEIGHT) != from.height || !sampling_read(file, frame, &s))
        return false;
    for (unsigned i = 0; i < s.count; i++) {
        if (blocks(to.width, s.across[i], s.across_max) !=
                blocks(from.width, s.across[i], s.across_max) ||
            blocks(to.height, s.down[i], s.down_max) != blocks(from.height, s.down[i], s.down_max))
            return false;
    }
    return true;
}

static void short_write(char *at, unsigned value)
{
    at[0] = (char)(value >> 8);
    at[1] = (char)(value & 255);
}

void jpeg_frame_resize(char *file, size_t size, struct plan_size to)
{
    const size_t frame = frame_find((struct slice){file, size});
    short_write(file + frame + FRAME_WIDTH, to.width);
    short_write(file + frame + FRAME_HEIGHT, to.height);
}

/* ---- scans ---- */

struct scans {
    bool progressive;
    unsigned count;
    unsigned char names[COMPONENTS_MAX];
    /* for each coefficient: bits that are still missing */
    unsigned char missing[COMPONENTS_MAX][BLOCK * BLOCK];
};

static bool scans_begin(struct slice file, size_t frame, struct scans *out)
{
    enum { PROGRESSIVE = 2 }; /* SOF2 and SOF10 */
    if (!frame)
        return false;
    out->progressive = (byte_at(file, frame + 1) & 3) == PROGRESSIVE;
    out->count = byte_at(file, frame + FRAME_COUNT);
    for (unsigned i = 0; i < out->count; i++)
        out->names[i] = (unsigned char)byte_at(file, frame + FRAME_COMPONENTS + i * COMPONENT);
    memset(out->missing, BLOCK, sizeof out->missing);
    return true;
}

static void component_scanned(struct scans *s, unsigned name, unsigned from, unsigned to,
                              unsigned missing)
{
    for (unsigned i = 0; i < s->count; i++) {
        for (unsigned k = from; s->names[i] == name && k <= to && k < BLOCK * BLOCK; k++)
            s->missing[i][k] = (unsigned char)missing;
    }
}

/* The scan header (SOS): components, then the range of coefficients and the bits. */
static void scan_read(struct slice file, size_t at, struct scans *s)
{
    const size_t end = at + MARKER + short_at(file, at + MARKER);
    const unsigned count = byte_at(file, at + FRAME);
    const size_t range = at + FRAME + 1 + 2 * (size_t)count;
    if (count > COMPONENTS_MAX || range + 3 > end || end > file.size)
        return;
    for (unsigned i = 0; i < count; i++) {
        const unsigned name = byte_at(file, at + FRAME + 1 + 2 * (size_t)i);
        if (s->progressive)
            component_scanned(s, name, byte_at(file, range), byte_at(file, range + 1),
                              byte_at(file, range + 2) & 15);
        else
            component_scanned(s, name, 0, BLOCK * BLOCK - 1, 0);
    }
}

/* The marker that ends the coded data of a scan. */
static size_t data_end(struct slice file, size_t at)
{
    while (at + 1 < file.size) {
        const char *found = memchr(file.data + at, 0xff, file.size - at - 1);
        if (!found)
            break;
        at = (size_t)(found - file.data);
        const unsigned next = byte_at(file, at + 1);
        if (next != 0 && !(next >= 0xd0 && next <= 0xd7))
            return at;
        at += next == 0 ? 2 : 1;
    }
    return file.size;
}

bool jpeg_frame_has_end(struct slice file)
{
    enum { END = 0xd9 };
    /* an embedded preview, which has its own end, precedes the frame header */
    const size_t first = frame_find(file);
    for (size_t at = file.size; at >= first + 2; at--) {
        if (byte_at(file, at - 2) == 0xff && byte_at(file, at - 1) == END)
            return true;
    }
    return false;
}

/* Reads all scans. Returns where the last segment that is complete ends, or the data of its scan. */
static size_t scans_read(struct slice file, struct scans *s)
{
    size_t at = frame_find(file), usable = file.size;
    if (!scans_begin(file, at, s))
        return usable;
    while (at + 1 < file.size) {
        const bool sized = at + FRAME <= file.size;
        const size_t after = sized ? at + MARKER + short_at(file, at + MARKER) : file.size + 1;
        const bool scan = byte_at(file, at + 1) == SCAN;
        usable = after > file.size ? at : file.size;
        if (after > file.size)
            break;
        if (scan)
            scan_read(file, at, s);
        at = marker_after(file, scan ? data_end(file, after) : after);
    }
    return usable;
}

bool jpeg_frame_scans_complete(struct slice file)
{
    struct scans s = {.count = 0};
    scans_read(file, &s);
    for (unsigned i = 0; i < s.count; i++) {
        for (unsigned k = 0; k < BLOCK * BLOCK; k++) {
            if (s.missing[i][k])
                return false;
        }
    }
    return s.count > 0;
}

size_t jpeg_frame_usable(struct slice file)
{
    struct scans s = {.count = 0};
    return scans_read(file, &s);
}
