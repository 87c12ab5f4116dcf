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
