#include "message_bodies.h"

#include <stdlib.h>
#include <string.h>

#include "queue_rows.h"
#include "storage_statement.h"

struct body { /* as it was read */
    uint64_t id;
    bool wanted, apart;
    char *data; /* body, then the attributes with their NUL */
    size_t body_size, size;
};

struct body_reading {
    struct storage_task task;
    struct queue_poll *poll;   /* NULL: cancelled */
    struct local_queue *queue; /* retained */
    size_t count;
    struct queue_delivery deliveries[QUEUE_BATCH];
    struct body bodies[QUEUE_BATCH];
};

static struct body_reading *reading_of(struct storage_task *task)
{
    return container_of(task, struct body_reading, task);
}

bool bodies_missing(const struct queue_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!deliveries[i].message->body)
            return true;
    }
    return false;
}

/* Storage thread. */

static int body_copy(struct body *body, struct statement *row, struct error *error)
{
    struct slice data = column_blob(row, 0), attributes = column_slice(row, 1);
    size_t more = attributes.data ? attributes.size + 1 : 0;
    body->data = malloc(data.size + more + 1);
    if (!body->data)
        return error_set(error, ERR_MEMORY, "out of memory");
    if (data.size)
        memcpy(body->data, data.data, data.size);
    if (more)
        memcpy(body->data + data.size, attributes.data, more);
    body->body_size = data.size;
    body->size = data.size + more;
    return 0;
}

static int body_read(struct body *body, struct storage_task *task, struct storage *storage)
{
    static const char row_sql[] = "SELECT body, attributes FROM messages WHERE id=?";
    static const char apart_sql[] = "SELECT body, attributes FROM message_bodies WHERE id=?";
    struct statement s = statement_prepare(storage, body->apart ? apart_sql : row_sql);
    bind_uint(&s, body->id);
    int code = statement_step(&s, &task->error);
    if (code == 0)
        return error_set(&task->error, ERR_CORRUPT, "the body of a message is missing");
    return code < 0 ? code : body_copy(body, &s, &task->error);
}

static int reading_run(struct storage_task *task, struct storage *storage)
{
    struct body_reading *r = reading_of(task);
    int code = 0;
    for (size_t i = 0; i < r->count && !code; i++) {
        if (r->bodies[i].wanted)
            code = body_read(&r->bodies[i], task, storage);
    }
    return code;
}

/* Loop thread. */

static void body_attach(struct local_message *m, struct body *body)
{
    m->loaded = body->data;
    m->body = body->data;
    m->body_size = body->body_size;
    m->attributes = body->size > body->body_size ? body->data + body->body_size : NULL;
    m->size += body->size;
    m->queue->queues->memory += body->size;
    body->data = NULL;
}

static void reading_end(struct body_reading *r, int code)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!code && r->bodies[i].wanted)
            body_attach(r->deliveries[i].message, &r->bodies[i]);
        free(r->bodies[i].data);
    }
}

static void reading_done(struct storage_task *task, int code)
{
    struct body_reading *r = reading_of(task);
    queue_task_log(task, r->queue, code);
    reading_end(r, code);
    struct queue_poll *poll = r->poll;
    if (poll) {
        poll->reading = NULL;
        poll->completed(poll, code ? SERVICE_INTERNAL : 0, r->deliveries, code ? 0 : r->count);
    }
    for (size_t i = 0; i < r->count; i++) {
        if (code || !poll)
            message_give_back(r->deliveries[i].message);
        else
            message_settle(r->deliveries[i].message);
    }
    queue_release(r->queue);
    free(r);
}

int bodies_read(struct queue_poll *poll, const struct queue_delivery *deliveries, size_t count)
{
    struct local_queue *queue = deliveries[0].message->queue;
    struct body_reading *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_MEMORY;
    r->task = (struct storage_task){.run = reading_run, .done = reading_done};
    r->poll = poll;
    r->queue = queue;
    r->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct local_message *m = deliveries[i].message;
        r->deliveries[i] = deliveries[i];
        r->bodies[i] = (struct body){.id = m->entry.id, .wanted = !m->body, .apart = m->body_apart};
    }
    queue_retain(queue);
    poll->reading = r;
    storage_submit(queue->queues->cloud->storage, &r->task);
    return 0;
}

void bodies_read_cancel(struct queue_poll *poll)
{
    poll->reading->poll = NULL;
    poll->reading = NULL;
}
