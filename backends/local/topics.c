#include "topics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "log.h"
#include "topic_fifo.h"
#include "topic_rows.h"
#include "uuid.h"

struct topics {
    struct cloud *cloud;
    struct name_index topics, subscriptions;
    size_t filters; /* subscriptions with a filter policy */
};

/* Records. */

static int record_init(struct topic_record *r, struct topics *topics, struct name_index *index,
                       const char *arn, json_t *attributes, json_t *details)
{
    r->topics = topics;
    r->index = index;
    r->refs = 1;
    r->named.name = strdup(arn);
    r->attributes = attributes ? json_deep_copy(attributes) : json_object();
    r->details = details ? json_deep_copy(details) : json_object();
    return r->named.name && r->attributes && r->details ? 0 : ERR_MEMORY;
}

static struct subscription *subscription_of(struct topic_record *r)
{
    return container_of(r, struct subscription, record);
}

static struct topic *topic_of(struct topic_record *r)
{
    return container_of(r, struct topic, record);
}

static bool is_subscription(const struct topic_record *r)
{
    return r->index == &r->topics->subscriptions;
}

static const char *text_in(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
    const char *text = text_in(object, name);
    return text && strcmp(text, "true") == 0;
}

void record_rules_free(struct record_rules *rules)
{
    policy_release(rules->policy);
    filter_policy_free(rules->filter);
    *rules = (struct record_rules){0};
}

/* An empty filter policy is none. */
static int filter_read(const char *text, struct filter_policy **out)
{
    char why[FILTER_POLICY_TEXT_MAX];
    return text && text[0] ? filter_policy_parse(text, out, why) : 0;
}

static int rules_read(const struct topic_record *r, const json_t *attributes,
                      struct record_rules *out)
{
    *out = (struct record_rules){0};
    if (is_subscription(r))
        return filter_read(text_in(attributes, "FilterPolicy"), &out->filter);
    const char *policy = text_in(attributes, "Policy");
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
    if (is_subscription(r)) {
        free(subscription_of(r)->topic_arn);
        free(subscription_of(r)->endpoint);
        free(subscription_of(r));
    } else {
        topic_fifo_free(topic_of(r)->dedup);
        free(topic_of(r));
    }
}

/* After each change of the rules. */
static void filter_count(struct topic_record *r)
{
    bool filtered =
        !r->gone && r->rules.filter && !(is_subscription(r) && subscription_of(r)->ended);
    if (filtered != r->filtered)
        r->topics->filters += filtered ? 1 : (size_t)-1;
    r->filtered = filtered;
}

static void record_vanish(struct topic_record *r)
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
    const char *scope = text_in(attributes, "FilterPolicyScope");
    s->protocol = text_in(details, "protocol");
    if (!s->protocol) /* of a version that knew queues alone */
        s->protocol = "sqs";
    s->raw = is_true(attributes, "RawMessageDelivery");
    s->body_scope = scope && strcmp(scope, "MessageBody") == 0;
    s->pending = json_is_true(json_object_get(details, "pending"));
    s->ended = json_is_true(json_object_get(details, "ended"));
}

static void topic_applied(struct topic *t)
{
    const json_t *attributes = t->record.attributes;
    const char *scope = text_in(attributes, "FifoThroughputScope");
    const char *signature = text_in(attributes, "SignatureVersion");
    t->fifo = is_true(attributes, "FifoTopic");
    t->content_dedup = is_true(attributes, "ContentBasedDeduplication");
    t->group_scope = scope && strcmp(scope, "MessageGroup") == 0;
    t->signature_version = signature && strcmp(signature, "2") == 0 ? 2 : 1;
}

static void record_applied(struct topic_record *r)
{
    if (is_subscription(r))
        subscription_applied(subscription_of(r));
    else
        topic_applied(topic_of(r));
    filter_count(r);
}

static struct topic_record *record_find(struct name_index *index, const char *arn)
{
    struct named *named = name_index_find(index, arn);
    struct topic_record *r = named ? container_of(named, struct topic_record, named) : NULL;
    return r && !r->deleting ? r : NULL;
}

struct topic *topics_find(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->topics, arn);
    return r ? container_of(r, struct topic, record) : NULL;
}

struct subscription *topics_find_subscription(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->subscriptions, arn);
    return r && !subscription_of(r)->ended ? subscription_of(r) : NULL;
}

struct subscription *topics_find_ended(struct topics *topics, const char *arn)
{
    struct topic_record *r = record_find(&topics->subscriptions, arn);
    return r && subscription_of(r)->ended ? subscription_of(r) : NULL;
}

bool topic_name_is_fifo(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".fifo") == 0;
}

bool topic_name_valid(const char *name, bool fifo)
{
    size_t size = strlen(name), plain = fifo ? size - 5 : size;
    if (size > TOPIC_NAME_MAX || (fifo && !topic_name_is_fifo(name)))
        return false;
    for (size_t i = 0; i < plain; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    }
    return plain > 0;
}

int topic_arn(const struct topics *topics, const char *name, struct buffer *out)
{
    return buffer_format(out, "arn:aws:sns:%s:%s:%s", topics->cloud->region, topics->cloud->account,
                         name);
}

/* Changes. */

static int record_submit(struct topic_record *r, enum topic_row_change change,
                         void (*settled)(struct topic_row_task *task, int status),
                         topic_written *done, void *user, struct topic_row_task **out)
{
    struct topic_row_facts facts = {
        .arn = r->named.name, .attributes = r->attributes, .details = r->details};
    if (is_subscription(r)) {
        facts.topic = subscription_of(r)->topic_arn;
        facts.endpoint = subscription_of(r)->endpoint;
    }
    struct topic_row_task *task = topic_row_task_new(r, change, &facts);
    if (!task)
        return ERR_MEMORY;
    task->settled = settled;
    task->done = done;
    task->user = user;
    if (out)
        *out = task;
    storage_submit(r->topics->cloud->storage, &task->task);
    return 0;
}

static void create_settled(struct topic_row_task *task, int status)
{
    if (!status)
        return;
    log_error("topic or subscription not stored", LOG_TEXT("arn", task->record->named.name),
              LOG_TEXT("error", task->task.error.text));
    record_vanish(task->record);
}

static int record_create(struct topic_record *r, topic_written *done, void *user)
{
    record_applied(r);
    int status = name_index_add(r->index, &r->named);
    if (!status)
        status = record_submit(r, TOPIC_ROW_INSERT, create_settled, done, user, NULL);
    if (status) {
        name_index_remove(r->index, &r->named);
        record_release(r);
    }
    return status;
}

static int topic_new(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
                     struct topic **out)
{
    struct topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return ERR_MEMORY;
    struct topic_record *r = &topic->record;
    int status = record_init(r, topics, &topics->topics, arn, attributes, details);
    if (!status)
        status = rules_read(r, r->attributes, &r->rules);
    if (status)
        record_release(r);
    else
        *out = topic;
    return status;
}

int topics_create(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
                  topic_written *done, void *user)
{
    if (name_index_find(&topics->topics, arn))
        return ERR_CONFLICT;
    struct topic *topic;
    int status = topic_new(topics, arn, attributes, details, &topic);
    return status ? status : record_create(&topic->record, done, user);
}

int topic_confirm(struct topic *topic, topic_written *done, void *user)
{
    return record_submit(&topic->record, TOPIC_ROW_NONE, NULL, done, user, NULL);
}

int subscription_confirm(struct subscription *subscription, topic_written *done, void *user)
{
    return record_submit(&subscription->record, TOPIC_ROW_NONE, NULL, done, user, NULL);
}

/* The places of a topic's subscriptions in their index: from "ARN:" up to "ARN;", the next
 * character. */
static int subscriptions_range(const struct topic *topic, size_t *first, size_t *end)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    struct buffer bound;
    buffer_init(&bound, 1024);
    *first = *end = 0;
    if (!buffer_format(&bound, "%s:", topic->record.named.name)) {
        *first = name_index_from(index, bound.data);
        bound.data[bound.size - 1] = ';';
        *end = name_index_from(index, bound.data);
    }
    int status = bound.error;
    buffer_free(&bound);
    return status;
}

static void delete_settled(struct topic_row_task *task, int status)
{
    struct topic_record *r = task->record;
    if (status) {
        r->deleting = false;
        return;
    }
    size_t first, end;
    if (!is_subscription(r) &&
        !subscriptions_range(container_of(r, struct topic, record), &first, &end)) {
        while (end > first)
            record_vanish(
                container_of(r->topics->subscriptions.items[--end], struct topic_record, named));
    }
    record_vanish(r);
}

static int record_delete(struct topic_record *r, topic_written *done, void *user)
{
    int status = record_submit(r, TOPIC_ROW_DELETE, delete_settled, done, user, NULL);
    r->deleting = !status;
    return status;
}

int topic_delete(struct topic *topic, topic_written *done, void *user)
{
    return record_delete(&topic->record, done, user);
}

int subscription_delete(struct subscription *subscription, topic_written *done, void *user)
{
    return record_delete(&subscription->record, done, user);
}

/* Taken back if it cannot be stored, unless another change has followed. */
static void set_settled(struct topic_row_task *task, int status)
{
    struct topic_record *r = task->record;
    if (!status || r->version != task->version)
        return;
    json_decref(r->attributes);
    json_decref(r->details);
    r->attributes = json_incref(task->previous);
    r->details = json_incref(task->previous_details);
    struct record_rules rules = r->rules;
    r->rules = task->previous_rules;
    task->previous_rules = rules;
    record_applied(r);
}

/* Takes attributes and details. */
static int record_change(struct topic_record *r, json_t *attributes, json_t *details,
                         topic_written *done, void *user)
{
    json_t *previous = r->attributes, *previous_details = r->details;
    struct record_rules rules = {0};
    struct topic_row_task *task;
    int status = attributes && details ? rules_read(r, attributes, &rules) : ERR_MEMORY;
    if (!status) {
        r->attributes = attributes;
        r->details = details;
        status = record_submit(r, TOPIC_ROW_UPDATE, set_settled, done, user, &task);
    }
    if (status) {
        r->attributes = previous;
        r->details = previous_details;
        json_decref(attributes);
        json_decref(details);
        record_rules_free(&rules);
        return status;
    }
    task->previous = previous;
    task->previous_details = previous_details;
    task->previous_rules = r->rules;
    task->version = ++r->version;
    r->rules = rules;
    record_applied(r);
    return 0;
}

static int record_set(struct topic_record *r, const char *name, const char *value,
                      topic_written *done, void *user)
{
    json_t *changed = json_copy(r->attributes);
    if (!value) {
        json_object_del(changed, name);
    } else if (changed && json_object_set_new(changed, name, json_string(value))) {
        json_decref(changed);
        changed = NULL;
    }
    return record_change(r, changed, json_incref(r->details), done, user);
}

int topic_set(struct topic *topic, const char *name, const char *value, topic_written *done,
              void *user)
{
    return record_set(&topic->record, name, value, done, user);
}

int topic_set_details(struct topic *topic, json_t *details, topic_written *done, void *user)
{
    return record_change(&topic->record, json_incref(topic->record.attributes),
                         json_deep_copy(details), done, user);
}

int subscription_set(struct subscription *subscription, const char *name, const char *value,
                     topic_written *done, void *user)
{
    return record_set(&subscription->record, name, value, done, user);
}

int subscription_set_details(struct subscription *subscription, json_t *details,
                             topic_written *done, void *user)
{
    return record_change(&subscription->record, json_incref(subscription->record.attributes),
                         json_deep_copy(details), done, user);
}

/* Subscriptions. */

struct subscription *topic_subscription_of(struct topic *topic, const char *protocol,
                                           const char *endpoint)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end;
    if (subscriptions_range(topic, &first, &end))
        return NULL;
    for (; first < end; first++) {
        struct topic_record *r = container_of(index->items[first], struct topic_record, named);
        struct subscription *s = subscription_of(r);
        if (!r->deleting && !s->ended && strcmp(s->endpoint, endpoint) == 0 &&
            strcmp(s->protocol, protocol) == 0)
            return s;
    }
    return NULL;
}

static int subscription_new(struct topics *topics, const char *arn, const char *topic,
                            const struct subscription_draft *draft, struct subscription **out)
{
    struct subscription *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->topic_arn = strdup(topic);
    s->endpoint = strdup(draft->endpoint);
    struct topic_record *r = &s->record;
    int status =
        record_init(r, topics, &topics->subscriptions, arn, draft->attributes, draft->details);
    if (!s->topic_arn || !s->endpoint)
        status = ERR_MEMORY;
    if (!status)
        status = rules_read(r, r->attributes, &r->rules);
    if (status)
        record_release(r);
    else
        *out = s;
    return status;
}

int topic_subscribe(struct topic *topic, const struct subscription_draft *draft,
                    topic_written *done, void *user, struct subscription **out)
{
    struct topics *topics = topic->record.topics;
    const char *topic_name = topic->record.named.name;
    char uuid[UUID_TEXT_SIZE];
    struct buffer arn;
    uuid_make_text(uuid);
    buffer_init(&arn, 1024);
    buffer_format(&arn, "%s:%s", topic_name, uuid);
    int status =
        arn.error ? ERR_MEMORY : subscription_new(topics, arn.data, topic_name, draft, out);
    buffer_free(&arn);
    return status ? status : record_create(&(*out)->record, done, user);
}

/* Listings. */

static size_t place_after(const struct name_index *index, const char *after)
{
    if (!after)
        return 0;
    size_t at = name_index_from(index, after);
    return at < index->count && strcmp(index->items[at]->name, after) == 0 ? at + 1 : at;
}

size_t topics_list(struct topics *topics, const char *after, struct topic **out, size_t max,
                   bool *more)
{
    const struct name_index *index = &topics->topics;
    size_t count = 0, at = place_after(index, after);
    for (; at < index->count && count < max; at++) {
        struct topic_record *r = container_of(index->items[at], struct topic_record, named);
        if (!r->deleting)
            out[count++] = container_of(r, struct topic, record);
    }
    *more = at < index->count;
    return count;
}

static size_t subscriptions_page(struct topics *topics, const struct topic *topic,
                                 const char *after, bool all, struct subscription **out, size_t max,
                                 bool *more)
{
    const struct name_index *index = &topics->subscriptions;
    size_t count = 0, first = 0, end = index->count, at = place_after(index, after);
    if (topic && subscriptions_range(topic, &first, &end))
        end = first;
    for (at = at > first ? at : first; at < end && count < max; at++) {
        struct topic_record *r = container_of(index->items[at], struct topic_record, named);
        if (!r->deleting && (all || !subscription_of(r)->ended))
            out[count++] = subscription_of(r);
    }
    *more = at < end;
    return count;
}

size_t topics_list_subscriptions(struct topics *topics, const struct topic *topic,
                                 const char *after, struct subscription **out, size_t max,
                                 bool *more)
{
    return subscriptions_page(topics, topic, after, false, out, max, more);
}

size_t topics_list_all_subscriptions(struct topics *topics, const struct topic *topic,
                                     const char *after, struct subscription **out, size_t max,
                                     bool *more)
{
    return subscriptions_page(topics, topic, after, true, out, max, more);
}

size_t topic_subscription_count(const struct topic *topic, bool pending)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end, count = 0;
    if (subscriptions_range(topic, &first, &end))
        return 0;
    for (; first < end; first++) {
        const struct subscription *s =
            subscription_of(container_of(index->items[first], struct topic_record, named));
        count += !s->ended && s->pending == pending;
    }
    return count;
}

size_t topic_filter_count(const struct topic *topic)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end, count = 0;
    if (subscriptions_range(topic, &first, &end))
        return 0;
    for (; first < end; first++)
        count += container_of(index->items[first], struct topic_record, named)->filtered;
    return count;
}

size_t topics_filter_count(const struct topics *topics)
{
    return topics->filters;
}

/* Loading. */

static int record_load(struct topics *topics, const struct topic_row_facts *row,
                       struct topic_record **out)
{
    struct topic *topic;
    struct subscription *s;
    int status;
    if (row->topic) {
        const struct subscription_draft draft = {row->endpoint, row->attributes, row->details};
        status = subscription_new(topics, row->arn, row->topic, &draft, &s);
        *out = status ? NULL : &s->record;
    } else {
        status = topic_new(topics, row->arn, row->attributes, row->details, &topic);
        *out = status ? NULL : &topic->record;
    }
    return status;
}

static int topic_loaded(const struct topic_row_facts *row, void *user)
{
    struct topic_record *r;
    int status = record_load(user, row, &r);
    if (!status && (status = name_index_add(r->index, &r->named)))
        record_release(r);
    if (!status)
        record_applied(r);
    return status;
}

int topics_open(struct cloud *cloud, struct topics **out, struct error *error)
{
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        return error_set(error, ERR_MEMORY, "out of memory");
    topics->cloud = cloud;
    *out = topics;
    int status = topic_rows_load(cloud->storage, topic_loaded, topics, error);
    return status ? status : topic_fifo_load(topics, cloud->storage, error);
}

static void index_empty(struct name_index *index)
{
    while (index->count > 0)
        record_vanish(container_of(index->items[index->count - 1], struct topic_record, named));
    name_index_free(index);
}

void topics_close(struct topics *topics)
{
    index_empty(&topics->subscriptions);
    index_empty(&topics->topics);
    free(topics);
}
