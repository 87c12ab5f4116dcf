#include "engine_metrics.h"

#include "container_of.h"
#include "engine_private.h"
#include "metric_text.h"
#include "wall_clock.h"

/* ---- of each pipeline ---- */

static const char *const outcome_names[] = {
    [OUTCOME_ACK] = "acknowledged", [OUTCOME_RETRY] = "retried", [OUTCOME_REJECT] = "rejected"};

static const char *name_of(const struct consumer *consumer)
{
    return consumer->engine->options.pipeline_ops->facts(consumer->pipeline)->name;
}

static bool is_shown(const struct consumer *consumer)
{
    return consumer->state != CONSUMER_RETIRED; /* its name may be in use again */
}

typedef void write_consumer(struct buffer *out, const char *family,
                            const struct consumer *consumer);

static void write_each(struct buffer *out, const struct engine *engine, enum metric_type type,
                       const char *family, const char *help, write_consumer *write)
{
    metric_family(out, type, family, help);
    for (size_t i = 0; i < engine->consumer_count; i++) {
        if (is_shown(engine->consumers[i]))
            write(out, family, engine->consumers[i]);
    }
}

static void write_received(struct buffer *out, const char *family, const struct consumer *consumer)
{
    const struct metric_label label = {"pipeline", name_of(consumer)};
    metric_sample(out, family, &label, 1, (double)consumer->stats.received);
}

static void write_outcomes(struct buffer *out, const char *family, const struct consumer *consumer)
{
    const struct consumer_stats *stats = &consumer->stats;
    for (size_t i = 0; i < stats->outcome_count; i++) {
        const struct outcome_count *count = &stats->outcomes[i];
        const struct metric_label labels[] = {{"pipeline", name_of(consumer)},
                                              {"outcome", outcome_names[count->outcome]},
                                              {"reason", count->reason}};
        metric_sample(out, family, labels, 3, (double)count->messages);
    }
}

static void write_event_to_stored(struct buffer *out, const char *family,
                                  const struct consumer *consumer)
{
    const struct metric_label label = {"pipeline", name_of(consumer)};
    metric_histogram(out, family, &label, 1, &consumer->stats.event_to_stored);
}

static void write_receipt_to_stored(struct buffer *out, const char *family,
                                    const struct consumer *consumer)
{
    const struct metric_label label = {"pipeline", name_of(consumer)};
    metric_histogram(out, family, &label, 1, &consumer->stats.receipt_to_stored);
}

static void write_leases(struct buffer *out, const char *family, const struct consumer *consumer)
{
    const struct metric_label label = {"pipeline", name_of(consumer)};
    metric_sample(out, family, &label, 1, (double)consumer->home.count);
}

static void write_state(struct buffer *out, const char *family, const struct consumer *consumer,
                        const char *state, uint64_t messages)
{
    const struct metric_label labels[] = {{"pipeline", name_of(consumer)}, {"state", state}};
    metric_sample(out, family, labels, 2, (double)messages);
}

static void write_depth(struct buffer *out, const char *family, const struct consumer *consumer)
{
    const struct queue_depth *depth = &consumer->depth, *dead = &consumer->dead_letter_depth;
    if (depth->known) {
        write_state(out, family, consumer, "visible", depth->visible);
        write_state(out, family, consumer, "in_flight", depth->in_flight);
        write_state(out, family, consumer, "delayed", depth->delayed);
    }
    if (dead->known)
        write_state(out, family, consumer, "dead_letter", dead->visible + dead->in_flight);
}

/* SQS tells no age of a queue's oldest message. Messages that wait for another attempt are not in
 * flight here, so those that were received a moment ago count too. */
static void write_oldest(struct buffer *out, const char *family, const struct consumer *consumer)
{
    const struct metric_label label = {"pipeline", name_of(consumer)};
    int64_t oldest_ms = consumer_stats_oldest_ms(&consumer->stats, uv_now(consumer->engine->loop));
    for (struct list *link = consumer->deliveries.next; link != &consumer->deliveries;
         link = link->next)
        oldest_ms =
            sent_earlier(oldest_ms, container_of(link, struct delivery, link)->message.sent_ms);
    const double age_s = (double)(wall_clock_ms() - oldest_ms) / 1000;
    metric_sample(out, family, &label, 1, oldest_ms && age_s > 0 ? age_s : 0);
}

static void write_consumers(struct buffer *out, const struct engine *engine)
{
    write_each(out, engine, METRIC_COUNTER, "thumbwheel_messages_received_total",
               "Messages received.", write_received);
    write_each(out, engine, METRIC_COUNTER, "thumbwheel_messages_total",
               "Messages settled, by outcome and reason.", write_outcomes);
    write_each(out, engine, METRIC_HISTOGRAM, "thumbwheel_event_to_stored_seconds",
               "Time from the event to the last stored output of a photo.", write_event_to_stored);
    write_each(out, engine, METRIC_HISTOGRAM, "thumbwheel_receipt_to_stored_seconds",
               "Time from the receipt of a message to the last stored output of a photo.",
               write_receipt_to_stored);
    write_each(out, engine, METRIC_GAUGE, "thumbwheel_leases",
               "Messages whose visibility the engine extends or is about to end.", write_leases);
    write_each(out, engine, METRIC_GAUGE, "thumbwheel_queue_messages",
               "Approximate number of messages in the queue and its dead-letter queue, at most 30 "
               "seconds old when the metrics are read that often.",
               write_depth);
    write_each(out, engine, METRIC_GAUGE, "thumbwheel_oldest_message_age_seconds",
               "Time since the oldest message was sent, among those being processed and those "
               "received within the last one to two minutes; 0: none.",
               write_oldest);
}

/* ---- of the engine ---- */

struct number {
    enum metric_type type;
    const char *family, *help;
    double value;
};

static void write_numbers(struct buffer *out, const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        metric_single(out, numbers[i].type, numbers[i].family, numbers[i].help, numbers[i].value);
}

static void write_counters(struct buffer *out, const struct engine_stats *s)
{
    const struct number numbers[] = {
        {METRIC_COUNTER, "thumbwheel_objects_fetched_total", "GET requests for photos.",
         (double)s->fetched},
        {METRIC_COUNTER, "thumbwheel_fetches_shared_total",
         "Jobs that used a photo fetched for another job.", (double)s->fetch_shared},
        {METRIC_COUNTER, "thumbwheel_decodes_total", "Photos decoded.", (double)s->decoded},
        {METRIC_COUNTER, "thumbwheel_renditions_total", "Renditions made.", (double)s->rendered},
        {METRIC_COUNTER, "thumbwheel_renditions_stored_total", "Renditions stored.",
         (double)s->stored},
        {METRIC_COUNTER, "thumbwheel_renditions_stored_bytes_total",
         "Size of the stored renditions.", (double)s->stored_bytes},
        {METRIC_COUNTER, "thumbwheel_events_superseded_total",
         "Events skipped because outputs of a newer event are stored.", (double)s->superseded},
        {METRIC_COUNTER, "thumbwheel_messages_deleted_total", "Messages deleted from their queue.",
         (double)s->deleted},
        {METRIC_COUNTER, "thumbwheel_deletes_failed_total",
         "Messages that could not be deleted and will be delivered again.",
         (double)s->delete_failed},
        {METRIC_COUNTER, "thumbwheel_leases_extended_total",
         "Extensions of a message's visibility timeout.", (double)s->extended},
        {METRIC_COUNTER, "thumbwheel_leases_lost_total",
         "Messages that became visible again while they were processed.", (double)s->lease_lost},
        {METRIC_COUNTER, "thumbwheel_jobs_stalled_total",
         "Messages returned because a job made no progress.", (double)s->stalled},
        {METRIC_COUNTER, "thumbwheel_notifications_sent_total",
         "Notifications that their target has confirmed.", (double)s->notified},
        {METRIC_COUNTER, "thumbwheel_notifications_failed_total",
         "Notifications that failed; their messages are retried.", (double)s->notify_failed},
    };
    write_numbers(out, numbers, sizeof numbers / sizeof numbers[0]);
}

static void write_gauges(struct buffer *out, const struct engine *engine,
                         const struct engine_stats *s)
{
    const struct number numbers[] = {
        {METRIC_GAUGE, "thumbwheel_jobs", "Jobs in progress.", (double)s->jobs},
        {METRIC_GAUGE, "thumbwheel_photos", "Photos in memory or being fetched.",
         (double)s->sources},
        {METRIC_GAUGE, "thumbwheel_messages_in_flight", "Messages received and not settled.",
         (double)engine->deliveries.in_flight},
        {METRIC_GAUGE, "thumbwheel_memory_budget_bytes", "The budget set by --memory.",
         (double)engine->options.memory},
        {METRIC_GAUGE, "thumbwheel_memory_reserved_bytes", "The part of the budget in use.",
         (double)s->memory},
        {METRIC_GAUGE, "thumbwheel_workers", "Worker threads.", (double)engine->options.workers},
        {METRIC_GAUGE, "thumbwheel_workers_busy", "Worker threads that process a photo.",
         (double)engine->workers.busy},
    };
    write_numbers(out, numbers, sizeof numbers / sizeof numbers[0]);
}

static void write_times(struct buffer *out, const struct engine *engine)
{
    const struct {
        const char *family, *help;
        const struct histogram *histogram;
    } times[] = {
        {"thumbwheel_fetch_seconds", "Time to fetch a photo.", &engine->sources.stats.fetch_s},
        {"thumbwheel_decode_seconds",
         "Time on the worker to decode a photo and scale it for all of its renditions.",
         &engine->sources.stats.decode_s},
        {"thumbwheel_render_seconds", "Time on the worker to make one rendition.",
         &engine->sources.stats.render_s},
        {"thumbwheel_upload_seconds", "Time to store one rendition.", &engine->jobs.stats.upload_s},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        metric_family(out, METRIC_HISTOGRAM, times[i].family, times[i].help);
        metric_histogram(out, times[i].family, NULL, 0, times[i].histogram);
    }
}

void engine_write_metrics(struct engine *engine, struct buffer *out)
{
    struct engine_stats stats;
    engine_stats(engine, &stats);
    queue_survey_look(&engine->survey);
    write_consumers(out, engine);
    write_counters(out, &stats);
    write_gauges(out, engine, &stats);
    write_times(out, engine);
}

/* ---- probes ---- */

bool engine_is_ready(const struct engine *engine, struct buffer *reasons)
{
    size_t before = reasons->size;
    if (engine->draining)
        buffer_text(reasons, "the engine is shutting down\n");
    for (size_t i = 0; i < engine->consumer_count; i++) {
        const struct consumer *consumer = engine->consumers[i];
        if (consumer->state == CONSUMER_OPENING)
            buffer_format(reasons, "the queue of the pipeline \"%s\" is not open\n",
                          name_of(consumer));
    }
    return reasons->size == before;
}

bool engine_is_alive(const struct engine *engine, struct buffer *reasons)
{
    const uint64_t most_ms = watchdog_patience_ms(&engine->watchdog);
    const uint64_t oldest_ms = worker_queue_oldest_ms(&engine->workers);
    if (oldest_ms <= most_ms)
        return true;
    buffer_format(reasons, "a worker has processed one photo for %llu seconds; the limit is %llu\n",
                  (unsigned long long)(oldest_ms / 1000), (unsigned long long)(most_ms / 1000));
    return false;
}
