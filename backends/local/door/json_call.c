#include "json_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_injection.h"
#include "json_response.h"
#include "json_text.h"
#include "log.h"
#include "utf8.h"

static const char content_type[] = "application/x-amz-json-1.1";

int json_call_fail(struct json_call *call, const char *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->text, sizeof call->text, format, args);
    va_end(args);
    utf8_repair(call->text); /* it may quote the peer's input, truncated within a character */
    call->failure = type;
    call->status = 400;
    return ERR_INVALID;
}

int json_call_not_here(struct json_call *call, const char *parameter)
{
    json_call_fail(call, "NotImplemented", "The embedded cloud does not implement %.60s of %s.",
                   parameter, call->action->name);
    call->status = 501;
    return ERR_INVALID;
}

/* Answers. */

static void refuse(struct cloud_request *request, int status, const char *type, const char *text)
{
    json_t *document = json_pack("{s:s, s:s}", "__type", type, "message", text);
    json_response_send(request, content_type, status, document, NULL);
    json_decref(document);
}

/* The lifecycle of a call. */

static void call_free_if_over(struct json_call *call)
{
    if (call->request || call->pending)
        return;
    json_decref(call->input);
    json_decref(call->output);
    free(call);
}

static void call_ended(struct cloud_request *request, bool completed)
{
    (void)completed;
    struct json_call *call = request->handler;
    call->request = NULL;
    if (call->pending && call->gone)
        call->gone(call);
    call_free_if_over(call);
}

static void fail_internally(struct json_call *call, int status)
{
    json_call_fail(call, call->service->internal_error, "%s",
                   status == ERR_MEMORY || status == ERR_LIMIT
                       ? "The embedded cloud is short of memory."
                       : "The embedded cloud could not store the change.");
    call->status = status == ERR_MEMORY || status == ERR_LIMIT ? 503 : 500;
}

void json_call_finish(struct json_call *call, int status)
{
    call->pending = false;
    if (status && !call->failure)
        fail_internally(call, status);
    if (!call->request)
        call_free_if_over(call);
    else if (call->failure)
        refuse(call->request, call->status, call->failure, call->text);
    else
        json_response_send(call->request, content_type, 200, call->output, NULL);
}

void json_call_written(int status, void *call)
{
    json_call_finish(call, status);
}

int json_call_waiting(struct json_call *call, int status)
{
    call->pending = !status;
    return status;
}

static int action_compare(const void *name, const void *action)
{
    return strcmp(name, ((const struct json_call_action *)action)->name);
}

/* NULL: refused. */
static const struct json_call_action *action_find(struct cloud_request *request,
                                                  const struct json_call_service *service)
{
    struct slice target = http_call_header(request->call, "x-amz-target");
    size_t skip = strlen(service->prefix);
    char text[160];
    if (!slice_starts_with(target, service->prefix) ||
        target.size - skip >= sizeof request->operation) {
        refuse(request, 400, "UnknownOperationException",
               "X-Amz-Target is not an operation of the service in the signature's scope.");
        return NULL;
    }
    snprintf(request->operation, sizeof request->operation, "%.*s", (int)(target.size - skip),
             target.data + skip);
    const struct json_call_action *action = bsearch(request->operation, service->actions,
                                                    service->count, sizeof *action, action_compare);
    if (action && action->run)
        return action;
    utf8_repair(request->operation);
    snprintf(text, sizeof text,
             action ? "The embedded cloud does not implement the operation %s."
                    : "Unknown operation %s.",
             request->operation);
    refuse(request, action ? 501 : 400, action ? "NotImplemented" : "UnknownOperationException",
           text);
    return NULL;
}

void json_call_refuse_size(struct cloud_request *request, const struct json_call_service *service,
                           const char *type, const char *text)
{
    if (action_find(request, service))
        refuse(request, 400, type, text);
}

static json_t *input_read(struct cloud_request *request, const struct json_call_service *service)
{
    json_error_t why = {.line = 0};
    char text[240];
    json_t *input = json_text_read((struct slice){request->body.data, request->body.size},
                                   JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(input))
        return input;
    if (!input && json_text_short(&why)) {
        refuse(request, 503, service->internal_error, "The embedded cloud is short of memory.");
        return NULL;
    }
    snprintf(text, sizeof text, "The body is not a JSON object%s%.160s", input ? "" : ": ",
             input ? "" : why.text);
    utf8_repair(text);
    refuse(request, 400, "SerializationException", text);
    json_decref(input);
    return NULL;
}

void json_call_handle(struct cloud_request *request, const struct json_call_service *service)
{
    const struct json_call_action *action = action_find(request, service);
    json_t *input = action ? input_read(request, service) : NULL;
    if (!input)
        return;
    struct json_call *call = calloc(1, sizeof *call);
    json_t *output = call ? json_object() : NULL;
    if (!output) {
        free(call);
        json_decref(input);
        refuse(request, 503, service->internal_error, "The embedded cloud is short of memory.");
        return;
    }
    *call = (struct json_call){.request = request,
                               .cloud = request->cloud,
                               .service = service,
                               .action = action,
                               .input = input,
                               .output = output};
    request->handler = call;
    request->ended = call_ended;
    if (fault_inject(request, WIRE_JSON, NULL))
        return;
    int status = action->run(call);
    if (status || !call->pending)
        json_call_finish(call, status);
}

/* Input. */

static int constraint_failed(struct json_call *call, const char *name, const char *constraint)
{
    return json_call_fail(
        call, "ValidationException",
        "1 validation error detected: Value at '%s' failed to satisfy constraint: "
        "Member must %s",
        name, constraint);
}

static bool is_absent(const json_t *value)
{
    return !value || json_is_null(value);
}

int json_call_input_text(struct json_call *call, const char *name, bool required, size_t min,
                         size_t max, const char **out)
{
    const json_t *value = json_object_get(call->input, name);
    char constraint[96];
    *out = NULL;
    if (is_absent(value))
        return required ? constraint_failed(call, name, "not be null") : 0;
    if (!json_is_string(value))
        return json_call_fail(call, "SerializationException", "%s is not a string.", name);
    long length = utf8_length(json_string_value(value));
    snprintf(constraint, sizeof constraint, "have a length of %zu to %zu characters", min, max);
    if (length < (long)min || length > (long)max)
        return constraint_failed(call, name, constraint);
    *out = json_string_value(value);
    return 0;
}

int json_call_input_int(struct json_call *call, const char *name, int min, int max, int *out)
{
    const json_t *value = json_object_get(call->input, name);
    char constraint[96];
    if (is_absent(value))
        return 0;
    if (!json_is_integer(value))
        return json_call_fail(call, "SerializationException", "%s is not a whole number.", name);
    snprintf(constraint, sizeof constraint, "be from %d to %d", min, max);
    if (json_integer_value(value) < min || json_integer_value(value) > max)
        return constraint_failed(call, name, constraint);
    *out = (int)json_integer_value(value);
    return 0;
}

int json_call_input_list(struct json_call *call, const char *name, size_t min, size_t max,
                         json_t **out)
{
    char constraint[96];
    *out = json_object_get(call->input, name);
    if (is_absent(*out))
        *out = NULL;
    if (!*out && !min)
        return 0;
    if (!*out)
        return constraint_failed(call, name, "not be null");
    if (!json_is_array(*out))
        return json_call_fail(call, "SerializationException", "%s is not a list.", name);
    snprintf(constraint, sizeof constraint, "have a length of %zu to %zu", min, max);
    if (json_array_size(*out) < min || json_array_size(*out) > max)
        return constraint_failed(call, name, constraint);
    return 0;
}

int json_call_output(struct json_call *call, const char *name, json_t *value)
{
    return json_object_set_new(call->output, name, value) ? ERR_MEMORY : 0;
}
