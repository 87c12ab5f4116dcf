/*
 * SIGHUP: the pipeline files are read again, and what they say takes the place of what is at work.
 *
 * Files are read on a pool thread; then the embedded cloud, where there is one, gets the queues and
 * buckets that they need; then the engine changes over. A set with anything wrong in it is refused
 * as a whole, with every problem in the log, and the engine goes on with what it has. Signals that
 * come meanwhile are answered by one more round at the end.
 *
 * A SIGHUP because the terminal is gone is no wish for a reload: it ends the process as SIGTERM
 * does. Loop thread.
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
    bool allowed;  /* … and answered */
    bool busy;     /* a round is under way */
    bool wanted;   /* another one is */
    bool terminal; /* the process began with one */
    int result;    /* of reading the files */
    struct pipeline_set set;
    struct local_plan plan;
};

/* Signals are remembered from now on, and answered once they are allowed. */
int reloader_open(struct reloader *reloader, struct service *service, struct error *error);
/* When the engine has been started, and nothing counts on its pipelines any more. */
void reloader_allow(struct reloader *reloader);
/* The signal is ignored from now on; what is under way goes on. */
void reloader_stop(struct reloader *reloader);
/* Nothing is under way. */
bool reloader_is_idle(void *reloader);
/* While idle; its handle is closed when the loop has turned. */
void reloader_close(struct reloader *reloader);

#endif
