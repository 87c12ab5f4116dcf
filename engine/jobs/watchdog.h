/*
 * The watchdog: a job that makes no progress for longer than its limit is logged with its state,
 * its message is returned to the queue with a backoff, and the event is counted (watchdog.stalled).
 *
 * Every wait of a job has a timeout of its own where it can have one: requests, decoders. The
 * watchdog is for what those miss: a grant that never comes, a worker that never returns, a
 * callback that is lost. Progress is a step of the job, or an output that was stored
 * (job_progressed). A job that waits for what other jobs hold (a worker, memory, its turn among the
 * events of a key) is also given time while others progress, but not for ever: SHARED_LIMITS times
 * the limit.
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_WATCHDOG_H
#define THUMBWHEEL_WATCHDOG_H

#include <stdint.h>
#include <uv.h>

struct engine;

struct watchdog {
    struct engine *engine;
    uv_timer_t timer;
    uint64_t limit_ms;
    uint64_t stalled; /* messages returned */
};

/* limit_ms is the longest time without progress. Cannot fail: libuv's timers need no memory. */
void watchdog_init(struct watchdog *watchdog, struct engine *engine, uint64_t limit_ms);
void watchdog_close(struct watchdog *watchdog, uv_close_cb closed);

#endif
