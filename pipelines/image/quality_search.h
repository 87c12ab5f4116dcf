/*
 * Encoding with a search: for the format of several with the fewest bytes, for the lowest quality
 * that is similar enough to the picture, and for the highest that fits into a number of bytes.
 *
 * The size grows with the quality, and so does the similarity, so that each search halves the range
 * of qualities and needs at most seven encodings. At most two encodings are in memory at a time.
 */
#ifndef THUMBWHEEL_QUALITY_SEARCH_H
#define THUMBWHEEL_QUALITY_SEARCH_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "image_format.h"

struct output_config;
struct _VipsImage;

struct encoding {
    struct bytes body;
    enum image_format format;
    bool too_large; /* the lowest quality has more bytes than max_bytes */
};

/* Whether an output needs more than one call of image_save. */
bool quality_search_is_wanted(const struct output_config *config);

/* formats: bits of enum image_format, one or more. The errors are those of image_save; if one of
 * several formats fails, the others are tried, and the last error remains if all do. ERR_MEMORY. */
int quality_search(struct _VipsImage *image, unsigned formats, const struct output_config *config,
                   struct encoding *out, struct error *error);

#endif
