#include "queue_attempts.h"

#include <stdlib.h>
#include <string.h>

#include "queues_internal.h"

enum { ATTEMPT_MS = 5 * 60 * 1000 };

struct attempt {
    struct id_entry entry;
    struct list link;
    uint64_t queue;
    int64_t made_ms;
    size_t count;
    struct {
        uint64_t message;
        uint32_t serial;
        int64_t due_ms; /* differs if the visibility was changed */
    } given[QUEUE_BATCH];
    char id[];
};

int attempts_open(struct receive_attempts *attempts)
{
    list_init(&attempts->in_time);
    return id_table_init(&attempts->known);
}

static void attempt_end(struct receive_attempts *attempts, struct attempt *attempt)
{
    id_table_remove(&attempts->known, &attempt->entry);
    list_remove(&attempt->link);
    free(attempt);
}

void attempts_close(struct receive_attempts *attempts)
{
    while (attempts->in_time.next && !list_empty(&attempts->in_time))
        attempt_end(attempts, container_of(attempts->in_time.next, struct attempt, link));
    id_table_free(&attempts->known);
}

static void attempts_expire(struct receive_attempts *attempts, int64_t now)
{
    while (!list_empty(&attempts->in_time)) {
        struct attempt *first = container_of(attempts->in_time.next, struct attempt, link);
        if (first->made_ms + ATTEMPT_MS > now)
            return;
        attempt_end(attempts, first);
    }
}

static uint64_t attempt_number(const struct local_queue *queue, const char *id)
{
    return id_of_text(queue->queues->seed ^ queue->id, id);
}

static struct attempt *attempt_of(struct local_queue *queue, const char *id)
{
    struct receive_attempts *attempts = &queue->queues->attempts;
    attempts_expire(attempts, deadlines_now(queue->queues->deadlines));
    struct id_entry *entry = id_table_find(&attempts->known, attempt_number(queue, id));
    for (; entry; entry = id_table_next(entry)) {
        struct attempt *attempt = container_of(entry, struct attempt, entry);
        if (attempt->queue == queue->id && strcmp(attempt->id, id) == 0)
            return attempt;
    }
    return NULL;
}

static struct attempt *attempt_new(struct local_queue *queue, const char *id)
{
    struct receive_attempts *attempts = &queue->queues->attempts;
    size_t size = strlen(id) + 1;
    struct attempt *attempt = calloc(1, sizeof *attempt + size);
    if (!attempt)
        return NULL;
    memcpy(attempt->id, id, size);
    attempt->entry.id = attempt_number(queue, id);
    attempt->queue = queue->id;
    attempt->made_ms = deadlines_now(queue->queues->deadlines);
    id_table_add(&attempts->known, &attempt->entry);
    list_push(&attempts->in_time, &attempt->link);
    return attempt;
}

void attempt_keep(struct local_queue *queue, const char *id, const struct queue_delivery *given,
                  size_t count)
{
    struct attempt *attempt = attempt_of(queue, id);
    if (!attempt)
        attempt = attempt_new(queue, id);
    if (!attempt)
        return;
    attempt->count = count;
    for (size_t i = 0; i < count; i++) {
        attempt->given[i].message = given[i].message->entry.id;
        attempt->given[i].serial = given[i].receipt.serial;
        attempt->given[i].due_ms = given[i].message->due_ms;
    }
}

size_t attempt_find(struct local_queue *queue, const char *id, struct local_message **out)
{
    struct attempt *attempt = attempt_of(queue, id);
    size_t count = attempt ? attempt->count : 0;
    for (size_t i = 0; i < count; i++) {
        struct id_entry *entry = id_table_find(&queue->queues->messages, attempt->given[i].message);
        out[i] = entry ? container_of(entry, struct local_message, entry) : NULL;
        if (!out[i] || out[i]->queue != queue || out[i]->state != MESSAGE_IN_FLIGHT ||
            message_is_purged(out[i]) || out[i]->count != attempt->given[i].serial ||
            out[i]->due_ms != attempt->given[i].due_ms)
            return 0;
    }
    return count;
}
