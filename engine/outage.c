#include "outage.h"

#include <stdio.h>
#include <string.h>

#include "engine_private.h"
#include "log.h"

enum { HOST_MAX = 256 };

bool outage_is_general(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_EXPIRED || code == ERR_CREDENTIALS;
}

/* "sqs.eu-west-1.amazonaws.com", "127.0.0.1:4566"; not terminated. */
static struct slice host_of(const struct lane *lane)
{
    const struct queue_backend *queues = lane->engine->options.queues;
    const char *url = lane->queue ? queues->ops->facts(lane->queue)->url : NULL;
    const char *start = url ? strstr(url, "://") : NULL;
    start = start ? start + 3 : "";
    return (struct slice){start, strcspn(start, "/")};
}

static bool is_of_service(const struct lane *lane, struct slice host)
{
    const struct slice own = host_of(lane);
    return own.size == host.size && memcmp(own.data, host.data, own.size) == 0;
}

/* How many queues of the service there are; marks them. */
static size_t mark(const struct engine *engine, struct slice host, bool told)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        if (lane->queue && is_of_service(lane, host)) {
            lane->poller.outage.told = told;
            count++;
        }
    }
    return count;
}

static bool is_down(const struct engine *engine, struct slice host)
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        const struct lane *lane = engine->lanes[i];
        if (lane->poller.outage.down && is_of_service(lane, host))
            return true;
    }
    return false;
}

void outage_begin(struct lane *lane, const struct error *error)
{
    struct outage *outage = &lane->poller.outage;
    char service[HOST_MAX];
    outage->down = true;
    if (outage->told)
        return;
    const struct slice host = host_of(lane);
    const size_t queues = mark(lane->engine, host, true);
    snprintf(service, sizeof service, "%.*s", (int)host.size, (const char *)host.data);
    log_warn("service unavailable: its queues could not be polled; trying again",
             LOG_TEXT("service", service), LOG_INT("queues", queues),
             LOG_TEXT("error", error->text));
}

void outage_end(struct lane *lane)
{
    struct outage *outage = &lane->poller.outage;
    const struct slice host = host_of(lane);
    char service[HOST_MAX];
    if (!outage->down)
        return;
    outage->down = false;
    if (!outage->told || is_down(lane->engine, host))
        return;
    const size_t queues = mark(lane->engine, host, false);
    snprintf(service, sizeof service, "%.*s", (int)host.size, (const char *)host.data);
    log_info("service available: its queues can be polled again", LOG_TEXT("service", service),
             LOG_INT("queues", queues));
}
