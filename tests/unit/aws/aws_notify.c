/* Notifications to topics and event buses, against scripted services. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "notifier.h"
#include "scripted_http.h"

#define TOPIC "arn:aws:sns:eu-west-1:123456789012:done"
#define PUBLISHED                                                                                  \
    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>"          \
    "<MessageId>m-1</MessageId></PublishResult></PublishResponse>"

static struct script_outcome outcome;

static struct notify_request *begin(struct notifier *notifier, const char *target)
{
    const struct notify_message what = {.target = target,
                                        .id = "msg_1",
                                        .group = "group",
                                        .type = "photo.done",
                                        .pipeline = "web",
                                        .subject = "a & b",
                                        .text = "for people",
                                        .document = slice_of("{\"id\":1}")};
    struct notify_request *request = NULL;
    outcome = (struct script_outcome){0};
    assert_int_equal(notifier->ops->send(notifier, &what, script_on_done, &outcome, &request), 0);
    assert_false(outcome.done);
    return request;
}

static int finish(void)
{
    script_run(&outcome.done);
    return outcome.error.code;
}

static bool has_field(const char *field)
{
    const char *body = script.requests[0].body, *at = strstr(body, field);
    return at && (at == body || at[-1] == '&') &&
           (at[strlen(field)] == '&' || at[strlen(field)] == '\0');
}

/* ---- topics ---- */

static void people_get_the_text_and_programs_the_document(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = PUBLISHED});
    begin(aws_topic_notifier(script.aws), TOPIC);
    assert_int_equal(finish(), 0);
    assert_true(has_field("Action=Publish"));
    assert_true(has_field("Subject=a%20%26%20b"));
    assert_true(has_field("MessageStructure=json"));
    assert_true(has_field("MessageAttributes.entry.1.Value.StringValue=photo.done"));
    assert_true(has_field("MessageAttributes.entry.2.Value.StringValue=web"));
    assert_non_null(strstr(script.requests[0].body, "%22default%22%3A%22for%20people%22"));
    assert_non_null(strstr(script.requests[0].body, "%22sqs%22%3A%22%7B%5C%22id%5C%22%3A1%7D%22"));
    assert_null(strstr(script.requests[0].body, "MessageGroupId"));
    script_assert_signed_for(0, "sns", "eu-west-1"); /* the topic's region */
    script_end();
}

static void a_fifo_topic_gets_group_and_deduplication_id(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = PUBLISHED});
    begin(aws_topic_notifier(script.aws), TOPIC ".fifo");
    assert_int_equal(finish(), 0);
    assert_true(has_field("MessageGroupId=group"));
    assert_true(has_field("MessageDeduplicationId=msg_1"));
    script_end();
}

static void a_missing_topic_is_reported(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 404,
            .body = "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic "
                    "does not exist</Message></Error></ErrorResponse>"});
    begin(aws_topic_notifier(script.aws), TOPIC);
    assert_int_equal(finish(), ERR_NO_CONTAINER);
    script_end();
}

/* ---- event buses ---- */

static void an_event_is_put_on_the_bus(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200, .body = "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"e-1\"}]}"});
    begin(aws_event_bus_notifier(script.aws), "default");
    assert_int_equal(finish(), 0);
    assert_string_equal(script_header(0, "x-amz-target"), "AWSEvents.PutEvents");
    assert_string_equal(script_header(0, "content-type"), "application/x-amz-json-1.1");
    assert_non_null(strstr(script.requests[0].url, "https://events.eu-central-1.amazonaws.com/"));
    json_t *body = json_loads(script.requests[0].body, 0, NULL);
    json_t *expected =
        json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "Entries", "Source", "thumbwheel", "DetailType",
                  "Photo Done", "Detail", "{\"id\":1}", "EventBusName", "default");
    assert_true(json_equal(body, expected));
    json_decref(body);
    json_decref(expected);
    script_assert_signed(0, "events");
    script_end();
}

/* The status is 200 in all of these cases. */
static void a_refused_event_is_not_a_success(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int code;
    } cases[] = {
        {"{\"FailedEntryCount\":1,\"Entries\":[{\"ErrorCode\":\"ThrottlingException\","
         "\"ErrorMessage\":\"slow down\"}]}",
         ERR_THROTTLED},
        {"{\"FailedEntryCount\":1,\"Entries\":[{\"ErrorCode\":\"InternalFailure\"}]}", ERR_SERVER},
        {"{\"FailedEntryCount\":1,\"Entries\":[{\"ErrorCode\":\"OfTheFuture\"}]}", ERR_REFUSED},
        {"{\"FailedEntryCount\":1,\"Entries\":[{\"EventId\":\"e\"}]}", ERR_PROTOCOL},
        {"{\"FailedEntryCount\":0,\"Entries\":[]}", ERR_PROTOCOL},
        {"{\"FailedEntryCount\":0,\"Entries\":7}", ERR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCRIPT(&script_options, {.status = 200, .body = cases[i].body});
        begin(aws_event_bus_notifier(script.aws), "default");
        assert_int_equal(finish(), cases[i].code);
        script_end();
    }
}

static void a_bus_in_another_region_is_asked_there(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200, .body = "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"e-1\"}]}"});
    begin(aws_event_bus_notifier(script.aws), "arn:aws:events:us-west-2:123456789012:event-bus/x");
    assert_int_equal(finish(), 0);
    script_assert_signed_for(0, "events", "us-west-2");
    script_end();
}

/* ---- ends ---- */

static void a_cancelled_notification_is_not_reported(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.never = true}, {.never = true});
    struct notifier *topics = aws_topic_notifier(script.aws);
    topics->ops->cancel(begin(topics, TOPIC));
    begin(aws_event_bus_notifier(script.aws), "default"); /* ended by the client's end */
    script_end();
    assert_false(outcome.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_get_the_text_and_programs_the_document),
        cmocka_unit_test(a_fifo_topic_gets_group_and_deduplication_id),
        cmocka_unit_test(a_missing_topic_is_reported),
        cmocka_unit_test(an_event_is_put_on_the_bus),
        cmocka_unit_test(a_refused_event_is_not_a_success),
        cmocka_unit_test(a_bus_in_another_region_is_asked_there),
        cmocka_unit_test(a_cancelled_notification_is_not_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
