#include "move_task.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_FIRST_MS = 50, LOOK_MOST_MS = 1000, FAILURES_MAX = 10 };

struct move_follower {
    const struct queue_admin_ops *ops;
    struct queue *dead_letters;
    const struct queue *to;
    uv_timer_t timer;
    struct move_task_facts facts;
    enum { TASK_FINDING, TASK_STARTING, TASK_RUNNING, TASK_DONE } state;
    char *handle;
    bool stop, cancel_sent;
    unsigned failures;
    uint64_t look_ms;
};

static void end(struct move_follower *task)
{
    task->state = TASK_DONE;
    uv_timer_stop(&task->timer);
}

static void fail(struct move_follower *task, const struct error *error)
{
    task->facts.error = *error;
    end(task);
}

static void fail_call(struct move_follower *task, int code)
{
    error_set(&task->facts.error, code, "the message move task could not be asked for (%s)",
              error_name(code));
    end(task);
}

/* ---- following ---- */

static void look_later(struct move_follower *task);

static void on_cancelled(const struct error *error, void *user)
{
    struct move_follower *task = user;
    (void)error; /* it may have ended meanwhile; the next look tells */
    look_later(task);
}

static void cancel(struct move_follower *task)
{
    task->cancel_sent = true;
    if (task->ops->move_cancel(task->dead_letters, task->handle, on_cancelled, task))
        look_later(task);
}

static bool is_over(enum queue_move_state state)
{
    return state == QUEUE_MOVE_COMPLETED || state == QUEUE_MOVE_CANCELLED ||
           state == QUEUE_MOVE_FAILED || state == QUEUE_MOVE_NONE;
}

static void finish(struct move_follower *task, const struct queue_move_facts *move)
{
    task->facts.cancelled = move->state == QUEUE_MOVE_CANCELLED;
    if (move->state == QUEUE_MOVE_FAILED)
        error_set(&task->facts.error, ERR_REFUSED, "the service's move task failed: %s",
                  move->reason ? move->reason : "it gives no reason");
    end(task);
}

static void on_look(const struct queue_move_facts *move, const struct error *error, void *user)
{
    struct move_follower *task = user;
    if (error->code) {
        if (++task->failures >= FAILURES_MAX)
            fail(task, error);
        else
            look_later(task);
        return;
    }
    task->failures = 0;
    task->facts.moved = move->moved;
    task->facts.to_move = move->to_move;
    if (is_over(move->state))
        finish(task, move);
    else
        look_later(task);
}

static void look(struct move_follower *task)
{
    if (task->stop && !task->cancel_sent) {
        cancel(task);
        return;
    }
    int code = task->ops->move_look(task->dead_letters, on_look, task);
    if (code)
        fail_call(task, code);
}

/* ---- starting ---- */

static void on_started(const char *handle, const struct error *error, void *user)
{
    struct move_follower *task = user;
    if (error->code) {
        fail(task, error);
        return;
    }
    task->facts.started = true;
    task->state = TASK_RUNNING;
    task->handle = strdup(handle);
    if (!task->handle)
        fail_call(task, ERR_MEMORY);
    else
        look_later(task);
}

static void on_found(const struct queue_move_facts *move, const struct error *error, void *user)
{
    struct move_follower *task = user;
    if (error->code) {
        fail(task, error);
    } else if (task->stop) {
        task->facts.cancelled = true;
        end(task);
    } else if (!is_over(move->state)) {
        error_set(&task->facts.error, ERR_CONFLICT,
                  "a message move task of this queue is running already (%llu of %llu moved); wait "
                  "until it ends",
                  (unsigned long long)move->moved, (unsigned long long)move->to_move);
        end(task);
    } else {
        task->state = TASK_STARTING;
        int code = task->ops->move_start(task->dead_letters, task->to, on_started, task);
        if (code)
            fail_call(task, code);
    }
}

static void find(struct move_follower *task)
{
    int code = task->ops->move_look(task->dead_letters, on_found, task);
    if (code)
        fail_call(task, code);
}

/* ---- the task ---- */

static void on_timer(uv_timer_t *timer)
{
    struct move_follower *task = timer->data;
    if (task->state == TASK_FINDING)
        find(task);
    else if (task->state == TASK_RUNNING)
        look(task);
}

static void look_later(struct move_follower *task)
{
    uv_timer_start(&task->timer, on_timer, task->stop && !task->cancel_sent ? 0 : task->look_ms, 0);
    if (task->look_ms < LOOK_MOST_MS)
        task->look_ms *= 2;
}

int move_task_start(uv_loop_t *loop, const struct queue_backend *backend,
                    struct queue *dead_letters, const struct queue *to, struct move_follower **out)
{
    struct move_follower *task = calloc(1, sizeof *task);
    *out = task;
    if (!task)
        return ERR_MEMORY;
    task->ops = backend->admin;
    task->dead_letters = dead_letters;
    task->to = to;
    task->look_ms = LOOK_FIRST_MS;
    uv_timer_init(loop, &task->timer);
    task->timer.data = task;
    uv_timer_start(&task->timer, on_timer, 0, 0);
    return 0;
}

void move_task_stop(struct move_follower *task)
{
    task->stop = true;
    if (task->state == TASK_RUNNING && uv_is_active((uv_handle_t *)&task->timer))
        uv_timer_start(&task->timer, on_timer, 0, 0);
}

bool move_task_is_done(void *task)
{
    return ((struct move_follower *)task)->state == TASK_DONE;
}

const struct move_task_facts *move_task_facts(const struct move_follower *task)
{
    return &task->facts;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void move_task_free(struct move_follower *task)
{
    if (!task)
        return;
    free(task->handle);
    uv_close((uv_handle_t *)&task->timer, on_closed);
}
