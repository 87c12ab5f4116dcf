/*
 * The watchdog: a job that makes no progress for longer than its limit is logged with its state,
 * its message is returned to the queue with a backoff, and the event is counted (stats.stalled).
 *
 * Every wait of a job has a timeout of its own where it can have one: requests, decoders. The
 * watchdog is for what those miss: a grant that never comes, a worker that never returns, a
 * callback that is lost. Progress is a step of the job. A job that waits for what other jobs hold
 * (a worker, memory, its turn among the events of a key) is also given time while others progress,
 * but not for ever: SHARED_LIMITS times the limit.
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_WATCHDOG_H
#define THUMBWHEEL_WATCHDOG_H

#include <stdint.h>
#include <uv.h>

struct engine;
struct job;

struct watchdog {
    uv_timer_t timer;
    uint64_t limit_ms;
    uint64_t moved_ms; /* uv_now at the last progress of any job */
};

/* limit_ms is the longest time without progress. Cannot fail: libuv's timers need no memory. */
void watchdog_init(struct watchdog *watchdog, uv_loop_t *loop, uint64_t limit_ms);
void watchdog_close(struct watchdog *watchdog, uv_close_cb closed);
/* The job has made progress. */
void watchdog_fed(struct engine *engine, struct job *job);

#endif
