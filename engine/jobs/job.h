/*
 * A job: one image for one pipeline. It belongs to the delivery of a message, which may have
 * several jobs.
 *
 * It runs through the array of steps in job_steps.c:
 *
 *     match → fetch → render → order → store → label → compare → describe → tag → notify →
 *     finished
 *
 * A step returns NEXT, WAIT, DONE or FAIL, and never ends the job itself. A waiting step is called
 * again by job_resume, from a new loop callback, and decides from the facts that the callbacks
 * recorded. The only exit is job_finish. A rejection that is announced goes through notify, too.
 */
#ifndef THUMBWHEEL_JOB_H
#define THUMBWHEEL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "event_order.h"
#include "histogram.h"
#include "label_pace.h"
#include "labeler.h"
#include "notifier.h"
#include "object_store.h"
#include "outcome.h"
#include "output_upload.h"
#include "overlay_table.h"
#include "pipeline.h"
#include "source_table.h"

struct delivery;
struct job;
struct job_step;
struct consumer;
struct engine_observer;

struct job_stats {
    uint64_t rendered, stored, stored_bytes;
    struct histogram upload_s;        /* of each rendition */
    uint64_t superseded;              /* events skipped because outputs of a newer one are stored */
    uint64_t notified, notify_failed; /* notifications */
};

/* Borrowed by jobs; must outlive them. */
struct job_runner_options {
    const struct job_step *steps; /* in order; the last has state JOB_FINISHED */
    struct object_store *store;
    const struct pipeline_ops *pipeline_ops;
    struct labeler *const *labelers;   /* by enum labeler_kind; NULL entries: not available */
    struct notifier *const *notifiers; /* by enum notify_kind */
    struct event_order *order;
    struct source_table *sources;
    struct overlay_table *overlays;
    const struct engine_observer *observer;
    bool drop_missing;
    /* Called when the memory of a job has been freed. */
    void (*freed)(void *user);
    void *user;
};

/* Shared by all jobs. */
struct job_runner {
    uv_loop_t *loop;
    struct job_runner_options options;
    struct job_stats stats;
    /* jobs whose memory is in use, including those that only a worker still uses */
    size_t count;
    uint64_t moved_ms; /* uv_now at the last progress of any job */
};

void job_runner_init(struct job_runner *runner, uv_loop_t *loop,
                     const struct job_runner_options *options);

enum job_state {
    JOB_MATCHING,
    JOB_FETCHING,
    JOB_RENDERING,
    JOB_ORDERING, /* waits for its turn among the events of its key */
    JOB_STORING,
    JOB_LABELLING,
    JOB_COMPARING, /* whether the object is still the labelled one */
    JOB_DESCRIBING,
    JOB_TAGGING,
    JOB_NOTIFYING,
    JOB_FINISHED,
};

enum step_result {
    STEP_NEXT,
    STEP_WAIT, /* called again by job_resume */
    STEP_DONE, /* nothing more to do: acknowledge */
    STEP_BACK, /* from the first step again, with another key */
    STEP_FAIL, /* loop.error says why */
};

enum tag_stage { TAGS_READ, TAGS_COMPARE, TAGS_WRITE, TAGS_WRITTEN }; /* the next operation */

enum { UPLOAD_PLACEHOLDERS_MAX = 3 };

struct upload {
    struct job *job;
    struct output_upload output;
    struct object_settings settings; /* with placeholders, those of the pipeline and these */
    struct object_pair metadata[OBJECT_PAIRS_MAX + UPLOAD_PLACEHOLDERS_MAX];
};

struct job {
    struct { /* set when the job is created */
        struct job_runner *runner;
        struct delivery *delivery; /* NULL after the delivery has released it */
        struct consumer *consumer; /* which exists as long as it has jobs */
        struct pipeline *pipeline; /* retained */
        /* belongs to the delivery; not shared with other jobs */
        struct envelope_record *record;
        void (*finished)(struct delivery *delivery); /* may free the job */
    } msg;

    struct { /* loop thread */
        enum job_state state;
        uint64_t asked_ns;              /* uv_hrtime: start of the fetch */
        uint64_t moved_ms;              /* time (uv_now) of its last progress: see watchdog.h */
        bool asked;                     /* the current step has started its operations */
        size_t pending;                 /* pending operations */
        struct order_claim order;       /* its place among the events of its key */
        struct overlay_wait overlay;    /* for the pictures of overlays */
        struct pipeline *dressed;       /* the pipeline with them; NULL: it needs none, or waits */
        struct upload *uploads;         /* one per rendition, while they are stored */
        bool listing;                   /* the renditions are stored, and the manifests follow */
        struct upload sidecar;          /* upload of the label document */
        bool superseded;                /* the output of a newer event exists */
        struct object_request *request; /* for steps with one operation at a time */
        struct label_turn turn;         /* its turn among the requests of its labeling service */
        struct label_request *label_request;
        struct object_name label_name; /* what the request borrows */
        struct label_input label_input;
        struct json_t *label_details; /* jansson's; NULL: none */
        bool labelled;
        bool replaced;            /* the object is not the labelled one any more */
        struct bytes document;    /* the labels' JSON, while it is stored */
        struct object_pair *tags; /* the merged set, while it is stored; malloc'd strings */
        size_t tag_count;
        enum tag_stage tag_stage;
        struct notify_request *notify_request;
        struct error error; /* the first failure of the step */
        /* Why the job is rejected, while that is announced; reason NULL: it is not. */
        struct {
            const char *reason; /* static */
            struct error error;
        } rejection;
        enum outcome outcome;
        const char *reason; /* static */
    } loop;

    struct { /* used by the worker while claim.rendering, else by the loop */
        struct source_claim claim;
    } work;
};

/* The record is borrowed from the delivery. finished is called when the job has reached
 * JOB_FINISHED, unless it was dropped before. NULL: out of memory. */
struct job *job_new(struct job_runner *runner, struct delivery *delivery, struct pipeline *pipeline,
                    struct envelope_record *record, void (*finished)(struct delivery *delivery));
/* Starts the job; it may finish before this returns. */
void job_start(struct job *job);
/* Records progress: see watchdog.h. */
void job_progressed(struct job *job);
/* Ends a wait. Only from a new loop callback. */
void job_resume(struct job *job);
/* Whether a worker is processing the image, or its result is being stored: then finishing is
 * cheaper than starting again.
 */
bool job_under_way(const struct job *job);
/* The delivery releases the job, finished or not: pending operations are cancelled, and the memory
 * is freed as soon as no worker uses it. */
void job_drop(struct job *job);
const char *job_state_name(enum job_state state);
/* Of the pipeline's target; NULL: there is none for its kind. The pipeline has a notify. */
struct notifier *job_notifier(const struct job *job);

struct job_step {
    enum job_state state;
    enum outcome_stage stage; /* where a failure of this step happened */
    enum step_result (*run)(struct job *job);
};
extern const struct job_step job_steps[]; /* job_steps.c: for job_runner_options */

#endif
