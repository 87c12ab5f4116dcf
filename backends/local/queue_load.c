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
    COLUMN_RECEIVED,
    COLUMN_GROUP,
    COLUMN_DEDUP,
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
    m->count = (uint32_t)sqlite3_column_int64(row, COLUMN_COUNT);
    if (m->count > 0) {
        m->first_ms = sqlite3_column_int64(row, COLUMN_FIRST);
        m->received_ms = sqlite3_column_int64(row, COLUMN_RECEIVED);
    }
    if (m->due_ms == (m->count > 0 ? m->received_ms : m->sent_ms))
        m->due_ms = 0; /* as message_rows.c writes it */
    m->base = (uint32_t)sqlite3_column_int64(row, COLUMN_BASE);
}

/* *bodies holds a large body's row when there is one. */
static int draft_read(struct storage *storage, sqlite3_stmt *row, sqlite3_stmt **bodies,
                      struct message_draft *out, struct error *error)
{
    static const char sql[] = "SELECT body, attributes FROM message_bodies WHERE id=?";
    bool apart = sqlite3_column_type(row, COLUMN_BODY) == SQLITE_NULL;
    sqlite3_stmt *from = row;
    int body = COLUMN_BODY, status = 1;
    if (apart) {
        from = *bodies = storage_statement(storage, sql);
        body = 0;
        sqlite3_bind_int64(from, 1, sqlite3_column_int64(row, COLUMN_ID));
        status = storage_step(storage, from, error);
    }
    if (status == 0)
        return error_set(error, ERR_CORRUPT, "a message has lost its body");
    if (status < 0)
        return status;
    *out = (struct message_draft){
        .body = {sqlite3_column_blob(from, body), (size_t)sqlite3_column_bytes(from, body)},
        .attributes = column_text(from, body + 1),
        .trace = column_text(row, COLUMN_TRACE),
        .group = column_text(row, COLUMN_GROUP),
        .dedup = column_text(row, COLUMN_DEDUP),
    };
    return 0;
}

static int message_load(struct local_queue *q, sqlite3_stmt *row, struct error *error)
{
    sqlite3_stmt *bodies = NULL;
    struct message_draft draft;
    int status = draft_read(q->queues->cloud->storage, row, &bodies, &draft, error);
    if (status)
        return status;
    struct local_message *m = message_new(q->queues, &draft);
    sqlite3_reset(bodies);
    if (!m)
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    m->queue = q;
    m->body_apart = bodies != NULL;
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
        "SELECT id, queue, uuid, sent_ms, due_ms, first_ms, count, base, trace, source,"
        " received_ms, group_id, dedup, body, attributes FROM messages ORDER BY id";
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

/* What tables of an earlier version lack. */
static int columns_add(struct queues *queues, struct error *error)
{
    static const struct {
        const char *known, *sql;
    } columns[] = {
        {"SELECT received_ms FROM messages",
         "ALTER TABLE messages ADD COLUMN received_ms INTEGER NOT NULL DEFAULT 0"},
        {"SELECT group_id FROM messages", "ALTER TABLE messages ADD COLUMN group_id TEXT"},
        {"SELECT dedup FROM messages", "ALTER TABLE messages ADD COLUMN dedup TEXT"},
        {"SELECT body FROM messages", "ALTER TABLE messages ADD COLUMN body BLOB"},
        {"SELECT attributes FROM messages", "ALTER TABLE messages ADD COLUMN attributes TEXT"},
    };
    struct storage *storage = queues->cloud->storage;
    int status = 0;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0] && !status; i++) {
        if (!storage_statement(storage, columns[i].known))
            status = storage_execute(storage, storage_statement(storage, columns[i].sql), error);
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
    int status = columns_add(queues, error);
    if (!status)
        status = receipt_key_load(queues, error);
    if (!status)
        status = orphans_remove(queues, error);
    if (!status)
        status = queues_read(queues, &by_id, error);
    if (!status)
        status = messages_read(queues, &by_id, error);
    id_table_free(&by_id);
    return status;
}
