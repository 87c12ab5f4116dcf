/* The formats that are read and written, and their detection by the first bytes. Does not use
 * libvips. */
#ifndef THUMBWHEEL_IMAGE_FORMAT_H
#define THUMBWHEEL_IMAGE_FORMAT_H

#include <stdbool.h>

#include "bytes.h"

enum image_format { /* in the order of the schema's choices of outputs */
                    /* for outputs: the source's format; for sources: not a supported image */
                    FORMAT_KEEP,
                    FORMAT_JPEG,
                    FORMAT_PNG,
                    FORMAT_WEBP,
                    FORMAT_AVIF,
                    FORMAT_TIFF,
                    FORMAT_GIF,
                    FORMAT_HEIF,
                    FORMAT_JXL,
                    FORMAT_AUTO, /* only for outputs: one of several, chosen when they are encoded */
                    FORMAT_COUNT, /* of outputs; the others are only read */
                    FORMAT_JP2 = FORMAT_COUNT,
                    FORMAT_BMP,
                    FORMAT_ICO,
                    FORMAT_SVG,
                    FORMAT_PDF,
                    FORMAT_INPUT_COUNT
};

struct image_format_facts {
    const char *name; /* "jpeg" */
    const char *ext;  /* usual file extension, without the dot; NULL for FORMAT_KEEP */
    const char *content_type;
    unsigned side_max; /* maximum width and height in pixels */
    bool alpha;        /* supports transparency */
    bool moves;        /* supports animation */
    bool deep;         /* supports 16 bits per channel */
    bool cmyk;         /* supports CMYK */
    bool grey;         /* supports a single channel of colour */
    bool profiles;     /* supports colour profiles */
    bool drawn;        /* of lines and texts, which are drawn in any size */
    unsigned quality;  /* the default, 1–100; 0: the format has no quality */
};

/* Modules of libvips, as a set. The other formats are read and written without one. */
enum image_module {
    MODULE_HEIF = 1,
    MODULE_JXL = 2,
    MODULE_POPPLER = 4,
    MODULE_MAGICK = 8,
    MODULE_DRAWINGS = 16, /* no module: what SVG and PDF need to draw, with fonts */
    MODULES_OUTPUT = 3
};
unsigned image_format_module(enum image_format format);

const struct image_format_facts *image_format_facts(enum image_format format);

/* The format for a file extension, in any case and without the dot; FORMAT_KEEP: none. */
enum image_format image_format_of_ext(struct slice ext);
/* The format of an output that keeps the source's format, which may be one that is only read. */
enum image_format image_format_kept(enum image_format source);
/* The format with a content type; FORMAT_KEEP: none. */
enum image_format image_format_of_type(const char *content_type);
/* The extensions of a format, the usual one first; NULL past the last. */
const char *image_format_ext(enum image_format format, size_t index);
/* The part of a key's name after the last dot; empty if there is no dot or the name begins with its
 * only dot. */
struct slice image_format_key_ext(struct slice key);

/* Detects the format by its magic bytes, never by name or content type. */
enum image_format image_format_sniff(struct slice image);
/* The likely type of data that was not recognised as an image: "a PDF document", "text", "unknown".
 * Static.
 */
const char *image_format_guess(struct slice image);

#endif
