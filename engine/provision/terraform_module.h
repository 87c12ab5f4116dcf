/*
 * A Terraform configuration that is being made: a JSON tree, which hcl_write prints. Shared by the
 * files that make its parts. The first lack of memory is kept in the code; the tree is then
 * incomplete, and is not printed. Any thread.
 */
#ifndef THUMBWHEEL_TERRAFORM_MODULE_H
#define THUMBWHEEL_TERRAFORM_MODULE_H

#include <jansson.h>

#include "provision_emit.h"
#include "template_names.h"
#include "template_text.h"

struct module {
    const struct provision_plan *plan;
    const struct provision_permissions *permissions;
    struct template_names names;
    const char **ids; /* of each resource of the plan; those on the same resource share its name */
    json_t *tree;
    int code;
};

/* The types of the kinds that have names. */
extern const char *const module_types[PROVISION_KINDS];

/* Takes value; NULL is a lack of memory. Returns the value, borrowed. */
json_t *module_put(struct module *m, json_t *object, const char *key, json_t *value);
void module_comment(struct module *m, const char *key, const char *text);
/* A block with labels (type NULL: one label); returns its body, borrowed. */
json_t *module_block(struct module *m, const char *kind, const char *type, const char *name);
json_t *module_resource(struct module *m, size_t index);

/* Expressions; the caller releases them. */
json_t *module_expression(const char *format, ...) __attribute__((format(printf, 1, 2)));
json_t *module_encoded(json_t *value); /* takes the value */
json_t *module_attribute(const struct module *m, size_t index, const char *name);
/* As struct emit_references needs them; user is the module. */
json_t *module_arn(size_t index, void *module);
json_t *module_account(void *module);

/* The parts of the configuration. */
void module_add_resource(struct module *m, size_t index);
void module_add_role(struct module *m);
void module_add_alarms(struct module *m);

#endif
