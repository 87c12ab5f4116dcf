/* Creates, deletes and configures buckets: first a storage task, then the change in memory. */
#include <stdlib.h>
#include <string.h>

#include "buckets_internal.h"
#include "container_of.h"
#include "objects.h"
#include "s3_time.h"
#include "storage_statement.h"
#include "uploads.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

struct change {
    struct storage_task task;
    struct buckets *buckets;
    char *name;
    int64_t id;
    int64_t created_ms;
    struct notification notification;
    enum bucket_setting_kind kind; /* the one to edit */
    unsigned kinds;                /* those to set, a bit each */
    struct bucket_setting settings[BUCKET_SETTING_KINDS];
    bucket_edit *edit;
    bool must_fail; /* some of its messages could not be created */
    bucket_done *done;
    void *user;
};

static void change_free(struct change *change)
{
    notification_clear(&change->notification);
    bucket_settings_clear(change->settings);
    free(change->name);
    free(change);
}

static struct change *change_create(struct buckets *buckets, const char *name, bucket_done *done,
                                    void *user)
{
    struct change *change = calloc(1, sizeof *change);
    if (!change)
        return NULL;
    change->buckets = buckets;
    change->name = strdup(name);
    change->done = done;
    change->user = user;
    if (change->name)
        return change;
    free(change);
    return NULL;
}

static void change_finish(struct change *change, int code)
{
    change->done(code, &change->task.error, change->user);
    change_free(change);
}

static int write_setting(struct storage *storage, const struct change *change,
                         enum bucket_setting_kind kind, struct error *error)
{
    const char *document = change->settings[kind].document;
    struct statement write = statement_prepare(
        storage, document ? "INSERT OR REPLACE INTO bucket_settings (bucket, kind, document) "
                            "VALUES (?, ?, ?)"
                          : "DELETE FROM bucket_settings WHERE bucket = ? AND kind = ?");
    bind_int(&write, change->id);
    bind_text(&write, bucket_setting_name(kind));
    if (document)
        bind_text(&write, document);
    return statement_execute(&write, error);
}

static int create_run(struct storage_task *task, struct storage *storage)
{
    struct change *change = container_of(task, struct change, task);
    struct statement insert =
        statement_prepare(storage, "INSERT INTO buckets (name, created) VALUES (?, ?)");
    bind_text(&insert, change->name);
    bind_int(&insert, change->created_ms);
    int code = statement_execute(&insert, &task->error); /* ERR_CONFLICT: the name is taken */
    change->id = statement_row_id(&insert);
    for (int kind = 0; kind < BUCKET_SETTING_KINDS && !code; kind++) {
        if (change->settings[kind].document)
            code = write_setting(storage, change, (enum bucket_setting_kind)kind, &task->error);
    }
    return code;
}

static void create_done(struct storage_task *task, int code)
{
    struct change *change = container_of(task, struct change, task);
    struct bucket_entry *entry =
        code ? NULL
             : buckets_insert_entry(change->buckets, change->id, change->name, change->created_ms);
    if (entry) {
        change->name = NULL;
        memcpy(entry->settings, change->settings, sizeof entry->settings);
        memset(change->settings, 0, sizeof change->settings);
    } else if (!code) { /* it is on the disk, so the next start loads it */
        code = no_memory(&task->error);
    }
    change_finish(change, code);
}

int buckets_create(struct buckets *buckets, const char *name,
                   struct bucket_setting settings[BUCKET_SETTING_KINDS], bucket_done *done,
                   void *user)
{
    struct change *change = change_create(buckets, name, done, user);
    if (!change)
        return ERR_MEMORY;
    change->created_ms = s3_time_now_ms();
    if (settings) {
        memcpy(change->settings, settings, sizeof change->settings);
        memset(settings, 0, sizeof change->settings);
    }
    change->task.run = create_run;
    change->task.done = create_done;
    storage_submit(buckets->storage, &change->task);
    return 0;
}

static int find_id(struct storage *storage, const char *name, int64_t *id, struct error *error)
{
    struct statement select = statement_prepare(storage, "SELECT id FROM buckets WHERE name = ?");
    bind_text(&select, name);
    int code = statement_step(&select, error);
    if (code == 1)
        *id = column_int(&select, 0);
    statement_reset(&select);
    if (code == 0)
        return error_set(error, ERR_NO_CONTAINER, "the bucket does not exist");
    return code == 1 ? 0 : code;
}

static int delete_rules(struct storage *storage, int64_t bucket, struct error *error)
{
    return statement_execute_with(storage, "DELETE FROM notification_rules WHERE bucket = ?",
                                  (uint64_t)bucket, error);
}

static int delete_settings(struct storage *storage, int64_t bucket, struct error *error)
{
    return statement_execute_with(storage, "DELETE FROM bucket_settings WHERE bucket = ?",
                                  (uint64_t)bucket, error);
}

static int delete_run(struct storage_task *task, struct storage *storage)
{
    struct change *change = container_of(task, struct change, task);
    int code = find_id(storage, change->name, &change->id, &task->error);
    if (code)
        return code;
    code = objects_none(storage, change->id, &task->error);
    if (code == 0)
        code = error_set(&task->error, ERR_CONFLICT, "the bucket is not empty");
    if (code < 0)
        return code;
    code = delete_rules(storage, change->id, &task->error);
    if (code)
        return code;
    code = delete_settings(storage, change->id, &task->error);
    if (code)
        return code;
    code = uploads_abort_all(&change->buckets->blobs, change->id, &task->error);
    if (code)
        return code;
    return statement_execute_with(storage, "DELETE FROM buckets WHERE id = ?", (uint64_t)change->id,
                                  &task->error);
}

static void delete_done(struct storage_task *task, int code)
{
    struct change *change = container_of(task, struct change, task);
    if (!code)
        buckets_remove_entry(change->buckets, change->name);
    change_finish(change, code);
}

int buckets_delete(struct buckets *buckets, const char *name, bucket_done *done, void *user)
{
    struct change *change = change_create(buckets, name, done, user);
    if (!change)
        return ERR_MEMORY;
    change->task.run = delete_run;
    change->task.done = delete_done;
    storage_submit(buckets->storage, &change->task);
    return 0;
}

static int insert_rule(struct storage *storage, int64_t bucket, size_t position,
                       const struct notification_rule *rule, struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT INTO notification_rules (bucket, position, id, target, topic, events, "
                 "prefix, suffix) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bind_int(&insert, bucket);
    bind_uint(&insert, position);
    bind_text(&insert, rule->id);
    bind_text(&insert, rule->target);
    bind_int(&insert, rule->topic);
    bind_text(&insert, rule->events);
    bind_text(&insert, rule->prefix);
    bind_text(&insert, rule->suffix);
    return statement_execute(&insert, error);
}

/* A row without a target means EventBridge. */
static const struct notification_rule event_bridge_row = {
    .id = "", .target = "", .events = "", .prefix = "", .suffix = ""};

static int notify_run(struct storage_task *task, struct storage *storage)
{
    struct change *change = container_of(task, struct change, task);
    if (change->must_fail)
        return no_memory(&task->error);
    int code = find_id(storage, change->name, &change->id, &task->error);
    if (code)
        return code;
    code = delete_rules(storage, change->id, &task->error);
    if (code)
        return code;
    for (size_t i = 0; i < change->notification.count; i++) {
        code = insert_rule(storage, change->id, i, &change->notification.rules[i], &task->error);
        if (code)
            return code;
    }
    return change->notification.event_bridge
               ? insert_rule(storage, change->id, change->notification.count, &event_bridge_row,
                             &task->error)
               : 0;
}

static void notify_done(struct storage_task *task, int code)
{
    struct change *change = container_of(task, struct change, task);
    struct bucket_entry *entry = code ? NULL : buckets_find_entry(change->buckets, change->name);
    if (entry) {
        struct notification old = entry->notification;
        entry->notification = change->notification;
        change->notification = old;
    }
    change_finish(change, code);
}

int buckets_set_notification(struct buckets *buckets, const char *name,
                             struct notification *notification, bucket_announce *announce,
                             bucket_done *done, void *user)
{
    struct storage_unit unit = {0};
    struct change *change = change_create(buckets, name, done, user);
    if (!change)
        return ERR_MEMORY;
    change->notification = *notification;
    *notification = (struct notification){0};
    change->task.run = notify_run;
    change->task.done = notify_done;
    storage_unit_add(&unit, &change->task);
    change->must_fail = announce(&change->notification, &unit, user) != 0;
    storage_submit_unit(buckets->storage, &unit);
    return 0;
}

/* Documents. */

static int set_run(struct storage_task *task, struct storage *storage)
{
    struct change *change = container_of(task, struct change, task);
    int code = find_id(storage, change->name, &change->id, &task->error);
    for (int kind = 0; kind < BUCKET_SETTING_KINDS && !code; kind++) {
        if (change->kinds & 1U << kind)
            code = write_setting(storage, change, (enum bucket_setting_kind)kind, &task->error);
    }
    return code;
}

static void set_done(struct storage_task *task, int code)
{
    struct change *change = container_of(task, struct change, task);
    struct bucket_entry *entry = code ? NULL : buckets_find_entry(change->buckets, change->name);
    for (int kind = 0; kind < BUCKET_SETTING_KINDS && entry; kind++) {
        if (!(change->kinds & 1U << kind))
            continue;
        struct bucket_setting old = entry->settings[kind];
        entry->settings[kind] = change->settings[kind];
        change->settings[kind] = old;
    }
    change_finish(change, code);
}

int buckets_set(struct buckets *buckets, const char *name, unsigned kinds,
                struct bucket_setting settings[BUCKET_SETTING_KINDS], bucket_done *done, void *user)
{
    struct change *change = change_create(buckets, name, done, user);
    if (!change)
        return ERR_MEMORY;
    change->kinds = kinds;
    memcpy(change->settings, settings, sizeof change->settings);
    memset(settings, 0, sizeof change->settings);
    change->task.run = set_run;
    change->task.done = set_done;
    storage_submit(buckets->storage, &change->task);
    return 0;
}

static int read_document(struct storage *storage, const struct change *change, char **document,
                         struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT document FROM bucket_settings WHERE bucket = ? AND kind = ?");
    *document = NULL;
    bind_int(&select, change->id);
    bind_text(&select, bucket_setting_name(change->kind));
    int code = statement_step(&select, error);
    if (code == 1) {
        *document = column_dup(&select, 0);
        code = *document ? 0 : no_memory(error);
    }
    statement_reset(&select);
    return code;
}

static int edit_run(struct storage_task *task, struct storage *storage)
{
    struct change *change = container_of(task, struct change, task);
    char *document;
    int code = find_id(storage, change->name, &change->id, &task->error);
    if (code)
        return code;
    code = read_document(storage, change, &document, &task->error);
    if (code)
        return code;
    enum s3_error error = change->edit(document, &change->settings[change->kind], change->user);
    free(document);
    if (error)
        return error_set(&task->error, ERR_REFUSED, "the change is not valid");
    return write_setting(storage, change, change->kind, &task->error);
}

int buckets_edit(struct buckets *buckets, const char *name, enum bucket_setting_kind kind,
                 bucket_edit *edit, bucket_done *done, void *user)
{
    struct change *change = change_create(buckets, name, done, user);
    if (!change)
        return ERR_MEMORY;
    change->kind = kind;
    change->kinds = 1U << kind;
    change->edit = edit;
    change->task.run = edit_run;
    change->task.done = set_done;
    storage_submit(buckets->storage, &change->task);
    return 0;
}
