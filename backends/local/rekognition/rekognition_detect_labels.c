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

static const char bad_parameter[] = "InvalidParameterException";
static const char bad_object[] = "InvalidS3ObjectException";

struct detect {
    struct detection detection;
    struct json_call *call;
    struct label_filter filter;
};

/* Input. */

/* Returns 0 or the error of the call. *out is NULL if the member is absent. */
static int member(struct json_call *call, const json_t *from, const char *name, json_type type,
                  const json_t **out)
{
    const json_t *value = json_object_get(from, name);
    *out = value && !json_is_null(value) ? value : NULL;
    if (!*out || json_typeof(value) == type)
        return 0;
    return json_call_fail(call, "SerializationException", "%s is of the wrong type.", name);
}

static int text_member(struct json_call *call, const json_t *from, const char *name, long max,
                       const char **out)
{
    const json_t *value;
    int status = member(call, from, name, JSON_STRING, &value);
    *out = json_string_value(value);
    if (status || !*out)
        return status;
    long length = utf8_length(*out);
    if (length >= 1 && length <= max)
        return 0;
    return json_call_fail(call, bad_parameter,
                          "Request has invalid parameters: %s must have 1 to %ld characters.", name,
                          max);
}

/* Of texts. */
static int list_member(struct json_call *call, const json_t *from, const char *name, size_t max,
                       const json_t **out)
{
    size_t i;
    const json_t *entry;
    int status = member(call, from, name, JSON_ARRAY, out);
    if (status)
        return status;
    if (json_array_size(*out) > max)
        return json_call_fail(call, bad_parameter,
                              "Request has invalid parameters: %s has more than %zu entries.", name,
                              max);
    json_array_foreach((json_t *)(uintptr_t)*out, i, entry)
    {
        if (!json_is_string(entry))
            return json_call_fail(call, "SerializationException", "%s is not a list of strings.",
                                  name);
    }
    return 0;
}

static int filter_list(struct json_call *call, const json_t *from, const char *name,
                       const json_t **out)
{
    size_t i;
    const json_t *entry;
    int status = list_member(call, from, name, FILTERS_MAX, out);
    if (status)
        return status;
    json_array_foreach((json_t *)(uintptr_t)*out, i, entry)
    {
        if (utf8_length(json_string_value(entry)) > FILTER_MAX)
            return json_call_fail(
                call, bad_parameter,
                "Request has invalid parameters: an entry of %s is longer than %d "
                "characters.",
                name, FILTER_MAX);
    }
    return 0;
}

static int read_settings(struct json_call *call, struct label_filter *filter)
{
    const json_t *settings, *general;
    int status = member(call, call->input, "Settings", JSON_OBJECT, &settings);
    if (!status && json_is_object(json_object_get(settings, "ImageProperties")))
        status = json_call_not_here(call, "Settings.ImageProperties");
    if (!status)
        status = member(call, settings, "GeneralLabels", JSON_OBJECT, &general);
    if (!status)
        status = filter_list(call, general, "LabelInclusionFilters", &filter->include);
    if (!status)
        status = filter_list(call, general, "LabelExclusionFilters", &filter->exclude);
    if (!status)
        status = filter_list(call, general, "LabelCategoryInclusionFilters",
                             &filter->include_categories);
    if (!status)
        status = filter_list(call, general, "LabelCategoryExclusionFilters",
                             &filter->exclude_categories);
    return status;
}

static int read_features(struct json_call *call)
{
    size_t i;
    const json_t *features, *entry;
    int status = list_member(call, call->input, "Features", FEATURES_MAX, &features);
    if (status)
        return status;
    json_array_foreach((json_t *)(uintptr_t)features, i, entry)
    {
        const char *name = json_string_value(entry);
        if (strcmp(name, "IMAGE_PROPERTIES") == 0)
            return json_call_not_here(call, "the feature IMAGE_PROPERTIES");
        if (strcmp(name, "GENERAL_LABELS") != 0)
            return json_call_fail(call, bad_parameter,
                                  "Request has invalid parameters: unknown feature %.40s; the "
                                  "features are GENERAL_LABELS and IMAGE_PROPERTIES.",
                                  name);
    }
    return 0;
}

static int read_limits(struct json_call *call, struct label_filter *filter)
{
    const json_t *confidence = json_object_get(call->input, "MinConfidence"), *most;
    filter->min_confidence = min_confidence_default;
    filter->max = LABELS_MAX;
    int status = member(call, call->input, "MaxLabels", JSON_INTEGER, &most);
    if (status)
        return status;
    if (most && json_integer_value(most) < 0)
        return json_call_fail(call, bad_parameter,
                              "Request has invalid parameters: MaxLabels is negative.");
    if (most && json_integer_value(most) < LABELS_MAX)
        filter->max = (size_t)json_integer_value(most);
    if (!confidence || json_is_null(confidence))
        return 0;
    if (!json_is_number(confidence))
        return json_call_fail(call, "SerializationException", "MinConfidence is not a number.");
    filter->min_confidence = json_number_value(confidence);
    if (filter->min_confidence >= 0 && filter->min_confidence <= 100)
        return 0;
    return json_call_fail(call, bad_parameter,
                          "Request has invalid parameters: MinConfidence is not from 0 to 100.");
}

static int fail_object(struct json_call *call)
{
    return json_call_fail(call, bad_object,
                          "Unable to get object metadata from S3. Check object key, region and/or "
                          "access permissions.");
}

/* The caller reads the object. */
static int object_choose(struct detect *detect, const char *bucket, const char *key,
                         const char *version)
{
    struct json_call *call = detect->call;
    struct cloud_request *request = call->request;
    struct bucket found;
    snprintf(request->resource, sizeof request->resource, "%s", bucket);
    cloud_request_note_key(request, key);
    if (!buckets_find(call->cloud->buckets, bucket, &found) ||
        (version && !s3_version_read(slice_of(version), &detect->detection.version)) ||
        !s3_access_caller_allowed(call->cloud, request->caller, bucket,
                                  version ? "GetObjectVersion" : "GetObject", key))
        return fail_object(call);
    detect->detection.bucket = found.id;
    detect->detection.key = key;
    return 0;
}

static int read_object(struct detect *detect, const json_t *from)
{
    struct json_call *call = detect->call;
    const char *bucket, *key, *version;
    int status = text_member(call, from, "Bucket", BUCKET_MAX, &bucket);
    if (!status)
        status = text_member(call, from, "Name", KEY_MAX, &key);
    if (!status)
        status = text_member(call, from, "Version", KEY_MAX, &version);
    if (status)
        return status;
    if (!bucket || !key)
        return json_call_fail(
            call, bad_parameter,
            "Request has invalid parameters: an S3Object must have a Bucket and a Name.");
    return object_choose(detect, bucket, key, version);
}

static int read_image(struct detect *detect)
{
    struct json_call *call = detect->call;
    const json_t *image, *bytes = NULL, *object = NULL;
    int status = member(call, call->input, "Image", JSON_OBJECT, &image);
    if (!status)
        status = member(call, image, "Bytes", JSON_STRING, &bytes);
    if (!status)
        status = member(call, image, "S3Object", JSON_OBJECT, &object);
    if (status)
        return status;
    if (!bytes == !object || (bytes && !json_string_length(bytes)))
        return json_call_fail(
            call, bad_parameter,
            "Request has invalid parameters: Image must have either Bytes or an S3Object.");
    if (object)
        return read_object(detect, object);
    detect->detection.base64 = (struct slice){json_string_value(bytes), json_string_length(bytes)};
    return 0;
}

/* Answers. */

static int respond(struct detect *detect)
{
    struct json_call *call = detect->call;
    json_t *labels = label_filter_apply(&detect->filter, &detect->detection.labels);
    int status = json_call_output(call, "Labels", labels);
    return status ? status
                  : json_call_output(call, "LabelModelVersion", json_string(model_version));
}

static int fail_internally(struct detect *detect)
{
    log_error("an image could not be analysed for DetectLabels",
              LOG_TEXT("reason", detect->detection.error.text));
    json_call_fail(detect->call, "InternalServerError", "The image could not be analysed: %.300s",
                   detect->detection.error.text);
    detect->call->status = 500;
    return ERR_IO;
}

static int outcome(struct detect *detect)
{
    struct json_call *call = detect->call;
    const char *why = detect->detection.error.text;
    const char *separator = *why ? ": " : "";
    switch (detect->detection.result) {
    case DETECTION_DONE:
        return respond(detect);
    case DETECTION_NOT_BASE64:
        return json_call_fail(call, "SerializationException", "Image.Bytes is not base64.");
    case DETECTION_NO_OBJECT:
        return fail_object(call);
    case DETECTION_TOO_SMALL: /* the service's error code: boto/botocore, issue 1366 */
        return json_call_fail(call, bad_parameter, "Request has invalid parameters: %.400s", why);
    case DETECTION_TOO_LARGE:
        return json_call_fail(call, "ImageTooLargeException", "Image size is too large%s%.400s",
                              separator, why);
    case DETECTION_NO_IMAGE:
        return json_call_fail(call, "InvalidImageFormatException",
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
    struct detect *detect = container_of(detection, struct detect, detection);
    struct json_call *call = detect->call;
    int status = outcome(detect);
    call->operation = NULL;
    free(detect);
    json_call_finish(call, status);
}

static void on_gone(struct json_call *call)
{
    detection_cancel(&((struct detect *)call->operation)->detection);
}

static int read_request(struct detect *detect)
{
    int status = read_limits(detect->call, &detect->filter);
    if (!status)
        status = read_features(detect->call);
    if (!status)
        status = read_settings(detect->call, &detect->filter);
    return status ? status : read_image(detect);
}

int rekognition_detect_labels(struct json_call *call)
{
    struct detect *detect = calloc(1, sizeof *detect);
    if (!detect)
        return ERR_MEMORY;
    detect->call = call;
    int status =
        call->cloud->detector ? read_request(detect) : json_call_not_here(call, "image analysis");
    if (status) {
        free(detect);
        return status;
    }
    detect->detection.done = detected;
    call->operation = detect;
    call->gone = on_gone;
    detector_submit(call->cloud->detector, &detect->detection);
    return json_call_waiting(call, 0);
}
