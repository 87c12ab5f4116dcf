/* The parts of the queues' state as their own files see them: queues.c, queue_load.c, queue_rows.c,
 * queue_messages.c, queue_receive.c. Loop thread, but for what queue_rows.h says. */
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
    uint64_t seed;          /* of the numbers of texts */
    struct dedup_history history;
    struct receive_attempts attempts;
    struct queue_sweep sweep;
    struct queue_review review;
    struct list moves; /* struct queue_move.link, oldest first */
    struct list
        ready; /* queues with something to hand out, served by `idle` in the loop's next turn */
    uv_idle_t idle;
    uint64_t next_queue, next_message;
    struct deadline first_turn; /* of the loop */
    bool loading;               /* until then */
    bool stopped;               /* no more tasks are submitted */
    size_t memory;              /* bytes of messages */
    size_t deadline_users;      /* messages, polls, …: each may set a deadline */
    uint8_t receipt_key[RECEIPT_KEY_SIZE];
    void (*closed)(void *user);
    void *user;
};

enum message_state {
    MESSAGE_PENDING, /* in no list: a storage task decides what becomes of it, and owns it until then
                   */
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
    struct list changes; /* of the attributes that are being stored, oldest first */
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
    unsigned refs;           /* the index, each message, each storage task under way */
    bool deleting;           /* not found any more; its messages wait for the commit */
    bool purging;            /* nothing is received until the commit */
    bool gone;               /* deleted, or never came to be */
    struct id_entry loading; /* by number, while the state is read */
};

struct local_message {
    struct id_entry entry;
    struct list link;
    struct deadline deadline;
    struct local_queue *queue; /* retained */
    struct group_place *place; /* of a FIFO queue's; owned */
    struct dedup *dedup_entry; /* until it is stored; retained */
    enum message_state state;
    uint8_t uuid[UUID_SIZE];
    int64_t sent_ms, first_ms; /* first_ms: of the first receive; 0: none */
    int64_t due_ms;            /* hidden until then */
    int64_t received_ms;       /* of the last receive */
    uint32_t count;            /* receives, of all queues that it was in */
    uint32_t base;             /* the count when it came to this queue: redrive counts from here */
    char *source;              /* ARN of the queue that it was redriven from; owned; NULL: none */
    const char *trace, *group, *dedup; /* in data, or NULL */
    const char *body, *attributes;     /* in data or loaded; body NULL: not loaded yet */
    char *loaded;                      /* owned */
    bool body_apart;                   /* in a row of its own */
    size_t body_size, size;            /* size: the whole allocation */
    char data[];
};

/* Of that queue, without a number or a place in a group. NULL without memory. */
struct local_message *message_new(struct local_queue *queue, const struct message_draft *draft);
/* Takes a held or listed message out of memory. */
void message_free(struct local_message *message);
/* Out of its list: held. */
void message_hold(struct local_message *message);
/* Puts a held message where its times say, or drops it with its row when it is past its retention.
 */
void message_settle(struct local_message *message);
/* By its queue's attributes, which may be new. True: it was settled anew, and perhaps freed. */
bool message_review(struct local_message *message);
/* Of a receive that was not answered: visible again, and it stays counted. */
void message_give_back(struct local_message *message);
bool message_is_purged(const struct local_message *message);
struct receipt message_receipt(const struct local_message *message);

struct local_queue *queue_new(struct queues *queues, uint64_t id, const char *name);
void queue_retain(struct local_queue *queue);
void queue_release(struct local_queue *queue);
/* Something may be handed out: its polls are looked at in the next turn of the loop. */
void queue_mark_ready(struct local_queue *queue);
/* Answers all polls of a queue that goes away. */
void queue_fail_polls(struct local_queue *queue);
void queues_serve_ready(uv_idle_t *idle);

int queues_load(struct queues *queues, struct error *error);

#endif
