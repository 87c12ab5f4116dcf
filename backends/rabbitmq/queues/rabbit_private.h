/*
 * What the files of the backend share. Members are grouped by the thread that may access them.
 *
 * Ownership. A delivery belongs to the consumer until it is posted, then to its queue. While a copy
 * of it is being published it is pinned: the publisher reads its body and properties, which never
 * change. A queue is freed when it is closed, its channel is detached, and no task refers to it any
 * more (refs).
 */
#ifndef THUMBWHEEL_RABBIT_PRIVATE_H
#define THUMBWHEEL_RABBIT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "amqp_session.h"
#include "amqp_topology.h"
#include "id_table.h"
#include "list.h"
#include "log.h"
#include "rabbitmq.h"

enum {
    RABBIT_BODY_MAX = QUEUE_MESSAGE_MAX, /* bytes; a larger message is never given to the engine */
    RABBIT_VISIBILITY_S = 30,            /* of a lease: how soon a lost one is noticed, twice */
    RABBIT_PUBLISH_TIMEOUT_MS = 30 * 1000,
    RABBIT_RECEIPT_SIZE = 24,
};

#define RABBIT_ATTEMPTS "thumbwheel-attempts"   /* receives of the message before this copy */
#define RABBIT_ID       "thumbwheel-message-id" /* the same in each copy */
#define RABBIT_SOURCE   "thumbwheel-source"     /* of a dead letter that had all its receives */

struct rabbit_queue;

/* ---- a message that was delivered ---- */

struct rabbit_delivery {
    struct list link; /* among those that arrived, or of the queue */
    struct id_entry entry;
    uint64_t serial;   /* of the channel's opening */
    uint64_t consumer; /* serial of the consumer that it was delivered to */
    uint64_t tag;
    bool redelivered;
    bool too_large;   /* its body was not kept */
    amqp_pool_t pool; /* of the properties */
    amqp_basic_properties_t properties;
    char *body; /* size bytes */
    size_t size, received;

    /* the loop's */
    char id[2 * AMQP_NAME_MAX];
    unsigned receive_count;
    uint64_t since_ms, deadline_ms; /* uv_now's clock */
    bool held;                      /* the engine has it */
    bool pinned;                    /* a copy is being published */
    bool gone; /* the connection or the channel was lost, or it was returned: pinned only */
};

struct rabbit_delivery *rabbit_delivery_new(void); /* NULL: out of memory */
void rabbit_delivery_free(struct rabbit_delivery *delivery);
/* Copies the properties of a frame. ERR_MEMORY. */
int rabbit_delivery_read(struct rabbit_delivery *delivery, const amqp_frame_t *header);
/* Decides its id and its receive count. */
void rabbit_delivery_name(struct rabbit_delivery *delivery);
/* A copy for the engine, with this receipt. ERR_MEMORY: *out is empty. */
int rabbit_delivery_message(const struct rabbit_delivery *delivery, const char *receipt,
                            struct queue_message *out);
/* The properties of a copy for a retry queue, or, with the name of its queue, for the dead-letter
 * queue; they refer to all of these. */
int rabbit_copy_properties(const struct rabbit_delivery *delivery, const char *source,
                           amqp_pool_t *pool, amqp_basic_properties_t *out);
/* The queue that a dead letter was moved from because of its receives, for free(); NULL: none, or out
 * of memory. */
char *rabbit_delivery_source(const struct rabbit_delivery *delivery);
/* The properties of a new message; they refer to the pool. */
int rabbit_send_properties(const struct queue_send *message, const char *id, amqp_pool_t *pool,
                           amqp_basic_properties_t *out);
enum { RABBIT_ID_SIZE = 33 };
void rabbit_random_id(char out[RABBIT_ID_SIZE]);

/* ---- consuming: the thread of the consuming connection ---- */

enum rabbit_consuming { RABBIT_IDLE, RABBIT_CONSUMING, RABBIT_CANCELLING };

struct rabbit_channel { /* of a queue */
    struct list link;
    struct rabbit_queue *queue; /* only passed on */
    char *name;                 /* of the queue */
    amqp_channel_t number;      /* 0: not open */
    uint64_t serial;            /* of its opening */
    enum rabbit_consuming state;
    uint64_t consumer;               /* its serial */
    uint64_t credit;                 /* messages that the broker may still deliver to it */
    uint64_t arrived;                /* messages, ever */
    uint64_t limit;                  /* how many may arrive, ever */
    bool told;                       /* the queue knows that its channel is lost */
    struct rabbit_delivery *partial; /* whose frames are arriving */
    struct list fresh;               /* deliveries that are not posted yet */
};

struct rabbit_consumers {
    struct list channels;
    struct rabbit_channel *by_number[AMQP_CHANNELS_MAX + 1];
};

extern const struct amqp_events rabbit_consumer_events; /* user: struct rabbit_consumers */

/* From the thread to the queue: what has arrived (or nothing: the channel is open), or that
 * everything before is lost. */
struct rabbit_note {
    struct amqp_task task;
    struct rabbit_queue *queue;
    struct list deliveries;
    bool lost;
    unsigned consumer_timeout_s; /* that the broker has stated; 0: nothing */
};
void rabbit_note_arrived(struct amqp_task *task); /* its done: in rabbit_queue.c */

/* On the thread. */
void rabbit_channel_attach(struct rabbit_consumers *consumers, struct rabbit_channel *channel);
void rabbit_channel_detach(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                           struct amqp_session *session);
void rabbit_channel_limit(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                          uint64_t limit, struct amqp_session *session);

struct rabbit_settlement { /* of one delivery */
    uint64_t serial, consumer, tag;
    bool requeue; /* nack; else ack */
};
/* codes[i]: 0, or ERR_RECEIPT: the channel is another one by now. Returns an error of the
 * connection. */
int rabbit_channel_settle(struct rabbit_channel *channel, const struct rabbit_settlement *what,
                          size_t count, int *codes, struct amqp_session *session,
                          struct error *error);

/* ---- publishing: the thread of the publishing connection ---- */

struct rabbit_publisher {
    amqp_channel_t channel;
    uint64_t published; /* delivery tag of the last message */
    struct list pending;
};

struct rabbit_publication { /* submit &task to the publishing connection */
    struct amqp_task task;  /* its done frees it */
    struct rabbit_publisher *publisher;
    char routing_key[AMQP_NAME_SIZE];
    amqp_basic_properties_t properties;
    amqp_bytes_t body;
    /* the publisher's */
    struct list link; /* in pending */
    uint64_t tag;
    uint64_t due_ms; /* uv_hrtime */
    bool returned;   /* it could not be routed */
};
/* Sets the functions of its task but done. */
void rabbit_publication_init(struct rabbit_publication *publication,
                             struct rabbit_publisher *publisher);
extern const struct amqp_events rabbit_publisher_events; /* user: struct rabbit_publisher */

/* ---- the loop thread ---- */

struct rabbit_broker { /* a vhost, with a user */
    struct list link;
    struct rabbitmq *rabbitmq;
    struct amqp_address address;
    struct amqp_connection *consuming, *publishing; /* NULL: not needed so far */
    unsigned closing;                               /* connections */
    struct rabbit_consumers consumers;              /* the thread's */
    struct rabbit_publisher publisher;              /* the thread's */
};

struct rabbitmq {
    struct queue_backend backend;
    uv_loop_t *loop;
    struct amqp_settings settings;
    struct list brokers;
    struct list openings;
    struct list queues;
    bool destroyed;
};

struct rabbit_queue {
    struct list link; /* in rabbitmq->queues */
    struct rabbitmq *rabbitmq;
    struct rabbit_broker *broker;
    struct queue_facts facts;
    char *name;
    bool closed;
    size_t refs;                   /* tasks, and what rabbit_close ends: handles, the attachment */
    struct rabbit_channel channel; /* the thread's, until it is detached */
    uint64_t next_receipt;
    struct id_table receipts;
    struct list held;    /* deliveries, that the engine has */
    struct list waiting; /* deliveries that no receive has taken yet */
    struct list requests;
    struct list batches; /* whose results are known or pending */
    struct list sends;
    struct log_gate retries_fail;
    uint64_t arrived; /* deliveries, ever, that the loop has seen */
    uint64_t limit;   /* the last that the thread was given */
    bool down;        /* the channel was lost, and nothing has arrived since */
    struct error why; /* the reason */
    unsigned life_s;  /* how long a delivery is kept, from the consumer_timeout */
    struct amqp_task attach, detach;
    uv_timer_t turn, clock;
};

struct queue *rabbit_handle(struct rabbit_queue *queue); /* for the seam, which knows no more */
struct rabbit_queue *rabbit_of(struct queue *queue);
const struct rabbit_queue *rabbit_of_const(const struct queue *queue);

/* Opens the connection at its first use. */
int rabbit_broker_publishing(struct rabbit_broker *broker, struct amqp_connection **out,
                             struct error *error);

void rabbit_queue_begin(struct rabbit_queue *queue, uv_loop_t *loop);
void rabbit_queue_release(struct rabbit_queue *queue); /* one of its refs */
void rabbit_queue_free(struct rabbit_queue *queue);    /* in rabbitmq.c */

int rabbit_receive(struct queue *queue, const struct queue_receive *what, queue_received *done,
                   void *user, struct queue_request **out);
void rabbit_receive_cancel(struct queue *queue, struct queue_request *request);
int rabbit_delete_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user);
int rabbit_extend_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user);
void rabbit_close(struct queue *queue);
int rabbit_send(struct queue *queue, const struct queue_send *message, queue_sent *done,
                void *user);
int rabbit_send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                      queue_batch_sent *done, void *user);
void rabbit_sends_cancel(struct rabbit_queue *queue);
extern const struct queue_admin_ops rabbit_admin_ops;

#endif
