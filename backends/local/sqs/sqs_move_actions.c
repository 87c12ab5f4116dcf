/*
 * StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask.
 *
 * A task handle is base64 of {"taskId": …, "sourceArn": …}, as in the real service.
 */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "json_text.h"
#include "queue_moves.h"
#include "resource_name.h"
#include "sqs_call.h"

enum { LIST_DEFAULT = 1, HANDLE_MAX = 1024 };

static int arn_missing(struct service_call *call, const char *parameter)
{
    return service_error_set(&call->error, SQS_RESOURCE_NOT_FOUND,
                             "The resource that you specified for the %s parameter doesn't exist.",
                             parameter);
}

/* Of the region of the request; sqs_permit refuses those of other accounts. */
static struct local_queue *arn_find(struct service_call *call, const char *arn)
{
    if (!arn || !arn_is_in(arn, call->request->home.region))
        return NULL;
    return queues_find_arn(call->cloud->queues, arn);
}

static int source_find(struct service_call *call, const char *arn, struct local_queue **out)
{
    *out = arn_find(call, arn);
    return *out ? sqs_permit(call, *out) : arn_missing(call, "SourceArn");
}

static int input_source(struct service_call *call, struct local_queue **out)
{
    const char *arn = json_text_in(call->input, "SourceArn");
    if (arn)
        return source_find(call, arn, out);
    return service_error_set(&call->error, SQS_MISSING_PARAMETER,
                             "The request must contain the parameter SourceArn.");
}

static int destination_check(struct service_call *call, const struct local_queue *source,
                             const char *arn)
{
    struct local_queue *target = arn_find(call, arn);
    if (!arn)
        return 0;
    if (!target)
        return arn_missing(call, "DestinationArn");
    if (target == source)
        return service_error_set(&call->error, SQS_INVALID_PARAMETER,
                                 "Source queue and destination queue must not be the same.");
    if (local_queue_attributes(target)->fifo != local_queue_attributes(source)->fifo)
        return service_error_set(&call->error, SQS_INVALID_PARAMETER,
                                 "Source queue and destination queue must be of the same type.");
    return sqs_permit(call, target);
}

static int source_check(struct service_call *call, const struct local_queue *queue)
{
    struct local_queue *source;
    bool more;
    if (queues_list(call->cloud->queues, call->request->home, "", NULL, queue, &source, 1, &more) >
        0)
        return 0;
    return service_error_set(&call->error, SQS_INVALID_PARAMETER,
                             "Source queue must be configured as a Dead Letter Queue.");
}

/* A new JSON string, or NULL. */
static json_t *handle_make(const struct queue_move *move)
{
    char id[UUID_TEXT_SIZE], handle[BASE64_TEXT_SIZE(HANDLE_MAX)];
    uuid_text(move->uuid, id);
    json_t *facts =
        json_pack("{s:s, s:o}", "taskId", id, "sourceArn", local_queue_arn_json(move->queue));
    char *text = facts ? json_dumps(facts, JSON_COMPACT) : NULL;
    json_t *out = NULL;
    size_t size = text ? strlen(text) : 0;
    if (size && size <= HANDLE_MAX) {
        base64_write(text, size, handle);
        out = json_string(handle);
    }
    free(text);
    json_decref(facts);
    return out;
}

/* The decoded handle, a new object; NULL: invalid. */
static json_t *handle_read(const char *handle)
{
    char text[HANDLE_MAX];
    size_t size;
    if (!handle || base64_read(slice_of(handle), text, sizeof text, &size))
        return NULL;
    json_t *facts = json_text_read((struct slice){text, size}, 0, NULL);
    if (json_text_in(facts, "taskId") && json_text_in(facts, "sourceArn"))
        return facts;
    json_decref(facts);
    return NULL;
}

int sqs_start_message_move_task(struct service_call *call)
{
    struct local_queue *queue;
    const struct queue_move *move;
    const char *destination = json_text_in(call->input, "DestinationArn");
    int rate = 0;
    int code = input_source(call, &queue);
    if (code)
        return code;
    code = source_check(call, queue);
    if (code)
        return code;
    code = destination_check(call, queue, destination);
    if (code)
        return code;
    code = sqs_input_int(call->input, "MaxNumberOfMessagesPerSecond", 1, MOVE_RATE_MAX, &rate,
                         &call->error);
    if (code)
        return code;
    code =
        queue_move_start(queue, destination, rate, service_call_written, call, &move, &call->error);
    if (code)
        return code;
    service_call_wait(call, 0);
    if (json_object_set_new(call->output, "TaskHandle", handle_make(move)))
        call->error.code = ERR_MEMORY;
    return 0;
}

static int number_add(json_t *out, const char *name, uint64_t value)
{
    return json_object_set_new(out, name, json_integer((json_int_t)value));
}

/* A new object, or NULL. Only a running task can be cancelled, so only running tasks have a
 * handle. */
static json_t *move_json(const struct queue_move *move)
{
    json_t *out = json_pack("{s:s, s:o}", "Status", move_status_name(move->status), "SourceArn",
                            local_queue_arn_json(move->queue));
    int failed = !out;
    if (move->status == MOVE_RUNNING)
        failed |= json_object_set_new(out, "TaskHandle", handle_make(move));
    if (move->destination)
        failed |= json_object_set_new(out, "DestinationArn", json_string(move->destination));
    if (move->rate)
        failed |= number_add(out, "MaxNumberOfMessagesPerSecond", (uint64_t)move->rate);
    if (move->reason)
        failed |= json_object_set_new(out, "FailureReason", json_string(move->reason));
    failed |= number_add(out, "ApproximateNumberOfMessagesMoved", move->moved);
    failed |= number_add(out, "ApproximateNumberOfMessagesToMove", move->to_move);
    failed |= number_add(out, "StartedTimestamp", (uint64_t)move->started_ms);
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

int sqs_list_message_move_tasks(struct service_call *call)
{
    struct local_queue *queue;
    const struct queue_move *moves[MOVES_KEPT];
    int max = LIST_DEFAULT;
    int code = input_source(call, &queue);
    if (code)
        return code;
    code = sqs_input_int(call->input, "MaxResults", 1, MOVES_KEPT, &max, &call->error);
    if (code)
        return code;
    size_t count = queue_moves_list(queue, moves, (size_t)max);
    json_t *results = json_array();
    int failed = !results;
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(results, move_json(moves[i]));
    if (!failed)
        failed = json_object_set(call->output, "Results", results);
    json_decref(results);
    return failed ? ERR_MEMORY : 0;
}

int sqs_cancel_message_move_task(struct service_call *call)
{
    struct local_queue *queue;
    const struct queue_move *move;
    json_t *facts = handle_read(json_text_in(call->input, "TaskHandle"));
    if (!facts)
        return service_error_set(&call->error, SQS_INVALID_PARAMETER,
                                 "Value for parameter TaskHandle is invalid.");
    int code = source_find(call, json_text_in(facts, "sourceArn"), &queue);
    if (!code)
        code = queue_move_cancel(queue, json_text_in(facts, "taskId"), service_call_written, call,
                                 &move, &call->error);
    json_decref(facts);
    if (code)
        return code;
    service_call_wait(call, 0);
    if (number_add(call->output, "ApproximateNumberOfMessagesMoved", move->moved))
        call->error.code = ERR_MEMORY;
    return 0;
}
