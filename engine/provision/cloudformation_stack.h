/*
 * A CloudFormation template that is being made: a JSON tree, which yaml_write prints. Shared by the
 * files that make its parts. The first lack of memory is kept in the code; the tree is then
 * incomplete, and is not printed. Any thread.
 */
#ifndef THUMBWHEEL_CLOUDFORMATION_STACK_H
#define THUMBWHEEL_CLOUDFORMATION_STACK_H

#include <jansson.h>

#include "provision_emit.h"
#include "template_names.h"
#include "template_text.h"

struct stack {
    const struct provision_plan *plan;
    const struct provision_permissions *permissions;
    struct template_names names;
    const char **ids;        /* of each resource of the plan */
    const char **parameters; /* the parameter with the name of each bucket */
    const char **homes;      /* the condition on which each is made; NULL: always */
    json_t *tree, *inputs, *conditions, *resources, *outputs;
    int code;
};

/* Takes value; NULL is a lack of memory. Returns the value, borrowed. */
json_t *stack_put(struct stack *s, json_t *object, const char *key, json_t *value);
void stack_comment(struct stack *s, json_t *object, const char *key, const char *text);

/* References; the caller releases them. */
json_t *stack_ref(const char *id);
json_t *stack_get(const char *id, const char *attribute);
json_t *stack_bucket_arn(const struct stack *s, size_t bucket, const char *rest);
/* As struct emit_references needs them; user is the stack. Not the attribute of a bucket, which
 * waits for policies that name it. */
json_t *stack_arn(size_t index, void *stack);
json_t *stack_account(void *stack);

/* A new resource; returns its properties. */
json_t *stack_add(struct stack *s, const char *id, const char *type);
/* Takes the value of the key, such as DependsOn or Condition. */
json_t *stack_add_with(struct stack *s, const char *id, const char *type, const char *key,
                       json_t *value);

/* The parts of the template. */
void stack_add_resource(struct stack *s, size_t index);
void stack_add_role(struct stack *s);
void stack_add_alarms(struct stack *s);

#endif
