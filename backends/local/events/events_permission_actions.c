/*
 * PutPermission and RemovePermission: edit the policy of a bus, by statement or as a whole.
 * Removing the last statement removes the policy.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authorization.h"
#include "events_api.h"
#include "json_text.h"

enum { ACTION_MAX = 64, ID_MAX = 64, PRINCIPAL_MAX = 12, POLICY_TEXT_MAX = 65536 };

/* The bus of EventBusName. Nothing can prevent the account itself from changing a policy that locks
 * everyone out. */
static int input_bus(struct service_call *call, struct events_item **out)
{
    char arn[EVENTS_ARN_SIZE];
    int code = events_input_bus(call, "EventBusName", out);
    if (code)
        return code;
    events_bus_arn((*out)->named.name, arn);
    if (authorization_is_owner(call->request->caller, arn_account(arn)))
        return 0;
    return events_permit(call, *out, arn);
}

/* The policy with its statements as a list, or an empty one; NULL if memory is short. */
static json_t *policy_open(const struct events_item *bus)
{
    const char *text = json_text_in(bus->content.document, "Policy");
    json_t *policy = text ? json_text_read(slice_of(text), 0, NULL)
                          : json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
    json_t *statements = json_object_get(policy, "Statement");
    if (json_is_object(statements))
        json_object_set_new(policy, "Statement", json_pack("[O]", statements));
    return policy;
}

static size_t statement_find(const json_t *statements, const char *id)
{
    size_t at = 0;
    for (; at < json_array_size(statements); at++) {
        const char *sid = json_text_in(json_array_get(statements, at), "Sid");
        if (sid && strcmp(sid, id) == 0)
            break;
    }
    return at;
}

/* text NULL: removes the policy. */
static int policy_store(struct service_call *call, const struct events_item *bus, const char *text)
{
    json_t *document = json_copy(bus->content.document);
    if (!document)
        return ERR_MEMORY;
    if (!text)
        json_object_del(document, "Policy");
    if (events_member_set(document, "Policy", text) ||
        json_object_set_new(document, "LastModifiedTime", json_integer(time(NULL)))) {
        json_decref(document);
        return ERR_MEMORY;
    }
    return events_change(call, &call->cloud->events->buses, bus->named.name, document);
}

static int policy_check(struct service_call *call, const char *text)
{
    struct policy *policy = NULL;
    struct error error = {0};
    int code = policy_parse(POLICY_OF_BUS, text, &policy, &error);
    if (!code)
        authorization_log_policy(call->request->resource, policy);
    policy_release(policy);
    if (code == ERR_LIMIT)
        return EVENTS_POLICY_LENGTH;
    if (code == ERR_INVALID)
        return service_call_fail(call, EVENTS_VALIDATION, "Parameter Policy is not valid: %s",
                                 error.text);
    return code;
}

/* Takes policy. */
static int policy_put(struct service_call *call, const struct events_item *bus, json_t *policy)
{
    bool empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    char *text = empty ? NULL : json_dumps(policy, JSON_COMPACT);
    int code = empty ? 0 : text ? policy_check(call, text) : ERR_MEMORY;
    if (!code)
        code = policy_store(call, bus, text);
    free(text);
    json_decref(policy);
    return code;
}

/* PutPermission. */

static bool is_id(const char *text)
{
    while (isalnum((unsigned char)*text) || *text == '-' || *text == '_')
        text++;
    return !*text;
}

static int invalid(struct service_call *call, const char *value, const char *name,
                   const char *pattern)
{
    return service_call_fail(call, EVENTS_VALIDATION,
                             "1 validation error detected: Value '%.80s' at '%s' failed to satisfy "
                             "constraint: Member must satisfy regular expression pattern: %s",
                             value, name, pattern);
}

static int input_id(struct service_call *call, bool required, const char **out)
{
    int code = events_input_text(call, "StatementId", required, 1, ID_MAX, out);
    if (code || !*out || is_id(*out))
        return code;
    return invalid(call, *out, "statementId", "[a-zA-Z0-9-_]+");
}

static int input_principal(struct service_call *call, const char **out)
{
    int code = events_input_text(call, "Principal", true, 1, PRINCIPAL_MAX, out);
    bool account = !code && strlen(*out) == 12 && strspn(*out, "0123456789") == 12;
    if (code || account || strcmp(*out, "*") == 0)
        return code;
    return invalid(call, *out, "principal", "(\\d{12}|\\*)");
}

/* Type must be StringEquals and Key aws:PrincipalOrgID: "Condition", EventBridge API Reference. */
static int condition_add(struct service_call *call, json_t *statement)
{
    const json_t *condition = json_object_get(call->input, "Condition");
    const char *type = json_text_in(condition, "Type"), *key = json_text_in(condition, "Key");
    const char *value = json_text_in(condition, "Value");
    if (!condition || json_is_null(condition))
        return 0;
    if (!type || strcmp(type, "StringEquals") != 0 || !key ||
        strcmp(key, "aws:PrincipalOrgID") != 0 || !value || !*value)
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "Parameter Condition is not valid. Reason: it must have the Type "
                                 "StringEquals, the Key aws:PrincipalOrgID and a Value.");
    return json_object_set_new(statement, "Condition", json_pack("{s:{s:s}}", type, key, value))
               ? ERR_MEMORY
               : 0;
}

static json_t *principal_json(const char *principal)
{
    if (strcmp(principal, "*") == 0)
        return json_string(principal);
    return json_pack("{s:o}", "AWS", json_sprintf("arn:aws:iam::%s:root", principal));
}

static int statement_make(struct service_call *call, const struct events_item *bus, json_t **out)
{
    const char *id, *action, *principal;
    char arn[EVENTS_ARN_SIZE];
    int code = events_input_text(call, "Action", true, 1, ACTION_MAX, &action);
    if (code)
        return code;
    if (strcmp(action, "events:PutEvents") != 0)
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "Provided value in parameter 'action' is not supported.");
    code = input_principal(call, &principal);
    if (code)
        return code;
    code = input_id(call, true, &id);
    if (code)
        return code;
    events_bus_arn(bus->named.name, arn);
    *out = json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid", id, "Effect", "Allow", "Principal",
                     principal_json(principal), "Action", action, "Resource", arn);
    return *out ? condition_add(call, *out) : ERR_MEMORY;
}

/* Takes the statement, which replaces one with its id. */
static int statement_put(struct service_call *call, const struct events_item *bus,
                         json_t *statement)
{
    json_t *policy = policy_open(bus), *statements = json_object_get(policy, "Statement");
    size_t at = statement_find(statements, json_text_in(statement, "Sid"));
    int failed = at < json_array_size(statements) ? json_array_set_new(statements, at, statement)
                                                  : json_array_append_new(statements, statement);
    if (!failed)
        return policy_put(call, bus, policy);
    json_decref(policy);
    return ERR_MEMORY;
}

int events_put_permission(struct service_call *call)
{
    struct events_item *bus;
    json_t *statement = NULL;
    const char *text;
    int code = input_bus(call, &bus);
    if (code)
        return code;
    code = events_input_text(call, "Policy", false, 0, POLICY_TEXT_MAX, &text);
    if (code)
        return code;
    if (text) {
        code = policy_check(call, text);
        return code ? code : policy_store(call, bus, text);
    }
    code = statement_make(call, bus, &statement);
    if (!code)
        return statement_put(call, bus, statement);
    json_decref(statement);
    return code;
}

/* RemovePermission. */

static int statement_remove(struct service_call *call, const struct events_item *bus)
{
    const char *id;
    int code = input_id(call, true, &id);
    if (code)
        return code;
    json_t *policy = policy_open(bus), *statements = json_object_get(policy, "Statement");
    size_t at = statement_find(statements, id);
    if (!policy)
        return ERR_MEMORY;
    if (at < json_array_size(statements)) {
        json_array_remove(statements, at);
        return policy_put(call, bus, policy);
    }
    json_decref(policy);
    return service_call_fail(call, EVENTS_NOT_FOUND,
                             "Statement with the provided id does not exist.");
}

int events_remove_permission(struct service_call *call)
{
    struct events_item *bus;
    int code = input_bus(call, &bus);
    if (code)
        return code;
    if (json_is_true(json_object_get(call->input, "RemoveAllPermissions")))
        return policy_store(call, bus, NULL);
    if (!bus->content.policy)
        return service_call_fail(call, EVENTS_NOT_FOUND, "EventBus does not have a policy.");
    return statement_remove(call, bus);
}
