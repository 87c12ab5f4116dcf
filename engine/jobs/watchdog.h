/*
 * The watchdog: a job that makes no progress for longer than its limit is logged with its state,
 * its message is returned to the queue with a backoff, and the event is counted (watchdog.stalled).
 *
 * Where possible, every wait of a job has its own timeout: requests, decoders. The watchdog is for
 * all other cases: a grant that never arrives, a worker that never returns, a lost callback.
 * Progress is a step of the job, or a stored output (job_progressed). A job that waits for
 * resources used by other jobs (a worker, memory, its turn among the events of a key or the
 * requests of a labeling service) may also wait while others make progress, but at most
 * SHARED_LIMITS times the limit.
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

/* limit_ms is the longest time without progress. Cannot fail, because libuv's timers allocate
 * nothing. */
void watchdog_init(struct watchdog *watchdog, struct engine *engine, uint64_t limit_ms);
/* Milliseconds: nothing is left that has made no progress for longer than this, unless a worker
 * never returns. */
uint64_t watchdog_patience_ms(const struct watchdog *watchdog);
void watchdog_close(struct watchdog *watchdog, uv_close_cb closed);

#endif
