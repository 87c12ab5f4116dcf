#include "service_call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call_protocol.h"
#include "cloud_service.h"
#include "fault_injection.h"
#include "json_text.h"
#include "spare_blocks.h"
#include "utf8.h"
#include "word_list.h"

/* Errors. */

int service_call_fail(struct service_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    service_error_vset(&call->error, code, format, args);
    va_end(args);
    return code;
}

int service_call_not_implemented(struct service_call *call, const char *parameter)
{
    return service_call_fail(call, SERVICE_NOT_IMPLEMENTED,
                             "The embedded cloud does not implement %.60s of %s.", parameter,
                             call->operation->name);
}

int service_call_output(struct service_call *call, const char *name, json_t *value)
{
    return json_object_set_new(call->output, name, value) ? ERR_MEMORY : 0;
}

/* The life of a call. */

static void call_free_if_over(struct service_call *call)
{
    if (call->request || call->state == CALL_WAITING)
        return;
    json_decref(call->input);
    json_decref(call->output);
    block_free(call);
}

static void call_ended(struct cloud_request *request, bool completed)
{
    struct service_call *call = request->handler;
    if (call->operation->ended)
        call->operation->ended(call, completed);
    call->request = NULL;
    call_free_if_over(call);
}

int service_call_wait(struct service_call *call, int code)
{
    if (!code)
        call->state = CALL_WAITING;
    return code;
}

void service_call_stop_waiting(struct service_call *call)
{
    call->state = CALL_ENDED;
}

void service_call_finish(struct service_call *call, int code)
{
    assert(call->state != CALL_ENDED);
    call->state = CALL_ENDED;
    if (code && !call->error.code)
        call->error.code = code;
    if (!call->request) {
        call_free_if_over(call);
    } else if (call->error.code) {
        call->protocol->refuse(call->request, call->api, &call->error);
    } else {
        fault_inject_output(call->request, call->output);
        call->protocol->respond(call);
    }
}

void service_call_written(int code, void *call)
{
    service_call_finish(call, code);
}

/* Of every call in the Query protocol: what names it, and its signature ("Common Parameters" in the
 * API references). */
static bool is_common(const char *name)
{
    static const char common[] = "Action Version AWSAccessKeyId Expires SecurityToken Signature "
                                 "SignatureMethod SignatureVersion Timestamp";
    return word_list_has(common, name) || strncasecmp(name, "X-Amz-", 6) == 0;
}

/* Whoever sends a member expects an effect. */
static int members_check(struct service_call *call)
{
    const char *name;
    json_t *value;
    json_object_foreach(call->input, name, value)
    {
        bool query = call->protocol->wire == WIRE_QUERY;
        if (!json_is_null(value) && !word_list_has(call->operation->members, name) &&
            !(query && is_common(name)))
            return service_call_not_implemented(call, name);
    }
    return 0;
}

static void call_run(struct service_call *call)
{
    int code = members_check(call);
    if (!code)
        code = call->operation->run(call);
    if (code)
        call->error.code = code;
    if (call->state == CALL_RUNNING)
        service_call_finish(call, 0);
}

void service_call_resume(struct service_call *call)
{
    call->state = CALL_RUNNING;
    if (call->request && !call->error.code)
        call_run(call);
    else
        service_call_finish(call, 0);
}

/* The beginning of a call. */

static const struct call_protocol *protocol_choose(const struct cloud_request *request)
{
    const struct service_api *api = request->service->api;
    if (!api->json || !api->query)
        return api->json ? api->json : api->query;
    return http_call_header(request->call, "x-amz-target").data ? api->json : api->query;
}

bool service_operation_row(const struct cloud_service *service, size_t at,
                           struct cloud_operation *out)
{
    const struct service_api *api = service->api;
    if (at >= api->operation_count)
        return false;
    *out = (struct cloud_operation){api->operations[at].name, api->operations[at].run != NULL};
    return true;
}

static int operation_compare(const void *name, const void *operation)
{
    return strcmp(name, ((const struct service_operation *)operation)->name);
}

static int operation_find(const struct cloud_request *request, const struct call_protocol *protocol,
                          const char *name, const struct service_operation **out,
                          struct service_error *error)
{
    const struct service_api *api = request->service->api;
    *out = bsearch(name, api->operations, api->operation_count, sizeof *api->operations,
                   operation_compare);
    if (!*out)
        return service_error_set(error, SERVICE_INVALID_ACTION,
                                 "The %s %.60s is not valid for this endpoint.", protocol->noun,
                                 name);
    if (!request->caller && !(*out)->is_public)
        return SERVICE_UNSIGNED;
    if (!(*out)->run)
        return service_error_set(error, SERVICE_NOT_IMPLEMENTED,
                                 "The embedded cloud does not implement the %s %s.", protocol->noun,
                                 (*out)->name);
    return 0;
}

/* The operation, and the part of the input that is read to find its name. The request log has the
 * name even if there is no such operation. */
static int operation_read(struct cloud_request *request, const struct call_protocol *protocol,
                          const struct service_operation **out, json_t **input,
                          struct service_error *error)
{
    const char *name = NULL;
    int code = protocol->read_name(request, request->service->api, &name, input, error);
    if (code)
        return code;
    if (name != request->operation)
        snprintf(request->operation, sizeof request->operation, "%s", name);
    utf8_repair(request->operation);
    return operation_find(request, protocol, name, out, error);
}

/* Takes input, also without memory (NULL). */
static struct service_call *call_new(struct cloud_request *request,
                                     const struct call_protocol *protocol,
                                     const struct service_operation *operation, json_t *input)
{
    struct service_call *call = block_new_zeroed(operation->size ? operation->size : sizeof *call);
    json_t *output = call ? json_object() : NULL;
    if (!output) {
        block_free(call);
        json_decref(input);
        return NULL;
    }
    call->request = request;
    call->cloud = request->cloud;
    call->api = request->service->api;
    call->protocol = protocol;
    call->operation = operation;
    call->input = input;
    call->output = output;
    request->handler = call;
    request->ended = call_ended;
    return call;
}

static int call_begin(struct cloud_request *request, const struct call_protocol *protocol,
                      struct service_call **out, struct service_error *error)
{
    const struct service_operation *operation = NULL;
    json_t *input = NULL;
    int code = operation_read(request, protocol, &operation, &input, error);
    if (!code && !input)
        code = protocol->read_input(request, &input, error);
    if (code) {
        json_decref(input);
        return code;
    }
    *out = call_new(request, protocol, operation, input);
    return *out ? 0 : ERR_MEMORY;
}

/* The queue or topic of the call, for rules of the fault plan about one resource. */
static const char *fault_resource(const struct service_call *call)
{
    for (size_t i = 0; i < 2 && call->api->resource[i]; i++) {
        const char *name = json_text_in(call->input, call->api->resource[i]);
        if (name)
            return name;
    }
    return NULL;
}

void service_call_handle(struct cloud_request *request)
{
    const struct call_protocol *protocol = protocol_choose(request);
    struct service_error error;
    struct service_call *call = NULL;
    service_error_init(&error);
    int code = call_begin(request, protocol, &call, &error);
    if (code) {
        error.code = code;
        protocol->refuse(request, request->service->api, &error);
        return;
    }
    if (fault_inject(request, protocol->wire, fault_resource(call)))
        return;
    fault_inject_input(request, call->input);
    call_run(call);
}

void service_call_refuse_size(struct cloud_request *request, int code)
{
    const struct call_protocol *protocol = protocol_choose(request);
    const struct service_operation *operation = NULL;
    struct service_error error = {0};
    json_t *input = NULL;
    int refusal = operation_read(request, protocol, &operation, &input, &error);
    json_decref(input);
    error.code = refusal ? refusal : code;
    protocol->refuse(request, request->service->api, &error);
}
