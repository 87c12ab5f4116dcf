/* Changes of topics and subscriptions, and storing them. */
#include <stdlib.h>

#include "cloud.h"
#include "topic_rows.h"
#include "topics_internal.h"
#include "uuid.h"

static int record_submit(struct topic_record *r, enum topic_row_change change,
                         void (*settled)(struct topic_row_task *task, int code),
                         topic_written *done, void *user, struct topic_row_task **out)
{
    struct topic_row_facts facts = {
        .arn = r->named.name, .attributes = r->attributes, .details = r->details};
    if (record_is_subscription(r)) {
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

static void create_settled(struct topic_row_task *task, int code)
{
    if (!code)
        return;
    log_error("topic or subscription not stored", LOG_TEXT("arn", task->record->named.name),
              LOG_TEXT("error", task->task.error.text));
    record_vanish(task->record);
}

static int record_create(struct topic_record *r, topic_written *done, void *user)
{
    record_applied(r);
    int code = name_index_add(r->index, &r->named);
    if (!code)
        code = record_submit(r, TOPIC_ROW_INSERT, create_settled, done, user, NULL);
    if (code) {
        name_index_remove(r->index, &r->named);
        record_release(r);
    }
    return code;
}

int topics_create(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
                  topic_written *done, void *user)
{
    if (name_index_find(&topics->topics, arn))
        return ERR_CONFLICT;
    struct topic *topic;
    int code = topic_new(topics, arn, attributes, details, &topic);
    return code ? code : record_create(&topic->record, done, user);
}

int topic_confirm(struct topic *topic, topic_written *done, void *user)
{
    return record_submit(&topic->record, TOPIC_ROW_NONE, NULL, done, user, NULL);
}

int subscription_confirm(struct subscription *subscription, topic_written *done, void *user)
{
    return record_submit(&subscription->record, TOPIC_ROW_NONE, NULL, done, user, NULL);
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
    int code = arn.error ? ERR_MEMORY : subscription_new(topics, arn.data, topic_name, draft, out);
    buffer_free(&arn);
    return code ? code : record_create(&(*out)->record, done, user);
}

static void delete_settled(struct topic_row_task *task, int code)
{
    struct topic_record *r = task->record;
    if (code) {
        r->deleting = false;
        return;
    }
    size_t first, end;
    if (!record_is_subscription(r)) {
        topic_subscriptions_range(topic_of(r), &first, &end);
        while (end > first)
            record_vanish(record_at(&r->topics->subscriptions, --end));
    }
    record_vanish(r);
}

static int record_delete(struct topic_record *r, topic_written *done, void *user)
{
    int code = record_submit(r, TOPIC_ROW_DELETE, delete_settled, done, user, NULL);
    r->deleting = !code;
    return code;
}

int topic_delete(struct topic *topic, topic_written *done, void *user)
{
    return record_delete(&topic->record, done, user);
}

int subscription_delete(struct subscription *subscription, topic_written *done, void *user)
{
    return record_delete(&subscription->record, done, user);
}

static void json_swap(json_t **a, json_t **b)
{
    json_t *other = *a;
    *a = *b;
    *b = other;
}

static void rules_swap(struct record_rules *a, struct record_rules *b)
{
    struct record_rules other = *a;
    *a = *b;
    *b = other;
}

/* Rolls back a change that could not be stored. If another change followed, the state before it was
 * never stored either, so that change inherits the state that this one replaced. */
static void set_settled(struct topic_row_task *task, int code)
{
    struct topic_record *r = task->record;
    struct list *after = list_take(&r->changes, &task->update);
    if (!code)
        return;
    struct topic_row_task *next = after ? container_of(after, struct topic_row_task, update) : NULL;
    json_swap(&task->previous, next ? &next->previous : &r->attributes);
    json_swap(&task->previous_details, next ? &next->previous_details : &r->details);
    rules_swap(&task->previous_rules, next ? &next->previous_rules : &r->rules);
    if (!next)
        record_applied(r);
}

/* Takes attributes and details. */
static int record_change(struct topic_record *r, json_t *attributes, json_t *details,
                         topic_written *done, void *user)
{
    json_t *previous = r->attributes, *previous_details = r->details;
    struct record_rules rules = {0};
    struct topic_row_task *task;
    int code = attributes && details ? record_rules_read(r, attributes, &rules) : ERR_MEMORY;
    if (!code) {
        r->attributes = attributes;
        r->details = details;
        code = record_submit(r, TOPIC_ROW_UPDATE, set_settled, done, user, &task);
    }
    if (code) {
        r->attributes = previous;
        r->details = previous_details;
        json_decref(attributes);
        json_decref(details);
        record_rules_free(&rules);
        return code;
    }
    task->previous = previous;
    task->previous_details = previous_details;
    task->previous_rules = r->rules;
    list_push(&r->changes, &task->update);
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
