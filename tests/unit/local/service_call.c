/* The life of a service call, with a protocol that records how the call ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "call_protocol.h"
#include "cloud_service.h"
#include "container_of.h"

enum { OWN_ERROR = SERVICE_OWN, CODES };

static struct {
    const char *name;           /* of the operation that is called */
    unsigned responses, errors; /* that were sent */
    int error;
    char text[SERVICE_ERROR_TEXT_MAX];
    struct service_call *waiting;
    unsigned runs, cancelled;
} seen;

/* The protocol. */

static int name_read(struct cloud_request *request, const struct service_api *api,
                     const char **name, json_t **input, struct service_error *error)
{
    (void)request;
    (void)api;
    (void)error;
    *name = seen.name;
    *input = json_object();
    return seen.name ? 0 : SERVICE_MISSING_ACTION;
}

static void output_respond(struct service_call *call)
{
    call->request->status = 200;
    seen.responses++;
}

static void error_respond(struct cloud_request *request, const struct service_api *api,
                          const struct service_error *error)
{
    request->status = service_error_row(api->errors, error->code)->json_status;
    seen.errors++;
    seen.error = error->code;
    strcpy(seen.text, service_error_text(api->errors, error));
}

static const struct call_protocol recording = {
    .wire = WIRE_JSON,
    .noun = "action",
    .read_name = name_read,
    .respond = output_respond,
    .refuse = error_respond,
};

/* The service. */

struct waiting_call {
    struct service_call call;
    unsigned marker;
};

static int run_fails(struct service_call *call)
{
    return service_call_fail(call, OWN_ERROR, "The %s is wrong.", "input");
}

static int run_lacks_memory(struct service_call *call)
{
    (void)call;
    return ERR_MEMORY;
}

static int run_at_once(struct service_call *call)
{
    seen.runs++;
    return service_call_output(call, "Done", json_true());
}

static int run_waits(struct service_call *call)
{
    seen.runs++;
    seen.waiting = call;
    container_of(call, struct waiting_call, call)->marker = 1;
    return seen.runs > 1 ? 0 : service_call_wait(call, 0);
}

static void waits_ended(struct service_call *call, bool completed)
{
    assert_non_null(call->request);
    if (!completed && call->state == CALL_WAITING)
        seen.cancelled++;
}

static void poll_ended(struct service_call *call, bool completed)
{
    (void)completed;
    if (call->state == CALL_WAITING)
        service_call_stop_waiting(call);
}

static const struct service_operation operations[] = {
    {.name = "AtOnce", .run = run_at_once},
    {.name = "Fails", .run = run_fails},
    {.name = "LacksMemory", .run = run_lacks_memory},
    {.name = "Missing"},
    {.name = "Open", .run = run_at_once, .is_public = true},
    {.name = "Polls", .run = run_waits, .size = sizeof(struct waiting_call), .ended = poll_ended},
    {.name = "Waits", .run = run_waits, .size = sizeof(struct waiting_call), .ended = waits_ended},
};

static const struct wire_error wire_errors[CODES] = {
    [SERVICE_INTERNAL] = {"Internal", NULL, 500, 0, "internal"},
    [SERVICE_UNAVAILABLE] = {"Unavailable", NULL, 503, 0, "unavailable"},
    [SERVICE_MISSING_ACTION] = {"MissingAction", NULL, 400, 0, "missing"},
    [SERVICE_INVALID_ACTION] = {"InvalidAction", NULL, 400, 0, "invalid"},
    [SERVICE_NOT_IMPLEMENTED] = {"NotImplemented", NULL, 501, 0, "not implemented"},
    [SERVICE_UNSIGNED] = {"Unsigned", NULL, 403, 0, "unsigned"},
    [OWN_ERROR] = {"Own", NULL, 404, 0, "own"},
};

static const struct service_api api = {
    .json = &recording,
    .operations = operations,
    .operation_count = sizeof operations / sizeof *operations,
    .errors = wire_errors,
};

static const struct cloud_service service = {.name = "recording", .api = &api};

/* A request. */

struct asked {
    struct cloud cloud;
    struct cloud_request request;
};

static void ask(struct asked *asked, const char *name)
{
    static const char signer = 0; /* never read */
    memset(&seen, 0, sizeof seen);
    memset(asked, 0, sizeof *asked);
    seen.name = name;
    asked->request.cloud = &asked->cloud;
    asked->request.service = &service;
    asked->request.caller = (const void *)&signer;
    service_call_handle(&asked->request);
}

/* As the router does when the response was sent or the peer is gone. */
static void end(struct asked *asked, bool completed)
{
    if (asked->request.ended)
        asked->request.ended(&asked->request, completed);
}

static void refused(const char *name, int code, int status, const char *text)
{
    struct asked asked;
    ask(&asked, name);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.responses, 0);
    assert_int_equal(seen.error, code);
    assert_int_equal(asked.request.status, status);
    assert_string_equal(seen.text, text);
    end(&asked, true);
}

static void each_failure_has_its_row_in_the_table_of_wire_errors(void **state)
{
    (void)state;
    refused(NULL, SERVICE_MISSING_ACTION, 400, "missing");
    refused("Other", SERVICE_INVALID_ACTION, 400,
            "The action Other is not valid for this endpoint.");
    refused("Missing", SERVICE_NOT_IMPLEMENTED, 501,
            "The embedded cloud does not implement the action Missing.");
    refused("Fails", OWN_ERROR, 404, "The input is wrong.");
    refused("LacksMemory", ERR_MEMORY, 503, "unavailable");
}

static void an_operation_that_does_not_wait_responds_at_once(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "AtOnce");
    assert_int_equal(seen.responses, 1);
    assert_string_equal(asked.request.operation, "AtOnce");
    end(&asked, true);
}

static void only_a_public_operation_is_served_without_a_signature(void **state)
{
    struct asked asked;
    (void)state;
    static const struct {
        const char *name;
        unsigned responses;
    } rows[] = {{"Open", 1}, {"AtOnce", 0}, {"Missing", 0}};
    for (size_t i = 0; i < 3; i++) {
        memset(&seen, 0, sizeof seen);
        seen.name = rows[i].name;
        asked = (struct asked){.request.service = &service};
        asked.request.cloud = &asked.cloud;
        service_call_handle(&asked.request);
        assert_int_equal(seen.responses, rows[i].responses);
        assert_int_equal(seen.error, rows[i].responses ? 0 : SERVICE_UNSIGNED);
        end(&asked, true);
    }
}

static void a_waiting_call_responds_when_its_change_is_stored(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Waits");
    assert_int_equal(seen.responses + seen.errors, 0);
    service_call_written(0, seen.waiting);
    assert_int_equal(seen.responses, 1);
    assert_int_equal(container_of(seen.waiting, struct waiting_call, call)->marker, 1);
    end(&asked, true);
    assert_int_equal(seen.cancelled, 0);
}

static void a_change_that_cannot_be_stored_is_an_internal_error(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Waits");
    service_call_written(ERR_IO, seen.waiting);
    assert_int_equal(asked.request.status, 500);
    end(&asked, true);
    ask(&asked, "Waits");
    service_call_written(ERR_MEMORY, seen.waiting);
    assert_int_equal(asked.request.status, 503);
    end(&asked, true);
}

static void the_first_error_of_a_call_counts(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Waits");
    service_call_fail(seen.waiting, OWN_ERROR, "first");
    service_call_written(ERR_IO, seen.waiting);
    assert_string_equal(seen.text, "first");
    end(&asked, true);
}

static void a_change_outlives_the_client_and_nobody_gets_a_response(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Waits");
    end(&asked, false);
    assert_int_equal(seen.cancelled, 1);
    assert_null(seen.waiting->request);
    service_call_written(0, seen.waiting); /* frees the call */
    assert_int_equal(seen.responses + seen.errors, 0);
}

static void a_poll_ends_with_its_client(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Polls");
    end(&asked, false); /* frees the call; the leak check of the sanitizer would report it */
    assert_int_equal(seen.responses + seen.errors, 0);
}

static void a_resumed_call_runs_its_operation_again(void **state)
{
    struct asked asked;
    (void)state;
    ask(&asked, "Waits");
    service_call_resume(seen.waiting);
    assert_int_equal(seen.runs, 2);
    assert_int_equal(seen.responses, 1);
    end(&asked, true);

    ask(&asked, "Waits");
    service_call_fail(seen.waiting, OWN_ERROR, "failed while it waited");
    service_call_resume(seen.waiting);
    assert_int_equal(seen.runs, 1);
    assert_int_equal(seen.errors, 1);
    end(&asked, true);

    ask(&asked, "Waits");
    end(&asked, false);
    service_call_resume(seen.waiting);
    assert_int_equal(seen.runs, 1);
}

static void quotes_in_errors_are_repaired(void **state)
{
    struct service_error error = {0};
    (void)state;
    service_error_set(&error, OWN_ERROR, "%.3s and \n", "a\xC3\xA9\xC3\xA9");
    assert_string_equal(error.text, "a\xC3\xA9 and ?");
    service_error_set(&error, OWN_ERROR, "%.2s", "a\xC3\xA9");
    assert_string_equal(error.text, "a?");
    service_error_set_lines(&error, OWN_ERROR, "one\x01\ntwo\n");
    assert_string_equal(error.text, "one?\ntwo\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_has_its_row_in_the_table_of_wire_errors),
        cmocka_unit_test(an_operation_that_does_not_wait_responds_at_once),
        cmocka_unit_test(only_a_public_operation_is_served_without_a_signature),
        cmocka_unit_test(a_waiting_call_responds_when_its_change_is_stored),
        cmocka_unit_test(a_change_that_cannot_be_stored_is_an_internal_error),
        cmocka_unit_test(the_first_error_of_a_call_counts),
        cmocka_unit_test(a_change_outlives_the_client_and_nobody_gets_a_response),
        cmocka_unit_test(a_poll_ends_with_its_client),
        cmocka_unit_test(a_resumed_call_runs_its_operation_again),
        cmocka_unit_test(quotes_in_errors_are_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
