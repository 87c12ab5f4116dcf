#include "terraform_module.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const module_types[PROVISION_KINDS] = {
    [PROVISION_BUCKET] = "aws_s3_bucket",
    [PROVISION_TOPIC] = "aws_sns_topic",
    [PROVISION_TOPIC_POLICY] = "aws_sns_topic_policy",
    [PROVISION_QUEUE] = "aws_sqs_queue",
    [PROVISION_QUEUE_POLICY] = "aws_sqs_queue_policy",
    [PROVISION_SUBSCRIPTION] = "aws_sns_topic_subscription",
    [PROVISION_RULE] = "aws_cloudwatch_event_rule",
    [PROVISION_TARGET] = "aws_cloudwatch_event_target",
    [PROVISION_LIFECYCLE] = "aws_s3_bucket_lifecycle_configuration",
    [PROVISION_NOTIFICATION] = "aws_s3_bucket_notification",
    [PROVISION_EVENT_BRIDGE] = "aws_s3_bucket_notification",
};

json_t *module_put(struct module *m, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        m->code = ERR_MEMORY;
    return json_object_get(object, key);
}

json_t *module_expression(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    json_t *value = text ? json_pack("{s:s}", "=", text) : NULL;
    free(text);
    return value;
}

json_t *module_encoded(json_t *value)
{
    return json_pack("{s:o}", "jsonencode", value);
}

json_t *module_block(struct module *m, const char *kind, const char *type, const char *name)
{
    char key[512];
    json_t *body = json_object();
    snprintf(key, sizeof key, type ? "%s \"%s\" \"%s\"" : "%s%s \"%s\"", kind, type ? type : "",
             name);
    module_put(m, m->tree, key, json_pack("[o]", body));
    return body;
}

json_t *module_resource(struct module *m, size_t index)
{
    return module_block(m, "resource", module_types[m->plan->resources[index].kind], m->ids[index]);
}

void module_comment(struct module *m, const char *key, const char *text)
{
    char mark[16];
    snprintf(mark, sizeof mark, "#%s", key);
    module_put(m, m->tree, mark, json_string(text));
}

json_t *module_attribute(const struct module *m, size_t index, const char *name)
{
    return module_expression("%s.%s.%s", module_types[m->plan->resources[index].kind],
                             m->ids[index], name);
}

json_t *module_arn(size_t index, void *user)
{
    return module_attribute(user, index, "arn");
}

json_t *module_account(void *user)
{
    (void)user;
    return module_expression("data.aws_caller_identity.current.account_id");
}
