/* The engine, as its rooms see it. Loop thread. */
#ifndef THUMBWHEEL_ENGINE_PRIVATE_H
#define THUMBWHEEL_ENGINE_PRIVATE_H

#include "engine.h"
#include "lane.h"
#include "lease_keeper.h"
#include "source_table.h"
#include "worker_queue.h"

struct engine {
    uv_loop_t *loop;
    struct engine_options options;
    struct worker_queue workers;
    struct source_table sources;
    struct lease_keeper leases;
    struct lane *lanes;
    size_t lane_count;
    size_t jobs; /* whose memory lives, those that only a worker still holds included */
    struct engine_stats stats;

    engine_ready *ready;
    void *ready_user;
    size_t opening;
    struct error open_error;

    bool draining;
    bool closing;
    uv_timer_t turn; /* zero delay: engine_update's */
    uv_timer_t grace;
    void (*drained)(void *user);
    void *drained_user;
    void (*closed)(void *user);
    void *closed_user;
    size_t handles; /* that are still to be closed */
};

/* Something has ended: looks whether a drain or a close can go on. */
void engine_update(struct engine *engine);

#endif
