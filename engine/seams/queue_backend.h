/*
 * Seam: a queue service. Owned by the engine; backends/aws and backends/rabbitmq implement it.
 *
 * Loop thread only. Every operation is asynchronous: its callback is called exactly once, from a
 * fresh loop callback, unless the operation was cancelled or the call itself returned an error
 * (then it is never called). A callback's pointer arguments are borrowed for its duration, unless
 * the comment says that they may be taken.
 *
 * A backend retries transient errors of one HTTP request (a few times, within seconds). Beyond that
 * it returns a code of error.h, and the engine decides.
 */
#ifndef THUMBWHEEL_QUEUE_BACKEND_H
#define THUMBWHEEL_QUEUE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "queue_admin.h"
#include "trace_context.h"

enum {
    QUEUE_BATCH_MAX = 10,            /* entries in a batch call (SQS) */
    QUEUE_WAIT_MAX_S = 20,           /* longest long poll (SQS) */
    QUEUE_VISIBILITY_MAX_S = 43200,  /* 12 h, from receipt (SQS) */
    QUEUE_MESSAGE_MAX = 1024 * 1024, /* bytes of body and attributes (SQS) */
    QUEUE_ATTRIBUTES_MAX = 10,       /* message attributes (SQS) */
};

struct queue_attribute {
    char *name;
    char *type; /* "String", "Number", "Binary" or "String.custom"; a Binary's value stays in base64
                 */
    char *value;
};

struct queue_message {
    char *id;
    char *receipt;
    char *group; /* MessageGroupId: messages of one group of a FIFO queue are processed in order;
                  * NULL: none */
    char *body;  /* NUL-terminated; body_size bytes */
    size_t body_size;
    /* Only if the receive asked for them (queue_receive.origin); NULL: none. */
    char *deduplication; /* MessageDeduplicationId, of a FIFO queue */
    char *source_arn;    /* DeadLetterQueueSourceArn: the redrive policy of this queue moved it */
    struct queue_attribute *attributes;
    size_t attribute_count;
    unsigned receive_count;     /* ApproximateReceiveCount; at least 1 */
    int64_t sent_ms;            /* SentTimestamp, Unix milliseconds; 0 if unknown */
    struct trace_context trace; /* AWSTraceHeader; a valid traceparent is among the attributes */
};

/* Moves the content; *from is empty afterwards. */
struct queue_message queue_message_take(struct queue_message *from);
void queue_message_clear(struct queue_message *message);

/* The attributes of an open queue. Strings are owned by the queue. */
struct queue_facts {
    const char *name;
    const char *url;
    const char *arn;
    const char *dead_letter_arn; /* target of its RedrivePolicy; NULL: none */
    unsigned max_receives;       /* maxReceiveCount; 0 without a redrive policy */
    unsigned visibility_s;       /* the queue's own visibility timeout */
    size_t message_max;          /* MaximumMessageSize, bytes with attributes; 0: unknown */
};

/* Decided by the suffix of its name ("Amazon SQS FIFO queues", SQS Developer Guide). */
bool queue_is_fifo(const struct queue_facts *facts);

/* Whether two names, URLs or ARNs name the same queue. A name alone does not say which account and
 * region it is in. */
enum queue_relation { QUEUES_DIFFER, QUEUES_MAY_BE_ONE, QUEUES_ARE_ONE };

struct queue;         /* an open queue, from the backend */
struct queue_request; /* a pending receive, for cancelling it */

struct queue_receive {
    unsigned max;          /* 1–10 messages */
    unsigned wait_s;       /* 0–20 */
    unsigned visibility_s; /* always sent */
    bool origin;           /* also where a dead letter comes from */
};

struct queue_entry { /* one entry of delete_batch (only the receipt) or extend_batch */
    const char *receipt;
    unsigned visibility_s;
    bool
        release; /* nobody works on the message any more: visibility_s is a delay. A service without
                   * visibility timeouts must know that, SQS need not */
};

struct queue_send {
    const char *body;
    size_t body_size;
    const struct queue_attribute *attributes;
    size_t attribute_count;
    const char *group;                 /* NULL: none */
    const char *deduplication;         /* of a FIFO queue; NULL: none */
    const struct trace_context *trace; /* of the sender; NULL: none */
    unsigned delay_s;
};

/* error->code is 0 on success; error is never NULL. */
typedef void queue_opened(struct queue *queue, const struct error *error, void *user);
/* The callback may take each message with queue_message_take. */
typedef void queue_received(struct queue_message *messages, size_t count, const struct error *error,
                            void *user);
/* codes[i] is the result of entry i: 0, ERR_RECEIPT (the receipt handle is no longer valid),
 * ERR_THROTTLED, ERR_SERVER, … If the whole call failed, error says why and every code is
 * error->code. */
typedef void queue_batch_done(const int *codes, size_t count, const struct error *error,
                              void *user);
typedef void queue_sent(const char *message_id, const struct error *error, void *user);

struct queue_send_result { /* of one message of a batch */
    int code;        /* 0: stored; ERR_PROTOCOL, ERR_NETWORK, ERR_TIMEOUT, ERR_SERVER: unknown */
    const char *id;  /* its MessageId; NULL unless it was stored */
    const char *why; /* of a failure, from the service; "" if it gave none */
};
/* The results are in the order of the messages. If the whole call failed, error says why and every
 * code is error->code. */
typedef void queue_batch_sent(const struct queue_send_result *results, size_t count,
                              const struct error *error, void *user);
typedef void queue_depth_known(uint64_t visible, uint64_t in_flight, uint64_t delayed,
                               const struct error *error, void *user);

struct queue_backend;

struct queue_backend_ops {
    /* Resolves a name, URL or ARN and reads the queue's attributes. ERR_NO_CONTAINER: there is no
     * such queue. */
    int (*open)(struct queue_backend *backend, const char *name, queue_opened *done, void *user);
    /* The host to which this queue's requests are sent ("127.0.0.1:4566"), to be freed by the
     * caller. NULL: out of memory, or the name is invalid. */
    char *(*service)(const struct queue_backend *backend, const char *name);
    /* The callbacks of pending opens with this user will not be called. */
    void (*open_cancel)(struct queue_backend *backend, void *user);
    /* The queue's pending operations are cancelled. */
    void (*close)(struct queue *queue);

    const struct queue_facts *(*facts)(const struct queue *queue);
    enum queue_relation (*compare)(const char *name, const char *other);
    /* Whether two open queues are the same queue. */
    bool (*same)(const struct queue *queue, const struct queue *other);

    /* *out (may be NULL) is valid until the callback or the cancel. */
    int (*receive)(struct queue *queue, const struct queue_receive *what, queue_received *done,
                   void *user, struct queue_request **out);
    /* The callback will not be called. Messages that the service was about to return stay invisible
     * until their visibility timeout ends, so cancel only if there is no time to wait. */
    void (*receive_cancel)(struct queue *queue, struct queue_request *request);

    /* Entries (at most QUEUE_BATCH_MAX) are copied. */
    int (*delete_batch)(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user);
    int (*extend_batch)(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user);
    /* The message is copied. */
    int (*send)(struct queue *queue, const struct queue_send *message, queue_sent *done,
                void *user);
    /* At most QUEUE_BATCH_MAX messages, which are copied. */
    int (*send_batch)(struct queue *queue, const struct queue_send *messages, size_t count,
                      queue_batch_sent *done, void *user);
    int (*depth)(struct queue *queue, queue_depth_known *done, void *user);
};

struct queue_backend {
    const struct queue_backend_ops *ops;
    const struct queue_admin_ops *admin; /* NULL: not supported */
};

#endif
