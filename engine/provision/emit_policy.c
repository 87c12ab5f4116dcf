#include "emit_policy.h"

#include <stdlib.h>
#include <string.h>

#include "provision_document.h"

/* No resource is there, so that each value can be found in a document. */
static const struct provision_place nowhere = {"(partition)", "(region)", "(account)"};

static bool has_arn(const struct provision_resource *resource)
{
    return resource->kind == PROVISION_BUCKET || resource->kind == PROVISION_TOPIC ||
           resource->kind == PROVISION_QUEUE || resource->kind == PROVISION_RULE;
}

static json_t *refer_text(const struct provision_plan *plan, const char *text,
                          const struct emit_references *references)
{
    if (strcmp(text, nowhere.account) == 0)
        return references->account(references->user);
    for (size_t i = 0; i < plan->count; i++) {
        char *arn = has_arn(&plan->resources[i]) ? provision_arn(plan, i, &nowhere) : NULL;
        bool found = arn && strcmp(text, arn) == 0;
        free(arn);
        if (found)
            return references->arn(i, references->user);
    }
    return json_string(text);
}

/* The document with references instead of ARNs. */
static json_t *refer(const struct provision_plan *plan, const json_t *value,
                     const struct emit_references *references)
{
    if (json_is_string(value))
        return refer_text(plan, json_string_value(value), references);
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *out = json_object(), *member;
    const char *key;
    int failed = !out;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) failed =
        failed || json_object_set_new(out, key, refer(plan, member, references));
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

static bool is_beside(const struct provision_plan *plan, size_t index, size_t other)
{
    const struct provision_resource *a = &plan->resources[index], *b = &plan->resources[other];
    return a->kind == b->kind && a->on == b->on;
}

bool emit_policy_is_first(const struct provision_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (is_beside(plan, index, i))
            return false;
    return true;
}

bool emit_policy_admits(const struct provision_plan *plan, size_t index, size_t source)
{
    const enum provision_kind kind = plan->resources[index].kind;
    if ((kind != PROVISION_TOPIC_POLICY && kind != PROVISION_QUEUE_POLICY) ||
        !emit_policy_is_first(plan, index))
        return false;
    for (size_t i = index; i < plan->count; i++)
        if (is_beside(plan, index, i) && plan->resources[i].to == source)
            return true;
    return false;
}

json_t *emit_policy(const struct provision_plan *plan, size_t index,
                    const struct emit_references *references)
{
    json_t *statements = json_array();
    int failed = !statements;
    for (size_t i = index; i < plan->count && !failed; i++) {
        if (!is_beside(plan, index, i))
            continue;
        json_t *statement = provision_statement(plan, i, &nowhere);
        failed = json_array_append_new(statements, refer(plan, statement, references));
        json_decref(statement);
    }
    if (!failed)
        return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
    json_decref(statements);
    return NULL;
}
