/*
 * What a scan does in the index: it finds its place when it begins, stores a page of a listing together
 * with the new place, and removes at the end what was not found.
 */
#include "photo_scan_tasks.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "photo_db.h"
#include "photo_rows.h"
#include "wall_clock.h"

enum { RECENT_MS = 10 * 60000 }; /* age of a photo that may still be processed */

/* ---- beginning ---- */

static int position_load(struct scan_beginning *b, struct photo_db *db)
{
    int64_t unfinished;
    int code = photo_db_get(db, "scan unfinished", &unfinished, &b->task.error);
    if (code || !unfinished)
        return code;
    code = photo_db_get(db, "scan stage", &b->stage, &b->task.error);
    if (code)
        return code;
    struct statement select =
        database_prepare(&db->database, "SELECT value FROM meta WHERE name = 'scan after'");
    code = statement_step(&select, &b->task.error);
    b->after = code > 0 ? column_dup(&select, 0) : NULL;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int scan_beginning_run(struct index_task *task, struct photo_db *db)
{
    struct scan_beginning *b = container_of(task, struct scan_beginning, task);
    int code = b->resumes ? position_load(b, db) : 0;
    if (code || b->stage || b->after)
        return code;
    const int64_t now_ms = wall_clock_ms();
    db->generation = now_ms > db->generation ? now_ms : db->generation + 1;
    code = photo_db_set(db, "scan generation", db->generation, &task->error);
    return code ? code : photo_db_set(db, "scan unfinished", 1, &task->error);
}

/* ---- pages ---- */

void scan_page_free(struct scan_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free((char *)(uintptr_t)page->entries[i].key);
        free((char *)(uintptr_t)page->entries[i].etag);
    }
    for (size_t i = 0; i < page->change_count; i++) {
        free(page->changes[i].bucket);
        free(page->changes[i].key);
    }
    free(page->entries);
    free(page->bucket);
    free(page);
}

/* Takes the strings. */
static void change_note(struct scan_page *page, char *bucket, char *key, int64_t modified_ms)
{
    if (bucket && key && page->change_count < SCAN_CHANGES_MAX) {
        page->changes[page->change_count++] =
            (struct scan_change){bucket, key, modified_ms > wall_clock_ms() - RECENT_MS};
        return;
    }
    free(bucket);
    free(key);
}

static int photo_store(struct scan_page *page, struct photo_db *db,
                       const struct seen_object *object)
{
    enum row_change change;
    if (!photo_config_accepts(db->config, object->bucket, object->key))
        return 0;
    const int code = row_photo_seen(db, object, &change, &page->task.error);
    if (!code && change != ROW_SAME)
        change_note(page, strdup(object->bucket), strdup(object->key), object->modified_ms);
    return code;
}

static int output_store(struct scan_page *page, struct photo_db *db,
                        const struct seen_object *object)
{
    int64_t photo;
    bool changed;
    int code = row_output_seen(db, object, &photo, &changed, &page->task.error);
    if (code || !changed)
        return code;
    struct statement select =
        database_prepare(&db->database, "SELECT bucket, key, modified FROM photo WHERE id = ?");
    bind_int(&select, photo);
    code = statement_step(&select, &page->task.error);
    if (code > 0)
        change_note(page, column_dup(&select, 0), column_dup(&select, 1), column_int(&select, 2));
    statement_reset(&select);
    return code < 0 ? code : 0;
}

static int position_store(struct scan_page *page, struct photo_db *db)
{
    const bool ends = !page->more || !page->count;
    int code = photo_db_set(db, "scan stage", (int64_t)page->stage + ends, &page->task.error);
    if (code)
        return code;
    struct statement insert = database_prepare(
        &db->database, "INSERT OR REPLACE INTO meta (name, value) VALUES ('scan after', ?)");
    bind_text(&insert, ends ? NULL : page->entries[page->count - 1].key);
    return statement_execute(&insert, &page->task.error);
}

static int page_run(struct index_task *task, struct photo_db *db)
{
    struct scan_page *page = container_of(task, struct scan_page, task);
    for (size_t i = 0; i < page->count; i++) {
        const struct object_entry *entry = &page->entries[i];
        const struct seen_object object = {page->bucket, entry->key, entry->size,
                                           entry->modified_ms, entry->etag};
        const int code =
            page->outputs ? output_store(page, db, &object) : photo_store(page, db, &object);
        if (code)
            return code;
    }
    return position_store(page, db);
}

static int entries_copy(struct scan_page *page, const struct object_entry *entries, size_t count)
{
    page->entries = calloc(count + 1, sizeof *page->entries);
    if (!page->entries)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct object_entry *copy = &page->entries[page->count++];
        *copy = entries[i];
        copy->key = strdup(entries[i].key);
        copy->etag = entries[i].etag ? strdup(entries[i].etag) : NULL;
        if (!copy->key || (entries[i].etag && !copy->etag))
            return ERR_MEMORY;
    }
    return 0;
}

struct scan_page *scan_page_make(const struct photo_stage *stage,
                                 const struct object_entry *entries, size_t count, bool more,
                                 void (*done)(struct index_task *task, int code))
{
    struct scan_page *page = calloc(1, sizeof *page);
    if (!page)
        return NULL;
    page->task = (struct index_task){.run = page_run, .done = done};
    page->outputs = stage->outputs;
    page->more = more;
    page->bucket = strdup(stage->bucket);
    if (page->bucket && entries_copy(page, entries, count) == 0)
        return page;
    scan_page_free(page);
    return NULL;
}

/* ---- the end ---- */

static void sweep_gone(const char *bucket, const char *key, void *user)
{
    struct scan_sweep *sweep = user;
    sweep->gone[sweep->gone_count++] = (struct scan_change){strdup(bucket), strdup(key), false};
}

int scan_sweep_run(struct index_task *task, struct photo_db *db)
{
    struct scan_sweep *sweep = container_of(task, struct scan_sweep, task);
    int code = sweep->photos ? row_sweep_photos(db, SCAN_SWEEP_MAX, sweep_gone, sweep, &sweep->more,
                                                &task->error)
                             : 0;
    if (code || sweep->more)
        return code;
    code = sweep->outputs ? row_sweep_outputs(db, &task->error) : 0;
    return code ? code
                : database_script(&db->database,
                                  "DELETE FROM meta WHERE name IN ('scan "
                                  "unfinished', 'scan stage', 'scan after')",
                                  &task->error);
}
