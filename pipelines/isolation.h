/*
 * Images are decoded in processes of their own: codecs parse hostile bytes, and what they do to
 * their memory then is not to be done to the engine's, which has credentials and a hundred jobs.
 *
 * A decorator of the pipeline seam. Everything but render passes through; render takes an idle
 * decoder process, or starts one, and lets it work. So there are as many processes as there were
 * ever renders at one time. A process that crashes, takes too long or too much memory is replaced,
 * and the render is tried once more in a new one; then its items have the error
 * ERR_DECODER_CRASHED, ERR_DECODER_TIMEOUT or ERR_DECODER_MEMORY.
 */
#ifndef THUMBWHEEL_ISOLATION_H
#define THUMBWHEEL_ISOLATION_H

#include <stdint.h>

#include "pipeline.h"

struct isolation_options {
    unsigned timeout_ms; /* of one image, by the clock and in processor time */
    uint64_t memory;     /* bytes that one process may take */
};

/* Main thread. Starts a process, which gets ready by itself, while this one does what else its
 * start needs; the others follow when there are images for them. */
int isolation_start(const struct isolation_options *options, struct error *error);
/* Main thread; in place of the above where images may never come: the first one starts a process.
 */
void isolation_allow(const struct isolation_options *options);
/* Waits until it is. Fails where this machine does not let decoders be shut in. */
int isolation_ready(struct error *error);
/* When no render is under way any more. */
void isolation_stop(void);

extern const struct pipeline_ops isolated_pipeline_ops;

#endif
