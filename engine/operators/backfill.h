/*
 * Sends events for the objects that a bucket already has: the work of `thumbwheel backfill`.
 *
 *     list a page ──► match ──► look for the outputs ──► send ──► confirmed
 *
 * The outputs have deterministic keys, so a HEAD for each tells whether a pipeline has processed the
 * object (a listing, where the key contains a size). An output that is older than its source counts
 * as missing. Many objects are looked at at once, but events are sent in the order of the keys. So
 * there is always one key up to which everything is settled: the checkpoint. Any error stops the
 * work before it: what was begun ends, and the checkpoint stays before what failed. Memory is that
 * of about one page of keys. Loop thread.
 */
#ifndef THUMBWHEEL_BACKFILL_H
#define THUMBWHEEL_BACKFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "message_sender.h"
#include "object_store.h"
#include "pipeline.h"

struct backfill;

struct backfill_options { /* borrowed until it is closed */
    uv_loop_t *loop;
    struct object_store *store;
    const struct pipeline_ops *pipeline_ops;
    struct pipeline *const *pipelines;
    size_t pipeline_count;
    /* One for each pipeline; or a single one, which gets one event for all of them. */
    const struct send_target *targets;
    size_t target_count;
    const char *bucket, *prefix;
    const char *after; /* begin after this key; NULL: at the first */
    const char *group; /* NULL: none */
    bool force;        /* do not look for outputs */
    bool dry_run;      /* send nothing */
    unsigned rate;     /* objects per second for which events are sent; 0: as fast as it goes */
};

struct backfill_counts {
    uint64_t listed;   /* objects */
    uint64_t matched;  /* by a pipeline, of those that were looked at */
    uint64_t complete; /* all outputs exist */
    uint64_t sent;     /* objects for which events were sent; with dry_run: would be */
    uint64_t messages; /* confirmed */
};

int backfill_start(const struct backfill_options *options, struct backfill **out);
/* What was begun ends. */
void backfill_stop(struct backfill *backfill);
bool backfill_done(const struct backfill *backfill);
const struct backfill_counts *backfill_counts(const struct backfill *backfill);
/* Code 0: nothing failed. */
const struct error *backfill_error(const struct backfill *backfill);
/* The checkpoint; NULL: none yet. */
const char *backfill_after(const struct backfill *backfill);
/* Objects in memory. */
size_t backfill_held(const struct backfill *backfill);
/* When it is done. closed: from the loop, after the memory is freed. */
void backfill_close(struct backfill *backfill, void (*closed)(void *user), void *user);

#endif
