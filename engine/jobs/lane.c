#include "lane.h"

#include <stdlib.h>

#include "delivery.h"
#include "engine_private.h"
#include "jitter.h"

enum {
    VISIBILITY_MIN_S = 2,
    AGAIN_BASE_MS = 500,
    AGAIN_CAP_MS = 15000,
    WAITS_EVERY_MS = 60000, /* a line in the log for what is waited for */
};

static void on_timer(uv_timer_t *timer);

static const struct pipeline_facts *facts_of(const struct lane *lane)
{
    return lane->engine->options.pipeline_ops->facts(lane->pipeline);
}

static struct queue_backend *queues_of(const struct lane *lane)
{
    return lane->engine->options.queues;
}

/* A slot is free. */
static void delivery_ended(struct lane *lane)
{
    queue_poller_update(&lane->poller);
    engine_update(lane->engine);
}

struct lane *lane_new(struct engine *engine, struct pipeline *pipeline,
                      const struct lane_observer *observer)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->engine = engine;
    lane->observer = observer;
    lane->context = &engine->deliveries;
    lane->delivery_ended = delivery_ended;
    lane->pipeline = engine->options.pipeline_ops->retain(pipeline);
    lane->share.weight = facts_of(lane)->weight;
    lane->service = queues_of(lane)->ops->service(queues_of(lane), facts_of(lane)->queue);
    list_init(&lane->deliveries);
    return lane;
}

static void received(struct queue_poller *poller, struct queue_message *messages, size_t count)
{
    struct lane *lane = poller->lane;
    for (size_t i = 0; i < count; i++)
        delivery_accept(lane, &messages[i]);
    if (poller->state != POLLER_STOPPED)
        return;
    deliveries_each(lane, delivery_hand_back);
    engine_update(lane->engine);
}

/* libuv's timers need no memory: these cannot fail. */
void lane_begin(struct lane *lane)
{
    uv_timer_init(lane->engine->loop, &lane->timer);
    queue_poller_init(&lane->poller, lane, lane->engine->loop, received);
}

void lane_free(struct lane *lane)
{
    lane->engine->options.pipeline_ops->release(lane->pipeline);
    free(lane->service);
    free(lane);
}

int lane_refuse_queue(const struct pipeline_facts *facts, const struct pipeline_facts *other,
                      struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "%s: queue: the queue \"%s\" is also read by %s as \"%s\", and each message "
                     "would reach only one of them; give each pipeline its own queue, or list "
                     "their outputs in one file",
                     facts->file, facts->queue, other->file, other->queue);
}

/* ---- opening ---- */

static unsigned visibility_of(const struct lane *lane)
{
    unsigned visibility_s = facts_of(lane)->visibility_s;
    if (!visibility_s)
        visibility_s = lane->engine->options.visibility_s;
    if (!visibility_s)
        visibility_s = queues_of(lane)->ops->facts(lane->queue)->visibility_s;
    return visibility_s < VISIBILITY_MIN_S ? VISIBILITY_MIN_S : visibility_s;
}

static void open_failed(struct lane *lane, const struct error *error)
{
    struct engine *engine = lane->engine;
    if (!outage_observe(lane, error) &&
        log_gate_open(&lane->waits, uv_now(engine->loop), WAITS_EVERY_MS))
        log_warn("queue could not be opened; trying again",
                 LOG_TEXT("queue", facts_of(lane)->queue),
                 LOG_TEXT("pipeline", facts_of(lane)->name), LOG_TEXT("error", error->text),
                 LOG_SUPPRESSED(&lane->waits));
    uint64_t delay = AGAIN_BASE_MS / 2 + jitter_full(AGAIN_BASE_MS, AGAIN_CAP_MS, lane->failures);
    lane->failures++;
    uv_timer_start(&lane->timer, on_timer, delay, 0);
    lane->observer->open_failed(engine, error);
}

static void opened(struct lane *lane)
{
    lane->state = LANE_OPEN;
    log_info("pipeline is open", LOG_TEXT("pipeline", facts_of(lane)->name),
             LOG_TEXT("queue", facts_of(lane)->queue), LOG_TEXT("file", facts_of(lane)->file));
    lane->failures = 0;
    outage_observe(lane, &(struct error){0});
    queue_poller_update(&lane->poller);
    lane->observer->opened(lane->engine);
}

/* A response came. Whether it is still wanted. */
static bool answered(struct lane *lane)
{
    lane->asking = false;
    engine_update(lane->engine);
    return lane->state == LANE_OPENING && !lane->engine->draining && !lane->engine->closing;
}

static bool may_come_back(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_MEMORY || code == ERR_PROTOCOL;
}

static void on_dead_letters(struct queue *queue, const struct error *error, void *user)
{
    struct lane *lane = user;
    lane->dead_letters = queue;
    if (!answered(lane))
        return;
    if (error->code && may_come_back(error->code)) {
        open_failed(lane, error);
        return;
    }
    if (error->code)
        log_warn("dead-letter queue could not be opened; rejected messages will be left to the "
                 "redrive policy",
                 LOG_TEXT("queue", lane->home.name), LOG_TEXT("error", error->text));
    opened(lane);
}

static void open_next(struct lane *lane);

/* A queue has several names. ERR_INVALID: another lane reads it. */
static int check_alone(const struct lane *lane, const struct queue *queue, struct error *error)
{
    for (size_t i = 0; i < lane->engine->lane_count; i++) {
        const struct lane *other = lane->engine->lanes[i];
        if (other != lane && other->state != LANE_RETIRED && other->queue &&
            queues_of(lane)->ops->same(other->queue, queue))
            return lane_refuse_queue(facts_of(lane), facts_of(other), error);
    }
    return 0;
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct lane *lane = user;
    struct error taken = {0};
    if (queue && check_alone(lane, queue, &taken)) {
        queues_of(lane)->ops->close(queue);
        queue = NULL;
        error = &taken;
    }
    if (queue) {
        lane->queue = queue;
        lane->visibility_s = visibility_of(lane);
        lease_home_open(&lane->home, &lane->engine->leases, queues_of(lane), queue,
                        facts_of(lane)->name);
    }
    if (!answered(lane))
        return;
    if (error->code)
        open_failed(lane, error);
    else
        open_next(lane);
}

static int ask(struct lane *lane)
{
    struct queue_backend *queues = queues_of(lane);
    const char *dead = lane->queue ? queues->ops->facts(lane->queue)->dead_letter_arn : NULL;
    int code = lane->queue ? queues->ops->open(queues, dead, on_dead_letters, lane)
                           : queues->ops->open(queues, facts_of(lane)->queue, on_opened, lane);
    lane->asking = !code;
    return code;
}

static void ask_failed(struct lane *lane, int code, struct error *error)
{
    error_set(error, code, "%s: the queue \"%s\" could not be opened (%s)%s", facts_of(lane)->file,
              facts_of(lane)->queue, error_name(code),
              code == ERR_INVALID ? "; give a name, a URL or an ARN" : "");
}

/* The queue, or its dead-letter queue where there is one. */
static void open_next(struct lane *lane)
{
    struct error error = {0};
    bool done = lane->queue && !queues_of(lane)->ops->facts(lane->queue)->dead_letter_arn;
    int code = done ? 0 : ask(lane);
    if (done) {
        opened(lane);
    } else if (code && lane->queue && code != ERR_MEMORY) {
        error_set(&error, code, "its name is not a valid queue name");
        on_dead_letters(NULL, &error, lane);
    } else if (code) {
        ask_failed(lane, code, &error);
        open_failed(lane, &error);
    }
}

static void on_timer(uv_timer_t *timer)
{
    open_next(container_of(timer, struct lane, timer));
}

void lane_open(struct lane *lane)
{
    uv_timer_start(&lane->timer, on_timer, 0, 0);
}

int lane_open_now(struct lane *lane, struct error *error)
{
    int code = ask(lane);
    if (code)
        ask_failed(lane, code, error);
    return code;
}

/* ---- changing and ending ---- */

void lane_change(struct lane *lane, struct pipeline *pipeline)
{
    const struct pipeline_ops *ops = lane->engine->options.pipeline_ops;
    struct pipeline *old = lane->pipeline;
    lane->pipeline = ops->retain(pipeline);
    lane->share.weight = facts_of(lane)->weight;
    if (lane->queue) {
        lane->visibility_s = visibility_of(lane);
        lane->home.name = facts_of(lane)->name; /* the old one's goes with it */
    }
    ops->release(old);
}

void lane_stop(struct lane *lane)
{
    uv_timer_stop(&lane->timer);
    queue_poller_stop(&lane->poller);
    if (lane->engine->options.polls_abortable)
        queue_poller_cancel(&lane->poller);
}

void lane_retire(struct lane *lane)
{
    lane->state = LANE_RETIRED;
    outage_leave(lane);
    lane_stop(lane);
    deliveries_each(lane, delivery_hand_back);
    engine_update(lane->engine);
}

bool lane_is_empty(const struct lane *lane)
{
    return !lane->asking && !lane->poller.poll_count && !lane->in_flight && !lane->home.count &&
           !lane->jobs;
}

static void on_handle_closed(struct lane *lane)
{
    if (--lane->handles == 0)
        lane->closed(lane);
}

static void timer_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of((uv_timer_t *)handle, struct lane, timer));
}

static void poller_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of((uv_timer_t *)handle, struct queue_poller, timer)->lane);
}

void lane_close(struct lane *lane, void (*closed)(struct lane *lane))
{
    struct queue_backend *queues = queues_of(lane);
    lane->closed = closed;
    if (lane->asking)
        queues->ops->open_cancel(queues, lane);
    lane->asking = false;
    if (lane->queue) {
        lease_home_close(&lane->home);
        queues->ops->close(lane->queue);
    }
    if (lane->dead_letters)
        queues->ops->close(lane->dead_letters);
    lane->queue = lane->dead_letters = NULL;
    lane->handles = 2;
    uv_close((uv_handle_t *)&lane->timer, timer_closed);
    queue_poller_close(&lane->poller, poller_closed);
}
