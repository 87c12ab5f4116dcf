/*
 * The outcome of every failure, from the wire to the end of the message: a service on loopback
 * responds to each operation of a job with each status and error code; the engine and its clients
 * are the real ones. The expectations are derived from the services' documentation, not from the
 * program's tables:
 *
 *     time or an operator can mend it     the message comes back (RETRY)
 *     it would fail for ever              to the dead-letter queue (REJECT)
 *
 * All cases of an operation run at once, one message each; keys name the case, and so do queues if
 * SQS fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws.h"
#include "engine.h"
#include "fake_services.h"
#include "hash.h"
#include "http_client.h"
#include "http_error.h"
#include "http_server.h"
#include "log.h"

enum { WATCHDOG_MS = 120000, TICK_MS = 1000, CASES_MAX = 128 };

struct wire_case {
    int status;
    const char *code; /* NULL: a body without one; for S3 "code: message" too */
    enum outcome outcome;
    const char *reason; /* NULL: any */
};

/* ---- the services' errors; S3 API Reference, "Error responses" ---- */

#define ACK    OUTCOME_ACK
#define RETRY  OUTCOME_RETRY
#define REJECT OUTCOME_REJECT

/* For every operation of S3: transient, or to be fixed by an operator. */
#define S3_ALWAYS                                                                                  \
    {500, "InternalError", RETRY, NULL}, {503, "ServiceUnavailable", RETRY, NULL},                 \
        {503, "SlowDown", RETRY, "throttled"}, {429, "TooManyRequests", RETRY, NULL},              \
        {502, NULL, RETRY, NULL}, {504, NULL, RETRY, NULL}, {509, NULL, RETRY, NULL},              \
        {503, "Busy", RETRY, NULL}, {400, "RequestTimeout", RETRY, "timeout"},                     \
        {403, "AccessDenied", RETRY, "access-denied"}, {403, NULL, RETRY, NULL},                   \
        {401, NULL, RETRY, NULL}, {403, "AllAccessDisabled", RETRY, NULL},                         \
        {403, "AccountProblem", RETRY, NULL}, {403, "InvalidAccessKeyId", RETRY, NULL},            \
        {403, "SignatureDoesNotMatch", RETRY, NULL}, {403, "RequestTimeTooSkewed", RETRY, NULL},   \
        {400, "ExpiredToken", RETRY, "credentials-expired"},                                       \
        {400, "TokenRefreshRequired", RETRY, NULL}, {400, "InvalidToken", RETRY, NULL},            \
        {403, "NotSignedUp", RETRY, NULL}, {403, "InvalidSecurity", RETRY, NULL},                  \
        {404, "NoSuchBucket", RETRY, "bucket-missing"}, {301, "PermanentRedirect", RETRY, NULL},   \
        {307, "TemporaryRedirect", RETRY, NULL},                                                   \
        {400, "AuthorizationHeaderMalformed", RETRY, NULL},                                        \
        {400, "InvalidBucketName", RETRY, NULL}, {405, "MethodNotAllowed", RETRY, NULL},           \
        {409, "OperationAborted", RETRY, NULL}, {400, "KMS.DisabledException", RETRY, NULL},       \
        {400, "KMS.NotFoundException", RETRY, NULL},                                               \
        {400, "KMS.ThrottlingException", RETRY, NULL}, {501, "NotImplemented", RETRY, NULL},       \
        {408, NULL, RETRY, NULL}, {418, NULL, RETRY, NULL}, {400, "OfTheFuture", RETRY, NULL},     \
    {                                                                                              \
        500, "OfTheFuture", RETRY, NULL                                                            \
    }

/* The error of S3 for a missing key if the user may read objects but not list them. */
#define NO_SUCH_KEY                                                                                \
    "AccessDenied: User: arn:aws:iam::111122223333:user/thumbwheel is not authorized to perform: " \
    "s3:ListBucket on resource: \"arn:aws:s3:::photos\" because no identity-based policy allows "  \
    "the s3:ListBucket action"
/* And of one that exists. */
#define NOT_YOURS                                                                                  \
    "AccessDenied: User: arn:aws:iam::111122223333:user/thumbwheel is not authorized to perform: " \
    "s3:GetObject on resource: \"arn:aws:s3:::photos/ingest/s3:ListBucket on\" with an explicit "  \
    "deny in a resource-based policy"

static const struct wire_case get_cases[] = {
    S3_ALWAYS,
    {403, NO_SUCH_KEY, REJECT, "object-missing"},
    {403, NOT_YOURS, RETRY, "access-denied"},
    {404, "NoSuchKey", REJECT, "object-missing"}, /* after the second look */
    {404, NULL, RETRY, "protocol-error"},         /* a gateway's page */
    {404, "NoSuchVersion", REJECT, "object-missing"},
    {400, "InvalidArgument", REJECT, "object-name-invalid"}, /* "Invalid version id specified" */
    {400, "InvalidURI", REJECT, NULL},
    {400, "InvalidRequest", REJECT, "object-not-readable"}, /* encrypted with SSE-C */
    {403, "InvalidObjectState", RETRY, NULL},               /* archived: its owner can restore it */
};
static const struct wire_case put_cases[] = {
    S3_ALWAYS,
    {400, "BadDigest", RETRY, NULL}, /* damaged on the way */
    {400, "IncompleteBody", RETRY, NULL},
    {400, "XAmzContentSHA256Mismatch", RETRY, NULL},
    {412, "PreconditionFailed", RETRY, NULL},
    {409, "ConditionalRequestConflict", RETRY, NULL},
    {404, NULL, RETRY, "bucket-missing"},
    {400, "EntityTooLarge", REJECT, "output-too-large"},
    {413, NULL, REJECT, NULL},
    {400, "KeyTooLongError", REJECT, "output-key-too-long"},
    {400, "MetadataTooLarge", REJECT, NULL},
    {400, "InvalidArgument", REJECT, "output-refused"},
    {400, "InvalidRequest", REJECT, "output-refused"}, /* Object Lock without a checksum */
};
static const struct wire_case get_tags_cases[] = {
    S3_ALWAYS,
    {403, NO_SUCH_KEY, REJECT, "object-missing"},
    {403, NOT_YOURS, RETRY, "access-denied"},
    {404, "NoSuchKey", REJECT, "object-missing"}, /* deleted since it was fetched */
    {404, "NoSuchTagSet", REJECT, NULL},
};
static const struct wire_case put_tags_cases[] = {
    S3_ALWAYS,
    {403, NO_SUCH_KEY, REJECT, "object-missing"},
    {403, NOT_YOURS, RETRY, "access-denied"},
    {404, "NoSuchKey", REJECT, "object-missing"},
    {400, "InvalidTag", REJECT, "labels-refused"},
    {400, "BadRequest", REJECT, "labels-refused"}, /* "Object tags cannot be greater than 10" */
    {400, "MalformedXML", REJECT, NULL},
};
/* Without bodies: the response to HEAD has only a status. If HEAD is denied, the job continues. */
static const struct wire_case head_cases[] = {
    {404, NULL, ACK, NULL},   {403, NULL, ACK, NULL},   {500, NULL, RETRY, NULL},
    {503, NULL, RETRY, NULL}, {301, NULL, RETRY, NULL}, {400, NULL, RETRY, NULL},
    {429, NULL, RETRY, NULL},
};
/* The body of a message that lies in S3 (extended client). */
static const struct wire_case pointer_cases[] = {
    S3_ALWAYS,
    {403, NO_SUCH_KEY, REJECT, "message-body-missing"},
    {404, "NoSuchKey", REJECT, "message-body-missing"},
};

/* ---- SQS: exceptions of its service model, "Common errors", as sent in JSON 1.0 ---- */

static const struct wire_case sqs_cases[] = {
    {500, "InternalFailure", RETRY, NULL},
    {503, "ServiceUnavailable", RETRY, NULL},
    {400, "ThrottlingException", RETRY, NULL},
    {400, "RequestThrottled", RETRY, NULL},
    {400, "KmsThrottled", RETRY, NULL},
    {403, "OverLimit", RETRY, NULL},
    {403, "AccessDeniedException", RETRY, NULL},
    {400, "KmsAccessDenied", RETRY, NULL},
    {400, "KmsDisabled", RETRY, NULL},
    {400, "KmsNotFound", RETRY, NULL},
    {400, "KmsInvalidState", RETRY, NULL},
    {403, "KmsOptInRequired", RETRY, NULL},
    {400, "KmsInvalidKeyUsage", RETRY, NULL},
    {403, "ExpiredTokenException", RETRY, NULL},
    {403, "InvalidClientTokenId", RETRY, NULL},
    {403, "UnrecognizedClientException", RETRY, NULL},
    {403, "InvalidSecurity", RETRY, NULL},
    {404, "InvalidAddress", RETRY, NULL},
    {400, "QueueDoesNotExist", RETRY, NULL},
    {400, "UnsupportedOperation", RETRY, NULL},
    {400, "BatchRequestTooLong", RETRY, NULL},
    {400, "InvalidMessageContents", RETRY, NULL},
    {400, "InvalidParameterValue", RETRY, NULL},
    {400, "OfTheFuture", RETRY, NULL},
    {502, NULL, RETRY, NULL},
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- images ---- */

static const struct {
    int code;
    enum outcome outcome;
    const char *reason;
} image_cases[] = {
    {ERR_CORRUPT, REJECT, "image-corrupt"},
    {ERR_UNSUPPORTED, REJECT, "image-unsupported"},
    {ERR_LIMIT, REJECT, "image-over-limit"},
    {ERR_INVALID, REJECT, NULL},
    {ERR_NAME_TOO_LONG, REJECT, "output-key-too-long"},
    {ERR_DECODER_CRASHED, REJECT, "decoder-crashed"},
    {ERR_DECODER_TIMEOUT, REJECT, "decoder-timeout"},
    {ERR_DECODER_MEMORY, REJECT, "decoder-memory"},
    {ERR_MEMORY, RETRY, NULL}, /* ours, not the image's: it may fit later */
    {ERR_CANCELLED, RETRY, NULL},
    {ERR_IO, RETRY, NULL},
    {ERR_PROTOCOL, RETRY, NULL},
};

/* ---- the service ---- */

enum operation { GET, PUT, GET_TAGS, PUT_TAGS, HEAD, POINTER, IMAGE, NO_FAULT };

static struct {
    uv_loop_t loop;
    uv_timer_t watchdog;
    uint64_t due_ms;
    bool late, ready, closed, stopped;
    struct http_server *server;
    struct http_client *http;
    struct aws *aws;
    struct engine *engine;
    struct pipeline *pipelines[CASES_MAX];
    size_t pipeline_count;

    enum operation operation;
    const struct wire_case *cases;
    size_t case_count, served, settled;
    enum outcome outcomes[CASES_MAX];
    char reasons[CASES_MAX][48];
    unsigned deletes, changes, dead;

    const char *sqs_operation; /* that fails; each queue has a case and a message then */
    const struct wire_case *sqs_cases;
    unsigned sqs_times; /* for each queue */
    struct {
        bool served;
        unsigned failed, deletes, changes, dead;
    } queues[CASES_MAX];
} t;

static void on_tick(uv_timer_t *timer)
{
    t.late = uv_now(timer->loop) > t.due_ms;
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uv_update_time(&t.loop);                                                                   \
        t.due_ms = uv_now(&t.loop) + WATCHDOG_MS;                                                  \
        uv_timer_start(&t.watchdog, on_tick, TICK_MS, TICK_MS);                                    \
        while (!(condition) && !t.late)                                                            \
            uv_run(&t.loop, UV_RUN_ONCE);                                                          \
        assert_true(condition);                                                                    \
        uv_timer_stop(&t.watchdog);                                                                \
    } while (0)

static void respond(struct http_call *call, int status, const char *type, char *text)
{
    struct http_header headers[] = {{"Content-Type", type}, {"ETag", "\"e\""}};
    struct bytes body = bytes_give(text, text ? strlen(text) : 0);
    http_call_respond(call, status, headers, 2, &body);
}

static char *format(const char *pattern, const char *value)
{
    char *text = NULL;
    assert_true(asprintf(&text, pattern, value) >= 0);
    return text;
}

static char *s3_fault(const char *code)
{
    char *text = NULL;
    size_t size = strcspn(code, ":");
    assert_true(asprintf(&text,
                         "<?xml version=\"1.0\"?><Error><Code>%.*s</Code><Message>%s</Message>"
                         "</Error>",
                         (int)size, code, code[size] ? code + size + 2 : "no") >= 0);
    return text;
}

static void respond_s3_fault(struct http_call *call, const struct wire_case *c)
{
    respond(call, c->status, "application/xml", c->code ? s3_fault(c->code) : strdup("no"));
}

static enum operation operation_of(const struct http_call *call, bool pointer)
{
    bool tags = slice_starts_with(http_call_query(call), "tagging");
    struct slice method = http_call_method(call);
    if (slice_equal_text(method, "HEAD"))
        return HEAD;
    if (slice_equal_text(method, "PUT"))
        return tags ? PUT_TAGS : PUT;
    return tags ? GET_TAGS : pointer ? POINTER : GET;
}

/* Counts jobs that should be retried. */
static const struct wire_case refused = {400, "OfTheFuture", RETRY, NULL};

/* /photos/ingest/7, /photos/web/7, /bodies/7 */
static void on_s3_body(struct http_call *call, struct bytes *body, void *user)
{
    (void)body;
    (void)user;
    char path[128];
    struct slice at = http_call_path(call);
    snprintf(path, sizeof path, "%.*s", (int)at.size, at.data);
    if (slice_starts_with(http_call_query(call),
                          "list-type")) { /* whether a denied object exists */
        respond(call, 403, "application/xml", s3_fault("AccessDenied"));
        return;
    }
    bool pointer = strncmp(path, "/bodies/", 8) == 0;
    enum operation operation = operation_of(call, pointer);
    size_t index = (size_t)atoi(strrchr(path, '/') + 1);
    assert_true(index < CASES_MAX);
    if (operation == t.operation) {
        respond_s3_fault(call, t.sqs_operation ? &refused : &t.cases[index]);
    } else if (operation == HEAD) {
        respond(call, 404, "application/xml", NULL);
    } else if (operation == GET_TAGS) {
        respond(call, 200, "application/xml", strdup("<Tagging><TagSet></TagSet></Tagging>"));
    } else if (operation == POINTER) {
        respond(call, 200, "text/plain", strdup("{}"));
    } else {
        respond(call, 200, "image/jpeg", strdup(operation == GET ? "pixels" : ""));
    }
}

static char *message_body(size_t index)
{
    char text[256];
    if (t.operation == POINTER)
        snprintf(text, sizeof text,
                 "[\"software.amazon.payloadoffloading.PayloadS3Pointer\",{\"s3BucketName\":"
                 "\"bodies\",\"s3Key\":\"%zu\"}]",
                 index);
    else
        snprintf(text, sizeof text,
                 "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
                 "\"photos\"},\"object\":{\"key\":\"ingest/%zu\",\"eTag\":\"e%zu\"%s}}}]}",
                 index, index,
                 t.operation == HEAD ? ",\"versionId\":\"v\",\"sequencer\":\"01\"" : "");
    return strdup(text);
}

static json_t *message_make(size_t index)
{
    char id[24];
    char *body = message_body(index);
    snprintf(id, sizeof id, "%zu", index);
    json_t *message = json_pack("{s:s, s:s, s:s, s:{s:s}}", "MessageId", id, "ReceiptHandle", id,
                                "Body", body, "Attributes", "ApproximateReceiveCount", "1");
    if (t.operation == POINTER)
        json_object_set_new(message, "MessageAttributes",
                            json_pack("{s:{s:s, s:s}}", "ExtendedPayloadSize", "DataType", "Number",
                                      "StringValue", "9"));
    free(body);
    return message;
}

/* "web", or in their walks "q7" and its dead letters "dead-q7": 7. */
static size_t queue_index(const char *url)
{
    const char *last = url ? strrchr(url, 'q') : NULL;
    size_t index = t.sqs_operation && last ? (size_t)atoi(last + 1) : 0;
    assert_true(index < CASES_MAX);
    return index;
}

/* A long poll without messages never gets a response. */
static void respond_receive(struct http_call *call, const json_t *request, size_t queue)
{
    json_t *messages = json_array();
    json_int_t most = json_integer_value(json_object_get(request, "MaxNumberOfMessages"));
    if (t.sqs_operation && !t.queues[queue].served) {
        t.queues[queue].served = true;
        json_array_append_new(messages, message_make(queue));
    }
    for (; !t.sqs_operation && most > 0 && t.served < t.case_count; most--)
        json_array_append_new(messages, message_make(t.served++));
    if (json_array_size(messages) == 0) {
        json_decref(messages);
        return;
    }
    json_t *result = json_pack("{s:o}", "Messages", messages);
    respond(call, 200, "application/x-amz-json-1.0", json_dumps(result, 0));
    json_decref(result);
}

static void respond_batch(struct http_call *call, const json_t *request, unsigned *all,
                          unsigned *of_queue)
{
    json_t *done = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(request, "Entries"), i, entry)
    {
        json_array_append_new(done, json_pack("{s:O}", "Id", json_object_get(entry, "Id")));
        ++*all;
        ++*of_queue;
    }
    json_t *result = json_pack("{s:o, s:[]}", "Successful", done, "Failed");
    respond(call, 200, "application/x-amz-json-1.0", json_dumps(result, 0));
    json_decref(result);
}

static bool sqs_fails(struct http_call *call, const char *operation, size_t queue)
{
    if (!t.sqs_operation || strcmp(operation, t.sqs_operation) != 0 ||
        t.queues[queue].failed == t.sqs_times)
        return false;
    t.queues[queue].failed++;
    const struct wire_case *c = &t.sqs_cases[queue];
    respond(call, c->status, "application/x-amz-json-1.0",
            c->code ? format("{\"__type\":\"com.amazonaws.sqs#%s\",\"message\":\"no\"}", c->code)
                    : strdup("no"));
    return true;
}

#define ARN "arn:aws:sqs:us-east-1:000000000000:"

/* Each queue has an ARN of its own. */
static char *attributes_text(const char *queue)
{
    static const char dead[] =
        "{\"Attributes\":{\"QueueArn\":\"" ARN "%s\",\"VisibilityTimeout\":\"600\"}}";
    static const char live[] =
        "{\"Attributes\":{\"QueueArn\":\"" ARN "%s\",\"VisibilityTimeout\":\"600\","
        "\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"" ARN "dead-%s\\\","
        "\\\"maxReceiveCount\\\":5}\"}}";
    char *text = NULL;
    int size =
        strstr(queue, "dead") ? asprintf(&text, dead, queue) : asprintf(&text, live, queue, queue);
    assert_true(size > 0);
    return text;
}

static void on_sqs_body(struct http_call *call, struct bytes *body, void *user)
{
    (void)user;
    struct slice target = http_call_header(call, "x-amz-target");
    char operation[64];
    snprintf(operation, sizeof operation, "%.*s", (int)(target.size - 10), target.data + 10);
    json_t *request = json_loadb(body->data, body->size, 0, NULL);
    const char *url = json_string_value(json_object_get(request, "QueueUrl"));
    const char *name = json_string_value(json_object_get(request, "QueueName"));
    size_t queue = queue_index(url ? url : name);
    if (sqs_fails(call, operation, queue)) {
    } else if (strcmp(operation, "GetQueueUrl") == 0) {
        respond(call, 200, "application/x-amz-json-1.0",
                format("{\"QueueUrl\":\"http://127.0.0.1/000000000000/%s\"}", name));
    } else if (url && strcmp(operation, "GetQueueAttributes") == 0) {
        respond(call, 200, "application/x-amz-json-1.0", attributes_text(strrchr(url, '/') + 1));
    } else if (strcmp(operation, "ReceiveMessage") == 0) {
        respond_receive(call, request, queue);
    } else if (strcmp(operation, "SendMessage") == 0) {
        t.dead++;
        t.queues[queue].dead++;
        const json_t *sent = json_object_get(request, "MessageBody");
        char md5[MD5_HEX_SIZE];
        md5_hex(json_string_value(sent), json_string_length(sent), md5);
        respond(call, 200, "application/x-amz-json-1.0",
                format("{\"MessageId\":\"d\",\"MD5OfMessageBody\":\"%s\"}", md5));
    } else if (strcmp(operation, "DeleteMessageBatch") == 0) {
        respond_batch(call, request, &t.deletes, &t.queues[queue].deletes);
    } else {
        respond_batch(call, request, &t.changes, &t.queues[queue].changes);
    }
    json_decref(request);
}

static void on_request(struct http_call *call, void *user)
{
    bool sqs = http_call_header(call, "x-amz-target").data != NULL;
    http_call_collect(call, 1 << 20, sqs ? on_sqs_body : on_s3_body, user);
}

/* ---- the codec: controlled by the event's key ---- */

static size_t key_index(const char *key)
{
    return (size_t)atoi(strrchr(key, '/') + 1);
}

static void failing_render(const struct render_source *source, const struct pipeline_limits *limits,
                           struct render_item *items, size_t count)
{
    if (t.operation != IMAGE) {
        stub_pipeline_ops.render(source, limits, items, count);
        return;
    }
    size_t index = t.sqs_operation ? 0 : key_index(source->key);
    for (size_t i = 0; i < count; i++)
        error_set(&items[i].error, image_cases[index].code, "no");
}

/* ---- the engine ---- */

static void on_record(const struct engine_record *record, void *user)
{
    (void)user;
    size_t index = t.operation == POINTER ? 0 : key_index(record->key);
    if (t.operation != POINTER || t.case_count == 1) {
        t.outcomes[index] = record->outcome;
        snprintf(t.reasons[index], sizeof t.reasons[index], "%s", record->reason);
    }
    t.settled++;
}

static void on_ready(const struct error *error, void *user)
{
    bool refused_at_first = t.sqs_operation && strncmp(t.sqs_operation, "Get", 3) == 0;
    (void)user;
    if (!refused_at_first || (error->code != ERR_CREDENTIALS && error->code != ERR_EXPIRED))
        assert_int_equal(error->code, 0);
    t.ready = true;
}

static void set_true(void *user)
{
    *(bool *)user = true;
}

static void clients_start(void)
{
    char endpoint[64];
    struct error error;
    const struct http_server_options options = {
        .host = "127.0.0.1", .connections = 512, .on_request = on_request};
    assert_int_equal(http_server_start(&t.loop, &options, &t.server, &error), 0);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%u", http_server_port(t.server));
    assert_int_equal(http_client_create(&t.loop, &(struct http_client_options){0}, &t.http, &error),
                     0);
    const struct backend_settings with = {.region = "us-east-1",
                                          .endpoint = endpoint,
                                          .access_key = "AKIDEXAMPLE",
                                          .secret_key = "secret",
                                          .ignore_environment = true};
    assert_int_equal(aws_create(&t.loop, t.http, &with, &t.aws, &error), 0);
}

static void engine_begin(void)
{
    static struct pipeline_ops ops;
    struct error error;
    ops = stub_pipeline_ops;
    ops.render = failing_render;
    const struct engine_options options = {
        .queues = aws_queue_backend(t.aws),
        .store = aws_object_store(t.aws),
        .pipeline_ops = &ops,
        .pipelines = t.pipelines,
        .pipeline_count = t.pipeline_count,
        .workers = 1,
        .jobs = CASES_MAX,
        .limits = {.max_bytes = 1 << 20},
        .polls_abortable = true,
        .observer = {.record_finished = on_record},
    };
    struct pipeline_facts *facts = &t.pipelines[0]->facts;
    facts->labels = t.operation == GET_TAGS || t.operation == PUT_TAGS;
    assert_int_equal(engine_create(&t.loop, &options, &t.engine, &error), 0);
    engine_start(t.engine, on_ready, NULL);
    UNTIL(t.ready);
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.watchdog);
    t.pipelines[t.pipeline_count++] = stub_pipeline("web", "web");
    log_setup(2, LOG_FORMAT_TEXT, LOG_ERROR);
    stub_gate_open();
    clients_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (t.engine) {
        engine_close(t.engine, set_true, &t.closed);
        UNTIL(t.closed);
    }
    while (t.pipeline_count > 0)
        stub_pipeline_ops.release(t.pipelines[--t.pipeline_count]);
    aws_destroy(t.aws);
    t.closed = false;
    http_client_close(t.http, set_true, &t.closed);
    http_server_close(t.server, set_true, &t.stopped);
    UNTIL(t.closed && t.stopped);
    uv_close((uv_handle_t *)&t.watchdog, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&t.loop);
}

static void check(size_t i, const char *what, int status, enum outcome outcome, const char *reason)
{
    if (t.outcomes[i] != outcome || (reason && strcmp(t.reasons[i], reason) != 0))
        fail_msg("%s (HTTP %d): expected %s %s, was %s %s", what, status, outcome_name(outcome),
                 reason ? reason : "", outcome_name(t.outcomes[i]), t.reasons[i]);
}

static void walk(enum operation operation, const struct wire_case *cases, size_t count)
{
    unsigned expected[] = {0, 0, 0};
    assert_true(count <= CASES_MAX);
    t.operation = operation;
    t.cases = cases;
    t.case_count = count;
    engine_begin();
    UNTIL(t.settled == count && engine_idle(t.engine));
    for (size_t i = 0; i < count; i++) {
        expected[cases[i].outcome]++;
        if (operation != POINTER)
            check(i, cases[i].code ? cases[i].code : "-", cases[i].status, cases[i].outcome,
                  cases[i].reason);
    }
    /* The messages must end accordingly: deleted, sent to the dead-letter queue and deleted, or
     * returned. */
    assert_int_equal(t.deletes, expected[ACK] + expected[REJECT]);
    assert_int_equal(t.dead, expected[REJECT]);
    assert_int_equal(t.changes, expected[RETRY]);
}

static void every_response_to_a_get(void **state)
{
    (void)state;
    walk(GET, get_cases, COUNT(get_cases));
}

static void every_response_to_a_put(void **state)
{
    (void)state;
    walk(PUT, put_cases, COUNT(put_cases));
}

static void every_response_to_a_get_of_tags(void **state)
{
    (void)state;
    walk(GET_TAGS, get_tags_cases, COUNT(get_tags_cases));
}

static void every_response_to_a_put_of_tags(void **state)
{
    (void)state;
    walk(PUT_TAGS, put_tags_cases, COUNT(put_tags_cases));
}

static void every_response_to_a_head(void **state)
{
    (void)state;
    walk(HEAD, head_cases, COUNT(head_cases));
}

static void every_response_to_the_get_of_a_message_body(void **state)
{
    (void)state;
    walk(POINTER, pointer_cases, COUNT(pointer_cases));
}

static void every_failure_of_an_image(void **state)
{
    (void)state;
    unsigned rejects = 0;
    t.operation = IMAGE;
    t.case_count = COUNT(image_cases);
    engine_begin();
    UNTIL(t.settled == t.case_count && engine_idle(t.engine));
    for (size_t i = 0; i < t.case_count; i++) {
        check(i, error_name(image_cases[i].code), 0, image_cases[i].outcome, image_cases[i].reason);
        rejects += image_cases[i].outcome == REJECT;
    }
    assert_int_equal(t.dead, rejects);
}

/* ---- SQS ---- */

/* Each response is sent in its own queue, this many times; later requests succeed. */
static void walk_sqs(const char *operation, const struct wire_case *cases, size_t count,
                     unsigned times, enum operation job)
{
    static char names[CASES_MAX][24];
    assert_true(count <= CASES_MAX);
    stub_pipeline_ops.release(t.pipelines[0]);
    for (t.pipeline_count = 0; t.pipeline_count < count; t.pipeline_count++) {
        char *name = names[t.pipeline_count];
        snprintf(name, sizeof names[0], "q%zu", t.pipeline_count);
        t.pipelines[t.pipeline_count] = stub_pipeline(name, name);
    }
    t.operation = job;
    t.sqs_operation = operation;
    t.sqs_cases = cases;
    t.sqs_times = times;
    engine_begin();
    UNTIL(t.settled == count && engine_idle(t.engine));
}

static void walked_sqs(size_t i, enum outcome outcome, unsigned deletes, unsigned changes)
{
    const char *code = t.sqs_cases[i].code ? t.sqs_cases[i].code : "-";
    check(i, code, t.sqs_cases[i].status, outcome, NULL);
    if (t.queues[i].failed != t.sqs_times || t.queues[i].deletes != deletes ||
        t.queues[i].changes != changes)
        fail_msg("%s: said %u times, then %u deletes and %u changes", code, t.queues[i].failed,
                 t.queues[i].deletes, t.queues[i].changes);
}

/* No message may be lost or done twice over any of them. */
static void ends_deleted_once(const char *operation)
{
    walk_sqs(operation, sqs_cases, COUNT(sqs_cases), 1, NO_FAULT);
    for (size_t i = 0; i < COUNT(sqs_cases); i++)
        walked_sqs(i, ACK, 1, 0);
}

/* A delete is retried after every error except an expired receipt. */
static void every_response_to_a_delete(void **state)
{
    (void)state;
    ends_deleted_once("DeleteMessageBatch");
}

/* Failing polls delay messages and lose none. */
static void every_response_to_a_receive(void **state)
{
    (void)state;
    ends_deleted_once("ReceiveMessage");
}

/* A queue that cannot be opened is opened later. */
static void every_response_to_get_queue_url(void **state)
{
    (void)state;
    ends_deleted_once("GetQueueUrl");
}

static void every_response_to_get_queue_attributes(void **state)
{
    (void)state;
    ends_deleted_once("GetQueueAttributes");
}

static void every_response_to_a_change_of_visibility(void **state)
{
    (void)state;
    walk_sqs("ChangeMessageVisibilityBatch", sqs_cases, COUNT(sqs_cases), 1, PUT);
    for (size_t i = 0; i < COUNT(sqs_cases); i++)
        walked_sqs(i, RETRY, 0, 1);
}

/* A message is not deleted before its dead letter is accepted: either a retry succeeds, or the
 * message is returned. */
static void every_response_to_a_dead_letter(void **state)
{
    (void)state;
    walk_sqs("SendMessage", sqs_cases, COUNT(sqs_cases), 1, IMAGE);
    for (size_t i = 0; i < COUNT(sqs_cases); i++)
        walked_sqs(i, t.queues[i].dead ? REJECT : RETRY, t.queues[i].dead, 1 - t.queues[i].dead);
}

static void an_expired_receipt_is_not_deleted_again(void **state)
{
    (void)state;
    static const struct wire_case expired[] = {{400, "ReceiptHandleIsInvalid", ACK, NULL},
                                               {400, "MessageNotInflight", ACK, NULL}};
    struct engine_stats stats;
    walk_sqs("DeleteMessageBatch", expired, COUNT(expired), 100, NO_FAULT);
    engine_stats(t.engine, &stats);
    assert_int_equal(stats.lease_lost, COUNT(expired));
    for (size_t i = 0; i < COUNT(expired); i++)
        assert_int_equal(t.queues[i].failed, 1);
}

/* ---- curl ---- */

/* libcurl-errors(3): no failure of a connection is a reason to reject a message. */
static void every_result_of_curl(void **state)
{
    (void)state;
    for (int result = CURLE_OK + 1; result < CURL_LAST; result++) {
        int code = http_error_of((CURLcode)result);
        assert_true(code < 0);
        for (int stage = STAGE_ENVELOPE; stage <= STAGE_NOTIFY; stage++)
            assert_int_equal(outcome_of((enum outcome_stage)stage, code), RETRY);
    }
    assert_string_equal(outcome_reason(STAGE_FETCH, http_error_of(CURLE_OPERATION_TIMEDOUT)),
                        "timeout");
    assert_string_equal(outcome_reason(STAGE_FETCH, http_error_of(CURLE_COULDNT_CONNECT)),
                        "connection-lost");
}

/* Unknown errors are retried. */
static void unforeseen_errors_lose_no_message(void **state)
{
    (void)state;
    for (int stage = STAGE_ENVELOPE; stage <= STAGE_NOTIFY; stage++) {
        assert_int_equal(outcome_of((enum outcome_stage)stage, ERR_BUSY), RETRY);
        assert_int_equal(outcome_of((enum outcome_stage)stage, -9999), RETRY);
        assert_int_equal(outcome_of((enum outcome_stage)stage, 0), ACK);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_response_to_a_get),
        CASE(every_response_to_a_put),
        CASE(every_response_to_a_get_of_tags),
        CASE(every_response_to_a_put_of_tags),
        CASE(every_response_to_a_head),
        CASE(every_response_to_the_get_of_a_message_body),
        CASE(every_failure_of_an_image),
        CASE(every_response_to_a_delete),
        CASE(every_response_to_a_receive),
        CASE(every_response_to_get_queue_url),
        CASE(every_response_to_get_queue_attributes),
        CASE(every_response_to_a_change_of_visibility),
        CASE(every_response_to_a_dead_letter),
        CASE(an_expired_receipt_is_not_deleted_again),
        cmocka_unit_test(every_result_of_curl),
        cmocka_unit_test(unforeseen_errors_lose_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
