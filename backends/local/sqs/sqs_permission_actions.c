/*
 * AddPermission and RemovePermission: edit single statements of the queue's Policy.
 *
 * Statements are written as the service does: a single principal or action is a string, several are
 * a list. Removing the last statement removes the policy.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sqs_call.h"

enum { LABEL_MAX = 80, ACTIONS_MAX = 7 };

static enum sqs_code parameter_refuse(struct sqs_call *call, const char *value, const char *name,
                                      const char *reason)
{
    return sqs_error_set(&call->error, SQS_INVALID_PARAMETER,
                         "Value %.80s for parameter %s is invalid. Reason: %s", value, name,
                         reason);
}

static enum sqs_code input_label(struct sqs_call *call, const char **out)
{
    *out = json_text_in(call->input, "Label");
    if (!*out)
        return sqs_error_set(&call->error, SQS_MISSING_PARAMETER,
                             "The request must contain the parameter Label.");
    size_t size = strlen(*out);
    bool valid = size > 0 && size <= LABEL_MAX;
    for (size_t i = 0; i < size; i++)
        valid &= isalnum((unsigned char)(*out)[i]) || (*out)[i] == '-' || (*out)[i] == '_';
    return valid ? SQS_OK
                 : parameter_refuse(call, *out, "Label",
                                    "It can only include alphanumeric characters, hyphens, or "
                                    "underscores. 1 to 80 in length.");
}

static enum sqs_code account_add(struct sqs_call *call, json_t *out, const char *account)
{
    if (!account || strlen(account) != 12 || strspn(account, "0123456789") != 12)
        return parameter_refuse(call, account ? account : "", "PrincipalId", "Unable to verify.");
    return json_array_append_new(out, json_sprintf("arn:aws:iam::%s:root", account))
               ? SQS_SERVICE_UNAVAILABLE
               : SQS_OK;
}

/* The actions that can be granted. Source: AddPermission in the Amazon SQS API Reference. */
static enum sqs_code action_add(struct sqs_call *call, json_t *out, const char *action)
{
    static const char *const known[] = {
        "*",           "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes",
        "GetQueueUrl", "ReceiveMessage",          "SendMessage"};
    for (size_t i = 0; action && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], action) == 0)
            return json_array_append_new(out, json_sprintf("SQS:%s", action))
                       ? SQS_SERVICE_UNAVAILABLE
                       : SQS_OK;
    }
    return parameter_refuse(call, action ? action : "", "ActionName",
                            "Please refer to the appropriate WSDL for a list of valid actions.");
}

/* Converts a list of the input for a policy; *out is a new reference. */
static enum sqs_code names_read(struct sqs_call *call, const char *name,
                                enum sqs_code (*add)(struct sqs_call *, json_t *, const char *),
                                json_t **out)
{
    json_t *given = json_object_get(call->input, name), *list = json_array();
    enum sqs_code code = list ? SQS_OK : SQS_SERVICE_UNAVAILABLE;
    if (json_array_size(given) == 0)
        code = sqs_error_set(&call->error, SQS_MISSING_PARAMETER,
                             "The request must contain the parameter %s.", name);
    for (size_t i = 0; i < json_array_size(given) && code == SQS_OK; i++)
        code = add(call, list, json_string_value(json_array_get(given, i)));
    *out = json_array_size(list) == 1 ? json_incref(json_array_get(list, 0)) : json_incref(list);
    json_decref(list);
    return code;
}

static enum sqs_code statement_make(struct sqs_call *call, const struct local_queue *queue,
                                    const char *label, json_t **out)
{
    json_t *accounts = NULL, *actions = NULL;
    enum sqs_code code = names_read(call, "AWSAccountIds", account_add, &accounts);
    if (code == SQS_OK && json_array_size(json_object_get(call->input, "Actions")) > ACTIONS_MAX)
        code = sqs_error_set(&call->error, SQS_OVER_LIMIT,
                             "%zu Actions were found, maximum allowed is %d.",
                             json_array_size(json_object_get(call->input, "Actions")), ACTIONS_MAX);
    if (code == SQS_OK)
        code = names_read(call, "Actions", action_add, &actions);
    if (code == SQS_OK) {
        *out =
            json_pack("{s:s, s:s, s:{s:O}, s:O, s:o}", "Sid", label, "Effect", "Allow", "Principal",
                      "AWS", accounts, "Action", actions, "Resource", local_queue_arn_json(queue));
        code = *out ? SQS_OK : SQS_SERVICE_UNAVAILABLE;
    }
    json_decref(accounts);
    json_decref(actions);
    return code;
}

/* The queue's policy with its statements as a list, or an empty one; NULL if memory is short. */
static json_t *policy_open(const struct local_queue *queue)
{
    const struct queue_attributes *attributes = local_queue_attributes(queue);
    const char *text = json_string_value(json_object_get(attributes->texts, "Policy"));
    json_t *arn = local_queue_arn_json(queue);
    json_t *policy =
        text ? json_text_read(slice_of(text), 0, NULL)
             : json_pack("{s:s, s:o, s:[]}", "Version", "2008-10-17", "Id",
                         json_sprintf("%s/SQSDefaultPolicy", json_string_value(arn)), "Statement");
    json_t *statements = json_object_get(policy, "Statement");
    if (json_is_object(statements))
        json_object_set_new(policy, "Statement", json_pack("[O]", statements));
    json_decref(arn);
    return policy;
}

static size_t statement_find(json_t *statements, const char *label)
{
    size_t at = 0;
    while (at < json_array_size(statements)) {
        const char *sid = json_text_in(json_array_get(statements, at), "Sid");
        if (sid && strcmp(sid, label) == 0)
            break;
        at++;
    }
    return at;
}

/* Takes policy. */
static enum sqs_code policy_set(struct sqs_call *call, struct local_queue *queue, json_t *policy)
{
    bool empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    char *text = empty ? NULL : json_dumps(policy, JSON_COMPACT);
    json_t *changes = json_pack("{s:s}", "Policy", text ? text : "");
    enum sqs_code code = SQS_SERVICE_UNAVAILABLE;
    if (changes && (text || empty))
        code = local_queue_set(queue, changes, sqs_call_written, call, &call->error);
    call->pending = code == SQS_OK;
    json_decref(changes);
    json_decref(policy);
    free(text);
    return code;
}

enum sqs_code sqs_add_permission(struct sqs_call *call)
{
    struct local_queue *queue;
    const char *label;
    json_t *statement = NULL;
    enum sqs_code code = sqs_input_queue(call, &queue);
    if (code == SQS_OK)
        code = input_label(call, &label);
    if (code == SQS_OK)
        code = statement_make(call, queue, label, &statement);
    if (code != SQS_OK)
        return code;
    json_t *policy = policy_open(queue), *statements = json_object_get(policy, "Statement");
    if (statement_find(statements, label) < json_array_size(statements))
        code = parameter_refuse(call, label, "Label", "Already exists.");
    else if (json_array_append(statements, statement))
        code = SQS_SERVICE_UNAVAILABLE;
    json_decref(statement);
    if (code == SQS_OK)
        return policy_set(call, queue, policy);
    json_decref(policy);
    return code;
}

enum sqs_code sqs_remove_permission(struct sqs_call *call)
{
    struct local_queue *queue;
    const char *label;
    enum sqs_code code = sqs_input_queue(call, &queue);
    if (code == SQS_OK)
        code = input_label(call, &label);
    if (code != SQS_OK)
        return code;
    json_t *policy = policy_open(queue), *statements = json_object_get(policy, "Statement");
    size_t at = statement_find(statements, label);
    if (at < json_array_size(statements)) {
        json_array_remove(statements, at);
        return policy_set(call, queue, policy);
    }
    json_decref(policy);
    return parameter_refuse(call, label, "Label", "can't find label.");
}
