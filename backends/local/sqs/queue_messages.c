/* Messages: memory, timeouts, sending, and operations with receipt handles.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "queue_rows.h"
#include "sigv4.h"

#define SEQUENCE_FIRST UINT64_C(10000000000000000000) /* twenty digits */

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

static void message_doom(struct local_message *m)
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
        message_doom(m);
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

/* Sending. */

static void dedup_end(struct local_message *m, bool stored)
{
    if (!m->dedup_entry)
        return;
    dedup_settle(m->queue->queues, m->dedup_entry, stored);
    dedup_release(m->dedup_entry);
    m->dedup_entry = NULL;
}

static void insert_settled(struct message_task *task, int code)
{
    for (size_t i = 0; i < task->count; i++) {
        struct local_message *m = task->rows[i].message;
        dedup_end(m, !code);
        if (code)
            message_free(m);
        else
            message_settle(m);
    }
    for (size_t i = 0; i < task->await_count; i++) {
        task->broken |= task->awaits[i]->failed;
        dedup_release(task->awaits[i]);
    }
}

/* Assigns the message's place and number; on an error the message is freed. */
static int message_enter(struct local_message *m, const char *key)
{
    struct local_queue *queue = m->queue;
    struct queues *queues = queue->queues;
    uuid_make(m->uuid);
    m->entry.id = queues->next_message;
    if (key) {
        m->place = group_join(queue, m->group, m);
        m->dedup_entry = dedup_add(queues, queue->id, key, m->sent_ms, m->entry.id, m->uuid);
    }
    id_table_add(&queues->messages, &m->entry);
    if (key && (!m->place || !m->dedup_entry)) {
        dedup_end(m, false);
        message_free(m);
        return ERR_MEMORY;
    }
    queues->next_message++;
    return 0;
}

static void sent_tell(struct message_sent *sent, const uint8_t uuid[UUID_SIZE], uint64_t number,
                      char *body)
{
    if (!sent)
        return;
    uuid_text(uuid, sent->id);
    sent->number = number;
    sent->body = body;
}

static int message_send(struct message_task *task, const struct message_draft *draft,
                        const char *key, struct message_sent *sent)
{
    struct local_queue *queue = task->queue;
    struct local_message *m = message_new(queue, draft);
    if (!m)
        return ERR_MEMORY;
    int delay_s = draft->delay_s >= 0 ? draft->delay_s : queue->attributes.delay_s;
    m->sent_ms = deadlines_now(queue->queues->deadlines);
    m->due_ms = delay_s ? m->sent_ms + (int64_t)delay_s * 1000 : 0;
    if (message_enter(m, key))
        return ERR_MEMORY;
    message_task_add(task, m);
    sent_tell(sent, m->uuid, key ? m->entry.id : 0, m->data);
    return 0;
}

/* A duplicate gets the response of the original; if that is not stored yet, the send waits for
 * it. */
static void message_repeat(struct message_task *task, struct dedup *known,
                           struct message_sent *sent)
{
    if (!known->stored) {
        dedup_retain(known);
        task->awaits[task->await_count++] = known;
    }
    sent_tell(sent, known->uuid, known->message, NULL);
}

static int message_send_fifo(struct message_task *task, const struct message_draft *given,
                             struct message_sent *sent)
{
    struct local_queue *queue = task->queue;
    struct message_draft draft = *given;
    char hash[SIGV4_HEX_SIZE], key[DEDUP_KEY_SIZE];
    if (!draft.group || (!draft.dedup && !queue->attributes.content_dedup))
        return ERR_INVALID;
    if (!draft.dedup) {
        sha256_hex(draft.body.data, draft.body.size, hash);
        draft.dedup = hash;
    }
    draft.delay_s = -1;
    dedup_key(queue, draft.group, draft.dedup, key);
    struct dedup *known = dedup_find(queue, key);
    if (!known)
        return message_send(task, &draft, key, sent);
    message_repeat(task, known, sent);
    return 0;
}

static bool memory_allows(const struct queues *queues, const struct message_draft *drafts,
                          size_t count)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        wanted += drafts[i].body.size;
    return queues->memory + wanted <= QUEUES_MEMORY_MAX;
}

int local_queue_send(struct local_queue *queue, const struct message_draft *drafts, size_t count,
                     struct message_sent *sent, struct storage_unit *unit, queue_written *done,
                     void *user)
{
    if (!memory_allows(queue->queues, drafts, count))
        return ERR_LIMIT;
    struct message_task *task = message_task_new(queue, count, message_rows_insert, insert_settled);
    if (!task)
        return ERR_MEMORY;
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        struct message_sent *told = sent ? &sent[i] : NULL;
        code = queue->attributes.fifo ? message_send_fifo(task, &drafts[i], told)
                                      : message_send(task, &drafts[i], NULL, told);
    }
    if (code) {
        insert_settled(task, code);
        message_task_discard(task);
        return code;
    }
    task->done = done;
    task->user = user;
    if (unit)
        storage_unit_add(unit, &task->task);
    else
        message_task_submit(task);
    return 0;
}

/* Receipts. */

enum receipt_state { RECEIPT_CURRENT, RECEIPT_OLD, RECEIPT_GONE, RECEIPT_INVALID };

/* The receipts of earlier receives count in standard queues, but not in FIFO queues. *out is the message, unless it no longer exists or the receipt is not from this queue. A message
 * that is being deleted counts as deleted. */
static enum receipt_state receipt_find(struct local_queue *queue, struct slice text,
                                       struct local_message **out)
{
    struct receipt receipt;
    if (receipt_read(queue->queues->receipt_key, text, &receipt) || receipt.queue != queue->id)
        return RECEIPT_INVALID;
    struct id_entry *entry = id_table_find(&queue->queues->messages, receipt.message);
    if (!entry)
        return RECEIPT_GONE;
    struct local_message *m = container_of(entry, struct local_message, entry);
    if (m->queue != queue || m->state == MESSAGE_PENDING || message_is_purged(m) ||
        message_receipt(m).nonce != receipt.nonce)
        return RECEIPT_GONE;
    *out = m;
    return receipt.serial == m->count || !queue->attributes.fifo ? RECEIPT_CURRENT : RECEIPT_OLD;
}

static void delete_settled(struct message_task *task, int code)
{
    for (size_t i = 0; i < task->count; i++) {
        struct local_message *m = task->rows[i].message;
        if (code)
            message_settle(m);
        else
            message_free(m);
    }
}

static void change_refuse(enum receipt_state state, struct slice receipt,
                          struct service_error *error)
{
    int shown = receipt.size > 100 ? 100 : (int)receipt.size;
    if (state == RECEIPT_INVALID)
        service_error_set(error, SQS_RECEIPT_INVALID,
                          "The input receipt handle \"%.*s\" is not a valid receipt handle.", shown,
                          receipt.data ? receipt.data : "");
    else
        service_error_set(error, SQS_INVALID_PARAMETER,
                          "Value %.*s for parameter ReceiptHandle is invalid. Reason: %s", shown,
                          receipt.data ? receipt.data : "",
                          state == RECEIPT_OLD
                              ? "The receipt handle has expired."
                              : "Message does not exist or is not available for visibility timeout "
                                "change.");
}

/* In a FIFO queue a receipt expires with the visibility timeout, because another consumer may be
 * processing the message. */
static bool fifo_expired(const struct local_queue *queue, enum receipt_state state,
                         const struct local_message *m)
{
    return queue->attributes.fifo &&
           (state == RECEIPT_OLD || (state == RECEIPT_CURRENT && m->state != MESSAGE_IN_FLIGHT));
}

int local_queue_delete_messages(struct local_queue *queue,
                                const struct queue_receipt_entry *entries, size_t count,
                                struct service_error *errors, queue_written *done, void *user)
{
    struct message_task *task = message_task_new(queue, count, message_rows_delete, delete_settled);
    if (!task)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct local_message *m = NULL;
        enum receipt_state state = receipt_find(queue, entries[i].receipt, &m);
        if (state == RECEIPT_INVALID)
            change_refuse(state, entries[i].receipt, &errors[i]);
        else if (fifo_expired(queue, state, m))
            change_refuse(RECEIPT_OLD, entries[i].receipt, &errors[i]);
        if (state != RECEIPT_CURRENT || errors[i].code != 0)
            continue;
        message_hold(m);
        message_task_add(task, m);
    }
    task->done = done;
    task->user = user;
    message_task_submit(task);
    return 0;
}

/* In a standard queue a message can be hidden again after its timeout. The timeout starts now, but must end within twelve hours of the receive; a longer one is refused,
 * not truncated. */
static int visibility_change(struct local_message *m, int visibility_s, struct service_error *error)
{
    int64_t until = deadlines_now(m->queue->queues->deadlines) + (int64_t)visibility_s * 1000;
    bool visible_again = !m->queue->attributes.fifo && m->count > m->base;
    if (m->state != MESSAGE_IN_FLIGHT && !visible_again)
        return error->code = SQS_NOT_IN_FLIGHT;
    if (m->received_ms && until > m->received_ms + (int64_t)SQS_VISIBILITY_MAX_S * 1000)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Value %d for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 "
            "seconds].",
            visibility_s);
    message_hold(m);
    m->due_ms = visibility_s ? until : 0;
    return 0;
}

int local_queue_change(struct local_queue *queue, const struct queue_receipt_entry *entries,
                       size_t count, struct service_error *errors, queue_written *done, void *user)
{
    struct message_task *task = message_task_new(queue, count, message_rows_update, NULL);
    if (!task)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct local_message *m;
        enum receipt_state state = receipt_find(queue, entries[i].receipt, &m);
        if (state != RECEIPT_CURRENT) {
            change_refuse(state, entries[i].receipt, &errors[i]);
        } else if (visibility_change(m, entries[i].visibility_s, &errors[i]) == 0) {
            message_task_add(task, m);
            message_settle(m);
        }
    }
    task->done = done;
    task->user = user;
    message_task_submit(task);
    return 0;
}

/* Reading. */

struct slice local_message_body(const struct local_message *m)
{
    return (struct slice){m->body, m->body_size};
}

const char *local_message_attributes(const struct local_message *m)
{
    return m->attributes;
}

void local_message_id(const struct local_message *m, char out[UUID_TEXT_SIZE])
{
    uuid_text(m->uuid, out);
}

json_t *queue_sequence(uint64_t number)
{
    return json_sprintf("%llu", (unsigned long long)(SEQUENCE_FIRST + number));
}

json_t *local_message_system(const struct local_message *m)
{
    const char *account = m->queue->queues->cloud->account;
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:o}", "SenderId", account, "SentTimestamp",
                  json_sprintf("%lld", (long long)m->sent_ms), "ApproximateReceiveCount",
                  json_sprintf("%u", m->count), "ApproximateFirstReceiveTimestamp",
                  json_sprintf("%lld", (long long)m->first_ms));
    int failed = !object;
    if (m->trace)
        failed |= json_object_set_new(object, "AWSTraceHeader", json_string(m->trace));
    if (m->group)
        failed |= json_object_set_new(object, "MessageGroupId", json_string(m->group));
    if (m->dedup)
        failed |= json_object_set_new(object, "MessageDeduplicationId", json_string(m->dedup));
    if (m->place)
        failed |= json_object_set_new(object, "SequenceNumber", queue_sequence(m->entry.id));
    if (m->source)
        failed |= json_object_set_new(object, "DeadLetterQueueSourceArn", json_string(m->source));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}
