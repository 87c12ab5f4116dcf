/* The Rekognition labeler against a scripted service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "aws_private.h"
#include "scripted_http.h"

#define LABELS                                                                                     \
    "{\"Labels\":[{\"Name\":\"Car\",\"Confidence\":98.5,\"Parents\":[{\"Name\":\"Vehicle\"}],"     \
    "\"Aliases\":[{\"Name\":\"Automobile\"}],\"Categories\":[{\"Name\":\"Vehicles\"}],"            \
    "\"Instances\":[{\"BoundingBox\":{\"Width\":0.5,\"Height\":0.25,\"Left\":0.1,\"Top\":0.2},"    \
    "\"Confidence\":91}]}],\"LabelModelVersion\":\"3.0\"}"

static struct {
    bool done;
    struct error error;
    struct label_set labels;
    json_t *details;
    struct label_request *request;
} seen;

static const struct labeler_settings settings = {.kind = LABELER_REKOGNITION,
                                                 .name = "rekognition",
                                                 .response_max = 1024 * 1024,
                                                 .min_confidence = 62.5,
                                                 .max = 7};
static struct object_name name = {.bucket = "photos", .key = "a \"b\".jpg"};
static struct label_input input = {.name = &name, .settings = &settings};

static void on_labels(const struct label_set *labels, json_t *details, const struct error *error,
                      void *user)
{
    (void)user;
    assert_false(seen.done);
    seen.done = true;
    seen.error = *error;
    seen.labels = *labels;
    seen.details = json_incref(details);
}

static struct labeler *labeler(void)
{
    return aws_rekognition(script.aws);
}

static void label_start(struct slice source, struct slice image)
{
    json_decref(seen.details);
    memset(&seen, 0, sizeof seen);
    input.source = source;
    input.image = image;
    assert_int_equal(labeler()->ops->label(labeler(), &input, on_labels, NULL, &seen.request), 0);
}

static void label(struct slice source, struct slice image)
{
    label_start(source, image);
    script_run(&seen.done);
}

static void end(void)
{
    json_decref(seen.details);
    seen.details = NULL;
    script_end();
}

static const struct slice nothing = {NULL, 0};
#define PIXELS SLICE_LITERAL("pixels")

static void an_object_is_named_and_its_labels_are_read(void **state)
{
    (void)state;
    name.version = "v1";
    SCRIPT(&script_options, {.status = 200, .body = LABELS});
    label(PIXELS, nothing);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[0].url, "https://rekognition.eu-central-1.amazonaws.com/");
    assert_string_equal(script_header(0, "x-amz-target"), "RekognitionService.DetectLabels");
    assert_string_equal(script_header(0, "content-type"), "application/x-amz-json-1.1");
    script_assert_signed(0, "rekognition");
    assert_string_equal(
        script.requests[0].body,
        "{\"Image\":{\"S3Object\":{\"Bucket\":\"photos\",\"Name\":\"a \\\"b\\\".jpg\","
        "\"Version\":\"v1\"}},\"MaxLabels\":7,\"MinConfidence\":62.5}");
    assert_int_equal(seen.labels.count, 1);
    assert_string_equal(seen.labels.entries[0].name, "Car");
    char *details =
        json_dumps(seen.details, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(3));
    assert_string_equal(
        details, "[{\"aliases\":[\"Automobile\"],\"categories\":[\"Vehicles\"],\"instances\":"
                 "[{\"confidence\":91.0,\"height\":0.25,\"left\":0.1,\"top\":0.2,"
                 "\"width\":0.5}],\"parents\":[\"Vehicle\"]}]");
    free(details);
    name.version = NULL;
    end();
}

static void the_jpeg_is_sent_where_there_is_one(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = LABELS});
    label(PIXELS, SLICE_LITERAL("jpeg!"));
    assert_string_equal(
        script.requests[0].body,
        "{\"Image\":{\"Bytes\":\"anBlZyE=\"},\"MaxLabels\":7,\"MinConfidence\":62.5}");
    end();
}

static void a_refused_object_is_sent_once(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 400, .body = "{\"__type\":\"InvalidS3ObjectException\"}"},
           {.status = 400, .body = "{\"__type\":\"InvalidImageFormatException\"}"});
    label(PIXELS, nothing);
    assert_non_null(strstr(script.requests[1].body, "\"Bytes\":\"cGl4ZWxz\""));
    assert_int_equal(seen.error.code, ERR_UNSUPPORTED);
    end();
}

static void a_large_object_is_not_sent(void **state)
{
    (void)state;
    static char large[REKOGNITION_BYTES_MAX + 1];
    SCRIPT(&script_options, {.status = 400, .body = "{\"__type\":\"InvalidS3ObjectException\"}"});
    label((struct slice){large, sizeof large}, nothing);
    assert_int_equal(seen.error.code, ERR_DENIED);
    end();
}

static void errors_have_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int code;
    } rows[] = {
        {"{\"__type\":\"ImageTooLargeException\"}", ERR_LIMIT},
        {"{\"__type\":\"InvalidParameterException\"}", ERR_INVALID},
        {"{\"__type\":\"AccessDeniedException\"}", ERR_DENIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCRIPT(&script_options, {.status = 400, .body = rows[i].body});
        label(PIXELS, SLICE_LITERAL("jpeg"));
        assert_int_equal(seen.error.code, rows[i].code);
        end();
    }
}

static void throttling_is_waited_out_then_reported(void **state)
{
    (void)state;
    static const char slow[] = "{\"__type\":\"ProvisionedThroughputExceededException\"}";
    SCRIPT(&script_options, {.status = 400, .body = slow}, {.status = 400, .body = slow},
           {.status = 200, .body = LABELS});
    label(PIXELS, nothing);
    assert_int_equal(seen.error.code, 0);
    end();
    SCRIPT(&script_options, {.status = 400, .body = slow}, {.status = 400, .body = slow},
           {.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"});
    label(PIXELS, nothing);
    assert_int_equal(seen.error.code, ERR_THROTTLED);
    end();
}

static void strange_labels_are_a_protocol_error(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200, .body = "{\"Labels\":[{\"Name\":\"a\\u0001\",\"Confidence\":60}]}"});
    label(PIXELS, nothing);
    assert_int_equal(seen.error.code, ERR_PROTOCOL);
    end();
}

static void a_cancelled_request_never_calls_back(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.never = true});
    label_start(PIXELS, nothing);
    seen.request->labeler->ops->cancel(seen.request);
    assert_int_equal(script.cancelled, 1);
    assert_false(seen.done);
    end();
}

/* Rekognition reads buckets of its own region and of AWS's S3. */
static void buckets_that_it_cannot_read_are_known(void **state)
{
    (void)state;
    static const char arn[] = "arn:aws:s3:eu-central-1:123456789012:accesspoint/photos";
    struct backend_settings own = script_options;
    SCRIPT(&script_options, {.status = 200, .body = LABELS});
    assert_true(labeler()->ops->reads(labeler(), "photos"));
    assert_false(labeler()->ops->reads(labeler(), arn));
    script.aws->bucket_regions.rows[0].bucket = strdup("far");
    snprintf(script.aws->bucket_regions.rows[0].region, REGION_SIZE_MAX, "us-west-2");
    assert_false(labeler()->ops->reads(labeler(), "far"));
    name.bucket = "far";
    label(PIXELS, nothing);
    assert_non_null(strstr(script.requests[0].body, "\"Bytes\":\"cGl4ZWxz\""));
    name.bucket = "photos";
    end();
    own.endpoint = "http://127.0.0.1:1";
    SCRIPT(&own, {.status = 200, .body = LABELS});
    label(PIXELS, nothing);
    assert_non_null(strstr(script.requests[0].body, "S3Object"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_named_and_its_labels_are_read),
        cmocka_unit_test(the_jpeg_is_sent_where_there_is_one),
        cmocka_unit_test(a_refused_object_is_sent_once),
        cmocka_unit_test(a_large_object_is_not_sent),
        cmocka_unit_test(errors_have_kinds),
        cmocka_unit_test(throttling_is_waited_out_then_reported),
        cmocka_unit_test(strange_labels_are_a_protocol_error),
        cmocka_unit_test(a_cancelled_request_never_calls_back),
        cmocka_unit_test(buckets_that_it_cannot_read_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
