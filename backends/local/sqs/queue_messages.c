/* A message in memory: its state, its timeouts, its place among the messages of its queue. */
#include <stdlib.h>
#include <string.h>

#include "queue_rows.h"

enum {
    BODY_IN_ROW_MAX = 1024, /* with its attributes; see message_rows.c */
    ORDER_STEPS = 256,
};

static const char *copy_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

struct local_message *message_new(struct local_queue *queue, const struct message_draft *draft)
{
    struct queues *queues = queue->queues;
    size_t size = sizeof(struct local_message) + draft->body.size + text_size(draft->attributes) +
                  text_size(draft->trace) + text_size(draft->group) + text_size(draft->dedup);
    if (deadlines_reserve(queues->deadlines, queues->deadline_users + 1))
        return NULL;
    struct local_message *m = malloc(size);
    if (!m)
        return NULL;
    *m = (struct local_message){.size = size, .body_size = draft->body.size};
    list_init(&m->link);
    if (draft->body.data) {
        memcpy(m->data, draft->body.data, draft->body.size);
        m->body = m->data;
    }
    char *at = m->data + draft->body.size;
    m->body_apart = draft->body.size + text_size(draft->attributes) > BODY_IN_ROW_MAX;
    m->attributes = copy_text(&at, draft->attributes);
    m->trace = copy_text(&at, draft->trace);
    m->group = copy_text(&at, draft->group);
    m->dedup = copy_text(&at, draft->dedup);
    m->queue = queue;
    queue_retain(queue);
    queues->memory += size;
    queues->deadline_users++;
    return m;
}

bool message_is_purged(const struct local_message *m)
{
    return m->entry.id < m->queue->purged_below;
}

static void counts_leave(struct local_message *m)
{
    struct local_queue *queue = m->queue;
    bool room = m->state == MESSAGE_IN_FLIGHT && queue->counts[m->state] == QUEUE_IN_FLIGHT_MAX;
    queue->counts[m->state]--;
    if (room)
        queue_mark_ready(queue);
}

void message_hold(struct local_message *m)
{
    deadline_clear(m->queue->queues->deadlines, &m->deadline);
    if (m->state == MESSAGE_PENDING)
        return;
    list_remove(&m->link);
    if (!message_is_purged(m))
        counts_leave(m);
    m->state = MESSAGE_PENDING;
    if (m->place)
        group_hold(m->place);
}

void message_free(struct local_message *m)
{
    struct local_queue *queue = m->queue;
    struct queues *queues = queue->queues;
    message_hold(m);
    list_remove(&m->link);
    group_leave(m->place);
    id_table_remove(&queues->messages, &m->entry);
    queues->memory -= m->size;
    queues->deadline_users--;
    free(m->source);
    free(m->loaded);
    free(m);
    queue_release(queue);
}

/* The retention period has ended. No request waits for the deletion of the row; if it is lost, the
 * message expires again at the next start. */
static void message_expire(struct local_message *m)
{
    struct queues *queues = m->queue->queues;
    sweep_row(queues, m->entry.id, m->body_apart);
    message_free(m);
    sweep_start(queues);
}

static int64_t message_end(const struct local_message *m)
{
    return m->sent_ms + (int64_t)m->queue->attributes.retention_s * 1000;
}

/* When the state of the message must be checked again. */
static int64_t message_due_at(const struct local_message *m)
{
    int64_t end = message_end(m);
    return m->state != MESSAGE_VISIBLE && m->due_ms < end ? m->due_ms : end;
}

/* A message whose state does not change keeps its place. */
bool message_review(struct local_message *m)
{
    const struct queue_attributes *a = &m->queue->attributes;
    struct deadlines *deadlines = m->queue->queues->deadlines;
    if (m->state == MESSAGE_PENDING || message_is_purged(m))
        return false;
    bool moved = a->fifo && m->state == MESSAGE_DELAYED &&
                 m->due_ms != m->sent_ms + (int64_t)a->delay_s * 1000;
    if (moved)
        m->due_ms = m->sent_ms + (int64_t)a->delay_s * 1000;
    int64_t at = message_due_at(m);
    if (moved || at <= deadlines_now(deadlines)) {
        message_hold(m);
        message_settle(m);
        return true;
    }
    if (m->deadline.entry.at_ms != at)
        deadline_set(deadlines, &m->deadline, at);
    return false;
}

static void message_due(struct deadline *deadline)
{
    struct local_message *m = container_of(deadline, struct local_message, deadline);
    if (message_is_purged(m))
        return;
    if (m->state == MESSAGE_VISIBLE &&
        message_end(m) > deadlines_now(m->queue->queues->deadlines)) {
        deadline_set(m->queue->queues->deadlines, deadline, message_end(m));
        return;
    }
    message_hold(m);
    message_settle(m);
}

static void message_sweep(struct local_message *m)
{
    struct queues *queues = m->queue->queues;
    list_push(&queues->sweep.purged, &m->link);
    sweep_start(queues);
}

static uint64_t number_at(const struct list *link)
{
    return container_of(link, struct local_message, link)->entry.id;
}

/* The visible messages are in the order in which they were sent, so that one that comes back is
 * received before later ones. The search goes from both ends, and only so far: the order of a
 * standard queue is best effort. */
static void visible_insert(struct list *head, struct local_message *m)
{
    struct list *low = head->next, *high = head->prev;
    for (int i = 0; i < ORDER_STEPS && low != head; i++) {
        if (number_at(low) > m->entry.id) {
            list_push(low, &m->link); /* before it */
            return;
        }
        if (number_at(high) < m->entry.id) {
            list_push(high->next, &m->link);
            return;
        }
        low = low->next;
        high = high->prev;
    }
    list_push(head, &m->link);
}

void message_settle(struct local_message *m)
{
    struct local_queue *queue = m->queue;
    int64_t now = deadlines_now(queue->queues->deadlines);
    if (message_is_purged(m)) {
        message_sweep(m);
        return;
    }
    if (message_end(m) <= now && !queue->queues->stopped) {
        message_expire(m);
        return;
    }
    if (m->due_ms <= now)
        m->state = MESSAGE_VISIBLE;
    else
        m->state = m->count > m->base ? MESSAGE_IN_FLIGHT : MESSAGE_DELAYED;
    if (m->state == MESSAGE_VISIBLE)
        visible_insert(&queue->lists[m->state], m);
    else
        list_push(&queue->lists[m->state], &m->link);
    queue->counts[m->state]++;
    m->deadline.expired = message_due;
    deadline_set(queue->queues->deadlines, &m->deadline, message_due_at(m));
    if (m->place)
        group_settle(m->place);
    if (m->state == MESSAGE_VISIBLE)
        queue_mark_ready(queue);
}

struct receipt message_receipt(const struct local_message *m)
{
    struct receipt receipt = {.queue = m->queue->id, .message = m->entry.id, .serial = m->count};
    memcpy(&receipt.nonce, m->uuid, sizeof receipt.nonce);
    return receipt;
}
