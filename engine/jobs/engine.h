/*
 * The engine: queues in, renditions out.
 *
 * Loop thread only. It owns the pollers, the jobs, the leases, the delete batchers and the run
 * queue; it borrows the seams.
 */
#ifndef THUMBWHEEL_ENGINE_H
#define THUMBWHEEL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "notifier.h"
#include "object_store.h"
#include "outcome.h"
#include "pipeline.h"
#include "queue_backend.h"
#include "tracer.h"

struct engine;

/* A settled record of a message. Strings and arrays are borrowed for the callback. */
struct engine_record {
    const char *pipeline;
    const char *message;      /* its id */
    const char *bucket, *key; /* of the source; empty if the message could not be parsed */
    enum outcome outcome;
    const char *reason;                 /* static; "" if acknowledged */
    const char *detail;                 /* human-readable; "" if acknowledged */
    const struct rendition *renditions; /* stored; the bodies are freed, body.size remains */
    size_t rendition_count;
    const struct image_facts *image; /* of the source; NULL: it was not decoded */
    const struct label_set *labels;  /* NULL: no labels */
    const char *sidecar_bucket;      /* NULL: the source's bucket */
    const char *sidecar_key;         /* NULL: none */
    /* with RETRY: not processed, because the engine is shutting down */
    bool handed_back;
    double milliseconds; /* from receive until settled */
    int64_t sent_ms;     /* SentTimestamp of the message, Unix milliseconds; 0 if unknown */
};

/* A job has entered a step. Strings are borrowed for the callback, except step. */
struct engine_step {
    const char *pipeline;
    const char *message;      /* its id; one message may have several jobs */
    const char *bucket, *key; /* of the source */
    const char *step;         /* "matching", "fetching", … (job_state_name); static */
    uint64_t at_ns;           /* uv_hrtime */
    uint64_t received_ns;     /* uv_hrtime: when the message was received */
    int64_t sent_ms;          /* SentTimestamp of the message, Unix milliseconds; 0 if unknown */
};

/* Callbacks must not call the engine. */
struct engine_observer {
    void (*record_finished)(const struct engine_record *record, void *user); /* may be NULL */
    void (*step_entered)(const struct engine_step *step, void *user);        /* may be NULL */
    void *user;
    const struct engine_observer *next; /* is told as well; borrowed; NULL: none */
};

struct engine_options {
    struct queue_backend *queues;
    struct object_store *store;
    struct object_store *overlay_store; /* of the pictures of overlays; NULL: store */
    const struct pipeline_ops *pipeline_ops;
    struct pipeline *const *pipelines; /* the engine takes a reference to each */
    size_t pipeline_count;
    /* The labeling services, by enum labeler_kind; NULL: not available. */
    struct labeler *labelers[LABELER_KINDS];
    struct notifier *notifiers[NOTIFY_KINDS]; /* NULL: notifications of this kind fail */

    unsigned workers;      /* 0: the number of cores available to the process */
    unsigned jobs;         /* messages in flight, all queues together; 0: 48 per worker */
    unsigned wait_s;       /* long poll, 1–20; 0: 20 */
    unsigned visibility_s; /* for pipelines without one; 0: the queue's own */
    unsigned backoff_s;    /* longest backoff of a failed message; 0: 900 */
    unsigned linger_ms;    /* how long a fetched source is kept for late siblings; 0: 2,000 */
    uint64_t stall_ms;     /* limit for a job without progress; 0: 15 minutes */
    size_t cache_bytes;    /* limit for lingering sources; 0: 64 MiB */
    uint64_t memory; /* bytes for photos and their renditions; 0: half of the available memory */
    struct pipeline_limits limits;
    /* acknowledge messages whose object does not exist, instead of rejecting them */
    bool drop_missing;
    /* remove the bodies that messages have in S3, after the messages are deleted */
    bool delete_payloads;
    /* the service abandons a poll whose client disconnects, without hiding messages: a drain need
     * not wait for polls */
    bool polls_abortable;
    struct engine_observer observer;
    struct tracer *tracer; /* borrowed; NULL: none */
};

/* Checks the options and the pipelines (ERR_LOOP; ERR_INVALID: two pipelines with the same
 * name). */
int engine_create(uv_loop_t *loop, const struct engine_options *options, struct engine **out,
                  struct error *error);

/* Opens all queues, and polls each as soon as it is open. Retries temporary failures, with backoff
 * and one log line per minute: an unreachable service, a queue that does not exist (yet), a missing
 * permission. ready is called once: when all are open, or on a failure that a retry cannot fix:
 * ERR_INVALID (not a valid queue name), or ERR_CREDENTIALS and ERR_EXPIRED while none is open. */
typedef void engine_ready(const struct error *error, void *user);
void engine_start(struct engine *engine, engine_ready *ready, void *user);

/* Replaces the pipelines. On an error, the old ones stay in use. The errors are those of
 * engine_create, and ERR_INVALID for an invalid queue name.
 *
 * A pipeline is identified by its name and its queue. An existing one keeps its queue: running jobs
 * finish with their old file, new ones use the new file. A new one opens its queue, as at startup.
 * A removed one stops polling: running jobs finish, unstarted messages and those of its last polls
 * are returned to the queue, and the queue is closed. Each pipeline is retained. */
int engine_reload(struct engine *engine, struct pipeline *const *pipelines, size_t count,
                  struct error *error);

/* Stops polling (pending polls get one second to return, then they are cancelled: a message that
 * the service gives to a poll at the moment of its cancellation stays hidden until its visibility
 * timeout ends, with one more receive counted), returns unstarted messages to their queues,
 * finishes the others, flushes the deletes, then calls drained. After grace_ms the unfinished
 * messages are returned too. */
void engine_drain(struct engine *engine, unsigned grace_ms, void (*drained)(void *user),
                  void *user);

/* Whether nothing is in flight: no job and no pending delete. */
bool engine_idle(const struct engine *engine);

struct engine_stats {
    uint64_t received, acknowledged, retried, rejected; /* messages */
    uint64_t deleted, delete_failed, lease_lost, extended;
    uint64_t fetched, fetch_shared; /* GET requests, and jobs that shared one */
    uint64_t decoded, rendered;     /* decodes, and renditions created */
    uint64_t stored, stored_bytes;
    uint64_t superseded;              /* events skipped because outputs of a newer one are stored */
    uint64_t stalled;                 /* messages returned because a job made no progress */
    uint64_t notified, notify_failed; /* notifications */
    size_t jobs, sources;             /* now */
    uint64_t memory, memory_peak;     /* bytes of the budget in use, and the peak */
    uint64_t memory_budget;           /* bytes */
    size_t workers, workers_busy;     /* threads, and those that process a photo */
};
void engine_stats(struct engine *engine, struct engine_stats *out);

/* Call it after drained, or instead of draining (unfinished work is dropped; its messages become
 * visible again after their timeout). closed is called from the loop after the memory is freed. */
void engine_close(struct engine *engine, void (*closed)(void *user), void *user);

#endif
