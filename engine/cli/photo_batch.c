#include "photo_batch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "local_names.h"
#include "output_downloads.h"
#include "photo_uploader.h"
#include "report.h"
#include "terminal.h"

enum { UPLOADS = 4 };

int photo_batch_init(struct photo_batch *batch, struct service *service,
                     const struct photos *photos, struct error *error)
{
    const struct pipeline_set *set = service->pipelines;
    const struct photo_results_options options = {
        .bucket = LOCAL_BUCKET,
        .prefix = LOCAL_PREFIX,
        .ops = set->ops,
        .pipelines = set->items,
        .pipeline_count = set->count,
        .max_attempts = LOCAL_MAX_RECEIVES,
    };
    *batch = (struct photo_batch){
        .service = service, .verbose = service->config->verbose, .json = service->config->json};
    progress_init(&batch->progress, STDERR_FILENO);
    return photo_results_init(&batch->results, photos, &options, error);
}

void photo_batch_clear(struct photo_batch *batch)
{
    photo_uploader_free(batch->uploader);
    photo_results_clear(&batch->results);
}

/* ---- progress ---- */

static void show_photos(void *user)
{
    struct photo_batch *batch = user;
    const struct photo_results *results = &batch->results;
    const struct progress_facts facts = {
        .what = "photos",
        .count = results->count,
        .done = results->photos_settled,
        .failed = results->photos_failed,
        .parts = results->parts,
        .parts_done = results->parts_settled,
        .elapsed_ms = uv_now(&batch->service->loop) - batch->began_ms,
    };
    progress_show(&batch->progress, &facts);
}

static void show_files(void *user)
{
    struct photo_batch *batch = user;
    size_t count, done = output_downloads_fetched(batch->downloads, &count);
    const struct progress_facts facts = {
        .what = "files written",
        .count = count,
        .done = done,
        .parts = count,
        .parts_done = done,
        .elapsed_ms = uv_now(&batch->service->loop) - batch->began_ms,
    };
    progress_show(&batch->progress, &facts);
}

static void unwatch(struct photo_batch *batch)
{
    service_tick(batch->service, NULL, NULL);
    progress_clear(&batch->progress);
}

static void tell_failure(const char *text, void *user)
{
    struct photo_batch *batch = user;
    progress_line(&batch->progress, true, "%s", text);
}

static void tell_photo(struct photo_batch *batch, struct photo_result *photo)
{
    if (!batch->json && !photo->reported)
        report_failures(photo, tell_failure, batch);
    photo->reported = true;
    if (batch->verbose && !batch->progress.redraws && photo_outcome(photo) == PHOTO_DONE)
        progress_line(&batch->progress, false, "done: %s (%zu of %zu)", photo->name,
                      batch->results.photos_settled, batch->results.count);
}

static void tell_retry(struct photo_batch *batch, const struct photo_results_change *event)
{
    const struct pipeline_result *part = event->part;
    progress_line(&batch->progress, false, "retry: %s: %s: %s: %s", event->photo->name,
                  part->pipeline, part->reason, part->detail ? part->detail : "");
}

/* Reports a photo that another client uploaded, or that an earlier run left. */
static void tell_other(struct photo_batch *batch, const struct engine_record *record)
{
    static const char *const words[] = {
        [OUTCOME_ACK] = "done", [OUTCOME_RETRY] = "retry", [OUTCOME_REJECT] = "failed"};
    bool failed = record->outcome != OUTCOME_ACK;
    if (record->handed_back)
        return; /* it stays in its queue */
    if (!failed && !record->rendition_count && !record->labels)
        return; /* there was nothing to do */
    progress_line(&batch->progress, failed, "%s: s3://%s/%s: %s: %s%s%s", words[record->outcome],
                  record->bucket, record->key, record->pipeline,
                  failed                    ? record->reason
                  : record->rendition_count ? record->renditions[0].key
                  : record->sidecar_key     ? record->sidecar_key
                                            : "labelled",
                  failed ? ": " : "", record->detail);
}

void photo_batch_observe(const struct engine_record *record, void *user)
{
    struct photo_batch *batch = user;
    struct photo_results_change event;
    photo_results_record(&batch->results, record,
                         &event); /* if memory is short, the part is recorded as failed */
    if (event.photo && batch->running) {
        if (event.photo_settled)
            tell_photo(batch, event.photo);
        else if (!event.settled && !record->handed_back && batch->verbose)
            tell_retry(batch, &event);
    } else if (!event.photo) {
        tell_other(batch, record);
    }
}

/* ---- uploading and waiting ---- */

static void on_sent(size_t index, uint64_t bytes, const struct error *error, void *user)
{
    struct photo_batch *batch = user;
    struct photo_result *photo = &batch->results.photos[index];
    if (error->code)
        photo_results_failed(&batch->results, index, error->text);
    else
        photo_results_sent(&batch->results, index, bytes);
    batch->moved_ms = uv_now(&batch->service->loop);
    if (photo->failure)
        tell_photo(batch, photo);
}

static bool fed(void *user)
{
    return photo_uploader_done(((struct photo_batch *)user)->uploader);
}

static struct photo_upload *items_of(const struct photo_results *results)
{
    struct photo_upload *items = calloc(results->count ? results->count : 1, sizeof *items);
    for (size_t i = 0; items && i < results->count; i++)
        items[i] =
            (struct photo_upload){.path = results->photos[i].path, .key = results->photos[i].key};
    return items;
}

/* A sum of counters that grows as long as there is progress. Extended leases are not progress. */
static uint64_t movement_of(const struct photo_batch *batch)
{
    struct engine_stats stats;
    engine_stats(batch->service->engine, &stats);
    return stats.received + stats.acknowledged + stats.retried + stats.rejected + stats.deleted +
           stats.fetched + stats.decoded + stats.rendered + stats.stored +
           batch->results.parts_settled;
}

static bool stuck(struct photo_batch *batch)
{
    uint64_t now = uv_now(&batch->service->loop), movement = movement_of(batch);
    if (movement != batch->movement) {
        batch->movement = movement;
        batch->moved_ms = now;
    }
    return now - batch->moved_ms > batch->service->config->patience_ms;
}

/* All photos are settled, and no message is left to delete. */
static bool over(void *user)
{
    struct photo_batch *batch = user;
    if (photo_results_settled(&batch->results) && fed(batch) && engine_idle(batch->service->engine))
        return true;
    return stuck(batch);
}

static void feed_and_wait(struct photo_batch *batch)
{
    service_tick(batch->service, show_photos, batch);
    bool ended = service_wait(batch->service, over, batch);
    photo_uploader_stop(batch->uploader);
    service_finish(batch->service, fed, batch);
    if (ended && !photo_results_settled(&batch->results))
        command_error("no progress for %llu s: giving up on the remaining photos (--patience sets "
                      "this time)",
                      (unsigned long long)(batch->service->config->patience_ms / 1000));
}

int photo_batch_run(struct photo_batch *batch, struct error *error)
{
    struct service *service = batch->service;
    struct photo_upload *items = items_of(&batch->results);
    if (!items)
        return error_set(error, ERR_MEMORY, "out of memory");
    const struct photo_uploader_options options = {
        .store = service->backend.store,
        .bucket = LOCAL_BUCKET,
        .items = items,
        .count = batch->results.count,
        .max_bytes = service->config->engine.limits.max_bytes,
        .in_flight = UPLOADS,
        .sent = on_sent,
        .user = batch,
    };
    uv_update_time(&service->loop);
    batch->began_ms = batch->moved_ms = uv_now(&service->loop);
    batch->running = true;
    int code = photo_uploader_start(&service->loop, &options, &batch->uploader);
    if (code)
        error_set(error, code, "out of memory");
    else
        feed_and_wait(batch);
    batch->running = false;
    batch->ended_ms = uv_now(&service->loop);
    free(items);
    return code;
}

/* ---- closing ---- */

static bool downloaded(void *user)
{
    return output_downloads_done(((struct photo_batch *)user)->downloads);
}

int photo_batch_download(struct photo_batch *batch, struct error *error)
{
    struct service *service = batch->service;
    int code = output_downloads_start(&service->loop, service->backend.store, &batch->results,
                                      service->config->out, &batch->downloads);
    if (code)
        return error_set(error, code, "out of memory");
    service_tick(service, show_files, batch);
    service_finish(service, downloaded, batch);
    unwatch(batch);
    output_downloads_free(batch->downloads);
    batch->downloads = NULL;
    return 0;
}

/* Reports the failures that were not reported during the run. */
static void tell_rest(struct photo_batch *batch)
{
    for (size_t i = 0; i < batch->results.count && !batch->json; i++) {
        struct photo_result *photo = &batch->results.photos[i];
        if (!photo->reported)
            report_failures(photo, tell_failure, batch);
        photo->reported = true;
        report_unwritten(photo, tell_failure, batch);
    }
}

static int print(struct photo_batch *batch, const struct report_options *options)
{
    if (batch->json)
        return report_json(&batch->results, options, stdout);
    int code = batch->verbose ? report_table(&batch->results, options, stdout) : 0;
    if (batch->verbose)
        fputc('\n', stdout);
    report_summary(&batch->results, options, stdout);
    return code;
}

bool photo_batch_report(struct photo_batch *batch)
{
    char absolute[PATH_MAX];
    const char *out = batch->service->config->out;
    const struct report_options options = {
        .out = realpath(out, absolute) ? absolute : out,
        .elapsed_ms = batch->ended_ms - batch->began_ms,
        .width = terminal_columns(STDOUT_FILENO),
        .colour = terminal_colour(STDOUT_FILENO),
        .interrupted = service_interrupted(batch->service),
    };
    unwatch(batch);
    if (!options.interrupted)
        photo_results_close(&batch->results, "no-result");
    tell_rest(batch);
    int code = print(batch, &options);
    if (code == ERR_MEMORY)
        command_error("out of memory: the report is incomplete");
    fflush(stdout);
    return photo_results_succeeded(&batch->results) && !code;
}
