/*
 * The state of SQS: queues and their messages, independent of the protocols.
 *
 * The state in memory is authoritative; the response to a change is sent when its rows are
 * committed. A message can be received once it is committed. The changes made by a receive (count,
 * visibility) are written too, but nobody waits for them: if they are lost in a crash, the message
 * is received again, which at-least-once delivery allows.
 *
 *   send ──commit──► DELAYED ──due──► VISIBLE ──receive──► IN FLIGHT ──delete, commit──► gone
 *                                     ▲ │ ▲                 │
 *                                     │ │ └─ visibility over┘
 *                                     │ └─ received too often ──► VISIBLE in the dead-letter queue
 *                                     └─ without a delay
 *
 * Costs do not grow with the number of queues or messages: messages are found by number in a hash
 * table, VISIBLE is a list in the order of arrival, and all timeouts (delays, visibility,
 * retention, long polls) are in one heap with one timer. Long polls wait in a list per queue, first
 * come, first served; messages that become visible within one turn of the loop are delivered
 * together, so that a burst fills the responses.
 *
 * A FIFO queue delivers by group instead (queue_groups.h), remembers deduplication ids for five
 * minutes (queue_dedup.h), and can repeat a response (queue_attempts.h). Purging or deleting
 * changes one row at once and frees the messages gradually afterwards (queue_sweep.h).
 *
 * Bodies are in memory too (those stored before the start are loaded on their first receive:
 * message_bodies.h), up to QUEUES_MEMORY_MAX bytes in total; then sends are refused until messages
 * are deleted.
 *
 * Loop thread. Callbacks are called from a new loop callback, never from within the call.
 */
#ifndef THUMBWHEEL_QUEUES_H
#define THUMBWHEEL_QUEUES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "deadlines.h"
#include "error.h"
#include "list.h"
#include "queue_attributes.h"
#include "receipt.h"
#include "resource_name.h"
#include "sqs_errors.h"
#include "storage.h"
#include "uuid.h"

struct cloud;
struct log_gate;
struct queues;
struct local_queue;
struct local_message;

enum {
    QUEUE_BATCH = 10, /* maximum entries of a batch or messages of a receive */
    QUEUE_IN_FLIGHT_MAX = 120000,
    QUEUE_NAME_MAX = 80,
    QUEUE_ARN_SIZE = 256,
};
#define QUEUES_MEMORY_MAX ((size_t)4 << 30)

extern const char queues_schema[];

/* Reads all state; blocking, before the loop runs. Even after an error, *out must be closed unless
 * it is NULL. */
int queues_open(struct cloud *cloud, struct queues **out, struct error *error);
/* Stops all timeouts and polls; pending storage tasks may still complete. */
void queues_stop(struct queues *queues);
/* Call it after storage has closed. */
void queues_close(struct queues *queues, void (*closed)(void *user), void *user);

/* Called when a change is on the disk or was rolled back (code: see error.h). */
typedef void queue_written(int code, void *user);

/* Queues. A queue can be found until its deletion begins. Each account has names of its own in
 * each region. */
struct local_queue *queues_find(struct queues *queues, struct arn_home home, const char *name);
struct local_queue *queues_find_arn(struct queues *queues, const char *arn);
bool queue_name_valid(const char *name); /* with or without ".fifo" */
const char *local_queue_name(const struct local_queue *queue);
const char *local_queue_arn(const struct local_queue *queue);
struct slice local_queue_account(const struct local_queue *queue); /* its owner */
json_t *local_queue_arn_json(const struct local_queue *queue);     /* new, or NULL */
const struct queue_attributes *local_queue_attributes(const struct local_queue *queue);
struct log_gate *local_queue_refusals(struct local_queue *queue); /* logs refusals by its policy */

/* Creates a queue, or finds the same one; calls done if it returns 0. */
int queues_create(struct queues *queues, struct arn_home home, const char *name, json_t *attributes,
                  json_t *tags, queue_written *done, void *user, struct service_error *error);
int local_queue_delete(struct local_queue *queue, queue_written *done, void *user);
int local_queue_set(struct local_queue *queue, json_t *changes, queue_written *done, void *user,
                    struct service_error *error);
int local_queue_purge(struct local_queue *queue, queue_written *done, void *user);
/* Adds tags (an object of strings) or removes tags (an array of names); either may be NULL. */
int local_queue_tag(struct local_queue *queue, json_t *add, json_t *remove, queue_written *done,
                    void *user, struct service_error *error);
int queue_tags_check(json_t *tags, struct service_error *error); /* may be NULL */
json_t *local_queue_tags(const struct local_queue *queue);       /* borrowed */
/* All attributes, including computed ones: a new JSON object of strings, or NULL if memory is
 * short. */
json_t *local_queue_describe(const struct local_queue *queue);

/* Up to max queues of a home sorted by name, starting after `after` (NULL: the beginning), whose
 * names begin with prefix and, unless source_of is NULL, whose dead-letter queue is source_of.
 * Returns the number; *more: others follow. */
size_t queues_list(struct queues *queues, struct arn_home home, const char *prefix,
                   const char *after, const struct local_queue *source_of, struct local_queue **out,
                   size_t max, bool *more);

/* Sending. */
struct message_draft { /* borrowed */
    struct slice body;
    const char *attributes; /* see message_attributes.h; NULL: none */
    const char *trace;      /* AWSTraceHeader; NULL: none */
    const char *group;      /* MessageGroupId; NULL: none */
    const char *dedup;      /* MessageDeduplicationId; NULL: none */
    int delay_s;            /* -1: the queue's default */
};
struct message_sent { /* the values returned to its sender */
    char id[UUID_TEXT_SIZE];
    uint64_t number; /* of a FIFO queue: see queue_sequence; else 0 */
    /* For a message in a unit: the copy of the body that will be written, so that an earlier task
     * can complete it; NULL: a duplicate, which has none. */
    char *body;
};
/* Sends up to QUEUE_BATCH messages as one durable change. sent (may be NULL) is set at once. If
 * unit is NULL the task is submitted; else it is added to the unit, and done (may be NULL) is
 * called when the unit is settled. A FIFO queue requires a group in each draft, and a deduplication
 * id unless it is content-based (ERR_INVALID); duplicates within five minutes are not stored again.
 * ERR_MEMORY, ERR_LIMIT (QUEUES_MEMORY_MAX). */
int local_queue_send(struct local_queue *queue, const struct message_draft *drafts, size_t count,
                     struct message_sent *sent, struct storage_unit *unit, queue_written *done,
                     void *user);

/* Receiving. At the limit of messages in flight, a short poll of a standard queue fails with
 * SQS_OVER_LIMIT, and all others get nothing until there is room. */
struct queue_delivery { /* a received message; borrowed for the callback */
    struct local_message *message;
    struct receipt receipt;
};
struct queue_poll { /* embedded in the caller's request */
    unsigned max;
    int visibility_s;
    const char *attempt; /* ReceiveRequestAttemptId, borrowed until the response; NULL: none */
    /* Called once, unless cancelled. code: 0, SQS_QUEUE_DOES_NOT_EXIST (deleted meanwhile),
     * SERVICE_INTERNAL (a body cannot be read). */
    void (*completed)(struct queue_poll *poll, int code, const struct queue_delivery *deliveries,
                      size_t count);
    /* private */
    struct list link;
    struct local_queue *queue;
    struct body_reading *reading;
    struct deadline deadline;
};
int local_queue_poll(struct local_queue *queue, struct queue_poll *poll, int wait_s);
void queue_poll_cancel(struct queue_poll *poll); /* harmless after the response */
/* Call it if the response did not reach the client: the messages become visible again; the receive
 * is still counted. */
void queues_give_back(struct queues *queues, const struct receipt *receipts, size_t count);

struct slice local_message_body(const struct local_message *message);
const char *local_message_attributes(const struct local_message *message); /* or NULL */
void local_message_id(const struct local_message *message, char out[UUID_TEXT_SIZE]);
/* The system attributes as a new JSON object of strings, or NULL if memory is short. */
json_t *queue_sequence(uint64_t number); /* SequenceNumber, a new JSON string, or NULL */
json_t *local_message_system(const struct local_message *message);
void queues_receipt_text(const struct queues *queues, const struct receipt *receipt,
                         char out[RECEIPT_TEXT_SIZE]);

/* Receipts. Up to QUEUE_BATCH entries; codes[i] is the result of entry i if the commit succeeds.
 * done is always called, unless ERR_MEMORY is returned. */
struct queue_receipt_entry {
    struct slice receipt;
    int visibility_s; /* for local_queue_change */
};
int local_queue_delete_messages(struct local_queue *queue,
                                const struct queue_receipt_entry *entries, size_t count,
                                struct service_error *errors, queue_written *done, void *user);
int local_queue_change(struct local_queue *queue, const struct queue_receipt_entry *entries,
                       size_t count, struct service_error *errors, queue_written *done, void *user);

#endif
