#include "consumer.h"

#include <stdlib.h>

#include "delivery.h"
#include "engine_private.h"
#include "jitter.h"

enum {
    VISIBILITY_MIN_S = 2,
    AGAIN_BASE_MS = 500,
    AGAIN_CAP_MS = 15000,
    WAITS_EVERY_MS = 60000, /* interval of log lines about a queue that cannot be opened */
};

static void on_timer(uv_timer_t *timer);

static const struct pipeline_facts *facts_of(const struct consumer *consumer)
{
    return consumer->engine->options.pipeline_ops->facts(consumer->pipeline);
}

static struct queue_backend *queues_of(const struct consumer *consumer)
{
    return consumer->engine->options.queues;
}

/* A slot is free. */
static void delivery_ended(struct consumer *consumer)
{
    queue_poller_update(&consumer->poller);
    engine_update(consumer->engine);
}

struct consumer *consumer_new(struct engine *engine, struct pipeline *pipeline,
                              const struct consumer_observer *observer)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return NULL;
    consumer->engine = engine;
    consumer->observer = observer;
    consumer->context = &engine->deliveries;
    consumer->delivery_ended = delivery_ended;
    consumer->pipeline = engine->options.pipeline_ops->retain(pipeline);
    consumer->share.weight = facts_of(consumer)->weight;
    consumer->service =
        queues_of(consumer)->ops->service(queues_of(consumer), facts_of(consumer)->queue);
    list_init(&consumer->deliveries);
    consumer_stats_init(&consumer->stats);
    return consumer;
}

static void received(struct queue_poller *poller, struct queue_message *messages, size_t count)
{
    struct consumer *consumer = poller->consumer;
    for (size_t i = 0; i < count; i++)
        delivery_accept(consumer, &messages[i]);
    if (poller->state != POLLER_STOPPED)
        return;
    deliveries_each(consumer, delivery_hand_back);
    engine_update(consumer->engine);
}

/* libuv's timers allocate nothing, so these cannot fail. */
void consumer_begin(struct consumer *consumer)
{
    uv_timer_init(consumer->engine->loop, &consumer->timer);
    label_pace_init(&consumer->label_pace, consumer->engine->loop);
    queue_poller_init(&consumer->poller, consumer, consumer->engine->loop, received);
}

void consumer_free(struct consumer *consumer)
{
    consumer->engine->options.pipeline_ops->release(consumer->pipeline);
    free(consumer->service);
    free(consumer);
}

int consumer_refuse_queue(const struct pipeline_facts *facts, const struct pipeline_facts *other,
                          struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "%s: queue: the queue \"%s\" is also read by %s as \"%s\", and each message "
                     "would reach only one of them; give each pipeline its own queue, or list "
                     "their outputs in one file",
                     facts->file, facts->queue, other->file, other->queue);
}

/* ---- opening ---- */

static unsigned visibility_of(const struct consumer *consumer)
{
    unsigned visibility_s = facts_of(consumer)->visibility_s;
    if (!visibility_s)
        visibility_s = consumer->engine->options.visibility_s;
    if (!visibility_s)
        visibility_s = queues_of(consumer)->ops->facts(consumer->queue)->visibility_s;
    return visibility_s < VISIBILITY_MIN_S ? VISIBILITY_MIN_S : visibility_s;
}

static void open_failed(struct consumer *consumer, const struct error *error)
{
    struct engine *engine = consumer->engine;
    if (!outage_observe(consumer, error) &&
        log_gate_open(&consumer->waits, uv_now(engine->loop), WAITS_EVERY_MS))
        log_warn("queue could not be opened; trying again",
                 LOG_TEXT("queue", facts_of(consumer)->queue),
                 LOG_TEXT("pipeline", facts_of(consumer)->name), LOG_TEXT("error", error->text),
                 LOG_SUPPRESSED(&consumer->waits));
    uint64_t delay =
        AGAIN_BASE_MS / 2 + jitter_full(AGAIN_BASE_MS, AGAIN_CAP_MS, consumer->failures);
    consumer->failures++;
    uv_timer_start(&consumer->timer, on_timer, delay, 0);
    consumer->observer->open_failed(engine, error);
}

static void opened(struct consumer *consumer)
{
    consumer->state = CONSUMER_OPEN;
    log_info("pipeline is open", LOG_TEXT("pipeline", facts_of(consumer)->name),
             LOG_TEXT("queue", facts_of(consumer)->queue),
             LOG_TEXT("file", facts_of(consumer)->file));
    consumer->failures = 0;
    outage_observe(consumer, &(struct error){0});
    queue_poller_update(&consumer->poller);
    consumer->observer->opened(consumer->engine);
}

/* Handles a response; false: it is no longer needed. */
static bool open_returned(struct consumer *consumer)
{
    consumer->asking = false;
    engine_update(consumer->engine);
    return consumer->state == CONSUMER_OPENING && !consumer->engine->draining &&
           !consumer->engine->closing;
}

static bool may_come_back(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_MEMORY || code == ERR_PROTOCOL;
}

static void on_dead_letters(struct queue *queue, const struct error *error, void *user)
{
    struct consumer *consumer = user;
    consumer->dead_letters = queue;
    if (!open_returned(consumer))
        return;
    if (error->code && may_come_back(error->code)) {
        open_failed(consumer, error);
        return;
    }
    if (error->code)
        log_warn("dead-letter queue could not be opened; rejected messages will be left to the "
                 "redrive policy",
                 LOG_TEXT("queue", consumer->home.name), LOG_TEXT("error", error->text));
    opened(consumer);
}

static void open_next(struct consumer *consumer);

/* A queue may have several names. ERR_INVALID: another consumer reads it. */
static int check_alone(const struct consumer *consumer, const struct queue *queue,
                       struct error *error)
{
    for (size_t i = 0; i < consumer->engine->consumer_count; i++) {
        const struct consumer *other = consumer->engine->consumers[i];
        if (other != consumer && other->state != CONSUMER_RETIRED && other->queue &&
            queues_of(consumer)->ops->same(other->queue, queue))
            return consumer_refuse_queue(facts_of(consumer), facts_of(other), error);
    }
    return 0;
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct consumer *consumer = user;
    struct error taken = {0};
    if (queue && check_alone(consumer, queue, &taken)) {
        queues_of(consumer)->ops->close(queue);
        queue = NULL;
        error = &taken;
    }
    if (queue) {
        consumer->queue = queue;
        consumer->visibility_s = visibility_of(consumer);
        lease_home_open(&consumer->home, &consumer->engine->leases, queues_of(consumer), queue,
                        facts_of(consumer)->name);
    }
    if (!open_returned(consumer))
        return;
    if (error->code)
        open_failed(consumer, error);
    else
        open_next(consumer);
}

static int ask(struct consumer *consumer)
{
    struct queue_backend *queues = queues_of(consumer);
    const char *dead =
        consumer->queue ? queues->ops->facts(consumer->queue)->dead_letter_arn : NULL;
    int code = consumer->queue
                   ? queues->ops->open(queues, dead, on_dead_letters, consumer)
                   : queues->ops->open(queues, facts_of(consumer)->queue, on_opened, consumer);
    consumer->asking = !code;
    return code;
}

static void ask_failed(struct consumer *consumer, int code, struct error *error)
{
    error_set(error, code, "%s: the queue \"%s\" could not be opened (%s)%s",
              facts_of(consumer)->file, facts_of(consumer)->queue, error_name(code),
              code == ERR_INVALID ? "; give a name, a URL or an ARN" : "");
}

/* Opens the queue or its dead-letter queue. */
static void open_next(struct consumer *consumer)
{
    struct error error = {0};
    bool done =
        consumer->queue && !queues_of(consumer)->ops->facts(consumer->queue)->dead_letter_arn;
    int code = done ? 0 : ask(consumer);
    if (done) {
        opened(consumer);
    } else if (code && consumer->queue && code != ERR_MEMORY) {
        error_set(&error, code, "its name is not a valid queue name");
        on_dead_letters(NULL, &error, consumer);
    } else if (code) {
        ask_failed(consumer, code, &error);
        open_failed(consumer, &error);
    }
}

static void on_timer(uv_timer_t *timer)
{
    open_next(container_of(timer, struct consumer, timer));
}

void consumer_open(struct consumer *consumer)
{
    uv_timer_start(&consumer->timer, on_timer, 0, 0);
}

int consumer_open_now(struct consumer *consumer, struct error *error)
{
    int code = ask(consumer);
    if (code)
        ask_failed(consumer, code, error);
    return code;
}

/* ---- changing and closing ---- */

void consumer_change(struct consumer *consumer, struct pipeline *pipeline)
{
    const struct pipeline_ops *ops = consumer->engine->options.pipeline_ops;
    struct pipeline *old = consumer->pipeline;
    consumer->pipeline = ops->retain(pipeline);
    consumer->share.weight = facts_of(consumer)->weight;
    if (consumer->queue) {
        consumer->visibility_s = visibility_of(consumer);
        consumer->home.name = facts_of(consumer)->name; /* its name belongs to the old one */
    }
    ops->release(old);
}

void consumer_stop(struct consumer *consumer)
{
    uv_timer_stop(&consumer->timer);
    queue_poller_stop(&consumer->poller);
    if (consumer->engine->options.polls_abortable)
        queue_poller_cancel(&consumer->poller);
}

void consumer_retire(struct consumer *consumer)
{
    consumer->state = CONSUMER_RETIRED;
    outage_leave(consumer);
    consumer_stop(consumer);
    deliveries_each(consumer, delivery_hand_back);
    engine_update(consumer->engine);
}

bool consumer_is_empty(const struct consumer *consumer)
{
    return !consumer->asking && !consumer->poller.poll_count && !consumer->in_flight &&
           !consumer->home.count && !consumer->jobs;
}

static void on_handle_closed(struct consumer *consumer)
{
    if (--consumer->handles == 0)
        consumer->closed(consumer);
}

static void timer_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of((uv_timer_t *)handle, struct consumer, timer));
}

static void label_pace_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of((uv_timer_t *)handle, struct consumer, label_pace.timer));
}

static void poller_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of((uv_timer_t *)handle, struct queue_poller, timer)->consumer);
}

void consumer_close(struct consumer *consumer, void (*closed)(struct consumer *consumer))
{
    struct queue_backend *queues = queues_of(consumer);
    consumer->closed = closed;
    if (consumer->asking)
        queues->ops->open_cancel(queues, consumer);
    consumer->asking = false;
    queue_survey_forget(&consumer->engine->survey, consumer);
    if (consumer->queue) {
        lease_home_close(&consumer->home);
        queues->ops->close(consumer->queue);
    }
    if (consumer->dead_letters)
        queues->ops->close(consumer->dead_letters);
    consumer->queue = consumer->dead_letters = NULL;
    consumer->handles = 3;
    uv_close((uv_handle_t *)&consumer->timer, timer_closed);
    label_pace_close(&consumer->label_pace, label_pace_closed);
    queue_poller_close(&consumer->poller, poller_closed);
}
