/* SQS: dispatch of actions, and the lifecycle of a call. */
#include "sqs_api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "fault_injection.h"
#include "json_text.h"
#include "queue_access.h"
#include "sqs_call.h"

enum { TOKEN_MAX = 128 };

static const struct sqs_action actions[] = {
    {"AddPermission", sqs_add_permission},
    {"CancelMessageMoveTask", sqs_cancel_message_move_task},
    {"ChangeMessageVisibility", sqs_change_message_visibility},
    {"ChangeMessageVisibilityBatch", sqs_change_message_visibility_batch},
    {"CreateQueue", sqs_create_queue},
    {"DeleteMessage", sqs_delete_message},
    {"DeleteMessageBatch", sqs_delete_message_batch},
    {"DeleteQueue", sqs_delete_queue},
    {"GetQueueAttributes", sqs_get_queue_attributes},
    {"GetQueueUrl", sqs_get_queue_url},
    {"ListDeadLetterSourceQueues", sqs_list_dead_letter_source_queues},
    {"ListMessageMoveTasks", sqs_list_message_move_tasks},
    {"ListQueueTags", sqs_list_queue_tags},
    {"ListQueues", sqs_list_queues},
    {"PurgeQueue", sqs_purge_queue},
    {"ReceiveMessage", sqs_receive_message},
    {"RemovePermission", sqs_remove_permission},
    {"SendMessage", sqs_send_message},
    {"SendMessageBatch", sqs_send_message_batch},
    {"SetQueueAttributes", sqs_set_queue_attributes},
    {"StartMessageMoveTask", sqs_start_message_move_task},
    {"TagQueue", sqs_tag_queue},
    {"UntagQueue", sqs_untag_queue},
};
enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static bool sqs_operation_row(const struct cloud_service *service, size_t at,
                              struct cloud_operation *out)
{
    (void)service;
    if (at >= ACTION_COUNT)
        return false;
    *out = (struct cloud_operation){actions[at].name, true};
    return true;
}

static int action_compare(const void *name, const void *action)
{
    return strcmp(name, ((const struct sqs_action *)action)->name);
}

static enum sqs_code action_find(const char *name, const struct sqs_action **out,
                                 struct sqs_error *error)
{
    *out = bsearch(name, actions, ACTION_COUNT, sizeof actions[0], action_compare);
    if (!*out)
        return sqs_error_set(error, SQS_INVALID_ACTION,
                             "The action %.60s is not valid for this endpoint.", name);
    return SQS_OK;
}

static void call_free_if_over(struct sqs_call *call)
{
    if (call->request || call->pending)
        return;
    json_decref(call->input);
    json_decref(call->output);
    free(call);
}

static void call_ended(struct cloud_request *request, bool completed)
{
    struct sqs_call *call = request->handler;
    call->request = NULL;
    if (call->polling) {
        queue_poll_cancel(&call->poll);
        call->polling = call->pending = false;
    }
    if (fault_returns_messages(request, completed))
        queues_give_back(call->queues, call->delivered, call->delivered_count);
    call_free_if_over(call);
}

void sqs_call_finish(struct sqs_call *call)
{
    call->pending = false;
    if (!call->request) {
        call_free_if_over(call);
    } else if (call->error.code != SQS_OK) {
        call->wire->refuse(call->request, &call->error);
    } else {
        fault_inject_output(call->request, call->output);
        call->wire->respond(call);
    }
}

void sqs_call_written(int status, void *user)
{
    struct sqs_call *call = user;
    if (status && call->error.code == SQS_OK)
        call->error.code = status == ERR_MEMORY ? SQS_SERVICE_UNAVAILABLE : SQS_INTERNAL;
    sqs_call_finish(call);
}

static void call_run(struct sqs_call *call)
{
    enum sqs_code code = call->action->run(call);
    if (code != SQS_OK)
        call->error.code = code;
    if (code != SQS_OK || !call->pending)
        sqs_call_finish(call);
}

static struct sqs_call *call_new(struct cloud_request *request, const struct sqs_wire *wire)
{
    struct sqs_call *call = calloc(1, sizeof *call);
    json_t *output = call ? json_object() : NULL;
    if (!output) {
        free(call);
        return NULL;
    }
    call->request = request;
    call->queues = request->cloud->queues;
    call->wire = wire;
    call->output = output;
    request->handler = call;
    request->ended = call_ended;
    return call;
}

static void sqs_api_handle(struct cloud_request *request)
{
    bool json = http_call_header(request->call, "x-amz-target").data != NULL;
    const struct sqs_wire *wire = json ? &sqs_json_wire : &sqs_query_wire;
    struct sqs_error error = {0};
    const struct sqs_action *action = NULL;
    const char *name = NULL;
    json_t *input = NULL;
    enum sqs_code code = (json ? sqs_json_read : sqs_query_read)(request, &name, &input, &error);
    if (code == SQS_OK)
        code = action_find(name, &action, &error);
    if (action)
        snprintf(request->operation, sizeof request->operation, "%s", action->name);
    struct sqs_call *call = code == SQS_OK ? call_new(request, wire) : NULL;
    if (!call) {
        json_decref(input);
        error.code = code == SQS_OK ? SQS_SERVICE_UNAVAILABLE : code;
        wire->refuse(request, &error);
        return;
    }
    call->action = action;
    call->input = input;
    const char *queue = json_text_in(input, "QueueUrl");
    if (fault_inject(request, json ? WIRE_JSON : WIRE_QUERY,
                     queue ? queue : json_text_in(input, "QueueName")))
        return;
    fault_inject_input(request, input);
    call_run(call);
}

/* Input. */

static bool input_number(const json_t *value, long long *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || !(isdigit((unsigned char)text[0]) || text[0] == '-'))
        return false;
    char *end;
    *out = strtoll(text, &end, 10);
    return *end == '\0';
}

enum sqs_code sqs_input_int(const json_t *input, const char *name, int min, int max, int *out,
                            struct sqs_error *error)
{
    const json_t *value = json_object_get(input, name);
    long long number = 0;
    if (!value || json_is_null(value))
        return SQS_OK;
    if (!input_number(value, &number))
        return sqs_error_set(error, SQS_INVALID_PARAMETER,
                             "The value of the parameter %s is not a number.", name);
    if (number < min || number > max)
        return sqs_error_set(error, SQS_INVALID_PARAMETER,
                             min > 0 ? "Value %lld for parameter %s is invalid. Reason: Must be "
                                       "between %d and %d, if provided."
                                     : "Value %lld for parameter %s is invalid. Reason: Must be >= "
                                       "%d and <= %d, if provided.",
                             number, name, min, max);
    *out = (int)number;
    return SQS_OK;
}

static bool token_valid(const char *token)
{
    size_t size = strlen(token);
    for (size_t i = 0; i < size; i++) {
        if (!isgraph((unsigned char)token[i]))
            return false;
    }
    return size > 0 && size <= TOKEN_MAX;
}

enum sqs_code sqs_input_token(const json_t *input, const char *name, const char **out,
                              struct sqs_error *error)
{
    *out = json_text_in(input, name);
    if (!*out || token_valid(*out))
        return SQS_OK;
    return sqs_error_set(error, SQS_INVALID_PARAMETER,
                         "The value of the parameter %s is invalid. Reason: it can only include "
                         "letters, digits and punctuation, 1 to 128 of them.",
                         name);
}

/* …/ACCOUNT/NAME, behind any scheme and host. False: malformed, or another account. */
static bool url_read(const char *account, struct slice path, char name[QUEUE_NAME_MAX + 1])
{
    size_t account_size = strlen(account), size = 0;
    while (size < path.size && path.data[path.size - 1 - size] != '/')
        size++;
    if (size == 0 || size > QUEUE_NAME_MAX || path.size < size + account_size + 2)
        return false;
    memcpy(name, path.data + path.size - size, size);
    name[size] = '\0';
    const char *owner = path.data + path.size - size - 1 - account_size;
    return owner[-1] == '/' && memcmp(owner, account, account_size) == 0;
}

/* The account owner can always fix a policy that denies everyone, as AWS lets the root user do. */
static bool mends_policy(const struct sqs_call *call)
{
    const json_t *attributes = json_object_get(call->input, "Attributes");
    return strcmp(call->action->name, "SetQueueAttributes") == 0 &&
           json_object_size(attributes) == 1 && json_object_get(attributes, "Policy");
}

enum sqs_code sqs_permit(struct sqs_call *call, const struct local_queue *queue)
{
    const struct cloud_request *asked = call->request;
    char reason[POLICY_REASON_MAX], text[AUTHORIZATION_TEXT_MAX];
    if (queue_access_request(asked, queue, call->action->name, reason) || mends_policy(call))
        return SQS_OK;
    authorization_denied_text(asked, "sqs", call->action->name, local_queue_name(queue), reason,
                              text);
    return sqs_error_set(&call->error, SQS_ACCESS_DENIED, "%s", text);
}

enum sqs_code sqs_input_queue(struct sqs_call *call, struct local_queue **out)
{
    struct cloud_request *request = call->request;
    char name[QUEUE_NAME_MAX + 1];
    const char *url = json_text_in(call->input, "QueueUrl");
    struct slice path = url ? slice_of(url) : http_call_path(request->call);
    if (!url && path.size <= 1)
        return sqs_error_set(&call->error, SQS_MISSING_PARAMETER,
                             "The request must contain the parameter QueueUrl.");
    if (!url_read(request->cloud->account, path, name))
        return SQS_QUEUE_DOES_NOT_EXIST;
    snprintf(request->resource, sizeof request->resource, "%s", name);
    *out = queues_find(call->queues, name);
    return *out ? sqs_permit(call, *out) : SQS_QUEUE_DOES_NOT_EXIST;
}

static bool host_valid(struct slice host)
{
    for (size_t i = 0; i < host.size; i++) {
        if (!isalnum((unsigned char)host.data[i]) && !memchr(".-:[]", host.data[i], 5))
            return false;
    }
    return host.size > 0 && host.size < 256;
}

/* The URL uses the host that the client sent, so that it also works through a forwarded port or
 * another name. */
json_t *sqs_queue_url(const struct sqs_call *call, const char *name)
{
    const struct cloud *cloud = call->request->cloud;
    struct slice host = http_call_header(call->request->call, "host");
    if (!host_valid(host))
        return json_sprintf("%s/%s/%s", cloud->endpoint, cloud->account, name);
    bool tls = strncmp(cloud->endpoint, "https:", 6) == 0;
    return json_sprintf("%s://%.*s/%s/%s", tls ? "https" : "http", (int)host.size, host.data,
                        cloud->account, name);
}

const struct cloud_service cloud_sqs = {
    .name = "sqs",
    .title = "SQS",
    .operations = sqs_operation_row,
    .handle = sqs_api_handle,
    .collects = true,
};
