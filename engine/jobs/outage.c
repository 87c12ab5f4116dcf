#include "outage.h"

#include <string.h>

#include "engine_private.h"
#include "log.h"

bool outage_is_general(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_EXPIRED || code == ERR_CREDENTIALS;
}

static bool is_of_service(const struct lane *lane, const struct lane *other)
{
    return lane->state != LANE_RETIRED &&
           strcmp(lane->service ? lane->service : "", other->service ? other->service : "") == 0;
}

/* How many queues of the service there are; marks them. */
static size_t mark(const struct lane *one, bool told, uint64_t since_ms)
{
    const struct engine *engine = one->engine;
    size_t count = 0;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        if (is_of_service(lane, one)) {
            lane->poller.outage.told = told;
            lane->poller.outage.since_ms = since_ms;
            count++;
        }
    }
    return count;
}

/* The first lane of the service that is down, or whose outage was told; NULL: none. */
static struct lane *find(const struct lane *one, bool down)
{
    const struct engine *engine = one->engine;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        const struct outage *outage = &lane->poller.outage;
        if (is_of_service(lane, one) && (down ? outage->down : outage->told))
            return lane;
    }
    return NULL;
}

static void begin(struct lane *lane, const struct error *error)
{
    const struct lane *told = find(lane, false);
    lane->poller.outage.down = true;
    lane->poller.outage.told = true; /* one that joined an outage */
    if (told) {
        lane->poller.outage.since_ms = told->poller.outage.since_ms;
        return;
    }
    const size_t queues = mark(lane, true, uv_now(lane->engine->loop));
    log_warn("service unavailable: its queues cannot be used; trying again",
             LOG_TEXT("service", lane->service), LOG_INT("queues", queues),
             LOG_TEXT("error", error->text));
}

/* Its last queue that was down is not any more. */
static void end_if_last(const struct lane *lane)
{
    const struct lane *told = find(lane, false);
    if (!told || find(lane, true))
        return;
    const uint64_t now_ms = uv_now(lane->engine->loop);
    const uint64_t seconds = (now_ms - told->poller.outage.since_ms) / 1000;
    const size_t queues = mark(lane, false, 0);
    log_info("service available: its queues can be used again", LOG_TEXT("service", lane->service),
             LOG_INT("queues", queues), LOG_INT("seconds", seconds));
}

static void end(struct lane *lane)
{
    if (!lane->poller.outage.down)
        return;
    lane->poller.outage.down = false;
    end_if_last(lane);
}

/* A response that is not the service's says nothing about it, nor does our own lack of memory. */
static bool is_answer(int code)
{
    return code != ERR_PROTOCOL && code != ERR_MEMORY;
}

bool outage_observe(struct lane *lane, const struct error *error)
{
    const bool general = outage_is_general(error->code);
    if (general)
        begin(lane, error);
    else if (is_answer(error->code))
        end(lane);
    return general;
}

void outage_leave(struct lane *lane)
{
    const bool down = lane->poller.outage.down;
    lane->poller.outage = (struct outage){0};
    if (down)
        end_if_last(lane);
}
