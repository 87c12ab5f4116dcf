/* SQS: its operations, its parameters in both protocols, and shared inputs. */
#include "sqs_api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "call_protocol.h"
#include "json_text.h"
#include "queue_access.h"
#include "sqs_call.h"

enum { TOKEN_MAX = 128 };

static const struct service_operation operations[] = {
    {.name = "AddPermission",
     .members = "QueueUrl Label AWSAccountIds Actions",
     .run = sqs_add_permission},
    {.name = "CancelMessageMoveTask", .members = "TaskHandle", .run = sqs_cancel_message_move_task},
    {.name = "ChangeMessageVisibility",
     .members = "QueueUrl ReceiptHandle VisibilityTimeout",
     .run = sqs_change_message_visibility},
    {.name = "ChangeMessageVisibilityBatch",
     .members = "QueueUrl Entries",
     .run = sqs_change_message_visibility_batch},
    {.name = "CreateQueue", .members = "QueueName Attributes tags", .run = sqs_create_queue},
    {.name = "DeleteMessage", .members = "QueueUrl ReceiptHandle", .run = sqs_delete_message},
    {.name = "DeleteMessageBatch", .members = "QueueUrl Entries", .run = sqs_delete_message_batch},
    {.name = "DeleteQueue", .members = "QueueUrl", .run = sqs_delete_queue},
    {.name = "GetQueueAttributes",
     .members = "QueueUrl AttributeNames",
     .run = sqs_get_queue_attributes},
    {.name = "GetQueueUrl",
     .members = "QueueName QueueOwnerAWSAccountId",
     .run = sqs_get_queue_url},
    {.name = "ListDeadLetterSourceQueues",
     .members = "QueueUrl NextToken MaxResults",
     .run = sqs_list_dead_letter_source_queues},
    {.name = "ListMessageMoveTasks",
     .members = "SourceArn MaxResults",
     .run = sqs_list_message_move_tasks},
    {.name = "ListQueueTags", .members = "QueueUrl", .run = sqs_list_queue_tags},
    {.name = "ListQueues",
     .members = "QueueNamePrefix NextToken MaxResults",
     .run = sqs_list_queues},
    {.name = "PurgeQueue", .members = "QueueUrl", .run = sqs_purge_queue},
    {.name = "ReceiveMessage",
     .members = "QueueUrl AttributeNames MessageSystemAttributeNames MessageAttributeNames "
                "MaxNumberOfMessages VisibilityTimeout WaitTimeSeconds ReceiveRequestAttemptId",
     .run = sqs_receive_message,
     .size = sizeof(struct sqs_receive_call),
     .ended = sqs_receive_message_ended},
    {.name = "RemovePermission", .members = "QueueUrl Label", .run = sqs_remove_permission},
    {.name = "SendMessage",
     .members = "QueueUrl MessageBody DelaySeconds MessageAttributes MessageSystemAttributes "
                "MessageDeduplicationId MessageGroupId",
     .run = sqs_send_message},
    {.name = "SendMessageBatch", .members = "QueueUrl Entries", .run = sqs_send_message_batch},
    {.name = "SetQueueAttributes",
     .members = "QueueUrl Attributes",
     .run = sqs_set_queue_attributes},
    {.name = "StartMessageMoveTask",
     .members = "SourceArn DestinationArn MaxNumberOfMessagesPerSecond",
     .run = sqs_start_message_move_task},
    {.name = "TagQueue", .members = "QueueUrl Tags tags", .run = sqs_tag_queue},
    {.name = "UntagQueue", .members = "QueueUrl TagKeys", .run = sqs_untag_queue},
};

static const struct form_name names[] = {
    {"Attribute", "Attributes"},
    {"AttributeName", "AttributeNames"},
    {"MessageAttribute", "MessageAttributes"},
    {"MessageAttributeName", "MessageAttributeNames"},
    {"MessageSystemAttribute", "MessageSystemAttributes"},
    {"MessageSystemAttributeName", "MessageSystemAttributeNames"},
    {"SendMessageBatchRequestEntry", "Entries"},
    {"DeleteMessageBatchRequestEntry", "Entries"},
    {"ChangeMessageVisibilityBatchRequestEntry", "Entries"},
    {"Tag", "tags"},
    {"TagKey", "TagKeys"},
    {"AWSAccountId", "AWSAccountIds"},
    {"ActionName", "Actions"},
};

static const struct xml_rule rules[] = {
    {"Messages", "Message", NULL, NULL},
    {"QueueUrls", "QueueUrl", NULL, NULL},
    {"queueUrls", "QueueUrl", NULL, NULL},
    {"Failed", "BatchResultErrorEntry", NULL, NULL},
    {"Results", "ListMessageMoveTasksResultEntry", NULL, NULL},
    {"Attributes", "Attribute", "Name", "Value"},
    {"Tags", "Tag", "Key", "Value"},
    {"MessageAttributes", "MessageAttribute", "Name", "Value"},
};

static const struct query_shape shape = {
    .xml_namespace = "http://queue.amazonaws.com/doc/2012-11-05/",
    .is_sqs = true,
    .names = names,
    .name_count = sizeof names / sizeof *names,
    .style = {rules, sizeof rules / sizeof *rules, false},
    .entries = "Successful",
};

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

int sqs_input_int(const json_t *input, const char *name, int min, int max, int *out,
                  struct service_error *error)
{
    const json_t *value = json_object_get(input, name);
    long long number = 0;
    if (!value || json_is_null(value))
        return 0;
    if (!input_number(value, &number))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "The value of the parameter %s is not a number.", name);
    if (number < min || number > max)
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 min > 0
                                     ? "Value %lld for parameter %s is invalid. Reason: Must be "
                                       "between %d and %d, if provided."
                                     : "Value %lld for parameter %s is invalid. Reason: Must be >= "
                                       "%d and <= %d, if provided.",
                                 number, name, min, max);
    *out = (int)number;
    return 0;
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

int sqs_input_token(const json_t *input, const char *name, const char **out,
                    struct service_error *error)
{
    *out = json_text_in(input, name);
    if (!*out || token_valid(*out))
        return 0;
    return service_error_set(
        error, SQS_INVALID_PARAMETER,
        "Value %.200s for parameter %s is invalid. Reason: %s can only include "
        "alphanumeric and punctuation characters. 1 to 128 in length.",
        *out, name, name);
}

enum { ACCOUNT_DIGITS = 12 };

struct queue_url {
    char account[ACCOUNT_DIGITS + 1]; /* "": none */
    char name[QUEUE_NAME_MAX + 1];
};

/* …/ACCOUNT/NAME, behind any scheme and host, or only a name. False: malformed. */
static bool url_read(struct slice path, struct queue_url *out)
{
    size_t size = 0;
    *out = (struct queue_url){0};
    while (size < path.size && path.data[path.size - 1 - size] != '/')
        size++;
    if (size == 0 || size > QUEUE_NAME_MAX)
        return false;
    memcpy(out->name, path.data + path.size - size, size);
    if (size == path.size)
        return true;
    if (path.size < size + ACCOUNT_DIGITS + 2)
        return false;
    const char *owner = path.data + path.size - size - 1 - ACCOUNT_DIGITS;
    memcpy(out->account, owner, ACCOUNT_DIGITS);
    return owner[-1] == '/' && strspn(out->account, "0123456789") == ACCOUNT_DIGITS;
}

static bool mends_policy(const struct service_call *call)
{
    const json_t *attributes = json_object_get(call->input, "Attributes");
    return strcmp(call->operation->name, "SetQueueAttributes") == 0 &&
           json_object_size(attributes) == 1 && json_object_get(attributes, "Policy");
}

/* "Cross-account permissions don't apply to the following actions", Limitations of Amazon SQS custom
 * policies, SQS Developer Guide. */
static bool is_owners_alone(const char *action)
{
    static const char *const alone[] = {"AddPermission",      "CancelMessageMoveTask",
                                        "DeleteQueue",        "ListMessageMoveTasks",
                                        "ListQueueTags",      "RemovePermission",
                                        "SetQueueAttributes", "StartMessageMoveTask",
                                        "TagQueue",           "UntagQueue"};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        if (strcmp(alone[i], action) == 0)
            return true;
    }
    return false;
}

static bool is_permitted(struct service_call *call, const struct local_queue *queue,
                         char reason[POLICY_REASON_MAX])
{
    const struct cloud_request *asked = call->request;
    const char *action = call->operation->name;
    if (is_owners_alone(action) && !authorization_is_own(asked, local_queue_arn(queue))) {
        snprintf(reason, POLICY_REASON_MAX, "only the account of the queue may do this");
        return false;
    }
    return (authorization_is_owner(asked->caller, local_queue_account(queue)) &&
            mends_policy(call)) ||
           queue_access_request(asked, queue, action, reason);
}

int sqs_permit(struct service_call *call, const struct local_queue *queue)
{
    const struct cloud_request *asked = call->request;
    char reason[POLICY_REASON_MAX], text[AUTHORIZATION_TEXT_MAX];
    if (is_permitted(call, queue, reason))
        return 0;
    authorization_denied_text(asked, "sqs", call->operation->name, local_queue_name(queue), reason,
                              text);
    return service_error_set(&call->error, SQS_ACCESS_DENIED, "%s", text);
}

int sqs_queue_absent(struct service_call *call)
{
    const char *where = call->protocol == &protocol_query ? " for this wsdl version" : "";
    return service_call_fail(call, SQS_QUEUE_DOES_NOT_EXIST,
                             "The specified queue does not exist%s.", where);
}

int sqs_input_queue(struct service_call *call, struct local_queue **out)
{
    struct cloud_request *request = call->request;
    struct queue_url parts;
    struct arn_home home = request->home;
    const char *url = json_text_in(call->input, "QueueUrl");
    struct slice path = url ? slice_of(url) : http_call_path(request->call);
    if (!url && path.size <= 1)
        return service_error_set(&call->error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter QueueUrl.");
    if (!url_read(path, &parts))
        return sqs_queue_absent(call);
    if (*parts.account)
        home.account = parts.account;
    slice_copy(slice_of(parts.name), request->resource, sizeof request->resource);
    *out = queues_find(call->cloud->queues, home, parts.name);
    return *out ? sqs_permit(call, *out) : sqs_queue_absent(call);
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
json_t *sqs_queue_url(const struct service_call *call, struct slice account, const char *name)
{
    const struct cloud *cloud = call->cloud;
    struct slice host = http_call_header(call->request->call, "host");
    if (!host_valid(host))
        return json_sprintf("%s/%.*s/%s", cloud->endpoint, (int)account.size, account.data, name);
    bool tls = strncmp(cloud->endpoint, "https:", 6) == 0;
    return json_sprintf("%s://%.*s/%.*s/%s", tls ? "https" : "http", (int)host.size, host.data,
                        (int)account.size, account.data, name);
}

static const struct service_api sqs_api = {
    .target = "AmazonSQS.",
    .json = &protocol_json_1_0,
    .query = &protocol_query,
    .shape = &shape,
    .operations = operations,
    .operation_count = sizeof operations / sizeof *operations,
    .errors = sqs_wire_errors,
    .resource = {"QueueUrl", "QueueName"},
};

const struct cloud_service cloud_sqs = {
    .name = "sqs",
    .title = "SQS",
    .operations = service_operation_row,
    .api = &sqs_api,
    .handle = service_call_handle,
    .collects = true,
};
