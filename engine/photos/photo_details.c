/*
 * The queue of photos to read, and the requests for one photo after the other. photo_detail_job.c plans
 * a job and stores its result, on the index thread.
 */
#include "photo_details.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "key_pattern.h"
#include "output_mark.h"
#include "photo_db.h"
#include "photo_detail_job.h"

enum {
    RUNNING_MAX = 4,
    BACKGROUND_MS = 20, /* between two photos of the background */
    PAUSE_MS = 5000,    /* after a failure */
    SEEK_MAX = 32,
};

static void reader_go(struct photo_reader *reader);
static void job_next(struct detail_job *job);
static void on_timer(uv_timer_t *timer);

/* ---- jobs ---- */

static void job_end(struct detail_job *job)
{
    struct photo_reader *reader = job->reader;
    if (!reader->closing) {
        list_remove(&job->link);
        reader->running_count--;
        if (job->failed && job->background)
            uv_timer_start(&reader->timer, on_timer, PAUSE_MS, 0);
        if (job->changed)
            reader->options.changed(job->bucket, job->key, !job->gone, reader->options.user);
        detail_job_free(job);
        reader_go(reader);
    } else {
        detail_job_free(job);
    }
}

static void plan_done(struct index_task *task, int code)
{
    struct detail_job *job = container_of(task, struct detail_job, task);
    job->failed = code != 0;
    if (code || job->reader->closing || (!job->known && !job->needs_original))
        job_end(job);
    else
        job_next(job);
}

/* ---- reading ---- */

static void read_failed(struct detail_job *job, const struct error *error)
{
    struct photo_reader *reader = job->reader;
    job->failed = true;
    if (log_gate_open(&reader->gate, uv_now(reader->options.loop), 60000))
        log_warn("the details of a photo could not be read for the gallery",
                 LOG_TEXT("bucket", job->bucket), LOG_TEXT("key", job->key),
                 LOG_TEXT("error", error->text), LOG_SUPPRESSED(&reader->gate));
}

static void on_original(const struct object_facts *facts, const struct error *error, void *user)
{
    struct detail_job *job = user;
    job->request = NULL;
    job->needs_original = false;
    if (error->code == ERR_NOT_FOUND || error->code == ERR_NO_CONTAINER) {
        job->gone = true;
    } else if (error->code) {
        read_failed(job, error);
    } else {
        job->read_original = true;
        job->original.size = facts->size;
        job->original.modified_ms = facts->modified_s * 1000;
        job->original.etag = facts->etag ? strdup(facts->etag) : NULL;
    }
    job_next(job);
}

static void on_tags(const struct object_pair *tags, size_t count, const struct error *error,
                    void *user)
{
    struct detail_job *job = user;
    job->request = NULL;
    job->read_tags = true;
    if (error->code == ERR_NOT_FOUND)
        job->gone = true;
    else if (error->code)
        read_failed(job, error);
    for (size_t i = 0; !error->code && i < count && i < OBJECT_TAGS_MAX; i++) {
        const struct object_pair copy = {strdup(tags[i].name), strdup(tags[i].value)};
        job->tags[job->tag_count++] = copy;
        job->failed |= !copy.name || !copy.value;
    }
    job_next(job);
}

static void size_read(const struct object_facts *facts, const char *name, unsigned *width,
                      unsigned *height)
{
    const char *text = object_metadata(facts, name);
    if (!text || sscanf(text, "%6ux%6u", width, height) != 2)
        *width = *height = 0;
}

static void text_read(const struct object_facts *facts, const char *name, char *out, size_t size)
{
    const char *text = object_metadata(facts, name);
    if (text && !*out && strlen(text) < size)
        snprintf(out, size, "%s", text);
}

static void on_output(const struct object_facts *facts, const struct error *error, void *user)
{
    struct detail_job *job = user;
    struct detail_item *item = &job->items[job->at++];
    job->request = NULL;
    if (!error->code) {
        item->found = true;
        item->size = facts->size;
        item->modified_ms = facts->modified_s * 1000;
        size_read(facts, OUTPUT_MARK_SIZE, &item->width, &item->height);
        if (!job->width)
            size_read(facts, OUTPUT_MARK_IMAGE, &job->width, &job->height);
        text_read(facts, "colour", job->colour, sizeof job->colour);
        text_read(facts, "thumbhash", job->thumbhash, sizeof job->thumbhash);
    } else if (error->code != ERR_NOT_FOUND) {
        read_failed(job, error);
    }
    job_next(job);
}

/* Of an output whose key contains sizes: the newest object with such a key. */
static void on_output_listed(const struct object_entry *entries, size_t count, bool more,
                             const struct error *error, void *user)
{
    struct detail_job *job = user;
    struct detail_item *item = &job->items[job->at++];
    (void)more; /* the scan finds what is beyond the first page */
    job->request = NULL;
    for (size_t i = 0; !error->code && i < count; i++) {
        if (!key_pattern_matches(item->key, entries[i].key) ||
            (item->found && entries[i].modified_ms < item->modified_ms))
            continue;
        free(item->found_key);
        item->found_key = strdup(entries[i].key);
        item->found = item->found_key != NULL;
        item->size = entries[i].size;
        item->modified_ms = entries[i].modified_ms;
    }
    if (error->code)
        read_failed(job, error);
    job_next(job);
}

static int item_look(struct detail_job *job)
{
    struct object_store *store = job->reader->options.store;
    const struct detail_item *item = &job->items[job->at];
    if (!item->bucket || !item->key)
        return ERR_MEMORY;
    const size_t literal = key_pattern_literal(item->key);
    if (!item->key[literal]) {
        const struct object_name name = {.bucket = item->bucket, .key = item->key};
        return store->ops->head(store, &name, on_output, job, &job->request);
    }
    char *prefix = strndup(item->key, literal);
    const int code = prefix ? store->ops->list(store, item->bucket, prefix, NULL, on_output_listed,
                                               job, &job->request)
                            : ERR_MEMORY;
    free(prefix);
    return code;
}

static void result_done(struct index_task *task, int code)
{
    struct detail_job *job = container_of(task, struct detail_job, task);
    job->failed |= code != 0;
    job_end(job);
}

/* ---- one request after the other ---- */

static int request_start(struct detail_job *job)
{
    struct object_store *store = job->reader->options.store;
    const struct object_name name = {.bucket = job->bucket, .key = job->key};
    if (job->needs_original)
        return store->ops->head(store, &name, on_original, job, &job->request);
    if (!job->read_tags)
        return store->ops->get_tags(store, &name, on_tags, job, &job->request);
    return item_look(job);
}

static void job_next(struct detail_job *job)
{
    const bool more = job->needs_original || !job->read_tags || job->at < job->item_count;
    if (more && !job->gone && !job->failed) {
        const int code = request_start(job);
        if (!code)
            return;
        struct error error = {0};
        job->request = NULL;
        error_set(&error, code, "the request could not be started (%s)", error_name(code));
        read_failed(job, &error);
    }
    job->task = (struct index_task){.run = detail_result_run, .done = result_done};
    photo_index_submit(job->reader->options.index, &job->task);
}

/* ---- the queue and the background ---- */

static void job_begin(struct photo_reader *reader, struct detail_job *job)
{
    list_push(&reader->running, &job->link);
    reader->running_count++;
    job->task = (struct index_task){.run = detail_plan_run, .done = plan_done};
    photo_index_submit(reader->options.index, &job->task);
}

struct detail_seek {
    struct index_task task;
    struct photo_reader *reader;
    struct {
        char *bucket, *key;
    } found[SEEK_MAX];
    size_t count;
};

static int seek_run(struct index_task *task, struct photo_db *db)
{
    struct detail_seek *seek = container_of(task, struct detail_seek, task);
    struct statement select =
        database_prepare(&db->database, "SELECT bucket, key FROM photo WHERE detailed = 0 ORDER BY "
                                        "modified DESC LIMIT 32");
    int code;
    while ((code = statement_step(&select, &task->error)) > 0 && seek->count < SEEK_MAX) {
        seek->found[seek->count].bucket = column_dup(&select, 0);
        seek->found[seek->count++].key = column_dup(&select, 1);
    }
    statement_reset(&select);
    return code < 0 ? code : 0;
}

static void seek_done(struct index_task *task, int code)
{
    struct detail_seek *seek = container_of(task, struct detail_seek, task);
    struct photo_reader *reader = seek->reader;
    reader->seeking = false;
    reader->idle = code || !seek->count;
    for (size_t i = 0; i < seek->count; i++) {
        struct detail_job *job = NULL;
        if (!reader->closing && seek->found[i].bucket && seek->found[i].key)
            job = detail_job_make(reader, seek->found[i].bucket, seek->found[i].key, 0);
        if (job) {
            job->background = true;
            list_push(&reader->queue, &job->link);
            reader->queue_count++;
        }
        free(seek->found[i].bucket);
        free(seek->found[i].key);
    }
    free(seek);
    if (!reader->closing)
        reader_go(reader);
}

static void seek_begin(struct photo_reader *reader)
{
    struct detail_seek *seek = calloc(1, sizeof *seek);
    if (!seek)
        return;
    seek->task = (struct index_task){.run = seek_run, .done = seek_done};
    seek->reader = reader;
    reader->seeking = true;
    photo_index_submit(reader->options.index, &seek->task);
}

static struct detail_job *queue_take(struct photo_reader *reader)
{
    reader->queue_count--;
    return container_of(list_shift(&reader->queue), struct detail_job, link);
}

static void on_timer(uv_timer_t *timer)
{
    struct photo_reader *reader = container_of(timer, struct photo_reader, timer);
    if (reader->queue_count && reader->running_count < RUNNING_MAX)
        job_begin(reader, queue_take(reader));
    reader_go(reader);
}

/* Starts what somebody waits for, and sees to it that the background goes on. */
static void reader_go(struct photo_reader *reader)
{
    while (reader->queue_count && reader->running_count < RUNNING_MAX &&
           !container_of(reader->queue.next, struct detail_job, link)->background)
        job_begin(reader, queue_take(reader));
    if (uv_is_active((uv_handle_t *)&reader->timer))
        return;
    if (reader->queue_count)
        uv_timer_start(&reader->timer, on_timer, BACKGROUND_MS, 0);
    else if (!reader->running_count && !reader->seeking && !reader->idle)
        seek_begin(reader);
}

void photo_reader_kick(struct photo_reader *reader)
{
    reader->idle = false;
    reader_go(reader);
}

void photo_reader_read(struct photo_reader *reader, const char *bucket, const char *key,
                       unsigned wants)
{
    struct detail_job *job = reader->queue_count < PHOTO_READER_QUEUE_MAX
                                 ? detail_job_make(reader, bucket, key, wants)
                                 : NULL;
    if (!job)
        return;
    job->link.next = reader->queue.next; /* in front */
    job->link.prev = &reader->queue;
    reader->queue.next->prev = &job->link;
    reader->queue.next = &job->link;
    reader->queue_count++;
    reader_go(reader);
}

void photo_reader_init(struct photo_reader *reader, const struct photo_details_options *options)
{
    *reader = (struct photo_reader){.options = *options};
    list_init(&reader->queue);
    list_init(&reader->running);
    uv_timer_init(options->loop, &reader->timer);
}

void photo_reader_end(struct photo_reader *reader)
{
    struct list *link;
    reader->closing = true;
    while ((link = list_shift(&reader->queue)))
        detail_job_free(container_of(link, struct detail_job, link));
    while ((link = list_shift(&reader->running))) {
        struct detail_job *job = container_of(link, struct detail_job, link);
        if (!job->request)
            continue; /* a task has it, and frees it */
        reader->options.store->ops->cancel(job->request);
        detail_job_free(job);
    }
    uv_timer_stop(&reader->timer);
}
