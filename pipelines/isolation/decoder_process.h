/*
 * The parent's side of a decoder process: starting it, sending renders, checking replies, ending
 * it. One thread at a time.
 *
 * Errors: ERR_DECODER_CRASHED (also for an invalid reply), ERR_DECODER_TIMEOUT, ERR_DECODER_MEMORY,
 * ERR_CANCELLED: the process cannot be used any more and must be ended. ERR_MEMORY, ERR_IO: this
 * process is short of resources; the image is not the cause.
 */
#ifndef THUMBWHEEL_DECODER_PROCESS_H
#define THUMBWHEEL_DECODER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline.h"

struct decoder;

struct decoder_limits {
    unsigned timeout_ms; /* per render, in elapsed and in processor time */
    uint64_t memory;     /* memory per process in bytes */
};

/* Returns as soon as the process exists; it initialises in parallel. */
int decoder_start(const struct decoder_limits *limits, unsigned modules, struct decoder **out,
                  struct error *error);
/* Of libvips (image_format.h), which it has loaded as far as they are installed. */
unsigned decoder_modules(const struct decoder *d);
/* Waits until it is ready; returns at once if it already is. */
int decoder_ready(struct decoder *d, struct error *error);
/* Between renders: whether it is running and has sent nothing. */
bool decoder_is_well(const struct decoder *d);
/* Whether it keeps more memory of previous images than a new process would use. */
bool decoder_is_heavy(const struct decoder *d);
/* Fills the items, which must be empty; after an error they may be partly filled. At most
 * DECODER_ITEMS_MAX.
 */
int decoder_ask(struct decoder *d, const struct render_source *source,
                const struct pipeline_limits *limits, struct render_item *const *items,
                size_t count, struct error *error);
/* Ends the process, if it has not ended. NULL: does nothing. */
void decoder_end(struct decoder *d);

/* Link for a list of the owner. */
struct decoder *decoder_next(const struct decoder *d);
void decoder_link(struct decoder *d, struct decoder *next);

#endif
