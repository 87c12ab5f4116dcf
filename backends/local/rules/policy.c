/*
 * Evaluating a policy.
 *
 * Each part of a statement evaluates to one of three values: no, maybe (it depends on something
 * unknown here), yes. They are ordered, so that "and" is the minimum and "or" the maximum of its
 * operands. An Allow applies if all of its parts are yes, a Deny if none of them is no.
 */
#include "policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "policy_document.h"

enum truth { NO, MAYBE, YES };

enum { ARN_PARTS = 6, ROOT_SIZE = 64 };

enum policy_part { PART_PRINCIPAL, PART_ACTION, PART_RESOURCE, PART_CONDITION, PART_NONE };

struct finding { /* the first part of a statement that prevented it from applying */
    enum truth truth;
    enum policy_part part;
    const struct policy_condition *condition;
};

static enum truth truth_of(bool value)
{
    return value ? YES : NO;
}

static enum truth inverted_if(bool inverted, enum truth truth)
{
    return inverted ? (enum truth)(YES - truth) : truth;
}

/* Texts. */

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* '*' matches any text, '?' any single byte. On a mismatch the last '*' takes one more byte: no
 * recursion, and the worst case is the product of the sizes. */
static bool glob_matches(struct slice pattern, struct slice text, bool fold)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;
    while (t < text.size) {
        char wanted = p < pattern.size ? pattern.data[p] : '\0';
        bool same = fold ? folded(wanted) == folded(text.data[t]) : wanted == text.data[t];
        if (p < pattern.size && wanted == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.size && (wanted == '?' || same)) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

/* arn:partition:service:region:account:resource; the resource may contain colons. */
static size_t arn_split(const char *arn, struct slice parts[ARN_PARTS])
{
    size_t count = 0;
    while (count < ARN_PARTS) {
        size_t size = count == ARN_PARTS - 1 ? strlen(arn) : strcspn(arn, ":");
        parts[count++] = (struct slice){arn, size};
        if (!arn[size])
            break;
        arn += size + 1;
    }
    return count;
}

/* Compares part by part, so that no wildcard matches across a colon. */
static enum truth arn_matches(const char *pattern, const char *text)
{
    struct slice wanted[ARN_PARTS], found[ARN_PARTS];
    if (strcmp(pattern, "*") == 0)
        return YES;
    if (arn_split(pattern, wanted) < ARN_PARTS)
        return MAYBE;
    if (arn_split(text, found) < ARN_PARTS)
        return NO;
    for (size_t i = 0; i < ARN_PARTS; i++) {
        if (!glob_matches(wanted[i], found[i], false))
            return NO;
    }
    return YES;
}

/* Principals. */

static void root_arn(const struct policy_request *request, char out[ROOT_SIZE])
{
    snprintf(out, ROOT_SIZE, "arn:aws:iam::%s:root", request->account);
}

static bool identity_matches(const char *wanted, const struct policy_request *request)
{
    char root[ROOT_SIZE];
    if (request->service || !request->account)
        return false;
    root_arn(request, root);
    return strcmp(wanted, request->account) == 0 || strcmp(wanted, root) == 0 ||
           (request->principal && strcmp(wanted, request->principal) == 0);
}

static enum truth principal_named(const struct policy_principal *p,
                                  const struct policy_request *request)
{
    if (p->everyone)
        return YES;
    for (size_t i = 0; i < json_array_size(p->aws); i++) {
        if (identity_matches(json_string_value(json_array_get(p->aws, i)), request))
            return YES;
    }
    for (size_t i = 0; request->service && i < json_array_size(p->services); i++) {
        const char *wanted = json_string_value(json_array_get(p->services, i));
        if (strcmp(wanted, "*") == 0 || strcasecmp(wanted, request->service) == 0)
            return YES;
    }
    return p->other ? MAYBE : NO;
}

/* Actions and resources. */

static enum truth names_match(const struct policy *policy, const struct policy_names *names,
                              const char *text, bool fold)
{
    enum truth found = NO;
    for (size_t i = 0; i < json_array_size(names->values) && found != YES; i++) {
        const char *pattern = json_string_value(json_array_get(names->values, i));
        if (policy_is_variable(policy, pattern))
            found = MAYBE;
        else if (glob_matches(slice_of(pattern), slice_of(text), fold))
            found = YES;
    }
    return inverted_if(names->inverted, found);
}

/* A statement without a Resource applies to the resource that the policy is attached to. */
static enum truth resource_matches(const struct policy *policy, const struct policy_names *names,
                                   const char *resource)
{
    return names->values ? names_match(policy, names, resource, false) : YES;
}

/* Conditions. */

/* NULL: the request does not have this key. */
static const char *principal_value(enum policy_key key, const struct policy_request *request,
                                   char root[ROOT_SIZE])
{
    bool account = !request->service && request->account;
    switch (key) {
    case KEY_PRINCIPAL_IS_SERVICE:
        return request->service ? "true" : "false";
    case KEY_PRINCIPAL_SERVICE:
        return request->service;
    case KEY_PRINCIPAL_ARN:
        if (!account || request->principal)
            return account ? request->principal : NULL;
        root_arn(request, root);
        return root;
    default:
        return account ? request->account : NULL;
    }
}

/* aws:SourceOwner is set for an account's own requests; the services implemented here use
 * aws:SourceAccount instead. */
static const char *key_value(enum policy_key key, const struct policy_request *request,
                             char root[ROOT_SIZE])
{
    switch (key) {
    case KEY_SOURCE_ARN:
        return request->source_arn;
    case KEY_SOURCE_ACCOUNT:
        return request->source_account;
    case KEY_SECURE_TRANSPORT:
        return request->secure ? "true" : "false";
    default:
        return principal_value(key, request, root);
    }
}

static enum truth value_matches(const struct policy *policy, const struct policy_condition *c,
                                const char *wanted, const char *value)
{
    if (policy_is_variable(policy, wanted))
        return MAYBE;
    switch (c->match) {
    case MATCH_EXACT:
        return truth_of(strcmp(wanted, value) == 0);
    case MATCH_FOLDED:
        return truth_of(strcasecmp(wanted, value) == 0);
    case MATCH_GLOB:
        return truth_of(glob_matches(slice_of(wanted), slice_of(value), false));
    case MATCH_ARN:
        return arn_matches(wanted, value);
    case MATCH_NULL:
    case MATCH_UNSUPPORTED:
        break;
    }
    return MAYBE;
}

/* A negated operator is true if none of its values equals the key's. */
static enum truth values_match(const struct policy *policy, const struct policy_condition *c,
                               const char *value)
{
    enum truth found = NO;
    for (size_t i = 0; i < json_array_size(c->values) && found != YES; i++) {
        const char *wanted = json_string_value(json_array_get(c->values, i));
        enum truth one = value_matches(policy, c, wanted, value);
        found = one > found ? one : found;
    }
    return inverted_if(c->negated, found);
}

static enum truth null_matches(const struct policy_condition *c, const char *value)
{
    for (size_t i = 0; i < json_array_size(c->values); i++) {
        const char *absent = json_string_value(json_array_get(c->values, i));
        if ((strcasecmp(absent, "true") == 0) == (value == NULL))
            return YES;
    }
    return NO;
}

/* "Condition operators" and "Set operators for multivalued context keys", IAM User Guide. */
static enum truth absent_matches(const struct policy_condition *c)
{
    if (c->if_exists || c->set == SET_ALL)
        return YES;
    return truth_of(c->negated && c->set != SET_ANY);
}

static enum truth condition_matches(const struct policy *policy, const struct policy_condition *c,
                                    const struct policy_request *request)
{
    char root[ROOT_SIZE];
    if (c->match == MATCH_UNSUPPORTED || c->key == KEY_UNKNOWN)
        return MAYBE;
    const char *value = key_value(c->key, request, root);
    if (c->match == MATCH_NULL)
        return null_matches(c, value);
    return value ? values_match(policy, c, value) : absent_matches(c);
}

/* Statements. */

static void finding_add(struct finding *f, enum truth truth, enum policy_part part,
                        const struct policy_condition *condition)
{
    if (truth < f->truth)
        *f = (struct finding){truth, part, condition};
}

/* Parts are evaluated in order until one is no. */
static struct finding statement_look(const struct policy *policy, const struct policy_statement *s,
                                     const struct policy_request *request)
{
    struct finding f = {YES, PART_NONE, NULL};
    enum truth named = principal_named(&s->principal, request);
    finding_add(&f, inverted_if(s->principal.inverted, named), PART_PRINCIPAL, NULL);
    if (f.truth != NO)
        finding_add(&f, names_match(policy, &s->actions, request->action, true), PART_ACTION, NULL);
    if (f.truth != NO)
        finding_add(&f, resource_matches(policy, &s->resources, request->resource), PART_RESOURCE,
                    NULL);
    for (size_t i = 0; i < s->condition_count && f.truth != NO; i++)
        finding_add(&f, condition_matches(policy, &s->conditions[i], request), PART_CONDITION,
                    &s->conditions[i]);
    return f;
}

static bool applies(const struct policy_statement *s, enum truth truth)
{
    return s->allow ? truth == YES : truth != NO;
}

enum policy_verdict policy_evaluate(const struct policy *policy,
                                    const struct policy_request *request)
{
    enum policy_verdict verdict = POLICY_SILENT;
    for (size_t i = 0; policy && i < policy->count; i++) {
        const struct policy_statement *s = &policy->statements[i];
        if (!applies(s, statement_look(policy, s, request).truth))
            continue;
        if (!s->allow)
            return POLICY_DENIED;
        verdict = POLICY_ALLOWED;
    }
    return verdict;
}

/* Reasons. */

static const char *asker(const struct policy_request *request)
{
    return request->service ? request->service : request->account ? request->account : "anybody";
}

static void part_describe(const struct finding *f, const struct policy_request *request, char *out,
                          size_t size)
{
    const struct policy_condition *c = f->condition;
    switch (f->part) {
    case PART_PRINCIPAL:
        snprintf(out, size, "its Principal is not %s", asker(request));
        break;
    case PART_ACTION:
        snprintf(out, size, "its Action is not %s", request->action);
        break;
    case PART_RESOURCE:
        snprintf(out, size, "its Resource is not %.120s", request->resource);
        break;
    case PART_CONDITION:
        snprintf(out, size, "its condition %.60s %.60s %s", c->operator_name, c->key_name,
                 f->truth == NO ? "is not met" : "cannot be evaluated here");
        break;
    case PART_NONE:
        snprintf(out, size, "it applies");
        break;
    }
}

static const char deny[] = "Deny";

bool policy_explains_deny(const char *reason)
{
    return strncmp(reason, deny, sizeof deny - 1) == 0;
}

static void statement_describe(const struct policy *policy, const struct policy_statement *s,
                               const char *text, char out[POLICY_REASON_MAX])
{
    size_t number = (size_t)(s - policy->statements) + 1;
    snprintf(out, POLICY_REASON_MAX, "%s statement %zu%s%.40s%s: %s", s->allow ? "Allow" : deny,
             number, s->sid ? " (" : "", s->sid ? s->sid : "", s->sid ? ")" : "", text);
}

/* Explains a refusal: the statement that denies it, or the one that came closest to allowing it. */
void policy_explain(const struct policy *policy, const struct policy_request *request,
                    char out[POLICY_REASON_MAX])
{
    const struct policy_statement *nearest = NULL;
    struct finding least = {NO, PART_PRINCIPAL, NULL};
    char text[POLICY_REASON_MAX - 100];
    for (size_t i = 0; policy && i < policy->count; i++) {
        const struct policy_statement *s = &policy->statements[i];
        struct finding f = statement_look(policy, s, request);
        bool denies = !s->allow && applies(s, f.truth);
        if (denies || (s->allow && (!nearest || f.part > least.part))) {
            nearest = s;
            least = f;
        }
        if (denies)
            break;
    }
    if (nearest) {
        part_describe(&least, request, text, sizeof text);
        statement_describe(policy, nearest, text, out);
    } else {
        snprintf(out, POLICY_REASON_MAX, "no policy allows %s to %s", asker(request),
                 request->action);
    }
}
