/*
 * A decoder process as its parent has it: started, asked, judged, ended. One thread at a time.
 *
 * Whatever goes wrong is told by a code: ERR_DECODER_CRASHED (also for an answer that no honest
 * decoder gives), ERR_DECODER_TIMEOUT, ERR_DECODER_MEMORY, ERR_CANCELLED: the process is then of no
 * use any more, only to be ended. ERR_MEMORY, ERR_IO: this process is short of something, the image
 * is not to blame.
 */
#ifndef THUMBWHEEL_DECODER_PROCESS_H
#define THUMBWHEEL_DECODER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline.h"

struct decoder;

struct decoder_limits {
    unsigned timeout_ms; /* of one render, by the clock and in processor time */
    uint64_t memory;     /* bytes of one process */
};

/* Returns as soon as there is a process; it gets ready by itself. */
int decoder_start(const struct decoder_limits *limits, struct decoder **out, struct error *error);
/* Waits until it is ready; at once when it is known to be. */
int decoder_ready(struct decoder *d, struct error *error);
/* While nothing is asked of it: whether it still lives and keeps quiet. */
bool decoder_is_well(const struct decoder *d);
/* It keeps more memory from images that are done than a new one would have. */
bool decoder_is_heavy(const struct decoder *d);
/* Fills the items, which are empty; on an error they may be half full. At most DECODER_ITEMS_MAX.
 */
int decoder_ask(struct decoder *d, const struct render_source *source,
                const struct pipeline_limits *limits, struct render_item *const *items,
                size_t count, struct error *error);
/* Ends the process, if it hasn't ended. NULL is no decoder. */
void decoder_end(struct decoder *d);

/* Another thread's list may be linked here. */
struct decoder *decoder_next(const struct decoder *d);
void decoder_link(struct decoder *d, struct decoder *next);

#endif
