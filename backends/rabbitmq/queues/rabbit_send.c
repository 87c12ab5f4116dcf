/* Sending: a batch is as many publications, each with its own result. Loop thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "rabbit_private.h"

enum { POOL_PAGE = 1024 };

struct rabbit_sends { /* a call of the seam */
    struct list link; /* in queue->sends */
    struct rabbit_queue *queue;
    size_t count, pending;
    struct queue_send_result results[QUEUE_BATCH_MAX];
    struct error errors[QUEUE_BATCH_MAX];
    char ids[QUEUE_BATCH_MAX][RABBIT_ID_SIZE];
    queue_batch_sent *batch_done; /* one of the two; both NULL: cancelled */
    queue_sent *done;
    void *user;
};

struct rabbit_sending { /* one message of it */
    struct rabbit_publication publication;
    amqp_pool_t pool;
    char *body;
    struct rabbit_sends *sends;
    size_t index;
};

static void sending_free(struct rabbit_sending *sending)
{
    empty_amqp_pool(&sending->pool);
    free(sending->body);
    free(sending);
}

/* The first failure, if all have failed. */
static const struct error *common_failure(struct rabbit_sends *sends)
{
    for (size_t i = 0; i < sends->count; i++)
        if (!sends->results[i].code)
            return NULL;
    for (size_t i = 0; i < sends->count; i++)
        sends->results[i].code = sends->errors[0].code;
    return &sends->errors[0];
}

static void sends_end(struct rabbit_sends *sends)
{
    const struct error fine = {0}, *failure = common_failure(sends);
    const struct error *error = failure ? failure : &fine;
    list_remove(&sends->link);
    if (sends->batch_done)
        sends->batch_done(sends->results, sends->count, error, sends->user);
    else if (sends->done)
        sends->done(sends->results[0].id, error, sends->user);
    free(sends);
}

static void sending_done(struct amqp_task *task)
{
    struct rabbit_sending *sending = container_of(
        container_of(task, struct rabbit_publication, task), struct rabbit_sending, publication);
    struct rabbit_sends *sends = sending->sends;
    struct rabbit_queue *queue = sends->queue;
    const size_t i = sending->index;
    sends->errors[i] = task->error;
    sends->results[i] = (struct queue_send_result){
        .code = task->code, .id = task->code ? NULL : sends->ids[i], .why = sends->errors[i].text};
    sending_free(sending);
    if (--sends->pending == 0)
        sends_end(sends);
    rabbit_queue_release(queue);
}

static void routing_key(const struct rabbit_queue *queue, unsigned delay_s,
                        char out[AMQP_NAME_SIZE])
{
    const char *suffix =
        delay_s ? amqp_retries[amqp_retry_step((uint64_t)delay_s * 1000)].suffix : "";
    snprintf(out, AMQP_NAME_SIZE, "%s%s", queue->name, suffix);
}

static struct rabbit_sending *sending_new(struct rabbit_sends *sends,
                                          const struct queue_send *message, size_t index)
{
    struct rabbit_sending *sending = calloc(1, sizeof *sending);
    if (!sending)
        return NULL;
    init_amqp_pool(&sending->pool, POOL_PAGE);
    rabbit_publication_init(&sending->publication, &sends->queue->broker->publisher);
    routing_key(sends->queue, message->delay_s, sending->publication.routing_key);
    rabbit_random_id(sends->ids[index]);
    sending->body = slice_dup((struct slice){message->body, message->body_size});
    sending->sends = sends;
    sending->index = index;
    sending->publication.task.done = sending_done;
    if (sending->body && !rabbit_send_properties(message, sends->ids[index], &sending->pool,
                                                 &sending->publication.properties)) {
        sending->publication.body = (amqp_bytes_t){message->body_size, sending->body};
        return sending;
    }
    sending_free(sending);
    return NULL;
}

/* All or none. */
static int sendings_make(struct rabbit_sends *sends, const struct queue_send *messages,
                         struct rabbit_sending **out)
{
    for (size_t i = 0; i < sends->count; i++) {
        out[i] = sending_new(sends, &messages[i], i);
        if (out[i])
            continue;
        while (i > 0)
            sending_free(out[--i]);
        return ERR_MEMORY;
    }
    return 0;
}

static int sends_start(struct rabbit_sends *sends, const struct queue_send *messages)
{
    struct rabbit_queue *queue = sends->queue;
    struct rabbit_sending *sendings[QUEUE_BATCH_MAX];
    struct amqp_connection *connection;
    struct error error;
    int code = rabbit_broker_publishing(queue->broker, &connection, &error);
    if (code)
        return code;
    code = sendings_make(sends, messages, sendings);
    if (code)
        return code;
    list_push(&queue->sends, &sends->link);
    sends->pending = sends->count;
    for (size_t i = 0; i < sends->count; i++) {
        queue->refs++;
        amqp_connection_submit(connection, &sendings[i]->publication.task);
    }
    return 0;
}

static struct rabbit_sends *sends_new(struct rabbit_queue *queue, size_t count, void *user)
{
    struct rabbit_sends *sends = calloc(1, sizeof *sends);
    if (!sends)
        return NULL;
    list_init(&sends->link);
    sends->queue = queue;
    sends->count = count;
    sends->user = user;
    return sends;
}

int rabbit_send(struct queue *handle, const struct queue_send *message, queue_sent *done,
                void *user)
{
    struct rabbit_sends *sends = sends_new(rabbit_of(handle), 1, user);
    if (!sends)
        return ERR_MEMORY;
    sends->done = done;
    int code = sends_start(sends, message);
    if (code)
        free(sends);
    return code;
}

int rabbit_send_batch(struct queue *handle, const struct queue_send *messages, size_t count,
                      queue_batch_sent *done, void *user)
{
    if (count < 1 || count > QUEUE_BATCH_MAX)
        return ERR_INVALID;
    struct rabbit_sends *sends = sends_new(rabbit_of(handle), count, user);
    if (!sends)
        return ERR_MEMORY;
    sends->batch_done = done;
    int code = sends_start(sends, messages);
    if (code)
        free(sends);
    return code;
}

void rabbit_sends_cancel(struct rabbit_queue *queue)
{
    struct list *link;
    while ((link = list_shift(&queue->sends))) {
        struct rabbit_sends *sends = container_of(link, struct rabbit_sends, link);
        sends->batch_done = NULL;
        sends->done = NULL;
    }
}
