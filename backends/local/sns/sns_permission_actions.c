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

static enum sns_code actions_read(struct sns_call *call, json_t **out)
{
    const json_t *names = json_object_get(call->input, "ActionName");
    *out = json_array();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!is_grantable(name))
            return sns_fail(call, SNS_INVALID_PARAMETER,
                            "Invalid parameter: Policy statement action out of service scope!");
        if (json_array_append_new(*out, json_sprintf("SNS:%s", name)))
            return SNS_UNAVAILABLE;
    }
    return json_array_size(names) > 0
               ? SNS_OK
               : sns_fail(call, SNS_INVALID_PARAMETER,
                          "Invalid parameter: ActionName Reason: no value for required parameter");
}

static enum sns_code accounts_read(struct sns_call *call, json_t **out)
{
    const json_t *accounts = json_object_get(call->input, "AWSAccountId");
    *out = json_array();
    for (size_t i = 0; i < json_array_size(accounts); i++) {
        const char *account = json_string_value(json_array_get(accounts, i));
        if (!account || strlen(account) != 12 || strspn(account, "0123456789") != 12)
            return sns_fail(call, SNS_INVALID_PARAMETER,
                            "Invalid parameter: AWSAccountId: it must have twelve digits");
        if (json_array_append_new(*out, json_sprintf("arn:aws:iam::%s:root", account)))
            return SNS_UNAVAILABLE;
    }
    return json_array_size(accounts) > 0
               ? SNS_OK
               : sns_fail(
                     call, SNS_INVALID_PARAMETER,
                     "Invalid parameter: AWSAccountId Reason: no value for required parameter");
}

/* The topic's policy as a document; NULL if memory is short. */
static json_t *policy_document(const struct sns_call *call, const struct topic *topic)
{
    const char *set = json_string_value(json_object_get(topic->record.attributes, "Policy"));
    char *text = set ? strdup(set)
                     : sns_default_policy(topic->record.named.name, call->request->cloud->account);
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

static enum sns_code policy_store(struct sns_call *call, struct topic *topic, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);
    enum sns_code code = text ? sns_topic_attribute_check(call, "Policy", text, topic->fifo, false)
                              : SNS_UNAVAILABLE;
    if (code == SNS_OK)
        code = sns_waiting(call, topic_set(topic, "Policy", text, sns_call_written, call));
    free(text);
    return code;
}

/* Takes accounts and actions. */
static enum sns_code statement_add(struct sns_call *call, struct topic *topic, const char *label,
                                   json_t *accounts, json_t *actions)
{
    json_t *document = policy_document(call, topic);
    json_t *statements = json_object_get(document, "Statement");
    json_t *added = json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect", "Allow",
                              "Principal", "AWS", one_or_all(accounts), "Action",
                              one_or_all(actions), "Resource", topic->record.named.name);
    enum sns_code code = SNS_UNAVAILABLE;
    if (document && statement_find(statements, label) < json_array_size(statements))
        code = sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Statement already exists");
    else if (document && added && !json_array_append(statements, added))
        code = policy_store(call, topic, document);
    json_decref(added);
    json_decref(document);
    return code;
}

enum sns_code sns_add_permission(struct sns_call *call)
{
    struct topic *topic;
    const char *label;
    json_t *accounts = NULL, *actions = NULL;
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_OK)
        code = sns_required(call, "Label", &label);
    if (code == SNS_OK)
        code = accounts_read(call, &accounts);
    if (code == SNS_OK)
        code = actions_read(call, &actions);
    if (code == SNS_OK)
        return statement_add(call, topic, label, accounts, actions);
    json_decref(accounts);
    json_decref(actions);
    return code;
}

/* Removing the last statement restores the default policy of SNS. */
enum sns_code sns_remove_permission(struct sns_call *call)
{
    struct topic *topic;
    const char *label;
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_OK)
        code = sns_required(call, "Label", &label);
    if (code != SNS_OK)
        return code;
    json_t *document = policy_document(call, topic);
    json_t *statements = json_object_get(document, "Statement");
    size_t at = statement_find(statements, label);
    if (!document)
        code = SNS_UNAVAILABLE;
    else if (at == json_array_size(statements))
        code = sns_fail(call, SNS_NOT_FOUND, "No permission found with label %.100s", label);
    else if (json_array_remove(statements, at) == 0 && json_array_size(statements) == 0)
        code = sns_waiting(call, topic_set(topic, "Policy", NULL, sns_call_written, call));
    else
        code = policy_store(call, topic, document);
    json_decref(document);
    return code;
}
