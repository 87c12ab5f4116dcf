/* The resources of the plan in a Terraform configuration. */
#include "emit_policy.h"
#include "terraform_module.h"

static json_t *policy_of(struct module *m, size_t index)
{
    const struct emit_references references = {module_arn, module_account, m};
    return module_encoded(emit_policy(m->plan, index, &references));
}

/* ---- buckets ---- */

static void add_filter(struct module *m, json_t *body, const struct provision_filter *filter)
{
    bool topic = m->plan->resources[filter->to].kind == PROVISION_TOPIC;
    const char *kind = topic ? "topic" : "queue";
    json_t *list = json_object_get(body, kind);
    json_t *entry =
        json_pack("{s:s, s:o, s:[s]}", "id", filter->id, topic ? "topic_arn" : "queue_arn",
                  module_arn(filter->to, m), "events", "s3:ObjectCreated:*");
    if (filter->prefix[0])
        module_put(m, entry, "filter_prefix", json_string(filter->prefix));
    if (filter->suffix[0])
        module_put(m, entry, "filter_suffix", json_string(filter->suffix));
    if (!list)
        list = module_put(m, body, kind, json_array());
    if (json_array_append_new(list, entry))
        m->code = ERR_MEMORY;
}

static json_t *policies_for(const struct module *m, size_t bucket)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->plan->count; i++)
        if (emit_policy_admits(m->plan, i, bucket))
            json_array_append_new(
                list,
                module_expression("%s.%s", module_types[m->plan->resources[i].kind], m->ids[i]));
    return list;
}

static void add_notification(struct module *m, size_t index)
{
    const struct provision_resource *notification = &m->plan->resources[index];
    json_t *body = module_resource(m, index), *policies = policies_for(m, notification->on);
    module_put(m, body, "bucket", module_attribute(m, notification->on, "id"));
    if (notification->kind == PROVISION_EVENT_BRIDGE)
        module_put(m, body, "eventbridge", json_true());
    if (json_array_size(policies))
        module_put(m, body, "depends_on", json_incref(policies));
    json_decref(policies);
    for (size_t i = 0; i < notification->filter_count; i++)
        add_filter(m, body, &m->plan->filters[notification->filter + i]);
}

static void add_lifecycle(struct module *m, size_t index)
{
    const struct provision_resource *lifecycle = &m->plan->resources[index];
    json_t *body = module_resource(m, index), *rules = json_array();
    module_put(m, body, "bucket", module_attribute(m, lifecycle->on, "id"));
    module_put(m, body, "rule", rules);
    for (size_t i = 0; i < lifecycle->filter_count; i++) {
        const struct provision_filter *filter = &m->plan->filters[lifecycle->filter + i];
        if (json_array_append_new(rules, json_pack("{s:s, s:s, s:[{s:s}], s:[{s:o}]}", "id",
                                                   filter->id, "status", "Enabled", "filter",
                                                   "prefix", filter->prefix, "expiration", "days",
                                                   module_expression("var.expiration_days"))))
            m->code = ERR_MEMORY;
    }
}

/* ---- queues, topic, rules ---- */

/* A topic or queue that must be somewhere is made only there. */
static json_t *add_at_home(struct module *m, size_t index)
{
    const struct provision_resource *made = &m->plan->resources[index];
    json_t *body = module_resource(m, index);
    if (made->home_region)
        module_put(m, body, "count",
                   module_expression("data.aws_caller_identity.current.account_id == \"%s\" && "
                                     "data.aws_region.current.name == \"%s\" ? 1 : 0",
                                     made->home_account, made->home_region));
    return body;
}

static void add_topic(struct module *m, size_t index)
{
    const struct provision_resource *topic = &m->plan->resources[index];
    json_t *body = add_at_home(m, index);
    module_put(m, body, "name", json_string(topic->name));
    if (topic->fifo)
        module_put(m, body, "fifo_topic", json_true());
}

static void add_queue(struct module *m, size_t index)
{
    const struct provision_resource *queue = &m->plan->resources[index];
    json_t *body = add_at_home(m, index);
    module_put(m, body, "name", json_string(queue->name));
    if (queue->fifo) {
        module_put(m, body, "fifo_queue", json_true());
        module_put(m, body, "content_based_deduplication", json_true());
    }
    if (queue->visibility_s)
        module_put(m, body, "visibility_timeout_seconds", json_integer(queue->visibility_s));
    module_put(m, body, "message_retention_seconds",
               module_expression(queue->dead_letters ? "var.dead_letter_retention_seconds"
                                                     : "var.retention_seconds"));
    if (queue->to != PROVISION_NONE)
        module_put(
            m, body, "redrive_policy",
            module_encoded(json_pack("{s:o, s:o}", "deadLetterTargetArn", module_arn(queue->to, m),
                                     "maxReceiveCount", module_expression("var.max_receives"))));
}

static void add_policy(struct module *m, size_t index, const char *key, const char *name)
{
    if (!emit_policy_is_first(m->plan, index))
        return;
    json_t *body = module_resource(m, index);
    module_put(m, body, key, module_attribute(m, m->plan->resources[index].on, name));
    module_put(m, body, "policy", policy_of(m, index));
}

static void add_subscription(struct module *m, size_t index)
{
    const struct provision_resource *subscription = &m->plan->resources[index];
    json_t *body = module_resource(m, index);
    module_put(m, body, "topic_arn", module_arn(subscription->on, m));
    module_put(m, body, "protocol", json_string("sqs"));
    module_put(m, body, "endpoint", module_arn(subscription->to, m));
    module_put(m, body, "raw_message_delivery", json_boolean(subscription->raw_delivery));
    module_put(
        m, body, "depends_on", /* the first messages must not fail */
        json_pack("[o]", module_expression("aws_sqs_queue_policy.%s", m->ids[subscription->to])));
}

static void add_rule(struct module *m, size_t index)
{
    const struct provision_resource *rule = &m->plan->resources[index];
    json_t *body = module_resource(m, index), *pattern = provision_pattern(m->plan, index);
    module_put(m, json_object_get(json_object_get(pattern, "detail"), "bucket"), "name",
               json_pack("[o]", module_attribute(m, rule->on, "id")));
    module_put(m, body, "name", json_string(rule->name));
    module_put(m, body, "event_pattern", module_encoded(pattern));
}

static void add_target(struct module *m, size_t index)
{
    const struct provision_resource *target = &m->plan->resources[index];
    json_t *body = module_resource(m, index);
    module_put(m, body, "rule", module_attribute(m, target->on, "name"));
    module_put(m, body, "target_id", json_string(target->name));
    module_put(m, body, "arn", module_arn(target->to, m));
    if (m->plan->resources[target->to].fifo)
        module_put(m, body, "sqs_target",
                   json_pack("[{s:s}]", "message_group_id", m->plan->resources[target->on].name));
}

static void add_bucket(struct module *m, size_t index)
{
    module_put(m, module_resource(m, index), "bucket",
               module_expression("var.%s_name", m->ids[index]));
}

void module_add_resource(struct module *m, size_t index)
{
    switch (m->plan->resources[index].kind) {
    case PROVISION_BUCKET:
        add_bucket(m, index);
        return;
    case PROVISION_LIFECYCLE:
        add_lifecycle(m, index);
        return;
    case PROVISION_TOPIC:
        add_topic(m, index);
        return;
    case PROVISION_TOPIC_POLICY:
        add_policy(m, index, "arn", "arn");
        return;
    case PROVISION_QUEUE:
        add_queue(m, index);
        return;
    case PROVISION_QUEUE_POLICY:
        add_policy(m, index, "queue_url", "id");
        return;
    case PROVISION_SUBSCRIPTION:
        add_subscription(m, index);
        return;
    case PROVISION_RULE:
        add_rule(m, index);
        return;
    case PROVISION_TARGET:
        add_target(m, index);
        return;
    case PROVISION_NOTIFICATION:
    case PROVISION_EVENT_BRIDGE:
        add_notification(m, index);
        return;
    case PROVISION_EXCHANGE: /* nothing of a broker is in a template */
    case PROVISION_BROKER_QUEUE:
    case PROVISION_BINDING:
    case PROVISION_BROKER_POLICY:
    case PROVISION_KINDS:
        return;
    }
}
