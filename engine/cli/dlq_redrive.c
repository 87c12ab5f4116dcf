/* redrive: by the service's move task if all messages have one known way, else one by one. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "dlq.h"

struct targets { /* the queues whose dead letters are in this queue */
    struct dlq *dlq;
    struct queue *letters;
    struct redrive_target *items;
    size_t count;
    struct queue_group others; /* those that no pipeline file names */
    bool done, known;
    int code;
};

/* ---- targets ---- */

static const struct queue_backend_ops *ops_of(const struct dlq *dlq)
{
    return dlq->service.backend.queues->ops;
}

static bool is_target(const struct targets *targets, const char *arn)
{
    for (size_t i = 0; i < targets->count; i++)
        if (strcmp(ops_of(targets->dlq)->facts(targets->items[i].queue)->arn, arn) == 0)
            return true;
    return false;
}

static int target_add(struct targets *targets, const char *pipeline, struct queue *queue)
{
    struct redrive_target *items =
        realloc(targets->items, (targets->count + 1) * sizeof *targets->items);
    if (!items)
        return ERR_MEMORY;
    targets->items = items;
    targets->items[targets->count++] = (struct redrive_target){pipeline, queue};
    return 0;
}

static int targets_of_pipelines(struct targets *targets)
{
    const struct pipeline_queues *queues = &targets->dlq->queues;
    const struct queue_backend_ops *ops = ops_of(targets->dlq);
    for (size_t i = 0; i < queues->count; i++) {
        struct queue *source = queues->sources.items[i].queue;
        const char *arn = source ? ops->facts(source)->dead_letter_arn : NULL;
        if (arn && strcmp(arn, ops->facts(targets->letters)->arn) == 0 &&
            target_add(targets, queues->names[i], source))
            return ERR_MEMORY;
    }
    return 0;
}

static void on_sources(const char *const *urls, size_t count, bool more, const struct error *error,
                       void *user)
{
    struct targets *targets = user;
    targets->done = true;
    targets->known = !error->code && !more;
    targets->code = queue_group_init(&targets->others, targets->dlq->service.backend.queues, urls,
                                     error->code ? 0 : count);
}

static bool is_listed(void *user)
{
    return ((struct targets *)user)->done;
}

/* Also those that no pipeline file names. If the service does not list them, the message itself may
 * say where it belongs. */
static int targets_of_service(struct targets *targets)
{
    struct dlq *dlq = targets->dlq;
    if (dlq->service.backend.queues->admin->sources(targets->letters, on_sources, targets))
        return 0;
    service_finish(&dlq->service, is_listed, targets);
    if (targets->code)
        return targets->code;
    queue_group_open(&targets->others);
    service_finish(&dlq->service, queue_group_is_idle, &targets->others);
    for (size_t i = 0; i < targets->others.count; i++) {
        struct queue *queue = targets->others.items[i].queue;
        if (!queue)
            targets->known = false;
        else if (!is_target(targets, ops_of(dlq)->facts(queue)->arn) &&
                 target_add(targets, NULL, queue))
            return ERR_MEMORY;
    }
    return 0;
}

/* ---- one by one ---- */

static void stop_redrive(void *redrive)
{
    redrive_stop(redrive);
}

static void result_of_redrive(const struct dlq *dlq, struct dlq_result *result)
{
    const struct redrive_facts *facts = redrive_facts(dlq->redrive);
    const struct queue_scan_facts *scan = redrive_scan_facts(dlq->redrive);
    result->looked_at = scan->seen;
    result->matched = facts->matched;
    result->done = facts->sent;
    result->failed = facts->failed;
    result->arrived = facts->arrived;
    result->complete = scan->complete;
    result->error = facts->error.code ? facts->error : scan->error;
    if (scan->undeleted && !result->error.code)
        error_set(&result->error, ERR_RECEIPT,
                  "%zu messages were moved but could not be deleted from %s; they are in both "
                  "queues",
                  scan->undeleted, result->queue);
}

static void move_messages(struct dlq *dlq, struct queue *letters, struct queue *to,
                          const struct targets *targets, struct dlq_result *result)
{
    const struct redrive_options options = {
        .loop = &dlq->service.loop,
        .ops = ops_of(dlq),
        .dead_letters = letters,
        .visibility_s = queue_scan_visibility(dlq->expected),
        .filter = &dlq->filter,
        .origins = &dlq->origins,
        .limit = dlq->limit ? dlq->limit - dlq->matched : 0,
        .began_ms = dlq->began_ms,
        .to = to,
        .targets = targets->items,
        .target_count = targets->count,
        .targets_known = targets->known,
    };
    result->method = "messages";
    int code = redrive_start(&options, &dlq->redrive);
    if (code) {
        error_set(&result->error, code, "out of memory");
        return;
    }
    dlq_wait(dlq, redrive_is_done, dlq->redrive, stop_redrive);
    result_of_redrive(dlq, result);
    dlq->matched += result->matched;
    redrive_free(dlq->redrive);
    dlq->redrive = NULL;
}

/* ---- the move task ---- */

static void stop_task(void *task)
{
    move_task_stop(task);
}

/* Whether the service refuses the task, so that the messages can still be moved one by one. */
static bool is_refused(const struct move_task_facts *facts)
{
    const int code = facts->error.code;
    return !facts->started && (code == ERR_UNSUPPORTED || code == ERR_REFUSED ||
                               code == ERR_DENIED || code == ERR_INVALID);
}

/* False: the messages must be moved one by one. */
static bool move_by_task(struct dlq *dlq, struct queue *letters, struct queue *to,
                         struct dlq_result *result)
{
    if (move_task_start(&dlq->service.loop, dlq->service.backend.queues, letters, to, &dlq->task)) {
        error_set(&result->error, ERR_MEMORY, "out of memory");
        return true;
    }
    dlq_wait(dlq, move_task_is_done, dlq->task, stop_task);
    const struct move_task_facts *facts = move_task_facts(dlq->task);
    const bool refused = is_refused(facts);
    if (!refused) {
        result->method = "move-task";
        result->matched =
            facts->to_move > facts->moved ? (size_t)facts->to_move : (size_t)facts->moved;
        result->done = (size_t)facts->moved;
        result->complete = !facts->error.code && !facts->cancelled;
        result->error = facts->error;
        dlq->matched += result->matched;
    }
    move_task_free(dlq->task);
    dlq->task = NULL;
    return !refused;
}

/* ---- the action ---- */

/* The one queue that everything goes to; NULL: each message has its own. */
static struct queue *only_target(const struct dlq *dlq, const struct targets *targets)
{
    if (dlq->config->to)
        return dlq->named.items[dlq->named.count - 1].queue;
    return targets->known && targets->count == 1 ? targets->items[0].queue : NULL;
}

static int check(const struct dlq *dlq, struct queue *letters, const struct queue *to,
                 struct error *error)
{
    const struct queue_backend_ops *ops = ops_of(dlq);
    const struct queue_facts *from = ops->facts(letters);
    if (to && ops->same(letters, to))
        return error_set(error, ERR_INVALID, "%s cannot be moved to itself", from->name);
    if (to && queue_is_fifo(from) != queue_is_fifo(ops->facts(to)))
        return error_set(error, ERR_INVALID,
                         "%s and %s are not both FIFO queues; name another one with --to",
                         from->name, ops->facts(to)->name);
    return 0;
}

static void redrive_queue(struct dlq *dlq, struct queue *letters, struct targets *targets,
                          struct dlq_result *result)
{
    struct queue *to = only_target(dlq, targets);
    if (check(dlq, letters, to, &result->error))
        return;
    if (to)
        result->to = ops_of(dlq)->facts(to)->name;
    const bool all = dead_letter_filter_is_open(&dlq->filter) && !dlq->limit;
    if (to && all && move_by_task(dlq, letters, to, result))
        return;
    move_messages(dlq, letters, dlq->config->to ? to : NULL, targets, result);
}

static void run_redrive(struct dlq *dlq, struct queue *queue, struct dlq_result *result)
{
    struct targets targets = {.dlq = dlq, .letters = queue};
    int code = targets_of_pipelines(&targets);
    if (!code && !dlq->config->to)
        code = targets_of_service(&targets);
    if (code)
        error_set(&result->error, code, "out of memory");
    else
        redrive_queue(dlq, queue, &targets, result);
    queue_group_close(&targets.others);
    free(targets.items);
}

const struct dlq_action dlq_redrive = {.name = "redrive", .verb = "moved", .run = run_redrive};
