/*
 * The weights of a Lanczos filter with three lobes, for one direction of a resize: widened by the factor
 * when reducing. Beyond an edge, the edge pixels are repeated, as in libvips. Any thread.
 */
#ifndef THUMBWHEEL_RESAMPLE_FILTER_H
#define THUMBWHEEL_RESAMPLE_FILTER_H

#include <stddef.h>
#include <stdint.h>

struct resample_filter {
    unsigned from, to; /* pixels */
    double extent;     /* of the source, at most `from` */
    /* For each position in the result, `taps` weights of the source, beginning at first[i], which is
     * even: sums are computed of pairs. The last of them may be beyond the source and are zero. */
    size_t taps; /* even */
    int *first;
    int *last; /* the last one in the source whose weight may not be zero */
    int16_t *weights;
};

/* Frees nothing on failure: call resample_filter_free. ERR_MEMORY. */
int resample_filter_init(struct resample_filter *f, unsigned from, double extent, unsigned to);
void resample_filter_free(struct resample_filter *f);

#endif
