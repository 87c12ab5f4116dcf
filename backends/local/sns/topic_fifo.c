#include "topic_fifo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container_of.h"
#include "storage_statement.h"

enum { WINDOW_MS = 5 * 60 * 1000, KEY_SIZE = 2 * TOPIC_FIFO_ID_MAX + 2 };

/* Twenty digits, as in SNS. */
#define SEQUENCE_BASE "1000"

struct topic_fifo {
    json_t *entries;  /* key: [expiry in ms, message, sequence]; ordered by expiry */
    int64_t sequence; /* the last */
};

struct dedup_task {
    struct storage_task task;
    json_t *entries; /* a reference */
    char *topic;
    char key[KEY_SIZE];
    char message[UUID_TEXT_SIZE];
    int64_t expires_ms, sequence;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sequence_text(int64_t sequence, char out[TOPIC_SEQUENCE_SIZE])
{
    snprintf(out, TOPIC_SEQUENCE_SIZE, SEQUENCE_BASE "%016" PRIu64,
             (uint64_t)sequence % UINT64_C(10000000000000000));
}

/* Scoped to the message group if the topic is configured so; ids contain no spaces. */
static void key_of(const struct topic *topic, const char *group, const char *dedup,
                   char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s %s", topic->group_scope ? group : "", dedup);
}

static struct topic_fifo *fifo_of(struct topic *topic)
{
    if (topic->dedup)
        return topic->dedup;
    struct topic_fifo *fifo = calloc(1, sizeof *fifo);
    if (fifo && !(fifo->entries = json_object())) {
        free(fifo);
        fifo = NULL;
    }
    return topic->dedup = fifo;
}

static void entries_expire(json_t *entries, int64_t now_ms)
{
    void *first;
    while ((first = json_object_iter(entries)) &&
           json_integer_value(json_array_get(json_object_iter_value(first), 0)) <= now_ms)
        json_object_del(entries, json_object_iter_key(first));
}

bool topic_fifo_repeats(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry)
{
    char key[KEY_SIZE];
    if (!topic->dedup)
        return false;
    entries_expire(topic->dedup->entries, now_us() / 1000);
    key_of(topic, group, dedup, key);
    json_t *known = json_object_get(topic->dedup->entries, key);
    if (!known)
        return false;
    snprintf(entry->message, sizeof entry->message, "%s",
             json_string_value(json_array_get(known, 1)));
    sequence_text(json_integer_value(json_array_get(known, 2)), entry->sequence);
    return true;
}

/* Storage thread. */
static int dedup_run(struct storage_task *task, struct storage *storage)
{
    struct dedup_task *t = container_of(task, struct dedup_task, task);
    struct statement expire =
        statement_prepare(storage, "DELETE FROM topic_dedups WHERE topic=? AND expires_ms<=?");
    bind_text(&expire, t->topic);
    bind_int(&expire, t->expires_ms - WINDOW_MS);
    int code = statement_execute(&expire, &task->error);
    if (code)
        return code;
    struct statement insert = statement_prepare(
        storage, "INSERT OR REPLACE INTO topic_dedups"
                 " (topic, key, expires_ms, message, sequence) VALUES (?,?,?,?,?)");
    bind_text(&insert, t->topic);
    bind_text(&insert, t->key);
    bind_int(&insert, t->expires_ms);
    bind_text(&insert, t->message);
    bind_int(&insert, t->sequence);
    return statement_execute(&insert, &task->error);
}

static void dedup_free(struct dedup_task *t)
{
    json_decref(t->entries);
    free(t->topic);
    free(t);
}

/* A failed publication may be repeated. */
static void dedup_done(struct storage_task *task, int code)
{
    struct dedup_task *t = container_of(task, struct dedup_task, task);
    if (code)
        json_object_del(t->entries, t->key);
    dedup_free(t);
}

static struct dedup_task *dedup_new(struct topic *topic, const char *key,
                                    const struct topic_fifo_entry *entry)
{
    struct dedup_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task = (struct storage_task){.run = dedup_run, .done = dedup_done};
    t->entries = json_incref(topic->dedup->entries);
    t->topic = strdup(topic->record.named.name);
    memcpy(t->key, key, KEY_SIZE);
    memcpy(t->message, entry->message, sizeof t->message);
    if (t->topic)
        return t;
    dedup_free(t);
    return NULL;
}

static int entry_put(struct topic_fifo *fifo, const char *key, int64_t expires_ms,
                     const char *message, int64_t sequence)
{
    return json_object_set_new(
               fifo->entries, key,
               json_pack("[I, s, I]", (json_int_t)expires_ms, message, (json_int_t)sequence))
               ? ERR_MEMORY
               : 0;
}

int topic_fifo_remember(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry, struct storage_unit *unit)
{
    struct topic_fifo *fifo = fifo_of(topic);
    char key[KEY_SIZE];
    if (!fifo)
        return ERR_MEMORY;
    key_of(topic, group, dedup, key);
    struct dedup_task *t = dedup_new(topic, key, entry);
    if (!t)
        return ERR_MEMORY;
    int64_t now = now_us();
    t->sequence = now > fifo->sequence ? now : fifo->sequence + 1;
    t->expires_ms = now / 1000 + WINDOW_MS;
    int code = entry_put(fifo, key, t->expires_ms, entry->message, t->sequence);
    if (code) {
        dedup_free(t);
        return code;
    }
    fifo->sequence = t->sequence;
    sequence_text(t->sequence, entry->sequence);
    storage_unit_add(unit, &t->task);
    return 0;
}

void topic_fifo_free(struct topic_fifo *fifo)
{
    if (!fifo)
        return;
    json_decref(fifo->entries);
    free(fifo);
}

static int entry_load(struct topics *topics, struct statement *row)
{
    struct topic *topic = topics_find(topics, column_text(row, 0));
    const char *key = column_text(row, 1);
    const char *message = column_text(row, 3);
    int64_t sequence = column_int(row, 4);
    if (!topic || !key || !message)
        return 0;
    struct topic_fifo *fifo = fifo_of(topic);
    if (!fifo)
        return ERR_MEMORY;
    if (sequence > fifo->sequence)
        fifo->sequence = sequence;
    return entry_put(fifo, key, column_int(row, 2), message, sequence);
}

int topic_fifo_load(struct topics *topics, struct storage *storage, struct error *error)
{
    struct statement row =
        statement_prepare(storage, "SELECT topic, key, expires_ms, message, sequence"
                                   " FROM topic_dedups ORDER BY expires_ms");
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        if (entry_load(topics, &row)) {
            statement_reset(&row);
            return error_set(error, ERR_MEMORY, "out of memory while loading topics");
        }
    }
    return code;
}
