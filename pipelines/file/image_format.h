/* The formats that are read and written, and how to tell them by their first bytes. No libvips
 * here. */
#ifndef THUMBWHEEL_IMAGE_FORMAT_H
#define THUMBWHEEL_IMAGE_FORMAT_H

#include <stdbool.h>

#include "bytes.h"

enum image_format {              /* as in the schema's choices; HEIF is only read */
                    FORMAT_KEEP, /* of an output: the source's. Of a source: not an image that we
                                    read */
                    FORMAT_JPEG,
                    FORMAT_PNG,
                    FORMAT_WEBP,
                    FORMAT_AVIF,
                    FORMAT_TIFF,
                    FORMAT_GIF,
                    FORMAT_HEIF
};

struct image_format_facts {
    const char *name; /* "jpeg" */
    const char *ext;  /* of files, without the dot; NULL for FORMAT_KEEP */
    const char *content_type;
    unsigned side_max; /* pixels of a side that the format can hold */
    bool alpha;        /* it can hold transparency */
    bool moves;        /* it can hold an animation */
    bool deep;         /* it can hold 16 bits a channel */
    bool cmyk;         /* it can hold CMYK */
    bool profiles;     /* it can hold a colour profile */
};

const struct image_format_facts *image_format_facts(enum image_format format);

/* The format that files with this extension have, in any case and without the dot; FORMAT_KEEP:
 * none. */
enum image_format image_format_of_ext(struct slice ext);
/* The extensions of a format, the usual one first; NULL past the last. */
const char *image_format_ext(enum image_format format, size_t index);
/* What follows the last dot of a key's name, without the dot; empty where there is none or the name
 * begins with its only dot. */
struct slice image_format_key_ext(struct slice key);

/* By magic bytes alone, never by name or content type. */
enum image_format image_format_sniff(struct slice image);
/* The likely type of data that sniff didn't recognise: "a PDF document", "text", "unknown". Static.
 */
const char *image_format_guess(struct slice image);

#endif
