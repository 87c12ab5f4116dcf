#include "watchdog.h"

#include "delivery.h"
#include "engine_private.h"
#include "job.h"
#include "log.h"

enum { SHARED_LIMITS = 4, LOOKS = 4, LOOK_MIN_MS = 10, LOOK_MAX_MS = 15000 };

static bool waits_for_others(const struct job *job)
{
    return job->loop.state == JOB_FETCHING || job->loop.state == JOB_RENDERING ||
           job->loop.state == JOB_ORDERING || label_turn_waits(&job->loop.turn);
}

static bool job_is_stalled(const struct watchdog *dog, const struct job *job, uint64_t now_ms)
{
    uint64_t others_ms = now_ms - job->msg.runner->moved_ms;
    uint64_t still_ms = now_ms - job->loop.moved_ms;
    if (job->loop.state == JOB_FINISHED || still_ms <= dog->limit_ms)
        return false;
    return !waits_for_others(job) || others_ms > dog->limit_ms ||
           still_ms > SHARED_LIMITS * dog->limit_ms;
}

static void look_at(struct delivery *delivery)
{
    struct engine *engine = delivery->consumer->engine;
    uint64_t now_ms = uv_now(engine->loop);
    for (size_t i = 0; delivery->phase == DELIVERY_WORKING && i < delivery->job_count; i++) {
        const struct job *job = delivery->jobs[i];
        if (!job_is_stalled(&engine->watchdog, job, now_ms))
            continue;
        log_warn("job makes no progress; its message is returned to the queue",
                 LOG_TEXT("job", delivery->message.id),
                 LOG_TEXT("pipeline", delivery->consumer->home.name),
                 LOG_TEXT("bucket", job->msg.record->bucket), LOG_TEXT("key", job->msg.record->key),
                 LOG_TRACE(&delivery->trace), LOG_TEXT("state", job_state_name(job->loop.state)),
                 LOG_TEXT("on_worker", job->work.claim.rendering ? "yes" : "no"),
                 LOG_INT("pending", job->loop.pending),
                 LOG_INT("milliseconds", now_ms - job->loop.moved_ms));
        engine->watchdog.stalled++;
        delivery_give_up(delivery);
        return;
    }
}

static void on_look(uv_timer_t *timer)
{
    struct watchdog *dog = container_of(timer, struct watchdog, timer);
    consumers_each_delivery(dog->engine, look_at);
}

void watchdog_init(struct watchdog *watchdog, struct engine *engine, uint64_t limit_ms)
{
    uint64_t every_ms = limit_ms / LOOKS;
    every_ms = every_ms < LOOK_MIN_MS   ? LOOK_MIN_MS
               : every_ms > LOOK_MAX_MS ? LOOK_MAX_MS
                                        : every_ms;
    *watchdog = (struct watchdog){.engine = engine, .limit_ms = limit_ms};
    uv_timer_init(engine->loop, &watchdog->timer);
    uv_timer_start(&watchdog->timer, on_look, every_ms, every_ms);
    uv_unref((uv_handle_t *)&watchdog->timer);
}

uint64_t watchdog_patience_ms(const struct watchdog *watchdog)
{
    return SHARED_LIMITS * watchdog->limit_ms + 2 * LOOK_MAX_MS;
}

void watchdog_close(struct watchdog *watchdog, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&watchdog->timer, closed);
}
