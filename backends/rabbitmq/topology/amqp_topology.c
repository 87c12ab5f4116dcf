#include "amqp_topology.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Looking at a message counts as a delivery, and must never delete it: without a limit of its own, a
 * queue of RabbitMQ 4 has one of 20, and RabbitMQ 3 does not take -1. */
enum { KEEPING_DELIVERY_LIMIT = 1000000000 };

const struct amqp_retry amqp_retries[AMQP_RETRY_STEPS] = {
    {".retry.1s", 1000}, {".retry.10s", 10000}, {".retry.1m", 60000}, {".retry.10m", 600000}};

size_t amqp_retry_step(uint64_t delay_ms)
{
    size_t step = 0;
    const uint64_t most = amqp_retries[AMQP_RETRY_STEPS - 1].delay_ms;
    if (delay_ms > most)
        delay_ms = most; /* so that its square has no overflow */
    while (step + 1 < AMQP_RETRY_STEPS &&
           delay_ms * delay_ms > amqp_retries[step].delay_ms * amqp_retries[step + 1].delay_ms)
        step++;
    return step;
}

static bool has_control(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 127)
            return true;
    return false;
}

int amqp_name_check(const char *what, const char *name, size_t most, struct error *error)
{
    const size_t size = strlen(name);
    if (size == 0)
        return error_set(error, ERR_INVALID, "the name of the %s is missing", what);
    if (size > most)
        return error_set(error, ERR_INVALID,
                         "the name of the %s has %zu bytes; at most %zu are possible", what, size,
                         most);
    if (utf8_length(name) < 0 || has_control(name))
        return error_set(error, ERR_INVALID,
                         "the name of the %s has control characters or is not UTF-8", what);
    if (strncmp(name, "amq.", 4) == 0)
        return error_set(error, ERR_INVALID,
                         "the %s \"%s\": names that begin with \"amq.\" are the broker's own", what,
                         name);
    return 0;
}

bool amqp_is_dead_name(const char *queue, size_t *work_size)
{
    const size_t size = strlen(queue), suffix = strlen(AMQP_DEAD_SUFFIX);
    if (size <= suffix || strcmp(queue + size - suffix, AMQP_DEAD_SUFFIX) != 0)
        return false;
    if (work_size)
        *work_size = size - suffix;
    return true;
}

static void add_text(struct amqp_queue_plan *queue, const char *name, const char *text)
{
    queue->arguments[queue->argument_count++] = (struct amqp_argument){.name = name, .text = text};
}

static void add_number(struct amqp_queue_plan *queue, const char *name, int64_t number)
{
    queue->arguments[queue->argument_count++] =
        (struct amqp_argument){.name = name, .number = number};
}

static struct amqp_queue_plan *begin(struct amqp_queue_plan *plan, const char *queue,
                                     const char *suffix)
{
    plan->argument_count = 0;
    snprintf(plan->name, sizeof plan->name, "%s%s", queue, suffix);
    add_text(plan, "x-queue-type", "quorum");
    return plan;
}

/* Messages that leave the queue by themselves go to another, through the default exchange. */
static void add_dead_lettering(struct amqp_queue_plan *plan, const struct amqp_queue_plan *to)
{
    add_text(plan, "x-dead-letter-exchange", "");
    add_text(plan, "x-dead-letter-routing-key", to->name);
    add_text(plan, "x-dead-letter-strategy", "at-least-once");
    add_text(plan, "x-overflow", "reject-publish");
}

static struct amqp_queue_plan *begin_keeping(struct amqp_queue_plan *plan, const char *queue,
                                             const char *suffix)
{
    begin(plan, queue, suffix);
    add_number(plan, "x-delivery-limit", KEEPING_DELIVERY_LIMIT);
    return plan;
}

int amqp_keeping_queue_make(const char *queue, struct amqp_queue_plan *out, struct error *error)
{
    const int code = amqp_name_check("queue", queue, AMQP_NAME_SIZE - 1, error);
    if (!code)
        begin_keeping(out, queue, "");
    return code;
}

int amqp_topology_make(const char *queue, unsigned max_receives, struct amqp_topology *out,
                       struct error *error)
{
    int code = amqp_name_check("queue", queue, AMQP_WORK_NAME_MAX, error);
    if (code)
        return code;
    if (max_receives < 1 || max_receives > AMQP_MAX_RECEIVES_MAX)
        return error_set(error, ERR_INVALID, "a message can be received 1 to %d times, not %u",
                         AMQP_MAX_RECEIVES_MAX, max_receives);
    struct amqp_queue_plan *work = begin(&out->queues[AMQP_WORK], queue, "");
    struct amqp_queue_plan *dead = begin_keeping(&out->queues[AMQP_DEAD], queue, AMQP_DEAD_SUFFIX);
    add_number(work, "x-delivery-limit", max_receives - 1); /* it counts redeliveries */
    add_dead_lettering(work, dead);
    for (size_t i = 0; i < AMQP_RETRY_STEPS; i++) {
        struct amqp_queue_plan *retry =
            begin(&out->queues[AMQP_RETRY + i], queue, amqp_retries[i].suffix);
        add_number(retry, "x-message-ttl", (int64_t)amqp_retries[i].delay_ms);
        add_dead_lettering(retry, work);
    }
    return 0;
}
