/*
 * SIGHUP: reads the pipeline files again, and replaces the running pipelines.
 *
 * Files are read on a pool thread; then their queues and buckets are created in the embedded cloud,
 * if there is one; then the engine switches to them. A set with any problem is rejected as a whole,
 * with every problem in the log, and the engine keeps its pipelines. Signals that arrive during a
 * reload cause one more reload afterwards.
 *
 * A SIGHUP because the terminal was closed is not a request for a reload: it ends the process as
 * SIGTERM does. Loop thread.
 */
#ifndef THUMBWHEEL_RELOADER_H
#define THUMBWHEEL_RELOADER_H

#include <stdbool.h>
#include <uv.h>

#include "error.h"
#include "local_plan.h"
#include "pipeline_set.h"

struct service;

struct reloader {
    struct service *service;
    uv_signal_t signal;
    uv_work_t work;
    bool open;     /* the signal is handled */
    bool allowed;  /* … and starts reloads */
    bool busy;     /* a reload is running */
    bool wanted;   /* another reload is pending */
    bool terminal; /* the process started with a terminal */
    int result;    /* for reading the files */
    struct pipeline_set set;
    struct local_plan plan;
};

/* From now on signals are remembered, and handled once reloads are allowed. */
int reloader_open(struct reloader *reloader, struct service *service, struct error *error);
/* Call it once the engine has started and nothing depends on its first pipelines any more. */
void reloader_allow(struct reloader *reloader);
/* As a signal does. */
void reloader_request(struct reloader *reloader);
/* From now on the signal is ignored; a running reload completes. */
void reloader_stop(struct reloader *reloader);
/* No reload is running. */
bool reloader_is_idle(void *reloader);
/* Call it while idle; its handle is closed by the next loop iteration. */
void reloader_close(struct reloader *reloader);

#endif
