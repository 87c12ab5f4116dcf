#include "image_damage.h"

#include <string.h>

#include "gif_blocks.h"
#include "jpeg_frame.h"

static const struct image_state intact = {.first = IMAGE_INTACT, .all = IMAGE_INTACT};

/* ---- PNG: the chunks up to IEND ---- */

static uint32_t big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool png_is_whole(struct slice png)
{
    enum { SIGNATURE = 8, HEAD = 8, CHECKSUM = 4 };
    size_t at = SIGNATURE;
    while (at < png.size && png.size - at >= HEAD + CHECKSUM) {
        size_t size = big_endian(png.data + at);
        if (png.size - at - HEAD - CHECKSUM < size)
            return false;
        if (memcmp(png.data + at + 4, "IEND", 4) == 0)
            return true;
        at += HEAD + size + CHECKSUM;
    }
    return false;
}

/* ---- WebP: the chunks of a RIFF file ---- */

static uint32_t little_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

struct webp {
    size_t whole;   /* end of the last complete chunk */
    bool picture;   /* a complete one, or a complete frame */
    bool animated;  /* there are frames */
    bool described; /* the incomplete chunk is metadata, which follows the pixels */
    unsigned kept;  /* flags of the complete metadata */
};

static bool is_any(const char *type, const char *const *list)
{
    for (; *list; list++) {
        if (memcmp(type, *list, 4) == 0)
            return true;
    }
    return false;
}

/* In the extended header (VP8X), if there is such a chunk. */
static unsigned flag_of(const char *type)
{
    if (memcmp(type, "EXIF", 4) == 0)
        return WEBP_EXIF;
    return memcmp(type, "XMP ", 4) == 0 ? WEBP_XMP : 0;
}

static struct webp webp_read(struct slice webp)
{
    enum { FIRST = 12, HEAD = 8 };
    static const char *const pictures[] = {"VP8 ", "VP8L", "ANMF", NULL};
    struct webp out = {.whole = FIRST};
    for (size_t at = FIRST; at < webp.size && webp.size - at >= HEAD;) {
        const char *type = webp.data + at;
        size_t size = little_endian(type + 4);
        if (webp.size - at - HEAD < size) {
            out.described = flag_of(type) != 0;
            break;
        }
        out.picture |= is_any(type, pictures);
        out.animated |= memcmp(type, "ANMF", 4) == 0;
        out.kept |= flag_of(type);
        at += HEAD + size;
        out.whole = at;
        at += size & 1; /* a filler, which may be missing at the end */
    }
    return out;
}

/* The size in its header is of what follows it. */
static struct image_state webp_state(struct slice image)
{
    struct image_state state = intact;
    if (image.size < 12 || little_endian(image.data + 4) <= image.size - 8)
        return state;
    struct webp webp = webp_read(image);
    if (!webp.picture)
        return state; /* libwebp refuses it */
    state.first = IMAGE_ENDS_EARLY;
    state.all = webp.animated && !webp.described ? IMAGE_TRUNCATED : IMAGE_ENDS_EARLY;
    state.usable = webp.whole;
    state.mended = true;
    state.lost = (WEBP_EXIF | WEBP_XMP) & ~webp.kept;
    return state;
}

/* ---- all ---- */

static struct image_state gif_state(struct slice image, unsigned page)
{
    struct gif_end end = gif_end_of(image);
    struct image_state state = intact;
    if (end.complete)
        return state;
    state.first = end.cut && end.frames <= page ? IMAGE_TRUNCATED : IMAGE_ENDS_EARLY;
    state.all = end.cut ? IMAGE_TRUNCATED : IMAGE_ENDS_EARLY;
    state.mended = true;
    return state;
}

static bool ends_early(struct slice image, enum image_format format)
{
    if (format == FORMAT_JPEG)
        return !jpeg_frame_has_end(image);
    return format == FORMAT_PNG && !png_is_whole(image);
}

struct image_state image_damage_of(struct slice image, enum image_format format, unsigned page)
{
    struct image_state state = intact;
    if (format == FORMAT_WEBP)
        state = webp_state(image);
    else if (format == FORMAT_GIF)
        state = gif_state(image, page);
    else if (ends_early(image, format))
        state.first = state.all = IMAGE_ENDS_EARLY; /* unless the decoder misses pixels */
    if (!state.usable)
        state.usable = image.size;
    return state;
}
