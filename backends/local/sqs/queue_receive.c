/*
 * Receiving: polls, and moving messages to the dead-letter queue.
 *
 * A queue with visible messages is added to the list of ready queues, which the next turn of the
 * loop serves. So all commits of one turn fill the waiting polls together, and the response to a
 * poll is never sent from within the call that starts it.
 */
#include <stdlib.h>

#include "message_bodies.h"
#include "queue_rows.h"
#include "queue_transfer.h"

void queue_mark_ready(struct local_queue *queue)
{
    if (list_empty(&queue->waiters) || !list_empty(&queue->ready))
        return;
    list_push(&queue->queues->ready, &queue->ready);
    uv_idle_start(&queue->queues->idle, queues_serve_ready);
}

/* The dead-letter queue for a message that was received too often; NULL: none. If the target does
 * not exist, the policy has no effect. */
static struct local_queue *redrive_target(const struct local_message *m)
{
    const struct queue_attributes *a = &m->queue->attributes;
    if (!a->dead_letter_arn || m->count - m->base < (uint32_t)a->max_receives)
        return NULL;
    struct local_queue *target = queues_find_arn(m->queue->queues, a->dead_letter_arn);
    return target == m->queue ? NULL : target;
}

static void message_receive(struct local_message *m, int visibility_s)
{
    int64_t now = deadlines_now(m->queue->queues->deadlines);
    message_hold(m);
    m->count++;
    if (m->first_ms == 0)
        m->first_ms = now;
    m->received_ms = now;
    m->due_ms = visibility_s ? now + (int64_t)visibility_s * 1000 : 0;
}

static bool queue_can_give(const struct local_queue *queue)
{
    bool some = queue->attributes.fifo ? !list_empty(&queue->open_groups)
                                       : !list_empty(&queue->lists[MESSAGE_VISIBLE]);
    return some && !queue->purging && !queue->deleting &&
           queue->counts[MESSAGE_IN_FLIGHT] < QUEUE_IN_FLIGHT_MAX;
}

/* The next message that may be received; NULL: none. `group`: the group that this receive is taking
 * from.
 */
static struct local_message *message_next(struct local_queue *queue, struct message_group *group)
{
    if (queue->attributes.fifo)
        return group_next(queue, group);
    if (list_empty(&queue->lists[MESSAGE_VISIBLE]))
        return NULL;
    return container_of(queue->lists[MESSAGE_VISIBLE].next, struct local_message, link);
}

/* Takes up to max messages; returns the number. Nobody waits until the rows are written. */
static size_t queue_take(struct local_queue *queue, unsigned max, int visibility_s,
                         struct queue_delivery *out)
{
    if (!queue_can_give(queue))
        return 0;
    struct message_task *task = message_task_new(queue, max, message_rows_update, NULL);
    if (!task)
        return 0;
    struct message_group *group = NULL;
    struct local_message *m;
    while (task->count < max && queue->counts[MESSAGE_IN_FLIGHT] < QUEUE_IN_FLIGHT_MAX &&
           (m = message_next(queue, group))) {
        struct local_queue *target = redrive_target(m);
        if (target && !message_transfer(m, target, NULL)) {
            group = NULL;
            continue;
        }
        group = m->place ? m->place->group : NULL;
        message_receive(m, visibility_s);
        out[task->count] = (struct queue_delivery){m, message_receipt(m)};
        message_task_add(task, m);
    }
    size_t count = task->count;
    if (count > 0)
        message_task_submit(task);
    else
        message_task_discard(task);
    return count;
}

/* Repeats the messages of an earlier attempt. */
static size_t queue_repeat(struct queue_poll *poll, struct queue_delivery *out)
{
    struct local_message *given[QUEUE_BATCH];
    struct local_queue *queue = poll->queue;
    size_t count = poll->attempt ? attempt_find(queue, poll->attempt, given) : 0;
    struct message_task *task =
        count > 0 ? message_task_new(queue, count, message_rows_update, NULL) : NULL;
    if (!task)
        return 0;
    int64_t now = deadlines_now(queue->queues->deadlines);
    for (size_t i = 0; i < count; i++) {
        message_hold(given[i]);
        given[i]->due_ms = poll->visibility_s ? now + (int64_t)poll->visibility_s * 1000 : 0;
        out[i] = (struct queue_delivery){given[i], message_receipt(given[i])};
        message_task_add(task, given[i]);
    }
    message_task_submit(task);
    return count;
}

static size_t poll_take(struct queue_poll *poll, struct queue_delivery *out)
{
    struct local_queue *queue = poll->queue;
    size_t count = queue_repeat(poll, out);
    if (count == 0)
        count = queue_take(queue, poll->max, poll->visibility_s, out);
    if (count > 0 && poll->attempt)
        attempt_keep(queue, poll->attempt, out, count);
    return count;
}

static void poll_leave(struct queue_poll *poll)
{
    struct queues *queues = poll->queue->queues;
    list_remove(&poll->link);
    deadline_clear(queues->deadlines, &poll->deadline);
    queues->deadline_users--;
    poll->queue = NULL;
}

/* The messages are pending until the response is built, so that none is freed while it is read. */
static void poll_respond(struct queue_poll *poll, const struct queue_delivery *deliveries,
                         size_t count)
{
    poll_leave(poll);
    if (bodies_missing(deliveries, count) && !bodies_read(poll, deliveries, count))
        return;
    poll->completed(poll, 0, deliveries, count);
    for (size_t i = 0; i < count; i++)
        message_settle(deliveries[i].message);
}

static void poll_due(struct deadline *deadline)
{
    struct queue_poll *poll = container_of(deadline, struct queue_poll, deadline);
    struct queue_delivery deliveries[QUEUE_BATCH];
    poll_respond(poll, deliveries, poll_take(poll, deliveries));
}

/* First come, first served. If all visible messages go to the dead-letter queue, the poll continues
 * to wait. */
static void queue_serve(struct local_queue *queue)
{
    while (!list_empty(&queue->waiters) && queue_can_give(queue)) {
        struct queue_poll *poll = container_of(queue->waiters.next, struct queue_poll, link);
        struct queue_delivery deliveries[QUEUE_BATCH];
        size_t count = poll_take(poll, deliveries);
        if (count == 0)
            return;
        poll_respond(poll, deliveries, count);
    }
}

void queues_serve_ready(uv_idle_t *idle)
{
    struct queues *queues = container_of(idle, struct queues, idle);
    struct list now;
    list_init(&now);
    list_move_all(&now, &queues->ready);
    uv_idle_stop(idle);
    while (!list_empty(&now)) {
        struct local_queue *queue = container_of(list_shift(&now), struct local_queue, ready);
        queue_serve(queue);
    }
}

int local_queue_poll(struct local_queue *queue, struct queue_poll *poll, int wait_s)
{
    struct queues *queues = queue->queues;
    struct local_message *given[QUEUE_BATCH];
    if (wait_s == 0 && !queue->attributes.fifo &&
        queue->counts[MESSAGE_IN_FLIGHT] >= QUEUE_IN_FLIGHT_MAX)
        return SQS_OVER_LIMIT;
    if (deadlines_reserve(queues->deadlines, queues->deadline_users + 1))
        return ERR_MEMORY;
    queues->deadline_users++;
    poll->queue = queue;
    poll->deadline = (struct deadline){.expired = poll_due};
    list_init(&poll->link);
    list_push(&queue->waiters, &poll->link);
    if (poll->attempt && attempt_find(queue, poll->attempt, given) > 0)
        wait_s = 0; /* its response is already being built */
    deadline_set(queues->deadlines, &poll->deadline,
                 deadlines_now(queues->deadlines) + (int64_t)wait_s * 1000);
    if (queue_can_give(queue))
        queue_mark_ready(queue);
    return 0;
}

void queue_poll_cancel(struct queue_poll *poll)
{
    if (poll->queue)
        poll_leave(poll);
    else if (poll->reading)
        bodies_read_cancel(poll);
}

void queue_fail_polls(struct local_queue *queue)
{
    while (!list_empty(&queue->waiters)) {
        struct queue_poll *poll = container_of(queue->waiters.next, struct queue_poll, link);
        poll_leave(poll);
        poll->completed(poll, SQS_QUEUE_DOES_NOT_EXIST, NULL, 0);
    }
}

static struct local_message *message_of_receive(struct queues *queues, const struct receipt *r)
{
    struct id_entry *entry = id_table_find(&queues->messages, r->message);
    if (!entry)
        return NULL;
    struct local_message *m = container_of(entry, struct local_message, entry);
    bool same = m->state == MESSAGE_IN_FLIGHT && !message_is_purged(m) &&
                m->queue->id == r->queue && m->count == r->serial &&
                message_receipt(m).nonce == r->nonce;
    return same ? m : NULL;
}

/* If the row's change is lost, the message only waits for its visibility timeout. */
void message_give_back(struct local_message *m)
{
    message_hold(m);
    m->due_ms = 0;
    struct message_task *task = message_task_new(m->queue, 1, message_rows_update, NULL);
    if (task) {
        message_task_add(task, m);
        message_task_submit(task);
    }
    message_settle(m);
}

void queues_give_back(struct queues *queues, const struct receipt *receipts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct local_message *m = message_of_receive(queues, &receipts[i]);
        if (m)
            message_give_back(m);
    }
}
