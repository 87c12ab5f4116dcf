/* Shared by the engine's files. Loop thread. */
#ifndef THUMBWHEEL_ENGINE_PRIVATE_H
#define THUMBWHEEL_ENGINE_PRIVATE_H

#include "consumer.h"
#include "delivery.h"
#include "engine.h"
#include "event_order.h"
#include "job.h"
#include "lease_keeper.h"
#include "memory_budget.h"
#include "message_memory.h"
#include "overlay_table.h"
#include "payload_cleanup.h"
#include "queue_survey.h"
#include "source_table.h"
#include "watchdog.h"
#include "worker_queue.h"

struct engine {
    uv_loop_t *loop;
    struct engine_options options;
    struct worker_queue workers;
    struct memory_budget memory;
    struct source_table sources;
    struct overlay_table overlays;
    struct lease_keeper leases;
    struct event_order order;
    struct message_memory messages;
    struct payload_cleanup payloads;
    struct watchdog watchdog;
    struct queue_survey survey;
    struct consumer **consumers; /* how many of them are retired */
    size_t consumer_count;
    size_t retired;
    size_t departing; /* consumers whose handles are being closed */
    size_t borrowed;  /* messages that receives may return beyond the slots of their consumers */
    struct job_runner jobs;
    struct delivery_context deliveries;

    engine_ready *ready;
    void *ready_user;
    bool told; /* ready was called */

    bool draining;
    bool closing;
    uv_timer_t turn; /* zero delay; for engine_update */
    void (*on_turn)(uv_timer_t *turn);
    uv_timer_t grace;
    uv_timer_t polls; /* how long a drain waits for pending polls */
    void (*drained)(void *user);
    void *drained_user;
    void (*closed)(void *user);
    void *closed_user;
    size_t handles; /* handles still to be closed */
};

/* Call it when something has ended: a new loop callback checks whether a drain, a close or the end
 * of a consumer can continue (engine_update.c). */
void engine_update(struct engine *engine);

/* consumers.c */
/* act may end the given delivery, but no other. */
void consumers_each_delivery(struct engine *engine, void (*act)(struct delivery *delivery));
int consumers_check(const struct engine *engine, struct pipeline *const *pipelines, size_t count,
                    struct error *error);
int consumers_make(struct engine *engine);
void consumers_depart(struct engine *engine); /* closes retired consumers without work */
size_t consumers_audience(void *engine, const char *bucket, const char *key, struct pipeline **out,
                          size_t max);

#endif
