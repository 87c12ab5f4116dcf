#include "s3_events.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_target.h"
#include "s3_event_bridge.h"
#include "s3_time.h"
#include "signature_check.h"

enum {
    ENCODED_KEY_MAX = 4096, /* a key of 1,024 bytes, each escaped, and spare room */
    ARN_SIZE = 96,
    EVENT_NAME_SIZE = 64,
};

static const char subject[] = "Amazon S3 Notification";

/* The characters that java.net.URLEncoder, which S3 uses, does not encode. */
static bool stays(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(".-*_/", c));
}

int s3_event_encode_key(struct buffer *out, const char *key)
{
    for (; *key; key++) {
        if (stays(*key))
            buffer_byte(out, *key);
        else if (*key == ' ')
            buffer_byte(out, '+');
        else
            buffer_format(out, "%%%02X", (unsigned)(unsigned char)*key);
    }
    return out->error;
}

/* These events have another version and no sequencer: localstack recorded them of the service
 * (TestS3NotificationsToSQS.test_object_tagging_put_event). */
static bool is_about_settings(const struct s3_event *event)
{
    return strncmp(event->name, "ObjectTagging:", strlen("ObjectTagging:")) == 0 ||
           strncmp(event->name, "ObjectAcl:", strlen("ObjectAcl:")) == 0;
}

static json_t *object_part(const struct s3_event *event)
{
    struct buffer key;
    char sequencer[24];
    buffer_init(&key, ENCODED_KEY_MAX);
    if (s3_event_encode_key(&key, event->key))
        return NULL; /* keys always fit, so memory is short */
    snprintf(sequencer, sizeof sequencer, "%016" PRIX64, event->sequencer);
    json_t *part = json_pack("{s:s}", "key", key.data);
    if (!is_about_settings(event))
        json_object_set_new(part, "sequencer", json_string(sequencer));
    buffer_free(&key);
    if (strncmp(event->name, "ObjectCreated:", 14) == 0 || event->storage_class)
        json_object_set_new(part, "size", json_integer((json_int_t)event->size));
    if (event->etag)
        json_object_set_new(part, "eTag", json_string(event->etag));
    if (event->version && *event->version)
        json_object_set_new(part, "versionId", json_string(event->version));
    return part;
}

static json_t *s3_part(const struct s3_event *event, const char *configuration_id)
{
    char arn[ARN_SIZE];
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s", event->bucket);
    return json_pack("{s:s, s:s, s:{s:s, s:{s:s}, s:s}, s:o}", "s3SchemaVersion", "1.0",
                     "configurationId", configuration_id, "bucket", "name", event->bucket,
                     "ownerIdentity", "principalId", event->owner, "arn", arn, "object",
                     object_part(event));
}

/* "glacierEventData" and "lifecycleEventData", Event message structure, S3 User Guide. */
static int add_class(json_t *record, const struct s3_event *event)
{
    char time[S3_TIME_SIZE];
    if (event->restored_until_ms) {
        s3_time_iso(event->restored_until_ms, time);
        return json_object_set_new(record, "glacierEventData",
                                   json_pack("{s:{s:s, s:s}}", "restoreEventData",
                                             "lifecycleRestorationExpiryTime", time,
                                             "lifecycleRestoreStorageClass", event->storage_class));
    }
    if (strcmp(event->name, "LifecycleTransition") != 0)
        return 0;
    return json_object_set_new(record, "lifecycleEventData",
                               json_pack("{s:{s:s}}", "transitionEventData",
                                         "destinationStorageClass", event->storage_class));
}

char *s3_event_message(const struct s3_event *event, const char *configuration_id)
{
    char time[S3_TIME_SIZE], principal[160];
    s3_time_iso(event->time_ms, time);
    snprintf(principal, sizeof principal, "%s%s",
             event->agent ? "" : "AWS:", event->agent ? event->agent : event->user);
    json_t *message = json_pack(
        "{s:[{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:o}]}", "Records",
        "eventVersion", is_about_settings(event) ? "2.3" : "2.1", "eventSource", "aws:s3",
        "awsRegion", event->region, "eventTime", time, "eventName", event->name, "userIdentity",
        "principalId", principal, "requestParameters", "sourceIPAddress",
        event->agent ? event->agent : "127.0.0.1", "responseElements", "x-amz-request-id",
        event->request_id, "x-amz-id-2", event->request_id, "s3", s3_part(event, configuration_id));
    json_t *record = json_array_get(json_object_get(message, "Records"), 0);
    int failed = !message || add_class(record, event);
    char *text = failed ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    return text;
}

char *s3_test_event_message(const char *bucket, const char *request_id, int64_t time_ms)
{
    char time[S3_TIME_SIZE];
    s3_time_iso(time_ms, time);
    json_t *message =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Service", "Amazon S3", "Event", "s3:TestEvent",
                  "Time", time, "Bucket", bucket, "RequestId", request_id, "HostId", request_id);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    return text;
}

/* Takes the message. */
static int send_message(struct cloud *cloud, const struct bucket *bucket, const char *target,
                        char *message, struct storage_unit *unit)
{
    char arn[ARN_SIZE];
    if (!message)
        return ERR_MEMORY;
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s", bucket->name);
    const struct delivery_source source = {arn, bucket->owner};
    int code = event_target_send(cloud, source, target, slice_of(subject), slice_of(message), unit);
    free(message);
    return code;
}

static bool wants(const struct notification_rule *rule, const char *event, const char *key)
{
    char name[EVENT_NAME_SIZE];
    snprintf(name, sizeof name, "s3:%s", event);
    return notification_rule_matches(rule, name, key);
}

bool s3_events_wanted(const struct notification *notification, const char *event, const char *key)
{
    for (size_t i = 0; i < notification->count; i++) {
        if (wants(&notification->rules[i], event, key))
            return true;
    }
    return notification->event_bridge && s3_event_bridge_has(event);
}

int s3_events_send_for(struct cloud *cloud, const struct notification *notification,
                       const struct s3_event *event, struct storage_unit *unit)
{
    struct s3_event full = *event;
    struct bucket bucket = {
        .name = event->bucket, .region = cloud->region, .owner = cloud->account};
    int code = 0;
    buckets_find(cloud->buckets, event->bucket, &bucket);
    full.region = bucket.region;
    full.owner = bucket.owner;
    for (size_t i = 0; i < notification->count && !code; i++) {
        const struct notification_rule *rule = &notification->rules[i];
        if (wants(rule, event->name, event->key))
            code =
                send_message(cloud, &bucket, rule->target, s3_event_message(&full, rule->id), unit);
    }
    if (code)
        return code;
    return notification->event_bridge ? s3_event_bridge_send(cloud, &full, unit) : 0;
}

int s3_events_send(struct s3_request *request, const struct notification *notification,
                   const struct s3_event *event, struct storage_unit *unit)
{
    struct s3_event full = *event;
    full.bucket = request->bucket;
    full.request_id = request->id;
    full.user = request->caller ? request->caller->user_id : "ANONYMOUS";
    full.account = request->account;
    return s3_events_send_for(request->cloud, notification, &full, unit);
}

int s3_events_send_test(struct s3_request *request, const char *target, struct storage_unit *unit)
{
    struct bucket bucket = {.name = request->bucket, .owner = request->account};
    buckets_find(request->cloud->buckets, request->bucket, &bucket);
    return send_message(request->cloud, &bucket, target,
                        s3_test_event_message(request->bucket, request->id, s3_time_now_ms()),
                        unit);
}
