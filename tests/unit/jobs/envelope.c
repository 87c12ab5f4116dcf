/*
 * Envelopes as fixtures: tests/fixtures/envelopes/NAME.body is a message, NAME.want the expected
 * result. A name that ends in ".extended" has the extended client's size attribute. The formats are
 * those of the S3, EventBridge, SNS and extended-client documentation. Of other stores:
 *   minio*    recorded from MinIO: xlab-si/xopera-examples, minio-notification-message-example.rst;
 *             its keys are query-escaped (minio/minio cmd/event-notification.go)
 *   ceph*     recorded from RGW 16.2.15, and with a region from an RGW under Rook; its keys are not
 *             encoded (ceph/ceph src/rgw/rgw_pubsub.cc)
 *   rustfs    as rustfs/rustfs crates/notify/src/event.rs serializes it
 *   seaweed*  EventNotification of seaweedfs/seaweedfs weed/pb/filer.proto, encoded with protoc
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"

#define FOLDER "tests/fixtures/envelopes/"

static char *file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = malloc(1 << 20);
    *size = fread(text, 1, (1 << 20) - 1, file);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static void describe_record(struct buffer *out, const struct envelope_record *record)
{
    buffer_format(out, "%s %s %s", record->bucket, record->key,
                  record->created ? "created" : "other");
    if (record->version)
        buffer_format(out, " version=%s", record->version);
    if (record->etag)
        buffer_format(out, " etag=%s", record->etag);
    if (record->sequencer)
        buffer_format(out, " sequencer=%s", record->sequencer);
    if (record->size)
        buffer_format(out, " size=%llu", (unsigned long long)record->size);
    buffer_byte(out, '\n');
}

static void describe(struct buffer *out, int code, const struct envelope *envelope)
{
    if (code) {
        buffer_format(out, "%s\n", error_name(code));
    } else if (envelope->kind == ENVELOPE_NOTHING) {
        buffer_text(out, "nothing\n");
    } else if (envelope->kind == ENVELOPE_POINTER) {
        buffer_format(out, "pointer %s %s\n", envelope->pointer.bucket, envelope->pointer.key);
    } else {
        buffer_text(out, "records\n");
        for (size_t i = 0; i < envelope->count; i++)
            describe_record(out, &envelope->records[i]);
    }
}

static void check_fixture(const char *path)
{
    char want_path[512];
    size_t stem = strlen(path) - strlen(".body");
    size_t body_size, want_size;
    snprintf(want_path, sizeof want_path, "%.*s.want", (int)stem, path);
    char *body = file_read(path, &body_size);
    char *want = file_read(want_path, &want_size);
    bool extended = stem > 9 && strncmp(path + stem - 9, ".extended", 9) == 0;

    struct envelope envelope;
    struct error error = {0};
    struct buffer got;
    buffer_init(&got, 1 << 20);
    int code = envelope_parse((struct slice){body, body_size}, extended, &envelope, &error);
    describe(&got, code, &envelope);
    if (strcmp(got.data, want) != 0)
        fail_msg("%s: wanted\n%sgot\n%s%s", path, want, got.data, error.text);
    if (code)
        assert_true(error.text[0]); /* a person can read why */
    envelope_clear(&envelope);
    buffer_free(&got);
    free(body);
    free(want);
}

static void fixtures_give_their_expected_results(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(FOLDER "*.body", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 20);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_fixture(found.gl_pathv[i]);
    globfree(&found);
}

/* A message truncated anywhere is refused or read, and never leaks or is read beyond its end
 * (checked by the sanitizers). */
static void every_prefix_of_a_message_is_safe(void **state)
{
    (void)state;
    size_t size;
    char *body = file_read(FOLDER "sns-s3.body", &size);
    for (size_t cut = 0; cut < size; cut++) {
        char *part = malloc(cut ? cut : 1);
        memcpy(part, body, cut);
        struct envelope envelope;
        struct error error;
        assert_int_not_equal(envelope_parse((struct slice){part, cut}, false, &envelope, &error),
                             0);
        envelope_clear(&envelope);
        free(part);
    }
    free(body);
}

static void assert_trace(const char *body, const char *trace)
{
    struct envelope envelope;
    struct error error;
    assert_int_equal(envelope_parse(slice_of(body), false, &envelope, &error), 0);
    assert_string_equal(envelope.trace.trace, trace);
    envelope_clear(&envelope);
}

static void the_trace_of_an_sns_envelope_is_read(void **state)
{
    (void)state;
    const char *const body =
        "{\"TopicArn\": \"t\", \"Message\": \"{\\\"bucket\\\": \\\"b\\\", \\\"key\\\": "
        "\\\"k\\\"}\", \"MessageAttributes\": {\"traceparent\": %s}}";
    const char *const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const struct {
        const char *attribute, *trace;
    } cases[] = {
        {"{\"Type\": \"String\", \"Value\": "
         "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"}",
         trace},
        {"{\"Type\": \"String\", \"Value\": \"00-4bf92f3577b34da6a3ce929d0e0e4736\"}", ""},
        {"{\"Type\": \"String\", \"Value\": 17}", ""},
        {"[1]", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text;
        assert_true(asprintf(&text, body, cases[i].attribute) > 0);
        assert_trace(text, cases[i].trace);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixtures_give_their_expected_results),
        cmocka_unit_test(every_prefix_of_a_message_is_safe),
        cmocka_unit_test(the_trace_of_an_sns_envelope_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
