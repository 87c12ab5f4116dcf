/* Parses a policy document. Each function that can fail sets the reader's error to a message for
 * the policy's author. */
#include "policy_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_text.h"

/* Sources: "Amazon SQS policy quotas" in the SQS Developer Guide; SNS, S3 and EventBridge publish
 * only a size limit, so theirs are bounds that no sensible policy of that size exceeds. */
static const struct policy_quotas quotas[] = {
    [POLICY_OF_QUEUE] = {"sqs", 8192, 20, 50, 10, 7},
    [POLICY_OF_TOPIC] = {"sns", 30720, 100, 200, 100, 100},
    [POLICY_OF_BUCKET] = {"s3", 20480, 200, 200, 100, 200},
    [POLICY_OF_BUS] = {"events", 10240, 100, 200, 100, 100},
};

int policy_refuse_member(struct policy_reader *r, const char *what, const char *name)
{
    return error_set(r->error, ERR_INVALID, "statement %zu: %s \"%.60s\"", r->number, what, name);
}

int policy_refuse_element(struct policy_reader *r, const char *element, const char *wanted)
{
    return error_set(r->error, ERR_INVALID, "statement %zu: %s must be %s", r->number, element,
                     wanted);
}

int policy_short_of_memory(struct policy_reader *r)
{
    return error_set(r->error, ERR_MEMORY, "out of memory");
}

int policy_limit_check(struct policy_reader *r, size_t count, size_t max, const char *what)
{
    if (count <= max)
        return 0;
    return error_set(r->error, ERR_LIMIT,
                     "%zu %s were found in a statement from the submitted policy, max allowed is "
                     "%zu",
                     count, what, max);
}

/* A string or a list of strings, as a list. */

/* Conditions may contain numbers and booleans without quotes. */
static json_t *value_text(json_t *value, bool loose)
{
    if (json_is_string(value))
        return json_incref(value);
    if (loose && json_is_boolean(value))
        return json_string(json_is_true(value) ? "true" : "false");
    if (loose && json_is_integer(value))
        return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return NULL;
}

static bool value_fits(const json_t *value, bool loose)
{
    return json_is_string(value) || (loose && (json_is_boolean(value) || json_is_integer(value)));
}

int policy_texts_read(struct policy_reader *r, json_t *value, const char *element, bool loose,
                      json_t **out)
{
    static const char wanted[] = "text or a list of texts";
    bool list = json_is_array(value);
    size_t count = list ? json_array_size(value) : 1;
    *out = json_array();
    if (!*out)
        return policy_short_of_memory(r);
    for (size_t i = 0; i < count; i++) {
        json_t *item = list ? json_array_get(value, i) : value;
        if (!value_fits(item, loose))
            return policy_refuse_element(r, element, wanted);
        if (json_array_append_new(*out, value_text(item, loose)))
            return policy_short_of_memory(r);
    }
    return count || loose ? 0 : policy_refuse_element(r, element, wanted);
}

/* Principals. */

static bool is_account(const char *text, size_t size)
{
    return size == 12 && strspn(text, "0123456789") >= 12;
}

/* An identity's unique id, with which AWS replaces the ARN of a deleted identity. */
static bool is_unique_id(const char *text)
{
    return text[0] == 'A' && strlen(text) >= 16 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(text);
}

/* arn:aws:iam::ACCOUNT:root, …:user/NAME, …:role/NAME; arn:aws:sts::ACCOUNT:assumed-role/… */
static bool is_identity(const char *text)
{
    const char *service = strncmp(text, "arn:aws", 7) == 0 ? strchr(text + 4, ':') : NULL;
    if (!service || strchr(text, '*') || strchr(text, '?') ||
        (strncmp(service, ":iam::", 6) != 0 && strncmp(service, ":sts::", 6) != 0))
        return false;
    const char *account = service + 6, *end = strchr(account, ':');
    return end && is_account(account, (size_t)(end - account)) && end[1];
}

static int identities_check(struct policy_reader *r, struct policy_principal *p)
{
    for (size_t i = 0; i < json_array_size(p->aws); i++) {
        const char *text = json_string_value(json_array_get(p->aws, i));
        if (strcmp(text, "*") == 0)
            p->everyone = true;
        else if (!is_account(text, strlen(text)) && !is_identity(text) && !is_unique_id(text))
            return policy_refuse_member(r, "not an account, user or role:", text);
    }
    return 0;
}

/* Kinds of principal that do not exist here are checked, but only their presence is recorded.
 */
static int identities_read(struct policy_reader *r, const char *name, json_t *value,
                           struct policy_principal *p)
{
    json_t *ignored = NULL;
    if (strcmp(name, "AWS") == 0)
        return policy_texts_read(r, value, "Principal", false, &p->aws);
    if (strcmp(name, "Service") == 0)
        return policy_texts_read(r, value, "Principal", false, &p->services);
    if (strcmp(name, "Federated") != 0 && strcmp(name, "CanonicalUser") != 0)
        return policy_refuse_member(r, "unknown kind of principal", name);
    p->other = true;
    int code = policy_texts_read(r, value, "Principal", false, &ignored);
    json_decref(ignored);
    return code;
}

static int principals_read(struct policy_reader *r, json_t *members, struct policy_principal *p)
{
    json_t *value;
    const char *name;
    json_object_foreach(members, name, value)
    {
        int code = identities_read(r, name, value, p);
        if (code)
            return code;
    }
    int code = identities_check(r, p);
    if (code)
        return code;
    return policy_limit_check(r, json_array_size(p->aws) + json_array_size(p->services),
                              r->quotas->principals, "principals");
}

static int principal_read(struct policy_reader *r, const json_t *statement,
                          struct policy_principal *p)
{
    json_t *plain = json_object_get(statement, "Principal");
    json_t *inverted = json_object_get(statement, "NotPrincipal");
    json_t *value = plain ? plain : inverted;
    const char *text = json_string_value(value);
    p->inverted = !plain;
    if (plain && inverted)
        return policy_refuse_element(r, "Principal", "used without NotPrincipal");
    if (text && strcmp(text, "*") == 0) {
        p->everyone = true;
        return 0;
    }
    if (!json_is_object(value) || json_object_size(value) == 0)
        return policy_refuse_element(r, "Principal", "\"*\", or {\"AWS\": …} or {\"Service\": …}");
    return principals_read(r, value, p);
}

/* Actions and resources. */

/* At most one of `plain` and `inverted` may be present; if neither is, the names remain NULL. */
static int names_read(struct policy_reader *r, const json_t *statement, const char *plain,
                      const char *inverted, struct policy_names *names)
{
    json_t *value = json_object_get(statement, plain),
           *other = json_object_get(statement, inverted);
    names->inverted = other != NULL;
    if (value && other)
        return policy_refuse_element(r, plain, "used without its Not… form");
    if (!value && !other)
        return 0;
    return policy_texts_read(r, value ? value : other, plain, false, &names->values);
}

/* "sqs:SendMessage" → "SendMessage"; "*" stays. */
static int action_strip(struct policy_reader *r, json_t *values, size_t index)
{
    const char *text = json_string_value(json_array_get(values, index));
    size_t size = strlen(r->quotas->service);
    if (strcmp(text, "*") == 0)
        return 0;
    if (strncasecmp(text, r->quotas->service, size) != 0 || text[size] != ':' || !text[size + 1])
        return policy_refuse_member(r, "Policy statement action out of service scope!", text);
    if (json_array_set_new(values, index, json_string(text + size + 1)))
        return policy_short_of_memory(r);
    return 0;
}

static int actions_read(struct policy_reader *r, const json_t *statement,
                        struct policy_names *actions)
{
    int code = names_read(r, statement, "Action", "NotAction", actions);
    if (code)
        return code;
    if (!actions->values)
        return policy_refuse_element(r, "Action", "there");
    code = policy_limit_check(r, json_array_size(actions->values), r->quotas->actions, "actions");
    for (size_t i = 0; i < json_array_size(actions->values) && !code; i++)
        code = action_strip(r, actions->values, i);
    return code;
}

/* The service accepts any text as the resource of a queue's policy; it only never matches. */
static int resources_read(struct policy_reader *r, const json_t *statement,
                          struct policy_names *names)
{
    int code = names_read(r, statement, "Resource", "NotResource", names);
    for (size_t i = 0; i < json_array_size(names->values) && !code; i++) {
        const char *text = json_string_value(json_array_get(names->values, i));
        bool any = strcmp(text, "*") == 0 || strcmp(r->quotas->service, "sqs") == 0;
        if (!any && strncmp(text, "arn:", 4) != 0)
            code = policy_refuse_member(r, "not an ARN:", text);
    }
    return code;
}

/* Statements. */

static int members_check(struct policy_reader *r, json_t *statement)
{
    static const char *const known[] = {"Sid",          "Effect",      "Principal",
                                        "NotPrincipal", "Action",      "NotAction",
                                        "Resource",     "NotResource", "Condition"};
    const char *name;
    json_t *value;
    json_object_foreach(statement, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found |= strcmp(name, known[i]) == 0;
        if (!found)
            return policy_refuse_member(r, "unknown element", name);
    }
    return 0;
}

static int head_read(struct policy_reader *r, json_t *statement, struct policy_statement *s)
{
    json_t *sid = json_object_get(statement, "Sid");
    const char *effect = json_string_value(json_object_get(statement, "Effect"));
    if (!json_is_object(statement))
        return policy_refuse_element(r, "it", "an object");
    if (sid && !json_is_string(sid))
        return policy_refuse_element(r, "Sid", "text");
    if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
        return policy_refuse_element(r, "Effect", "Allow or Deny");
    s->sid = json_string_value(sid);
    s->allow = effect[0] == 'A';
    return members_check(r, statement);
}

static int statement_read(struct policy_reader *r, json_t *statement, struct policy_statement *s)
{
    int code = head_read(r, statement, s);
    if (code)
        return code;
    code = principal_read(r, statement, &s->principal);
    if (code)
        return code;
    code = actions_read(r, statement, &s->actions);
    if (code)
        return code;
    code = resources_read(r, statement, &s->resources);
    if (code)
        return code;
    return policy_conditions_read(r, statement, s);
}

static int statements_read(struct policy_reader *r, json_t *value)
{
    bool list = json_is_array(value);
    size_t count = list ? json_array_size(value) : 1;
    struct policy *policy = r->policy;
    if (!value || count == 0)
        return error_set(r->error, ERR_INVALID, "it has no Statement");
    if (count > r->quotas->statements)
        return error_set(r->error, ERR_LIMIT,
                         "%zu statements were found in the submitted policy, max allowed is %zu",
                         count, r->quotas->statements);
    policy->statements = calloc(count, sizeof *policy->statements);
    if (!policy->statements)
        return policy_short_of_memory(r);
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        r->number = ++policy->count;
        code = statement_read(r, list ? json_array_get(value, i) : value, &policy->statements[i]);
    }
    return code;
}

/* The document. */

static int version_read(struct policy_reader *r)
{
    json_t *value = json_object_get(r->policy->document, "Version");
    const char *text = value ? json_string_value(value) : "2008-10-17";
    if (!text || (strcmp(text, "2012-10-17") != 0 && strcmp(text, "2008-10-17") != 0))
        return error_set(r->error, ERR_INVALID, "Version must be 2012-10-17 or 2008-10-17");
    r->policy->variables = strcmp(text, "2012-10-17") == 0;
    return 0;
}

static int document_read(struct policy_reader *r)
{
    json_t *document = r->policy->document, *value;
    const char *name;
    json_object_foreach(document, name, value)
    {
        if (strcmp(name, "Version") != 0 && strcmp(name, "Id") != 0 &&
            strcmp(name, "Statement") != 0)
            return error_set(r->error, ERR_INVALID, "unknown element \"%.60s\"", name);
    }
    json_t *id = json_object_get(document, "Id");
    if (id && !json_is_string(id))
        return error_set(r->error, ERR_INVALID, "Id must be text");
    int code = version_read(r);
    return code ? code : statements_read(r, json_object_get(document, "Statement"));
}

static int document_load(struct policy_reader *r, const char *text)
{
    json_error_t why;
    if (strlen(text) > r->quotas->bytes)
        return error_set(r->error, ERR_LIMIT, "the policy is over %zu bytes", r->quotas->bytes);
    /* "Individual elements must not contain multiple instances of the same key" ("Grammar of the
     * IAM JSON policy language", IAM User Guide). */
    r->policy->document = json_text_read(slice_of(text), JSON_REJECT_DUPLICATES, &why);
    if (!r->policy->document && json_text_short(&why))
        return policy_short_of_memory(r);
    if (!r->policy->document)
        return error_set(r->error, ERR_INVALID, "line %d: %.120s", why.line, why.text);
    if (!json_is_object(r->policy->document))
        return error_set(r->error, ERR_INVALID, "it is not a JSON object");
    return document_read(r);
}

int policy_parse(enum policy_kind kind, const char *text, struct policy **out, struct error *error)
{
    struct policy_reader r = {
        .quotas = &quotas[kind], .policy = calloc(1, sizeof *r.policy), .error = error};
    *out = NULL;
    if (!r.policy)
        return policy_short_of_memory(&r);
    r.policy->holders = 1;
    int code = document_load(&r, text);
    if (code)
        policy_release(r.policy);
    else
        *out = r.policy;
    return code;
}

/* Lifecycle. */

struct policy *policy_retain(struct policy *policy)
{
    if (policy)
        policy->holders++;
    return policy;
}

static void statement_clear(struct policy_statement *s)
{
    for (size_t i = 0; i < s->condition_count; i++)
        json_decref(s->conditions[i].values);
    free(s->conditions);
    json_decref(s->principal.aws);
    json_decref(s->principal.services);
    json_decref(s->actions.values);
    json_decref(s->resources.values);
}

void policy_release(struct policy *policy)
{
    if (!policy || --policy->holders > 0)
        return;
    for (size_t i = 0; i < policy->count; i++)
        statement_clear(&policy->statements[i]);
    free(policy->statements);
    json_decref(policy->document);
    free(policy);
}

bool policy_denies(const struct policy *policy)
{
    for (size_t i = 0; policy && i < policy->count; i++) {
        if (!policy->statements[i].allow)
            return true;
    }
    return false;
}

bool policy_is_variable(const struct policy *policy, const char *value)
{
    return policy->variables && strstr(value, "${");
}

/* Parts that cannot be evaluated. */

static bool any_variable(const struct policy *policy, const json_t *values)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (policy_is_variable(policy, json_string_value(json_array_get(values, i))))
            return true;
    }
    return false;
}

static bool condition_gap(const struct policy *policy, const struct policy_condition *c)
{
    return c->match == MATCH_UNSUPPORTED || c->key == KEY_UNKNOWN ||
           any_variable(policy, c->values);
}

bool policy_gap(const struct policy *policy, char *out, size_t size)
{
    for (size_t i = 0; policy && i < policy->count; i++) {
        const struct policy_statement *s = &policy->statements[i];
        for (size_t j = 0; j < s->condition_count; j++) {
            const struct policy_condition *c = &s->conditions[j];
            if (!condition_gap(policy, c))
                continue;
            snprintf(out, size, "condition %.60s %.128s", c->operator_name, c->key_name);
            return true;
        }
        bool variable = any_variable(policy, s->resources.values);
        if (variable || s->principal.other) {
            snprintf(out, size, "%s",
                     variable ? "a variable in Resource"
                              : "a Federated or CanonicalUser principal");
            return true;
        }
    }
    return false;
}
