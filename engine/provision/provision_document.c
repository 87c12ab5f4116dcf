#include "provision_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

static const struct provision_resource *at(const struct provision_plan *plan, size_t index)
{
    return &plan->resources[index];
}

static const struct kind_row {
    const char *name, *service;
} kinds[PROVISION_KINDS] = {
    [PROVISION_BUCKET] = {"bucket", "s3"},
    [PROVISION_LIFECYCLE] = {"lifecycle of bucket", "s3"},
    [PROVISION_TOPIC] = {"topic", "sns"},
    [PROVISION_TOPIC_POLICY] = {"policy of topic", "sns"},
    [PROVISION_QUEUE] = {"queue", "sqs"},
    [PROVISION_QUEUE_POLICY] = {"policy of queue", "sqs"},
    [PROVISION_SUBSCRIPTION] = {"subscription of queue", "sns"},
    [PROVISION_RULE] = {"rule", "events"},
    [PROVISION_TARGET] = {"target of rule", "events"},
    [PROVISION_NOTIFICATION] = {"notification of bucket", "s3"},
    [PROVISION_EVENT_BRIDGE] = {"EventBridge events of bucket", "s3"},
    [PROVISION_EXCHANGE] = {"exchange", NULL},
    [PROVISION_BROKER_QUEUE] = {"queue", NULL},
    [PROVISION_BINDING] = {"binding of queue", NULL},
    [PROVISION_BROKER_POLICY] = {"policy", NULL},
};

const char *provision_kind_name(enum provision_kind kind)
{
    return kinds[kind].name;
}

char *provision_arn(const struct provision_plan *plan, size_t index,
                    const struct provision_place *place)
{
    const struct provision_resource *resource = at(plan, index);
    char *arn = NULL;
    int size;
    if (resource->kind == PROVISION_BUCKET)
        size = asprintf(&arn, "arn:%s:s3:::%s", place->partition, resource->name);
    else
        size = asprintf(&arn, "arn:%s:%s:%s:%s:%s%s", place->partition,
                        kinds[resource->kind].service, place->region, place->account,
                        resource->kind == PROVISION_RULE ? "rule/" : "", resource->name);
    return size < 0 ? NULL : arn;
}

/* ---- policies ---- */

void provision_sid(const struct provision_plan *plan, size_t index, char out[PROVISION_SID_SIZE])
{
    const struct provision_resource *source = at(plan, at(plan, index)->to);
    struct hash hash;
    uint8_t digest[SHA256_SIZE];
    hash_start(&hash, HASH_SHA256);
    hash_update(&hash, kinds[source->kind].service, strlen(kinds[source->kind].service));
    hash_update(&hash, ":", 1);
    hash_update(&hash, source->name, strlen(source->name));
    hash_finish(&hash, digest);
    int size = snprintf(out, PROVISION_SID_SIZE, "Thumbwheel");
    for (size_t i = 0; i < 8; i++)
        size += snprintf(out + size, (size_t)(PROVISION_SID_SIZE - size), "%02x", digest[i]);
}

/* The ARN of a bucket does not contain its account, so the condition names it as well. */
static json_t *condition_make(const struct provision_resource *source, const char *arn,
                              const struct provision_place *place)
{
    if (source->kind == PROVISION_BUCKET)
        return json_pack("{s:{s:s}, s:{s:s}}", "ArnLike", "aws:SourceArn", arn, "StringEquals",
                         "aws:SourceAccount", place->account);
    return json_pack("{s:{s:s}}", "ArnEquals", "aws:SourceArn", arn);
}

json_t *provision_statement(const struct provision_plan *plan, size_t index,
                            const struct provision_place *place)
{
    const struct provision_resource *policy = at(plan, index);
    const struct provision_resource *source = at(plan, policy->to);
    char sid[PROVISION_SID_SIZE], service[32];
    provision_sid(plan, index, sid);
    snprintf(service, sizeof service, "%s.amazonaws.com", kinds[source->kind].service);
    char *resource_arn = provision_arn(plan, policy->on, place);
    char *source_arn = provision_arn(plan, policy->to, place);
    json_t *statement = NULL;
    if (resource_arn && source_arn)
        statement = json_pack(
            "{s:s, s:s, s:{s:s}, s:s, s:s, s:o}", "Sid", sid, "Effect", "Allow", "Principal",
            "Service", service, "Action",
            policy->kind == PROVISION_TOPIC_POLICY ? "SNS:Publish" : "sqs:SendMessage", "Resource",
            resource_arn, "Condition", condition_make(source, source_arn, place));
    free(resource_arn);
    free(source_arn);
    return statement;
}

/* ---- events ---- */

/* A prefix and a suffix together are a wildcard, whose '*' and '\' are escaped. */
static json_t *wildcard_of(const struct provision_filter *filter)
{
    struct buffer text;
    buffer_init(&text, 4096);
    for (const char *c = filter->prefix; *c; c++)
        buffer_format(&text, "%s%c", *c == '*' || *c == '\\' ? "\\" : "", *c);
    buffer_byte(&text, '*');
    for (const char *c = filter->suffix; *c; c++)
        buffer_format(&text, "%s%c", *c == '*' || *c == '\\' ? "\\" : "", *c);
    char *wildcard = buffer_take_text(&text);
    json_t *match = wildcard ? json_pack("{s:s}", "wildcard", wildcard) : NULL;
    free(wildcard);
    return match;
}

static json_t *key_match(const struct provision_filter *filter)
{
    if (filter->prefix[0] && filter->suffix[0])
        return wildcard_of(filter);
    return filter->suffix[0] ? json_pack("{s:s}", "suffix", filter->suffix)
                             : json_pack("{s:s}", "prefix", filter->prefix);
}

json_t *provision_pattern(const struct provision_plan *plan, size_t index)
{
    const struct provision_resource *rule = at(plan, index);
    json_t *pattern =
        json_pack("{s:[s], s:[s], s:{s:{s:[s]}}}", "source", "aws.s3", "detail-type",
                  "Object Created", "detail", "bucket", "name", at(plan, rule->on)->name);
    json_t *keys = json_array();
    bool every = rule->filter_count == 0;
    int failed = !pattern || !keys;
    for (size_t i = 0; i < rule->filter_count && !failed; i++) {
        const struct provision_filter *filter = &plan->filters[rule->filter + i];
        every |= !filter->prefix[0] && !filter->suffix[0];
        failed = json_array_append_new(keys, key_match(filter));
    }
    if (!failed && !every)
        failed = json_object_set_new(json_object_get(pattern, "detail"), "object",
                                     json_pack("{s:O}", "key", keys));
    json_decref(keys);
    if (!failed)
        return pattern;
    json_decref(pattern);
    return NULL;
}

/* ---- attributes ---- */

static int set_number(json_t *object, const char *name, unsigned value)
{
    return value ? json_object_set_new(object, name, json_integer(value)) : 0;
}

static int set_arn(const struct provision_plan *plan, size_t index,
                   const struct provision_place *place, json_t *object, const char *name)
{
    char *arn = provision_arn(plan, index, place);
    int failed = json_object_set_new(object, name, arn ? json_string(arn) : NULL);
    free(arn);
    return failed;
}

static int queue_attributes(const struct provision_plan *plan, size_t index,
                            const struct provision_place *place, json_t *out)
{
    const struct provision_resource *queue = at(plan, index);
    if (set_number(out, "VisibilityTimeout", queue->visibility_s) ||
        set_number(out, "MessageRetentionPeriod", queue->retention_s))
        return ERR_MEMORY;
    if (queue->fifo && (json_object_set_new(out, "FifoQueue", json_true()) ||
                        json_object_set_new(out, "ContentBasedDeduplication", json_true())))
        return ERR_MEMORY;
    if (queue->to == PROVISION_NONE)
        return 0;
    return set_arn(plan, queue->to, place, out, "DeadLetterQueue") ||
           set_number(out, "MaxReceiveCount", queue->max_receives);
}

static int notification_attributes(const struct provision_plan *plan, size_t index,
                                   const struct provision_place *place, json_t *out)
{
    const struct provision_resource *resource = at(plan, index);
    int failed = 0;
    for (size_t i = 0; i < resource->filter_count && !failed; i++) {
        const struct provision_filter *filter = &plan->filters[resource->filter + i];
        json_t *entry = json_pack("{s:s, s:s, s:[s]}", "Prefix", filter->prefix, "Suffix",
                                  filter->suffix, "Events", "s3:ObjectCreated:*");
        failed = json_object_set_new(out, filter->id, entry);
        if (!failed)
            failed = set_arn(plan, filter->to, place, entry, "Target");
    }
    return failed;
}

static int lifecycle_attributes(const struct provision_plan *plan, size_t index, json_t *out)
{
    const struct provision_resource *resource = at(plan, index);
    int failed = 0;
    for (size_t i = 0; i < resource->filter_count && !failed; i++) {
        const struct provision_filter *filter = &plan->filters[resource->filter + i];
        failed = json_object_set_new(out, filter->id,
                                     json_pack("{s:s, s:I}", "Prefix", filter->prefix,
                                               "ExpirationDays", (json_int_t)resource->days));
    }
    return failed;
}

static int target_attributes(const struct provision_plan *plan, size_t index,
                             const struct provision_place *place, json_t *out)
{
    const struct provision_resource *target = at(plan, index);
    int failed = set_arn(plan, target->to, place, out, "Arn");
    if (!failed && at(plan, target->to)->fifo)
        failed =
            json_object_set_new(out, "MessageGroupId", json_string(at(plan, target->on)->name));
    return failed;
}

/* "Topics" in Ceph's "Bucket Notifications". Events are kept until the broker has confirmed them. */
static int push_attributes(const struct provision_plan *plan, json_t *out)
{
    const bool has_user = strchr(plan->settings.events_to, '@');
    json_t *push =
        json_pack("{s:s, s:s*, s:s, s:s, s:s}", "push-endpoint", plan->settings.events_to,
                  "password", has_user ? "as given" : NULL, "amqp-exchange", plan->settings.name,
                  "amqp-ack-level", "broker", "persistent", "true");
    const int failed = !push || json_object_update(out, push);
    json_decref(push);
    return failed;
}

static int fill(const struct provision_plan *plan, size_t index,
                const struct provision_place *place, json_t *out)
{
    switch (at(plan, index)->kind) {
    case PROVISION_TOPIC:
        return at(plan, index)->push ? push_attributes(plan, out) : 0;
    case PROVISION_EXCHANGE:
    case PROVISION_BROKER_QUEUE:
    case PROVISION_BINDING:
    case PROVISION_BROKER_POLICY:
        return json_object_update(out, at(plan, index)->attributes);
    case PROVISION_QUEUE:
        return queue_attributes(plan, index, place, out);
    case PROVISION_TOPIC_POLICY:
    case PROVISION_QUEUE_POLICY:
        return json_object_set_new(out, "Statement", provision_statement(plan, index, place));
    case PROVISION_SUBSCRIPTION:
        return json_object_set_new(out, "RawMessageDelivery",
                                   json_boolean(at(plan, index)->raw_delivery));
    case PROVISION_RULE:
        return json_object_set_new(out, "EventPattern", provision_pattern(plan, index)) ||
               json_object_set_new(out, "State", json_string("ENABLED"));
    case PROVISION_TARGET:
        return target_attributes(plan, index, place, out);
    case PROVISION_NOTIFICATION:
        return notification_attributes(plan, index, place, out);
    case PROVISION_LIFECYCLE:
        return lifecycle_attributes(plan, index, out);
    case PROVISION_EVENT_BRIDGE:
        return json_object_set_new(out, "EventBridgeConfiguration", json_true());
    default:
        return 0;
    }
}

json_t *provision_attributes(const struct provision_plan *plan, size_t index,
                             const struct provision_place *place)
{
    json_t *out = json_object();
    if (out && fill(plan, index, place, out) == 0)
        return out;
    json_decref(out);
    return NULL;
}
