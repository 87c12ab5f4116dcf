/* A delivery in the outbox: its stored form and its content. */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sns_outbox_internal.h"

struct sns_item *sns_item_new(struct sns_outbox *outbox, const char *subscription, json_t *message,
                              size_t size)
{
    struct sns_item *item = calloc(1, sizeof *item);
    char *arn = strdup(subscription);
    if (!item || !arn || deadlines_reserve(outbox->deadlines, outbox->item_count + 2)) {
        json_decref(message);
        free(arn);
        free(item);
        return NULL;
    }
    item->outbox = outbox;
    item->subscription = arn;
    item->message = message;
    item->size = size;
    item->queue = json_is_true(json_object_get(message, "queue"));
    item->deadline.expired = sns_item_due;
    list_init(&item->link);
    list_push(&outbox->items, &item->all);
    outbox->item_count++;
    outbox->bytes += size;
    outbox->queue_items += item->queue;
    return item;
}

void sns_item_free(struct sns_item *item)
{
    struct sns_outbox *outbox = item->outbox;
    deadline_clear(outbox->deadlines, &item->deadline);
    list_remove(&item->link);
    list_remove(&item->all);
    outbox->item_count--;
    outbox->bytes -= item->size;
    outbox->queue_items -= item->queue;
    json_decref(item->message);
    free(item->stored);
    free(item->subscription);
    free(item->text);
    free(item);
}

static struct slice slice_in(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);
    return (struct slice){json_string_value(text), json_string_length(text)};
}

static bool is_last(const json_t *message)
{
    return json_is_true(json_object_get(message, "last"));
}

static enum sns_envelope_type item_type(const json_t *message)
{
    if (is_last(message))
        return SNS_UNSUBSCRIBE_CONFIRMATION;
    return json_text_in(message, "token") ? SNS_SUBSCRIPTION_CONFIRMATION : SNS_NOTIFICATION;
}

struct subscription *sns_item_subscription(const struct sns_item *item)
{
    struct topics *topics = item->outbox->cloud->topics;
    return is_last(item->message) ? topics_find_ended(topics, item->subscription)
                                  : topics_find_subscription(topics, item->subscription);
}

void sns_item_envelope(const struct sns_item *item, const struct subscription *s,
                       struct sns_envelope *out)
{
    const json_t *m = item->message;
    const struct topic *topic = topics_find(item->outbox->cloud->topics, s->topic_arn);
    *out = (struct sns_envelope){
        .type = item_type(m),
        .topic = s->topic_arn,
        .id = json_text_in(m, "id"),
        .timestamp = json_text_in(m, "timestamp"),
        .subject = slice_in(m, "subject"),
        .body = slice_in(m, "body"),
        .token = json_text_in(m, "token"),
        .subscription = item->subscription,
        .sequence = json_text_in(m, "sequence"),
        .attributes = json_object_get(m, "attributes"),
        .signature_version = topic ? topic->signature_version : 1,
    };
}

/* The row to store. */
static int put_text(json_t *object, const char *name, const char *text)
{
    return text ? json_object_set_new(object, name, json_string(text)) : 0;
}

static int put_slice(json_t *object, const char *name, struct slice text)
{
    return text.data ? json_object_set_new(object, name, json_stringn(text.data, text.size)) : 0;
}

json_t *sns_item_message(const struct subscription *s, const struct sns_delivery *d)
{
    const struct sns_envelope *e = d->envelope;
    json_t *m = json_object();
    int failed =
        put_text(m, "id", e->id) || put_text(m, "timestamp", e->timestamp) ||
        put_slice(m, "subject", e->subject) || put_slice(m, "body", e->body) ||
        put_text(m, "token", e->token) || put_text(m, "sequence", e->sequence) ||
        put_text(m, "group", d->group) || put_text(m, "dedup", d->dedup) ||
        (e->attributes && json_object_set(m, "attributes", e->attributes)) ||
        (strcmp(s->protocol, "sqs") == 0 && json_object_set_new(m, "queue", json_true())) ||
        (e->type == SNS_UNSUBSCRIBE_CONFIRMATION && json_object_set_new(m, "last", json_true()));
    if (m && !failed)
        return m;
    json_decref(m);
    return NULL;
}

struct sns_delivery sns_item_delivery(const struct sns_item *item,
                                      const struct sns_envelope *envelope)
{
    return (struct sns_delivery){envelope, json_text_in(item->message, "group"),
                                 json_text_in(item->message, "dedup")};
}
