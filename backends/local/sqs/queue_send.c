/* Sending messages, to standard and FIFO queues. */
#include "hash.h"
#include "queue_rows.h"
#include "sigv4.h"

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
