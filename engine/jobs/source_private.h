/* A source, shared by the table (source_table.c) and its renders (source_render.c). Loop thread. */
#ifndef THUMBWHEEL_SOURCE_PRIVATE_H
#define THUMBWHEEL_SOURCE_PRIVATE_H

#include "source_table.h"

enum { ROUND_MAX = 32, GATHER_MS = 25 };

struct round { /* one decode for several claims; a source has one at a time */
    struct worker_task task;
    /* used by the task after all claims that it was queued for have left */
    struct worker_share orphaned;
    struct render_source from;
    struct pipeline *audience[ROUND_MAX]; /* a reference while the worker renders */
    struct source_claim *claims[ROUND_MAX];
    size_t count;
    struct render_item *items; /* the claims' items while the worker has them; NULL: no memory */
    struct render_gate gate;
    struct memory_grant grant; /* for the render, even if it is repeated */
    double waited_ms;          /* for it */
    bool active;               /* queued or running */
};

/* Changed only by source_enter; the public state follows from it. */
enum source_stage {
    SOURCE_GET_FIRST, /* the GET, or the wait for its memory; a missing object is requested again */
    SOURCE_GET_LAST,  /* the same, but a missing object is a failure */
    SOURCE_WAKING,    /* fetched; no round begins before every waiting job was notified */
    SOURCE_GATHERING, /* the first round waits for expected siblings */
    SOURCE_SHARED,    /* a round begins as soon as a job requests it */
    SOURCE_GAVE_UP,   /* the fetch has failed */
};

struct source {
    struct source_table *table;
    struct id_entry entry;               /* in the table, by the hash of what it is */
    char *bucket, *key, *version, *etag; /* version and etag may be NULL */
    char *sequencer;                     /* of the first event; may be NULL */
    enum source_stage stage;
    struct error error;
    struct bytes body;
    struct memory_ticket ticket; /* for the body's memory */
    uint64_t stated;             /* its size according to the event; 0: unknown */
    /* bytes of the memory budget: the limit of the GET, then the size of the body */
    uint64_t reserved;
    char *body_etag;            /* from the response; may be NULL */
    struct trace_context trace; /* of the job that needed it first: the GET belongs to its trace */
    bool is_output;
    struct focal_point focal;  /* that its metadata name */
    struct focal_point tagged; /* that its tags name */
    bool may_linger;           /* the version is known */
    size_t audience;           /* pipelines that accept it */
    unsigned joined;           /* number of claims so far */
    unsigned claims;           /* now */
    unsigned served;           /* those of them that have their renditions */
    struct object_request *get;
    uint64_t get_ns; /* uv_hrtime of its start */
    void (*denied_asked)(struct source *source, const struct error *error); /* source_denied.c */
    struct list waiting; /* waiting claims: for the fetch, then for the next round */
    struct round round;
    enum source_schedule schedule;
    uint64_t due_ms; /* link in the schedule */
    void (*due)(struct source *source);
    struct list timed;            /* in table->scheduled[schedule] */
    bool is_ahead;                /* it has a place ahead of the workers */
    struct worker_share *charged; /* for the place; of a claim; may be NULL */
    struct list turn;             /* in table->ahead.waiting, for a place; then due is called */
};

/* The pipelines that accept it; borrowed. */
size_t source_audience(const struct source *source, struct pipeline *out[ROUND_MAX]);
/* Whether one of them uses the point that the source's metadata name. */
bool source_needs_focal(const struct source *source);
/* The same of its tags. */
bool source_needs_tags(const struct source *source);
/* ---- source_table.c ---- */
/* Frees the bytes if no job needs them any more. */
void source_body_end(struct source *source);
void source_enter(struct source *source, enum source_stage stage);
enum source_state source_state_of(const struct source *source);
/* Changes the source's share of the memory budget. */
void source_reserve(struct source *source, uint64_t bytes);
uint64_t source_record_hash(const struct envelope_record *record);
struct source *source_table_find(const struct source_table *table,
                                 const struct envelope_record *record, uint64_t hash);
void source_table_unlink(struct source *source);
/* on_room: called when there is memory for the GET. NULL: out of memory. */
struct source *source_new(struct source_table *table, const struct envelope_record *record,
                          uint64_t hash, void (*on_room)(struct memory_ticket *ticket));
void source_free(struct source *source);
/* Calls due, once, after the delay, which is the same for all sources of a schedule, unless it is
 * unscheduled before. Call source_table_arm after scheduling. */
void source_schedule(struct source *source, enum source_schedule schedule, uint64_t delay_ms,
                     void (*due)(struct source *source));
void source_unschedule(struct source *source);
/* ---- source_ahead.c ---- */
/* The share of the waiting claim that is next in turn; NULL: none waits. */
struct worker_share *source_neediest(const struct source *source);
/* True: the source has a place ahead of the workers. False: granted will be called, from a new loop
 * callback, when it has one. Call source_table_arm after this and the next two. */
bool source_ahead_ask(struct source *source, struct worker_share *share,
                      void (*granted)(struct source *source));
/* A worker takes the source, so its place is free. */
void source_ahead_taken(struct source *source);
/* The source needs no place (any more); harmless if it has none. */
void source_ahead_leave(struct source *source);
/* Call it when a claim with this share has left: its consumer may be freed before the source. */
void source_ahead_forget(struct source *source, const struct worker_share *share);
/* Gives places away. Call it at the time that source_ahead_due_ms returns, by uv_now; UINT64_MAX:
 * never. */
void source_ahead_serve(struct source_table *table);
uint64_t source_ahead_due_ms(struct source_table *table);
/* ---- source_fetch.c ---- */
/* Starts the GET, now or when there are a place and memory for its bytes. The place is charged to
 * the share of a claim. */
int source_fetch(struct source *source, struct worker_share *share);
void source_on_room(struct memory_ticket *ticket);
/* ---- the others ---- */
/* Call it when a claim with this share has left: its consumer may be freed before the round's
 * turn. */
void source_round_forget(struct source *source, const struct worker_share *share);
/* Starts a round for the waiting claims if it is time. */
void source_pump(struct source *source);
/* Asks the store whether an object that was denied exists (source_denied.c). false:
 * nothing was asked, and done will not be called. */
bool source_denied_ask(struct source *source, const struct error *denied,
                       void (*done)(struct source *source, const struct error *error));
/* Call it when the last claim has left. */
void source_unused(struct source *source);
/* Call it when due times have changed. */
void source_table_arm(struct source_table *table);
void source_claim_wait(struct source_claim *claim);
void source_claim_unwait(struct source_claim *claim);

#endif
