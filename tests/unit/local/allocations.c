/*
 * All parsers with failing allocations: every allocation fails once. The result must be ERR_MEMORY,
 * because anything else would blame the message, the file or the peer; nothing may leak (checked by
 * the sanitizer), and no partial result may be returned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws_sign.h"
#include "config.h"
#include "envelope.h"
#include "event_pattern.h"
#include "failing_allocations.h"
#include "filter_policy.h"
#include "form.h"
#include "http_private.h"
#include "key_template.h"
#include "label_document.h"
#include "log.h"
#include "message_attributes.h"
#include "pipelines.h"
#include "policy.h"
#include "profile.h"
#include "s3_notification_xml.h"
#include "s3_tags.h"
#include "s3_xml.h"
#include "vips_start.h"
#include "xml_reader.h"

enum { MANY = 100000 };

/* Repeats until no allocation fails. once returns 0, ERR_MEMORY, or another error. */
static void each_fails(int (*once)(void))
{
    for (unsigned long n = 1; n < MANY; n++) {
        allocations_fail(n);
        int code = once();
        if (!allocations_end()) {
            assert_int_equal(code, 0);
            assert_true(n > 1); /* it does allocate */
            return;
        }
        if (code != 0 && code != ERR_MEMORY)
            fail_msg("allocation %lu fails: code %d", n, code);
    }
    fail_msg("no end after %d allocations", MANY);
}

/* ---- messages ---- */

static int envelope_once(const char *body, bool extended)
{
    struct envelope envelope;
    struct error error = {0};
    int code = envelope_parse(slice_of(body), extended, &envelope, &error);
    if (!code && envelope.kind == ENVELOPE_RECORDS && !envelope.records[0].bucket)
        return -100;
    if (!code)
        envelope_clear(&envelope);
    return code;
}

#define EVENT                                                                                      \
    "{\"Records\":[{\"eventVersion\":\"2.1\",\"eventName\":\"ObjectCreated:Put\",\"s3\":{"         \
    "\"bucket\":{\"name\":\"photos\"},\"object\":{\"key\":\"a+b%2Fc.jpg\",\"eTag\":\"e\","         \
    "\"versionId\":\"v\",\"sequencer\":\"1A\"}}},{\"eventName\":\"ObjectCreated:Copy\",\"s3\":{"   \
    "\"bucket\":{\"name\":\"photos\"},\"object\":{\"key\":\"d.jpg\"}}}]}"

static int envelope_of_s3(void)
{
    return envelope_once(EVENT, false);
}
static int envelope_of_sns(void)
{
    return envelope_once(
        "{\"Type\":\"Notification\",\"TopicArn\":\"t\",\"Message\":\"{\\\"Records\\\":[{"
        "\\\"eventName\\\":\\\"ObjectCreated:Put\\\",\\\"s3\\\":{\\\"bucket\\\":{"
        "\\\"name\\\":\\\"photos\\\"},\\\"object\\\":{\\\"key\\\":\\\"a.jpg\\\"}}}"
        "]}\"}",
        false);
}
static int envelope_of_eventbridge(void)
{
    return envelope_once("{\"detail-type\":\"Object Created\",\"source\":\"aws.s3\",\"detail\":{"
                         "\"bucket\":{\"name\":\"photos\"},\"object\":{\"key\":\"a b.jpg\","
                         "\"etag\":\"e\",\"sequencer\":\"1\"}}}",
                         false);
}
static int envelope_of_a_pointer(void)
{
    return envelope_once("[\"software.amazon.payloadoffloading.PayloadS3Pointer\",{"
                         "\"s3BucketName\":\"payloads\",\"s3Key\":\"p1\"}]",
                         true);
}

static void envelopes(void **state)
{
    (void)state;
    each_fails(envelope_of_s3);
    each_fails(envelope_of_sns);
    each_fails(envelope_of_eventbridge);
    each_fails(envelope_of_a_pointer);
}

static int document_once(void)
{
    const struct envelope_record record = {.bucket = "photos", .key = "a.jpg"};
    const struct image_facts facts = {10, 10, 3, 1, 1, IMAGE_INTACT, "jpeg"};
    const struct label_set labels = {.entries = {{"Sharp", "", 90}, {"Colour", "Blue", 50}},
                                     .count = 2};
    const struct object_pair others[] = {{"project", "x"}};
    struct bytes out = {0};
    struct object_pair *tags = NULL;
    size_t count = 0;
    const struct label_document document = {
        .record = &record, .etag = "etag", .image = &facts, .labels = &labels};
    int code = label_document_write(&document, &out);
    bytes_free(&out);
    if (!code)
        code = label_tags_merge(others, 1, &labels, &tags, &count);
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)tags[i].name);
        free((char *)(uintptr_t)tags[i].value);
    }
    free(tags);
    return code;
}

static void label_documents(void **state)
{
    (void)state;
    each_fails(document_once);
}

/* ---- what a user writes ---- */

static int config_once(void)
{
    char *const args[] = {"--pipelines", "a", "--pipelines", "b", "--endpoint", "http://x"};
    struct config config;
    struct error error = {0};
    int code = config_read(&config, CONFIG_RUN, args, 6, &error);
    config_clear(&config);
    return code;
}

static int profile_once(void)
{
    struct profile profile = {0};
    struct error error = {0};
    int code = profile_load(&profile, "dev", false, &error);
    if (!code && strcmp(profile_in_credentials(&profile, "aws_access_key_id"), "AKID") != 0)
        code = -100;
    profile_free(&profile);
    return code;
}

static void file_write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void settings_and_profiles(void **state)
{
    char folder[] = "/tmp/thumbwheel-allocations-XXXXXX", config[64], credentials[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(config, sizeof config, "%s/config", folder);
    snprintf(credentials, sizeof credentials, "%s/credentials", folder);
    file_write_text(config, "[profile dev]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n");
    file_write_text(credentials, "[dev]\naws_access_key_id = AKID\naws_secret_access_key = s\n");
    setenv("AWS_CONFIG_FILE", config, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
    each_fails(config_once);
    each_fails(profile_once);
    unlink(config);
    unlink(credentials);
    rmdir(folder);
}

static char pipeline_path[64];

static int pipeline_once(void)
{
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    int code = pipeline_load(pipeline_path, &pipeline, &error);
    if (!code)
        vips_pipeline_ops.release(pipeline);
    return code;
}

static int key_once(void)
{
    const struct key_values values = {.bucket = "photos",
                                      .key = "in/a.jpg",
                                      .pipeline = "web",
                                      .ext = "jpg",
                                      .width = 10,
                                      .height = 20};
    char *out = NULL;
    struct error error;
    int code = key_template_expand("{pipeline}/{dir}/{stem}-{width}x{height}.{ext}", &values, &out,
                                   &error);
    free(out);
    return code;
}

static void pipeline_files_and_keys(void **state)
{
    static const char text[] =
        "name: web\nqueue: q\nmatch: {bucket: photos, prefix: [a/, b/], suffix: .jpg}\noutputs:\n"
        "  - {key: \"web/{name}\", width: 40, format: jpeg, cache_control: \"max-age=1\"}\n"
        "  - {key: \"{width}/{stem}.{ext}\", bucket: other, width: 16, background: white}\n"
        "labels: {tags: true, sidecar: \"tags/{name}.json\", bucket: notes}\n";
    (void)state;
    int file = memfd_create("pipeline", MFD_CLOEXEC);
    assert_true(file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    snprintf(pipeline_path, sizeof pipeline_path, "/proc/self/fd/%d", file);
    each_fails(pipeline_once);
    close(file);
    each_fails(key_once);
}

/* ---- what a peer sends ---- */

static int no_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)user, (void)path, (void)text, (void)start, (void)end;
    return 0;
}

static int write_response_once(void)
{
    return xml_read(slice_of("<?xml version=\"1.0\"?><ListBucketResult><Name>x &amp; y</Name>"
                             "<Contents><Key>a</Key></Contents></ListBucketResult>"),
                    NULL, no_element, NULL);
}

static int document_read_once(void)
{
    struct s3_xml_node *root = NULL;
    struct error error = {0};
    int code = s3_xml_parse(slice_of("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                                     "<Object><Key>a &lt; b</Key></Object></Delete>"),
                            &root, &error);
    char *text = code ? NULL : s3_xml_write(root);
    if (!code && !text)
        code = ERR_MEMORY;
    free(text);
    s3_xml_free(root);
    return code;
}

static int tags_once(void)
{
    struct buffer out;
    struct error error = {0};
    char *tags = NULL, *again = NULL;
    buffer_init(&out, 1 << 16);
    int code = s3_tags_from_xml(slice_of("<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value>"
                                         "</Tag></TagSet></Tagging>"),
                                10, &tags, NULL, &error);
    if (code)
        goto out;
    code = s3_tags_to_xml(tags, &out);
    if (code)
        goto out;
    code = s3_tags_from_query(slice_of("a=b+c&d=%2Be"), &again, &error);
out:
    buffer_free(&out);
    free(tags);
    free(again);
    return code;
}

static int notification_once(void)
{
    struct notification notification;
    const char *message = NULL;
    struct buffer out;
    enum s3_error error = s3_notification_parse(
        slice_of("<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:us-east-1:"
                 "000000000000:q</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key>"
                 "<FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter>"
                 "</QueueConfiguration></NotificationConfiguration>"),
        &notification, &message);
    if (error)
        return error == S3_INTERNAL_ERROR ? ERR_MEMORY : -100 - (int)error;
    buffer_init(&out, 1 << 16);
    s3_notification_write(&notification, &out);
    int code = out.error;
    buffer_free(&out);
    notification_clear(&notification);
    return code;
}

static void documents(void **state)
{
    (void)state;
    each_fails(write_response_once);
    each_fails(document_read_once);
    each_fails(tags_once);
    each_fails(notification_once);
}

static int form_once(void)
{
    json_t *tree = json_object(), *shape = NULL;
    int code = tree ? form_parse(tree,
                                 slice_of("Action=SendMessage&MessageAttribute.1.Name=a&"
                                          "MessageAttribute.1.Value.DataType=String&"
                                          "MessageAttribute.1.Value.StringValue=x%20y"),
                                 NULL, 0)
                    : ERR_MEMORY;
    if (!code && !(shape = form_shape(tree)))
        code = ERR_MEMORY;
    json_decref(shape);
    json_decref(tree);
    return code;
}

static json_t *attributes; /* made while there is memory */

static int attributes_once(void)
{
    char digest[MD5_HEX_SIZE];
    return message_attributes_md5(attributes, digest);
}

static void forms_and_attributes(void **state)
{
    (void)state;
    each_fails(form_once);
    attributes = json_loads("{\"b\":{\"DataType\":\"Binary\",\"BinaryValue\":\"AAEC\"},"
                            "\"a\":{\"DataType\":\"String\",\"StringValue\":\"x\"}}",
                            0, NULL);
    each_fails(attributes_once);
    json_decref(attributes);
}

static int policy_once(void)
{
    static const char text[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"A\",\"Effect\":\"Allow\","
        "\"Principal\":{\"Service\":\"s3.amazonaws.com\",\"AWS\":[\"111122223333\"]},\"Action\":["
        "\"sqs:SendMessage\"],\"Resource\":\"*\",\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":"
        "\"arn:aws:s3:::photos\"},\"StringEquals\":{\"aws:SourceAccount\":[\"1\",\"2\"]}}}]}";
    struct policy *policy = NULL;
    struct error error = {0};
    int code = policy_parse(POLICY_OF_QUEUE, text, &policy, &error);
    policy_release(policy);
    return code;
}

static int pattern_once(void)
{
    struct event_pattern *pattern = NULL;
    struct error error = {0};
    int code = event_pattern_parse(slice_of("{\"source\":[\"aws.s3\",{\"prefix\":\"x\"}],"
                                            "\"detail\":{\"object\":{\"size\":[{\"numeric\":["
                                            "\">\",1]}]}}}"),
                                   &pattern, &error);
    event_pattern_free(pattern);
    return code;
}

static int filter_once(void)
{
    struct filter_policy *policy = NULL;
    char why[FILTER_POLICY_TEXT_MAX];
    int code = filter_policy_parse("{\"a\":[\"x\",{\"anything-but\":[\"y\"]}],\"b\":[{\"exists\":"
                                   "true}]}",
                                   &policy, why);
    int matches = code ? code : filter_policy_match_body(policy, slice_of("{\"a\":\"x\",\"b\":1}"));
    filter_policy_free(policy);
    return code ? code : matches == 1 ? 0 : matches == ERR_MEMORY ? ERR_MEMORY : -100;
}

static void policies_and_filters(void **state)
{
    (void)state;
    each_fails(policy_once);
    each_fails(pattern_once);
    each_fails(filter_once);
}

/* ---- signing and HTTP ---- */

static int sign_once(void)
{
    static char region[] = "us-east-1", key[] = "AKID", secret[] = "secret", token[] = "token";
    const struct credentials credentials = {
        .access_key = key, .secret_key = secret, .session_token = token, .source = "test"};
    const struct http_header headers[] = {{"content-type", "application/json"}};
    const struct aws_sign what = {.credentials = &credentials,
                                  .service = AWS_S3,
                                  .region = region,
                                  .method = "GET",
                                  .url = "http://127.0.0.1:1/photos/a%20b?x=1&a=2",
                                  .headers = headers,
                                  .header_count = 1,
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .now_s = 1700000000};
    struct aws_signed out;
    struct buffer url;
    int code = aws_sign(&what, &out);
    aws_signed_free(&out);
    buffer_init(&url, 1 << 16);
    if (!code)
        code = aws_presign(&what, 60, &url);
    buffer_free(&url);
    return code;
}

static int head_once(void)
{
    static struct http_server server;
    static struct http_connection connection;
    const char head[] = "POST /queue?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    size_t used = 0;
    server.options.header_max = 4096;
    server.options.collect_max = 1024 * 1024;
    server.options.body_max = 4096;
    connection = (struct http_connection){.server = &server};
    if (head_scan(&connection.scan, slice_of(head), &used) != HEAD_DONE)
        return -100;
    int code = head_parse(&connection, slice_of(head));
    if (code)
        return code == 503 || code == 500 ? ERR_MEMORY : -code;
    struct http_call *call = connection.call;
    connection.call = NULL;
    call_end(call, false);
    return 0;
}

static void signatures_and_heads(void **state)
{
    (void)state;
    each_fails(sign_once);
    each_fails(head_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(label_documents),
        cmocka_unit_test(settings_and_profiles),
        cmocka_unit_test(pipeline_files_and_keys),
        cmocka_unit_test(documents),
        cmocka_unit_test(forms_and_attributes),
        cmocka_unit_test(policies_and_filters),
        cmocka_unit_test(signatures_and_heads),
    };
    struct error error;
    allocations_hook();
    if (pipelines_start("test", &error))
        return EXIT_FAILURE;
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
