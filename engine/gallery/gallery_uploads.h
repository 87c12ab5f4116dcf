/* Sizes of uploads, and the handlers of uploads in parts. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_UPLOADS_H
#define THUMBWHEEL_GALLERY_UPLOADS_H

#include "gallery_private.h"

enum {
    GALLERY_MULTIPART_FROM = 16 * 1024 * 1024, /* bytes of a file */
    GALLERY_PART_BYTES = 16 * 1024 * 1024,     /* the last part is smaller */
};

#endif
