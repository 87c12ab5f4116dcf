#include "queue_transfer.h"

#include <stdlib.h>
#include <string.h>

#include "queue_rows.h"
#include "storage_statement.h"

struct transfer {
    struct storage_task task;
    struct local_message *message; /* pending */
    struct local_queue *from, *to; /* retained */
    struct group_place *place;     /* in `to`; NULL: not a FIFO queue */
    struct queue_move *move;
    uint64_t move_id, old_id, new_id;
    bool body_apart;
    char *source;
    uint8_t uuid[UUID_SIZE];
    int64_t sent_ms, first_ms, received_ms;
    uint32_t count;
};

static struct transfer *transfer_of(struct storage_task *task)
{
    return container_of(task, struct transfer, task);
}

static int row_move(struct transfer *t, struct storage *storage)
{
    static const char sql[] =
        "UPDATE messages SET id=?, queue=?, uuid=?, sent_ms=?, due_ms=?, first_ms=?,"
        " received_ms=?, count=?, base=?, source=? WHERE id=?";
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, t->new_id);
    bind_uint(&s, t->to->id);
    bind_blob(&s, t->uuid, UUID_SIZE);
    bind_int(&s, t->sent_ms);
    bind_int(&s, t->count ? t->received_ms : t->sent_ms);
    bind_int(&s, t->count ? t->first_ms : t->sent_ms);
    bind_int(&s, t->count ? t->received_ms : t->sent_ms);
    bind_int(&s, t->count);
    bind_int(&s, t->count);
    bind_text(&s, t->source);
    bind_uint(&s, t->old_id);
    return statement_execute(&s, &t->task.error);
}

static int body_move(struct transfer *t, struct storage *storage)
{
    static const char sql[] = "UPDATE message_bodies SET id=? WHERE id=?";
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, t->new_id);
    bind_uint(&s, t->old_id);
    return statement_execute(&s, &t->task.error);
}

static int move_count(struct transfer *t, struct storage *storage)
{
    static const char sql[] = "UPDATE message_moves SET moved=moved+1 WHERE id=?";
    return statement_execute_with(storage, sql, t->move_id, &t->task.error);
}

static int transfer_run(struct storage_task *task, struct storage *storage)
{
    struct transfer *t = transfer_of(task);
    int code = row_move(t, storage);
    if (code)
        return code;
    if (t->body_apart)
        code = body_move(t, storage);
    if (code)
        return code;
    return t->move_id ? move_count(t, storage) : 0;
}

static void transfer_free(struct transfer *t)
{
    group_leave(t->place);
    queue_release(t->from);
    queue_release(t->to);
    free(t->source);
    free(t);
}

/* Applies the transfer to the message in memory. */
static void message_arrive(struct local_message *m, struct transfer *t)
{
    struct queues *queues = m->queue->queues;
    group_leave(m->place);
    m->place = t->place;
    t->place = NULL;
    id_table_remove(&queues->messages, &m->entry);
    m->entry.id = t->new_id;
    id_table_add(&queues->messages, &m->entry);
    queue_release(m->queue);
    m->queue = t->to;
    queue_retain(m->queue);
    free(m->source);
    m->source = t->source;
    t->source = NULL;
    memcpy(m->uuid, t->uuid, UUID_SIZE);
    m->sent_ms = t->sent_ms;
    m->first_ms = t->first_ms;
    m->received_ms = t->received_ms;
    m->count = m->base = t->count;
    m->due_ms = 0;
}

static void transfer_done(struct storage_task *task, int code)
{
    struct transfer *t = transfer_of(task);
    struct local_message *m = t->message;
    queue_task_log(task, t->from, code);
    if (!code)
        message_arrive(m, t);
    message_settle(m);
    if (t->move)
        queue_move_settled(t->move, code);
    transfer_free(t);
}

static void facts_anew(struct transfer *t, int64_t now)
{
    uuid_make(t->uuid);
    t->sent_ms = now;
    t->move_id = t->move->id;
}

/* In a FIFO dead-letter queue the retention period restarts on arrival; in a standard one it
 * continues. */
static int facts_redriven(struct transfer *t, int64_t now)
{
    const struct local_message *m = t->message;
    t->source = strdup(local_queue_arn(t->from));
    memcpy(t->uuid, m->uuid, UUID_SIZE);
    t->sent_ms = t->place ? now : m->sent_ms;
    t->first_ms = m->first_ms;
    t->received_ms = m->received_ms;
    t->count = m->count;
    return t->source ? 0 : ERR_MEMORY;
}

static struct transfer *transfer_new(struct local_message *m, struct local_queue *target,
                                     struct queue_move *move)
{
    struct queues *queues = m->queue->queues;
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task = (struct storage_task){.run = transfer_run, .done = transfer_done};
    t->message = m;
    t->from = m->queue;
    t->to = target;
    queue_retain(t->from);
    queue_retain(t->to);
    t->move = move;
    t->old_id = m->entry.id;
    t->body_apart = m->body_apart;
    if (target->attributes.fifo) {
        t->place = m->group ? group_join(target, m->group, m) : NULL;
        if (!t->place)
            goto free;
    }
    if (move)
        facts_anew(t, deadlines_now(queues->deadlines));
    else if (facts_redriven(t, deadlines_now(queues->deadlines)))
        goto free;
    return t;
free:
    transfer_free(t);
    return NULL;
}

int message_transfer(struct local_message *m, struct local_queue *target, struct queue_move *move)
{
    struct queues *queues = m->queue->queues;
    struct transfer *t = transfer_new(m, target, move);
    if (!t)
        return ERR_MEMORY;
    t->new_id = queues->next_message++;
    message_hold(m);
    storage_submit(queues->cloud->storage, &t->task);
    return 0;
}
