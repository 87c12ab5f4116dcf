/* Reads the conditions of a policy statement: which operators and keys exist, and which of them can
 * be evaluated here. */
#include "policy_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct operator_facts {
    const char *name;
    enum policy_match match;
    bool negated;
};

static const struct operator_facts operators[] = {
    {"ArnEquals", MATCH_ARN, false},
    {"ArnLike", MATCH_ARN, false},
    {"ArnNotEquals", MATCH_ARN, true},
    {"ArnNotLike", MATCH_ARN, true},
    {"StringEquals", MATCH_EXACT, false},
    {"StringNotEquals", MATCH_EXACT, true},
    {"StringEqualsIgnoreCase", MATCH_FOLDED, false},
    {"StringNotEqualsIgnoreCase", MATCH_FOLDED, true},
    {"StringLike", MATCH_GLOB, false},
    {"StringNotLike", MATCH_GLOB, true},
    {"Bool", MATCH_FOLDED, false},
    {"Null", MATCH_NULL, false},
    {"NumericEquals", MATCH_UNSUPPORTED, false},
    {"NumericNotEquals", MATCH_UNSUPPORTED, false},
    {"NumericLessThan", MATCH_UNSUPPORTED, false},
    {"NumericLessThanEquals", MATCH_UNSUPPORTED, false},
    {"NumericGreaterThan", MATCH_UNSUPPORTED, false},
    {"NumericGreaterThanEquals", MATCH_UNSUPPORTED, false},
    {"DateEquals", MATCH_UNSUPPORTED, false},
    {"DateNotEquals", MATCH_UNSUPPORTED, false},
    {"DateLessThan", MATCH_UNSUPPORTED, false},
    {"DateLessThanEquals", MATCH_UNSUPPORTED, false},
    {"DateGreaterThan", MATCH_UNSUPPORTED, false},
    {"DateGreaterThanEquals", MATCH_UNSUPPORTED, false},
    {"BinaryEquals", MATCH_UNSUPPORTED, false},
    {"IpAddress", MATCH_UNSUPPORTED, false},
    {"NotIpAddress", MATCH_UNSUPPORTED, false},
};
enum { OPERATOR_COUNT = sizeof operators / sizeof operators[0] };

static const char *const keys[] = {
    [KEY_SOURCE_ARN] = "aws:SourceArn",
    [KEY_SOURCE_ACCOUNT] = "aws:SourceAccount",
    [KEY_SOURCE_OWNER] = "aws:SourceOwner",
    [KEY_SECURE_TRANSPORT] = "aws:SecureTransport",
    [KEY_PRINCIPAL_ACCOUNT] = "aws:PrincipalAccount",
    [KEY_PRINCIPAL_ARN] = "aws:PrincipalArn",
    [KEY_PRINCIPAL_IS_SERVICE] = "aws:PrincipalIsAWSService",
    [KEY_PRINCIPAL_SERVICE] = "aws:PrincipalServiceName",
};

static bool strip_end(size_t *size, const char *text, const char *end)
{
    size_t end_size = strlen(end);
    if (*size <= end_size || strncasecmp(text + *size - end_size, end, end_size) != 0)
        return false;
    *size -= end_size;
    return true;
}

static bool strip_begin(const char **text, const char *begin)
{
    size_t size = strlen(begin);
    if (strncasecmp(*text, begin, size) != 0)
        return false;
    *text += size;
    return true;
}

/* "ForAnyValue:StringLikeIfExists" */
static int operator_read(struct policy_reader *r, const char *text, struct policy_condition *c)
{
    const char *name = text;
    c->operator_name = text;
    c->set = strip_begin(&name, "ForAnyValue:")    ? SET_ANY
             : strip_begin(&name, "ForAllValues:") ? SET_ALL
                                                   : SET_NONE;
    size_t size = strlen(name);
    c->if_exists = strip_end(&size, name, "IfExists");
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (strlen(operators[i].name) != size || strncasecmp(operators[i].name, name, size) != 0)
            continue;
        c->match = operators[i].match;
        c->negated = operators[i].negated;
        return 0;
    }
    return policy_refuse_member(r, "unknown condition operator", text);
}

static enum policy_key key_find(const char *name)
{
    for (int i = 0; i < KEY_UNKNOWN; i++) {
        if (strcasecmp(keys[i], name) == 0)
            return (enum policy_key)i;
    }
    return KEY_UNKNOWN;
}

static int condition_read(struct policy_reader *r, const char *operator_name, const char *key,
                          json_t *value, struct policy_condition *c)
{
    int code = operator_read(r, operator_name, c);
    c->key_name = key;
    c->key = key_find(key);
    if (code)
        return code;
    if (!strchr(key, ':') || strlen(key) > 128)
        return policy_refuse_member(r, "not a condition key:", key);
    return policy_texts_read(r, value, "a condition's value", true, &c->values);
}

static int conditions_count(struct policy_reader *r, json_t *operators_json, size_t *count)
{
    const char *name;
    json_t *pairs;
    *count = 0;
    if (operators_json && !json_is_object(operators_json))
        return policy_refuse_element(r, "Condition", "an object");
    json_object_foreach(operators_json, name, pairs)
    {
        if (!json_is_object(pairs))
            return policy_refuse_element(r, "a condition operator", "an object of keys and values");
        *count += json_object_size(pairs);
    }
    return policy_limit_check(r, *count, r->quotas->conditions, "conditions");
}

int policy_conditions_read(struct policy_reader *r, const json_t *statement,
                           struct policy_statement *s)
{
    json_t *block = json_object_get(statement, "Condition"), *pairs, *value;
    const char *name, *key;
    size_t count;
    int code = conditions_count(r, block, &count);
    if (code || count == 0)
        return code;
    s->conditions = calloc(count, sizeof *s->conditions);
    if (!s->conditions)
        return policy_short_of_memory(r);
    json_object_foreach(block, name, pairs)
    {
        json_object_foreach(pairs, key, value)
        {
            code = condition_read(r, name, key, value, &s->conditions[s->condition_count++]);
            if (code)
                return code;
        }
    }
    return 0;
}
