#include "delivery_report.h"

#include <uv.h>

#include "delivery.h"
#include "engine.h"
#include "log.h"

enum { TO_MEND_EVERY_MS = 60000 };

static double milliseconds_since(uint64_t us)
{
    return (double)(uv_hrtime() / 1000 - us) / 1000.0;
}

/* Errors that only an operator can fix would be logged for each message and flood the log. */
static bool is_to_mend(const struct engine_record *record, int code)
{
    return record->outcome == OUTCOME_RETRY &&
           (code == ERR_DENIED || code == ERR_CREDENTIALS || code == ERR_NO_CONTAINER ||
            code == ERR_EXPIRED || code == ERR_REFUSED);
}

static void log_record(const struct delivery *delivery, const struct engine_record *record,
                       int code)
{
    struct consumer *consumer = delivery->consumer;
    static const char *const events[] = {[OUTCOME_ACK] = "job done",
                                         [OUTCOME_RETRY] = "job will be retried",
                                         [OUTCOME_REJECT] = "job rejected"};
    bool done = record->outcome == OUTCOME_ACK, to_mend = is_to_mend(record, code);
    if (to_mend &&
        !log_gate_open(&consumer->to_mend, uv_now(consumer->context->loop), TO_MEND_EVERY_MS))
        return;
    log_event(done      ? LOG_INFO
              : to_mend ? LOG_ERROR
                        : LOG_WARN,
              events[record->outcome],
              LOG_FIELDS(LOG_TEXT("job", delivery->message.id),
                         LOG_TEXT("pipeline", record->pipeline), LOG_TEXT("bucket", record->bucket),
                         LOG_TEXT("key", record->key), LOG_TRACE(&delivery->trace),
                         LOG_TEXT("reason", done ? NULL : record->reason),
                         LOG_TEXT("error", done ? NULL : record->detail),
                         LOG_INT("renditions", record->rendition_count),
                         LOG_REAL("milliseconds", record->milliseconds),
                         LOG_COUNT("suppressed", to_mend ? consumer->to_mend.skipped : 0)));
}

static void describe_outputs(struct engine_record *record, const struct render_item *item)
{
    record->renditions = item->renditions;
    record->rendition_count = item->rendition_count;
    record->image = item->facts.width ? &item->facts : NULL;
    record->labels = item->labels.count ? &item->labels : NULL;
    record->sidecar_bucket = item->sidecar_bucket;
    record->sidecar_key = item->sidecar_key;
}

/* Handles the result of a record. If the message is returned, every record that is not in the tally
 * is repeated. */
static enum outcome record_outcome(const struct delivery *delivery, const struct job *job)
{
    if (!job || (delivery->outcome == OUTCOME_RETRY &&
                 (job->loop.state != JOB_FINISHED || !delivery->remembered)))
        return delivery->outcome;
    return job->loop.outcome;
}

/* A job that succeeded in a message that is returned reports the message's reason, because its work
 * will be repeated. */
static int describe_failure(struct engine_record *record, const struct delivery *delivery,
                            const struct job *job)
{
    bool own = job && job->loop.state == JOB_FINISHED && job->loop.outcome == record->outcome;
    record->reason = own ? job->loop.reason : delivery->reason;
    record->detail = own ? job->loop.error.text : delivery->error.text;
    return own ? job->loop.error.code : delivery->error.code;
}

static int64_t event_ms(const struct delivery *delivery, const struct job *job)
{
    int64_t of_event_ms = job->msg.record->event_ms;
    return of_event_ms ? of_event_ms : delivery->message.sent_ms;
}

static void observers_tell(const struct engine_observer *observer,
                           const struct engine_record *record)
{
    for (; observer; observer = observer->next) {
        if (observer->record_finished)
            observer->record_finished(record, observer->user);
    }
}

static void report(const struct delivery *delivery, const struct job *job)
{
    int code = 0;
    struct engine_record record = {
        .pipeline = delivery->consumer->home.name,
        .message = delivery->message.id,
        .bucket = job ? job->msg.record->bucket : "",
        .key = job ? job->msg.record->key : "",
        .outcome = record_outcome(delivery, job),
        .reason = "",
        .detail = "",
        .handed_back = delivery->handed_back,
        .milliseconds = milliseconds_since(delivery->received_us),
        .sent_ms = delivery->message.sent_ms,
    };
    if (record.outcome != OUTCOME_ACK)
        code = describe_failure(&record, delivery, job);
    else if (job)
        describe_outputs(&record, &job->work.claim.item);
    if (job && record.outcome == OUTCOME_ACK && record.rendition_count)
        consumer_stats_stored(&delivery->consumer->stats, event_ms(delivery, job),
                              record.milliseconds);
    log_record(delivery, &record, code);
    observers_tell(delivery->consumer->context->observer, &record);
}

void delivery_report(const struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->job_count; i++)
        report(delivery, delivery->jobs[i]);
    if (delivery->envelope.count == 0 && delivery->outcome != OUTCOME_ACK)
        report(delivery, NULL);
}
