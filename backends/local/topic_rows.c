#include "topic_rows.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

const char topics_schema[] =
    "CREATE TABLE IF NOT EXISTS topics (arn TEXT PRIMARY KEY, attributes TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS subscriptions (arn TEXT PRIMARY KEY, topic TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, attributes TEXT NOT NULL);";

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static int row_insert(struct topic_row_task *t, struct storage *storage)
{
    static const char topic_sql[] = "INSERT INTO topics (arn, attributes) VALUES (?1,?2)";
    static const char subscription_sql[] =
        "INSERT INTO subscriptions (arn, attributes, topic, endpoint) VALUES (?1,?2,?3,?4)";
    sqlite3_stmt *insert = storage_statement(storage, t->topic ? subscription_sql : topic_sql);
    bind_text(insert, 1, t->arn);
    bind_text(insert, 2, t->attributes);
    if (t->topic) {
        bind_text(insert, 3, t->topic);
        bind_text(insert, 4, t->endpoint);
    }
    return storage_execute(storage, insert, &t->task.error);
}

static int row_update(struct topic_row_task *t, struct storage *storage)
{
    static const char topic_sql[] = "UPDATE topics SET attributes=?2 WHERE arn=?1";
    static const char subscription_sql[] = "UPDATE subscriptions SET attributes=?2 WHERE arn=?1";
    sqlite3_stmt *update = storage_statement(storage, t->topic ? subscription_sql : topic_sql);
    bind_text(update, 1, t->arn);
    bind_text(update, 2, t->attributes);
    return storage_execute(storage, update, &t->task.error);
}

static int row_delete(struct topic_row_task *t, struct storage *storage)
{
    static const char topic_sql[] = "DELETE FROM topics WHERE arn=?1";
    static const char subscription_sql[] = "DELETE FROM subscriptions WHERE arn=?1";
    static const char all_sql[] = "DELETE FROM subscriptions WHERE topic=?1";
    sqlite3_stmt *statement = storage_statement(storage, t->topic ? subscription_sql : topic_sql);
    bind_text(statement, 1, t->arn);
    int status = storage_execute(storage, statement, &t->task.error);
    if (status || t->topic)
        return status;
    statement = storage_statement(storage, all_sql);
    bind_text(statement, 1, t->arn);
    return storage_execute(storage, statement, &t->task.error);
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
    policy_release(t->previous_policy);
    free(t->arn);
    free(t->topic);
    free(t->endpoint);
    free(t->attributes);
    free(t);
}

static void row_done(struct storage_task *task, int status)
{
    struct topic_row_task *t = container_of(task, struct topic_row_task, task);
    if (t->settled)
        t->settled(t, status);
    if (t->done)
        t->done(status, t->user);
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
    if (t->arn && t->attributes && (t->topic || !facts->topic) && (t->endpoint || !facts->endpoint))
        return t;
    row_task_free(t);
    return NULL;
}

static int row_load(sqlite3_stmt *row, bool subscription,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error)
{
    const char *attributes = (const char *)sqlite3_column_text(row, 1);
    struct topic_row_facts facts = {.arn = (const char *)sqlite3_column_text(row, 0)};
    if (subscription) {
        facts.topic = (const char *)sqlite3_column_text(row, 2);
        facts.endpoint = (const char *)sqlite3_column_text(row, 3);
    }
    facts.attributes = attributes ? json_loads(attributes, 0, NULL) : NULL;
    if (!facts.attributes)
        return error_set(error, ERR_CORRUPT, "the stored attributes of %s are damaged",
                         facts.arn ? facts.arn : "a topic");
    int status = loaded(&facts, user);
    json_decref(facts.attributes);
    if (status == ERR_MEMORY)
        return error_set(error, status, "out of memory while loading topics");
    return status
               ? error_set(error, ERR_CORRUPT, "the stored attributes of %s are damaged", facts.arn)
               : 0;
}

int topic_rows_load(struct storage *storage,
                    int (*loaded)(const struct topic_row_facts *row, void *user), void *user,
                    struct error *error)
{
    static const char topics_sql[] = "SELECT arn, attributes FROM topics";
    static const char subscriptions_sql[] =
        "SELECT arn, attributes, topic, endpoint FROM subscriptions";
    int status = 0;
    for (int i = 0; i < 2 && !status; i++) {
        sqlite3_stmt *row = storage_statement(storage, i ? subscriptions_sql : topics_sql);
        while ((status = storage_step(storage, row, error)) == 1) {
            status = row_load(row, i == 1, loaded, user, error);
            if (status) {
                sqlite3_reset(row);
                break;
            }
        }
    }
    return status;
}
