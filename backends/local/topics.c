#include "topics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "log.h"
#include "topic_rows.h"
#include "uuid.h"

struct topics {
    struct cloud *cloud;
    struct name_index topics, subscriptions;
};

/* Records. */

static int record_init(struct topic_record *r, struct topics *topics, struct name_index *index,
                       const char *arn, json_t *attributes)
{
    r->topics = topics;
    r->index = index;
    r->refs = 1;
    r->named.name = strdup(arn);
    r->attributes = attributes ? json_deep_copy(attributes) : json_object();
    return r->named.name && r->attributes ? 0 : ERR_MEMORY;
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

/* The policy in a topic's attributes; none: NULL, as for subscriptions. */
static int policy_read(const struct topic_record *r, const json_t *attributes, struct policy **out)
{
    const char *text = json_string_value(json_object_get(attributes, "Policy"));
    *out = NULL;
    return text && !is_subscription(r) ? policy_parse(POLICY_OF_TOPIC, text, out, NULL) : 0;
}

/* Takes a policy, gives the one that it replaces. */
static struct policy *policy_swap(struct topic_record *r, struct policy *policy)
{
    struct policy *previous = NULL;
    if (!is_subscription(r)) {
        previous = topic_of(r)->policy;
        topic_of(r)->policy = policy;
    }
    return previous;
}

void record_release(struct topic_record *r)
{
    if (--r->refs > 0)
        return;
    json_decref(r->attributes);
    free(r->named.name);
    if (is_subscription(r)) {
        free(subscription_of(r)->topic_arn);
        free(subscription_of(r)->endpoint);
        free(subscription_of(r));
    } else {
        policy_release(topic_of(r)->policy);
        free(topic_of(r));
    }
}

static void record_vanish(struct topic_record *r)
{
    if (r->gone)
        return;
    r->gone = true;
    name_index_remove(r->index, &r->named);
    record_release(r);
}

static void attributes_applied(struct topic_record *r)
{
    const char *raw = json_string_value(json_object_get(r->attributes, "RawMessageDelivery"));
    if (is_subscription(r))
        subscription_of(r)->raw = raw && strcmp(raw, "true") == 0;
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
    return r ? subscription_of(r) : NULL;
}

bool topic_name_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    }
    return size > 0 && size <= TOPIC_NAME_MAX;
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
    struct topic_row_facts facts = {.arn = r->named.name, .attributes = r->attributes};
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
    attributes_applied(r);
    int status = name_index_add(r->index, &r->named);
    if (!status)
        status = record_submit(r, TOPIC_ROW_INSERT, create_settled, done, user, NULL);
    if (status) {
        name_index_remove(r->index, &r->named);
        record_release(r);
    }
    return status;
}

static int topic_new(struct topics *topics, const char *arn, json_t *attributes, struct topic **out)
{
    struct topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return ERR_MEMORY;
    struct topic_record *r = &topic->record;
    int status = record_init(r, topics, &topics->topics, arn, attributes);
    if (!status)
        status = policy_read(r, r->attributes, &topic->policy);
    if (status)
        record_release(r);
    else
        *out = topic;
    return status;
}

int topics_create(struct topics *topics, const char *arn, json_t *attributes, topic_written *done,
                  void *user)
{
    if (name_index_find(&topics->topics, arn))
        return ERR_CONFLICT;
    struct topic *topic;
    int status = topic_new(topics, arn, attributes, &topic);
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
    r->attributes = json_incref(task->previous);
    task->previous_policy = policy_swap(r, task->previous_policy);
    attributes_applied(r);
}

static int record_set(struct topic_record *r, const char *name, const char *value,
                      topic_written *done, void *user)
{
    json_t *previous = r->attributes, *changed = json_copy(previous);
    struct policy *policy = NULL;
    int status = !changed || json_object_set_new(changed, name, json_string(value))
                     ? ERR_MEMORY
                     : policy_read(r, changed, &policy);
    if (status) {
        json_decref(changed);
        return status;
    }
    struct topic_row_task *task;
    r->attributes = changed;
    status = record_submit(r, TOPIC_ROW_UPDATE, set_settled, done, user, &task);
    if (status) {
        r->attributes = previous;
        json_decref(changed);
        policy_release(policy);
        return status;
    }
    task->previous = previous;
    task->previous_policy = policy_swap(r, policy);
    task->version = ++r->version;
    attributes_applied(r);
    return 0;
}

int topic_set(struct topic *topic, const char *name, const char *value, topic_written *done,
              void *user)
{
    return record_set(&topic->record, name, value, done, user);
}

int subscription_set(struct subscription *subscription, const char *name, const char *value,
                     topic_written *done, void *user)
{
    return record_set(&subscription->record, name, value, done, user);
}

/* Subscriptions. */

struct subscription *topic_subscription_of(struct topic *topic, const char *endpoint)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end;
    if (subscriptions_range(topic, &first, &end))
        return NULL;
    for (; first < end; first++) {
        struct topic_record *r = container_of(index->items[first], struct topic_record, named);
        if (!r->deleting && strcmp(subscription_of(r)->endpoint, endpoint) == 0)
            return subscription_of(r);
    }
    return NULL;
}

static struct subscription *subscription_new(struct topics *topics, const char *arn,
                                             const char *topic, const char *endpoint,
                                             json_t *attributes)
{
    struct subscription *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->topic_arn = strdup(topic);
    s->endpoint = strdup(endpoint);
    if (!record_init(&s->record, topics, &topics->subscriptions, arn, attributes) && s->topic_arn &&
        s->endpoint)
        return s;
    record_release(&s->record);
    return NULL;
}

int topic_subscribe(struct topic *topic, const char *endpoint, json_t *attributes,
                    topic_written *done, void *user, struct subscription **out)
{
    struct topics *topics = topic->record.topics;
    char uuid[UUID_TEXT_SIZE];
    struct buffer arn;
    uuid_make_text(uuid);
    buffer_init(&arn, 1024);
    buffer_format(&arn, "%s:%s", topic->record.named.name, uuid);
    struct subscription *s =
        arn.error
            ? NULL
            : subscription_new(topics, arn.data, topic->record.named.name, endpoint, attributes);
    buffer_free(&arn);
    if (!s)
        return ERR_MEMORY;
    *out = s;
    return record_create(&s->record, done, user);
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

size_t topics_list_subscriptions(struct topics *topics, const struct topic *topic,
                                 const char *after, struct subscription **out, size_t max,
                                 bool *more)
{
    const struct name_index *index = &topics->subscriptions;
    size_t count = 0, first = 0, end = index->count, at = place_after(index, after);
    if (topic && subscriptions_range(topic, &first, &end))
        end = first;
    for (at = at > first ? at : first; at < end && count < max; at++) {
        struct topic_record *r = container_of(index->items[at], struct topic_record, named);
        if (!r->deleting)
            out[count++] = subscription_of(r);
    }
    *more = at < end;
    return count;
}

size_t topic_subscription_count(const struct topic *topic)
{
    size_t first, end;
    return subscriptions_range(topic, &first, &end) ? 0 : end - first;
}

/* Loading. */

static int record_load(struct topics *topics, const struct topic_row_facts *row,
                       struct topic_record **out)
{
    struct topic *topic;
    if (row->topic) {
        struct subscription *s =
            subscription_new(topics, row->arn, row->topic, row->endpoint, row->attributes);
        *out = s ? &s->record : NULL;
        return s ? 0 : ERR_MEMORY;
    }
    int status = topic_new(topics, row->arn, row->attributes, &topic);
    *out = status ? NULL : &topic->record;
    return status;
}

static int topic_loaded(const struct topic_row_facts *row, void *user)
{
    struct topic_record *r;
    int status = record_load(user, row, &r);
    if (!status && (status = name_index_add(r->index, &r->named)))
        record_release(r);
    if (!status)
        attributes_applied(r);
    return status;
}

int topics_open(struct cloud *cloud, struct topics **out, struct error *error)
{
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        return error_set(error, ERR_MEMORY, "out of memory");
    topics->cloud = cloud;
    *out = topics;
    return topic_rows_load(cloud->storage, topic_loaded, topics, error);
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
