/*
 * The queue backend over SQS.
 *
 * An operation (struct queue_request) is created for each call, stays in its queue's list until it
 * ends, and frees itself before it calls back, so that a callback may close the queue. Closing,
 * cancelling and destroying struct aws all lead to operation_free through the request's release
 * function.
 */
#ifndef THUMBWHEEL_SQS_PRIVATE_H
#define THUMBWHEEL_SQS_PRIVATE_H

#include "aws_json.h"
#include "hash.h"
#include "sqs_name.h"

enum { SQS_POLL_MARGIN_MS = 10 * 1000 }; /* how late the response to a long poll may be */

struct queue {
    struct aws *aws;
    struct list operations;
    struct queue_facts facts; /* its strings belong to the queue */
    char *endpoint;           /* the URL that requests are sent to */
    char *region;             /* for the signature */
};

union queue_callback {
    queue_received *received;
    queue_batch_done *batch;
    queue_sent *sent;
    queue_batch_sent *batch_sent;
    queue_depth_known *depth;
    queue_purged *purged;
    queue_sources_known *sources;
    queue_move_started *move_started;
    queue_move_known *move_known;
    queue_move_cancelled *move_cancelled;
};

struct queue_request {
    struct list link; /* in queue->operations */
    struct queue *queue;
    struct aws_request *request;
    union queue_callback done;
    void *user;
    size_t count; /* batch entries, or messages to receive */
    /* of a batch: part of its entries' ids, so that a late response to another batch is not
     * mistaken for the response to this one */
    unsigned serial;
    char md5[MD5_HEX_SIZE]; /* of the body of a send */
    char *md5s;             /* of the bodies of a batch, MD5_HEX_SIZE bytes each; NULL: none */
};

struct sqs_client_call {
    const char *operation;
    json_t *body; /* without QueueUrl; taken over */
    bool no_url;  /* the operation has no QueueUrl */
    bool once;
    enum http_class class;
    size_t response_max;
    unsigned timeout_ms;  /* 0: the HTTP client's defaults; idle and total */
    aws_replied *replied; /* its user data is the operation */
    union queue_callback done;
    void *user;
    size_t count;
    unsigned serial;
    const char *md5;                   /* NULL: none */
    char *md5s;                        /* malloc'd; taken over; NULL: none */
    const struct trace_context *trace; /* the same */
};

int sqs_start(struct queue *queue, const struct sqs_client_call *call, struct queue_request **out);
void sqs_operation_free(struct queue_request *operation);

/* The Id of a batch's entry, "<batch>-<index>", and the index that a response's entry refers to, or
 * -1. */
enum { SQS_ID_SIZE = 24 };
void sqs_client_entry_id(unsigned serial, size_t index, char out[SQS_ID_SIZE]);
int sqs_client_entry_index(const json_t *entry, unsigned serial, size_t count);
/* The members of a message in a request; NULL if memory is short or a text is not UTF-8. */
json_t *sqs_message_body(const struct queue_send *message);

bool sqs_same(const struct queue *queue, const struct queue *other);
char *sqs_service(const struct queue_backend *backend, const char *name);
int sqs_open(struct queue_backend *backend, const char *name, queue_opened *done, void *user);
void sqs_open_cancel(struct queue_backend *backend, void *user);
void sqs_close(struct queue *queue);
const struct queue_facts *sqs_facts(const struct queue *queue);
int sqs_depth(struct queue *queue, queue_depth_known *done, void *user);
int sqs_receive(struct queue *queue, const struct queue_receive *what, queue_received *done,
                void *user, struct queue_request **out);
void sqs_receive_cancel(struct queue *queue, struct queue_request *request);
int sqs_delete_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                     queue_batch_done *done, void *user);
int sqs_extend_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                     queue_batch_done *done, void *user);
int sqs_send(struct queue *queue, const struct queue_send *message, queue_sent *done, void *user);
int sqs_send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                   queue_batch_sent *done, void *user);

extern const struct queue_backend_ops sqs_ops;
extern const struct queue_admin_ops sqs_admin_ops;

#endif
