/*
 * Sources: one object version each, fetched once and decoded once for all jobs that want it, from
 * whatever queue.
 *
 *     join ──► FETCHING ──► READY ──► render round(s) ──► lingering ──► freed
 *                 └──► FAILED (each waiting job is told, then it is forgotten); an object that
 *                      is missing gets a second look two seconds later, and of one that is denied
 *                      the bucket's listing is asked whether it exists
 *
 * A job joins a source, waits until it is ready, then asks for its render item to be made. Items
 * that are asked for before a worker takes the source go into one round: one decode for all of
 * them. When the event says that other pipelines of this engine want the object too, the first
 * round waits a few milliseconds for their messages, since a fan-out delivers them at nearly the
 * same time.
 *
 * A source that nobody uses lingers for late siblings, within a byte cap, least recently used first
 * out. One whose version is unknown (no version id and no ETag in the message) is shared while in
 * use and never lingers: its bytes might be yesterday's.
 *
 * Before its GET a source has the memory budget's word for its bytes: as many as the event states,
 * else a guess, which is also the GET's cap. A body that turns out to be larger is asked for once
 * more, with the largest cap that there is. A round asks for what it needs when its worker has read
 * the header, and gives it back when the renditions are there; these are counted until their claim
 * leaves.
 *
 * Everything on the loop thread, except that a round's items belong to the worker while it renders.
 */
#ifndef THUMBWHEEL_SOURCE_TABLE_H
#define THUMBWHEEL_SOURCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "envelope.h"
#include "error.h"
#include "list.h"
#include "memory_budget.h"
#include "object_store.h"
#include "pipeline.h"
#include "worker_queue.h"

struct source;

struct source_stats {
    uint64_t fetched, shared, decoded;
};

struct source_table_options {
    struct object_store *store;
    const struct pipeline_ops *pipeline_ops;
    struct pipeline_limits limits;
    struct worker_queue *workers;
    struct memory_budget *memory;
    unsigned linger_ms;
    size_t cache_bytes;
    /* The engine's pipelines that want this object: at most max of them, borrowed. */
    size_t (*audience)(void *user, const char *bucket, const char *key, struct pipeline **out,
                       size_t max);
    /* A worker has returned. */
    void (*returned)(void *user);
    void *user;
};

/* What a source waits for that comes with time; it waits for one at most. */
enum source_schedule {
    SOURCE_UNSCHEDULED,
    SOURCE_GATHERS,     /* its first round waits for siblings */
    SOURCE_LOOKS_AGAIN, /* it was missing, and gets a second look */
    SOURCE_LINGERS,     /* nobody uses it */
    SOURCE_SCHEDULES,
};

struct source_table {
    uv_loop_t *loop;
    struct source_table_options options;
    uv_timer_t timer; /* the earliest end of a linger or of a gathering */
    struct source **buckets;
    size_t bucket_count;
    size_t count;
    struct list scheduled[SOURCE_SCHEDULES]; /* earliest first */
    size_t lingering_bytes;
    struct source_stats stats;
};

/* A job's claim on a source; embedded in the job. */
struct source_claim {
    struct source *source;      /* NULL: none */
    struct worker_share *share; /* the pipeline's; set before source_render, outlives the table */
    struct render_item item;
    /* Called from a fresh loop callback when the wait is over: after join (fetched or failed),
     * after render. */
    void (*wake)(struct source_claim *claim);
    /* private */
    struct list link;
    bool waiting;   /* in the source's list of those that wait for the fetch or the next round */
    bool rendering; /* a worker has the item */
    uint64_t kept;  /* bytes of the memory budget that the item's renditions have */
    bool abandoned; /* released while a worker has the item: freed when it returns */
    atomic_bool cancelled;
    void (*freed)(struct source_claim *claim);
};

int source_table_init(struct source_table *table, uv_loop_t *loop,
                      const struct source_table_options *options);
/* No claim is left. The table's memory is the caller's. */
void source_table_close(struct source_table *table, uv_close_cb closed);

enum source_state { SOURCE_FETCHING, SOURCE_READY, SOURCE_FAILED };

/* Claims the record's object, starting its GET if need be. Returns the state: FETCHING means that
 * wake will come; FAILED that the GET could not be started (*error; the claim is empty). */
enum source_state source_join(struct source_table *table, const struct envelope_record *record,
                              struct source_claim *claim, struct error *error);

/* After the wait: the state, with the reason where it FAILED. */
enum source_state source_result(const struct source_claim *claim, struct error *error);
/* The object carries the mark of an output of ours. */
bool source_is_output(const struct source_claim *claim);
const char *source_etag(const struct source_claim *claim);
struct slice source_image(const struct source_claim *claim);

/* Requests the render of claim->item (its pipeline is set); wake is called when the worker is done.
 */
void source_render(struct source_claim *claim);

/* Drops the photo that has lingered for the longest time; false: none lingers. */
bool source_table_shed(struct source_table *table);

/* The source isn't needed any more, nor are the renditions' bytes; the rest of the item stays. */
void source_leave(struct source_claim *claim);

/* Ends the claim, at any time. A result that a worker is still making is dropped, and `freed` is
 * called when it has let go; it is called at once when none is (so the claim's memory may go with
 * it). */
void source_release(struct source_claim *claim, void (*freed)(struct source_claim *claim));

#endif
