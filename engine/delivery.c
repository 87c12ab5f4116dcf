#include "delivery.h"

#include <stdlib.h>
#include <string.h>

#include "dead_letter.h"
#include "engine_private.h"
#include "jitter.h"
#include "job.h"
#include "log.h"

enum {
    BACKOFF_BASE_S = 2,
    POINTER_BODY_MAX =
        16 * 1024 * 1024, /* an event that was too long for SQS; images are never sent this way */
};

static void delivery_settle(struct delivery *delivery);

static void fail(struct delivery *delivery, enum outcome_stage stage)
{
    int code = delivery->error.code;
    delivery->outcome = outcome_of(stage, code);
    delivery->reason = outcome_reason(stage, code);
    delivery_settle(delivery);
}

/* ---- the end ---- */

static void delivery_free(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    if (delivery->pointer)
        lane->engine->options.store->ops->cancel(delivery->pointer);
    for (size_t i = 0; i < delivery->job_count; i++)
        job_drop(delivery->jobs[i]);
    free(delivery->jobs);
    envelope_clear(&delivery->envelope);
    queue_message_clear(&delivery->message);
    list_remove(&delivery->link);
    free(delivery);
    lane->in_flight--;
    queue_poller_update(&lane->poller);
    engine_update(lane->engine);
}

static double milliseconds_since(uint64_t us)
{
    return (double)(uv_hrtime() / 1000 - us) / 1000.0;
}

/* What only an operator can mend would come once for each message and drown everything else. */
static bool worth_a_line(const struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    int code = delivery->error.code;
    bool to_mend = delivery->outcome == OUTCOME_RETRY &&
                   (code == ERR_DENIED || code == ERR_NO_CONTAINER || code == ERR_EXPIRED ||
                    code == ERR_CREDENTIALS);
    return !to_mend || log_gate_open(&lane->to_mend, uv_now(lane->engine->loop), 60000);
}

static void log_record(const struct delivery *delivery, const struct engine_record *record)
{
    static const char *const events[] = {[OUTCOME_ACK] = "job done",
                                         [OUTCOME_RETRY] = "job will be tried again",
                                         [OUTCOME_REJECT] = "job rejected"};
    bool done = record->outcome == OUTCOME_ACK;
    if (!worth_a_line(delivery))
        return;
    log_event(done ? LOG_INFO : LOG_WARN, events[record->outcome],
              LOG_FIELDS(LOG_TEXT("job", delivery->message.id),
                         LOG_TEXT("pipeline", record->pipeline), LOG_TEXT("bucket", record->bucket),
                         LOG_TEXT("key", record->key),
                         LOG_TEXT("reason", done ? NULL : record->reason),
                         LOG_TEXT("error", done ? NULL : record->detail),
                         LOG_INT("renditions", record->rendition_count),
                         LOG_REAL("milliseconds", record->milliseconds)));
}

static void describe_outputs(struct engine_record *record, const struct render_item *item)
{
    record->renditions = item->renditions;
    record->rendition_count = item->rendition_count;
    record->labels = item->labels.count ? &item->labels : NULL;
    record->sidecar_bucket = item->sidecar_bucket;
    record->sidecar_key = item->sidecar_key;
}

/* A job that did better than its message tells the message's reason: its work will be repeated. */
static void describe_failure(struct engine_record *record, const struct delivery *delivery,
                             const struct job *job)
{
    bool own = job && job->loop.outcome == delivery->outcome;
    record->reason = own ? job->loop.reason : delivery->reason;
    record->detail = own ? job->loop.error.text : delivery->error.text;
}

static void report(const struct delivery *delivery, const struct job *job)
{
    const struct engine_observer *observer = &delivery->lane->engine->options.observer;
    struct engine_record record = {
        .pipeline = delivery->lane->home.name,
        .bucket = job ? job->msg.record->bucket : "",
        .key = job ? job->msg.record->key : "",
        .outcome = delivery->outcome,
        .reason = "",
        .detail = "",
        .milliseconds = milliseconds_since(delivery->received_us),
        .sent_ms = delivery->message.sent_ms,
    };
    if (delivery->outcome != OUTCOME_ACK)
        describe_failure(&record, delivery, job);
    else if (job)
        describe_outputs(&record, &job->work.claim.item);
    log_record(delivery, &record);
    if (observer->record_finished)
        observer->record_finished(&record, observer->user);
}

static void delivery_close(struct delivery *delivery)
{
    struct engine_stats *stats = &delivery->lane->engine->stats;
    uint64_t *const counters[] = {[OUTCOME_ACK] = &stats->acknowledged,
                                  [OUTCOME_RETRY] = &stats->retried,
                                  [OUTCOME_REJECT] = &stats->rejected};
    delivery->phase = DELIVERY_SETTLED;
    (*counters[delivery->outcome])++;
    for (size_t i = 0; i < delivery->job_count; i++)
        report(delivery, delivery->jobs[i]);
    if (delivery->job_count == 0 && delivery->outcome != OUTCOME_ACK)
        report(delivery, NULL);
    delivery_free(delivery);
}

static void give_back(struct delivery *delivery, unsigned visibility_s)
{
    lease_release(delivery->lease, visibility_s);
    delivery->outcome = OUTCOME_RETRY;
    delivery_close(delivery);
}

/* Full jitter from the receive count, at least a second, so that a message never spins. */
static unsigned backoff(const struct delivery *delivery)
{
    unsigned attempts = delivery->message.receive_count - 1;
    unsigned most = delivery->lane->engine->options.backoff_s;
    return 1 + (unsigned)jitter_full(BACKOFF_BASE_S, most, attempts);
}

static void on_dead_letter_sent(const char *message_id, const struct error *error, void *user)
{
    struct delivery *delivery = user;
    (void)message_id;
    if (error->code) {
        log_warn("dead letter could not be sent; the message will be tried again",
                 LOG_TEXT("job", delivery->message.id), LOG_TEXT("error", error->text));
        give_back(delivery, backoff(delivery));
        return;
    }
    lease_delete(delivery->lease);
    delivery_close(delivery);
}

/* Without a dead-letter queue the message is left to its visibility. */
static void reject(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    if (!lane->dead_letters) {
        if (log_gate_open(&lane->no_dead_letters, uv_now(lane->engine->loop), 60000))
            log_warn("queue has no dead-letter queue: rejected messages will be delivered again; "
                     "give it a RedrivePolicy",
                     LOG_TEXT("queue", lane->home.name));
        lease_forget(delivery->lease);
        delivery_close(delivery);
        return;
    }
    delivery->phase = DELIVERY_REJECTING;
    int code = dead_letter_send(lane, &delivery->message, delivery->reason, delivery->error.text,
                                on_dead_letter_sent, delivery);
    if (code)
        give_back(delivery, backoff(delivery));
}

static void delivery_settle(struct delivery *delivery)
{
    switch (delivery->outcome) {
    case OUTCOME_ACK:
        lease_delete(delivery->lease);
        delivery_close(delivery);
        break;
    case OUTCOME_RETRY:
        give_back(delivery, backoff(delivery));
        break;
    case OUTCOME_REJECT:
        reject(delivery);
        break;
    }
}

static void on_lease_lost(void *user)
{
    struct delivery *delivery = user;
    if (delivery->phase == DELIVERY_REJECTING)
        return; /* the dead letter is on its way; the delete will find the receipt expired */
    lease_forget(delivery->lease);
    delivery->outcome = OUTCOME_RETRY;
    delivery->reason = "lease-lost";
    error_set(&delivery->error, ERR_EXPIRED, "the lease on the message was lost");
    delivery_close(delivery);
}

/* ---- the decision ---- */

/* How bad an outcome is for the message as a whole: what must be repeated outweighs what is
 * hopeless. */
static int weight(enum outcome outcome)
{
    static const int weights[] = {[OUTCOME_ACK] = 0, [OUTCOME_REJECT] = 1, [OUTCOME_RETRY] = 2};
    return weights[outcome];
}

void delivery_update(struct delivery *delivery)
{
    if (delivery->starting || delivery->phase != DELIVERY_WORKING)
        return;
    const struct job *worst = NULL;
    for (size_t i = 0; i < delivery->job_count; i++) {
        const struct job *job = delivery->jobs[i];
        if (job->loop.state != JOB_FINISHED)
            return;
        if (!worst || weight(job->loop.outcome) > weight(worst->loop.outcome))
            worst = job;
    }
    delivery->outcome = worst ? worst->loop.outcome : OUTCOME_ACK;
    delivery->reason = worst ? worst->loop.reason : "";
    if (worst)
        delivery->error = worst->loop.error;
    delivery_settle(delivery);
}

/* ---- the beginning ---- */

static int jobs_make(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    delivery->jobs = calloc(delivery->envelope.count, sizeof *delivery->jobs);
    if (!delivery->jobs)
        return ERR_MEMORY;
    for (size_t i = 0; i < delivery->envelope.count; i++) {
        struct job *job =
            job_new(lane->engine, delivery, lane->pipeline, &delivery->envelope.records[i]);
        if (!job)
            return ERR_MEMORY;
        delivery->jobs[delivery->job_count++] = job;
    }
    return 0;
}

static void jobs_start(struct delivery *delivery)
{
    if (jobs_make(delivery)) {
        error_set(&delivery->error, ERR_MEMORY, "out of memory");
        fail(delivery, STAGE_ENVELOPE);
        return;
    }
    delivery->phase = DELIVERY_WORKING;
    delivery->starting = true;
    for (size_t i = 0; i < delivery->job_count; i++)
        job_start(delivery->jobs[i]);
    delivery->starting = false;
    delivery_update(delivery);
}

static void on_pointer(struct bytes *body, const struct object_facts *facts,
                       const struct error *error, void *user);

static void pointer_fetch(struct delivery *delivery)
{
    struct object_store *store = delivery->lane->engine->options.store;
    struct object_name name = {delivery->envelope.pointer.bucket, delivery->envelope.pointer.key,
                               NULL};
    delivery->phase = DELIVERY_RESOLVING;
    int code =
        store->ops->get(store, &name, POINTER_BODY_MAX, on_pointer, delivery, &delivery->pointer);
    if (code) {
        error_set(&delivery->error, code, "the message's body in S3 could not be fetched (%s)",
                  error_name(code));
        fail(delivery, STAGE_ENVELOPE);
    }
}

static bool is_extended(const struct queue_message *message)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        const char *name = message->attributes[i].name;
        if (strcmp(name, "ExtendedPayloadSize") == 0 || strcmp(name, "SQSLargePayloadSize") == 0)
            return true;
    }
    return false;
}

static void read_body(struct delivery *delivery, struct slice body, bool extended)
{
    if (envelope_parse(body, extended, &delivery->envelope, &delivery->error)) {
        fail(delivery, STAGE_ENVELOPE);
        return;
    }
    if (delivery->envelope.kind == ENVELOPE_POINTER)
        pointer_fetch(delivery);
    else
        jobs_start(delivery);
}

static void on_pointer(struct bytes *body, const struct object_facts *facts,
                       const struct error *error, void *user)
{
    struct delivery *delivery = user;
    (void)facts;
    delivery->pointer = NULL;
    delivery->error = *error;
    if (error->code) {
        fail(delivery, STAGE_ENVELOPE);
        return;
    }
    envelope_clear(&delivery->envelope);
    read_body(delivery, (struct slice){body->data, body->size}, false);
}

void delivery_accept(struct lane *lane, struct queue_message *message)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        queue_message_clear(message); /* it comes back when its visibility ends */
        return;
    }
    char *receipt = message->receipt;
    message->receipt = NULL;
    delivery->lane = lane;
    delivery->reason = "";
    delivery->received_us = uv_hrtime() / 1000;
    delivery->message = queue_message_take(message);
    delivery->lease = lease_take(&lane->home, receipt, lane->visibility_s,
                                 uv_now(lane->engine->loop), on_lease_lost, delivery);
    if (!delivery->lease) {
        queue_message_clear(&delivery->message);
        free(delivery);
        return;
    }
    list_push(&lane->deliveries, &delivery->link);
    lane->in_flight++;
    lane->engine->stats.received++;
    read_body(delivery, (struct slice){delivery->message.body, delivery->message.body_size},
              is_extended(&delivery->message));
}

/* ---- giving back ---- */

void delivery_abort(struct delivery *delivery)
{
    if (delivery->phase == DELIVERY_REJECTING) {
        /* Whether the dead letter arrived is unknown: the message may be rejected once more, never
         * lost. */
        lease_release(delivery->lease, 0);
        delivery_free(delivery);
        return;
    }
    delivery->reason = "handed-back";
    error_set(&delivery->error, ERR_CANCELLED, "the engine is shutting down");
    give_back(delivery, 0);
}

void delivery_hand_back(struct delivery *delivery)
{
    if (delivery->phase == DELIVERY_REJECTING)
        return;
    for (size_t i = 0; i < delivery->job_count; i++) {
        if (job_under_way(delivery->jobs[i]))
            return;
    }
    delivery_abort(delivery);
}
