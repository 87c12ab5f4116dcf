/*
 * Sources: each is an object version, fetched once and decoded once for all jobs that need it, from
 * any queue.
 *
 *     join ──► FETCHING ──► READY ──► render round(s) ──► lingering ──► freed
 *                 └──► FAILED (each waiting job is told, then it is forgotten); an object that
 *                      is missing gets a second look two seconds later, and of one that is denied
 *                      the bucket's listing is asked whether it exists
 *
 * A job joins a source, waits until it is ready, then requests its render item. Items that are
 * requested before a worker takes the source are rendered in one round: one decode for all of them.
 * If other pipelines of this engine also accept the object, the first round waits a few
 * milliseconds for their messages, because a fan-out delivers them at nearly the same time.
 *
 * An unused source lingers for late siblings, until each pipeline that accepts it has had a job on it,
 * within a size limit; the least recently used one is dropped first. Its bytes are freed once all of
 * these jobs have their renditions, before these are stored. A source of unknown version (no version
 * id and no ETag in the message) is shared while in use and never lingers, because its bytes may be
 * outdated.
 *
 * Only as many sources are fetched as the workers need next; the others wait (source_ahead.c).
 *
 * Before its GET, a source reserves memory for its bytes: the size in the event, else an estimate,
 * which is also the limit of the GET. If the body is larger, it is requested once more with the
 * maximum limit. A round requests its memory when its worker has read the header, and releases it
 * when the renditions are complete; these are counted until their claim leaves.
 *
 * Loop thread, except that a round's items belong to the worker while it renders.
 */
#ifndef THUMBWHEEL_SOURCE_TABLE_H
#define THUMBWHEEL_SOURCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "envelope.h"
#include "error.h"
#include "histogram.h"
#include "id_table.h"
#include "list.h"
#include "memory_budget.h"
#include "object_store.h"
#include "pipeline.h"
#include "worker_queue.h"

struct source;

struct source_stats {
    uint64_t fetched, shared, decoded;
    struct histogram fetch_s, decode_s, render_s; /* of a photo, of a round, of a rendition */
};

struct source_table_options {
    struct object_store *store;
    const struct pipeline_ops *pipeline_ops;
    struct labeler *rekognition; /* NULL: none */
    struct pipeline_limits limits;
    struct worker_queue *workers;
    struct memory_budget *memory;
    unsigned linger_ms;
    size_t cache_bytes;
    /* The engine's pipelines that accept this object: at most max, borrowed. */
    size_t (*audience)(void *user, const char *bucket, const char *key, struct pipeline **out,
                       size_t max);
    /* Called when a worker has returned. */
    void (*returned)(void *user);
    void *user;
};

/* The timers of a source; at most one is active. */
enum source_schedule {
    SOURCE_UNSCHEDULED,
    SOURCE_GATHERS,     /* its first round waits for siblings */
    SOURCE_LOOKS_AGAIN, /* it was missing and will be requested again */
    SOURCE_LINGERS,     /* nobody uses it */
    SOURCE_SCHEDULES,
};

/* The places for photos that no worker has taken (source_ahead.c). */
struct source_ahead {
    size_t taken;        /* places */
    size_t more;         /* places than the least number */
    struct list waiting; /* sources without a place, in order */
    size_t waiting_count;
    bool starved;        /* a worker had nothing to do when this was looked at, at looked_ms */
    uint64_t looked_ms;  /* uv_now */
    uint64_t starved_ms; /* since the number of places was changed */
};

struct source_table {
    uv_loop_t *loop;
    struct source_table_options options;
    uv_timer_t timer; /* the earliest due time */
    struct id_table index;
    struct list scheduled[SOURCE_SCHEDULES]; /* earliest first */
    size_t lingering_bytes;
    struct source_ahead ahead;
    struct source_stats stats;
};

/* When a worker did what. */
struct source_work {
    uint64_t began_ns; /* uv_hrtime */
    double decode_ms;  /* with the scaling that all renditions of the round share */
    double before_ms;  /* renditions of other jobs of the round, made before those of this one */
};

/* A job's claim on a source; embedded in the job. */
struct source_claim {
    struct source *source;      /* NULL: none */
    struct worker_share *share; /* of the pipeline; set before source_render; outlives the table */
    const struct trace_context *trace; /* of the job; borrowed by source_join */
    struct render_item item;
    bool shared;             /* another job had requested the source */
    struct source_work work; /* of the last render */
    /* Called from a new loop callback when the wait is over: after join (fetched or failed), after
     * render. */
    void (*wake)(struct source_claim *claim);
    /* private */
    struct list link;
    bool waiting;   /* in the source's list of claims waiting for the fetch or the next round */
    bool rendering; /* a worker has the item */
    bool served;    /* it has its renditions */
    uint64_t kept;  /* bytes of the memory budget used by the item's renditions */
    bool abandoned; /* released while a worker has the item: freed when the worker returns */
    atomic_bool cancelled;
    void (*freed)(struct source_claim *claim);
};

int source_table_init(struct source_table *table, uv_loop_t *loop,
                      const struct source_table_options *options);
/* No claim may be left. The caller owns the table's memory. */
void source_table_close(struct source_table *table, uv_close_cb closed);

enum source_state { SOURCE_FETCHING, SOURCE_READY, SOURCE_FAILED };

/* Claims the record's object and starts its GET if necessary. Returns the state: FETCHING means
 * that wake will be called; FAILED that the GET could not be started (*error; the claim is
 * empty). */
enum source_state source_join(struct source_table *table, const struct envelope_record *record,
                              struct source_claim *claim, struct error *error);

/* After the wait: the state, with the reason if it FAILED. */
enum source_state source_result(const struct source_claim *claim, struct error *error);
/* Whether the object is marked as our own output. */
bool source_is_output(const struct source_claim *claim);
const char *source_etag(const struct source_claim *claim);
struct slice source_image(const struct source_claim *claim);

/* Requests the render of claim->item (its pipeline must be set); wake is called when the worker is
 * done.
 */
void source_render(struct source_claim *claim);

/* Drops the photo that has lingered longest; false: none lingers. */
bool source_table_shed(struct source_table *table);

/* Releases the source and the renditions' bytes; the rest of the item is kept. */
void source_leave(struct source_claim *claim);

/* Ends the claim, at any time. If a worker is still rendering it, the result is dropped and `freed`
 * is called when the worker is done; otherwise `freed` is called at once (and may free the claim's
 * memory). */
void source_release(struct source_claim *claim, void (*freed)(struct source_claim *claim));

#endif
