#include "batch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "feeder.h"
#include "harvest.h"
#include "local_names.h"
#include "report.h"
#include "terminal.h"

enum { UPLOADS = 4 };

int batch_init(struct batch *batch, struct service *service, const struct photos *photos,
               struct error *error)
{
    const struct pipeline_set *set = service->pipelines;
    const struct ledger_options options = {
        .bucket = LOCAL_BUCKET,
        .prefix = LOCAL_PREFIX,
        .ops = set->ops,
        .pipelines = set->items,
        .pipeline_count = set->count,
        .max_attempts = LOCAL_MAX_RECEIVES,
    };
    *batch = (struct batch){
        .service = service, .verbose = service->config->verbose, .json = service->config->json};
    progress_init(&batch->progress, STDERR_FILENO);
    return ledger_init(&batch->ledger, photos, &options, error);
}

void batch_clear(struct batch *batch)
{
    feeder_free(batch->feeder);
    ledger_clear(&batch->ledger);
}

/* ---- what a user watches ---- */

static void show_photos(void *user)
{
    struct batch *batch = user;
    const struct ledger *ledger = &batch->ledger;
    const struct progress_facts facts = {
        .what = "photos",
        .count = ledger->count,
        .done = ledger->photos_settled,
        .failed = ledger->photos_failed,
        .parts = ledger->parts,
        .parts_done = ledger->parts_settled,
        .elapsed_ms = uv_now(&batch->service->loop) - batch->began_ms,
    };
    progress_show(&batch->progress, &facts);
}

static void show_files(void *user)
{
    struct batch *batch = user;
    size_t count, done = harvest_fetched(batch->harvest, &count);
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

static void unwatch(struct batch *batch)
{
    service_tick(batch->service, NULL, NULL);
    progress_clear(&batch->progress);
}

static void tell_failure(const char *text, void *user)
{
    struct batch *batch = user;
    progress_line(&batch->progress, true, "%s", text);
}

static void tell_photo(struct batch *batch, struct ledger_photo *photo)
{
    if (!batch->json && !photo->reported)
        report_failures(photo, tell_failure, batch);
    photo->reported = true;
    if (batch->verbose && !batch->progress.redraws && ledger_photo_result(photo) == PHOTO_DONE)
        progress_line(&batch->progress, false, "done: %s (%zu of %zu)", photo->name,
                      batch->ledger.photos_settled, batch->ledger.count);
}

static void tell_retry(struct batch *batch, const struct ledger_event *event)
{
    const struct ledger_part *part = event->part;
    progress_line(&batch->progress, false, "retry: %s: %s: %s: %s", event->photo->name,
                  part->pipeline, part->reason, part->detail ? part->detail : "");
}

/* Of a photo that somebody else uploaded, or that an earlier run left. */
static void tell_other(struct batch *batch, const struct engine_record *record)
{
    static const char *const words[] = {
        [OUTCOME_ACK] = "done", [OUTCOME_RETRY] = "retry", [OUTCOME_REJECT] = "failed"};
    bool failed = record->outcome != OUTCOME_ACK;
    if (record->handed_back)
        return; /* it stays in its queue */
    if (!failed && !record->rendition_count && !record->labels)
        return; /* nothing was to be done */
    progress_line(&batch->progress, failed, "%s: s3://%s/%s: %s: %s%s%s", words[record->outcome],
                  record->bucket, record->key, record->pipeline,
                  failed                    ? record->reason
                  : record->rendition_count ? record->renditions[0].key
                  : record->sidecar_key     ? record->sidecar_key
                                            : "labelled",
                  failed ? ": " : "", record->detail);
}

void batch_observe(const struct engine_record *record, void *user)
{
    struct batch *batch = user;
    struct ledger_event event;
    ledger_record(&batch->ledger, record,
                  &event); /* short of memory: the part failed, and says so */
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
    struct batch *batch = user;
    struct ledger_photo *photo = &batch->ledger.photos[index];
    if (error->code)
        ledger_failed(&batch->ledger, index, error->text);
    else
        ledger_sent(&batch->ledger, index, bytes);
    batch->moved_ms = uv_now(&batch->service->loop);
    if (photo->failure)
        tell_photo(batch, photo);
}

static bool fed(void *user)
{
    return feeder_done(((struct batch *)user)->feeder);
}

static struct feeder_item *items_of(const struct ledger *ledger)
{
    struct feeder_item *items = calloc(ledger->count ? ledger->count : 1, sizeof *items);
    for (size_t i = 0; items && i < ledger->count; i++)
        items[i] =
            (struct feeder_item){.path = ledger->photos[i].path, .key = ledger->photos[i].key};
    return items;
}

/* Everything that a healthy run keeps moving. A lease that is extended again and again is none of
 * it. */
static uint64_t movement_of(const struct batch *batch)
{
    struct engine_stats stats;
    engine_stats(batch->service->engine, &stats);
    return stats.received + stats.acknowledged + stats.retried + stats.rejected + stats.deleted +
           stats.fetched + stats.decoded + stats.rendered + stats.stored +
           batch->ledger.parts_settled;
}

static bool stuck(struct batch *batch)
{
    uint64_t now = uv_now(&batch->service->loop), movement = movement_of(batch);
    if (movement != batch->movement) {
        batch->movement = movement;
        batch->moved_ms = now;
    }
    return now - batch->moved_ms > batch->service->config->patience;
}

/* Settled, and nothing is left to delete. */
static bool over(void *user)
{
    struct batch *batch = user;
    if (ledger_settled(&batch->ledger) && fed(batch) && engine_idle(batch->service->engine))
        return true;
    return stuck(batch);
}

static void feed_and_wait(struct batch *batch)
{
    service_tick(batch->service, show_photos, batch);
    bool ended = service_wait(batch->service, over, batch);
    feeder_stop(batch->feeder);
    service_finish(batch->service, fed, batch);
    if (ended && !ledger_settled(&batch->ledger))
        command_error("no progress for %llu s: giving up on the remaining photos (--patience sets "
                      "this time)",
                      (unsigned long long)(batch->service->config->patience / 1000));
}

int batch_run(struct batch *batch, struct error *error)
{
    struct service *service = batch->service;
    struct feeder_item *items = items_of(&batch->ledger);
    if (!items)
        return error_set(error, ERR_MEMORY, "out of memory");
    const struct feeder_options options = {
        .store = service->backend.store,
        .bucket = LOCAL_BUCKET,
        .items = items,
        .count = batch->ledger.count,
        .max_bytes = (size_t)service->config->max_bytes,
        .in_flight = UPLOADS,
        .sent = on_sent,
        .user = batch,
    };
    uv_update_time(&service->loop);
    batch->began_ms = batch->moved_ms = uv_now(&service->loop);
    batch->running = true;
    int err = feeder_start(&service->loop, &options, &batch->feeder);
    if (err)
        error_set(error, err, "out of memory");
    else
        feed_and_wait(batch);
    batch->running = false;
    batch->ended_ms = uv_now(&service->loop);
    free(items);
    return err;
}

/* ---- the end ---- */

static bool harvested(void *user)
{
    return harvest_done(((struct batch *)user)->harvest);
}

int batch_collect(struct batch *batch, struct error *error)
{
    struct service *service = batch->service;
    int err = harvest_start(&service->loop, service->backend.store, &batch->ledger,
                            service->config->out, &batch->harvest);
    if (err)
        return error_set(error, err, "out of memory");
    service_tick(service, show_files, batch);
    service_finish(service, harvested, batch);
    unwatch(batch);
    harvest_free(batch->harvest);
    batch->harvest = NULL;
    return 0;
}

/* What was not told while it went on. */
static void tell_rest(struct batch *batch)
{
    for (size_t i = 0; i < batch->ledger.count && !batch->json; i++) {
        struct ledger_photo *photo = &batch->ledger.photos[i];
        if (!photo->reported)
            report_failures(photo, tell_failure, batch);
        photo->reported = true;
        report_unwritten(photo, tell_failure, batch);
    }
}

static int print(struct batch *batch, const struct report_options *options)
{
    if (batch->json)
        return report_json(&batch->ledger, options, stdout);
    int code = batch->verbose ? report_table(&batch->ledger, options, stdout) : 0;
    if (batch->verbose)
        fputc('\n', stdout);
    report_summary(&batch->ledger, options, stdout);
    return code;
}

bool batch_report(struct batch *batch)
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
        ledger_close(&batch->ledger, "no-answer");
    tell_rest(batch);
    int code = print(batch, &options);
    if (code == ERR_MEMORY)
        command_error("out of memory: the report is incomplete");
    fflush(stdout);
    return ledger_succeeded(&batch->ledger) && !code;
}
