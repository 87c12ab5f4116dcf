/*
 * PutBucketNotificationConfiguration and GetBucketNotificationConfiguration. The configuration and
 * the s3:TestEvent for each of its destinations are one unit.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "event_target.h"
#include "log.h"
#include "resource_name.h"
#include "s3_body.h"
#include "s3_events.h"
#include "s3_notification_xml.h"

enum { BODY_MAX = 1024 * 1024, RESPONSE_MAX = 1024 * 1024, ARN_SIZE = 96 };

/* The client only learns that a destination is invalid; the log contains the reason. */
static bool targets_possible(struct s3_request *request, const struct notification *notification)
{
    char source[ARN_SIZE], reason[POLICY_REASON_MAX] = "it is in another region than the bucket";
    struct bucket bucket;
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return true; /* deleted meanwhile, so the change will fail */
    snprintf(source, sizeof source, "arn:aws:s3:::%s", request->bucket);
    for (size_t i = 0; i < notification->count; i++) {
        const char *target = notification->rules[i].target;
        if (arn_is_in(target, bucket.region) &&
            event_target_possible(request->cloud, (struct delivery_source){source, bucket.owner},
                                  target, reason))
            continue;
        log_error("notification configuration refused", LOG_TEXT("source", source),
                  LOG_TEXT("target", target), LOG_TEXT("reason", reason));
        return false;
    }
    return true;
}

static bool is_first_of_target(const struct notification *notification, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(notification->rules[i].target, notification->rules[index].target) == 0)
            return false;
    }
    return true;
}

static int announce(const struct notification *notification, struct storage_unit *unit, void *user)
{
    int code = 0;
    for (size_t i = 0; i < notification->count && !code; i++) {
        if (is_first_of_target(notification, i))
            code = s3_events_send_test(user, notification->rules[i].target, unit);
    }
    return code;
}

static void on_set(int code, const struct error *error, void *user)
{
    struct s3_request *request = user;
    if (code)
        s3_respond_failure(request, code, error);
    else
        s3_respond_empty(request, 200, NULL, 0);
    s3_request_release(request);
}

static void set(struct s3_request *request, struct notification *notification)
{
    s3_request_hold(request);
    if (!buckets_set_notification(request->cloud->buckets, request->bucket, notification, announce,
                                  on_set, request))
        return;
    s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    s3_request_release(request);
}

/* Clients write booleans in the format of their language. */
static bool validation_skipped(const struct s3_request *request)
{
    struct slice value = s3_header(request, "x-amz-skip-destination-validation");
    return value.size == 4 && strncasecmp(value.data, "true", 4) == 0;
}

static void on_document(struct s3_request *request, struct slice body)
{
    struct notification notification;
    const char *message = NULL;
    enum s3_error error = s3_notification_parse(body, &notification, &message);
    if (!error && !validation_skipped(request) && !targets_possible(request, &notification)) {
        error = S3_INVALID_ARGUMENT;
        message = "Unable to validate the following destination configurations";
    }
    if (error)
        s3_respond_error(request, error, message);
    else
        set(request, &notification);
    notification_clear(&notification);
}

void s3_put_notification(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}

void s3_get_notification(struct s3_request *request)
{
    struct bucket bucket;
    struct buffer out;
    if (!s3_find_bucket(request, &bucket))
        return;
    buffer_init(&out, RESPONSE_MAX);
    s3_notification_write(bucket.notification, &out);
    s3_respond_xml(request, &out);
}
