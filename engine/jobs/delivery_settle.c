#include "delivery_settle.h"

#include <stdlib.h>

#include "dead_letter.h"
#include "delivery.h"
#include "delivery_group.h"
#include "delivery_report.h"
#include "jitter.h"
#include "job.h"
#include "job_trace.h"
#include "log.h"

enum {
    BACKOFF_BASE_S = 2,
    LOG_EVERY_MS = 60000,
};

static void delivery_free(struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    delivery_group_ended(delivery);
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

/* ---- the tally: records that the next delivery need not repeat ---- */

static size_t index_of(const struct delivery *delivery, const struct job *job)
{
    return (size_t)(job->msg.record - delivery->envelope.records);
}

void delivery_tally(struct delivery *delivery)
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
    delivery_tally(delivery);
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
    delivery_report(delivery);
    delivery_free(delivery);
}

void delivery_give_back(struct delivery *delivery, unsigned visibility_s)
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

void delivery_back_off(struct delivery *delivery)
{
    delivery_give_back(delivery, backoff(delivery));
}

static void dead_letter_failed(struct delivery *delivery, const char *why)
{
    struct consumer *consumer = delivery->consumer;
    if (log_gate_open(&consumer->dead_letter_fails, uv_now(consumer->context->loop), LOG_EVERY_MS))
        log_error("dead letter could not be sent; the message will be retried",
                  LOG_TEXT("queue", consumer->home.name), LOG_TEXT("job", delivery->message.id),
                  LOG_TRACE(&delivery->trace), LOG_TEXT("error", why),
                  LOG_SUPPRESSED(&consumer->dead_letter_fails));
    delivery_back_off(delivery);
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
                 "give it one (SQS: a RedrivePolicy; RabbitMQ: the queue NAME.dead)",
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

void delivery_settle(struct delivery *delivery)
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
        delivery_back_off(delivery);
        break;
    case OUTCOME_REJECT:
        reject(delivery);
        break;
    }
}

void delivery_lease_lost(void *user)
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

void delivery_fail(struct delivery *delivery)
{
    int code = delivery->error.code;
    delivery->outcome = outcome_of(STAGE_ENVELOPE, code);
    delivery->reason = outcome_reason(STAGE_ENVELOPE, code);
    delivery_settle(delivery);
}

void delivery_delete_again(struct delivery *delivery)
{
    remember(delivery);
    delivery->outcome = OUTCOME_ACK;
    delivery_settle(delivery);
}

void delivery_drop_rejection(struct delivery *delivery)
{
    lease_release(delivery->lease, 0);
    delivery_free(delivery);
}
