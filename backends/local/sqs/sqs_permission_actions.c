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

static int parameter_refuse(struct service_call *call, const char *value, const char *name,
                            const char *reason)
{
    return service_error_set(&call->error, SQS_INVALID_PARAMETER,
                             "Value %.80s for parameter %s is invalid. Reason: %s", value, name,
                             reason);
}

static int input_label(struct service_call *call, const char **out)
{
    *out = json_text_in(call->input, "Label");
    if (!*out)
        return service_error_set(&call->error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter Label.");
    size_t size = strlen(*out);
    bool valid = size > 0 && size <= LABEL_MAX;
    for (size_t i = 0; i < size; i++)
        valid &= isalnum((unsigned char)(*out)[i]) || (*out)[i] == '-' || (*out)[i] == '_';
    return valid ? 0
                 : parameter_refuse(call, *out, "Label",
                                    "It can only include alphanumeric characters, hyphens, or "
                                    "underscores. 1 to 80 in length.");
}

static int account_add(struct service_call *call, json_t *out, const char *account)
{
    if (!account || strlen(account) != 12 || strspn(account, "0123456789") != 12)
        return parameter_refuse(call, account ? account : "", "PrincipalId", "Unable to verify.");
    return json_array_append_new(out, json_sprintf("arn:aws:iam::%s:root", account)) ? ERR_MEMORY
                                                                                     : 0;
}

/* The actions that can be granted. Source: AddPermission in the Amazon SQS API Reference. */
static int action_add(struct service_call *call, json_t *out, const char *action)
{
    static const char *const known[] = {
        "*",           "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes",
        "GetQueueUrl", "ReceiveMessage",          "SendMessage"};
    for (size_t i = 0; action && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], action) == 0)
            return json_array_append_new(out, json_sprintf("SQS:%s", action)) ? ERR_MEMORY : 0;
    }
    return parameter_refuse(call, action ? action : "", "ActionName",
                            "Please refer to the appropriate WSDL for a list of valid actions.");
}

/* Converts a list of the input for a policy; *out is a new reference. */
static int names_read(struct service_call *call, const char *name,
                      int (*add)(struct service_call *, json_t *, const char *), json_t **out)
{
    json_t *given = json_object_get(call->input, name), *list = json_array();
    int code = list ? 0 : ERR_MEMORY;
    if (json_array_size(given) == 0)
        code = service_error_set(&call->error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter %s.", name);
    for (size_t i = 0; i < json_array_size(given) && !code; i++)
        code = add(call, list, json_string_value(json_array_get(given, i)));
    *out = json_array_size(list) == 1 ? json_incref(json_array_get(list, 0)) : json_incref(list);
    json_decref(list);
    return code;
}

static int statement_make(struct service_call *call, const struct local_queue *queue,
                          const char *label, json_t **out)
{
    json_t *accounts = NULL, *actions = NULL;
    int code = names_read(call, "AWSAccountIds", account_add, &accounts);
    if (code)
        goto out;
    if (json_array_size(json_object_get(call->input, "Actions")) > ACTIONS_MAX)
        code = service_error_set(
            &call->error, SQS_OVER_LIMIT, "%zu Actions were found, maximum allowed is %d.",
            json_array_size(json_object_get(call->input, "Actions")), ACTIONS_MAX);
    if (code)
        goto out;
    code = names_read(call, "Actions", action_add, &actions);
    if (code)
        goto out;
    *out = json_pack("{s:s, s:s, s:{s:O}, s:O, s:o}", "Sid", label, "Effect", "Allow", "Principal",
                     "AWS", accounts, "Action", actions, "Resource", local_queue_arn_json(queue));
    code = *out ? 0 : ERR_MEMORY;
out:
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
static int policy_set(struct service_call *call, struct local_queue *queue, json_t *policy)
{
    bool empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    char *text = empty ? NULL : json_dumps(policy, JSON_COMPACT);
    json_t *changes = json_pack("{s:s}", "Policy", text ? text : "");
    int code = ERR_MEMORY;
    if (changes && (text || empty))
        code = local_queue_set(queue, changes, service_call_written, call, &call->error);
    service_call_wait(call, code);
    json_decref(changes);
    json_decref(policy);
    free(text);
    return code;
}

int sqs_add_permission(struct service_call *call)
{
    struct local_queue *queue;
    const char *label;
    json_t *statement = NULL;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    code = input_label(call, &label);
    if (code)
        return code;
    code = statement_make(call, queue, label, &statement);
    if (code)
        return code;
    json_t *policy = policy_open(queue), *statements = json_object_get(policy, "Statement");
    if (statement_find(statements, label) < json_array_size(statements))
        code = parameter_refuse(call, label, "Label", "Already exists.");
    else if (json_array_append(statements, statement))
        code = ERR_MEMORY;
    json_decref(statement);
    if (!code)
        return policy_set(call, queue, policy);
    json_decref(policy);
    return code;
}

int sqs_remove_permission(struct service_call *call)
{
    struct local_queue *queue;
    const char *label;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    code = input_label(call, &label);
    if (code)
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
