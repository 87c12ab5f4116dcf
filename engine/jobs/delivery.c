#include "delivery.h"

#include <stdlib.h>

#include "delivery_group.h"
#include "delivery_settle.h"
#include "job.h"
#include "job_trace.h"

enum {
    POINTER_BODY_MAX =
        16 * 1024 * 1024, /* an event that was too long for SQS; images are never sent this way */
};

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
    delivery_tally(delivery);
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
        delivery_fail(delivery);
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
        delivery_fail(delivery);
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
        delivery_fail(delivery);
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
        delivery_fail(delivery);
        return;
    }
    envelope_clear(&delivery->envelope);
    read_body(delivery, (struct slice){body->data, body->size}, false);
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
    delivery_give_back(delivery, 0);
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
                                 uv_now(consumer->context->loop), delivery_lease_lost, delivery);
    if (!delivery->lease) {
        queue_message_clear(&delivery->message);
        free(delivery);
        return;
    }
    bool behind = delivery_is_behind(delivery, consumer->deliveries.prev);
    list_push(&consumer->deliveries, &delivery->link);
    consumer->in_flight++;
    consumer->context->in_flight++;
    consumer->context->stats.received++;
    consumer_stats_received(&consumer->stats, uv_now(consumer->context->loop),
                            delivery->message.sent_ms);
    message_memory_recall(consumer->context->messages, consumer->home.name, delivery->message.id,
                          &delivery->tally);
    if (delivery->tally.dead) { /* its dead letter was sent; only the delete failed */
        delivery_delete_again(delivery);
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
        else if (!delivery_is_behind(delivery, l->prev))
            delivery_begin(delivery);
    }
}

/* ---- returning to the queue ---- */

void delivery_abort(struct delivery *delivery)
{
    if (delivery->phase == DELIVERY_REJECTING) {
        delivery_drop_rejection(delivery);
        return;
    }
    delivery->handed_back = true;
    delivery->reason = "handed-back";
    error_set(&delivery->error, ERR_CANCELLED, "the engine is shutting down");
    delivery_give_back(delivery, 0);
}

void delivery_give_up(struct delivery *delivery)
{
    delivery->reason = "stalled";
    error_set(&delivery->error, ERR_TIMEOUT, "the job made no progress");
    delivery_back_off(delivery);
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
