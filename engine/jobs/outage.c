#include "outage.h"

#include <string.h>

#include "engine_private.h"
#include "log.h"

bool outage_is_general(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_EXPIRED || code == ERR_CREDENTIALS;
}

static bool is_of_service(const struct consumer *consumer, const struct consumer *other)
{
    return consumer->state != CONSUMER_RETIRED && strcmp(consumer->service ? consumer->service : "",
                                                         other->service ? other->service : "") == 0;
}

/* Counts and marks the queues of the service. */
static size_t mark(const struct consumer *one, bool told, uint64_t since_ms)
{
    const struct engine *engine = one->engine;
    size_t count = 0;
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        if (is_of_service(consumer, one)) {
            consumer->poller.outage.told = told;
            consumer->poller.outage.since_ms = since_ms;
            count++;
        }
    }
    return count;
}

/* The first consumer of the service that is down or whose outage was logged; NULL: none. */
static struct consumer *find(const struct consumer *one, bool down)
{
    const struct engine *engine = one->engine;
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        const struct outage *outage = &consumer->poller.outage;
        if (is_of_service(consumer, one) && (down ? outage->down : outage->told))
            return consumer;
    }
    return NULL;
}

static void begin(struct consumer *consumer, const struct error *error)
{
    const struct consumer *told = find(consumer, false);
    consumer->poller.outage.down = true;
    consumer->poller.outage.told = true; /* a consumer that joined an outage */
    if (told) {
        consumer->poller.outage.since_ms = told->poller.outage.since_ms;
        return;
    }
    const size_t queues = mark(consumer, true, uv_now(consumer->engine->loop));
    log_warn("service unavailable: its queues cannot be used; trying again",
             LOG_TEXT("service", consumer->service), LOG_INT("queues", queues),
             LOG_TEXT("error", error->text));
}

/* The last queue that was down is available again. */
static void end_if_last(const struct consumer *consumer)
{
    const struct consumer *told = find(consumer, false);
    if (!told || find(consumer, true))
        return;
    const uint64_t now_ms = uv_now(consumer->engine->loop);
    const uint64_t seconds = (now_ms - told->poller.outage.since_ms) / 1000;
    const size_t queues = mark(consumer, false, 0);
    log_info("service available: its queues can be used again",
             LOG_TEXT("service", consumer->service), LOG_INT("queues", queues),
             LOG_INT("seconds", seconds));
}

static void end(struct consumer *consumer)
{
    if (!consumer->poller.outage.down)
        return;
    consumer->poller.outage.down = false;
    end_if_last(consumer);
}

/* A response from another host, or a lack of memory on our side, does not indicate an outage. */
static bool is_response(int code)
{
    return code != ERR_PROTOCOL && code != ERR_MEMORY;
}

bool outage_observe(struct consumer *consumer, const struct error *error)
{
    const bool general = outage_is_general(error->code);
    if (general)
        begin(consumer, error);
    else if (is_response(error->code))
        end(consumer);
    return general;
}

void outage_leave(struct consumer *consumer)
{
    const bool down = consumer->poller.outage.down;
    consumer->poller.outage = (struct outage){0};
    if (down)
        end_if_last(consumer);
}
