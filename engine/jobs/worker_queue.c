#include "worker_queue.h"

/* Chosen with bench/order.py. */
enum { BACKLOG_PER_WORKER = 4, FEW_PER_WORKER = 2 };

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

static struct worker_task *task_of(struct list *link)
{
    return container_of(link, struct worker_task, link);
}

/* Of the share that is furthest behind; between equals, the one that came first. */
static struct worker_task *first_waiting(const struct worker_queue *queue)
{
    struct worker_task *first = NULL;
    for (struct list *l = queue->waiting.next; l != &queue->waiting; l = l->next) {
        if (!first || task_of(l)->share->clock < first->share->clock)
            first = task_of(l);
    }
    return first;
}

/* Of shares that are equally far behind. */
static struct worker_task *largest_beside(const struct worker_queue *queue,
                                          struct worker_task *first)
{
    struct worker_task *largest = first;
    for (struct list *l = first->link.next; l != &queue->waiting; l = l->next) {
        struct worker_task *task = task_of(l);
        if (task->share->clock <= first->share->clock && task->size > largest->size)
            largest = task;
    }
    return largest;
}

/* Whether a backlog is at its end: there was one, and only a few tasks are left of it. */
static bool backlog_ends(struct worker_queue *queue)
{
    const size_t many = (size_t)queue->workers * BACKLOG_PER_WORKER;
    const size_t left = queue->waiting_count + queue->expected;
    if (left > many)
        queue->backlog = true;
    else if (left == 1)
        queue->backlog = false;
    return queue->backlog && left <= (size_t)queue->workers * FEW_PER_WORKER;
}

static struct worker_task *take_next(struct worker_queue *queue)
{
    struct worker_task *first = first_waiting(queue), *next = first;
    if (backlog_ends(queue) && first->overtaken < queue->workers * FEW_PER_WORKER)
        next = largest_beside(queue, first);
    first->overtaken += next != first;
    list_remove(&next->link);
    queue->waiting_count--;
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
    queue->waiting_count++;
    dispatch(queue);
}

void worker_queue_expect(struct worker_queue *queue, size_t count)
{
    queue->expected = count;
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
