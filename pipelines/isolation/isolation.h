/*
 * Images are decoded in separate processes: codecs parse hostile bytes, and a corrupted codec must
 * not reach the memory of the engine, which has credentials and a hundred jobs.
 *
 * A decorator of the pipeline seam. Everything but render passes through; render uses an idle
 * decoder process or starts one. So the number of processes is the peak number of concurrent
 * renders. A process that crashes, takes too long or too much memory is replaced. After a crash or
 * for want of memory the render is tried once more in a new one. If it fails, its items have the
 * error ERR_DECODER_CRASHED, ERR_DECODER_TIMEOUT or ERR_DECODER_MEMORY.
 */
#ifndef THUMBWHEEL_ISOLATION_H
#define THUMBWHEEL_ISOLATION_H

#include "isolation_settings.h"
#include "pipeline.h"

/* Main thread. Starts one process, which initialises itself in parallel; the others are started
 * when there are images for them. */
int isolation_start(const struct isolation_settings *options, struct error *error);
/* Main thread; instead of the above if there may be no images: the first image starts a process.
 */
void isolation_allow(const struct isolation_settings *options);
/* Waits until it is ready. Fails if decoders can't be sandboxed on this machine. */
int isolation_ready(struct error *error);
/* Call it when no render is running. */
void isolation_stop(void);

extern const struct pipeline_ops isolated_pipeline_ops;

#endif
