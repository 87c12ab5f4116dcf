/*
 * Reads the state of SQS at start: queues, then their messages ordered by number.
 *
 * A message whose timeout expired while the process was down is visible again. Obsolete rows (past
 * their retention, purged, or of a deleted queue) are not loaded but deleted in the loop's first
 * turn; before that nothing may be submitted to the storage thread, because other services are
 * still loading.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "json_text.h"
#include "queue_rows.h"
#include "storage_statement.h"

static int attributes_load(struct local_queue *q, const char *text, struct error *error)
{
    struct service_error why = {0};
    struct queue_attributes loaded;
    json_t *object = text ? json_text_read(slice_of(text), 0, NULL) : NULL;
    int code = SERVICE_INTERNAL;
    if (object)
        code = queue_attributes_change(&q->attributes, object, &loaded, &why);
    json_decref(object);
    if (code)
        return error_set(error, ERR_CORRUPT, "the stored attributes of queue %s are damaged: %s",
                         local_queue_name(q), service_error_text(sqs_wire_errors, &why));
    queue_attributes_free(&q->attributes);
    q->attributes = loaded;
    return 0;
}

static int queue_load(struct queues *queues, struct statement *row, struct id_table *by_id,
                      struct error *error)
{
    uint64_t id = column_uint(row, 0);
    struct local_queue *q = queue_new(queues, id, column_text(row, 1));
    if (!q || name_index_add(&queues->names, &q->named)) {
        if (q)
            queue_release(q);
        return error_set(error, ERR_MEMORY, "out of memory while loading queues");
    }
    q->created_ms = column_int(row, 2);
    q->modified_ms = column_int(row, 3);
    q->purged_below = column_uint(row, 5);
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

/* Queues that were made before there were several regions have no ARN. */
static int regions_settle(struct queues *queues, struct error *error)
{
    char prefix[QUEUE_ARN_SIZE];
    struct statement update = statement_prepare(
        queues->cloud->storage, "UPDATE queues SET name = ? || name WHERE instr(name, ':') = 0");
    queue_arn_write((struct arn_home){queues->cloud->region, queues->cloud->account}, "", prefix);
    bind_text(&update, prefix);
    return statement_execute(&update, error);
}

static int queues_read(struct queues *queues, struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT id, name, created_ms, modified_ms, attributes, purged, tags FROM queues";
    struct storage *storage = queues->cloud->storage;
    struct statement row = statement_prepare(storage, sql);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        code = queue_load(queues, &row, by_id, error);
        if (code) {
            statement_reset(&row);
            return code;
        }
    }
    return code;
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

static void message_fill(struct local_message *m, struct statement *row)
{
    m->entry.id = column_uint(row, COLUMN_ID);
    struct slice uuid = column_blob(row, COLUMN_UUID);
    if (uuid.size == UUID_SIZE)
        memcpy(m->uuid, uuid.data, UUID_SIZE);
    m->sent_ms = column_int(row, COLUMN_SENT);
    m->due_ms = column_int(row, COLUMN_DUE);
    m->count = (uint32_t)column_int(row, COLUMN_COUNT);
    if (m->count > 0) {
        m->first_ms = column_int(row, COLUMN_FIRST);
        m->received_ms = column_int(row, COLUMN_RECEIVED);
    }
    if (m->due_ms == (m->count > 0 ? m->received_ms : m->sent_ms))
        m->due_ms = 0; /* as written by message_rows.c */
    m->base = (uint32_t)column_int(row, COLUMN_BASE);
}

/* The system clock may have been set back while the process was down. No message stays hidden for
 * longer than its timeout was, and none for longer than one can be. */
static int64_t due_bounded(const struct local_message *m, int64_t now)
{
    const int64_t longest = INT64_C(1000) * SQS_VISIBILITY_MAX_S;
    int64_t since = m->count > 0 ? m->received_ms : m->sent_ms;
    int64_t left = m->due_ms - (since > now ? since : now);
    if (m->due_ms <= now)
        return m->due_ms;
    return now + (left < longest ? left : longest);
}

/* Its body stays on the disk: message_bodies.h. */
static int message_load(struct local_queue *q, struct statement *row, struct error *error)
{
    const struct message_draft draft = {
        .trace = column_text(row, COLUMN_TRACE),
        .group = column_text(row, COLUMN_GROUP),
        .dedup = column_text(row, COLUMN_DEDUP),
    };
    struct local_message *m = message_new(q, &draft);
    if (!m)
        return error_set(error, ERR_MEMORY, "out of memory while loading messages");
    m->body_apart = column_null(row, COLUMN_BODY);
    message_fill(m, row);
    m->due_ms = due_bounded(m, deadlines_now(q->queues->deadlines));
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

static int row_load(struct queues *queues, const struct id_table *by_id, struct statement *row,
                    struct error *error)
{
    uint64_t id = column_uint(row, COLUMN_ID);
    struct id_entry *entry = id_table_find(by_id, column_uint(row, COLUMN_QUEUE));
    struct local_queue *q = entry ? container_of(entry, struct local_queue, loading) : NULL;
    if (id >= queues->next_message)
        queues->next_message = id + 1;
    if (q && id >= q->purged_below)
        return message_load(q, row, error);
    sweep_row(queues, id, column_null(row, COLUMN_BODY));
    return 0;
}

static int messages_read(struct queues *queues, const struct id_table *by_id, struct error *error)
{
    static const char sql[] =
        "SELECT id, queue, uuid, sent_ms, due_ms, first_ms, count, base, trace, source,"
        " received_ms, group_id, dedup, body FROM messages ORDER BY id";
    struct storage *storage = queues->cloud->storage;
    struct statement row = statement_prepare(storage, sql);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        code = row_load(queues, by_id, &row, error);
        if (code) {
            statement_reset(&row);
            return code;
        }
    }
    return code;
}

static int history_read(struct queues *queues, struct error *error)
{
    static const char sql[] =
        "SELECT message, queue, key, sent_ms, uuid FROM deduplications WHERE sent_ms>?"
        " ORDER BY message";
    struct storage *storage = queues->cloud->storage;
    struct statement row = statement_prepare(storage, sql);
    bind_int(&row, deadlines_now(queues->deadlines) - DEDUP_MS);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        uint64_t message = column_uint(&row, 0);
        if (message >= queues->next_message)
            queues->next_message = message + 1;
        struct slice uuid = column_blob(&row, 4);
        struct dedup *d =
            uuid.size != UUID_SIZE
                ? NULL
                : dedup_add(queues, column_uint(&row, 1), column_text(&row, 2), column_int(&row, 3),
                            message, (const unsigned char *)uuid.data);
        if (!d) {
            statement_reset(&row);
            return error_set(error, ERR_MEMORY, "cannot load the deduplication history");
        }
        dedup_settle(queues, d, true);
        dedup_release(d);
    }
    return code;
}

/* Reasons are string constants of this program. */
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

static int move_row_load(struct local_queue *queue, struct statement *row)
{
    struct queue_move facts = {
        .id = column_uint(row, 0),
        .destination = (char *)(uintptr_t)column_text(row, 3),
        .rate = (int)column_int(row, 4),
        .status = (enum move_status)column_int(row, 5),
        .moved = column_uint(row, 6),
        .to_move = column_uint(row, 7),
        .below_id = column_uint(row, 8),
        .started_ms = column_int(row, 9),
        .reason = reason_known(column_text(row, 10)),
    };
    struct slice uuid = column_blob(row, 2);
    if (facts.status > MOVE_FAILED || uuid.size != UUID_SIZE)
        return 0;
    memcpy(facts.uuid, uuid.data, UUID_SIZE);
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
    struct statement row = statement_prepare(storage, sql);
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        struct id_entry *entry = id_table_find(by_id, column_uint(&row, 1));
        if (entry && move_row_load(container_of(entry, struct local_queue, loading), &row)) {
            statement_reset(&row);
            return error_set(error, ERR_MEMORY, "out of memory while loading queues");
        }
    }
    return code;
}

/* Adds columns that tables of earlier versions lack. */
static int columns_add(struct queues *queues, struct error *error)
{
    static const struct added_column columns[] = {
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
    return statement_add_columns(queues->cloud->storage, columns,
                                 sizeof columns / sizeof columns[0], error);
}

static int receipt_key_make(struct queues *queues, struct error *error)
{
    static const char sql[] = "INSERT INTO queue_settings (name, value) VALUES ('receipt-key', ?)";
    struct storage *storage = queues->cloud->storage;
    if (getrandom(queues->receipt_key, RECEIPT_KEY_SIZE, 0) != RECEIPT_KEY_SIZE)
        return error_set(error, ERR_IO, "cannot read random bytes from the system");
    struct statement insert = statement_prepare(storage, sql);
    bind_blob(&insert, queues->receipt_key, RECEIPT_KEY_SIZE);
    return statement_execute(&insert, error);
}

static int receipt_key_load(struct queues *queues, struct error *error)
{
    static const char sql[] = "SELECT value FROM queue_settings WHERE name='receipt-key'";
    struct storage *storage = queues->cloud->storage;
    struct statement row = statement_prepare(storage, sql);
    int code = statement_step(&row, error);
    struct slice key = code == 1 ? column_blob(&row, 0) : (struct slice){0};
    bool found = key.size == RECEIPT_KEY_SIZE;
    if (found)
        memcpy(queues->receipt_key, key.data, RECEIPT_KEY_SIZE);
    statement_reset(&row);
    if (code < 0 || found)
        return code < 0 ? code : 0;
    return receipt_key_make(queues, error);
}

static void first_turn(struct deadline *deadline)
{
    struct queues *queues = container_of(deadline, struct queues, first_turn);
    queues->loading = false;
    sweep_start(queues);
    queue_moves_resume(queues);
}

/* Numbers of queues and messages are derived from the time, so that none is used twice: rows of a
 * deleted queue, sequence numbers of an empty FIFO queue and receipts of deleted messages outlive
 * the object that they belong to. */
static int numbers_begin(struct queues *queues, struct error *error)
{
    int64_t now = deadlines_now(queues->deadlines);
    queues->next_queue = (uint64_t)now;
    queues->next_message = (uint64_t)now << 20;
    queues->loading = true;
    queues->first_turn.expired = first_turn;
    queues->deadline_users += 2; /* including the history */
    review_open(queues);
    if (getrandom(&queues->seed, sizeof queues->seed, 0) != sizeof queues->seed)
        return error_set(error, ERR_IO, "cannot read random bytes from the system");
    return 0;
}

static int tables_read(struct queues *queues, struct id_table *by_id, struct error *error)
{
    int code = columns_add(queues, error);
    if (code)
        return code;
    code = receipt_key_load(queues, error);
    if (code)
        return code;
    code = regions_settle(queues, error);
    if (code)
        return code;
    code = queues_read(queues, by_id, error);
    if (code)
        return code;
    code = messages_read(queues, by_id, error);
    if (code)
        return code;
    code = history_read(queues, error);
    if (code)
        return code;
    return moves_read(queues, by_id, error);
}

int queues_load(struct queues *queues, struct error *error)
{
    struct id_table by_id;
    if (id_table_init(&by_id))
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = numbers_begin(queues, error);
    storage_map_file(queues->cloud->storage, true);
    if (!code)
        code = tables_read(queues, &by_id, error);
    storage_map_file(queues->cloud->storage, false);
    id_table_free(&by_id);
    deadline_set(queues->deadlines, &queues->first_turn, 0);
    return code;
}
