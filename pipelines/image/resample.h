/*
 * Lanczos resizing of 8-bit pictures, line by line.
 *
 * libvips resizes well, but its horizontal pass works on one value at a time; this one works on
 * eight and halves the time of a photograph's renditions. Results differ from those of libvips only
 * by rounding, and are the same on every machine. Uses neither libvips nor files. Any thread, but
 * only one per resampler at a time.
 */
#ifndef THUMBWHEEL_RESAMPLE_H
#define THUMBWHEEL_RESAMPLE_H

#include <stdbool.h>

#include "plan.h"

enum {
    RESAMPLE_BANDS_MAX = 5,
    /* from it, the weights of a pixel are too small for their 14 bits; libvips averages first */
    RESAMPLE_FACTOR_MAX = 128,
    RESAMPLE_PLANES = 3, /* of a picture with brightness and colour apart */
    RESAMPLE_TURN = 16,  /* lines of a plane before it is the turn of the next one */
};

struct resampler;

/* What the lines of a source cover, in its own pixels. A decoder that divides the sides of a
 * picture leaves a part of a pixel at its right and bottom edges: of 1023 columns, 512 with an
 * extent of 511.5. */
struct resample_extent {
    double width, height;
};

struct resample_source {
    struct plan_size size;
    struct resample_extent extent; /* at most the size, and more than the size minus one */
    unsigned bands;
    bool alpha; /* the last band is alpha and weights the others */
};

/* out is the whole picture of size `to`, without gaps between its lines; it is written as lines
 * arrive and complete after the last one. NULL: memory is short. */
struct resampler *resampler_new(const struct resample_source *from, struct plan_size to,
                                unsigned char *out);
/* From brightness, blue and red difference (ITU-T T.871: Y, Cb, Cr), each a source of one band, to
 * red, green and blue. Planes of colour may have half the sides. */
struct resampler *resampler_new_ycc(const struct resample_source from[RESAMPLE_PLANES],
                                    struct plan_size to, unsigned char *out);
/* Adds the next line of a plane. Call it exactly as often as the plane has lines: for all planes in
 * turn, with lines of the same part of the picture, at most RESAMPLE_TURN of each. */
void resampler_push_plane(struct resampler *r, size_t plane, const unsigned char *line);
/* Adds the next line of the source. Call it exactly from.height times. */
void resampler_push(struct resampler *r, const unsigned char *line);
void resampler_free(struct resampler *r);

#endif
