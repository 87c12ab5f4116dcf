/* What the index says has to be read of a photo, and what it learns from the result. */
#include "photo_detail_job.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "photo_db.h"
#include "photo_details.h"
#include "photo_rows.h"

void detail_job_free(struct detail_job *job)
{
    for (size_t i = 0; i < job->item_count; i++) {
        free(job->items[i].bucket);
        free(job->items[i].key);
        free(job->items[i].found_key);
    }
    for (size_t i = 0; i < job->tag_count; i++) {
        free((char *)(uintptr_t)job->tags[i].name);
        free((char *)(uintptr_t)job->tags[i].value);
    }
    free(job->original.etag);
    free(job->bucket);
    free(job->key);
    free(job);
}

struct detail_job *detail_job_make(struct photo_reader *reader, const char *bucket, const char *key,
                                   unsigned wants)
{
    struct detail_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    list_init(&job->link);
    job->reader = reader;
    job->wants = wants;
    job->bucket = strdup(bucket);
    job->key = strdup(key);
    if (job->bucket && job->key)
        return job;
    detail_job_free(job);
    return NULL;
}

/* ---- the plan, on the index thread ---- */

static void item_add(struct detail_job *job, const char *bucket, const char *key)
{
    struct detail_item *item = &job->items[job->item_count];
    if (job->item_count == DETAIL_ITEMS_MAX)
        return;
    *item = (struct detail_item){.bucket = strdup(bucket), .key = strdup(key)};
    job->item_count++;
}

struct detail_plan {
    struct detail_job *job;
    const struct photo_config *config;
};

static int item_plan(const struct expected_output *output, void *user)
{
    const struct detail_plan *plan = user;
    const bool rendition = plan->config->outputs[output->output].kind == PHOTO_RENDITION;
    if (output->key && rendition && !output->width)
        item_add(plan->job, output->bucket, output->key);
    else if (output->stale && (plan->job->wants & DETAIL_OUTPUTS))
        item_add(plan->job, output->bucket, output->pattern);
    return 0;
}

int detail_plan_run(struct index_task *task, struct photo_db *db)
{
    struct detail_job *job = container_of(task, struct detail_job, task);
    struct detail_plan plan = {job, db->config};
    struct statement photo =
        database_prepare(&db->database, "SELECT etag FROM photo WHERE bucket = ? AND key = ?");
    bind_text(&photo, job->bucket);
    bind_text(&photo, job->key);
    const int code = statement_step(&photo, &task->error);
    if (code < 0)
        return code;
    job->known = code > 0;
    const char *etag = code > 0 ? column_text(&photo, 0) : NULL;
    job->needs_original = (job->wants & DETAIL_ORIGINAL) || (etag && !*etag);
    statement_reset(&photo);
    return row_each_output(db, job->bucket, job->key, item_plan, &plan, &task->error);
}

/* ---- the result, on the index thread ---- */

static int items_store(struct detail_job *job, struct photo_db *db)
{
    for (size_t i = 0; i < job->item_count; i++) {
        const struct detail_item *item = &job->items[i];
        const char *key = item->found_key ? item->found_key : item->key;
        const struct seen_object seen = {item->bucket, key, item->size, item->modified_ms, NULL};
        int64_t photo;
        bool changed;
        if (!item->found)
            continue;
        int code = row_output_seen(db, &seen, &photo, &changed, &job->task.error);
        if (code)
            return code;
        if (item->width)
            code = row_output_sized(db, item->bucket, key, item->width, item->height,
                                    &job->task.error);
        if (code)
            return code;
    }
    return 0;
}

/* Whether nothing is left to be read. */
static bool is_complete(const struct detail_job *job)
{
    for (size_t i = 0; i < job->item_count; i++) {
        if (job->items[i].found && job->items[i].found_key)
            return false; /* its metadata have not been read */
    }
    return job->read_tags && !job->failed;
}

static int details_store(struct detail_job *job, struct photo_db *db)
{
    const struct photo_details details = {
        .width = job->width,
        .height = job->height,
        .colour = job->colour,
        .thumbhash = job->thumbhash,
        .tags = job->read_tags && !job->failed ? job->tags : NULL,
        .tag_count = job->tag_count,
        .complete = is_complete(job),
    };
    int64_t id;
    const int code = row_find(db, job->bucket, job->key, &id, &job->task.error);
    return code || !id ? code : row_details(db, id, &details, &job->task.error);
}

static int everything_store(struct detail_job *job, struct photo_db *db)
{
    const struct seen_object seen = {job->bucket, job->key, job->original.size,
                                     job->original.modified_ms, job->original.etag};
    enum row_change change;
    bool removed;
    int code = 0;
    if (job->gone)
        return row_photo_gone(db, job->bucket, job->key, &removed, &job->task.error);
    if (job->read_original && photo_config_accepts(db->config, job->bucket, job->key))
        code = row_photo_seen(db, &seen, &change, &job->task.error);
    if (code)
        return code;
    code = items_store(job, db);
    return code ? code : details_store(job, db);
}

int detail_result_run(struct index_task *task, struct photo_db *db)
{
    struct detail_job *job = container_of(task, struct detail_job, task);
    const uint64_t before = db->changes;
    const int code = everything_store(job, db);
    job->changed = db->changes != before;
    return code;
}
