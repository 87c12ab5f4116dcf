/* The embedded cloud over HTTP: authentication, refusals in each protocol, start and stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "hash.h"
#include "http_client.h"
#include "local_cloud.h"
#include "sigv4.h"

enum { BODY_ROOM = 8192 };

struct door {
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_check_t check;
    struct local_cloud *cloud;
    struct http_client *client;
    char directory[64], log[96];
    /* The last response. */
    bool done;
    int status;
    char body[BODY_ROOM], query_error[128];
};

static void look(struct door *d)
{
    if (d->done)
        uv_stop(&d->loop);
}

static void before_wait(uv_prepare_t *handle)
{
    look(handle->data);
}

static void after_wait(uv_check_t *handle)
{
    look(handle->data);
}

static void await(struct door *d)
{
    while (!d->done)
        uv_run(&d->loop, UV_RUN_DEFAULT);
    d->done = false;
}

static void mark_done(void *user)
{
    ((struct door *)user)->done = true;
}

static struct cloud_settings options(const struct door *d)
{
    return (struct cloud_settings){.data_dir = d->directory,
                                   .relaxed = true,
                                   .request_log = d->log,
                                   .access_key = "thumbwheel",
                                   .secret_key = "thumbwheel-secret"};
}

static int setup(void **state)
{
    struct door *d = calloc(1, sizeof *d);
    struct error error;
    snprintf(d->directory, sizeof d->directory, "/tmp/thumbwheel-door-XXXXXX");
    assert_non_null(mkdtemp(d->directory));
    snprintf(d->log, sizeof d->log, "%s/requests.log", d->directory);
    uv_loop_init(&d->loop);
    uv_prepare_init(&d->loop, &d->prepare);
    uv_check_init(&d->loop, &d->check);
    d->prepare.data = d->check.data = d;
    uv_prepare_start(&d->prepare, before_wait);
    uv_check_start(&d->check, after_wait);
    struct cloud_settings o = options(d);
    assert_int_equal(local_cloud_start(&d->loop, &o, &d->cloud, &error), 0);
    struct http_client_options client = {0};
    assert_int_equal(http_client_create(&d->loop, &client, &d->client, &error), 0);
    *state = d;
    return 0;
}

static void stop(struct door *d)
{
    if (!d->cloud)
        return;
    local_cloud_stop(d->cloud, mark_done, d);
    await(d);
    d->cloud = NULL;
}

static int teardown(void **state)
{
    struct door *d = *state;
    char command[128];
    http_client_close(d->client, mark_done, d);
    await(d);
    stop(d);
    uv_close((uv_handle_t *)&d->prepare, NULL);
    uv_close((uv_handle_t *)&d->check, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&d->loop), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", d->directory);
    assert_int_equal(system(command), 0);
    free(d);
    return 0;
}

static void on_response(const struct http_response *response, void *user)
{
    struct door *d = user;
    const char *query_error = http_response_header(response, "x-amzn-query-error");
    assert_int_equal(response->error, 0);
    d->status = response->status;
    snprintf(d->body, sizeof d->body, "%.*s", (int)response->body.size,
             response->body.size ? (const char *)response->body.data : "");
    snprintf(d->query_error, sizeof d->query_error, "%s", query_error ? query_error : "");
    d->done = true;
}

struct ask {
    const char *service, *access_key, *secret; /* service NULL: unsigned */
    const char *target;                        /* X-Amz-Target; NULL: a form */
    const char *path, *body;
    int64_t skew_s;
    const char *sent_body; /* instead of the signed one; NULL: the same */
};

static void sign(const struct door *d, const struct ask *ask, const char *date, char out[512])
{
    char host[64];
    snprintf(host, sizeof host, "%s", local_cloud_endpoint(d->cloud) + strlen("http://"));
    struct sigv4_header headers[] = {{SLICE_LITERAL("host"), slice_of(host)},
                                     {SLICE_LITERAL("x-amz-date"), slice_of(date)},
                                     {SLICE_LITERAL("x-amz-target"), slice_of(ask->target)}};
    char hash[SIGV4_HEX_SIZE], signature[SIGV4_HEX_SIZE];
    uint8_t key[SIGV4_KEY_SIZE];
    sha256_hex(ask->body, strlen(ask->body), hash);
    struct sigv4_request request = {.method = SLICE_LITERAL("POST"),
                                    .path = slice_of(ask->path),
                                    .query = SLICE_LITERAL(""),
                                    .headers = headers,
                                    .header_count = ask->target ? 3 : 2,
                                    .payload_hash = hash,
                                    .normalise_path = true};
    struct sigv4_scope scope = {.region = "us-east-1", .service = ask->service};
    memcpy(scope.date, date, sizeof scope.date);
    sigv4_signing_key(ask->secret, &scope, key);
    assert_int_equal(sigv4_signature(&request, &scope, key, signature), 0);
    snprintf(out, 512,
             "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, "
             "SignedHeaders=host;x-amz-date%s, Signature=%s",
             ask->access_key, date, ask->service, ask->target ? ";x-amz-target" : "", signature);
}

static void send_ask(struct door *d, const struct ask *ask)
{
    char url[128], date[SIGV4_DATE_SIZE], authorization[512];
    struct http_exchange *exchange;
    const char *body = ask->sent_body ? ask->sent_body : ask->body;
    snprintf(url, sizeof url, "%s%s", local_cloud_endpoint(d->cloud), ask->path);
    sigv4_date((int64_t)time(NULL) + ask->skew_s, date);
    if (ask->service)
        sign(d, ask, date, authorization);
    struct http_header headers[] = {
        {"Content-Type",
         ask->target ? "application/x-amz-json-1.0" : "application/x-www-form-urlencoded"},
        {ask->target ? "X-Amz-Target" : "X-Other", ask->target ? ask->target : "none"},
        {"X-Amz-Date", date},
        {"Authorization", authorization},
    };
    struct http_request request = {.method = "POST",
                                   .url = url,
                                   .headers = headers,
                                   .header_count = ask->service ? 4 : 2,
                                   .body = body,
                                   .body_size = strlen(body),
                                   .response_max = BODY_ROOM};
    assert_int_equal(http_client_send(d->client, &request, on_response, d, &exchange), 0);
    await(d);
}

static struct ask json_ask(const char *action, const char *body)
{
    return (struct ask){"sqs", "thumbwheel", "thumbwheel-secret", action, "/", body, 0, NULL};
}

static struct ask form_ask(const char *service, const char *path, const char *body)
{
    return (struct ask){service, "thumbwheel", "thumbwheel-secret", NULL, path, body, 0, NULL};
}

static void expect_response(struct door *d, const struct ask *ask, int status, const char *part)
{
    send_ask(d, ask);
    assert_int_equal(d->status, status);
    if (!strstr(d->body, part))
        fail_msg("\"%s\" is not in: %s", part, d->body);
}

static void both_protocols_reach_one_queue(void **state)
{
    struct door *d = *state;
    struct ask ask = json_ask("AmazonSQS.CreateQueue", "{\"QueueName\":\"q\"}");
    expect_response(d, &ask, 200, "/000000000000/q\"}");
    ask = json_ask("AmazonSQS.SendMessage",
                   "{\"QueueUrl\":\"https://any.host/000000000000/q\",\"MessageBody\":\"a<b\"}");
    expect_response(d, &ask, 200, "\"MD5OfMessageBody\"");
    /* The form names its queue by the path alone. */
    ask = form_ask("sqs", "/000000000000/q", "Action=ReceiveMessage&Version=2012-11-05");
    expect_response(d, &ask, 200, "<Body>a&lt;b</Body>");
}

static void errors_have_the_form_of_their_protocol(void **state)
{
    struct door *d = *state;
    struct ask ask = json_ask("AmazonSQS.GetQueueUrl", "{\"QueueName\":\"none\"}");
    expect_response(d, &ask, 400, "\"com.amazonaws.sqs#QueueDoesNotExist\"");
    assert_string_equal(d->query_error, "AWS.SimpleQueueService.NonExistentQueue;Sender");
    ask = form_ask("sqs", "/", "Action=GetQueueUrl&QueueName=none");
    expect_response(d, &ask, 400, "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>");
    ask = json_ask("AmazonSQS.Dance", "{}");
    send_ask(d, &ask);
    assert_string_equal(d->query_error, "InvalidAction;Sender");
    ask = json_ask("AmazonSQS.TagQueue", "{}");
    expect_response(d, &ask, 400, "MissingRequiredParameterException");
    ask = json_ask("AmazonSQS.CreateQueue", "{\"QueueName\":");
    expect_response(d, &ask, 400, "SerializationException");
    ask = form_ask("sns", "/", "Action=GetTopicAttributes&TopicArn=arn:aws:sns:us-east-1:0:t");
    expect_response(d, &ask, 404, "<Code>NotFound</Code>");
    ask = form_ask("sns", "/", "Action=Dance");
    expect_response(d, &ask, 400, "<Code>InvalidAction</Code>");
    ask = form_ask("lambda", "/", "Action=Invoke");
    expect_response(d, &ask, 501, "<Code>NotImplemented</Code>");
}

static void requests_without_a_valid_signature_are_refused(void **state)
{
    struct door *d = *state;
    const char *list = "Action=ListQueues";
    struct ask ask = form_ask(NULL, "/", list);
    expect_response(d, &ask, 403, "<Code>MissingAuthenticationToken</Code>");
    ask = json_ask("AmazonSQS.ListQueues", "{}");
    ask.service = NULL;
    expect_response(d, &ask, 403, "MissingAuthenticationTokenException");
    ask = form_ask("sqs", "/", list);
    ask.secret = "guess";
    expect_response(d, &ask, 403, "<Code>SignatureDoesNotMatch</Code>");
    ask = form_ask("sqs", "/", list);
    ask.access_key = "stranger";
    expect_response(d, &ask, 403, "<Code>InvalidClientTokenId</Code>");
    ask = form_ask("sqs", "/", list);
    ask.skew_s = -1000;
    expect_response(d, &ask, 403, "<Code>SignatureDoesNotMatch</Code><Message>Signature expired: ");
    ask = json_ask("AmazonSQS.ListQueues", "{}");
    ask.skew_s = 1000;
    expect_response(d, &ask, 403, "InvalidSignatureException");
    assert_non_null(strstr(d->body, "Signature not yet current: "));
    /* Another body than the one that was signed. */
    ask = form_ask("sqs", "/", list);
    ask.sent_body = "Action=DeleteQueue";
    expect_response(d, &ask, 403, "<Code>SignatureDoesNotMatch</Code>");
    ask = json_ask("AmazonSQS.ListQueues", "{}");
    ask.secret = "guess";
    expect_response(d, &ask, 403, "InvalidSignatureException");
    assert_string_equal(d->query_error, "SignatureDoesNotMatch;Sender");
    ask = form_ask("s3", "/", "");
    ask.access_key = "stranger";
    expect_response(d, &ask, 403, "<Code>InvalidAccessKeyId</Code>");
}

static void the_request_log_is_whole_after_the_stop(void **state)
{
    struct door *d = *state;
    char text[BODY_ROOM] = "";
    struct ask ask = json_ask("AmazonSQS.CreateQueue", "{\"QueueName\":\"logged\"}");
    send_ask(d, &ask);
    ask = form_ask("sns", "/", "Action=CreateTopic&Name=announced");
    send_ask(d, &ask);
    ask = form_ask("sqs", "/000000000000/nothing", "Action=PurgeQueue");
    send_ask(d, &ask);
    stop(d);
    FILE *file = fopen(d->log, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(size > 0 && text[size - 1] == '\n');
    assert_non_null(strstr(text, "\"service\":\"sqs\",\"operation\":\"CreateQueue\",\"resource\":"
                                 "\"logged\",\"key\":\"\",\"status\":200,\"microseconds\":"));
    assert_non_null(strstr(text, "\"service\":\"sns\",\"operation\":\"CreateTopic\",\"resource\":"
                                 "\"announced\",\"key\":\"\",\"status\":200,"));
    assert_non_null(strstr(text, "\"operation\":\"PurgeQueue\",\"resource\":\"nothing\","
                                 "\"key\":\"\",\"status\":400,"));
    assert_null(strstr(text, "thumbwheel-secret"));
}

static void a_start_that_fails_leaves_nothing(void **state)
{
    struct door *d = *state;
    struct local_cloud *second = NULL;
    struct error error = {0};
    char directory[96];
    /* The directory is in use. */
    struct cloud_settings o = options(d);
    assert_int_equal(local_cloud_start(&d->loop, &o, &second, &error), ERR_BUSY);
    assert_string_not_equal(error.text, "");
    /* The port is. */
    snprintf(directory, sizeof directory, "%s/second", d->directory);
    o.data_dir = directory;
    o.request_log = NULL;
    o.port = (unsigned)atoi(strrchr(local_cloud_endpoint(d->cloud), ':') + 1);
    assert_int_equal(local_cloud_start(&d->loop, &o, &second, &error), ERR_BUSY);
    o.port = 0;
    o.account = "12";
    assert_int_equal(local_cloud_start(&d->loop, &o, &second, &error), ERR_INVALID);
    o.account = NULL;
    o.request_log = "/nonexistent/requests.log";
    assert_int_equal(local_cloud_start(&d->loop, &o, &second, &error), ERR_IO);
    /* After all that it can be opened. */
    o.request_log = NULL;
    assert_int_equal(local_cloud_start(&d->loop, &o, &second, &error), 0);
    local_cloud_stop(second, mark_done, d);
    await(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_protocols_reach_one_queue),
        TEST(errors_have_the_form_of_their_protocol),
        TEST(requests_without_a_valid_signature_are_refused),
        TEST(the_request_log_is_whole_after_the_stop),
        TEST(a_start_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
