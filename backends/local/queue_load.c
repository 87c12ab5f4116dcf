/*
 * Reading the state of SQS at start: queues, then their messages in the order of their numbers.
 *
 * A message whose time went by while nothing ran is visible again; one past its retention is
 * dropped with the first turn of time. Rows without a queue, which a failed commit can leave, are
 * removed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "queue_rows.h"

static const char *column_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static int attributes_load(struct local_queue *q, const char *text, struct error *error)
{
    struct sqs_error why = {0};
    struct queue_attributes loaded;
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    enum sqs_code code = SQS_INTERNAL;
    if (object)
        code = queue_attributes_change(&q->attributes, object, &loaded, &why);
    json_decref(object);
    if (code != SQS_OK)
        return error_set(error, ERR_CORRUPT, "the stored attributes of queue %s are damaged: %s",
                         q->named.name, sqs_error_text(&why));
    queue_attributes_free(&q->attributes);
    q->attributes = loaded;
    return 0;
}

static int queue_load(struct queues *queues, sqlite3_stmt *row, struct id_table *by_id,
                      struct error *error)
{
    uint64_t id = (uint64_t)sqlite3_column_int64(row, 0);
    struct local_queue *q = queue_new(queues, id, column_text(row, 1));
    if (!q || name_index_add(&queues->names, &q->named)) {
        if (q)
            queue_release(q);
        return error_set(error, ERR_MEMORY, "out of memory while loading queues");
    }
    q->created_ms = sqlite3_column_int64(row, 2);
    q->modified_ms = sqlite3_column_int64(row, 3);
    q->loading.id = id;
    id_table_add(by_id, &q->loading);
    if (id >= queues->next_queue)
        queues->next_queue = id + 1;
    return attributes_load(q, column_text(row, 4), error);
}

static int queues_read(struct queues *queues, struct id_table *by_id, struct error *error)
{
    static const char sql[] = "SELECT id, name, created_ms, modified_ms, attributes FROM queues";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    int status;
    while ((status = storage_step(storage, row, error)) == 1) {
        status = queue_load(queues, row, by_id, error);
        if (status) {
            sqlite3_reset(row);
            return status;
        }
    }
    return status;
}

enum message_column {
    COLUMN_ID,
    COLUMN_QUEUE,
    COLUMN_UUID,
    COLUMN_SENT,
    COLUMN_DUE,
    COLUMN_FIRST,
    COLUMN_COUNT,
    COLUMN_BASE,
    COLUMN_TRACE,
    COLUMN_SOURCE,
    COLUMN_BODY,
    COLUMN_ATTRIBUTES,
};

static void message_fill(struct local_message *m, sqlite3_stmt *row)
{
    m->entry.id = (uint64_t)sqlite3_column_int64(row, COLUMN_ID);
    if (sqlite3_column_bytes(row, COLUMN_UUID) == UUID_SIZE)
        memcpy(m->uuid, sqlite3_column_blob(row, COLUMN_UUID), UUID_SIZE);
    m->sent_ms = sqlite3_column_int64(row, COLUMN_SENT);
    m->due_ms = sqlite3_column_int64(row, COLUMN_DUE);
    m->first_ms = sqlite3_column_int64(row, COLUMN_FIRST);
    m->count = (uint32_t)sqlite3_column_int64(row, COLUMN_COUNT);
    m->base = (uint32_t)sqlite3_column_int64(row, COLUMN_BASE);
}

static int message_load(struct local_queue *q, sqlite3_stmt *row, struct error *error)
{
    struct message_draft draft = {
        .body = {sqlite3_column_blob(row, COLUMN_BODY),
                 (size_t)sqlite3_column_bytes(row, COLUMN_BODY)},
        .attributes = column_text(row, COLUMN_ATTRIBUTES),
        .trace = column_text(row, COLUMN_TRACE),
    };
    struct local_message *m = message_new(q->queues, &draft);
    if (!m)
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    m->queue = q;
    message_fill(m, row);
    id_table_add(&q->queues->messages, &m->entry);
    const char *source = column_text(row, COLUMN_SOURCE);
    if (source && !(m->source = strdup(source))) {
        message_free(m);
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    }
    message_settle(m);
    return 0;
}

static int messages_read(struct queues *queues, const struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT m.id, m.queue, m.uuid, m.sent_ms, m.due_ms, m.first_ms, m.count, m.base, m.trace,"
        " m.source, b.body, b.attributes FROM messages m JOIN message_bodies b ON b.id = m.id"
        " ORDER BY m.id";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    int status;
    while ((status = storage_step(storage, row, error)) == 1) {
        uint64_t id = (uint64_t)sqlite3_column_int64(row, COLUMN_ID);
        if (id >= queues->next_message)
            queues->next_message = id + 1;
        struct id_entry *entry =
            id_table_find(by_id, (uint64_t)sqlite3_column_int64(row, COLUMN_QUEUE));
        status = message_load(container_of(entry, struct local_queue, loading), row, error);
        if (status) {
            sqlite3_reset(row);
            return status;
        }
    }
    return status;
}

static int orphans_remove(struct queues *queues, struct error *error)
{
    static const char *const scripts[] = {
        "DELETE FROM message_bodies WHERE id IN"
        " (SELECT id FROM messages WHERE queue NOT IN (SELECT id FROM queues))",
        "DELETE FROM messages WHERE queue NOT IN (SELECT id FROM queues)",
    };
    struct storage *storage = queues->cloud->storage;
    int status = 0;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && !status; i++)
        status = storage_execute(storage, storage_statement(storage, scripts[i]), error);
    return status;
}

static int receipt_key_make(struct queues *queues, struct error *error)
{
    static const char sql[] = "INSERT INTO queue_settings (name, value) VALUES ('receipt-key', ?)";
    struct storage *storage = queues->cloud->storage;
    if (getrandom(queues->receipt_key, RECEIPT_KEY_SIZE, 0) != RECEIPT_KEY_SIZE)
        return error_set(error, ERR_IO, "the system has no random bytes");
    sqlite3_stmt *insert = storage_statement(storage, sql);
    sqlite3_bind_blob(insert, 1, queues->receipt_key, RECEIPT_KEY_SIZE, SQLITE_STATIC);
    return storage_execute(storage, insert, error);
}

static int receipt_key_load(struct queues *queues, struct error *error)
{
    static const char sql[] = "SELECT value FROM queue_settings WHERE name='receipt-key'";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    int status = storage_step(storage, row, error);
    bool found = status == 1 && sqlite3_column_bytes(row, 0) == RECEIPT_KEY_SIZE;
    if (found)
        memcpy(queues->receipt_key, sqlite3_column_blob(row, 0), RECEIPT_KEY_SIZE);
    sqlite3_reset(row);
    if (status < 0 || found)
        return status < 0 ? status : 0;
    return receipt_key_make(queues, error);
}

int queues_load(struct queues *queues, struct error *error)
{
    struct id_table by_id;
    if (id_table_init(&by_id))
        return error_set(error, ERR_MEMORY, "out of memory");
    int status = receipt_key_load(queues, error);
    if (!status)
        status = orphans_remove(queues, error);
    if (!status)
        status = queues_read(queues, &by_id, error);
    if (!status)
        status = messages_read(queues, &by_id, error);
    id_table_free(&by_id);
    return status;
}
