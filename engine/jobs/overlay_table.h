/*
 * Pictures in buckets that pipelines lay over their outputs.
 *
 * An object is fetched when the first photo needs it, and kept. After a minute, the next photo that
 * needs it asks whether it has changed (HEAD, by its ETag), and it is fetched again if it has. A
 * service that is out of order does not stop photos whose overlay is at hand; an object that is
 * missing, denied or too large does, until it is put in order.
 *
 * A pipeline's file does not contain these pictures, so a render gets a pipeline with them
 * (pipeline_ops.with_pictures), which is made once for each state of the objects, and kept.
 *
 * Loop thread only. The table owns the objects and one reference to each pipeline with pictures; a
 * job that waits embeds a struct overlay_wait.
 */
#ifndef THUMBWHEEL_OVERLAY_TABLE_H
#define THUMBWHEEL_OVERLAY_TABLE_H

#include <uv.h>

#include "error.h"
#include "list.h"
#include "memory_budget.h"
#include "object_store.h"
#include "pipeline.h"

enum {
    OVERLAY_OBJECT_MAX = 1024 * 1024, /* bytes of one */
    OVERLAYS_OF_PIPELINE_BYTES = 4 * 1024 * 1024,
    OVERLAYS_KEPT_MAX = 16 * 1024 * 1024, /* of all that no job waits for */
    OVERLAY_RECHECK_MS = 60 * 1000,
};

struct overlay_table_options {
    struct object_store *store;
    const struct pipeline_ops *pipeline_ops;
    struct memory_budget *memory; /* what is kept counts as photos */
};

struct overlay_table {
    uv_loop_t *loop;
    struct overlay_table_options options;
    struct list objects; /* the least recently used one first */
    struct list dressed; /* pipelines with pictures, likewise */
    size_t count;        /* of objects */
    size_t bytes;        /* of both */
};

struct overlay_wait { /* zero-initialised, then overlay_wait_init */
    /* From a new loop callback; then call overlay_table_get again. */
    void (*wake)(struct overlay_wait *wait);
    struct list link;   /* private */
    struct error error; /* private: of the object that it waited for */
};

enum overlay_state { OVERLAY_READY, OVERLAY_WAITS, OVERLAY_FAILED };

void overlay_table_init(struct overlay_table *table, uv_loop_t *loop,
                        const struct overlay_table_options *options);
/* Nobody may wait. */
void overlay_table_close(struct overlay_table *table);

void overlay_wait_init(struct overlay_wait *wait, void (*wake)(struct overlay_wait *wait));
/* Ends a wait before its time; nothing happens if there is none. */
void overlay_wait_end(struct overlay_wait *wait);

/* The pipeline with the pictures for photos of a bucket. READY: *out is the caller's reference.
 * FAILED: *error has ERR_OVERLAY or ERR_MEMORY. */
enum overlay_state overlay_table_get(struct overlay_table *table, struct pipeline *pipeline,
                                     const char *bucket, struct overlay_wait *wait,
                                     struct pipeline **out, struct error *error);

#endif
