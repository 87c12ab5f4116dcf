/*
 * A queue on the loop thread: receives, leases, and what becomes of deliveries.
 *
 * Facts are recorded by callbacks, of the seam and of the connection's thread; `turn`, a timer of
 * no length, then decides in one place: it gives waiting deliveries to receives, calls back the
 * batches that are complete, and tells the thread how many messages may arrive. So every callback
 * of the seam comes from a fresh loop callback. `clock` runs until the next moment at which
 * something ends: a receive that found nothing, a lease that was not extended, a delivery that no
 * receive has taken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "log.h"
#include "rabbit_private.h"
#include "rabbit_settle.h"

enum { WAITING_MAX_MS = 2000 /* how long a delivery waits for a receive */ };
#define LIMIT_UNKNOWN UINT64_MAX /* the thread must be told, whatever it is */

struct rabbit_receive { /* the seam's struct queue_request */
    struct list link;   /* in queue->requests */
    unsigned max;
    unsigned visibility_s;
    bool origin;
    uint64_t end_ms;
    queue_received *done;
    void *user;
};

static uint64_t now_ms(const struct rabbit_queue *queue)
{
    return uv_now(queue->turn.loop);
}

static struct rabbit_delivery *delivery_at(struct list *link)
{
    return container_of(link, struct rabbit_delivery, link);
}

static struct rabbit_receive *receive_at(struct list *link)
{
    return container_of(link, struct rabbit_receive, link);
}

/* ---- deliveries ---- */

static uint64_t life_end(const struct rabbit_queue *queue, const struct rabbit_delivery *delivery)
{
    return delivery->since_ms + (uint64_t)queue->life_s * 1000;
}

int rabbit_delivery_extend(const struct rabbit_queue *queue, struct rabbit_delivery *delivery,
                           unsigned seconds)
{
    const uint64_t now = now_ms(queue), end = life_end(queue, delivery);
    const uint64_t wanted = now + (uint64_t)seconds * 1000;
    if (now >= end)
        return ERR_RECEIPT;
    delivery->deadline_ms = wanted < end ? wanted : end;
    return 0;
}

/* Without an owner any more. */
static void delivery_drop(struct rabbit_queue *queue, struct rabbit_delivery *delivery)
{
    list_remove(&delivery->link);
    if (delivery->entry.id)
        id_table_remove(&queue->receipts, &delivery->entry);
    delivery->entry.id = 0;
    if (delivery->pinned)
        delivery->gone = true; /* freed when its copy is confirmed */
    else
        rabbit_delivery_free(delivery);
}

struct rabbit_delivery *rabbit_delivery_find(struct rabbit_queue *queue, const char *receipt)
{
    char *end;
    const uint64_t id = strtoull(receipt, &end, 10);
    struct id_entry *entry = *receipt && !*end && id ? id_table_find(&queue->receipts, id) : NULL;
    return entry ? container_of(entry, struct rabbit_delivery, entry) : NULL;
}

void rabbit_delivery_settled(struct rabbit_queue *queue, struct rabbit_delivery *delivery)
{
    delivery_drop(queue, delivery);
    rabbit_queue_turn(queue);
}

static void delivery_return(struct rabbit_queue *queue, struct rabbit_delivery *delivery)
{
    rabbit_settle_forget(queue, delivery, true);
    delivery_drop(queue, delivery);
}

static void all_drop(struct rabbit_queue *queue, struct list *list)
{
    while (!list_empty(list))
        delivery_drop(queue, delivery_at(list->next));
}

/* ---- receives ---- */

static void receive_end(struct rabbit_receive *receive, struct queue_message *messages,
                        size_t count, const struct error *error)
{
    const struct rabbit_receive copy = *receive;
    list_remove(&receive->link);
    free(receive);
    copy.done(messages, count, error, copy.user);
    for (size_t i = 0; i < count; i++)
        queue_message_clear(&messages[i]);
}

/* Of a list that nobody else looks into. A callback may close the queue: then the others end without
 * one. */
static void receives_end(const struct rabbit_queue *queue, struct list *list,
                         const struct error *error)
{
    struct list *link;
    while (!queue->closed && !list_empty(list))
        receive_end(receive_at(list->next), NULL, 0, error);
    while ((link = list_shift(list)))
        free(receive_at(link));
}

static void receives_fail(struct rabbit_queue *queue, const struct error *error)
{
    const struct error copy = *error;
    struct list failed;
    list_init(&failed);
    list_move_all(&failed, &queue->requests);
    receives_end(queue, &failed, &copy);
}

/* Without memory it is unknown, as for a message that was sent there. */
static void source_set(const struct rabbit_queue *queue, const struct rabbit_delivery *delivery,
                       struct queue_message *out)
{
    char *source = rabbit_delivery_source(delivery);
    if (source)
        out->source_arn = amqp_address_text(&queue->broker->address, source);
    free(source);
}

/* A message that is too large, or for which there is no memory, is not given to the engine: it
 * stays unacknowledged until its time is over. */
static bool delivery_give(struct rabbit_queue *queue, struct rabbit_delivery *delivery,
                          const struct rabbit_receive *receive, struct queue_message *out)
{
    char receipt[RABBIT_RECEIPT_SIZE];
    list_remove(&delivery->link);
    list_push(&queue->held, &delivery->link);
    delivery->held = true;
    delivery->deadline_ms = life_end(queue, delivery);
    if (delivery->too_large) {
        log_error("message is too large and stays in its queue; remove it",
                  LOG_TEXT("queue", queue->name), LOG_INT("bytes", delivery->size),
                  LOG_INT("limit", RABBIT_BODY_MAX));
        return false;
    }
    delivery->entry.id = ++queue->next_receipt;
    snprintf(receipt, sizeof receipt, "%" PRIu64, delivery->entry.id);
    if (rabbit_delivery_message(delivery, receipt, out)) {
        delivery->entry.id = 0;
        return false;
    }
    if (receive->origin)
        source_set(queue, delivery, out);
    rabbit_delivery_extend(queue, delivery, receive->visibility_s);
    id_table_add(&queue->receipts, &delivery->entry);
    return true;
}

static void receives_serve(struct rabbit_queue *queue)
{
    struct queue_message messages[QUEUE_BATCH_MAX];
    while (!queue->closed && !list_empty(&queue->requests) && !list_empty(&queue->waiting)) {
        struct rabbit_receive *receive = receive_at(queue->requests.next);
        size_t count = 0;
        while (count < receive->max && !list_empty(&queue->waiting))
            count +=
                delivery_give(queue, delivery_at(queue->waiting.next), receive, &messages[count]);
        if (count)
            receive_end(receive, messages, count, &(struct error){0});
    }
}

int rabbit_receive(struct queue *handle, const struct queue_receive *what, queue_received *done,
                   void *user, struct queue_request **out)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    if (what->max < 1 || what->max > QUEUE_BATCH_MAX || what->wait_s > QUEUE_WAIT_MAX_S)
        return ERR_INVALID;
    struct rabbit_receive *receive = calloc(1, sizeof *receive);
    if (!receive)
        return ERR_MEMORY;
    receive->max = what->max;
    receive->visibility_s = what->visibility_s;
    receive->origin = what->origin;
    receive->end_ms = now_ms(queue) + (uint64_t)what->wait_s * 1000;
    receive->done = done;
    receive->user = user;
    list_push(&queue->requests, &receive->link);
    if (out)
        *out = (struct queue_request *)(void *)receive;
    rabbit_queue_turn(queue);
    return 0;
}

void rabbit_receive_cancel(struct queue *handle, struct queue_request *request)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct rabbit_receive *receive = (struct rabbit_receive *)(void *)request;
    list_remove(&receive->link);
    free(receive);
    while (list_empty(&queue->requests) && !list_empty(&queue->waiting))
        delivery_return(queue, delivery_at(queue->waiting.next));
    rabbit_queue_turn(queue);
}

/* ---- what the thread may receive ---- */

struct limit_task {
    struct amqp_task task;
    struct rabbit_queue *queue;
    uint64_t limit;
};

static int limit_run(struct amqp_task *task, struct amqp_session *session)
{
    const struct limit_task *limit = container_of(task, struct limit_task, task);
    rabbit_channel_limit(&limit->queue->broker->consumers, &limit->queue->channel, limit->limit,
                         session);
    return 0;
}

static void limit_done(struct amqp_task *task)
{
    struct limit_task *limit = container_of(task, struct limit_task, task);
    struct rabbit_queue *queue = limit->queue;
    free(limit);
    rabbit_queue_release(queue);
}

static void limit_update(struct rabbit_queue *queue)
{
    uint64_t asked = 0, has = 0;
    for (struct list *l = queue->requests.next; l != &queue->requests; l = l->next)
        asked += receive_at(l)->max;
    for (struct list *l = queue->waiting.next; l != &queue->waiting; l = l->next)
        has++;
    const uint64_t limit = queue->arrived + (asked > has ? asked - has : 0);
    struct limit_task *task = limit == queue->limit ? NULL : calloc(1, sizeof *task);
    if (!task)
        return; /* unchanged; or without memory, until the next turn */
    *task = (struct limit_task){.task = {.run = limit_run, .done = limit_done, .always = true},
                                .queue = queue,
                                .limit = limit};
    queue->limit = limit;
    queue->refs++;
    amqp_connection_submit(queue->broker->consuming, &task->task);
}

/* ---- what the thread reports ---- */

/* A shorter timeout than we were told: later deliveries are returned in time. */
static void timeout_learn(struct rabbit_queue *queue, unsigned timeout_s)
{
    const unsigned life_s = rabbit_life(timeout_s);
    log_error("a message was held for longer than the broker's consumer_timeout: it was returned, "
              "with all others of its queue; raise consumer_timeout, or set "
              "--amqp-consumer-timeout to it",
              LOG_TEXT("queue", queue->name), LOG_INT("consumer_timeout_s", timeout_s));
    if (life_s < queue->life_s)
        queue->life_s = life_s;
}

static void note_lost(struct rabbit_queue *queue, const struct rabbit_note *note)
{
    queue->down = true;
    queue->why = note->task.error;
    queue->limit = LIMIT_UNKNOWN;
    all_drop(queue, &queue->held);
    all_drop(queue, &queue->waiting);
    if (note->consumer_timeout_s)
        timeout_learn(queue, note->consumer_timeout_s);
    receives_fail(queue, &queue->why);
}

static void note_take(struct rabbit_queue *queue, struct rabbit_note *note)
{
    struct list *link;
    queue->down = false;
    while ((link = list_shift(&note->deliveries))) {
        struct rabbit_delivery *delivery = delivery_at(link);
        queue->arrived++;
        if (queue->closed) {
            rabbit_delivery_free(delivery); /* its channel is being closed */
            continue;
        }
        rabbit_delivery_name(delivery);
        delivery->since_ms = now_ms(queue);
        delivery->deadline_ms = delivery->since_ms + WAITING_MAX_MS;
        list_push(&queue->waiting, &delivery->link);
    }
    receives_serve(queue);
}

void rabbit_note_arrived(struct amqp_task *task)
{
    struct rabbit_note *note = container_of(task, struct rabbit_note, task);
    struct rabbit_queue *queue = note->queue;
    queue->refs++;
    if (note->lost && !queue->closed)
        note_lost(queue, note);
    else
        note_take(queue, note);
    free(note);
    rabbit_queue_turn(queue);
    rabbit_queue_release(queue);
}

/* ---- the clock ---- */

static void receives_expire(struct rabbit_queue *queue, uint64_t now)
{
    const struct error fine = {0};
    struct list due;
    list_init(&due);
    for (struct list *l = queue->requests.next, *next; l != &queue->requests; l = next) {
        next = l->next;
        if (receive_at(l)->end_ms > now)
            continue;
        list_remove(l);
        list_push(&due, l);
    }
    const struct error why = queue->down ? queue->why : fine;
    receives_end(queue, &due, &why);
}

static void report_life(const struct rabbit_queue *queue, const struct rabbit_delivery *delivery,
                        uint64_t now)
{
    if (delivery->held && now >= life_end(queue, delivery))
        log_warn("message was held for almost as long as the broker's consumer_timeout allows: it "
                 "was returned to its queue; raise consumer_timeout and --amqp-consumer-timeout "
                 "for longer work",
                 LOG_TEXT("queue", queue->name), LOG_TEXT("job", delivery->id),
                 LOG_INT("seconds", (now - delivery->since_ms) / 1000));
}

static void deliveries_expire(struct rabbit_queue *queue, struct list *list, uint64_t now)
{
    for (struct list *l = list->next, *next; l != list; l = next) {
        struct rabbit_delivery *delivery = delivery_at(l);
        next = l->next;
        if (delivery->pinned || delivery->deadline_ms > now)
            continue;
        report_life(queue, delivery, now);
        delivery_return(queue, delivery);
    }
}

static uint64_t earliest(const struct rabbit_queue *queue)
{
    uint64_t first = UINT64_MAX;
    for (struct list *l = queue->requests.next; l != &queue->requests; l = l->next)
        if (receive_at(l)->end_ms < first)
            first = receive_at(l)->end_ms;
    for (struct list *l = queue->held.next; l != &queue->held; l = l->next)
        if (!delivery_at(l)->pinned && delivery_at(l)->deadline_ms < first)
            first = delivery_at(l)->deadline_ms;
    for (struct list *l = queue->waiting.next; l != &queue->waiting; l = l->next)
        if (delivery_at(l)->deadline_ms < first)
            first = delivery_at(l)->deadline_ms;
    return first;
}

static void on_clock(uv_timer_t *timer)
{
    struct rabbit_queue *queue = container_of(timer, struct rabbit_queue, clock);
    const uint64_t now = now_ms(queue);
    queue->refs++;
    deliveries_expire(queue, &queue->held, now);
    deliveries_expire(queue, &queue->waiting, now);
    receives_expire(queue, now);
    rabbit_queue_turn(queue);
    rabbit_queue_release(queue);
}

static void clock_set(struct rabbit_queue *queue)
{
    const uint64_t first = earliest(queue), now = now_ms(queue);
    if (first == UINT64_MAX)
        uv_timer_stop(&queue->clock);
    else
        uv_timer_start(&queue->clock, on_clock, first > now ? first - now : 0, 0);
}

/* ---- the turn ---- */

static void on_turn(uv_timer_t *timer)
{
    struct rabbit_queue *queue = container_of(timer, struct rabbit_queue, turn);
    queue->refs++;
    receives_serve(queue);
    rabbit_batches_end(queue);
    if (!queue->closed) {
        limit_update(queue);
        clock_set(queue);
    }
    rabbit_queue_release(queue);
}

void rabbit_queue_turn(struct rabbit_queue *queue)
{
    if (!queue->closed)
        uv_timer_start(&queue->turn, on_turn, 0, 0);
}

/* ---- life ---- */

/* Some time before the broker's own timeout, which would close the channel. */
unsigned rabbit_life(unsigned consumer_timeout_s)
{
    enum { MARGIN_MAX_S = 60, PARTS = 10 };
    const unsigned tenth = consumer_timeout_s / PARTS;
    const unsigned margin = tenth < MARGIN_MAX_S ? tenth : MARGIN_MAX_S;
    const unsigned life = consumer_timeout_s - (margin ? margin : 1);
    return consumer_timeout_s > 1 ? life : 1;
}

void rabbit_queue_begin(struct rabbit_queue *queue, uv_loop_t *loop)
{
    list_init(&queue->held);
    list_init(&queue->waiting);
    list_init(&queue->requests);
    list_init(&queue->batches);
    list_init(&queue->channel.link);
    list_init(&queue->channel.fresh);
    uv_timer_init(loop, &queue->turn);
    uv_timer_init(loop, &queue->clock);
    queue->refs = 3; /* the two timers and the attachment, until rabbit_close */
}

void rabbit_queue_release(struct rabbit_queue *queue)
{
    if (--queue->refs == 0)
        rabbit_queue_free(queue);
}

static void turn_closed(uv_handle_t *handle)
{
    rabbit_queue_release(container_of((uv_timer_t *)handle, struct rabbit_queue, turn));
}

static void clock_closed(uv_handle_t *handle)
{
    rabbit_queue_release(container_of((uv_timer_t *)handle, struct rabbit_queue, clock));
}

static int detach_run(struct amqp_task *task, struct amqp_session *session)
{
    struct rabbit_queue *queue = container_of(task, struct rabbit_queue, detach);
    rabbit_channel_detach(&queue->broker->consumers, &queue->channel, session);
    return 0;
}

static void detach_done(struct amqp_task *task)
{
    rabbit_queue_release(container_of(task, struct rabbit_queue, detach));
}

void rabbit_close(struct queue *handle)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct list *link;
    queue->closed = true;
    while ((link = list_shift(&queue->requests)))
        free(receive_at(link));
    rabbit_batches_drop(queue);
    rabbit_sends_cancel(queue);
    all_drop(queue, &queue->held); /* closing the channel returns them */
    all_drop(queue, &queue->waiting);
    uv_close((uv_handle_t *)&queue->turn, turn_closed);
    uv_close((uv_handle_t *)&queue->clock, clock_closed);
    queue->detach = (struct amqp_task){.run = detach_run, .done = detach_done, .always = true};
    amqp_connection_submit(queue->broker->consuming, &queue->detach);
}
