#include "send_targets.h"

#include <stdlib.h>

struct target_opening {
    struct send_target *target;
    size_t *left;
    struct error error;
};

bool send_targets_named(const struct config *config)
{
    return config->queue || config->send.topic;
}

int send_targets_check(const struct assembly *assembly, const struct config *config,
                       struct error *error)
{
    const struct send_settings *send = &config->send;
    if (config->queue && send->topic)
        return error_set(error, ERR_INVALID, "--queue and --topic exclude each other");
    if (config->queue && assembly->queue_check)
        return assembly->queue_check(config->queue, error);
    return 0;
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct target_opening *opening = user;
    opening->target->queue = queue;
    opening->error = *error;
    --*opening->left;
}

static bool is_zero(void *user)
{
    return *(size_t *)user == 0;
}

static void open_one(struct service *service, struct target_opening *opening, const char *name)
{
    struct queue_backend *queues = service->backend.queues;
    opening->target->queues = queues;
    ++*opening->left;
    int code = queues->ops->open(queues, name, on_opened, opening);
    if (!code)
        return;
    error_set(&opening->error, code, "the queue \"%s\" could not be opened (%s)", name,
              error_name(code));
    --*opening->left;
}

static int open_queues(struct send_targets *targets, struct service *service, struct error *error)
{
    size_t left = 0;
    int code = 0;
    struct target_opening *openings = calloc(targets->count, sizeof *openings);
    if (!openings)
        return error_set(error, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < targets->count; i++) {
        const struct pipeline_set *set = targets->pipelines;
        const char *name = set ? set->ops->facts(set->items[i])->queue : service->config->queue;
        openings[i] = (struct target_opening){.target = &targets->items[i], .left = &left};
        open_one(service, &openings[i], name);
    }
    service_finish(service, is_zero, &left); /* soon, since requests have timeouts */
    for (size_t i = 0; i < targets->count && !code; i++) {
        *error = openings[i].error;
        code = error->code;
    }
    free(openings);
    return code;
}

static int fifo_check(const struct send_targets *targets, const struct send_settings *send,
                      struct error *error)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct send_target *target = &targets->items[i];
        bool fifo = send_target_is_fifo(target);
        if (fifo && !send->group)
            return error_set(error, ERR_INVALID,
                             "%s is a FIFO %s: name the message group with --group",
                             send_target_name(target), target->queue ? "queue" : "topic");
        if (!fifo && send->deduplication)
            return error_set(error, ERR_INVALID,
                             "--deduplication is for FIFO queues and topics, and %s is not one",
                             send_target_name(target));
    }
    return 0;
}

int send_targets_open(struct send_targets *targets, struct service *service,
                      const struct pipeline_set *pipelines, struct error *error)
{
    const struct send_settings *send = &service->config->send;
    struct topic_backend *topics = service->backend.topic_batches;
    int code = 0;
    const bool named = send_targets_named(service->config);
    targets->pipelines = named ? NULL : pipelines;
    targets->count = named ? 1 : pipelines->count;
    targets->items = calloc(targets->count, sizeof *targets->items);
    if (!targets->items)
        return error_set(error, ERR_MEMORY, "out of memory");
    if (send->topic) {
        targets->items[0] = (struct send_target){.topics = topics, .topic = send->topic};
        code = topics->ops->check(send->topic, error);
    } else {
        code = open_queues(targets, service, error);
    }
    return code ? code : fifo_check(targets, send, error);
}

void send_targets_close(struct send_targets *targets)
{
    for (size_t i = 0; targets->items && i < targets->count; i++) {
        struct send_target *target = &targets->items[i];
        if (target->queue)
            target->queues->ops->close(target->queue);
    }
    free(targets->items);
    *targets = (struct send_targets){0};
}
