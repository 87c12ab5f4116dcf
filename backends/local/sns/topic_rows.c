#include "topic_rows.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "json_text.h"
#include "storage_statement.h"

const char topics_schema[] =
    "CREATE TABLE IF NOT EXISTS topics (arn TEXT PRIMARY KEY, attributes TEXT NOT NULL,"
    " details TEXT NOT NULL DEFAULT '{}');"
    "CREATE TABLE IF NOT EXISTS subscriptions (arn TEXT PRIMARY KEY, topic TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, attributes TEXT NOT NULL, details TEXT NOT NULL DEFAULT '{}');"
    "CREATE TABLE IF NOT EXISTS topic_dedups (topic TEXT NOT NULL, key TEXT NOT NULL,"
    " expires_ms INTEGER NOT NULL, message TEXT NOT NULL, sequence INTEGER NOT NULL,"
    " PRIMARY KEY (topic, key)) WITHOUT ROWID;";

static int row_insert(struct topic_row_task *t, struct storage *storage)
{
    static const char topic_sql[] = "INSERT INTO topics (arn, attributes, details) VALUES (?,?,?)";
    static const char subscription_sql[] =
        "INSERT INTO subscriptions (arn, attributes, details, topic, endpoint) VALUES (?,?,?,?,?)";
    struct statement insert = statement_prepare(storage, t->topic ? subscription_sql : topic_sql);
    bind_text(&insert, t->arn);
    bind_text(&insert, t->attributes);
    bind_text(&insert, t->details);
    if (t->topic) {
        bind_text(&insert, t->topic);
        bind_text(&insert, t->endpoint);
    }
    return statement_execute(&insert, &t->task.error);
}

static int row_update(struct topic_row_task *t, struct storage *storage)
{
    static const char topic_sql[] = "UPDATE topics SET attributes=?, details=? WHERE arn=?";
    static const char subscription_sql[] =
        "UPDATE subscriptions SET attributes=?, details=? WHERE arn=?";
    struct statement update = statement_prepare(storage, t->topic ? subscription_sql : topic_sql);
    bind_text(&update, t->attributes);
    bind_text(&update, t->details);
    bind_text(&update, t->arn);
    return statement_execute(&update, &t->task.error);
}

static int rows_delete(struct topic_row_task *t, struct storage *storage, const char *sql)
{
    struct statement delete = statement_prepare(storage, sql);
    bind_text(&delete, t->arn);
    return statement_execute(&delete, &t->task.error);
}

static int row_delete(struct topic_row_task *t, struct storage *storage)
{
    if (t->topic)
        return rows_delete(t, storage, "DELETE FROM subscriptions WHERE arn=?");
    int code = rows_delete(t, storage, "DELETE FROM topics WHERE arn=?");
    if (code)
        return code;
    code = rows_delete(t, storage, "DELETE FROM subscriptions WHERE topic=?");
    if (code)
        return code;
    return rows_delete(t, storage, "DELETE FROM topic_dedups WHERE topic=?");
}

static int row_run(struct storage_task *task, struct storage *storage)
{
    struct topic_row_task *t = container_of(task, struct topic_row_task, task);
    switch (t->change) {
    case TOPIC_ROW_INSERT:
        return row_insert(t, storage);
    case TOPIC_ROW_UPDATE:
        return row_update(t, storage);
    case TOPIC_ROW_DELETE:
        return row_delete(t, storage);
    case TOPIC_ROW_NONE:
        break;
    }
    return 0;
}

static void row_task_free(struct topic_row_task *t)
{
    record_release(t->record);
    json_decref(t->previous);
    json_decref(t->previous_details);
    record_rules_free(&t->previous_rules);
    free(t->arn);
    free(t->topic);
    free(t->endpoint);
    free(t->attributes);
    free(t->details);
    free(t);
}

static void row_done(struct storage_task *task, int code)
{
    struct topic_row_task *t = container_of(task, struct topic_row_task, task);
    if (t->settled)
        t->settled(t, code);
    if (t->done)
        t->done(code, t->user);
    row_task_free(t);
}

struct topic_row_task *topic_row_task_new(struct topic_record *record, enum topic_row_change change,
                                          const struct topic_row_facts *facts)
{
    struct topic_row_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task.run = row_run;
    t->task.done = row_done;
    t->change = change;
    t->record = record;
    record->refs++;
    t->arn = strdup(facts->arn);
    t->topic = facts->topic ? strdup(facts->topic) : NULL;
    t->endpoint = facts->endpoint ? strdup(facts->endpoint) : NULL;
    t->attributes = json_dumps(facts->attributes, JSON_COMPACT);
    t->details = json_dumps(facts->details, JSON_COMPACT);
    if (t->arn && t->attributes && t->details && (t->topic || !facts->topic) &&
        (t->endpoint || !facts->endpoint))
        return t;
    row_task_free(t);
    return NULL;
}

static json_t *column_json(struct statement *row, int column)
{
    const char *text = column_text(row, column);
    return text ? json_text_read(slice_of(text), 0, NULL) : NULL;
}

static int row_load(struct statement *row, bool subscription,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error)
{
    struct topic_row_facts facts = {.arn = column_text(row, 0),
                                    .attributes = column_json(row, 1),
                                    .details = column_json(row, 2)};
    if (subscription) {
        facts.topic = column_text(row, 3);
        facts.endpoint = column_text(row, 4);
    }
    int code = ERR_CORRUPT;
    if (facts.attributes && facts.details)
        code = loaded(&facts, user);
    json_decref(facts.attributes);
    json_decref(facts.details);
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory while loading topics");
    return code ? error_set(error, ERR_CORRUPT, "the stored attributes of %s are damaged",
                            facts.arn ? facts.arn : "a topic")
                : 0;
}

/* Adds columns that tables of earlier versions lack. */
static int columns_add(struct storage *storage, struct error *error)
{
    static const struct added_column columns[] = {
        {"SELECT details FROM topics",
         "ALTER TABLE topics ADD COLUMN details TEXT NOT NULL DEFAULT '{}'"},
        {"SELECT details FROM subscriptions",
         "ALTER TABLE subscriptions ADD COLUMN details TEXT NOT NULL DEFAULT '{}'"},
    };
    return statement_add_columns(storage, columns, 2, error);
}

int topic_rows_load(struct storage *storage,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error)
{
    static const char topics_sql[] = "SELECT arn, attributes, details FROM topics";
    static const char subscriptions_sql[] =
        "SELECT arn, attributes, details, topic, endpoint FROM subscriptions";
    int code = columns_add(storage, error);
    for (int i = 0; i < 2 && !code; i++) {
        struct statement row = statement_prepare(storage, i ? subscriptions_sql : topics_sql);
        while ((code = statement_step(&row, error)) == 1) {
            code = row_load(&row, i == 1, loaded, user, error);
            if (code) {
                statement_reset(&row);
                break;
            }
        }
    }
    return code;
}
