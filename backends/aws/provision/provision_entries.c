/* A bucket's notifications and lifecycles: one document each, which S3 replaces as a whole. The entries
 * of others are written back byte for byte; Ceph keeps those that a document does not name. */
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "bucket_entries.h"
#include "json_text.h"
#include "provision_private.h"
#include "uri.h"

enum { DOCUMENT_MAX = 1024 * 1024, QUERY_MAX = 4096 };

/* ---- documents ---- */

/* Whether one of our ids: the plan's, or the same with a number from an earlier plan. */
static bool is_own_notification(const struct provision *p, const char *id)
{
    const char *own = p->run->plan->settings.notification_id;
    const size_t size = strlen(own);
    return id && strncmp(id, own, size) == 0 && (!id[size] || id[size] == '/');
}

static bool is_planned(const struct provision *p, const char *id)
{
    const struct provision_resource *resource = provision_now(p);
    for (size_t i = 0; id && i < resource->filter_count; i++)
        if (strcmp(p->run->plan->filters[resource->filter + i].id, id) == 0)
            return true;
    return false;
}

static bool is_event_bridge(const json_t *entry)
{
    return strcmp(bucket_entry_name(entry), "EventBridgeConfiguration") == 0;
}

/* Whether the current resource replaces this entry of its document. */
static bool is_ours(const struct provision *p, const json_t *entry)
{
    switch (provision_now(p)->kind) {
    case PROVISION_LIFECYCLE:
        return is_planned(p, bucket_entry_text(entry, "ID"));
    case PROVISION_NOTIFICATION:
        return is_own_notification(p, bucket_entry_text(entry, "Id"));
    default:
        return is_event_bridge(entry);
    }
}

static int wanted_append(const struct provision *p, struct buffer *out)
{
    json_t *wanted = provision_attributes(p->run->plan, p->index, &p->run->place);
    const char *id;
    json_t *entry;
    if (!wanted)
        return ERR_MEMORY;
    if (provision_now(p)->kind == PROVISION_EVENT_BRIDGE)
        buffer_text(out, "<EventBridgeConfiguration/>");
    else
        json_object_foreach(wanted, id, entry)
        {
            if (provision_now(p)->kind == PROVISION_LIFECYCLE)
                lifecycle_append(out, id, entry);
            else
                notification_append(out, id, entry);
        }
    json_decref(wanted);
    return out->error;
}

/* Ceph keeps the notifications that a document does not name. */
static bool adds_only(const struct provision *p)
{
    return provision_to_broker(p) && provision_now(p)->kind == PROVISION_NOTIFICATION;
}

static int document_make(const struct provision *p, const char *root, struct buffer *out)
{
    json_t *entries;
    const struct slice document = slice_of(p->text);
    int code = bucket_entries_read(document, &entries);
    buffer_format(out, "<%s xmlns=\"%s\">", root, provision_s3_namespace);
    for (size_t i = 0; i < json_array_size(entries) && !code; i++)
        if (!is_ours(p, json_array_get(entries, i)) && !adds_only(p))
            bucket_entry_copy(json_array_get(entries, i), document, out);
    if (!code)
        code = wanted_append(p, out);
    json_decref(entries);
    buffer_format(out, "</%s>", root);
    return code ? code : out->error;
}

static int document_write(struct provision *p, const char *root, struct s3_bucket_call call)
{
    struct buffer document;
    buffer_init(&document, DOCUMENT_MAX);
    int code = document_make(p, root, &document);
    if (code) {
        buffer_free(&document);
        return code;
    }
    call.method = "PUT";
    call.body = buffer_take(&document);
    call.settling = true;
    return provision_s3_call(p, call, provision_written);
}

/* ---- notifications ---- */

static bool announces_new_photos(const json_t *notification)
{
    static const char created[] = "s3:ObjectCreated:";
    const json_t *events = json_object_get(notification, "Events");
    for (size_t i = 0; i < json_array_size(events); i++)
        if (strncmp(json_string_value(json_array_get(events, i)), created, strlen(created)) == 0)
            return true;
    return false;
}

static bool overlaps(const struct provision *p, const json_t *notification)
{
    const struct provision_resource *resource = provision_now(p);
    if (resource->kind != PROVISION_NOTIFICATION || !announces_new_photos(notification))
        return false;
    for (size_t i = 0; i < resource->filter_count; i++) {
        const struct provision_filter *filter = &p->run->plan->filters[resource->filter + i];
        if (provision_filters_overlap(filter->prefix, filter->suffix,
                                      json_text_in(notification, "Prefix"),
                                      json_text_in(notification, "Suffix")))
            return true;
    }
    return false;
}

static int overlap_report(struct provision *p, const char *id, const json_t *notification)
{
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_format(&text,
                  "the notification \"%s\" already sends the events of new objects \"%s*%s\" to "
                  "%s, and S3 allows one destination for each object: use a --prefix or --suffix "
                  "that does not overlap, or --via eventbridge, which stands beside it, or remove "
                  "that notification",
                  id, json_text_in(notification, "Prefix"), json_text_in(notification, "Suffix"),
                  json_text_in(notification, "Target"));
    return provision_set_conflict(p, &text);
}

static int other_notification(struct provision *p, const json_t *entry)
{
    const char *id = bucket_entry_text(entry, "Id");
    if (is_event_bridge(entry))
        return provision_other(p, "its events also go to EventBridge");
    json_t *notification = notification_of(entry);
    if (!notification)
        return ERR_MEMORY;
    id = id ? id : "";
    int code;
    if (overlaps(p, notification))
        code = overlap_report(p, id, notification);
    else if (is_own_notification(p, id))
        code = provision_other(p,
                               "its notification \"%s\" to %s is from another --via: while it "
                               "stays, photos may be announced twice; remove it if it is not used",
                               id, json_text_in(notification, "Target"));
    else
        code = provision_other(p, "its notification \"%s\" to %s is not ours", id,
                               json_text_in(notification, "Target"));
    json_decref(notification);
    return code;
}

/* In the ARNs of Ceph's topics, the name alone counts: the region is that of a zone group. */
static int target_settle(const struct provision *p, json_t *notification)
{
    const struct provision_plan *plan = p->run->plan;
    const size_t topic = plan->filters[provision_now(p)->filter].to;
    if (!slice_equal_text(arn_part(json_text_in(notification, "Target"), ARN_RESOURCE),
                          plan->resources[topic].name))
        return 0;
    char *arn = provision_arn_at(p, topic);
    const int failed = json_object_set_new(notification, "Target", arn ? json_string(arn) : NULL);
    free(arn);
    return failed;
}

static int own_notification(struct provision *p, const json_t *entry)
{
    p->finding.exists = true;
    if (is_event_bridge(entry))
        return provision_found(p, "EventBridgeConfiguration", json_true());
    json_t *notification = notification_of(entry);
    if (notification && provision_to_broker(p) && target_settle(p, notification)) {
        json_decref(notification);
        return ERR_MEMORY;
    }
    return provision_found(p, bucket_entry_text(entry, "Id"), notification);
}

/* ---- reading ---- */

static int other_rule(struct provision *p, const json_t *entry)
{
    const char *id = bucket_entry_text(entry, "ID");
    return provision_other(p, "its lifecycle rule \"%s\" is not ours", id ? id : "");
}

static int own_rule(struct provision *p, const json_t *entry)
{
    p->finding.exists = true;
    return provision_found(p, bucket_entry_text(entry, "ID"), lifecycle_of(entry));
}

static int entry_found(struct provision *p, const json_t *entry)
{
    if (provision_now(p)->kind == PROVISION_LIFECYCLE)
        return is_ours(p, entry) ? own_rule(p, entry) : other_rule(p, entry);
    return is_ours(p, entry) ? own_notification(p, entry) : other_notification(p, entry);
}

static int document_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    json_t *entries;
    if (provision_is_absent(error))
        return 0;
    if (error->code)
        return error->code;
    p->text = slice_dup(provision_body(reply));
    int code = p->text ? bucket_entries_read(slice_of(p->text), &entries) : ERR_MEMORY;
    if (code) {
        aws_error_unreadable(error, &reply->subject, code, "the configuration cannot be read");
        return code;
    }
    for (size_t i = 0; i < json_array_size(entries) && !code; i++)
        code = entry_found(p, json_array_get(entries, i));
    json_decref(entries);
    return code;
}

int provision_read_notification(struct provision *p)
{
    return provision_s3_call(
        p,
        (struct s3_bucket_call){.operation = "GetBucketNotificationConfiguration",
                                .method = "GET",
                                .query = "notification=",
                                .settling = p->run->write},
        document_known);
}

/* The id of one of ours that the plan lacks; NULL: there is none. */
static const char *surplus_of(const struct provision *p)
{
    const char *id;
    json_t *difference;
    json_object_foreach(p->change.differences, id, difference)
    {
        if (json_is_null(json_object_get(difference, "should")))
            return id;
    }
    return NULL;
}

static int surplus_removed(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)reply;
    if (error->code)
        return error->code;
    json_object_del(p->change.differences, surplus_of(p));
    const int code = provision_write_notification(p);
    return code ? code : PROVISION_WAITS;
}

/* A request of Ceph's. */
static int surplus_remove(struct provision *p, const char *id)
{
    struct buffer query;
    buffer_init(&query, QUERY_MAX);
    buffer_text(&query, "notification=");
    int code = uri_encode(&query, slice_of(id), false);
    if (!code)
        code = provision_s3_call(p,
                                 (struct s3_bucket_call){.operation = "DeleteBucketNotification",
                                                         .method = "DELETE",
                                                         .query = query.data},
                                 surplus_removed);
    buffer_free(&query);
    return code;
}

int provision_write_notification(struct provision *p)
{
    const char *surplus = adds_only(p) ? surplus_of(p) : NULL;
    if (surplus)
        return surplus_remove(p, surplus);
    return document_write(p, "NotificationConfiguration",
                          (struct s3_bucket_call){.operation = "PutBucketNotificationConfiguration",
                                                  .query = "notification="});
}

int provision_read_lifecycle(struct provision *p)
{
    return provision_s3_call(p,
                             (struct s3_bucket_call){.operation = "GetBucketLifecycleConfiguration",
                                                     .method = "GET",
                                                     .query = "lifecycle=",
                                                     .settling = p->run->write},
                             document_known);
}

int provision_write_lifecycle(struct provision *p)
{
    return document_write(p, "LifecycleConfiguration",
                          (struct s3_bucket_call){.operation = "PutBucketLifecycleConfiguration",
                                                  .query = "lifecycle="});
}
