/*
 * The engine's seams in memory: a queue service, an object store and a codec that copies bytes.
 * Callbacks are called from the loop, as the seams require. A test injects a fault by replacing a
 * function pointer of the ops and calling the original.
 */
#ifndef FAKE_SERVICES_H
#define FAKE_SERVICES_H

#include <uv.h>

#include "list.h"
#include "object_store.h"
#include "pipeline.h"
#include "queue_backend.h"

/* ---- queues ---- */

struct fake_message {
    struct list link;
    char id[32], receipt[48];
    char *body;
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX]; /* malloc'd strings */
    size_t attribute_count;
    unsigned receives;
    uint64_t visible_at_ms;
    /* "" and 0: none */
    char group[32], deduplication[64], source_arn[64];
    int64_t sent_ms;
};

struct queue { /* the seam's opaque type */
    struct list link;
    char name[64];
    struct queue_facts facts;
    struct list messages;
    struct list polls;
    unsigned receive_calls, delete_calls, extend_calls;
    unsigned last_visibility_s; /* of the last extend entry */
    size_t in_flight;
    struct fake_queues *service;
    unsigned opened;
};

struct fake_queues {
    struct queue_backend backend;
    struct queue_backend_ops ops;
    uv_loop_t *loop;
    struct list queues;
    struct list replies;
    unsigned serial;
};

void fake_queues_init(struct fake_queues *service, uv_loop_t *loop);
void fake_queues_clear(struct fake_queues *service);
struct queue *fake_queue_add(struct fake_queues *service, const char *name, const char *dlq);
struct queue *fake_queue_find(struct fake_queues *service, const char *name);
struct fake_message *fake_queue_put(struct queue *queue, const char *body);
size_t fake_queue_count(const struct queue *queue);
struct fake_message *fake_queue_first(const struct queue *queue);
const char *fake_attribute(const struct fake_message *message, const char *name);

/* ---- objects ---- */

enum { FAKE_METADATA_MAX = 12 };

struct fake_object {
    struct list link;
    char *bucket, *key;
    void *data;
    size_t size;
    const char *etag;                               /* NULL: "etag", as all have */
    bool marked;                                    /* carries the metadata of an output */
    struct object_pair metadata[FAKE_METADATA_MAX]; /* of the put; malloc'd strings */
    size_t metadata_count;
    struct object_pair tags[OBJECT_TAGS_MAX]; /* malloc'd strings */
    size_t tag_count;
};

struct fake_store {
    struct object_store store;
    struct object_store_ops ops;
    uv_loop_t *loop;
    struct list objects;
    struct list replies;
    unsigned gets, heads, puts, tag_puts, lists, removes;
    bool hides;            /* a GET of a missing object is denied, as without s3:ListBucket */
    const char *forbidden; /* a key that may not be read */
    bool unlisted;         /* listings are denied */
    size_t last_cap;       /* of a GET */
    bool conditional;      /* PUT conditions are evaluated; else ignored, as some stores do */
    void (*before_put)(struct fake_store *store); /* in the moment in which it is carried out */
    int put_code;                                 /* with which every PUT is refused; 0: none */
};

void fake_store_init(struct fake_store *store, uv_loop_t *loop);
void fake_store_clear(struct fake_store *store);
struct fake_object *fake_store_put(struct fake_store *store, const char *bucket, const char *key,
                                   const char *text);
struct fake_object *fake_store_find(struct fake_store *store, const char *bucket, const char *key);

/* ---- the codec ---- */

struct pipeline { /* the seam's opaque type */
    struct pipeline_facts facts;
    unsigned references;
    const char *prefix; /* of the keys that it reads; NULL: ingest/ */
    const char *says;   /* in the output, before the image; its name unless set */
    const struct object_settings *settings; /* of its outputs */
};

/* Outputs are "<pipeline>/<last part of the key>" with the content "<says>:<image>". Images whose
 * text begins with "corrupt" are corrupt, and "slow" ones wait for stub_gate_open. An image with
 * "needs N;" first requests N bytes of memory, and again with "again;", like a render whose decoder
 * was killed. */
extern const struct pipeline_ops stub_pipeline_ops;
struct pipeline *stub_pipeline(const char *name, const char *queue);
void stub_gate_close(void);
void stub_gate_open(void);
unsigned stub_renders(void); /* calls of render */
unsigned stub_waiting(void); /* workers at the gate */

#endif
