/*
 * Deletes, extensions and returns.
 *
 * AMQP does not confirm an acknowledgement. Its delivery is forgotten at once; if the
 * acknowledgement cannot be written, or the connection is lost with it, the broker delivers the
 * message again. A return with a backoff is a copy in a retry queue. Only when the broker has
 * confirmed the copy is the delivery acknowledged; until then it is pinned, and if the copy fails
 * it stays as it was.
 */
#include "rabbit_settle.h"

#include <stdio.h>
#include <stdlib.h>

#include "container_of.h"
#include "log.h"

enum { LOG_EVERY_MS = 60 * 1000 };

struct rabbit_batch { /* a call of the seam */
    struct list link; /* in queue->batches */
    size_t count, pending;
    int codes[QUEUE_BATCH_MAX];
    queue_batch_done *done; /* NULL: dropped */
    void *user;
};

static struct rabbit_batch *batch_new(struct rabbit_queue *queue, size_t count,
                                      queue_batch_done *done, void *user)
{
    struct rabbit_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->count = count;
    batch->done = done;
    batch->user = user;
    list_push(&queue->batches, &batch->link);
    return batch;
}

static struct rabbit_batch *batch_at(struct list *link)
{
    return container_of(link, struct rabbit_batch, link);
}

/* So many of its results are known now. */
static void batch_know(struct rabbit_queue *queue, struct rabbit_batch *batch, size_t count)
{
    batch->pending -= count;
    if (!batch->done && !batch->pending) {
        list_remove(&batch->link);
        free(batch);
    }
    rabbit_queue_turn(queue);
}

void rabbit_batches_end(struct rabbit_queue *queue)
{
    struct list ended;
    list_init(&ended);
    for (struct list *l = queue->batches.next, *next; l != &queue->batches; l = next) {
        next = l->next;
        if (batch_at(l)->pending)
            continue;
        list_remove(l);
        list_push(&ended, l);
    }
    struct list *link;
    while ((link = list_shift(&ended))) {
        struct rabbit_batch *batch = batch_at(link);
        if (!queue->closed)
            batch->done(batch->codes, batch->count, &(struct error){0}, batch->user);
        free(batch);
    }
}

void rabbit_batches_drop(struct rabbit_queue *queue)
{
    struct list *link;
    while ((link = list_shift(&queue->batches))) {
        struct rabbit_batch *batch = batch_at(link);
        batch->done = NULL;
        if (!batch->pending)
            free(batch);
    }
}

/* ---- acknowledgements ---- */

struct settle_task {
    struct amqp_task task;
    struct rabbit_queue *queue;
    struct rabbit_batch *batch; /* NULL: nobody waits */
    size_t count;
    struct rabbit_settlement what[QUEUE_BATCH_MAX];
    size_t index[QUEUE_BATCH_MAX]; /* in the batch */
    int codes[QUEUE_BATCH_MAX];
};

static int settle_run(struct amqp_task *task, struct amqp_session *session)
{
    struct settle_task *settle = container_of(task, struct settle_task, task);
    return rabbit_channel_settle(&settle->queue->channel, settle->what, settle->count,
                                 settle->codes, session, &task->error);
}

static void settle_done(struct amqp_task *task)
{
    struct settle_task *settle = container_of(task, struct settle_task, task);
    struct rabbit_queue *queue = settle->queue;
    for (size_t i = 0; i < settle->count && settle->batch; i++)
        settle->batch->codes[settle->index[i]] = task->code ? ERR_RECEIPT : settle->codes[i];
    if (settle->batch)
        batch_know(queue, settle->batch, settle->count);
    free(settle);
    rabbit_queue_release(queue);
}

static struct settle_task *settle_new(struct rabbit_queue *queue, struct rabbit_batch *batch)
{
    struct settle_task *settle = calloc(1, sizeof *settle);
    if (!settle)
        return NULL;
    settle->task = (struct amqp_task){.run = settle_run, .done = settle_done};
    settle->queue = queue;
    settle->batch = batch;
    return settle;
}

static void settle_add(struct settle_task *settle, const struct rabbit_delivery *delivery,
                       bool requeue, size_t index)
{
    settle->what[settle->count] = (struct rabbit_settlement){.serial = delivery->serial,
                                                             .consumer = delivery->consumer,
                                                             .tag = delivery->tag,
                                                             .requeue = requeue};
    settle->index[settle->count++] = index;
}

static void settle_submit(struct settle_task *settle)
{
    if (settle->count == 0) {
        free(settle);
        return;
    }
    if (settle->batch)
        settle->batch->pending += settle->count;
    settle->queue->refs++;
    amqp_connection_submit(settle->queue->broker->consuming, &settle->task);
}

void rabbit_settle_forget(struct rabbit_queue *queue, const struct rabbit_delivery *delivery,
                          bool requeue)
{
    struct settle_task *settle = settle_new(queue, NULL);
    if (!settle)
        return; /* it stays unacknowledged until the channel is closed */
    settle_add(settle, delivery, requeue, 0);
    settle_submit(settle);
}

/* A batch, and the task that settles its deliveries. */
static int batch_begin(struct rabbit_queue *queue, size_t count, queue_batch_done *done, void *user,
                       struct rabbit_batch **batch, struct settle_task **settle)
{
    if (count < 1 || count > QUEUE_BATCH_MAX)
        return ERR_INVALID;
    *batch = batch_new(queue, count, done, user);
    if (!*batch)
        return ERR_MEMORY;
    *settle = settle_new(queue, *batch);
    if (*settle)
        return 0;
    list_remove(&(*batch)->link);
    free(*batch);
    return ERR_MEMORY;
}

int rabbit_delete_batch(struct queue *handle, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct rabbit_batch *batch;
    struct settle_task *settle;
    int code = batch_begin(queue, count, done, user, &batch, &settle);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        struct rabbit_delivery *delivery = rabbit_delivery_find(queue, entries[i].receipt);
        batch->codes[i] = delivery && !delivery->pinned ? 0 : ERR_RECEIPT;
        if (batch->codes[i])
            continue;
        settle_add(settle, delivery, false, i);
        rabbit_delivery_settled(queue, delivery);
    }
    settle_submit(settle);
    rabbit_queue_turn(queue);
    return 0;
}

/* ---- copies for retries ---- */

struct retry_copy {
    struct rabbit_publication publication;
    amqp_pool_t pool;
    struct rabbit_queue *queue;
    struct rabbit_delivery *delivery; /* pinned */
    struct rabbit_batch *batch;
    size_t index;
};

static void retry_free(struct retry_copy *retry)
{
    empty_amqp_pool(&retry->pool);
    free(retry);
}

static void retry_failed(struct rabbit_queue *queue, const struct error *error)
{
    if (log_gate_open(&queue->retries_fail, uv_hrtime() / 1000000, LOG_EVERY_MS))
        log_error("message could not be copied to its retry queue; it stays unacknowledged and is "
                  "tried again",
                  LOG_TEXT("queue", queue->name), LOG_TEXT("error", error->text),
                  LOG_SUPPRESSED(&queue->retries_fail));
}

static void retry_done(struct amqp_task *task)
{
    struct retry_copy *retry = container_of(container_of(task, struct rabbit_publication, task),
                                            struct retry_copy, publication);
    struct rabbit_queue *queue = retry->queue;
    struct rabbit_delivery *delivery = retry->delivery;
    int code = task->code;
    delivery->pinned = false;
    if (code)
        retry_failed(queue, &task->error);
    if (delivery->gone) {
        rabbit_delivery_free(delivery); /* the broker delivers it again, beside its copy */
        code = code ? ERR_RECEIPT : 0;
    } else if (!code) {
        rabbit_settle_forget(queue, delivery, false);
        rabbit_delivery_settled(queue, delivery);
    }
    retry->batch->codes[retry->index] = code;
    batch_know(queue, retry->batch, 1);
    retry_free(retry);
    rabbit_queue_release(queue);
}

/* As SQS's redrive policy, which counts receives and does not ask why. Without a dead-letter queue, a
 * message is retried for ever. */
static bool had_all_receives(const struct rabbit_queue *queue,
                             const struct rabbit_delivery *delivery)
{
    if (!queue->facts.dead_letter_arn || delivery->receive_count < queue->facts.max_receives)
        return false;
    log_warn("message goes to the dead-letter queue: it was received too often",
             LOG_TEXT("queue", queue->name), LOG_TEXT("message", delivery->id),
             LOG_INT("receives", delivery->receive_count));
    return true;
}

static int retry_start(struct rabbit_queue *queue, struct rabbit_delivery *delivery,
                       unsigned delay_s, struct rabbit_batch *batch, size_t index)
{
    struct amqp_connection *connection;
    struct error error;
    struct retry_copy *retry = calloc(1, sizeof *retry);
    if (!retry)
        return ERR_MEMORY;
    init_amqp_pool(&retry->pool, 1024);
    rabbit_publication_init(&retry->publication, &queue->broker->publisher);
    const bool is_last = had_all_receives(queue, delivery);
    snprintf(retry->publication.routing_key, sizeof retry->publication.routing_key, "%s%s",
             queue->name,
             is_last ? AMQP_DEAD_SUFFIX
                     : amqp_retries[amqp_retry_step((uint64_t)delay_s * 1000)].suffix);
    int code = rabbit_copy_properties(delivery, is_last ? queue->name : NULL, &retry->pool,
                                      &retry->publication.properties);
    if (!code)
        code = rabbit_broker_publishing(queue->broker, &connection, &error);
    if (code) {
        retry_free(retry);
        return code;
    }
    retry->publication.body = (amqp_bytes_t){delivery->size, delivery->body};
    retry->publication.task.done = retry_done;
    retry->queue = queue;
    retry->delivery = delivery;
    retry->batch = batch;
    retry->index = index;
    delivery->pinned = true;
    batch->pending++;
    queue->refs++;
    amqp_connection_submit(connection, &retry->publication.task);
    return 0;
}

/* ---- extensions ---- */

int rabbit_extend_batch(struct queue *handle, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct rabbit_batch *batch;
    struct settle_task *returns;
    int code = batch_begin(queue, count, done, user, &batch, &returns);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        struct rabbit_delivery *delivery = rabbit_delivery_find(queue, entries[i].receipt);
        if (!delivery || delivery->pinned) {
            batch->codes[i] = ERR_RECEIPT;
        } else if (entries[i].visibility_s == 0) {
            settle_add(returns, delivery, true, i);
            rabbit_delivery_settled(queue, delivery);
        } else if (entries[i].release) {
            batch->codes[i] = retry_start(queue, delivery, entries[i].visibility_s, batch, i);
        } else {
            batch->codes[i] = rabbit_delivery_extend(queue, delivery, entries[i].visibility_s);
        }
    }
    settle_submit(returns);
    rabbit_queue_turn(queue);
    return 0;
}
