#include "queue_sweep.h"

#include <stdlib.h>

#include "queue_rows.h"
#include "storage_statement.h"

enum { PIECE = 500 };

struct sweep_task {
    struct storage_task task;
    struct queues *queues;
    size_t count;
    struct swept_row rows[PIECE];
};

void sweep_open(struct queue_sweep *sweep)
{
    list_init(&sweep->purged);
}

void sweep_close(struct queues *queues)
{
    struct queue_sweep *sweep = &queues->sweep;
    struct list *link;
    while (sweep->purged.next && (link = list_shift(&sweep->purged)))
        message_free(container_of(link, struct local_message, link));
    free(sweep->rows);
}

void sweep_row(struct queues *queues, uint64_t id, bool body_apart)
{
    struct queue_sweep *sweep = &queues->sweep;
    if (sweep->count == sweep->capacity) {
        size_t capacity = sweep->capacity ? 2 * sweep->capacity : PIECE;
        struct swept_row *rows = realloc(sweep->rows, capacity * sizeof *rows);
        if (!rows)
            return;
        sweep->rows = rows;
        sweep->capacity = capacity;
    }
    sweep->rows[sweep->count++] = (struct swept_row){id, body_apart};
}

static struct sweep_task *sweep_task_of(struct storage_task *task)
{
    return container_of(task, struct sweep_task, task);
}

static int sweep_run(struct storage_task *task, struct storage *storage)
{
    struct sweep_task *t = sweep_task_of(task);
    int code = 0;
    for (size_t i = 0; i < t->count && !code; i++)
        code = message_row_delete(task, storage, t->rows[i].id, t->rows[i].body_apart);
    return code;
}

/* Rows that could not be deleted remain until the next start. */
static void sweep_done(struct storage_task *task, int code)
{
    struct sweep_task *t = sweep_task_of(task);
    struct queues *queues = t->queues;
    queues->sweep.running = false;
    free(t);
    if (!code)
        sweep_start(queues);
}

static void sweep_fill(struct queue_sweep *sweep, struct sweep_task *t)
{
    struct list *link;
    while (t->count < PIECE && (link = list_shift(&sweep->purged))) {
        struct local_message *m = container_of(link, struct local_message, link);
        t->rows[t->count++] = (struct swept_row){m->entry.id, m->body_apart};
        message_free(m);
    }
    while (t->count < PIECE && sweep->count > 0)
        t->rows[t->count++] = sweep->rows[--sweep->count];
    if (sweep->count == 0) {
        free(sweep->rows);
        sweep->rows = NULL;
        sweep->capacity = 0;
    }
}

void sweep_start(struct queues *queues)
{
    struct queue_sweep *sweep = &queues->sweep;
    if (sweep->running || queues->loading || queues->stopped ||
        (list_empty(&sweep->purged) && sweep->count == 0))
        return;
    struct sweep_task *t = calloc(1, sizeof *t);
    if (!t)
        return;
    t->task = (struct storage_task){.run = sweep_run, .done = sweep_done};
    t->queues = queues;
    sweep_fill(sweep, t);
    sweep->running = true;
    storage_submit(queues->cloud->storage, &t->task);
}

void queue_purge_below(struct local_queue *queue, uint64_t below_id)
{
    queue->purged_below = below_id;
    for (int state = MESSAGE_DELAYED; state < MESSAGE_STATES; state++) {
        list_move_all(&queue->queues->sweep.purged, &queue->lists[state]);
        queue->counts[state] = 0;
    }
    list_remove(&queue->open_groups); /* the old groups can no longer be found */
    sweep_start(queue->queues);
}
