/*
 * Dead letters: GET /api/deadletters, and POST to redrive and purge. One operation is under way at a
 * time, since two would hide each other's messages; others wait in order. An operation goes on when
 * its request has ended, except a list, which nobody would read.
 */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "gallery_system.h"
#include "log.h"
#include "wall_clock.h"

struct letters_operation {
    struct list link;
    struct gallery_system *system;
    struct gallery_call *call; /* NULL: it has ended */
    enum letters_action action;
    char *pipeline;
    struct text_list ids; /* none: all */
    bool looked;          /* the depths of the queues are new */
    json_t *letters;      /* of a list */
    struct dead_letter_origin *origins;
};

static const char *const action_names[] = {
    [LETTERS_LIST] = "list", [LETTERS_REDRIVE] = "redrive", [LETTERS_PURGE] = "purge"};

/* ---- operations ---- */

static struct letters_operation *operation_first(const struct gallery_system *system)
{
    return list_empty(&system->operations)
               ? NULL
               : container_of(system->operations.next, struct letters_operation, link);
}

static void operation_free(struct letters_operation *operation)
{
    if (operation->call)
        operation->call->ended = NULL;
    operation->system->operation_count--;
    list_remove(&operation->link);
    free(operation->pipeline);
    text_list_clear(&operation->ids);
    json_decref(operation->letters);
    free(operation->origins);
    free(operation);
}

static void refuse(struct letters_operation *operation, int status, const char *code,
                   const char *text)
{
    if (operation->call)
        gallery_refuse_for(operation->call, status, code, 1, text);
    operation_free(operation);
}

static void on_call_ended(struct gallery_call *call, bool completed)
{
    struct letters_operation *operation = call->state;
    struct gallery_system *system = operation->system;
    (void)completed;
    operation->call = NULL;
    if (operation->action != LETTERS_LIST)
        return;
    if (!system->work || operation != operation_first(system))
        operation_free(operation);
    else
        letters_work_stop(system->work);
}

/* ---- the result ---- */

static json_t *letter_json(const struct queue_message *message,
                           const struct dead_letter_facts *facts)
{
    const bool photo = facts->bucket && facts->key && !facts->pointer;
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:I, s:I}", "id", message->id,
                     "originalId", facts->original_id, "pipeline", facts->pipeline, "reason",
                     facts->reason, "detail", facts->detail, "bucket", photo ? facts->bucket : NULL,
                     "key", photo ? facts->key : NULL, "sent", (json_int_t)message->sent_ms,
                     "receives", (json_int_t)message->receive_count);
}

static void on_listed(const struct queue_message *message, const struct dead_letter_facts *facts,
                      void *user)
{
    const struct letters_operation *operation = user;
    json_array_append_new(operation->letters, letter_json(message, facts));
}

static json_t *result_json(struct letters_operation *operation, const struct letters_facts *facts)
{
    if (operation->action == LETTERS_LIST)
        return json_pack("{s:O, s:b, s:s}", "letters", operation->letters, "complete",
                         facts->complete, "error", facts->error.text);
    return json_pack("{s:o, s:I, s:s}", "done",
                     facts->counted ? json_integer((json_int_t)facts->done) : json_null(), "failed",
                     (json_int_t)facts->failed, "error", facts->error.text);
}

static void log_result(const struct letters_operation *operation, const struct letters_facts *facts)
{
    if (operation->action == LETTERS_LIST)
        return;
    log_info("dead letters were changed by the gallery",
             LOG_TEXT("action", action_names[operation->action]),
             LOG_TEXT("pipeline", operation->pipeline), LOG_INT("done", (int64_t)facts->done),
             LOG_INT("failed", (int64_t)facts->failed), LOG_TEXT("error", facts->error.text));
}

static void on_done(struct letters_work *work, void *user)
{
    struct letters_operation *operation = user;
    struct gallery_system *system = operation->system;
    const struct letters_facts *facts = letters_work_facts(work);
    struct gallery_call *call = operation->call;
    log_result(operation, facts);
    if (call && facts->error.code && !facts->done)
        gallery_refuse_error(call, &facts->error);
    else if (call)
        gallery_respond_json(call, 200, result_json(operation, facts));
    operation_free(operation);
    letters_work_free(work);
    system->work = NULL;
    system_look(system); /* what the page shows has changed */
    system_advance(system);
}

/* ---- the work ---- */

static size_t pipeline_find(const struct gallery_system *system, const char *name)
{
    size_t i = 0;
    while (i < queue_watch_count(system->watch) &&
           strcmp(queue_watch_name(system->watch, i), name) != 0)
        i++;
    return i;
}

/* Why the operation cannot begin; 0: it can. */
static int check(const struct letters_operation *operation, size_t pipeline, struct error *error)
{
    const struct queue_watch *watch = operation->system->watch;
    if (pipeline == queue_watch_count(watch))
        return error_set(error, ERR_NOT_FOUND, "there is no pipeline with the name \"%s\"",
                         operation->pipeline);
    const struct group_queue *source = queue_watch_source(watch, pipeline);
    const struct group_queue *letters = queue_watch_letters(watch, pipeline);
    if (!source->queue || (letters && !letters->queue)) {
        *error = source->queue ? letters->error : source->error;
        return error->code;
    }
    if (!letters)
        return error_set(error, ERR_NOT_FOUND,
                         "the queue of the pipeline \"%s\" has no "
                         "dead-letter queue",
                         operation->pipeline);
    return 0;
}

static int origins_make(struct letters_operation *operation)
{
    const struct queue_watch *watch = operation->system->watch;
    const size_t count = queue_watch_count(watch);
    operation->origins = calloc(count, sizeof *operation->origins);
    if (!operation->origins)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        operation->origins[i] = (struct dead_letter_origin){queue_watch_name(watch, i),
                                                            queue_watch_source(watch, i)->name};
    return 0;
}

static int work_start(struct letters_operation *operation, struct error *error)
{
    struct gallery_system *system = operation->system;
    struct queue_backend *queues = system->gallery->options.queues;
    const size_t pipeline = pipeline_find(system, operation->pipeline);
    int code = check(operation, pipeline, error);
    if (code)
        return code;
    if (origins_make(operation))
        return error_set(error, ERR_MEMORY, "there is not enough memory; try again");
    const struct letters_options options = {
        .loop = system->gallery->loop,
        .backend = queues,
        .watch = system->watch,
        .pipeline = pipeline,
        .origins = {operation->origins, queue_watch_count(system->watch), queues->ops->compare},
        .action = operation->action,
        .ids = operation->ids.count ? &operation->ids : NULL,
        .limit = operation->action == LETTERS_LIST ? LETTERS_SHOWN : 0,
        .now_ms = wall_clock_ms(),
        .listed = on_listed,
        .done = on_done,
        .user = operation,
    };
    code = letters_work_start(&options, &system->work);
    return code ? error_set(error, code, "the dead-letter queue could not be asked (%s)",
                            error_name(code))
                : 0;
}

bool letters_begin(struct gallery_system *system)
{
    struct letters_operation *operation = operation_first(system);
    struct error error = {0};
    if (!operation || system->work)
        return false;
    if (!system->watch)
        error_set(&error, ERR_MEMORY, "there is not enough memory; try again");
    else if (!operation->looked || !work_start(operation, &error))
        return false;
    if (operation->call)
        gallery_refuse_error(operation->call, &error);
    operation_free(operation);
    return true;
}

bool letters_need_look(const struct gallery_system *system)
{
    const struct letters_operation *operation = operation_first(system);
    return operation && !operation->looked;
}

void letters_looked(struct gallery_system *system, bool looked)
{
    struct letters_operation *operation = operation_first(system);
    if (operation)
        operation->looked = looked;
}

void letters_drain(struct gallery_system *system)
{
    struct list *link = system->operations.prev;
    if (system->work)
        letters_work_stop(system->work);
    while (link != &system->operations) {
        struct letters_operation *operation = container_of(link, struct letters_operation, link);
        link = link->prev;
        if (!system->work || operation != operation_first(system))
            refuse(operation, 503, "stopping", "the gallery is about to stop; try again later");
    }
}

/* ---- requests ---- */

/* False: it has refused the request. */
static bool ids_read(struct gallery_call *call, struct text_list *ids)
{
    const json_t *list = json_object_get(call->body, "ids");
    if (!list || json_is_null(list))
        return true;
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0 || count > LETTERS_IDS_MAX) {
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"ids\" must be a list of 1 to %d ids, or null for all", LETTERS_IDS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(list, i));
        if (!id || !*id || strlen(id) > LETTERS_ID_MAX) {
            gallery_refuse(call, 400, "invalid_parameter",
                           "\"ids\" has something that is no message id");
            return false;
        }
        if (text_list_add(ids, id)) {
            gallery_refuse_for(call, 503, "out_of_memory", 1,
                               "there is not enough memory; try again");
            return false;
        }
    }
    return true;
}

static void operation_add(struct gallery_call *call, enum letters_action action,
                          const char *pipeline, struct text_list *ids)
{
    struct gallery_system *system = call->gallery->system;
    struct letters_operation *operation = calloc(1, sizeof *operation);
    if (system->operation_count == LETTERS_WAITING_MAX || !operation) {
        free(operation);
        text_list_clear(ids);
        gallery_refuse_for(call, 503, "busy", 2,
                           "too many operations on dead letters are waiting; try again");
        return;
    }
    *operation = (struct letters_operation){
        .system = system, .call = call, .action = action, .ids = *ids, .letters = json_array()};
    system->operation_count++;
    list_push(&system->operations, &operation->link);
    operation->pipeline = strdup(pipeline);
    if (!operation->pipeline || !operation->letters) {
        refuse(operation, 503, "out_of_memory", "there is not enough memory; try again");
        return;
    }
    call->state = operation;
    call->ended = on_call_ended;
    if (action == LETTERS_LIST)
        http_call_wait(call->http);
    system_advance(system);
}

void gallery_letters_list(struct gallery_call *call)
{
    const char *pipeline = gallery_query(call, "pipeline");
    struct text_list none = {0};
    if (pipeline)
        operation_add(call, LETTERS_LIST, pipeline, &none);
    else
        gallery_refuse(call, 400, "invalid_parameter", "name the pipeline: ?pipeline=NAME");
}

static void change(struct gallery_call *call, enum letters_action action)
{
    struct text_list ids = {0};
    const char *pipeline = gallery_body_text(call, "pipeline", LETTERS_ID_MAX);
    if (!pipeline)
        return;
    if (ids_read(call, &ids))
        operation_add(call, action, pipeline, &ids);
    else
        text_list_clear(&ids);
}

void gallery_letters_redrive(struct gallery_call *call)
{
    change(call, LETTERS_REDRIVE);
}

void gallery_letters_purge(struct gallery_call *call)
{
    change(call, LETTERS_PURGE);
}
