#include "queue_group.h"

#include <stdlib.h>
#include <string.h>

static void go_on(struct queue_group *group);

int queue_group_init(struct queue_group *group, struct queue_backend *backend,
                     const char *const *names, size_t count)
{
    *group = (struct queue_group){.backend = backend};
    group->items = calloc(count ? count : 1, sizeof *group->items);
    if (!group->items)
        return ERR_MEMORY;
    for (; group->count < count; group->count++) {
        struct group_queue *item = &group->items[group->count];
        item->group = group;
        if (names[group->count] && !(item->name = strdup(names[group->count])))
            return ERR_MEMORY;
    }
    return 0;
}

int queue_group_name(struct queue_group *group, size_t index, const char *name)
{
    group->items[index].name = strdup(name);
    return group->items[index].name ? 0 : ERR_MEMORY;
}

static void ended(struct group_queue *item, const struct error *error)
{
    item->error = *error;
    item->group->pending--;
    go_on(item->group);
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct group_queue *item = user;
    item->queue = queue;
    ended(item, error);
}

static void on_depth(uint64_t visible, uint64_t in_flight, uint64_t delayed,
                     const struct error *error, void *user)
{
    struct group_queue *item = user;
    item->depth_known = !error->code;
    item->visible = visible;
    item->in_flight = in_flight;
    item->delayed = delayed;
    ended(item, error);
}

static void start(struct queue_group *group, struct group_queue *item)
{
    const struct queue_backend_ops *ops = group->backend->ops;
    int code = group->work == GROUP_OPENING ? ops->open(group->backend, item->name, on_opened, item)
                                            : ops->depth(item->queue, on_depth, item);
    item->depth_known = item->depth_known && !code;
    if (code)
        error_set(&item->error, code, "the queue \"%s\" could not be asked (%s)", item->name,
                  error_name(code));
    else
        group->pending++;
}

static void go_on(struct queue_group *group)
{
    while (group->work != GROUP_IDLE && group->next < group->count &&
           group->pending < QUEUE_GROUP_AT_ONCE) {
        struct group_queue *item = &group->items[group->next++];
        if (item->name && (group->work == GROUP_OPENING) == (item->queue == NULL))
            start(group, item);
    }
    if (group->work == GROUP_IDLE || group->pending || group->next < group->count)
        return;
    group->work = GROUP_IDLE;
    if (group->idle)
        group->idle(group);
}

void queue_group_open(struct queue_group *group)
{
    group->work = GROUP_OPENING;
    group->next = 0;
    go_on(group);
}

void queue_group_ask(struct queue_group *group)
{
    group->work = GROUP_ASKING;
    group->next = 0;
    go_on(group);
}

bool queue_group_is_idle(void *group)
{
    return ((struct queue_group *)group)->work == GROUP_IDLE;
}

void queue_group_close(struct queue_group *group)
{
    group->work = GROUP_IDLE;
    for (size_t i = 0; i < group->count; i++) {
        struct group_queue *item = &group->items[i];
        if (item->queue)
            group->backend->ops->close(item->queue);
        else
            group->backend->ops->open_cancel(group->backend, item);
        free(item->name);
    }
    free(group->items);
    *group = (struct queue_group){0};
}
