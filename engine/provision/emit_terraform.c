/*
 * The plan as a Terraform configuration: a JSON tree, which hcl_write prints.
 *
 * Names of buckets are variables, because they are unique in the world. References between the
 * resources give Terraform the order; what it cannot see is in depends_on: S3 checks that it may
 * send to the targets of a notification, so their policies come first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hcl_write.h"
#include "terraform_module.h"

enum { DEFAULT_RETENTION_S = 345600 };

/* ---- variables ---- */

static json_t *variable(struct module *m, const char *name, const char *type, json_t *standard,
                        const char *what)
{
    json_t *body = module_block(m, "variable", NULL, name);
    module_put(m, body, "description", json_string(what));
    module_put(m, body, "type", module_expression("%s", type));
    module_put(m, body, "default", standard);
    return body;
}

static void add_bucket_names(struct module *m)
{
    char name[256];
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *bucket = &m->plan->resources[i];
        if (bucket->kind != PROVISION_BUCKET)
            continue;
        snprintf(name, sizeof name, "%s_name", m->ids[i]);
        variable(m, name, "string", json_string(bucket->name), template_name_words(bucket));
    }
}

static void add_variables(struct module *m)
{
    const struct provision_settings *settings = &m->plan->settings;
    add_bucket_names(m);
    variable(m, "retention_seconds", "number",
             json_integer(settings->retention_s ? settings->retention_s : DEFAULT_RETENTION_S),
             "How long the queues keep a message");
    variable(m, "dead_letter_retention_seconds", "number", json_integer(PROVISION_DEAD_RETENTION_S),
             "How long the dead-letter queues keep a message");
    variable(m, "max_receives", "number", json_integer(settings->max_receives),
             "A message that was received so often goes to the dead-letter queue");
    if (settings->lifecycle_days)
        variable(m, "expiration_days", "number", json_integer(settings->lifecycle_days),
                 "Outputs are deleted after so many days");
    json_t *service =
        variable(m, "trusted_service", "string", json_string("ecs-tasks.amazonaws.com"),
                 "Where the engine runs: ecs-tasks.amazonaws.com (ECS tasks) or "
                 "ec2.amazonaws.com");
    module_put(m, service, "validation",
               json_pack("[{s:o, s:s}]", "condition",
                         module_expression(
                             "contains([\"ecs-tasks.amazonaws.com\", \"ec2.amazonaws.com\"], "
                             "var.trusted_service)"),
                         "error_message", "Use ecs-tasks.amazonaws.com or ec2.amazonaws.com."));
    variable(m, "alarm_email", "string", json_string(""),
             "Alarms go to this address; empty for none");
    variable(m, "alarm_topic_arn", "string", json_string(""),
             "Alarms go to this existing topic instead of an address");
    variable(m, "alarm_age_seconds", "number", json_integer(900),
             "An alarm is raised when the oldest message of a queue is older than this");
}

/* ---- outputs ---- */

static void output(struct module *m, const char *name, const char *what, json_t *value)
{
    json_t *body = module_block(m, "output", NULL, name);
    module_put(m, body, "description", json_string(what));
    module_put(m, body, "value", value);
}

/* A topic or queue, which may be made on a condition: then null, where it is not. */
static void output_made(struct module *m, size_t index, const char *suffix, const char *attribute,
                        const char *what)
{
    char name[256];
    snprintf(name, sizeof name, "%s_%s", m->ids[index], suffix);
    output(m, name, what,
           m->plan->resources[index].home_region
               ? module_expression("one(%s.%s[*].%s)", module_types[m->plan->resources[index].kind],
                                   m->ids[index], attribute)
               : module_attribute(m, index, attribute));
}

static void add_outputs(struct module *m)
{
    char name[256];
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *made = &m->plan->resources[i];
        if (made->kind == PROVISION_BUCKET) {
            snprintf(name, sizeof name, "%s_name", m->ids[i]);
            output(m, name, template_output_words(made), module_attribute(m, i, "id"));
        } else if (made->kind == PROVISION_TOPIC && !made->notify) {
            output(m, "topic_arn", template_output_words(made), module_arn(i, m));
        } else if (made->kind == PROVISION_TOPIC) {
            output_made(m, i, "arn", "arn", template_output_words(made));
        } else if (made->kind == PROVISION_QUEUE) {
            output_made(m, i, "url", "id", template_output_words(made));
        }
    }
    output(m, "role_arn", "Role of the engine: the task definition's taskRoleArn in ECS",
           module_expression("aws_iam_role.engine.arn"));
    output(m, "instance_profile_arn", "Instance profile with the role, for EC2; else null",
           module_expression("one(aws_iam_instance_profile.engine[*].arn)"));
}

/* ---- the configuration ---- */

/* Policies, subscriptions, targets and the like have the name of what they belong to. */
static void name_resources(struct module *m)
{
    template_name(&m->names, "alarms", "", &m->code);
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *made = &m->plan->resources[i];
        if (made->kind == PROVISION_BUCKET)
            m->ids[i] = made->output ? template_name(&m->names, made->name, "bucket", &m->code)
                                     : template_name(&m->names, "bucket", "", &m->code);
        else if (made->kind == PROVISION_TOPIC || made->kind == PROVISION_QUEUE ||
                 made->kind == PROVISION_RULE)
            m->ids[i] = template_name(&m->names, made->name, "", &m->code);
        else if (made->kind == PROVISION_SUBSCRIPTION)
            m->ids[i] = m->ids[made->to];
        else
            m->ids[i] = m->ids[made->on];
    }
}

/* Whether an ARN is made of its parts. */
static bool needs_place(const struct provision_permissions *permissions)
{
    for (enum provision_permit i = 0; i < PERMIT_COUNT; i++)
        for (size_t k = 0; k < permissions->items[i].count; k++)
            if (permissions->items[i].reaches[k].service)
                return true;
    return false;
}

/* Whether a resource is made in one region only. */
static bool needs_region(const struct provision_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->resources[i].home_region)
            return true;
    return false;
}

static void add_head(struct module *m)
{
    module_comment(
        m, "apply",
        "Made by thumbwheel provision --emit terraform. Save it as main.tf in a folder of its "
        "own, then:\n"
        "\n"
        "    terraform init && terraform apply");
    module_put(m, m->tree, "terraform",
               json_pack("[{s:s, s:[{s:{s:s, s:s}}]}]", "required_version", ">= 1.3",
                         "required_providers", "aws", "source", "hashicorp/aws", "version",
                         ">= 5.0"));
    module_block(m, "data", "aws_caller_identity", "current");
    const bool whole = needs_place(m->permissions);
    if (whole)
        module_block(m, "data", "aws_partition", "current");
    if (whole || needs_region(m->plan))
        module_block(m, "data", "aws_region", "current");
}

static void build(struct module *m)
{
    name_resources(m);
    if (m->code)
        return;
    add_head(m);
    add_variables(m);
    for (size_t i = 0; i < m->plan->count; i++)
        module_add_resource(m, i);
    module_add_role(m);
    module_add_alarms(m);
    add_outputs(m);
}

int provision_emit_terraform(const struct provision_plan *plan,
                             const struct provision_permissions *permissions, struct buffer *out)
{
    struct module m = {.plan = plan,
                       .permissions = permissions,
                       .names = {.style = TEMPLATE_SNAKE},
                       .ids = calloc(plan->count + 1, sizeof *m.ids),
                       .tree = json_object()};
    m.code = m.ids && m.tree ? 0 : ERR_MEMORY;
    if (!m.code)
        build(&m);
    if (!m.code)
        m.code = hcl_write(m.tree, out);
    json_decref(m.tree);
    template_names_clear(&m.names);
    free(m.ids);
    return m.code;
}
