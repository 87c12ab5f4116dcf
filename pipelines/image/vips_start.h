/* Starting and stopping libvips in this process. */
#ifndef THUMBWHEEL_VIPS_START_H
#define THUMBWHEEL_VIPS_START_H

#include "error.h"

/* Loads and starts libvips (one thread for each operation, no cache, untrusted loaders blocked, no
 * module),
 * unless it is running. Call it before anything is rendered or probed in this process; main thread.
 * sample_make and checks of output formats that not every libvips can write call it themselves; a
 * process that decodes images in other processes does not need it. ERR_UNSUPPORTED: libvips is not
 * installed. */
int pipelines_start(const char *program, struct error *error);
void pipelines_stop(void);
/* Call it before a thread that may have used libvips ends. */
void pipelines_thread_end(void);

#endif
