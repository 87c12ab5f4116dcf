#include "worker_queue.h"

static void dispatch(struct worker_queue *queue);

static void run_task(uv_work_t *work)
{
    struct worker_task *task = container_of(work, struct worker_task, work);
    uint64_t began = uv_hrtime();
    task->run(task);
    task->milliseconds = (double)(uv_hrtime() - began) / 1e6;
}

static void finish_task(uv_work_t *work, int code)
{
    struct worker_task *task = container_of(work, struct worker_task, work);
    struct worker_queue *queue = task->queue;
    (void)code; /* never UV_ECANCELED: tasks in the pool are not cancelled */
    list_remove(&task->link);
    queue->busy--;
    dispatch(queue); /* first give the worker its next task, then handle the result */
    task->done(task);
}

static struct worker_task *take_next(struct worker_queue *queue)
{
    struct worker_task *next = NULL;
    for (struct list *l = queue->waiting.next; l != &queue->waiting; l = l->next) {
        struct worker_task *task = container_of(l, struct worker_task, link);
        if (!next || task->share->clock < next->share->clock)
            next = task;
    }
    list_remove(&next->link);
    return next;
}

static void dispatch(struct worker_queue *queue)
{
    while (queue->busy < queue->workers && !list_empty(&queue->waiting)) {
        struct worker_task *task = take_next(queue);
        queue->busy++;
        queue->clock = task->share->clock;
        task->began_ms = uv_now(queue->loop);
        list_push(&queue->running, &task->link);
        if (task->prepare)
            task->prepare(task);
        /* uv_queue_work fails only if the callback is NULL. */
        uv_queue_work(queue->loop, &task->work, run_task, finish_task);
    }
}

void worker_queue_init(struct worker_queue *queue, uv_loop_t *loop, unsigned workers)
{
    *queue = (struct worker_queue){.loop = loop, .workers = workers};
    list_init(&queue->waiting);
    list_init(&queue->running);
}

void worker_queue_push(struct worker_queue *queue, struct worker_task *task)
{
    task->queue = queue;
    if (task->share->clock < queue->clock)
        task->share->clock = queue->clock;
    list_push(&queue->waiting, &task->link);
    dispatch(queue);
}

uint64_t worker_queue_oldest_ms(const struct worker_queue *queue)
{
    if (list_empty(&queue->running))
        return 0;
    const struct worker_task *oldest = container_of(queue->running.next, struct worker_task, link);
    return uv_now(queue->loop) - oldest->began_ms;
}

void worker_share_charge(struct worker_share *share, double milliseconds)
{
    share->clock += milliseconds / share->weight;
}
