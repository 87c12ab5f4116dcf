/* thumbwheel dlq list|show|redrive|purge: the dead-letter queues of the pipelines. */
#include "command.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confirm.h"
#include "core_files.h"
#include "dlq.h"
#include "nearest.h"
#include "wall_clock.h"

static const struct dlq_action *const actions[] = {&dlq_list, &dlq_show, &dlq_redrive, &dlq_purge};
enum { ACTIONS = sizeof actions / sizeof actions[0] };

/* ---- arguments ---- */

static const struct dlq_action *action_read(const struct config *config)
{
    const char *names[ACTIONS];
    const char *typed = config->paths.count ? config->paths.items[0] : NULL;
    for (size_t i = 0; i < ACTIONS; i++) {
        names[i] = actions[i]->name;
        if (typed && strcmp(typed, names[i]) == 0)
            return actions[i];
    }
    const char *near = typed ? nearest_name(typed, names, ACTIONS) : NULL;
    if (near)
        command_error("unknown action \"%s\"; did you mean \"%s\"?", typed, near);
    else if (typed)
        command_error("unknown action \"%s\"; use list, show, redrive or purge", typed);
    else
        command_error("dlq needs an action: list, show, redrive or purge");
    return NULL;
}

static bool are_queues(const struct assembly *assembly, const struct config *config)
{
    struct error error;
    if ((!config->queue || !assembly->queue_check(config->queue, &error)) &&
        (!config->to || !assembly->queue_check(config->to, &error)))
        return true;
    command_error("%s", error.text);
    return false;
}

static bool is_usable(const struct dlq_action *action, const struct config *config)
{
    if (action == &dlq_show && config->paths.count < 2)
        command_error("show needs the id of a message; \"thumbwheel dlq list\" prints the ids");
    else if (action == &dlq_list && config->paths.count > 1)
        command_error("list takes no argument \"%s\"; \"thumbwheel dlq show ID\" prints a message",
                      config->paths.items[1]);
    else if (config->to && action != &dlq_redrive)
        command_error("--to is an option of redrive only");
    else
        return true;
    return false;
}

static void filter_set(struct dlq *dlq, const struct dlq_action *action)
{
    const struct config *config = dlq->config;
    dlq->filter = (struct dead_letter_filter){.reason = config->reason,
                                              .key = config->key,
                                              .pipeline = config->pipeline,
                                              .older_ms = config->older_ms,
                                              .ids = &config->paths,
                                              .first_id = 1};
    dlq->limit = (size_t)config->limit;
    dlq->show = action == &dlq_show;
    if (action == &dlq_list && !dlq->limit)
        dlq->limit = DLQ_LIST_MAX;
    if (dlq->show && !dlq->limit)
        dlq->limit = config->paths.count - 1;
}

static int origins_set(struct dlq *dlq)
{
    struct dead_letter_origin *items =
        calloc(dlq->pipelines.count ? dlq->pipelines.count : 1, sizeof *items);
    if (!items)
        return ERR_MEMORY;
    dlq->origins.items = items; /* freed in any case */
    bool found = !dlq->config->pipeline || dlq->config->queue;
    for (size_t i = 0; i < dlq->pipelines.count; i++) {
        const struct pipeline_facts *facts = dlq->pipelines.ops->facts(dlq->pipelines.items[i]);
        items[i] = (struct dead_letter_origin){facts->name, facts->queue};
        found |= dlq->config->pipeline && strcmp(dlq->config->pipeline, facts->name) == 0;
    }
    dlq->origins = (struct dead_letter_origins){
        .items = items, .count = dlq->pipelines.count, .compare = dlq->assembly->queue_compare};
    return found ? 0 : ERR_NOT_FOUND;
}

/* ---- queues ---- */

/* --queue, then --to. */
static int named_open(struct dlq *dlq, struct error *error)
{
    const char *names[2];
    size_t count = 0;
    if (dlq->config->queue)
        names[count++] = dlq->config->queue;
    if (dlq->config->to)
        names[count++] = dlq->config->to;
    if (queue_group_init(&dlq->named, dlq->service.backend.queues, names, count))
        return error_set(error, ERR_MEMORY, "out of memory");
    queue_group_open(&dlq->named);
    if (!service_wait(&dlq->service, queue_group_is_idle, &dlq->named))
        return error_set(error, ERR_CANCELLED, "interrupted");
    for (size_t i = 0; i < count; i++) {
        if (!dlq->named.items[i].queue) {
            *error = dlq->named.items[i].error;
            return error->code;
        }
    }
    return 0;
}

static bool needs_pipelines(const struct dlq *dlq, const struct dlq_action *action)
{
    return !dlq->config->queue || (action == &dlq_redrive && !dlq->config->to);
}

static int queues_open(struct dlq *dlq, const struct dlq_action *action, struct error *error)
{
    int code = named_open(dlq, error);
    if (code || !needs_pipelines(dlq, action))
        return code;
    return pipeline_queues_open(&dlq->queues, &dlq->service, &dlq->pipelines,
                                dlq->config->queue ? NULL : dlq->config->pipeline, error);
}

/* The pipelines' queues that cannot be worked on; returns the number of failures. */
static size_t warn_of_queues(const struct dlq *dlq)
{
    size_t failures = 0;
    for (size_t i = 0; i < dlq->queues.count && !dlq->config->queue; i++) {
        const struct group_queue *source = &dlq->queues.sources.items[i];
        if (!source->queue)
            command_warn("pipeline %s: %s", dlq->queues.names[i], source->error.text);
        else if (dlq->queues.letters_of[i] == SIZE_MAX)
            command_warn("pipeline %s: its queue %s has no dead-letter queue", dlq->queues.names[i],
                         pipeline_queues_name(source));
        failures += !source->queue;
    }
    for (size_t i = 0; i < dlq->queues.letters.count && !dlq->config->queue; i++) {
        const struct group_queue *letters = &dlq->queues.letters.items[i];
        if (!letters->queue)
            command_warn("%s: %s", pipeline_queues_name(letters), letters->error.text);
        failures += !letters->queue;
    }
    return failures;
}

/* With --queue, the group may have one more queue: that of --to. */
static struct queue_group *letters_of(struct dlq *dlq, size_t *count)
{
    struct queue_group *group = dlq->config->queue ? &dlq->named : &dlq->queues.letters;
    *count = dlq->config->queue ? 1 : group->count;
    return group;
}

/* ---- permission ---- */

/* To look at a message is to receive it: the redrive policy of a dead-letter queue counts that. */
static enum confirmation agree_to_receive(const struct dlq *dlq, const struct queue *queue)
{
    const struct queue_facts *facts = dlq->service.backend.queues->ops->facts(queue);
    if (!facts->dead_letter_arn)
        return CONFIRM_YES;
    return command_confirm(dlq->config->yes,
                           "%s has a redrive policy of its own: looking at a message counts as a "
                           "receive, and after %u of them it moves on to %s. Look nevertheless",
                           facts->name, facts->max_receives, facts->dead_letter_arn);
}

static bool receives(const struct dlq *dlq, const struct dlq_action *action)
{
    return action != &dlq_purge || dlq->limit || !dead_letter_filter_is_open(&dlq->filter);
}

static enum confirmation agree(struct dlq *dlq, const struct dlq_action *action)
{
    size_t count;
    struct queue_group *letters = letters_of(dlq, &count);
    enum confirmation answer = CONFIRM_YES;
    for (size_t i = 0; i < count && answer == CONFIRM_YES && receives(dlq, action); i++)
        if (letters->items[i].queue)
            answer = agree_to_receive(dlq, letters->items[i].queue);
    return answer == CONFIRM_YES && action->agree ? action->agree(dlq, letters->items, count)
                                                  : answer;
}

/* ---- working ---- */

static void warn_of_rest(const struct dlq_result *result)
{
    if (result->error.code)
        command_error("%s: %s", result->queue, result->error.text);
    if (result->in_flight)
        command_note("%s: %zu messages are in flight and could not be looked at; another receiver "
                     "has them",
                     result->queue, result->in_flight);
    if (result->behind)
        command_note("%s: %zu messages are behind others of their group and could not be looked at",
                     result->queue, result->behind);
    if (result->arrived)
        command_note("%s: %zu messages arrived meanwhile and stay", result->queue, result->arrived);
}

static void total_add(struct dlq_result *total, const struct dlq_result *one)
{
    total->looked_at += one->looked_at;
    total->matched += one->matched;
    total->done += one->done;
    total->failed += one->failed;
    total->complete = total->complete && one->complete;
    if (!total->error.code)
        total->error = one->error;
}

static int work_on(struct dlq *dlq, const struct dlq_action *action, struct group_queue *item,
                   struct dlq_result *total)
{
    struct dlq_result result = {.queue = pipeline_queues_name(item),
                                .in_flight = (size_t)item->in_flight};
    const struct queue_backend_ops *ops = dlq->service.backend.queues->ops;
    dlq->queue = result.queue;
    dlq->expected = item->visible + item->delayed;
    dlq->loop_began_ms = uv_now(&dlq->service.loop);
    action->run(dlq, item->queue, &result);
    if (result.complete && result.method && queue_is_fifo(ops->facts(item->queue)) &&
        item->visible > result.looked_at && strcmp(result.method, "purge") != 0 &&
        strcmp(result.method, "move-task") != 0)
        result.behind = (size_t)item->visible - result.looked_at;
    total_add(total, &result);
    int code = dlq_print_result(dlq, action, &result);
    warn_of_rest(&result);
    return code;
}

static int work(struct dlq *dlq, const struct dlq_action *action, struct dlq_result *total,
                struct error *error)
{
    size_t count;
    struct queue_group *letters = letters_of(dlq, &count);
    total->complete = true;
    for (size_t i = 0; i < count; i++) {
        if (!letters->items[i].queue)
            continue;
        if (dlq_limit_reached(dlq) || service_interrupted(&dlq->service))
            break;
        int code = work_on(dlq, action, &letters->items[i], total);
        if (code)
            return error_set(error, code, "the result could not be printed (%s)", error_name(code));
    }
    if (service_interrupted(&dlq->service))
        return error_set(error, ERR_CANCELLED,
                         "interrupted; the messages that were not %s are in their queues",
                         action->verb ? action->verb : "printed");
    return 0;
}

static int conclude(struct dlq *dlq, const struct dlq_action *action,
                    const struct dlq_result *total)
{
    if (dlq_print_summary(dlq, action, total)) {
        command_error("the result could not be printed");
        return STATUS_FAILED;
    }
    if (action == &dlq_list && dlq_limit_reached(dlq) && !total->complete)
        command_note("these are the first %zu; --limit N prints more", dlq->limit);
    if (total->error.code)
        return (int)command_status(total->error.code);
    if (dlq->show && total->matched == 0) {
        command_error("no dead letter has the id %s", dlq->config->paths.items[1]);
        return STATUS_FAILED;
    }
    return total->failed || (action->verb && total->done < total->matched) ? STATUS_FAILED
                                                                           : STATUS_OK;
}

/* ---- the command ---- */

static int depths_ask(struct dlq *dlq, struct error *error)
{
    size_t count;
    struct queue_group *letters = letters_of(dlq, &count);
    queue_group_ask(letters);
    if (!service_wait(&dlq->service, queue_group_is_idle, letters))
        return error_set(error, ERR_CANCELLED, "interrupted");
    for (size_t i = 0; i < count; i++)
        if (letters->items[i].queue)
            return 0;
    return error_set(error, ERR_NO_CONTAINER,
                     "there is no dead-letter queue to work on; name one with --queue");
}

static int fail(const struct error *error)
{
    command_error("%s", error->text);
    return (int)command_status(error->code);
}

static int run(struct dlq *dlq, const struct dlq_action *action)
{
    struct error error = {0};
    if (queues_open(dlq, action, &error))
        return fail(&error);
    const size_t failures = warn_of_queues(dlq);
    if (depths_ask(dlq, &error))
        return fail(&error);
    const enum confirmation answer = agree(dlq, action);
    if (answer == CONFIRM_NO)
        command_note("nothing was changed");
    if (answer != CONFIRM_YES)
        return answer == CONFIRM_NO ? STATUS_FAILED : STATUS_USAGE;
    dlq->began_ms = wall_clock_ms();
    struct dlq_result total = {0};
    const int code = work(dlq, action, &total, &error);
    const int exit_status = conclude(dlq, action, &total);
    if (code)
        return fail(&error);
    return failures && !exit_status ? STATUS_FAILED : exit_status;
}

static int run_open(struct dlq *dlq, const struct dlq_action *action)
{
    struct error error = {0};
    const struct service_options options = {.assembly = dlq->assembly, .config = dlq->config};
    if (action == &dlq_list && !dlq->config->json && !(dlq->table = dlq_table())) {
        command_error("out of memory");
        return STATUS_FAILED;
    }
    const int code = service_open(&dlq->service, &options, &error);
    const int exit_status = code ? fail(&error) : run(dlq, action);
    if (!code) {
        pipeline_queues_close(&dlq->queues);
        queue_group_close(&dlq->named);
    }
    service_close(&dlq->service);
    table_free(dlq->table);
    return exit_status;
}

int cmd_dlq(const struct assembly *assembly, const struct config *config)
{
    struct dlq dlq = {.assembly = assembly, .config = config};
    const struct dlq_action *action = action_read(config);
    if (!action || !is_usable(action, config) || !are_queues(assembly, config))
        return STATUS_USAGE;
    core_files_forbid();
    progress_init(&dlq.progress, STDERR_FILENO);
    filter_set(&dlq, action);
    int exit_status = command_load_pipelines(assembly, config, &dlq.pipelines);
    const int code = exit_status ? 0 : origins_set(&dlq);
    if (code == ERR_NOT_FOUND)
        command_error("no pipeline file has the name \"%s\"; \"thumbwheel check\" lists them",
                      config->pipeline);
    else if (code)
        command_error("out of memory");
    if (code)
        exit_status = code == ERR_NOT_FOUND ? STATUS_USAGE : STATUS_FAILED;
    if (!exit_status)
        exit_status = run_open(&dlq, action);
    free((void *)(uintptr_t)dlq.origins.items);
    pipeline_set_clear(&dlq.pipelines);
    return exit_status;
}
