/* Signing, retrying and giving up, tested with SNS Publish and the object store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "aws_private.h"
#include "scripted_http.h"
#include "sigv4.h"

#define TOPIC "arn:aws:sns:eu-central-1:123456789012:photos"

static struct error publish(void)
{
    struct script_outcome seen = {0};
    struct script_publish publish = {script_on_done, &seen};
    assert_int_equal(script_publish_start(&publish, TOPIC, "subject", "a message"), 0);
    assert_false(seen.done);
    script_run(&seen.done);
    return seen.error;
}

#define OK_RESPONSE                                                                                \
    {                                                                                              \
        .status = 200,                                                                             \
        .body = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"         \
                "</PublishResponse>"                                                               \
    }
#define BUSY_RESPONSE                                                                              \
    {                                                                                              \
        .status = 503, .body = "<ErrorResponse><Error><Code>ServiceUnavailable</Code>"             \
                               "</Error></ErrorResponse>"                                          \
    }

static void success(void **state)
{
    (void)state;
    SCRIPT(&script_options, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    assert_string_equal(script.requests[0].method, "POST");
    assert_string_equal(script.requests[0].url, "https://sns.eu-central-1.amazonaws.com/");
    assert_string_equal(script.requests[0].body,
                        "Action=Publish&Version=2010-03-31"
                        "&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A123456789012%3Aphotos"
                        "&Subject=subject&Message=a%20message");
    assert_string_equal(script_header(0, "host"), "sns.eu-central-1.amazonaws.com");
    assert_null(script_header(0, "x-amz-security-token"));
    script_assert_signed(0, "sns");
    script_end();
}

static void success_after_a_503(void **state)
{
    (void)state;
    SCRIPT(&script_options, BUSY_RESPONSE, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    assert_string_equal(script.requests[0].body, script.requests[1].body);
    script_end();
}

static void lost_connection_then_success(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.error = ERR_NETWORK}, {.error = ERR_TIMEOUT}, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    script_end();
}

static void three_attempts_and_no_more(void **state)
{
    (void)state;
    SCRIPT(&script_options, BUSY_RESPONSE, BUSY_RESPONSE, BUSY_RESPONSE);
    struct error error = publish();
    assert_int_equal(error.code, ERR_SERVER);
    assert_non_null(strstr(error.text, "SNS Publish " TOPIC));
    assert_non_null(strstr(error.text, "ServiceUnavailable"));
    script_end();
}

static void throttling_is_retried(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 400,
            .body = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"},
           {.status = 429}, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    script_end();
}

static void assert_metric(const char *line)
{
    struct buffer out;
    buffer_init(&out, 64 * 1024);
    aws_write_metrics(script.aws, &out);
    buffer_byte(&out, '\0');
    assert_non_null(strstr(out.data, line));
    buffer_free(&out);
}

static void requests_retries_and_throttling_are_counted(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 429}, BUSY_RESPONSE, OK_RESPONSE, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    assert_int_equal(publish().code, 0);
    assert_metric("\nthumbwheel_requests_total{service=\"sns\",operation=\"Publish\"} 4\n");
    assert_metric("\nthumbwheel_request_retries_total{service=\"sns\",operation=\"Publish\"} 2\n");
    assert_metric(
        "\nthumbwheel_requests_throttled_total{service=\"sns\",operation=\"Publish\"} 1\n");
    assert_metric("\nthumbwheel_credentials_expiry_timestamp_seconds +Inf\n");
    script_end();
}

static void operations_beyond_the_limit_count_as_other(void **state)
{
    (void)state;
    static char names[2 * REQUEST_COUNTS_MAX][16];
    struct request_stats stats = {0};
    for (int i = 0; i < 2 * REQUEST_COUNTS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "Op%d", i);
        request_stats_of(&stats, AWS_S3, names[i])->requests++;
    }
    assert_int_equal(stats.count, REQUEST_COUNTS_MAX);
    assert_string_equal(stats.counts[REQUEST_COUNTS_MAX - 1].operation, "other");
    assert_int_equal(stats.counts[REQUEST_COUNTS_MAX - 1].requests, REQUEST_COUNTS_MAX + 1);
    assert_int_equal(stats.counts[0].requests, 1);
}

static bool is_ready(char *reason, size_t size)
{
    struct buffer out;
    buffer_init(&out, 1024);
    bool ready = aws_is_ready(script.aws, &out);
    buffer_byte(&out, '\0');
    snprintf(reason, size, "%s", out.data);
    buffer_free(&out);
    return ready;
}

static void refused_credentials_are_not_ready_until_a_service_accepts_them(void **state)
{
    (void)state;
    char reason[256];
    SCRIPT(&script_options,
           {.status = 403,
            .body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error>"
                    "</ErrorResponse>"},
           OK_RESPONSE);
    assert_true(is_ready(reason, sizeof reason));
    assert_int_equal(publish().code, ERR_CREDENTIALS);
    assert_false(is_ready(reason, sizeof reason));
    assert_string_equal(reason, "a service rejected the credentials\n");
    assert_int_equal(publish().code, 0);
    assert_true(is_ready(reason, sizeof reason));
    assert_string_equal(reason, "");
    script_end();
}

static void a_400_is_final(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 400,
            .body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code>"
                    "<Message>Invalid parameter: Message too long</Message></Error>"
                    "</ErrorResponse>"});
    struct error error = publish();
    assert_int_equal(error.code, ERR_INVALID);
    assert_non_null(strstr(error.text, "InvalidParameter: Invalid parameter: Message too long"));
    script_end();
}

static void denied_says_what_to_do_and_no_secret(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 403,
            .body = "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>User is not "
                    "authorized to perform: SNS:Publish</Message></Error></ErrorResponse>"});
    struct error error = publish();
    assert_int_equal(error.code, ERR_DENIED);
    assert_non_null(strstr(error.text, "IAM"));
    assert_null(strstr(error.text, script_options.secret_key));
    assert_null(strstr(error.text, "Signature="));
    script_end();
}

static void retry_after_is_respected(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 503, .headers = {{"retry-after", "1"}}}, OK_RESPONSE);
    uint64_t start = uv_hrtime();
    assert_int_equal(publish().code, 0);
    assert_true(uv_hrtime() - start >= 990000000u);
    script_end();
}

static int64_t signed_time(size_t request)
{
    int64_t seconds = 0;
    assert_int_equal(sigv4_parse_date(slice_of(script_header(request, "x-amz-date")), &seconds), 0);
    return seconds;
}

#define SKEWED                                                                                     \
    .status = 403, .body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>"     \
                           "Signature expired</Message></Error></ErrorResponse>"

static void clock_is_corrected_once(void **state)
{
    (void)state;
    char date[64];
    time_t theirs = time(NULL) + 7200;
    struct tm tm;
    gmtime_r(&theirs, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    SCRIPT(&script_options, {SKEWED, .headers = {{"date", date}}}, OK_RESPONSE, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    int64_t difference = signed_time(1) - signed_time(0);
    assert_true(difference > 7190 && difference < 7210);
    assert_int_equal(publish().code, 0); /* the offset is kept */
    assert_true(signed_time(2) - signed_time(0) > 7190);
    script_end();
}

static void a_late_request_is_signed_again_once(void **state)
{
    (void)state;
    static const char late[] = "<ErrorResponse><Error><Code>RequestTimeTooSkewed</Code><Message>"
                               "The difference is too large</Message></Error></ErrorResponse>";
    char date[64];
    time_t theirs = time(NULL);
    struct tm tm;
    gmtime_r(&theirs, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    SCRIPT(&script_options, {.status = 403, .body = late, .headers = {{"date", date}}}, OK_RESPONSE,
           {.status = 403, .body = late, .headers = {{"date", date}}},
           {.status = 403, .body = late, .headers = {{"date", date}}});
    assert_int_equal(publish().code, 0);
    assert_int_equal(publish().code, ERR_DENIED);
    script_end();
}

static void wrong_secret_is_not_a_clock(void **state)
{
    (void)state;
    char date[64];
    time_t theirs = time(NULL);
    struct tm tm;
    gmtime_r(&theirs, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    SCRIPT(&script_options, {SKEWED, .headers = {{"date", date}}});
    struct error error = publish();
    assert_int_equal(error.code, ERR_CREDENTIALS);
    assert_non_null(strstr(error.text, "check the access key"));
    script_end();
}

static void session_token_is_signed(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.session_token = "session-token";
    SCRIPT(&options, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    assert_string_equal(script_header(0, "x-amz-security-token"), "session-token");
    assert_non_null(strstr(script_header(0, "authorization"), "x-amz-security-token"));
    script_assert_signed(0, "sns");
    script_end();
}

static void custom_endpoint(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.endpoint = "http://127.0.0.1:4566/";
    SCRIPT(&options, OK_RESPONSE);
    assert_int_equal(publish().code, 0);
    assert_string_equal(script.requests[0].url, "http://127.0.0.1:4566/");
    assert_string_equal(script_header(0, "host"), "127.0.0.1:4566");
    script_end();
}

/* Pending requests end with the client, whether they are sent or waiting for a retry. */
static void destroy_cancels_pending_requests(void **state)
{
    (void)state;
    struct script_outcome seen = {0};
    struct script_publish publish = {script_on_done, &seen};
    SCRIPT(&script_options, {.never = true}, {.status = 503, .headers = {{"retry-after", "5"}}});
    assert_int_equal(script_publish_start(&publish, TOPIC, NULL, "a"), 0);
    assert_int_equal(script_publish_start(&publish, TOPIC, NULL, "b"), 0);
    uv_run(&script.loop, UV_RUN_ONCE);
    script_end();
    assert_false(seen.done);
    assert_int_equal(script.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success),
        cmocka_unit_test(success_after_a_503),
        cmocka_unit_test(lost_connection_then_success),
        cmocka_unit_test(three_attempts_and_no_more),
        cmocka_unit_test(throttling_is_retried),
        cmocka_unit_test(requests_retries_and_throttling_are_counted),
        cmocka_unit_test(operations_beyond_the_limit_count_as_other),
        cmocka_unit_test(refused_credentials_are_not_ready_until_a_service_accepts_them),
        cmocka_unit_test(a_400_is_final),
        cmocka_unit_test(denied_says_what_to_do_and_no_secret),
        cmocka_unit_test(retry_after_is_respected),
        cmocka_unit_test(clock_is_corrected_once),
        cmocka_unit_test(a_late_request_is_signed_again_once),
        cmocka_unit_test(wrong_secret_is_not_a_clock),
        cmocka_unit_test(session_token_is_signed),
        cmocka_unit_test(custom_endpoint),
        cmocka_unit_test(destroy_cancels_pending_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
