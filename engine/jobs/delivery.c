#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dead_letter.h"
#include "engine.h"
#include "jitter.h"
#include "job.h"
#include "job_trace.h"
#include "log.h"

enum {
    BACKOFF_BASE_S = 2,
    TO_MEND_EVERY_MS = 60000,
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

/* ---- completion ---- */

static bool is_of_group(const struct delivery *delivery, const char *group)
{
    return delivery->grouped && strcmp(delivery->message.group, group) == 0;
}

/* Later messages of its group can now be processed, or are returned after it. */
static void group_tell(const struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    if (!delivery->grouped)
        return;
    for (struct list *l = delivery->link.next; l != &consumer->deliveries; l = l->next) {
        struct delivery *later = container_of(l, struct delivery, link);
        if (later->phase == DELIVERY_BEHIND && is_of_group(later, delivery->message.group))
            later->overtaken |= !delivery->final;
    }
    consumer->context->regrouping = true;
}

static void delivery_free(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    group_tell(delivery);
    if (delivery->pointer)
        consumer->context->store->ops->cancel(delivery->pointer);
    if (delivery->payload)
        payload_removal_end(delivery->payload, false);
    for (size_t i = 0; i < delivery->job_count; i++)
        job_drop(delivery->jobs[i]);
    free(delivery->jobs);
    record_tally_clear(&delivery->tally);
    envelope_clear(&delivery->envelope);
    queue_message_clear(&delivery->message);
    list_remove(&delivery->link);
    free(delivery);
    consumer->in_flight--;
    consumer->context->in_flight--;
    consumer->delivery_ended(consumer);
}

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

static void report(const struct delivery *delivery, const struct job *job)
{
    const struct engine_observer *observer = delivery->consumer->context->observer;
    int code = 0;
    struct engine_record record = {
        .pipeline = delivery->consumer->home.name,
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
    if (observer->record_finished)
        observer->record_finished(&record, observer->user);
}

/* ---- the tally: records that the next delivery need not repeat ---- */

static size_t index_of(const struct delivery *delivery, const struct job *job)
{
    return (size_t)(job->msg.record - delivery->envelope.records);
}

static void tally_jobs(struct delivery *delivery)
{
    struct record_tally *tally = &delivery->tally;
    for (size_t i = 0; i < delivery->job_count; i++) {
        const struct job *job = delivery->jobs[i];
        size_t index = index_of(delivery, job);
        if (job->loop.state != JOB_FINISHED || record_tally_has(tally, index))
            continue;
        if (job->loop.outcome == OUTCOME_ACK)
            record_tally_accept(tally, index);
        else if (job->loop.outcome == OUTCOME_REJECT)
            record_tally_reject(tally, index, delivery->envelope.count, job->loop.reason,
                                job->loop.error.text);
    }
}

/* A message with one record is remembered only after its dead letter was sent, because otherwise
 * the next delivery must process it anyway. */
static void remember(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    tally_jobs(delivery);
    if (delivery->envelope.count > 1 || delivery->tally.dead)
        delivery->remembered = message_memory_keep(consumer->context->messages, consumer->home.name,
                                                   delivery->message.id, &delivery->tally);
}

static void delivery_close(struct delivery *delivery)
{
    struct delivery_stats *stats = &delivery->consumer->context->stats;
    uint64_t *const counters[] = {[OUTCOME_ACK] = &stats->acknowledged,
                                  [OUTCOME_RETRY] = &stats->retried,
                                  [OUTCOME_REJECT] = &stats->rejected};
    delivery->phase = DELIVERY_SETTLED;
    (*counters[delivery->outcome])++;
    consumer_stats_settled(&delivery->consumer->stats, delivery->outcome, delivery->reason);
    delivery_trace_end(delivery);
    for (size_t i = 0; i < delivery->job_count; i++)
        report(delivery, delivery->jobs[i]);
    if (delivery->envelope.count == 0 && delivery->outcome != OUTCOME_ACK)
        report(delivery, NULL);
    delivery_free(delivery);
}

static void give_back(struct delivery *delivery, unsigned visibility_s)
{
    lease_release(delivery->lease, visibility_s);
    remember(delivery);
    delivery->outcome = OUTCOME_RETRY;
    delivery_close(delivery);
}

/* Full jitter based on the receive count, at least one second, so that a message is never retried
 * in a tight loop. */
static unsigned backoff(const struct delivery *delivery)
{
    unsigned attempts = delivery->message.receive_count - 1;
    unsigned most = delivery->consumer->context->backoff_s;
    return 1 + (unsigned)jitter_full(BACKOFF_BASE_S, most, attempts);
}

static void dead_letter_failed(struct delivery *delivery, const char *why)
{
    struct consumer *consumer = delivery->consumer;
    if (log_gate_open(&consumer->dead_letter_fails, uv_now(consumer->context->loop),
                      TO_MEND_EVERY_MS))
        log_error("dead letter could not be sent; the message will be retried",
                  LOG_TEXT("queue", consumer->home.name), LOG_TEXT("job", delivery->message.id),
                  LOG_TRACE(&delivery->trace), LOG_TEXT("error", why),
                  LOG_SUPPRESSED(&consumer->dead_letter_fails));
    give_back(delivery, backoff(delivery));
}

static void on_dead_letter_sent(const char *message_id, const struct error *error, void *user)
{
    struct delivery *delivery = user;
    (void)message_id;
    if (error->code) {
        dead_letter_failed(delivery, error->text);
        return;
    }
    delivery->tally.dead = true;
    delivery->final = true;
    remember(delivery);
    lease_delete(delivery->lease, &delivery->trace);
    delivery_close(delivery);
}

/* Without a dead-letter queue, the message is left in its queue until its visibility timeout
 * ends. */
static void leave(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    if (!consumer->no_dead_letters)
        log_warn("queue has no dead-letter queue: rejected messages will be delivered again; "
                 "give it a RedrivePolicy",
                 LOG_TEXT("queue", consumer->home.name));
    consumer->no_dead_letters = true;
    remember(delivery);
    lease_forget(delivery->lease);
    delivery_close(delivery);
}

static void reject(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    if (!consumer->dead_letters) {
        leave(delivery);
        return;
    }
    char *records = delivery->envelope.count > 1 ? record_tally_rejected(&delivery->tally) : NULL;
    const char *detail = delivery->tally.detail;
    const struct dead_letter why = {delivery->reason, detail ? detail : delivery->error.text,
                                    records, &delivery->trace};
    delivery->phase = DELIVERY_REJECTING;
    int code = dead_letter_send(consumer, &delivery->message, &why, on_dead_letter_sent, delivery);
    free(records);
    if (code == ERR_LIMIT)
        dead_letter_failed(delivery, "it is larger than the dead-letter queue accepts: raise the "
                                     "queue's MaximumMessageSize");
    else if (code)
        dead_letter_failed(delivery, error_name(code));
}

static void delivery_settle(struct delivery *delivery)
{
    switch (delivery->outcome) {
    case OUTCOME_ACK:
        delivery->final = true;
        lease_delete_then(delivery->lease, &delivery->trace,
                          delivery->payload ? payload_removal_end : NULL, delivery->payload);
        delivery->payload = NULL;
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
        return; /* the dead letter is being sent; the delete will report the expired receipt */
    lease_forget(delivery->lease);
    remember(delivery);
    delivery->outcome = OUTCOME_RETRY;
    delivery->reason = "lease-lost";
    error_set(&delivery->error, ERR_CANCELLED, "the lease on the message was lost");
    delivery_close(delivery);
}

/* ---- the decision ---- */

/* All records are settled, by this delivery or earlier ones. */
static void settle_all(struct delivery *delivery)
{
    const struct record_tally *tally = &delivery->tally;
    delivery->outcome = tally->reason ? OUTCOME_REJECT : OUTCOME_ACK;
    delivery->reason = tally->reason ? tally->reason : "";
    if (tally->reason)
        error_set(&delivery->error, ERR_NONE, "%s", tally->detail ? tally->detail : "");
    delivery_settle(delivery);
}

/* A job has finished. While any record must be retried, the message is returned. Rejected records
 * wait with it, so that a single dead letter covers all of them. */
static void delivery_update(struct delivery *delivery)
{
    if (delivery->starting || delivery->phase != DELIVERY_WORKING)
        return;
    const struct job *again = NULL;
    for (size_t i = 0; i < delivery->job_count; i++) {
        const struct job *job = delivery->jobs[i];
        if (job->loop.state != JOB_FINISHED)
            return;
        if (!again && job->loop.outcome == OUTCOME_RETRY)
            again = job;
    }
    tally_jobs(delivery);
    if (!again) {
        settle_all(delivery);
        return;
    }
    delivery->outcome = OUTCOME_RETRY;
    delivery->reason = again->loop.reason;
    delivery->error = again->loop.error;
    delivery_settle(delivery);
}

/* ---- start ---- */

static int jobs_make(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    delivery->jobs = calloc(delivery->envelope.count, sizeof *delivery->jobs);
    if (!delivery->jobs)
        return ERR_MEMORY;
    for (size_t i = 0; i < delivery->envelope.count; i++) {
        if (record_tally_has(&delivery->tally, i))
            continue;
        struct job *job = job_new(consumer->context->jobs, delivery, consumer->pipeline,
                                  &delivery->envelope.records[i], delivery_update);
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
    const struct delivery_context *context = delivery->consumer->context;
    struct object_store *store = context->store;
    struct object_name name = {delivery->envelope.pointer.bucket, delivery->envelope.pointer.key,
                               NULL, &delivery->trace};
    delivery->phase = DELIVERY_RESOLVING;
    if (context->payloads)
        delivery->payload = payload_removal_new(context->payloads, name.bucket, name.key);
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
        if (envelope_is_size_attribute(message->attributes[i].name))
            return true;
    }
    return false;
}

static void read_body(struct delivery *delivery, struct slice body, bool extended)
{
    int code = envelope_parse(body, extended, &delivery->envelope, &delivery->error);
    delivery_trace_begin(delivery);
    if (code) {
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

/* Whether an earlier message of its group is in the list, searching backwards from `last`. */
static bool is_behind(const struct delivery *delivery, const struct list *last)
{
    const struct list *head = &delivery->consumer->deliveries;
    for (const struct list *l = last; delivery->grouped && l != head; l = l->prev) {
        const struct delivery *earlier = container_of(l, struct delivery, link);
        if (is_of_group(earlier, delivery->message.group))
            return true;
    }
    return false;
}

static void delivery_begin(struct delivery *delivery)
{
    delivery->phase = DELIVERY_RESOLVING;
    read_body(delivery, (struct slice){delivery->message.body, delivery->message.body_size},
              is_extended(&delivery->message));
}

/* Visible at once: SQS itself delivers it after the returned one. */
static void hand_back_behind(struct delivery *delivery)
{
    delivery->reason = "group-order";
    error_set(&delivery->error, ERR_CANCELLED, "an earlier message of its group is retried first");
    give_back(delivery, 0);
}

void delivery_accept(struct consumer *consumer, struct queue_message *message)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        queue_message_clear(message); /* it becomes visible when its visibility timeout ends */
        return;
    }
    char *receipt = message->receipt;
    message->receipt = NULL;
    delivery->consumer = consumer;
    delivery->reason = "";
    delivery->received_us = uv_hrtime() / 1000;
    delivery->message = queue_message_take(message);
    delivery->grouped = delivery->message.group &&
                        queue_is_fifo(consumer->home.backend->ops->facts(consumer->queue));
    delivery->lease = lease_take(&consumer->home, receipt, consumer->visibility_s,
                                 uv_now(consumer->context->loop), on_lease_lost, delivery);
    if (!delivery->lease) {
        queue_message_clear(&delivery->message);
        free(delivery);
        return;
    }
    bool behind = is_behind(delivery, consumer->deliveries.prev);
    list_push(&consumer->deliveries, &delivery->link);
    consumer->in_flight++;
    consumer->context->in_flight++;
    consumer->context->stats.received++;
    consumer_stats_received(&consumer->stats, uv_now(consumer->context->loop),
                            delivery->message.sent_ms);
    message_memory_recall(consumer->context->messages, consumer->home.name, delivery->message.id,
                          &delivery->tally);
    if (delivery->tally.dead) { /* its dead letter was sent; only the delete failed */
        remember(delivery);
        delivery->outcome = OUTCOME_ACK;
        delivery_settle(delivery);
        return;
    }
    if (!behind)
        delivery_begin(delivery);
}

void deliveries_each(struct consumer *consumer, void (*act)(struct delivery *delivery))
{
    struct list *next;
    for (struct list *l = consumer->deliveries.next; l != &consumer->deliveries; l = next) {
        next = l->next;
        act(container_of(l, struct delivery, link));
    }
}

void deliveries_regroup(struct consumer *consumer)
{
    struct list *next;
    for (struct list *l = consumer->deliveries.next; l != &consumer->deliveries; l = next) {
        struct delivery *delivery = container_of(l, struct delivery, link);
        next = l->next;
        if (delivery->phase != DELIVERY_BEHIND)
            continue;
        if (delivery->overtaken)
            hand_back_behind(delivery);
        else if (!is_behind(delivery, l->prev))
            delivery_begin(delivery);
    }
}

/* ---- returning to the queue ---- */

void delivery_abort(struct delivery *delivery)
{
    if (delivery->phase == DELIVERY_REJECTING) {
        /* It is unknown whether the dead letter arrived; the message may be rejected again, but is
         * never lost. */
        lease_release(delivery->lease, 0);
        delivery_free(delivery);
        return;
    }
    delivery->handed_back = true;
    delivery->reason = "handed-back";
    error_set(&delivery->error, ERR_CANCELLED, "the engine is shutting down");
    give_back(delivery, 0);
}

void delivery_give_up(struct delivery *delivery)
{
    delivery->reason = "stalled";
    error_set(&delivery->error, ERR_TIMEOUT, "the job made no progress");
    give_back(delivery, backoff(delivery));
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
