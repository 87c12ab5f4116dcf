#include "queue_groups.h"

#include <stdlib.h>
#include <string.h>

#include "queues_internal.h"

struct message_group {
    struct id_entry entry; /* in queues->groups, by queue and name */
    struct local_queue *queue;
    uint64_t generation; /* of the queue when the group was created */
    struct list waiting; /* struct group_place.link, by number */
    struct list busy;    /* the same */
    struct list open;    /* in queue->open_groups */
    uint64_t limit;      /* the receive that takes from it takes only messages below this */
    size_t members;
    char name[];
};

/* Purged messages stay in their groups until they are swept away. So a message that a purge leaves
 * is not in a group with one that it takes: each purge begins a generation, even while its commit is
 * pending. If it fails, the groups of both generations remain, and messages that were sent meanwhile
 * do not wait for older ones of their group. */
static uint64_t generation_of(const struct local_queue *queue)
{
    return queue->purging ? queue->purge_mark : queue->purged_below;
}

static uint64_t group_number(const struct local_queue *queue, const char *name)
{
    return id_of_text(queue->queues->seed ^ queue->id, name);
}

static struct message_group *group_find(const struct local_queue *queue, const char *name)
{
    struct id_entry *entry = id_table_find(&queue->queues->groups, group_number(queue, name));
    for (; entry; entry = id_table_next(entry)) {
        struct message_group *group = container_of(entry, struct message_group, entry);
        if (group->queue == queue && group->generation == generation_of(queue) &&
            strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}

static struct message_group *group_new(struct local_queue *queue, const char *name)
{
    size_t size = strlen(name) + 1;
    struct message_group *group = calloc(1, sizeof *group + size);
    if (!group)
        return NULL;
    memcpy(group->name, name, size);
    group->entry.id = group_number(queue, name);
    group->queue = queue;
    group->generation = generation_of(queue);
    list_init(&group->waiting);
    list_init(&group->busy);
    list_init(&group->open);
    id_table_add(&queue->queues->groups, &group->entry);
    return group;
}

static void group_end(struct message_group *group)
{
    if (group->members > 0)
        return;
    id_table_remove(&group->queue->queues->groups, &group->entry);
    list_remove(&group->open);
    free(group);
}

static struct local_message *group_first(const struct message_group *group)
{
    if (list_empty(&group->waiting))
        return NULL;
    return container_of(group->waiting.next, struct group_place, link)->message;
}

static uint64_t number_at(const struct list *link)
{
    return container_of(link, struct group_place, link)->message->entry.id;
}

static uint64_t busy_from(const struct message_group *group)
{
    return list_empty(&group->busy) ? UINT64_MAX : number_at(group->busy.next);
}

static void group_look(struct message_group *group)
{
    const struct local_message *first = group_first(group);
    if (!first || first->state != MESSAGE_VISIBLE || first->entry.id > busy_from(group) ||
        group->generation < group->queue->purged_below) {
        list_remove(&group->open);
    } else if (list_empty(&group->open)) {
        list_push(&group->queue->open_groups, &group->open);
        queue_mark_ready(group->queue);
    }
}

struct group_place *group_join(struct local_queue *queue, const char *name,
                               struct local_message *message)
{
    struct message_group *group = group_find(queue, name);
    struct group_place *place = calloc(1, sizeof *place);
    if (place && !group)
        group = group_new(queue, name);
    if (!place || !group) {
        free(place);
        return NULL;
    }
    place->group = group;
    place->message = message;
    list_init(&place->link);
    group->members++;
    return place;
}

void group_leave(struct group_place *place)
{
    if (!place)
        return;
    struct message_group *group = place->group;
    list_remove(&place->link);
    group->members--;
    group_look(group);
    group_end(group);
    free(place);
}

/* Searches from both ends: new messages belong at the end, returned ones at the beginning. */
static void place_move(struct group_place *place, struct list *head)
{
    list_remove(&place->link);
    struct list *low = head->next, *high = head->prev;
    uint64_t number = place->message->entry.id;
    while (low != head && number_at(low) < number && number_at(high) > number) {
        low = low->next;
        high = high->prev;
    }
    bool before_low = low == head || number_at(low) > number;
    list_push(before_low ? low : high->next, &place->link);
}

void group_hold(struct group_place *place)
{
    place_move(place, &place->group->busy);
    group_look(place->group);
}

void group_settle(struct group_place *place)
{
    struct message_group *group = place->group;
    bool busy = place->message->state == MESSAGE_IN_FLIGHT;
    place_move(place, busy ? &group->busy : &group->waiting);
    group_look(group);
}

struct local_message *group_next(struct local_queue *queue, struct message_group *current)
{
    struct local_message *first = current ? group_first(current) : NULL;
    if (first && first->state == MESSAGE_VISIBLE && first->entry.id < current->limit)
        return first;
    if (list_empty(&queue->open_groups))
        return NULL;
    struct message_group *group = container_of(queue->open_groups.next, struct message_group, open);
    group->limit = busy_from(group);
    return group_first(group);
}

struct local_message *group_next_below(struct local_queue *queue, uint64_t number)
{
    struct list *head = &queue->open_groups;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct local_message *m = group_first(container_of(link, struct message_group, open));
        if (m->entry.id < number)
            return m;
    }
    return NULL;
}
