#include "s3_event_bridge.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cloud.h"
#include "events_dispatch.h"
#include "s3_time.h"

enum { ARN_SIZE = 96 };

struct event_kind {
    const char *name; /* name of the S3 event */
    const char *detail_type, *reason, *deletion;
    bool sized, ordered; /* the object has a size and a sequencer */
};

/* "EventBridge event types", S3 User Guide: those that can occur here. */
static const struct event_kind kinds[] = {
    {"ObjectCreated:Put", "Object Created", "PutObject", NULL, true, true},
    {"ObjectCreated:Post", "Object Created", "POST Object", NULL, true, true},
    {"ObjectCreated:Copy", "Object Created", "CopyObject", NULL, true, true},
    {"ObjectCreated:CompleteMultipartUpload", "Object Created", "CompleteMultipartUpload", NULL,
     true, true},
    {"ObjectRemoved:Delete", "Object Deleted", "DeleteObject", "Permanently Deleted", false, true},
    {"ObjectRemoved:DeleteMarkerCreated", "Object Deleted", "DeleteObject", "Delete Marker Created",
     false, true},
    {"LifecycleExpiration:Delete", "Object Deleted", "Lifecycle Expiration", "Permanently Deleted",
     false, true},
    {"LifecycleExpiration:DeleteMarkerCreated", "Object Deleted", "Lifecycle Expiration",
     "Delete Marker Created", false, true},
    {"ObjectRestore:Post", "Object Restore Initiated", NULL, NULL, true, false},
    {"ObjectRestore:Completed", "Object Restore Completed", NULL, NULL, true, false},
    {"ObjectRestore:Delete", "Object Restore Expired", NULL, NULL, true, false},
    {"LifecycleTransition", "Object Storage Class Changed", NULL, NULL, true, false},
    {"ObjectTagging:Put", "Object Tags Added", NULL, NULL, false, false},
    {"ObjectTagging:Delete", "Object Tags Deleted", NULL, NULL, false, false},
};

static const struct event_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

bool s3_event_bridge_has(const char *name)
{
    return kind_find(name) != NULL;
}

static int text_set(json_t *object, const char *name, const char *text)
{
    return text && *text ? json_object_set_new(object, name, json_string(text)) : 0;
}

static json_t *object_json(const struct s3_event *event, const struct event_kind *kind)
{
    char sequencer[24];
    json_t *object = json_pack("{s:s}", "key", event->key);
    int failed = !object;
    snprintf(sequencer, sizeof sequencer, "%016" PRIX64, event->sequencer);
    if (kind->sized)
        failed |= json_object_set_new(object, "size", json_integer((json_int_t)event->size));
    failed |= text_set(object, "etag", event->etag);
    failed |= text_set(object, "version-id", event->version);
    if (kind->ordered)
        failed |= text_set(object, "sequencer", sequencer);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static bool is_transition(const struct s3_event *event)
{
    return strcmp(event->name, "LifecycleTransition") == 0;
}

static json_t *detail_json(const struct s3_event *event, const struct event_kind *kind)
{
    json_t *detail =
        json_pack("{s:s, s:{s:s}, s:o, s:s, s:s}", "version", "0", "bucket", "name", event->bucket,
                  "object", object_json(event, kind), "request-id", event->request_id, "requester",
                  event->agent ? event->agent : event->account);
    char expiry[S3_TIME_SIZE] = "";
    int failed = !detail;
    failed |= text_set(detail, "source-ip-address", event->agent ? NULL : "127.0.0.1");
    failed |= text_set(detail, "reason", kind->reason);
    failed |= text_set(detail, "deletion-type", kind->deletion);
    if (event->restored_until_ms)
        s3_time_iso(event->restored_until_ms, expiry);
    failed |= text_set(detail, "restore-expiry-time", expiry);
    failed |= text_set(detail,
                       is_transition(event) ? "destination-storage-class" : "source-storage-class",
                       event->storage_class);
    if (!failed)
        return detail;
    json_decref(detail);
    return NULL;
}

int s3_event_bridge_send(struct cloud *cloud, const struct s3_event *event,
                         struct storage_unit *unit)
{
    const struct event_kind *kind = kind_find(event->name);
    char arn[ARN_SIZE];
    const struct arn_home home = {event->region, event->owner};
    if (!kind || !events_wanted(cloud, home))
        return 0;
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s", event->bucket);
    struct events_event out = {.home = home,
                               .source = "aws.s3",
                               .detail_type = kind->detail_type,
                               .resources = json_pack("[s]", arn),
                               .detail = detail_json(event, kind),
                               .time_s = event->time_ms / 1000};
    uuid_make_text(out.id);
    int code =
        out.resources && out.detail ? events_dispatch_default(cloud, &out, unit) : ERR_MEMORY;
    json_decref(out.resources);
    json_decref(out.detail);
    return code;
}
