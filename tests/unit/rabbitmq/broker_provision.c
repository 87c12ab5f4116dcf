/* Provisioning against a scripted management API. The responses are as RabbitMQ 3.10.8 sends them,
 * without the members that are not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "broker_plan.h"
#include "broker_provision.h"
#include "plain_pipelines.h"
#include "scripted_http.h"

static struct {
    struct provision_plan plan;
    struct provision_run run;
    enum provision_action actions[32];
    char conflict[2048];
    size_t written;
} world;

static void on_compared(size_t index, const struct provision_change *change, void *user)
{
    (void)user;
    world.actions[index] = change->action;
    if (change->conflict)
        strncpy(world.conflict, change->conflict, sizeof world.conflict - 1);
}

static void on_written(size_t index, void *user)
{
    (void)index;
    (void)user;
    world.written++;
}

static void plan_begin(bool write)
{
    static struct pipeline web = {{.name = "web", .queue = "amqp://photo@node/a%2Fb/web"}};
    struct pipeline *const pipelines[] = {&web};
    const struct provision_settings settings = {.bucket = "photos",
                                                .via = PROVISION_RABBITMQ,
                                                .max_receives = 3,
                                                .broker = &rabbitmq_broker};
    memset(&world, 0, sizeof world);
    assert_int_equal(
        provision_plan_make(&world.plan, &plain_pipeline_ops, pipelines, 1, &settings, NULL), 0);
    world.run = (struct provision_run){.plan = &world.plan,
                                       .place = {"aws", "default", ""},
                                       .write = write,
                                       .compared = on_compared,
                                       .written = on_written};
}

/* Runs the plan to its end. */
static struct error run(bool write, const char *api)
{
    const struct provision_broker_access access = {.api = api};
    struct script_outcome seen = {0};
    struct broker_run *pending;
    plan_begin(write);
    assert_int_equal(broker_provision(&script.loop, NULL, &access, &world.run, script_on_done,
                                      &seen, &pending, NULL),
                     0);
    assert_false(seen.done);
    script_run(&seen.done);
    provision_plan_clear(&world.plan);
    return seen.error;
}

#define BODY(text)                                                                                 \
    {                                                                                              \
        .status = 200, .body = (text)                                                              \
    }
#define OVERVIEW BODY("{\"rabbitmq_version\":\"3.10.8\"}")
#define VHOST    BODY("{\"name\":\"amq.direct\"}")
#define ABSENT                                                                                     \
    {                                                                                              \
        .status = 404, .body = "{\"error\":\"Object Not Found\",\"reason\":\"Not Found\"}"         \
    }
#define CREATED                                                                                    \
    {                                                                                              \
        .status = 201                                                                              \
    }
#define NEW ABSENT, CREATED

/* The order of the plan: exchange, queue, binding for what is not routed; exchange, policy; six
 * queues and a binding. A policy is read in two requests. */
static void a_first_run_creates_everything(void **state)
{
    (void)state;
    SCRIPT(&script_options, OVERVIEW, VHOST, NEW, NEW, NEW, NEW, ABSENT, NEW, NEW, NEW, NEW, NEW,
           NEW, NEW, NEW);
    assert_int_equal(run(true, NULL).code, 0);
    assert_int_equal(world.written, 12);
    assert_string_equal(script.requests[0].url, "http://node:15672/api/overview");
    assert_string_equal(script_header(0, "authorization"), "Basic cGhvdG86Z3Vlc3Q="); /* :guest */
    assert_string_equal(script.requests[1].url, "http://node:15672/api/exchanges/a%2Fb/amq.direct");
    assert_string_equal(script.requests[3].method, "PUT");
    assert_string_equal(script.requests[3].url,
                        "http://node:15672/api/exchanges/a%2Fb/thumbwheel.unrouted");
    assert_string_equal(script.requests[7].method, "POST");
    assert_string_equal(
        script.requests[7].url,
        "http://node:15672/api/bindings/a%2Fb/e/thumbwheel.unrouted/q/thumbwheel.unrouted");
    assert_string_equal(script.requests[12].url, "http://node:15672/api/policies/a%2Fb/thumbwheel");
    assert_non_null(strstr(script.requests[12].body, "\"pattern\":\"^thumbwheel$\""));
    assert_non_null(strstr(script.requests[16].body, "\"x-delivery-limit\":2"));
    script_end();
}

#define EXCHANGE(kind)                                                                             \
    BODY("{\"type\":\"" kind "\",\"durable\":true,\"auto_delete\":false,\"internal\":false,"       \
         "\"arguments\":{},\"policy\":\"thumbwheel\"}")
#define KEEPING                                                                                    \
    BODY("{\"arguments\":{\"x-queue-type\":\"quorum\",\"x-delivery-limit\":1000000000}}")
#define BOUND                                                                                      \
    BODY("[{\"routing_key\":\"\",\"arguments\":{}},"                                               \
         "{\"routing_key\":\"thumbwheel\",\"arguments\":{},\"properties_key\":\"thumbwheel\"}]")
#define POLICY                                                                                     \
    BODY("{\"pattern\":\"^thumbwheel$\",\"apply-to\":\"exchanges\",\"priority\":0,\"definition\":" \
         "{\"alternate-exchange\":\"thumbwheel.unrouted\"}}")
#define LETTERS(first, to)                                                                         \
    BODY("{\"arguments\":{\"x-queue-type\":\"quorum\"," first                                      \
         ",\"x-dead-letter-exchange\":\"\",\"x-dead-letter-routing-key\":\"" to                    \
         "\",\"x-dead-letter-strategy\":\"at-least-once\",\"x-overflow\":\"reject-publish\"}}")
#define RETRY(ttl) LETTERS("\"x-message-ttl\":" ttl, "web")
#define UNTIL_QUEUES                                                                               \
    OVERVIEW, VHOST, EXCHANGE("fanout"), KEEPING, BOUND, EXCHANGE("topic"), EXCHANGE("topic"),     \
        POLICY
#define RETRIES RETRY("1000"), RETRY("10000"), RETRY("60000"), RETRY("600000")

static void a_second_run_only_reads(void **state)
{
    (void)state;
    SCRIPT(&script_options, UNTIL_QUEUES, KEEPING, LETTERS("\"x-delivery-limit\":2", "web.dead"),
           RETRIES, BOUND);
    assert_int_equal(run(true, NULL).code, 0);
    assert_int_equal(world.written, 0);
    script_end();
}

static void a_policy_may_stand_for_arguments(void **state)
{
    (void)state;
    SCRIPT(&script_options, UNTIL_QUEUES,
           BODY("{\"arguments\":{\"x-queue-type\":\"quorum\",\"x-max-length\":5},"
                "\"effective_policy_definition\":{\"delivery-limit\":1000000000}}"),
           LETTERS("\"x-delivery-limit\":2", "web.dead"), RETRIES, BOUND);
    assert_int_equal(run(true, NULL).code, 0);
    assert_int_equal(world.written, 0);
    script_end();
}

static void a_queue_with_other_arguments_stays_as_it_is(void **state)
{
    (void)state;
    SCRIPT(&script_options, UNTIL_QUEUES, KEEPING, LETTERS("\"x-delivery-limit\":9", "web.dead"));
    const struct error error = run(true, NULL);
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_int_equal(world.written, 0);
    assert_non_null(strstr(error.text, "queue web: "));
    assert_non_null(strstr(world.conflict, "x-delivery-limit is 9, not 2"));
    assert_non_null(strstr(world.conflict, "PRECONDITION_FAILED"));
    assert_null(strstr(world.conflict, "x-overflow"));
    script_end();
}

static void an_exchange_of_another_type_is_in_the_way(void **state)
{
    (void)state;
    SCRIPT(&script_options, OVERVIEW, VHOST, EXCHANGE("direct"));
    assert_int_equal(run(true, NULL).code, ERR_CONFLICT);
    assert_non_null(strstr(world.conflict, "direct"));
    script_end();
}

/* ---- what goes wrong before ---- */

static void assert_failure(int code, const char *part)
{
    const struct error error = run(false, "https://admin@api:443/rabbit/");
    assert_int_equal(error.code, code);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    assert_string_equal(script.requests[0].url, "https://api:443/rabbit/api/overview");
    assert_string_equal(script_header(0, "authorization"), "Basic YWRtaW46Z3Vlc3Q=");
    script_end();
}

static void the_broker_is_checked_first(void **state)
{
    (void)state;
    SCRIPT(&script_options, BODY("{\"rabbitmq_version\":\"3.9.27\"}"));
    assert_failure(ERR_UNSUPPORTED, "3.9 is too old");
    SCRIPT(&script_options, BODY("<html>"));
    assert_failure(ERR_PROTOCOL, "--broker-api");
    SCRIPT(&script_options, BODY("{\"version\":1}"));
    assert_failure(ERR_PROTOCOL, "not the management API");
    SCRIPT(&script_options, OVERVIEW, ABSENT);
    assert_failure(ERR_NO_CONTAINER, "rabbitmqctl add_vhost");
    SCRIPT(&script_options,
           {.status = 401,
            .body = "{\"error\":\"not_authorised\",\"reason\":\"Login failed\\u0007\"}"});
    assert_failure(ERR_DENIED, "HTTP 401: Login failed?: check the user");
    SCRIPT(&script_options, {.error = ERR_NETWORK});
    assert_failure(ERR_NETWORK, "rabbitmq_management");
    SCRIPT(&script_options, OVERVIEW, VHOST, BODY("[]"));
    assert_failure(ERR_PROTOCOL, "exchange thumbwheel.unrouted: cannot read it");
}

static void a_cancelled_run_calls_nobody(void **state)
{
    (void)state;
    const struct provision_broker_access access = {0};
    struct script_outcome seen = {0};
    struct broker_run *pending;
    SCRIPT(&script_options, {.never = true});
    plan_begin(false);
    assert_int_equal(broker_provision(&script.loop, NULL, &access, &world.run, script_on_done,
                                      &seen, &pending, NULL),
                     0);
    broker_provision_cancel(pending);
    provision_plan_clear(&world.plan);
    assert_false(seen.done);
    script_end();
}

static void a_password_in_an_address_is_refused(void **state)
{
    (void)state;
    const struct provision_broker_access access = {.api = "http://admin:secret@api"};
    struct broker_run *pending;
    struct error error;
    plan_begin(false);
    assert_int_equal(broker_provision(&script.loop, NULL, &access, &world.run, script_on_done, NULL,
                                      &pending, &error),
                     ERR_INVALID);
    assert_null(strstr(error.text, "secret"));
    provision_plan_clear(&world.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_run_creates_everything),
        cmocka_unit_test(a_second_run_only_reads),
        cmocka_unit_test(a_policy_may_stand_for_arguments),
        cmocka_unit_test(a_queue_with_other_arguments_stays_as_it_is),
        cmocka_unit_test(an_exchange_of_another_type_is_in_the_way),
        cmocka_unit_test(the_broker_is_checked_first),
        cmocka_unit_test(a_cancelled_run_calls_nobody),
        cmocka_unit_test(a_password_in_an_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
