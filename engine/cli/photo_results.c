#include "photo_results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_pipeline[] = "no pipeline accepts a file with this name";

/* ---- building ---- */

static void output_clear(struct output_result *output)
{
    free(output->bucket);
    free(output->key);
    free(output->path);
    free(output->problem);
}

static void part_clear(struct pipeline_result *part)
{
    for (size_t i = 0; i < part->output_count; i++)
        output_clear(&part->outputs[i]);
    free(part->outputs);
    free(part->labels);
    free(part->detail);
}

static void photo_clear(struct photo_result *photo)
{
    for (size_t i = 0; i < photo->part_count; i++)
        part_clear(&photo->parts[i]);
    free(photo->parts);
    free(photo->failure);
    free(photo->key);
}

void photo_results_clear(struct photo_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        photo_clear(&results->photos[i]);
    free(results->photos);
    text_index_clear(&results->keys);
    *results = (struct photo_results){0};
}

static int parts_plan(struct photo_result *photo, const struct photo_results_options *options)
{
    photo->parts =
        calloc(options->pipeline_count ? options->pipeline_count : 1, sizeof *photo->parts);
    if (!photo->parts)
        return ERR_MEMORY;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        const struct pipeline *pipeline = options->pipelines[i];
        if (options->ops->matches(pipeline, options->bucket, photo->key))
            photo->parts[photo->part_count++].pipeline = options->ops->facts(pipeline)->name;
    }
    return 0;
}

static int photo_plan(struct photo_results *results, const struct photo *from,
                      const struct photo_results_options *options, struct error *error)
{
    struct photo_result *photo = &results->photos[results->count];
    photo->path = from->path;
    photo->name = from->name;
    results->count++; /* from here on photo_results_clear frees it */
    if (asprintf(&photo->key, "%s%s", options->prefix, from->name) < 0) {
        photo->key = NULL;
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    if (strlen(photo->key) > OBJECT_KEY_MAX)
        return error_set(error, ERR_LIMIT, "%s: the name is too long for an object key",
                         from->path);
    if (parts_plan(photo, options) ||
        text_index_add(&results->keys, photo->key, results->count - 1))
        return error_set(error, ERR_MEMORY, "out of memory");
    results->parts += photo->part_count;
    return 0;
}

int photo_results_init(struct photo_results *results, const struct photos *photos,
                       const struct photo_results_options *options, struct error *error)
{
    *results =
        (struct photo_results){.bucket = options->bucket, .max_attempts = options->max_attempts};
    results->photos = calloc(photos->count ? photos->count : 1, sizeof *results->photos);
    int code = results->photos ? 0 : error_set(error, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < photos->count && !code; i++)
        code = photo_plan(results, &photos->items[i], options, error);
    if (code)
        photo_results_clear(results);
    return code;
}

/* ---- recording results ---- */

static void photo_settle(struct photo_results *results, struct photo_result *photo)
{
    results->photos_settled++;
    if (photo->failure || photo->parts_failed)
        results->photos_failed++;
}

void photo_results_sent(struct photo_results *results, size_t index, uint64_t bytes)
{
    struct photo_result *photo = &results->photos[index];
    photo->sent = true;
    photo->bytes = bytes;
    if (photo->part_count > 0)
        return;
    photo->failure = strdup(no_pipeline);
    photo->parts_failed = 1; /* even if strdup failed */
    photo_settle(results, photo);
}

void photo_results_failed(struct photo_results *results, size_t index, const char *why)
{
    struct photo_result *photo = &results->photos[index];
    if (photo->part_count && photo->parts_settled == photo->part_count)
        return; /* the photo did arrive: only the response was lost */
    photo->failure = strdup(why);
    photo->parts_failed = photo->part_count ? photo->part_count : 1;
    results->parts_settled += photo->part_count - photo->parts_settled;
    photo->parts_settled = photo->part_count;
    photo_settle(results, photo);
}

static char *copy(const char *text)
{
    return strdup(text ? text : "");
}

static int rendition_copy(struct output_result *to, const struct rendition *from,
                          const char *bucket)
{
    to->bucket = copy(from->bucket ? from->bucket : bucket);
    to->key = copy(from->key);
    to->bytes = from->body.size;
    to->width = from->width;
    to->height = from->height;
    to->frames = from->frames;
    to->milliseconds = from->milliseconds;
    to->sidecar = from->manifest;
    return to->bucket && to->key ? 0 : ERR_MEMORY;
}

static int sidecar_copy(struct output_result *to, const struct engine_record *record)
{
    to->bucket = copy(record->sidecar_bucket ? record->sidecar_bucket : record->bucket);
    to->key = copy(record->sidecar_key);
    to->sidecar = true;
    return to->bucket && to->key ? 0 : ERR_MEMORY;
}

static int outputs_copy(struct pipeline_result *part, const struct engine_record *record)
{
    size_t count = record->rendition_count + (record->sidecar_key ? 1 : 0);
    int code = 0;
    part->outputs = calloc(count ? count : 1, sizeof *part->outputs);
    if (!part->outputs)
        return ERR_MEMORY;
    part->output_count = count;
    for (size_t i = 0; i < record->rendition_count && !code; i++)
        code = rendition_copy(&part->outputs[i], &record->renditions[i], record->bucket);
    if (record->sidecar_key && !code)
        code = sidecar_copy(&part->outputs[count - 1], record);
    return code;
}

static int labels_copy(struct pipeline_result *part, const struct label_set *labels)
{
    if (!labels || labels->count == 0)
        return 0;
    part->labels = malloc(labels->count * sizeof *part->labels);
    if (!part->labels)
        return ERR_MEMORY;
    memcpy(part->labels, labels->entries, labels->count * sizeof *part->labels);
    part->label_count = labels->count;
    return 0;
}

static struct pipeline_result *part_find(struct photo_result *photo, const char *pipeline)
{
    for (size_t i = 0; i < photo->part_count; i++)
        if (strcmp(photo->parts[i].pipeline, pipeline) == 0)
            return &photo->parts[i];
    return NULL;
}

static int failure_copy(struct pipeline_result *part, const struct engine_record *record)
{
    free(part->detail);
    part->detail = copy(record->detail);
    part->reason = record->reason;
    return part->detail ? 0 : ERR_MEMORY;
}

/* RETRY leaves a part open, unless the queue will not deliver the message again. */
static int part_record(const struct photo_results *results, struct pipeline_result *part,
                       const struct engine_record *record)
{
    int code = 0;
    if (record->handed_back)
        return 0; /* no attempt was made */
    if (record->outcome == OUTCOME_ACK) {
        code = outputs_copy(part, record);
        code = code ? code : labels_copy(part, record->labels);
        part->milliseconds = record->milliseconds;
        part->state = code ? PART_FAILED : PART_DONE;
    } else {
        code = failure_copy(part, record);
        part->attempts += record->outcome == OUTCOME_RETRY;
        if (record->outcome == OUTCOME_REJECT || part->attempts >= results->max_attempts)
            part->state = PART_FAILED;
    }
    return code;
}

int photo_results_record(struct photo_results *results, const struct engine_record *record,
                         struct photo_results_change *event)
{
    *event = (struct photo_results_change){0};
    if (strcmp(record->bucket, results->bucket) != 0)
        return 0;
    size_t index = text_index_find(&results->keys, record->key);
    if (index == SIZE_MAX)
        return 0;
    struct photo_result *photo = &results->photos[index];
    struct pipeline_result *part = part_find(photo, record->pipeline);
    if (!part || part->state != PART_OPEN || photo->failure)
        return 0;

    int code = part_record(results, part, record);
    event->photo = photo;
    event->part = part;
    event->settled = part->state != PART_OPEN;
    if (!event->settled)
        return code;
    results->parts_settled++;
    photo->parts_settled++;
    photo->parts_failed += part->state == PART_FAILED;
    event->photo_settled = photo->parts_settled == photo->part_count;
    if (event->photo_settled)
        photo_settle(results, photo);
    return code;
}

static void part_close(struct photo_results *results, struct photo_result *photo,
                       struct pipeline_result *part, const char *reason)
{
    if (part->state != PART_OPEN)
        return;
    if (!part->reason)
        part->reason = reason;
    part->state = PART_FAILED;
    photo->parts_failed++;
    photo->parts_settled++;
    results->parts_settled++;
}

void photo_results_close(struct photo_results *results, const char *reason)
{
    for (size_t i = 0; i < results->count; i++) {
        struct photo_result *photo = &results->photos[i];
        bool open =
            photo->part_count ? photo->parts_settled < photo->part_count : !photo->parts_failed;
        if (!open)
            continue;
        if (photo->part_count == 0) {
            photo->failure = strdup(reason); /* it was never sent */
            photo->parts_failed = 1;
        }
        for (size_t p = 0; p < photo->part_count; p++)
            part_close(results, photo, &photo->parts[p], reason);
        photo_settle(results, photo);
    }
}

bool photo_results_settled(const struct photo_results *results)
{
    return results->photos_settled == results->count;
}

static bool outputs_written(const struct pipeline_result *part)
{
    for (size_t i = 0; i < part->output_count; i++)
        if (part->outputs[i].problem)
            return false;
    return true;
}

enum photo_outcome photo_outcome(const struct photo_result *photo)
{
    if (photo->failure || photo->parts_failed)
        return PHOTO_FAILED;
    for (size_t p = 0; p < photo->part_count; p++)
        if (!outputs_written(&photo->parts[p]))
            return PHOTO_FAILED;
    bool done = photo->part_count > 0 && photo->parts_settled == photo->part_count;
    return done ? PHOTO_DONE : PHOTO_NOT_PROCESSED;
}

size_t photo_results_count(const struct photo_results *results, enum photo_outcome result)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += photo_outcome(&results->photos[i]) == result;
    return count;
}

bool photo_results_succeeded(const struct photo_results *results)
{
    return photo_results_count(results, PHOTO_DONE) == results->count;
}
