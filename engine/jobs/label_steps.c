/*
 * The steps of a job that concern labels: they are asked for, compared, and stored as a JSON
 * document and as tags.
 *
 * A service takes long enough for the photo to be replaced meanwhile. Its labels must not become
 * those of the new photo, which has its own event, so the ETag of the object is compared before
 * anything is written: before the document, and again before the tags, since S3 has no condition for
 * them. Tags of an object with a known version go to that version.
 */
#include <jansson.h>
#include <string.h>

#include "consumer.h"
#include "job_access.h"
#include "job_trace.h"
#include "label_document.h"
#include "log.h"

/* NULL: the built-in labeler, which has run on the worker. */
static const struct labeler_settings *service_of(const struct job *job)
{
    const struct pipeline_facts *facts = ops_of(job)->facts(job->msg.pipeline);
    return facts->labels ? facts->labeler : NULL;
}

/* ---- label ---- */

static void on_labels(const struct label_set *labels, struct json_t *details,
                      const struct error *error, void *user)
{
    struct job *job = user;
    job->loop.label_request = NULL;
    job->loop.labelled = true;
    label_turn_end(&job->loop.turn);
    bytes_free(&item_of(job)->label_image.body);
    record_error(job, error);
    if (!error->code) {
        item_of(job)->labels = *labels;
        job->loop.label_details = json_incref(details);
    }
    job->loop.pending--;
    job_resume(job);
}

static enum step_result label_start(struct job *job, const struct labeler_settings *service)
{
    struct labeler *labeler = job->msg.runner->options.labelers[service->kind];
    const struct bytes *image = &item_of(job)->label_image.body;
    if (!labeler)
        return error_set(&job->loop.error, ERR_REFUSED, "the labeler \"%s\" is not available",
                         service->name),
               STEP_FAIL;
    job->loop.label_name = source_name(job);
    job->loop.label_input = (struct label_input){.name = &job->loop.label_name,
                                                 .settings = service,
                                                 .source = source_image(&job->work.claim),
                                                 .image = {image->data, image->size}};
    int code = labeler->ops->label(labeler, &job->loop.label_input, on_labels, job,
                                   &job->loop.label_request);
    if (code)
        return error_set(&job->loop.error, code, "the labeler could not be called (%s)",
                         error_name(code)),
               STEP_FAIL;
    job->loop.pending = 1;
    return STEP_WAIT;
}

enum step_result step_label(struct job *job)
{
    const struct labeler_settings *service = service_of(job);
    if (!service)
        return STEP_NEXT;
    if (!job->loop.asked) {
        job->loop.asked = true;
        label_turn_take(&job->msg.consumer->label_pace, &job->loop.turn, service);
    }
    if (label_turn_waits(&job->loop.turn) || job->loop.pending)
        return STEP_WAIT;
    if (!job->loop.labelled)
        return label_start(job, service);
    return job->loop.error.code ? STEP_FAIL : STEP_NEXT;
}

/* ---- compare ---- */

static void on_source_seen(const struct object_facts *facts, const struct error *error, void *user)
{
    struct job *job = user;
    const char *labelled = source_etag(&job->work.claim);
    job->loop.request = NULL;
    record_error(job, error);
    if (!error->code && labelled && facts->etag)
        job->loop.replaced = strcmp(labelled, facts->etag) != 0;
    job->loop.pending--;
    job_resume(job);
}

/* Of the current version: the labels of the key. */
static int compare_start(struct job *job)
{
    struct object_name name = source_name(job);
    name.version = NULL;
    return store_of(job)->ops->head(store_of(job), &name, on_source_seen, job, &job->loop.request);
}

static enum step_result skip_replaced(struct job *job)
{
    log_info("labels dropped: the object was replaced while it was being labelled",
             LOG_TEXT("job", job->msg.delivery->message.id),
             LOG_TEXT("pipeline", pipeline_name(job)), LOG_TEXT("bucket", job->msg.record->bucket),
             LOG_TEXT("key", job->msg.record->key), LOG_TRACE(&job->msg.delivery->trace));
    item_of(job)->labels.count = 0; /* none are stored */
    return STEP_DONE;
}

static enum step_result compared(struct job *job)
{
    if (job->loop.error.code)
        return STEP_FAIL;
    return job->loop.replaced ? skip_replaced(job) : STEP_NEXT;
}

enum step_result step_compare(struct job *job)
{
    if (!service_of(job))
        return STEP_NEXT;
    if (job->loop.pending)
        return STEP_WAIT;
    if (job->loop.asked)
        return compared(job);
    job->loop.asked = true;
    int code = compare_start(job);
    if (code)
        return error_set(&job->loop.error, code, "the labelled object could not be checked (%s)",
                         error_name(code)),
               STEP_FAIL;
    job->loop.pending = 1;
    return STEP_WAIT;
}

/* ---- describe ---- */

static void on_described(struct output_upload *output, const struct error *error)
{
    struct job *job = container_of(output, struct upload, output)->job;
    job->loop.superseded |= output->superseded;
    record_error(job, error);
    job_trace_uploaded(job, &output->put, output->began_ns, error);
    job->loop.pending--;
    job_resume(job);
}

static int document_store(struct job *job)
{
    struct render_item *item = item_of(job);
    struct upload *upload = &job->loop.sidecar;
    const struct labeler_settings *service = service_of(job);
    const struct label_document document = {
        .record = job->msg.record,
        .etag = source_etag(&job->work.claim),
        .image = &item->facts,
        .labels = &item->labels,
        .labeler = service ? service->name : NULL,
        .details = job->loop.label_details,
    };
    int code = label_document_write(&document, &job->loop.document);
    if (code)
        return code;
    job_output_prepare(job, upload);
    upload->output.done = on_described;
    upload->output.put = (struct object_put){
        .bucket = item->sidecar_bucket ? item->sidecar_bucket : job->msg.record->bucket,
        .key = item->sidecar_key,
        .body = job->loop.document.data,
        .body_size = job->loop.document.size,
        .content_type = "application/json",
        .trace = &job->msg.delivery->trace,
    };
    return output_upload_start(&upload->output);
}

/* Stores the labels as a JSON document beside the image. */
enum step_result step_describe(struct job *job)
{
    if (!item_of(job)->sidecar_key)
        return STEP_NEXT;
    if (!job->loop.asked) {
        job->loop.asked = true;
        int code = document_store(job);
        if (code) {
            error_set(&job->loop.error, code, "the label document could not be stored (%s)",
                      error_name(code));
            return STEP_FAIL;
        }
        job->loop.pending = 1;
    }
    if (job->loop.pending)
        return STEP_WAIT;
    return job_written(job);
}

/* ---- tag ---- */

static void on_tags(const struct object_pair *tags, size_t count, const struct error *error,
                    void *user)
{
    struct job *job = user;
    struct error merge = *error;
    job->loop.request = NULL;
    if (!merge.code &&
        label_tags_merge(tags, count, &item_of(job)->labels, &job->loop.tags, &job->loop.tag_count))
        error_set(&merge, ERR_MEMORY, "out of memory");
    record_error(job, &merge);
    job->loop.pending--;
    job_resume(job);
}

static void on_tagged(const struct error *error, void *user)
{
    struct job *job = user;
    job->loop.request = NULL;
    record_error(job, error);
    job->loop.pending--;
    job_resume(job);
}

/* Starts the next operation. */
static int tags_next(struct job *job)
{
    struct object_name name = source_name(job);
    struct object_store *store = store_of(job);
    enum tag_stage stage = job->loop.tag_stage++;
    if (stage == TAGS_READ)
        return store->ops->get_tags(store, &name, on_tags, job, &job->loop.request);
    if (stage == TAGS_COMPARE)
        return compare_start(job);
    return store->ops->put_tags(store, &name, job->loop.tags, job->loop.tag_count, on_tagged, job,
                                &job->loop.request);
}

/* Stores the labels as tags of the source object. S3 replaces the whole set, so existing tags are
 * read and written back. */
enum step_result step_tag(struct job *job)
{
    if (!item_of(job)->write_tags)
        return STEP_NEXT;
    if (job->loop.pending)
        return STEP_WAIT;
    enum step_result result = compared(job);
    if (result != STEP_NEXT || job->loop.tag_stage == TAGS_WRITTEN)
        return result;
    if (job->loop.tag_stage == TAGS_COMPARE && (!service_of(job) || job->msg.record->version))
        job->loop.tag_stage = TAGS_WRITE;
    int code = tags_next(job);
    if (code) {
        error_set(&job->loop.error, code, "the tags could not be read or written (%s)",
                  error_name(code));
        return STEP_FAIL;
    }
    job->loop.pending = 1;
    return STEP_WAIT;
}
