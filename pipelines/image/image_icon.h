/* The headers of BMP and ICO files: their sizes, before ImageMagick reads them. Pure functions; any
 * thread. */
#ifndef THUMBWHEEL_IMAGE_ICON_H
#define THUMBWHEEL_IMAGE_ICON_H

#include <stdbool.h>

#include "bytes.h"
#include "plan.h"

/* ImageMagick keeps 8 bytes for each pixel, and more than 256 MiB in a file, if Debian's policy
 * applies. */
enum { IMAGE_ICON_PIXELS_MAX = 32 * 1000 * 1000 };

/* {0, 0}: it has no header that is known. */
struct plan_size bmp_size(struct slice file);

/* The largest picture of an icon. */
struct icon_picture {
    size_t entry;      /* in the directory, from 0 */
    struct slice data; /* a PNG file, or a BMP without its first header */
    bool png;
    struct plan_size size;
};

/* false: a picture is not complete. */
bool icon_read(struct slice file, struct icon_picture *out);

enum { ICON_HEAD = 6 + 16 };
/* An icon that contains only this BMP: to has room for ICON_HEAD + data.size bytes. */
size_t icon_write(struct slice file, const struct icon_picture *picture, char *to);

#endif
