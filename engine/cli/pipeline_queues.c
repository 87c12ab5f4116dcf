#include "pipeline_queues.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *pipeline_queues_name(const struct group_queue *item)
{
    if (item->queue)
        return item->group->backend->ops->facts(item->queue)->name;
    const char *colon = strncmp(item->name, "arn:", 4) == 0 ? strrchr(item->name, ':') : NULL;
    return colon ? colon + 1 : item->name;
}

static int wait_for(struct pipeline_queues *queues, struct queue_group *group, struct error *error)
{
    if (service_wait(queues->service, queue_group_is_idle, group))
        return 0;
    return error_set(error, ERR_CANCELLED, "interrupted");
}

static const char *dead_letter_arn(const struct group_queue *source)
{
    return source->queue ? source->group->backend->ops->facts(source->queue)->dead_letter_arn
                         : NULL;
}

/* Each dead-letter queue once, although several pipelines may share it. */
static size_t letters_find(struct pipeline_queues *queues, const char **arns)
{
    size_t count = 0;
    for (size_t i = 0; i < queues->count; i++) {
        const char *arn = dead_letter_arn(&queues->sources.items[i]);
        size_t at = 0;
        while (arn && at < count && strcmp(arns[at], arn) != 0)
            at++;
        queues->letters_of[i] = arn ? at : SIZE_MAX;
        if (arn && at == count)
            arns[count++] = arn;
    }
    return count;
}

static int letters_open(struct pipeline_queues *queues, struct error *error)
{
    const char **arns = calloc(queues->count ? queues->count : 1, sizeof *arns);
    if (!arns)
        return error_set(error, ERR_MEMORY, "out of memory");
    queue_group_close(&queues->letters);
    int code = queue_group_init(&queues->letters, queues->service->backend.queues, arns,
                                letters_find(queues, arns));
    free(arns);
    if (code)
        return error_set(error, code, "out of memory");
    queue_group_open(&queues->letters);
    return wait_for(queues, &queues->letters, error);
}

static int sources_init(struct pipeline_queues *queues, const struct pipeline_set *pipelines,
                        const char *only)
{
    const char **names = calloc(pipelines->count ? pipelines->count : 1, sizeof *names);
    for (size_t i = 0; names && queues->names && i < pipelines->count; i++) {
        const struct pipeline_facts *facts = pipelines->ops->facts(pipelines->items[i]);
        if (only && strcmp(only, facts->name) != 0)
            continue;
        queues->names[queues->count] = facts->name;
        names[queues->count++] = facts->queue;
    }
    int code = names && queues->names && queues->letters_of
                   ? queue_group_init(&queues->sources, queues->service->backend.queues, names,
                                      queues->count)
                   : ERR_MEMORY;
    free(names);
    return code;
}

int pipeline_queues_open(struct pipeline_queues *queues, struct service *service,
                         const struct pipeline_set *pipelines, const char *only,
                         struct error *error)
{
    const size_t room = pipelines->count ? pipelines->count : 1;
    *queues = (struct pipeline_queues){.service = service};
    queues->names = calloc(room, sizeof *queues->names);
    queues->letters_of = calloc(room, sizeof *queues->letters_of);
    int code = sources_init(queues, pipelines, only);
    if (code)
        return error_set(error, code, "out of memory");
    queue_group_open(&queues->sources);
    code = wait_for(queues, &queues->sources, error);
    return code ? code : letters_open(queues, error);
}

static bool is_missing(const struct queue_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (!group->items[i].queue)
            return true;
    return false;
}

int pipeline_queues_refresh(struct pipeline_queues *queues, struct error *error)
{
    int code = 0;
    const bool missing = is_missing(&queues->sources) || is_missing(&queues->letters);
    if (is_missing(&queues->sources)) {
        queue_group_open(&queues->sources);
        code = wait_for(queues, &queues->sources, error);
    }
    if (!code && missing)
        code = letters_open(queues, error);
    if (code)
        return code;
    queue_group_ask(&queues->sources);
    queue_group_ask(&queues->letters);
    code = wait_for(queues, &queues->sources, error);
    return code ? code : wait_for(queues, &queues->letters, error);
}

void pipeline_queues_close(struct pipeline_queues *queues)
{
    queue_group_close(&queues->letters);
    queue_group_close(&queues->sources);
    free(queues->names);
    free(queues->letters_of);
    *queues = (struct pipeline_queues){0};
}
