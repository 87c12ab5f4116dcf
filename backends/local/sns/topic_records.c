/* Creating and freeing topics and subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "topic_fifo.h"
#include "topic_rows.h"
#include "topics_internal.h"

static bool is_true(const json_t *object, const char *name)
{
    const char *text = json_text_in(object, name);
    return text && strcmp(text, "true") == 0;
}

void record_rules_free(struct record_rules *rules)
{
    policy_release(rules->policy);
    filter_policy_free(rules->filter);
    *rules = (struct record_rules){0};
}

/* An empty filter policy means none. */
static int filter_read(const char *text, struct filter_policy **out)
{
    char why[FILTER_POLICY_TEXT_MAX];
    return text && text[0] ? filter_policy_parse(text, out, why) : 0;
}

int record_rules_read(const struct topic_record *r, const json_t *attributes,
                      struct record_rules *out)
{
    *out = (struct record_rules){0};
    if (record_is_subscription(r))
        return filter_read(json_text_in(attributes, "FilterPolicy"), &out->filter);
    const char *policy = json_text_in(attributes, "Policy");
    return policy ? policy_parse(POLICY_OF_TOPIC, policy, &out->policy, NULL) : 0;
}

void record_release(struct topic_record *r)
{
    if (--r->refs > 0)
        return;
    r->topics->filters -= r->filtered;
    json_decref(r->attributes);
    json_decref(r->details);
    record_rules_free(&r->rules);
    free(r->named.name);
    if (record_is_subscription(r)) {
        free(subscription_of(r)->topic_arn);
        free(subscription_of(r)->endpoint);
        free(subscription_of(r));
    } else {
        topic_fifo_free(topic_of(r)->dedup);
        free(topic_of(r)->subscription_prefix);
        free(topic_of(r));
    }
}

static void filter_count(struct topic_record *r)
{
    bool filtered =
        !r->gone && r->rules.filter && !(record_is_subscription(r) && subscription_of(r)->ended);
    if (filtered != r->filtered)
        r->topics->filters += filtered ? 1 : (size_t)-1;
    r->filtered = filtered;
}

void record_vanish(struct topic_record *r)
{
    if (r->gone)
        return;
    r->gone = true;
    filter_count(r);
    name_index_remove(r->index, &r->named);
    record_release(r);
}

static void subscription_applied(struct subscription *s)
{
    const json_t *attributes = s->record.attributes, *details = s->record.details;
    const char *scope = json_text_in(attributes, "FilterPolicyScope");
    s->protocol = json_text_in(details, "protocol");
    if (!s->protocol) /* stored by a version that supported only queues */
        s->protocol = "sqs";
    s->raw = is_true(attributes, "RawMessageDelivery");
    s->body_scope = scope && strcmp(scope, "MessageBody") == 0;
    s->pending = json_is_true(json_object_get(details, "pending"));
    s->ended = json_is_true(json_object_get(details, "ended"));
}

static void topic_applied(struct topic *t)
{
    const json_t *attributes = t->record.attributes;
    const char *scope = json_text_in(attributes, "FifoThroughputScope");
    const char *signature = json_text_in(attributes, "SignatureVersion");
    t->fifo = is_true(attributes, "FifoTopic");
    t->content_dedup = is_true(attributes, "ContentBasedDeduplication");
    t->group_scope = scope && strcmp(scope, "MessageGroup") == 0;
    t->signature_version = signature && strcmp(signature, "2") == 0 ? 2 : 1;
}

void record_applied(struct topic_record *r)
{
    if (record_is_subscription(r))
        subscription_applied(subscription_of(r));
    else
        topic_applied(topic_of(r));
    filter_count(r);
}

static int record_init(struct topic_record *r, struct topics *topics, struct name_index *index,
                       const char *arn, json_t *attributes, json_t *details)
{
    r->topics = topics;
    r->index = index;
    r->refs = 1;
    list_init(&r->changes);
    r->named.name = strdup(arn);
    r->attributes = attributes ? json_deep_copy(attributes) : json_object();
    r->details = details ? json_deep_copy(details) : json_object();
    if (!r->named.name || !r->attributes || !r->details)
        return ERR_MEMORY;
    return record_rules_read(r, r->attributes, &r->rules);
}

/* NULL: no memory. */
static char *colon_added(const char *arn)
{
    size_t size = strlen(arn);
    char *text = malloc(size + 2);
    if (!text)
        return NULL;
    memcpy(text, arn, size);
    memcpy(text + size, ":", 2);
    return text;
}

int topic_new(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
              struct topic **out)
{
    struct topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return ERR_MEMORY;
    topic->subscription_prefix = colon_added(arn);
    struct topic_record *r = &topic->record;
    int code = record_init(r, topics, &topics->topics, arn, attributes, details);
    if (!topic->subscription_prefix)
        code = ERR_MEMORY;
    if (code)
        record_release(r);
    else
        *out = topic;
    return code;
}

int subscription_new(struct topics *topics, const char *arn, const char *topic,
                     const struct subscription_draft *draft, struct subscription **out)
{
    struct subscription *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->topic_arn = strdup(topic);
    s->endpoint = strdup(draft->endpoint);
    struct topic_record *r = &s->record;
    int code =
        record_init(r, topics, &topics->subscriptions, arn, draft->attributes, draft->details);
    if (!s->topic_arn || !s->endpoint)
        code = ERR_MEMORY;
    if (code)
        record_release(r);
    else
        *out = s;
    return code;
}
