/* What operators do with a queue: an implementation of queue_admin.h. RabbitMQ moves no messages from
 * queue to queue, so a redrive sends and acknowledges them one by one. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "rabbit_private.h"

/* ---- purging ---- */

struct purge_task {
    struct amqp_task task;
    struct rabbit_queue *queue;
    queue_purged *done;
    void *user;
};

static int purge_run(struct amqp_task *task, struct amqp_session *session)
{
    const struct purge_task *purge = container_of(task, struct purge_task, task);
    return amqp_session_purge(session, purge->queue->name, &task->error);
}

static void purge_done(struct amqp_task *task)
{
    struct purge_task *purge = container_of(task, struct purge_task, task);
    struct rabbit_queue *queue = purge->queue;
    const struct error fine = {0};
    if (!queue->closed)
        purge->done(task->code ? &task->error : &fine, purge->user);
    free(purge);
    rabbit_queue_release(queue);
}

/* Messages that somebody holds unacknowledged stay: the broker purges what is ready. */
static int rabbit_purge(struct queue *handle, queue_purged *done, void *user)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    struct purge_task *purge = calloc(1, sizeof *purge);
    if (!purge)
        return ERR_MEMORY;
    *purge = (struct purge_task){
        .task = {.run = purge_run, .done = purge_done}, .queue = queue, .done = done, .user = user};
    queue->refs++;
    amqp_connection_submit(queue->broker->consuming, &purge->task);
    return 0;
}

/* ---- sources ---- */

struct sources_task {
    struct amqp_task task;
    struct rabbit_queue *queue;
    char work[AMQP_NAME_SIZE]; /* the work queue of a dead-letter queue; "": none */
    bool exists;
    queue_sources_known *done;
    void *user;
};

static int sources_run(struct amqp_task *task, struct amqp_session *session)
{
    struct sources_task *sources = container_of(task, struct sources_task, task);
    uint64_t count;
    if (!sources->work[0])
        return 0;
    const int code = amqp_session_count(session, sources->work, &count, &task->error);
    sources->exists = !code;
    return code == ERR_NO_CONTAINER ? 0 : code;
}

static void sources_done(struct amqp_task *task)
{
    struct sources_task *sources = container_of(task, struct sources_task, task);
    struct rabbit_queue *queue = sources->queue;
    const struct error short_of_memory = {ERR_MEMORY, "out of memory"}, fine = {0};
    char *url = sources->exists ? amqp_address_text(&queue->broker->address, sources->work) : NULL;
    const char *const urls[] = {url};
    const struct error *error = task->code                ? &task->error
                                : sources->exists && !url ? &short_of_memory
                                                          : &fine;
    if (!queue->closed)
        sources->done(urls, url && !error->code ? 1 : 0, false, error, sources->user);
    free(url);
    free(sources);
    rabbit_queue_release(queue);
}

/* The names tell: a queue has the dead letters of one other. */
static int rabbit_sources(struct queue *handle, queue_sources_known *done, void *user)
{
    struct rabbit_queue *queue = rabbit_of(handle);
    size_t size;
    struct sources_task *sources = calloc(1, sizeof *sources);
    if (!sources)
        return ERR_MEMORY;
    *sources = (struct sources_task){.task = {.run = sources_run, .done = sources_done},
                                     .queue = queue,
                                     .done = done,
                                     .user = user};
    if (amqp_is_dead_name(queue->name, &size) && size < sizeof sources->work)
        memcpy(sources->work, queue->name, size);
    queue->refs++;
    amqp_connection_submit(queue->broker->consuming, &sources->task);
    return 0;
}

const struct queue_admin_ops rabbit_admin_ops = {.purge = rabbit_purge, .sources = rabbit_sources};
