/* The state of the queues, shared by the files that work on it (queues.c, queue_….c, message_….c). Loop
 * thread, except as described in queue_rows.h. */
#ifndef THUMBWHEEL_QUEUES_INTERNAL_H
#define THUMBWHEEL_QUEUES_INTERNAL_H

#include "cloud.h"
#include "container_of.h"
#include "id_table.h"
#include "log.h"
#include "name_index.h"
#include "queue_attempts.h"
#include "queue_dedup.h"
#include "queue_groups.h"
#include "queue_moves.h"
#include "queue_review.h"
#include "queue_sweep.h"
#include "queues.h"

struct queues {
    struct cloud *cloud;
    struct deadlines *deadlines;
    struct name_index names;
    struct id_table messages;
    struct id_table groups; /* of FIFO queues */
    uint64_t seed;          /* seed for hashing strings */
    struct dedup_history history;
    struct receive_attempts attempts;
    struct queue_sweep sweep;
    struct queue_review review;
    struct list moves; /* struct queue_move.link, oldest first */
    struct list ready; /* queues with visible messages, served by `idle` in the loop's next turn */
    uv_idle_t idle;
    uint64_t next_queue, next_message;
    struct deadline first_turn; /* of the loop */
    bool loading;               /* while loading */
    bool stopped;               /* no more tasks are submitted */
    size_t memory;              /* size of all messages in bytes */
    size_t deadline_users; /* number of messages, polls, …, each of which may set a deadline */
    uint8_t receipt_key[RECEIPT_KEY_SIZE];
    void (*closed)(void *user);
    void *user;
};

enum message_state {
    /* in no list: owned by a storage task, whose result determines its next state */
    MESSAGE_PENDING,
    MESSAGE_DELAYED,
    MESSAGE_VISIBLE,
    MESSAGE_IN_FLIGHT,
    MESSAGE_STATES
};

struct local_queue {
    struct named named;
    struct queues *queues;
    uint64_t id;
    struct queue_attributes attributes;
    struct list changes; /* attribute changes being stored, oldest first */
    int64_t created_ms, modified_ms;
    struct list lists[MESSAGE_STATES]; /* MESSAGE_PENDING stays empty */
    size_t counts[MESSAGE_STATES];
    struct list open_groups; /* of a FIFO queue */
    uint64_t purged_below;   /* messages with lower numbers are purged */
    json_t *tags;            /* an object of strings */
    struct list tag_changes; /* as changes */
    struct list waiters;     /* struct queue_poll.link */
    struct list ready;
    struct log_gate refusals;
    unsigned refs;           /* held by the index, each message and each pending storage task */
    bool deleting;           /* can no longer be found; its messages wait for the commit */
    bool purging;            /* receives are stopped until the commit */
    uint64_t purge_mark;     /* while purging: what purged_below becomes */
    bool gone;               /* deleted, or creation failed */
    struct id_entry loading; /* by number, only while loading */
};

struct local_message {
    struct id_entry entry;
    struct list link;
    struct deadline deadline;
    struct local_queue *queue; /* retained */
    struct group_place *place; /* for FIFO queues; owned */
    struct dedup *dedup_entry; /* until it is stored; a reference */
    enum message_state state;
    uint8_t uuid[UUID_SIZE];
    int64_t sent_ms, first_ms; /* first_ms: of the first receive; 0: none */
    int64_t due_ms;            /* hidden until then */
    int64_t received_ms;       /* time of the last receive */
    uint32_t count;            /* receive count in all queues so far */
    /* receive count on arrival in this queue, where the redrive policy starts counting */
    uint32_t base;
    char *source; /* ARN of the queue that it was redriven from; owned; NULL: none */
    const char *trace, *group, *dedup; /* a view into data, or NULL */
    /* views into data or loaded memory; body NULL: not loaded yet */
    const char *body, *attributes;
    char *loaded;           /* owned */
    bool body_apart;        /* stored in its own row */
    size_t body_size, size; /* size: of the whole allocation */
    char data[];
};

/* A new message of that queue, without a number or a place in a group. NULL if memory is short. */
struct local_message *message_new(struct local_queue *queue, const struct message_draft *draft);
/* Removes a pending or listed message from memory. */
void message_free(struct local_message *message);
/* Removes it from its list; it is then pending. */
void message_hold(struct local_message *message);
/* Adds a pending message to the list that its times determine, or deletes it if it is past its
 * retention.
 */
void message_settle(struct local_message *message);
/* Applies its queue's current attributes. True: it was settled again, and possibly freed. */
bool message_review(struct local_message *message);
/* For a receive without a response: visible again; the receive is still counted. */
void message_give_back(struct local_message *message);
bool message_is_purged(const struct local_message *message);
struct receipt message_receipt(const struct local_message *message);

struct local_queue *queue_new(struct queues *queues, uint64_t id, const char *arn);
void queue_arn_write(struct arn_home home, const char *name, char out[QUEUE_ARN_SIZE]);
void queue_retain(struct local_queue *queue);
void queue_release(struct local_queue *queue);
/* The queue is deleted, or could not be created: it can no longer be found. */
void queue_vanish(struct local_queue *queue);
/* Messages may have become visible: serves the queue's polls in the next turn of the loop. */
void queue_mark_ready(struct local_queue *queue);
/* Completes all polls of a queue that is being deleted. */
void queue_fail_polls(struct local_queue *queue);
void queues_serve_ready(uv_idle_t *idle);

int queues_load(struct queues *queues, struct error *error);

#endif
