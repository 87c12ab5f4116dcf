#include "gif_blocks.h"

#include <stdint.h>

enum {
    HEADER = 13, /* with the logical screen descriptor */
    FLAGS = 10,
    DESCRIPTOR = 10, /* of an image, with its introducer */
    IMAGE = 0x2c,
    EXTENSION = 0x21,
    TRAILER = 0x3b,
    CODES_MAX = 4096,
};

static unsigned byte_at(struct slice gif, size_t at)
{
    return at < gif.size ? (unsigned char)gif.data[at] : 0;
}

static size_t colours_size(unsigned flags)
{
    return flags & 0x80 ? 3U << ((flags & 7) + 1) : 0;
}

/* ---- how many pixels the codes of a frame make ---- */

struct codes {
    struct slice gif;
    size_t at;     /* the next byte */
    unsigned left; /* bytes of the current sub-block */
    uint32_t bits;
    unsigned count;
};

static bool code_read(struct codes *c, unsigned width, unsigned *out)
{
    while (c->count < width) {
        if (c->left == 0)
            c->left = byte_at(c->gif, c->at++);
        if (c->left == 0 || c->at >= c->gif.size)
            return false; /* the last sub-block, or the end of the file */
        c->bits |= (uint32_t)byte_at(c->gif, c->at++) << c->count;
        c->count += 8;
        c->left--;
    }
    *out = c->bits & ((1U << width) - 1);
    c->bits >>= width;
    c->count -= width;
    return true;
}

/* LZW with codes of growing width, as in the specification's appendix F. A code stands for one pixel
 * more than the code before it, so only the lengths are needed. */
static bool has_pixels(struct slice gif, size_t at, unsigned least, uint64_t wanted)
{
    uint32_t lengths[CODES_MAX];
    const unsigned clear = 1U << least, first = clear + 2;
    struct codes codes = {.gif = gif, .at = at};
    unsigned width = least + 1, next = first, code, before = CODES_MAX;
    uint64_t pixels = 0;
    for (unsigned i = 0; i < clear; i++)
        lengths[i] = 1;
    while (pixels < wanted && code_read(&codes, width, &code)) {
        if (code == clear) {
            width = least + 1;
            next = first;
            before = CODES_MAX;
            continue;
        }
        bool is_new = before != CODES_MAX && code == next;
        if (code == clear + 1 || (code >= next && !is_new))
            return false;
        if (before != CODES_MAX && next < CODES_MAX)
            lengths[next++] = lengths[before] + 1;
        pixels += lengths[code];
        before = code;
        if (next == 1U << width && width < 12)
            width++;
    }
    return pixels >= wanted;
}

/* ---- blocks ---- */

/* Behind the sub-blocks; beyond the end of the file: they are cut. *last: where the last one is. */
static size_t after_blocks(struct slice gif, size_t at, size_t *last)
{
    while (at < gif.size && byte_at(gif, at) != 0) {
        *last = at;
        at += 1 + byte_at(gif, at);
    }
    return at + 1;
}

static uint64_t area_of(struct slice gif, size_t image)
{
    uint64_t width = byte_at(gif, image + 5) | byte_at(gif, image + 6) << 8;
    uint64_t height = byte_at(gif, image + 7) | byte_at(gif, image + 8) << 8;
    return width * height;
}

/* Behind a frame. *out counts it, if it has all of its pixels. */
static size_t frame_read(struct slice gif, size_t at, struct gif_end *out)
{
    size_t data = at + DESCRIPTOR + colours_size(byte_at(gif, at + DESCRIPTOR - 1)), last = 0;
    unsigned least = byte_at(gif, data);
    size_t end = after_blocks(gif, data + 1, &last);
    if (end > gif.size && last) {
        bool cut_inside = last + 1 + byte_at(gif, last) > gif.size;
        out->block = cut_inside && last + 1 < gif.size ? last : 0;
        out->usable = cut_inside && !out->block ? last : gif.size;
    }
    /* Only the frame at which the file ends is decoded. */
    out->cut = end > gif.size && (least < 1 || least > 8 || !last ||
                                  !has_pixels(gif, data + 1, least, area_of(gif, at)));
    out->frames += !out->cut;
    return end;
}

struct gif_end gif_end_of(struct slice gif)
{
    struct gif_end out = {.complete = false};
    size_t at = HEADER + colours_size(byte_at(gif, FLAGS)), ignored;
    while (at < gif.size) {
        unsigned block = byte_at(gif, at);
        out.usable = at;
        if (block == EXTENSION) {
            at = after_blocks(gif, at + 2, &ignored);
        } else if (block == IMAGE) {
            at = frame_read(gif, at, &out);
        } else {
            out.complete = true;
            return out;
        }
    }
    if (at == gif.size)
        out.usable = at; /* only the trailer is missing */
    return out;
}

size_t gif_mend(char *copy, size_t size)
{
    struct gif_end end = gif_end_of((struct slice){copy, size});
    size_t used = end.usable;
    if (end.block)
        copy[end.block] = (char)(size - end.block - 1);
    if (end.block || byte_at((struct slice){copy, size}, used - 1) != 0)
        copy[used++] = '\0'; /* the end of the sub-blocks */
    copy[used++] = TRAILER;
    return used;
}
