/*
 * Images are decoded in separate processes: codecs parse hostile bytes, and a compromised codec
 * must not access the memory of the engine, which has credentials and a hundred jobs.
 *
 * A decorator of the pipeline seam. All operations except render are passed through; render uses an
 * idle decoder process or starts one. So the number of processes is the peak number of concurrent
 * renders. A process that crashes or exceeds the time or memory limit is replaced. After a crash or
 * a lack of memory the render is retried once in a new process. If it fails, its items have the
 * error ERR_DECODER_CRASHED, ERR_DECODER_TIMEOUT or ERR_DECODER_MEMORY.
 */
#ifndef THUMBWHEEL_ISOLATION_H
#define THUMBWHEEL_ISOLATION_H

#include "bytes.h"
#include "isolation_settings.h"
#include "pipeline.h"

/* Main thread. Starts one process, which initialises in parallel; the others are started when they
 * are needed. */
int isolation_start(const struct isolation_settings *options, struct error *error);
/* Main thread; used instead of the above if there may be no images: the first image starts one.
 */
void isolation_allow(const struct isolation_settings *options);
/* Waits until the process is ready. Fails if decoders cannot be sandboxed on this machine. */
int isolation_ready(struct error *error);
/* Call it when no render is running. */
void isolation_stop(void);
/* Appends how many processes were replaced, by reason, in Prometheus' text format. Any thread. */
void isolation_write_metrics(struct buffer *out);

extern const struct pipeline_ops isolated_pipeline_ops;

#endif
