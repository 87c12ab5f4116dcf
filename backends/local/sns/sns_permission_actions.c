/* AddPermission and RemovePermission: they edit the topic's Policy, as SNS does. */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sns_call.h"

static const char *const grantable[] = {
    "AddPermission",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Publish",
    "PutDataProtectionPolicy",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
};

static bool is_grantable(const char *name)
{
    for (size_t i = 0; name && i < sizeof grantable / sizeof grantable[0]; i++) {
        if (strcmp(name, grantable[i]) == 0)
            return true;
    }
    return false;
}

/* A list of one is written as a plain string. */
static json_t *one_or_all(json_t *list)
{
    if (json_array_size(list) != 1)
        return list;
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return only;
}

static int actions_read(struct service_call *call, json_t **out)
{
    const json_t *names = json_object_get(call->input, "ActionName");
    *out = json_array();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!is_grantable(name))
            return service_call_fail(
                call, SNS_INVALID_PARAMETER,
                "Invalid parameter: Policy statement action out of service scope!");
        if (json_array_append_new(*out, json_sprintf("SNS:%s", name)))
            return ERR_MEMORY;
    }
    return json_array_size(names) > 0
               ? 0
               : service_call_fail(
                     call, SNS_INVALID_PARAMETER,
                     "Invalid parameter: ActionName Reason: no value for required parameter");
}

static int accounts_read(struct service_call *call, json_t **out)
{
    const json_t *accounts = json_object_get(call->input, "AWSAccountId");
    *out = json_array();
    for (size_t i = 0; i < json_array_size(accounts); i++) {
        const char *account = json_string_value(json_array_get(accounts, i));
        if (!account || strlen(account) != 12 || strspn(account, "0123456789") != 12)
            return service_call_fail(call, SNS_INVALID_PARAMETER,
                                     "Invalid parameter: AWSAccountId: it must have twelve digits");
        if (json_array_append_new(*out, json_sprintf("arn:aws:iam::%s:root", account)))
            return ERR_MEMORY;
    }
    return json_array_size(accounts) > 0
               ? 0
               : service_call_fail(
                     call, SNS_INVALID_PARAMETER,
                     "Invalid parameter: AWSAccountId Reason: no value for required parameter");
}

/* The topic's policy as a document; NULL if memory is short. */
static json_t *policy_document(const struct topic *topic)
{
    const char *set = json_string_value(json_object_get(topic->record.attributes, "Policy"));
    char *text = set ? strdup(set) : sns_default_policy(topic->record.named.name);
    json_t *document = text ? json_text_read(slice_of(text), 0, NULL) : NULL;
    json_t *statements = json_object_get(document, "Statement");
    free(text);
    if (json_is_object(statements)) /* a single one may be written without a list */
        json_object_set_new(document, "Statement", json_pack("[O]", statements));
    if (json_is_array(json_object_get(document, "Statement")))
        return document;
    json_decref(document);
    return NULL;
}

static size_t statement_find(const json_t *statements, const char *label)
{
    size_t i = 0;
    for (; i < json_array_size(statements); i++) {
        const char *sid = json_string_value(json_object_get(json_array_get(statements, i), "Sid"));
        if (sid && strcmp(sid, label) == 0)
            break;
    }
    return i;
}

static int policy_store(struct service_call *call, struct topic *topic, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);
    int code =
        text ? sns_topic_attribute_check(call, "Policy", text, topic->fifo, false) : ERR_MEMORY;
    if (!code)
        code = sns_waiting(call, topic_set(topic, "Policy", text, service_call_written, call));
    free(text);
    return code;
}

/* Takes accounts and actions. */
static int statement_add(struct service_call *call, struct topic *topic, const char *label,
                         json_t *accounts, json_t *actions)
{
    json_t *document = policy_document(topic);
    json_t *statements = json_object_get(document, "Statement");
    json_t *added = json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect", "Allow",
                              "Principal", "AWS", one_or_all(accounts), "Action",
                              one_or_all(actions), "Resource", topic->record.named.name);
    int code = ERR_MEMORY;
    if (document && statement_find(statements, label) < json_array_size(statements))
        code = service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: Statement already exists");
    else if (document && added && !json_array_append(statements, added))
        code = policy_store(call, topic, document);
    json_decref(added);
    json_decref(document);
    return code;
}

int sns_add_permission(struct service_call *call)
{
    struct topic *topic;
    const char *label;
    json_t *accounts = NULL, *actions = NULL;
    int code = sns_topic(call, &topic);
    if (code)
        goto out;
    code = sns_required(call, "Label", &label);
    if (code)
        goto out;
    code = accounts_read(call, &accounts);
    if (code)
        goto out;
    code = actions_read(call, &actions);
    if (!code)
        return statement_add(call, topic, label, accounts, actions);
out:
    json_decref(accounts);
    json_decref(actions);
    return code;
}

/* Removing the last statement restores the default policy of SNS. */
int sns_remove_permission(struct service_call *call)
{
    struct topic *topic;
    const char *label;
    int code = sns_topic(call, &topic);
    if (code)
        return code;
    code = sns_required(call, "Label", &label);
    if (code)
        return code;
    json_t *document = policy_document(topic);
    json_t *statements = json_object_get(document, "Statement");
    size_t at = statement_find(statements, label);
    if (!document)
        code = ERR_MEMORY;
    else if (at == json_array_size(statements))
        code =
            service_call_fail(call, SNS_NOT_FOUND, "No permission found with label %.100s", label);
    else if (json_array_remove(statements, at) == 0 && json_array_size(statements) == 0)
        code = sns_waiting(call, topic_set(topic, "Policy", NULL, service_call_written, call));
    else
        code = policy_store(call, topic, document);
    json_decref(document);
    return code;
}
