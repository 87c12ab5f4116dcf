/*
 * The deduplication ids that FIFO queues accepted in the last five minutes.
 *
 * A message that is sent again within that time is not stored: the sender gets the id and number of
 * the first one. The history is durable, written with the message, and kept after its deletion, but
 * not after a purge. An entry whose message could not be stored is removed, and duplicate sends
 * that wait for it fail too. Source: "Exactly-once processing in Amazon SQS" in the SQS Developer
 * Guide. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_DEDUP_H
#define THUMBWHEEL_QUEUE_DEDUP_H

#include "deadlines.h"
#include "id_table.h"
#include "list.h"
#include "uuid.h"

struct local_queue;
struct queues;

enum { DEDUP_MS = 5 * 60 * 1000, DEDUP_ID_SIZE = 129, DEDUP_KEY_SIZE = 2 * DEDUP_ID_SIZE };

struct dedup_history {
    struct id_table entries;
    struct list in_time; /* oldest first */
    struct deadline sweep;
};

struct dedup {
    struct id_entry entry; /* by queue and key */
    struct list link;
    uint64_t queue, message;
    int64_t sent_ms;
    uint8_t uuid[UUID_SIZE];
    bool kept; /* in the history */
    bool stored, failed;
    unsigned
        /* held by the history, by its message until it is settled, and by each waiting send */
        refs;
    char key[];
};

int dedup_open(struct dedup_history *history); /* ERR_MEMORY */
void dedup_close(struct queues *queues);

/* The key of a message: its deduplication id, plus the group if that is the queue's scope. */
void dedup_key(const struct local_queue *queue, const char *group, const char *id,
               char out[DEDUP_KEY_SIZE]);
struct dedup *dedup_find(const struct local_queue *queue, const char *key); /* or NULL */
/* A new entry, not stored yet, with a reference for the caller, who settles and releases it; NULL
 * if memory is short. */
struct dedup *dedup_add(struct queues *queues, uint64_t queue, const char *key, int64_t sent_ms,
                        uint64_t message, const uint8_t uuid[UUID_SIZE]);
void dedup_settle(struct queues *queues, struct dedup *dedup, bool stored);
void dedup_retain(struct dedup *dedup);
void dedup_release(struct dedup *dedup);

#endif
