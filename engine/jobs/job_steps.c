/*
 * The steps of a job, in order. Each is called when the job enters its state and again after each
 * wait; `asked` distinguishes the two. It first checks the recorded results, then starts missing
 * operations.
 *
 * Nothing is acknowledged before it is stored: the steps that write come last, and if any of them
 * fails, the message is delivered again. Writing again is harmless, because keys and bytes are the
 * same every time.
 */
#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "delivery.h"
#include "job.h"
#include "job_access.h"
#include "job_notify.h"
#include "job_trace.h"
#include "log.h"
#include "output_mark.h"

/* ---- match, fetch, render ---- */

static bool matches(const struct job *job)
{
    const struct envelope_record *record = job->msg.record;
    return ops_of(job)->matches(job->msg.pipeline, record->bucket, record->key);
}

static enum step_result step_match(struct job *job)
{
    struct envelope_record *record = job->msg.record;
    struct event_order *order = job->msg.runner->options.order;
    if (!matches(job) && !(envelope_record_use_raw(record, true) && matches(job)))
        return STEP_DONE;
    if (record->removed)
        event_order_removed(order, record);
    if (!record->created)
        return STEP_DONE;
    if (event_order_join(order, pipeline_name(job), record, &job->loop.order) == ORDER_OLD)
        return job_skip_older(job);
    return STEP_NEXT;
}

/* Warns about a template that writes where its pipeline reads. */
static enum step_result skip_output(const struct job *job)
{
    log_info("event skipped: the object is an output of thumbwheel",
             LOG_TEXT("job", job->msg.delivery->message.id),
             LOG_TEXT("pipeline", pipeline_name(job)), LOG_TEXT("bucket", job->msg.record->bucket),
             LOG_TEXT("key", job->msg.record->key), LOG_TRACE(&job->msg.delivery->trace));
    return STEP_DONE;
}

/* If the service does not encode the keys in its events, the object has the other name. */
static enum step_result fetch_failed(struct job *job)
{
    struct envelope_record *record = job->msg.record;
    if (job->loop.error.code != ERR_NOT_FOUND)
        return STEP_FAIL;
    if (!envelope_record_use_raw(record, true)) {
        if (envelope_record_use_raw(record, false))
            error_set(&job->loop.error, ERR_NOT_FOUND,
                      "s3://%s/%s does not exist, nor does the undecoded key", record->bucket,
                      record->key);
        return STEP_FAIL;
    }
    log_debug("no object has the decoded key; trying the undecoded one",
              LOG_TEXT("job", job->msg.delivery->message.id), LOG_TEXT("bucket", record->bucket),
              LOG_TEXT("key", record->key), LOG_TRACE(&job->msg.delivery->trace));
    return STEP_BACK;
}

static enum step_result fetched(struct job *job, enum source_state state)
{
    if (state == SOURCE_FETCHING)
        return STEP_WAIT;
    job_trace_fetched(job, job->loop.asked_ns, job->work.claim.shared, &job->loop.error);
    if (state == SOURCE_FAILED)
        return fetch_failed(job);
    return source_is_output(&job->work.claim) ? skip_output(job) : STEP_NEXT;
}

static enum step_result step_fetch(struct job *job)
{
    struct source_claim *claim = &job->work.claim;
    if (job->loop.asked)
        return fetched(job, source_result(claim, &job->loop.error));
    job->loop.asked = true;
    job->loop.asked_ns = uv_hrtime();
    claim->trace = &job->msg.delivery->trace;
    return fetched(job, source_join(job->msg.runner->options.sources, job->msg.record, claim,
                                    &job->loop.error));
}

static void log_damage(struct job *job)
{
    const char *text = item_of(job)->facts.damage == IMAGE_TRUNCATED
                           ? "pixels of this image are missing; it is processed as it is, because "
                             "the pipeline tolerates that"
                           : "this image ends too early, but all of its pixels are present";
    log_warn(text, LOG_TEXT("pipeline", pipeline_name(job)),
             LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key));
}

static void log_large(struct job *job, const struct rendition *rendition)
{
    log_warn("an output has more bytes than max_bytes allows, even with min_quality; it is stored: "
             "lower min_quality or the size in pixels, or raise max_bytes",
             LOG_TEXT("pipeline", pipeline_name(job)), LOG_TEXT("output", rendition->key),
             LOG_INT("bytes", (int64_t)rendition->body.size),
             LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key));
}

/* The render needs the pipeline with the pictures of its overlays. */
static enum step_result pictures_get(struct job *job)
{
    struct job_runner_options *options = &job->msg.runner->options;
    if (!ops_of(job)->facts(job->msg.pipeline)->overlay_count || job->loop.dressed)
        return STEP_NEXT;
    switch (overlay_table_get(options->overlays, job->msg.pipeline, job->msg.record->bucket,
                              &job->loop.overlay, &job->loop.dressed, &job->loop.error)) {
    case OVERLAY_WAITS:
        return STEP_WAIT;
    case OVERLAY_FAILED:
        return STEP_FAIL;
    default:
        item_of(job)->pipeline = job->loop.dressed;
        return STEP_NEXT;
    }
}

static enum step_result step_render(struct job *job)
{
    if (!job->loop.asked) {
        enum step_result pictures = pictures_get(job);
        if (pictures != STEP_NEXT)
            return pictures;
        job->loop.asked = true;
        source_render(&job->work.claim);
        return STEP_WAIT;
    }
    struct render_item *item = item_of(job);
    record_error(job, &item->error);
    job_trace_rendered(job, &job->work.claim.work, &item->error);
    if (item->error.code)
        return STEP_FAIL;
    if (item->facts.damage)
        log_damage(job);
    for (size_t i = 0; i < item->rendition_count; i++) {
        if (item->renditions[i].too_large)
            log_large(job, &item->renditions[i]);
    }
    job->msg.runner->stats.rendered += item->rendition_count;
    return STEP_NEXT;
}

/* ---- order ---- */

static void on_output_seen(const struct object_facts *facts, const struct error *error, void *user)
{
    struct job *job = user;
    const char *sequencer = error->code ? NULL : output_mark_sequencer(facts, job->msg.record);
    job->loop.request = NULL;
    job->loop.pending--;
    if (sequencer)
        event_order_learn(&job->loop.order, sequencer);
    if (error->code == ERR_DENIED) {
        if (log_gate_open(&job->msg.delivery->consumer->unreadable, uv_now(job->msg.runner->loop),
                          3600000))
            log_warn("outputs may not be read, so older events of an object with versions cannot "
                     "be recognised after a restart: allow s3:GetObject and s3:ListBucket",
                     LOG_TEXT("pipeline", pipeline_name(job)), LOG_TEXT("error", error->text),
                     LOG_SUPPRESSED(&job->msg.delivery->consumer->unreadable));
    } else if (error->code != ERR_NOT_FOUND && error->code != ERR_NO_CONTAINER) {
        record_error(job, error);
    }
    job_resume(job);
}

static bool first_output(struct job *job, struct object_name *name)
{
    const struct render_item *item = item_of(job);
    const char *bucket = item->sidecar_bucket;
    name->key = item->sidecar_key;
    if (item->rendition_count) {
        bucket = item->renditions[0].bucket;
        name->key = item->renditions[0].key;
    }
    name->bucket = bucket ? bucket : job->msg.record->bucket;
    return name->key != NULL;
}

/* An event that names a version gets the bytes of that version, however old. The metadata of the
 * existing output shows whether a newer event was already processed, in this process or another. */
static bool needs_look(const struct job *job)
{
    return job->msg.record->version && job->loop.order.key;
}

static enum step_result step_order(struct job *job)
{
    struct object_name name = {.trace = &job->msg.delivery->trace};
    if (job->loop.pending)
        return STEP_WAIT;
    if (job->loop.error.code)
        return STEP_FAIL;
    enum order_verdict verdict = event_order_turn(&job->loop.order);
    if (verdict == ORDER_OLD)
        return job_skip_older(job);
    if (verdict == ORDER_WAIT)
        return STEP_WAIT;
    if (job->loop.asked || !needs_look(job) || !first_output(job, &name))
        return STEP_NEXT;
    job->loop.asked = true;
    int code =
        store_of(job)->ops->head(store_of(job), &name, on_output_seen, job, &job->loop.request);
    if (code) {
        error_set(&job->loop.error, code, "the output \"%s\" could not be checked (%s)", name.key,
                  error_name(code));
        return STEP_FAIL;
    }
    job->loop.pending = 1;
    return STEP_WAIT;
}

/* ---- store ---- */

/* The size is kept for the report; the memory is freed as soon as the bytes are stored. */
static void body_release(struct bytes *body)
{
    size_t size = body->size;
    bytes_free(body);
    body->size = size;
}

static double seconds_since(uint64_t began_ns)
{
    return (double)(uv_hrtime() - began_ns) / 1e9;
}

static void on_stored(struct output_upload *output, const struct error *error)
{
    struct upload *upload = container_of(output, struct upload, output);
    struct job *job = upload->job;
    struct rendition *rendition = &item_of(job)->renditions[upload - job->loop.uploads];
    record_error(job, error);
    job_trace_uploaded(job, &output->put, output->began_ns, error);
    job_progressed(job);
    job->loop.superseded |= output->superseded;
    if (!error->code && !output->superseded) {
        job->msg.runner->stats.stored++;
        histogram_observe(&job->msg.runner->stats.upload_s, seconds_since(output->began_ns));
        job->msg.runner->stats.stored_bytes += rendition->body.size;
        body_release(&rendition->body);
    }
    if (--job->loop.pending == 0)
        job_resume(job);
}

static void metadata_add(struct upload *upload, const char *name, const char *value)
{
    if (*value)
        upload->metadata[upload->settings.metadata_count++] = (struct object_pair){name, value};
}

/* What the pipeline sets, and the placeholders as metadata. */
static const struct object_settings *settings_of(struct upload *upload,
                                                 const struct rendition *rendition)
{
    const struct rendition_placeholder *placeholder = &rendition->placeholder;
    if (!*placeholder->thumbhash && !*placeholder->blurhash && !*placeholder->colour)
        return rendition->settings;
    upload->settings = *rendition->settings;
    for (size_t i = 0; i < upload->settings.metadata_count; i++)
        upload->metadata[i] = rendition->settings->metadata[i];
    upload->settings.metadata = upload->metadata;
    metadata_add(upload, "thumbhash", placeholder->thumbhash);
    metadata_add(upload, "blurhash", placeholder->blurhash);
    metadata_add(upload, "colour", placeholder->colour);
    return &upload->settings;
}

static struct output_sizes sizes_of(struct job *job, const struct rendition *rendition)
{
    const struct image_facts *image = &item_of(job)->facts;
    const bool turned = image->orientation >= 5; /* by 90 degrees */
    return rendition->manifest ? (struct output_sizes){0}
                               : (struct output_sizes){rendition->width, rendition->height,
                                                       turned ? image->height : image->width,
                                                       turned ? image->width : image->height};
}

static int upload_start(struct job *job, struct upload *upload, const struct rendition *rendition)
{
    job_output_prepare(job, upload);
    upload->output.sizes = sizes_of(job, rendition);
    upload->output.done = on_stored;
    upload->output.put = (struct object_put){
        .bucket = rendition->bucket ? rendition->bucket : job->msg.record->bucket,
        .key = rendition->key,
        .body = rendition->body.data,
        .body_size = rendition->body.size,
        .content_type = rendition->content_type,
        .settings = settings_of(upload, rendition),
        .trace = &job->msg.delivery->trace,
    };
    return output_upload_start(&upload->output);
}

/* The renditions, or the manifests that list them. */
static void uploads_start(struct job *job, bool manifests)
{
    struct render_item *item = item_of(job);
    for (size_t i = 0; i < item->rendition_count; i++) {
        struct upload *upload = &job->loop.uploads[i];
        if (item->renditions[i].manifest != manifests)
            continue;
        int code = upload_start(job, upload, &item->renditions[i]);
        if (code == 0)
            job->loop.pending++;
        else if (!job->loop.error.code)
            error_set(&job->loop.error, code, "the upload of \"%s\" could not be started (%s)",
                      item->renditions[i].key, error_name(code));
    }
}

static void uploads_begin(struct job *job)
{
    size_t count = item_of(job)->rendition_count;
    if (!count)
        return;
    job->loop.uploads = calloc(count, sizeof *job->loop.uploads);
    if (job->loop.uploads)
        uploads_start(job, false);
    else
        error_set(&job->loop.error, ERR_MEMORY, "out of memory");
}

/* A page may use a manifest as soon as it is stored, so the renditions come first. */
static enum step_result step_store(struct job *job)
{
    if (!job->loop.asked) {
        job->loop.asked = true;
        uploads_begin(job);
    }
    if (!job->loop.pending && !job->loop.listing && job->loop.uploads && !job->loop.error.code &&
        !job->loop.superseded) {
        job->loop.listing = true;
        uploads_start(job, true);
    }
    if (job->loop.pending)
        return STEP_WAIT;
    return job_written(job);
}

const struct job_step job_steps[] = {
    {JOB_MATCHING, STAGE_ENVELOPE, step_match}, {JOB_FETCHING, STAGE_FETCH, step_fetch},
    {JOB_RENDERING, STAGE_RENDER, step_render}, {JOB_ORDERING, STAGE_STORE, step_order},
    {JOB_STORING, STAGE_STORE, step_store},     {JOB_LABELLING, STAGE_LABEL, step_label},
    {JOB_COMPARING, STAGE_LABEL, step_compare}, {JOB_DESCRIBING, STAGE_STORE, step_describe},
    {JOB_TAGGING, STAGE_TAG, step_tag},         {JOB_NOTIFYING, STAGE_NOTIFY, step_notify},
    {JOB_FINISHED, STAGE_STORE, NULL},
};
