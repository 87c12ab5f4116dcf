/*
 * Reading the state of SQS at start: queues, then their messages in the order of their numbers.
 *
 * A message whose time went by while nothing ran is visible again. Rows that are over (past their
 * retention, purged, of a deleted queue) are not kept in memory, and swept in the loop's first
 * turn; before, nothing is submitted to the storage thread, since others are still loading.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "json_text.h"
#include "queue_rows.h"

static const char *column_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static int attributes_load(struct local_queue *q, const char *text, struct error *error)
{
    struct sqs_error why = {0};
    struct queue_attributes loaded;
    json_t *object = text ? json_text_read(slice_of(text), 0, NULL) : NULL;
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
    q->purged_below = (uint64_t)sqlite3_column_int64(row, 5);
    q->loading.id = id;
    id_table_add(by_id, &q->loading);
    if (id >= queues->next_queue)
        queues->next_queue = id + 1;
    json_t *tags =
        json_text_read(slice_of(column_text(row, 6) ? column_text(row, 6) : "{}"), 0, NULL);
    json_object_update(q->tags, tags);
    json_decref(tags);
    return attributes_load(q, column_text(row, 4), error);
}

static int queues_read(struct queues *queues, struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT id, name, created_ms, modified_ms, attributes, purged, tags FROM queues";
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

/* Its body stays where it is: message_bodies.h. */
static int message_load(struct local_queue *q, sqlite3_stmt *row, struct error *error)
{
    const struct message_draft draft = {
        .trace = column_text(row, COLUMN_TRACE),
        .group = column_text(row, COLUMN_GROUP),
        .dedup = column_text(row, COLUMN_DEDUP),
    };
    struct local_message *m = message_new(q, &draft);
    if (!m)
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    m->body_apart = sqlite3_column_type(row, COLUMN_BODY) == SQLITE_NULL;
    message_fill(m, row);
    id_table_add(&q->queues->messages, &m->entry);
    const char *source = column_text(row, COLUMN_SOURCE);
    if (q->attributes.fifo)
        m->place = group_join(q, m->group ? m->group : "", m);
    if ((source && !(m->source = strdup(source))) || (q->attributes.fifo && !m->place)) {
        message_free(m);
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    }
    message_settle(m);
    return 0;
}

static int row_load(struct queues *queues, const struct id_table *by_id, sqlite3_stmt *row,
                    struct error *error)
{
    uint64_t id = (uint64_t)sqlite3_column_int64(row, COLUMN_ID);
    struct id_entry *entry =
        id_table_find(by_id, (uint64_t)sqlite3_column_int64(row, COLUMN_QUEUE));
    struct local_queue *q = entry ? container_of(entry, struct local_queue, loading) : NULL;
    if (id >= queues->next_message)
        queues->next_message = id + 1;
    if (q && id >= q->purged_below)
        return message_load(q, row, error);
    sweep_row(queues, id, sqlite3_column_type(row, COLUMN_BODY) == SQLITE_NULL);
    return 0;
}

static int messages_read(struct queues *queues, const struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT id, queue, uuid, sent_ms, due_ms, first_ms, count, base, trace, source,"
        " received_ms, group_id, dedup, body FROM messages ORDER BY id";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    int status;
    while ((status = storage_step(storage, row, error)) == 1) {
        status = row_load(queues, by_id, row, error);
        if (status) {
            sqlite3_reset(row);
            return status;
        }
    }
    return status;
}

static int history_read(struct queues *queues, struct error *error)
{
    static const char sql[] =
        "SELECT message, queue, key, sent_ms, uuid FROM deduplications WHERE sent_ms>?"
        " ORDER BY message";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    sqlite3_bind_int64(row, 1, deadlines_now(queues->deadlines) - DEDUP_MS);
    int status;
    while ((status = storage_step(storage, row, error)) == 1) {
        uint64_t message = (uint64_t)sqlite3_column_int64(row, 0);
        if (message >= queues->next_message)
            queues->next_message = message + 1;
        struct dedup *d =
            sqlite3_column_bytes(row, 4) != UUID_SIZE
                ? NULL
                : dedup_add(queues, (uint64_t)sqlite3_column_int64(row, 1), column_text(row, 2),
                            sqlite3_column_int64(row, 3), message, sqlite3_column_blob(row, 4));
        if (!d) {
            sqlite3_reset(row);
            return error_set(error, ERR_MEMORY, "cannot load the deduplication history");
        }
        dedup_settle(queues, d, true);
        dedup_release(d);
    }
    return status;
}

/* Reasons are texts of this program. */
static const char *reason_known(const char *text)
{
    static const char *const reasons[] = {"CouldNotDetermineMessageSource",
                                          "AWS.SimpleQueueService.NonExistentQueue",
                                          "InternalError"};
    for (size_t i = 0; text && i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strcmp(reasons[i], text) == 0)
            return reasons[i];
    }
    return NULL;
}

static int move_row_load(struct local_queue *queue, sqlite3_stmt *row)
{
    struct queue_move facts = {
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .destination = (char *)(uintptr_t)column_text(row, 3),
        .rate = sqlite3_column_int(row, 4),
        .status = (enum move_status)sqlite3_column_int(row, 5),
        .moved = (uint64_t)sqlite3_column_int64(row, 6),
        .to_move = (uint64_t)sqlite3_column_int64(row, 7),
        .below_id = (uint64_t)sqlite3_column_int64(row, 8),
        .started_ms = sqlite3_column_int64(row, 9),
        .reason = reason_known(column_text(row, 10)),
    };
    if (facts.status > MOVE_FAILED || sqlite3_column_bytes(row, 2) != UUID_SIZE)
        return 0;
    memcpy(facts.uuid, sqlite3_column_blob(row, 2), UUID_SIZE);
    if (facts.id >= queue->queues->next_message)
        queue->queues->next_message = facts.id + 1;
    return queue_move_load(queue, &facts);
}

static int moves_read(struct queues *queues, const struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT id, queue, uuid, destination, rate, status, moved, to_move, below, started_ms,"
        " reason FROM message_moves ORDER BY id";
    struct storage *storage = queues->cloud->storage;
    sqlite3_stmt *row = storage_statement(storage, sql);
    int status;
    while ((status = storage_step(storage, row, error)) == 1) {
        struct id_entry *entry = id_table_find(by_id, (uint64_t)sqlite3_column_int64(row, 1));
        if (entry && move_row_load(container_of(entry, struct local_queue, loading), row)) {
            sqlite3_reset(row);
            return error_set(error, ERR_MEMORY, "out of memory while loading queues");
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
        {"SELECT purged FROM queues",
         "ALTER TABLE queues ADD COLUMN purged INTEGER NOT NULL DEFAULT 0"},
        {"SELECT tags FROM queues", "ALTER TABLE queues ADD COLUMN tags TEXT"},
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

static int receipt_key_make(struct queues *queues, struct error *error)
{
    static const char sql[] = "INSERT INTO queue_settings (name, value) VALUES ('receipt-key', ?)";
    struct storage *storage = queues->cloud->storage;
    if (getrandom(queues->receipt_key, RECEIPT_KEY_SIZE, 0) != RECEIPT_KEY_SIZE)
        return error_set(error, ERR_IO, "cannot read random bytes from the system");
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

static void first_turn(struct deadline *deadline)
{
    struct queues *queues = container_of(deadline, struct queues, first_turn);
    queues->loading = false;
    sweep_start(queues);
    queue_moves_resume(queues);
}

/* Numbers of queues and messages go up with the time, so that none is given twice: the rows of a
 * deleted queue, the sequence numbers of a FIFO queue that is empty and receipts of messages that
 * are gone all outlive what bore them. */
static int numbers_begin(struct queues *queues, struct error *error)
{
    int64_t now = deadlines_now(queues->deadlines);
    queues->next_queue = (uint64_t)now;
    queues->next_message = (uint64_t)now << 20;
    queues->loading = true;
    queues->first_turn.expired = first_turn;
    queues->deadline_users += 2; /* with the history's */
    review_open(queues);
    if (getrandom(&queues->seed, sizeof queues->seed, 0) != sizeof queues->seed)
        return error_set(error, ERR_IO, "cannot read random bytes from the system");
    return 0;
}

/* While all rows are read, the file is read where the kernel has it, and what lies between the rows
 * is not copied. Afterwards it is not: a failing disk shall be an error then, not a signal. */
static void file_map(struct queues *queues, bool mapped)
{
    sqlite3_exec(storage_database(queues->cloud->storage),
                 mapped ? "PRAGMA mmap_size=1099511627776" : "PRAGMA mmap_size=0", NULL, NULL,
                 NULL);
}

int queues_load(struct queues *queues, struct error *error)
{
    struct id_table by_id;
    if (id_table_init(&by_id))
        return error_set(error, ERR_MEMORY, "out of memory");
    int status = numbers_begin(queues, error);
    file_map(queues, true);
    if (!status)
        status = columns_add(queues, error);
    if (!status)
        status = receipt_key_load(queues, error);
    if (!status)
        status = queues_read(queues, &by_id, error);
    if (!status)
        status = messages_read(queues, &by_id, error);
    if (!status)
        status = history_read(queues, error);
    if (!status)
        status = moves_read(queues, &by_id, error);
    file_map(queues, false);
    id_table_free(&by_id);
    deadline_set(queues->deadlines, &queues->first_turn, 0);
    return status;
}
