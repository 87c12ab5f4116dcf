#include "cloudformation_stack.h"

#include <stdio.h>

json_t *stack_put(struct stack *s, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        s->code = ERR_MEMORY;
    return json_object_get(object, key);
}

json_t *stack_ref(const char *id)
{
    return json_pack("{s:s}", "Ref", id);
}

json_t *stack_get(const char *id, const char *attribute)
{
    return json_pack("{s:[s, s]}", "Fn::GetAtt", id, attribute);
}

json_t *stack_bucket_arn(const struct stack *s, size_t bucket, const char *rest)
{
    return json_pack(
        "{s:o}", "Fn::Sub",
        json_sprintf("arn:${AWS::Partition}:s3:::${%s}%s", s->parameters[bucket], rest));
}

json_t *stack_arn(size_t index, void *user)
{
    const struct stack *s = user;
    if (s->plan->resources[index].kind == PROVISION_BUCKET)
        return stack_bucket_arn(s, index, "");
    if (s->plan->resources[index].kind == PROVISION_TOPIC)
        return stack_ref(s->ids[index]);
    return stack_get(s->ids[index], "Arn");
}

json_t *stack_account(void *user)
{
    (void)user;
    return stack_ref("AWS::AccountId");
}

json_t *stack_add_with(struct stack *s, const char *id, const char *type, const char *key,
                       json_t *value)
{
    json_t *resource = stack_put(s, s->resources, id, json_pack("{s:s}", "Type", type));
    stack_put(s, resource, key, value);
    return stack_put(s, resource, "Properties", json_object());
}

json_t *stack_add(struct stack *s, const char *id, const char *type)
{
    json_t *resource = stack_put(s, s->resources, id, json_pack("{s:s}", "Type", type));
    return stack_put(s, resource, "Properties", json_object());
}

void stack_comment(struct stack *s, json_t *object, const char *key, const char *text)
{
    char mark[16];
    snprintf(mark, sizeof mark, "#%s", key);
    stack_put(s, object, mark, json_string(text));
}
