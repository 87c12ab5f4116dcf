/* DetectLabels, implemented by the built-in analyser: the request and the response. */
#include "rekognition_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buckets.h"
#include "detector.h"
#include "label_filter.h"
#include "log.h"
#include "s3_access.h"
#include "s3_version.h"
#include "utf8.h"

enum { FILTERS_MAX = 100, FILTER_MAX = 50, FEATURES_MAX = 2, KEY_MAX = 1024, BUCKET_MAX = 255 };

static const double min_confidence_default = 55;
/* the analyser's version, not Rekognition's */
static const char model_version[] = "thumbwheel-1.0";

/* Input. */

/* Returns 0 or the error of the call. *out is NULL if the member is absent. */
static int member(struct service_call *call, const json_t *from, const char *name, json_type type,
                  const json_t **out)
{
    const json_t *value = json_object_get(from, name);
    *out = value && !json_is_null(value) ? value : NULL;
    if (!*out || json_typeof(value) == type)
        return 0;
    return service_call_fail(call, SERVICE_MALFORMED, "%s is of the wrong type.", name);
}

static int text_member(struct service_call *call, const json_t *from, const char *name, long max,
                       const char **out)
{
    const json_t *value;
    int code = member(call, from, name, JSON_STRING, &value);
    *out = json_string_value(value);
    if (code || !*out)
        return code;
    long length = utf8_length(*out);
    if (length >= 1 && length <= max)
        return 0;
    return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                             "Request has invalid parameters: %s must have 1 to %ld characters.",
                             name, max);
}

/* Of texts. */
static int list_member(struct service_call *call, const json_t *from, const char *name, size_t max,
                       const json_t **out)
{
    size_t i;
    const json_t *entry;
    int code = member(call, from, name, JSON_ARRAY, out);
    if (code)
        return code;
    if (json_array_size(*out) > max)
        return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                                 "Request has invalid parameters: %s has more than %zu entries.",
                                 name, max);
    json_array_foreach((json_t *)(uintptr_t)*out, i, entry)
    {
        if (!json_is_string(entry))
            return service_call_fail(call, SERVICE_MALFORMED, "%s is not a list of strings.", name);
    }
    return 0;
}

static int filter_list(struct service_call *call, const json_t *from, const char *name,
                       const json_t **out)
{
    size_t i;
    const json_t *entry;
    int code = list_member(call, from, name, FILTERS_MAX, out);
    if (code)
        return code;
    json_array_foreach((json_t *)(uintptr_t)*out, i, entry)
    {
        if (utf8_length(json_string_value(entry)) > FILTER_MAX)
            return service_call_fail(
                call, REKOGNITION_INVALID_PARAMETER,
                "Request has invalid parameters: an entry of %s is longer than %d "
                "characters.",
                name, FILTER_MAX);
    }
    return 0;
}

static int read_settings(struct service_call *call, struct label_filter *filter)
{
    const json_t *settings, *general;
    int code = member(call, call->input, "Settings", JSON_OBJECT, &settings);
    if (code)
        return code;
    if (json_is_object(json_object_get(settings, "ImageProperties")))
        return service_call_not_implemented(call, "Settings.ImageProperties");
    code = member(call, settings, "GeneralLabels", JSON_OBJECT, &general);
    if (code)
        return code;
    code = filter_list(call, general, "LabelInclusionFilters", &filter->include);
    if (code)
        return code;
    code = filter_list(call, general, "LabelExclusionFilters", &filter->exclude);
    if (code)
        return code;
    code = filter_list(call, general, "LabelCategoryInclusionFilters", &filter->include_categories);
    if (code)
        return code;
    return filter_list(call, general, "LabelCategoryExclusionFilters", &filter->exclude_categories);
}

static int read_features(struct service_call *call)
{
    size_t i;
    const json_t *features, *entry;
    int code = list_member(call, call->input, "Features", FEATURES_MAX, &features);
    if (code)
        return code;
    json_array_foreach((json_t *)(uintptr_t)features, i, entry)
    {
        const char *name = json_string_value(entry);
        if (strcmp(name, "IMAGE_PROPERTIES") == 0)
            return service_call_not_implemented(call, "the feature IMAGE_PROPERTIES");
        if (strcmp(name, "GENERAL_LABELS") != 0)
            return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                                     "Request has invalid parameters: unknown feature %.40s; the "
                                     "features are GENERAL_LABELS and IMAGE_PROPERTIES.",
                                     name);
    }
    return 0;
}

static int read_limits(struct service_call *call, struct label_filter *filter)
{
    const json_t *confidence = json_object_get(call->input, "MinConfidence"), *most;
    filter->min_confidence = min_confidence_default;
    filter->max = LABELS_MAX;
    int code = member(call, call->input, "MaxLabels", JSON_INTEGER, &most);
    if (code)
        return code;
    if (most && json_integer_value(most) < 0)
        return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                                 "Request has invalid parameters: MaxLabels is negative.");
    if (most && json_integer_value(most) < LABELS_MAX)
        filter->max = (size_t)json_integer_value(most);
    if (!confidence || json_is_null(confidence))
        return 0;
    if (!json_is_number(confidence))
        return service_call_fail(call, SERVICE_MALFORMED, "MinConfidence is not a number.");
    filter->min_confidence = json_number_value(confidence);
    if (filter->min_confidence >= 0 && filter->min_confidence <= 100)
        return 0;
    return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                             "Request has invalid parameters: MinConfidence is not from 0 to 100.");
}

/* The caller reads the object. */
static int object_choose(struct detect_call *detect, const char *bucket, const char *key,
                         const char *version)
{
    struct service_call *call = &detect->call;
    struct cloud_request *request = call->request;
    struct bucket found;
    snprintf(request->resource, sizeof request->resource, "%s", bucket);
    cloud_request_note_key(request, key);
    if (!buckets_find(call->cloud->buckets, bucket, &found) ||
        (version && !s3_version_read(slice_of(version), &detect->detection.version)) ||
        !s3_access_caller_allowed(call->cloud, request->caller, bucket,
                                  version ? "GetObjectVersion" : "GetObject", key))
        return REKOGNITION_INVALID_OBJECT;
    detect->detection.bucket = found.id;
    detect->detection.key = key;
    return 0;
}

static int read_object(struct detect_call *detect, const json_t *from)
{
    struct service_call *call = &detect->call;
    const char *bucket, *key, *version;
    int code = text_member(call, from, "Bucket", BUCKET_MAX, &bucket);
    if (code)
        return code;
    code = text_member(call, from, "Name", KEY_MAX, &key);
    if (code)
        return code;
    code = text_member(call, from, "Version", KEY_MAX, &version);
    if (code)
        return code;
    if (!bucket || !key)
        return service_call_fail(
            call, REKOGNITION_INVALID_PARAMETER,
            "Request has invalid parameters: an S3Object must have a Bucket and a Name.");
    return object_choose(detect, bucket, key, version);
}

static int read_image(struct detect_call *detect)
{
    struct service_call *call = &detect->call;
    const json_t *image, *bytes = NULL, *object = NULL;
    int code = member(call, call->input, "Image", JSON_OBJECT, &image);
    if (code)
        return code;
    code = member(call, image, "Bytes", JSON_STRING, &bytes);
    if (code)
        return code;
    code = member(call, image, "S3Object", JSON_OBJECT, &object);
    if (code)
        return code;
    if (!bytes == !object || (bytes && !json_string_length(bytes)))
        return service_call_fail(
            call, REKOGNITION_INVALID_PARAMETER,
            "Request has invalid parameters: Image must have either Bytes or an S3Object.");
    if (object)
        return read_object(detect, object);
    detect->detection.base64 = (struct slice){json_string_value(bytes), json_string_length(bytes)};
    return 0;
}

/* Responses. */

static int respond(struct detect_call *detect)
{
    struct service_call *call = &detect->call;
    json_t *labels = label_filter_apply(&detect->filter, &detect->detection.labels);
    int code = service_call_output(call, "Labels", labels);
    return code ? code : service_call_output(call, "LabelModelVersion", json_string(model_version));
}

static int fail_internally(struct detect_call *detect)
{
    log_error("an image could not be analysed for DetectLabels",
              LOG_TEXT("reason", detect->detection.error.text));
    return service_call_fail(&detect->call, SERVICE_INTERNAL,
                             "The image could not be analysed: %.300s",
                             detect->detection.error.text);
}

static int outcome(struct detect_call *detect)
{
    struct service_call *call = &detect->call;
    const char *why = detect->detection.error.text;
    const char *separator = *why ? ": " : "";
    switch (detect->detection.result) {
    case DETECTION_DONE:
        return respond(detect);
    case DETECTION_NOT_BASE64:
        return service_call_fail(call, SERVICE_MALFORMED, "Image.Bytes is not base64.");
    case DETECTION_NO_OBJECT:
        return REKOGNITION_INVALID_OBJECT;
    case DETECTION_TOO_SMALL: /* the service's error code: boto/botocore, issue 1366 */
        return service_call_fail(call, REKOGNITION_INVALID_PARAMETER,
                                 "Request has invalid parameters: %.400s", why);
    case DETECTION_TOO_LARGE:
        return service_call_fail(call, REKOGNITION_IMAGE_TOO_LARGE,
                                 "Image size is too large%s%.400s", separator, why);
    case DETECTION_NO_IMAGE:
        return service_call_fail(call, REKOGNITION_INVALID_IMAGE,
                                 "Request has invalid image format%s%.400s", separator, why);
    case DETECTION_CANCELLED:
        return 0; /* nobody listens */
    case DETECTION_FAILED:
        break;
    }
    return fail_internally(detect);
}

static void detected(struct detection *detection)
{
    struct detect_call *detect = container_of(detection, struct detect_call, detection);
    service_call_finish(&detect->call, outcome(detect));
}

void rekognition_detect_labels_ended(struct service_call *call, bool completed)
{
    (void)completed;
    if (call->state == CALL_WAITING)
        detection_cancel(&container_of(call, struct detect_call, call)->detection);
}

static int read_request(struct detect_call *detect)
{
    int code = read_limits(&detect->call, &detect->filter);
    if (code)
        return code;
    code = read_features(&detect->call);
    if (code)
        return code;
    code = read_settings(&detect->call, &detect->filter);
    if (code)
        return code;
    return read_image(detect);
}

int rekognition_detect_labels(struct service_call *call)
{
    struct detect_call *detect = container_of(call, struct detect_call, call);
    if (!call->cloud->detector)
        return service_call_not_implemented(call, "image analysis");
    int code = read_request(detect);
    if (code)
        return code;
    detect->detection.done = detected;
    http_call_wait(call->request->call); /* a decoder works for nobody else */
    detector_submit(call->cloud->detector, &detect->detection);
    return service_call_wait(call, 0);
}
