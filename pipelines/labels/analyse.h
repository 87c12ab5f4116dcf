/* Shared by the files of the built-in labeler. labels.c documents the meaning of each label. */
#ifndef THUMBWHEEL_ANALYSE_H
#define THUMBWHEEL_ANALYSE_H

#include <stdint.h>

#include "labeler.h"
#include "pipeline.h"
#include "pipeline_file.h"
#include "vips_api.h"

enum {
    ANALYSE_DETAIL_PX = 256, /* long side of the copy for measuring sharpness */
    ANALYSE_COLOUR_PX = 128, /* long side of the copy for measuring colour and light */
};

/* The detail copy: sRGB, or sRGB with alpha. */
struct detail {
    uint8_t *pixels; /* free */
    int width, height;
    int bands; /* 3 or 4 */
};

/* The colour copy, as CIELAB under D65: L 0–100. Invisible pixels have weight 0. */
struct colour_point {
    float l, a, b;
    float chroma;
    float weight; /* alpha, 0–1 */
};

struct colour_view {
    struct colour_point *points; /* free */
    size_t count;
    double weight; /* sum over the points */
};

/* Both return 0, ERR_MEMORY, or ERR_CORRUPT if the pixels cannot be read. The caller frees the
 * copy, even after a failure. */
int detail_read(VipsImage *image, struct detail *out);
int colour_read(const struct detail *detail, struct colour_view *out);

/* 50 at `threshold`, 100 at `certain` and beyond, linear between; under 50 on the other side of the
 * threshold. certain may be above or below threshold. */
double label_confidence(double value, double threshold, double certain);

/* Appends a label unless its confidence is below 50. Labels of equal confidence keep the order of
 * the calls. name and value must be valid in an S3 tag. */
void label_add(struct label_set *set, const char *name, const char *value, double confidence);

/* Copies text for an S3 tag: replaces invalid characters with spaces, joins runs of spaces and
 * trims both ends. */
void label_text(char out[LABEL_VALUE_MAX], const char *text);

/* hashes: bits of enum label_hash. ERR_MEMORY, or another error if they can't be computed. */
int analyse_hashes(const struct detail *detail, int hashes, struct label_set *out);
void analyse_shape(const struct image_facts *facts, struct label_set *out);
void analyse_resolution(const struct image_facts *facts, struct label_set *out);
void analyse_exif(VipsImage *original, struct label_set *out);
void analyse_colours(const struct colour_view *view, struct label_set *out);
void analyse_tint(const struct colour_view *view, struct label_set *out);
void analyse_light(const struct colour_view *view, struct label_set *out);
void analyse_transparency(const struct detail *detail, struct label_set *out);
void analyse_sharpness(const struct detail *detail, struct label_set *out);

#endif
