#include "queue_moves.h"

#include <stdlib.h>
#include <string.h>

#include "queue_rows.h"
#include "queue_transfer.h"
#include "storage_statement.h"

enum {
    TOGETHER = 64, /* concurrent messages of a task without a rate */
    /* step interval of a task with a rate, if it allows at least one message */
    STEPS_PER_SECOND = 10,
};

static const char *const names[] = {"RUNNING", "CANCELLING", "CANCELLED", "COMPLETED", "FAILED"};

const char *move_status_name(enum move_status status)
{
    return names[status];
}

/* Rows. */

struct move_task {
    struct storage_task task;
    struct queue_move *move; /* retained */
    uint64_t id, queue, to_move, below, dropped;
    uint8_t uuid[UUID_SIZE];
    char *destination;
    int rate, status;
    int64_t started_ms;
    const char *reason;
    queue_written *done;
    void *user;
};

static struct move_task *move_task_of(struct storage_task *task)
{
    return container_of(task, struct move_task, task);
}

static int row_insert(struct storage_task *task, struct storage *storage)
{
    static const char sql[] =
        "INSERT INTO message_moves (id, queue, uuid, destination, rate, status, moved, to_move,"
        " below, started_ms) VALUES (?,?,?,?,?,?,0,?,?,?)";
    struct move_task *t = move_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, t->id);
    bind_uint(&s, t->queue);
    bind_blob(&s, t->uuid, UUID_SIZE);
    bind_text(&s, t->destination);
    bind_int(&s, t->rate);
    bind_int(&s, t->status);
    bind_uint(&s, t->to_move);
    bind_uint(&s, t->below);
    bind_int(&s, t->started_ms);
    int code = statement_execute(&s, &task->error);
    if (code || !t->dropped)
        return code;
    return statement_execute_with(storage, "DELETE FROM message_moves WHERE id=?", t->dropped,
                                  &task->error);
}

static int row_status(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE message_moves SET status=?, reason=? WHERE id=?";
    struct move_task *t = move_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_int(&s, t->status);
    bind_text(&s, t->reason);
    bind_uint(&s, t->id);
    return statement_execute(&s, &task->error);
}

static struct move_task *move_task_new(struct queue_move *move, storage_run *run,
                                       void (*done)(struct storage_task *task, int code))
{
    struct move_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task = (struct storage_task){.run = run, .done = done};
    t->move = move;
    t->id = move->id;
    t->queue = move->queue->id;
    t->to_move = move->to_move;
    t->below = move->below_id;
    memcpy(t->uuid, move->uuid, UUID_SIZE);
    t->destination = move->destination;
    t->rate = move->rate;
    t->status = (int)move->status;
    t->started_ms = move->started_ms;
    t->reason = move->reason;
    move->refs++;
    return t;
}

static void move_task_submit(struct move_task *t)
{
    storage_submit(t->move->queue->queues->cloud->storage, &t->task);
}

/* The lifecycle of a move. */

static void move_release(struct queue_move *move)
{
    if (--move->refs > 0)
        return;
    struct queues *queues = move->queue->queues;
    deadline_clear(queues->deadlines, &move->next);
    queues->deadline_users--;
    queue_release(move->queue);
    free(move->destination);
    free(move);
}

/* Removes it from the list. */
static void move_drop(struct queue_move *move)
{
    list_remove(&move->link);
    deadline_clear(move->queue->queues->deadlines, &move->next);
    move->dropped = true;
    move_release(move);
}

static struct queue_move *move_new(struct local_queue *queue, const char *destination)
{
    struct queues *queues = queue->queues;
    struct queue_move *move = calloc(1, sizeof *move);
    if (!move || deadlines_reserve(queues->deadlines, queues->deadline_users + 1) ||
        (destination && !(move->destination = strdup(destination)))) {
        free(move);
        return NULL;
    }
    queues->deadline_users++;
    move->refs = 1;
    move->queue = queue;
    queue_retain(queue);
    list_push(&queues->moves, &move->link);
    return move;
}

static void status_written(struct storage_task *task, int code)
{
    struct move_task *t = move_task_of(task);
    queue_task_log(task, t->move->queue, code);
    if (t->done)
        t->done(code, t->user);
    move_release(t->move);
    free(t);
}

static bool move_set(struct queue_move *move, enum move_status status, queue_written *done,
                     void *user)
{
    move->status = status;
    if (status != MOVE_RUNNING)
        deadline_clear(move->queue->queues->deadlines, &move->next);
    struct move_task *t = move_task_new(move, row_status, status_written);
    if (!t)
        return false;
    t->done = done;
    t->user = user;
    move_task_submit(t);
    return true;
}

static void move_fail(struct queue_move *move, const char *reason)
{
    move->reason = reason;
    move_set(move, MOVE_FAILED, NULL, NULL);
}

/* Moving. */

static struct local_message *move_next(const struct queue_move *move)
{
    struct local_queue *queue = move->queue;
    if (queue->attributes.fifo)
        return group_next_below(queue, move->below_id);
    if (list_empty(&queue->lists[MESSAGE_VISIBLE]))
        return NULL;
    struct local_message *m =
        container_of(queue->lists[MESSAGE_VISIBLE].next, struct local_message, link);
    return m->entry.id < move->below_id ? m : NULL;
}

static bool message_move(struct queue_move *move, struct local_message *m)
{
    const char *arn = move->destination ? move->destination : m->source;
    struct local_queue *target = arn ? queues_find_arn(move->queue->queues, arn) : NULL;
    if (!arn)
        move_fail(move, "CouldNotDetermineMessageSource");
    else if (!target)
        move_fail(move, "AWS.SimpleQueueService.NonExistentQueue");
    else if (message_transfer(m, target, move))
        move_fail(move, "InternalError");
    if (move->status != MOVE_RUNNING)
        return false;
    move->refs++;
    move->under_way++;
    return true;
}

/* Messages of a step. */
static unsigned step_size(const struct queue_move *move)
{
    if (move->rate)
        return (unsigned)(move->rate + STEPS_PER_SECOND - 1) / STEPS_PER_SECOND;
    return TOGETHER;
}

static void move_step(struct queue_move *move)
{
    struct deadlines *deadlines = move->queue->queues->deadlines;
    struct local_message *m;
    unsigned count = 0, size = step_size(move);
    if (move->queue->purging || move->queue->deleting)
        size = 0;
    while (count < size && (m = move_next(move)) && message_move(move, m))
        count++;
    if (move->status != MOVE_RUNNING)
        return;
    if (count == 0 && move->under_way == 0 && size > 0)
        move_set(move, MOVE_COMPLETED, NULL, NULL);
    else if (move->rate || size == 0)
        deadline_set(deadlines, &move->next,
                     deadlines_now(deadlines) +
                         (size ? (int64_t)size * 1000 / move->rate : 1000 / STEPS_PER_SECOND));
}

static void move_due(struct deadline *deadline)
{
    move_step(container_of(deadline, struct queue_move, next));
}

/* A message that could not be stored in the new queue is still in the old one. */
void queue_move_settled(struct queue_move *move, int code)
{
    move->under_way--;
    if (!code)
        move->moved++;
    if (!move->dropped && move->under_way == 0) {
        if (move->status == MOVE_CANCELLING)
            move_set(move, MOVE_CANCELLED, NULL, NULL);
        else if (move->status == MOVE_RUNNING && code)
            move_fail(move, "InternalError");
        else if (move->status == MOVE_RUNNING && !deadline_is_set(&move->next))
            move_step(move);
    }
    move_release(move);
}

/* API functions. */

static void start_written(struct storage_task *task, int code)
{
    struct move_task *t = move_task_of(task);
    struct queue_move *move = t->move;
    queue_task_log(task, move->queue, code);
    if (t->done)
        t->done(code, t->user);
    if (code && !move->dropped)
        move_drop(move);
    else if (!move->dropped && move->status == MOVE_RUNNING)
        move_step(move);
    move_release(move);
    free(t);
}

size_t queue_moves_list(struct local_queue *queue, const struct queue_move **out, size_t max)
{
    const struct list *head = &queue->queues->moves;
    size_t count = 0;
    for (const struct list *link = head->prev; link != head && count < max; link = link->prev) {
        const struct queue_move *move = container_of(link, struct queue_move, link);
        if (move->queue == queue)
            out[count++] = move;
    }
    return count;
}

static bool move_active(const struct queue_move *move)
{
    return move->status == MOVE_RUNNING || move->status == MOVE_CANCELLING;
}

int queue_move_start(struct local_queue *queue, const char *destination, int rate,
                     queue_written *done, void *user, const struct queue_move **out,
                     struct service_error *error)
{
    struct queues *queues = queue->queues;
    const struct queue_move *known[MOVES_KEPT];
    size_t count = queue_moves_list(queue, known, MOVES_KEPT);
    if (count > 0 && move_active(known[0]))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "There is already a task running. Only one active task is allowed "
                                 "for a source queue arn at a given time.");
    struct queue_move *move = move_new(queue, destination);
    if (!move)
        return ERR_MEMORY;
    move->next.expired = move_due;
    uuid_make(move->uuid);
    move->rate = rate;
    move->id = move->below_id = queues->next_message++;
    move->to_move = queue->counts[MESSAGE_VISIBLE];
    move->started_ms = deadlines_now(queues->deadlines);
    struct move_task *t = move_task_new(move, row_insert, start_written);
    if (!t) {
        move_drop(move);
        return ERR_MEMORY;
    }
    t->done = done;
    t->user = user;
    if (count == MOVES_KEPT) {
        t->dropped = known[count - 1]->id;
        move_drop((struct queue_move *)known[count - 1]);
    }
    *out = move;
    move_task_submit(t);
    return 0;
}

int queue_move_cancel(struct local_queue *queue, const char *id, queue_written *done, void *user,
                      const struct queue_move **out, struct service_error *error)
{
    const struct queue_move *known[MOVES_KEPT];
    char text[UUID_TEXT_SIZE] = "";
    size_t count = queue_moves_list(queue, known, MOVES_KEPT), at = 0;
    for (; at < count; at++) {
        uuid_text(known[at]->uuid, text);
        if (strcmp(text, id) == 0)
            break;
    }
    if (at == count)
        return service_error_set(error, SQS_RESOURCE_NOT_FOUND, "Task does not exist.");
    struct queue_move *move = (struct queue_move *)known[at];
    if (move->status != MOVE_RUNNING)
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Only active tasks can be cancelled.");
    *out = move;
    enum move_status status = move->under_way ? MOVE_CANCELLING : MOVE_CANCELLED;
    return move_set(move, status, done, user) ? 0 : ERR_MEMORY;
}

/* Called with the queues' state. */

int queue_move_load(struct local_queue *queue, const struct queue_move *facts)
{
    struct queue_move *move = move_new(queue, facts->destination);
    if (!move)
        return ERR_MEMORY;
    move->next.expired = move_due;
    memcpy(move->uuid, facts->uuid, UUID_SIZE);
    move->id = facts->id;
    move->rate = facts->rate;
    move->status = facts->status == MOVE_CANCELLING ? MOVE_CANCELLED : facts->status;
    move->moved = facts->moved;
    move->to_move = facts->to_move;
    move->below_id = facts->below_id;
    move->started_ms = facts->started_ms;
    move->reason = facts->reason;
    return 0;
}

void queue_moves_resume(struct queues *queues)
{
    struct list *next, *link = queues->moves.next;
    for (; link != &queues->moves; link = next) {
        struct queue_move *move = container_of(link, struct queue_move, link);
        next = link->next;
        if (move->status == MOVE_RUNNING)
            move_step(move);
    }
}

void queue_moves_end(struct local_queue *queue)
{
    struct list *next, *link = queue->queues->moves.next;
    for (; link != &queue->queues->moves; link = next) {
        struct queue_move *move = container_of(link, struct queue_move, link);
        next = link->next;
        if (move->queue == queue)
            move_drop(move);
    }
}
