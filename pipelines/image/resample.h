/*
 * Lanczos resizing of 8-bit pictures, line by line.
 *
 * libvips resizes well, but its horizontal half works on one value at a time; this one works on
 * eight and halves the time of a photograph's renditions. Results differ from libvips' by rounding
 * alone, and are the same on every machine. Knows nothing of libvips, and no files. Any thread; one
 * resampler on one thread at a time.
 */
#ifndef THUMBWHEEL_RESAMPLE_H
#define THUMBWHEEL_RESAMPLE_H

#include <stdbool.h>

#include "plan.h"

enum { RESAMPLE_BANDS_MAX = 5 };

struct resampler;

/* alpha: the last band is, and weighs the others. out is the whole picture of size `to`, without
 * gaps between its lines; it is written while lines come in, and is complete after the last. NULL:
 * no memory. */
struct resampler *resampler_new(struct plan_size from, struct plan_size to, unsigned bands,
                                bool alpha, unsigned char *out);
/* The next line of the source. Call exactly from.height times. */
void resampler_push(struct resampler *r, const unsigned char *line);
void resampler_free(struct resampler *r);

#endif
