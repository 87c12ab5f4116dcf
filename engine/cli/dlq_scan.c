/* list, show and purge: actions that look at messages where they are. */
#include <stdlib.h>

#include "command.h"
#include "confirm.h"
#include "dlq.h"

/* ---- waiting ---- */

static void count(const struct dlq *dlq, struct progress_facts *facts)
{
    if (dlq->task) {
        const struct move_task_facts *task = move_task_facts(dlq->task);
        facts->count = (size_t)(task->to_move ? task->to_move : dlq->expected);
        facts->done = (size_t)task->moved;
        return;
    }
    const struct queue_scan_facts *scan =
        dlq->redrive ? redrive_scan_facts(dlq->redrive) : queue_scan_facts(dlq->scan);
    facts->count = dlq->expected > scan->seen ? (size_t)dlq->expected : scan->seen;
    facts->done = scan->seen;
    facts->failed = dlq->redrive ? redrive_facts(dlq->redrive)->failed : 0;
}

static void on_tick(void *user)
{
    struct dlq *dlq = user;
    struct progress_facts facts = {.what = "messages",
                                   .elapsed_ms = uv_now(&dlq->service.loop) - dlq->loop_began_ms};
    count(dlq, &facts);
    facts.parts = facts.count;
    facts.parts_done = facts.done < facts.count ? facts.done : facts.count;
    progress_show(&dlq->progress, &facts);
}

void dlq_wait(struct dlq *dlq, bool (*done)(void *user), void *user, void (*stop)(void *user))
{
    service_tick(&dlq->service, on_tick, dlq);
    if (!service_wait(&dlq->service, done, user)) {
        stop(user);
        service_finish(&dlq->service, done, user);
    }
    service_tick(&dlq->service, NULL, NULL);
    progress_clear(&dlq->progress);
}

static void stop_scan(void *scan)
{
    queue_scan_stop(scan);
}

void dlq_scan(struct dlq *dlq, struct queue *queue, queue_scan_look *look,
              struct dlq_result *result)
{
    const struct queue_scan_options options = {
        .loop = &dlq->service.loop,
        .ops = dlq->service.backend.queues->ops,
        .queue = queue,
        .visibility_s = queue_scan_visibility(dlq->expected),
        .look = look,
        .user = dlq,
    };
    int code = queue_scan_start(&options, &dlq->scan);
    if (code) {
        error_set(&result->error, code, "out of memory");
        return;
    }
    dlq_wait(dlq, queue_scan_is_done, dlq->scan, stop_scan);
    const struct queue_scan_facts *facts = queue_scan_facts(dlq->scan);
    result->method = "scan";
    result->looked_at = facts->seen;
    result->done = facts->deleted;
    result->failed = facts->undeleted;
    result->complete = facts->complete;
    result->error = facts->error;
    queue_scan_free(dlq->scan);
    dlq->scan = NULL;
}

bool dlq_limit_reached(const struct dlq *dlq)
{
    return dlq->limit && dlq->matched >= dlq->limit;
}

/* ---- list and show ---- */

static bool passes(struct dlq *dlq, const struct queue_message *message,
                   const struct dead_letter_facts *facts)
{
    if (!dead_letter_filter_passes(&dlq->filter, message, facts, dlq->began_ms))
        return false;
    dlq->matched++;
    return true;
}

static enum scan_verdict look_at(struct queue_message *message, struct scan_item *item, void *user)
{
    struct dlq *dlq = user;
    struct dead_letter_facts facts;
    (void)item;
    dead_letter_facts_read(message, &dlq->origins, &facts);
    if (passes(dlq, message, &facts) && !dlq->code) {
        progress_clear(&dlq->progress);
        dlq->code = dlq_print_message(dlq, message, &facts);
    }
    dead_letter_facts_clear(&facts);
    if (dlq->code || dlq_limit_reached(dlq))
        queue_scan_stop(dlq->scan);
    return SCAN_HOLD;
}

static void run_list(struct dlq *dlq, struct queue *queue, struct dlq_result *result)
{
    const size_t before = dlq->matched;
    dlq_scan(dlq, queue, look_at, result);
    result->matched = dlq->matched - before;
    if (dlq->code && !result->error.code)
        error_set(&result->error, dlq->code, "the messages could not be printed (%s)",
                  error_name(dlq->code));
}

const struct dlq_action dlq_list = {.name = "list", .scans_always = true, .run = run_list};
const struct dlq_action dlq_show = {.name = "show", .scans_always = true, .run = run_list};

/* ---- purge ---- */

static enum scan_verdict look_and_delete(struct queue_message *message, struct scan_item *item,
                                         void *user)
{
    struct dlq *dlq = user;
    struct dead_letter_facts facts;
    (void)item;
    dead_letter_facts_read(message, &dlq->origins, &facts);
    const bool delete = passes(dlq, message, &facts);
    dead_letter_facts_clear(&facts);
    if (dlq_limit_reached(dlq))
        queue_scan_stop(dlq->scan);
    return delete ? SCAN_DELETE : SCAN_HOLD;
}

struct purge_call {
    bool done;
    struct error error;
};

static void on_purged(const struct error *error, void *user)
{
    struct purge_call *call = user;
    call->error = *error;
    call->done = true;
}

static bool is_purged(void *user)
{
    return ((struct purge_call *)user)->done;
}

static void purge_all(struct dlq *dlq, struct queue *queue, struct dlq_result *result)
{
    struct purge_call call = {0};
    result->method = "purge";
    int code = dlq->service.backend.queues->admin->purge(queue, on_purged, &call);
    if (code) {
        error_set(&result->error, code, "it could not be purged (%s)", error_name(code));
        return;
    }
    service_finish(&dlq->service, is_purged, &call);
    result->error = call.error;
    result->matched = (size_t)dlq->expected + result->in_flight;
    result->complete = !call.error.code;
    result->done = result->complete ? result->matched : 0;
    result->in_flight = 0;
}

static bool is_selective(const struct dlq *dlq)
{
    return dlq->limit || !dead_letter_filter_is_open(&dlq->filter);
}

static void run_purge(struct dlq *dlq, struct queue *queue, struct dlq_result *result)
{
    const size_t before = dlq->matched;
    if (!is_selective(dlq)) {
        purge_all(dlq, queue, result);
        return;
    }
    dlq_scan(dlq, queue, look_and_delete, result);
    result->matched = dlq->matched - before;
}

static enum confirmation agree_to_purge(struct dlq *dlq, const struct group_queue *letters,
                                        size_t queues)
{
    unsigned long long total = 0;
    for (size_t i = 0; i < queues; i++)
        total += letters[i].visible + letters[i].in_flight + letters[i].delayed;
    const char *first = pipeline_queues_name(&letters[0]);
    const char *others = queues > 1 ? " and the other dead-letter queues" : "";
    if (is_selective(dlq))
        return command_confirm(dlq->config->yes,
                               "Delete for good the messages of %s%s that match (of about %llu)",
                               first, others, total);
    return command_confirm(dlq->config->yes, "Delete for good all messages of %s%s (about %llu)",
                           first, others, total);
}

const struct dlq_action dlq_purge = {
    .name = "purge", .verb = "deleted", .agree = agree_to_purge, .run = run_purge};
