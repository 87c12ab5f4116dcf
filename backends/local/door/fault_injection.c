/*
 * A request with a fault has a struct fault, from fault_inject until its call ends.
 * The timer of a trickle may close later, so its close callback frees the memory.
 *
 * A truncated and a reset response both send half of the body. The truncated one announces only
 * that half in Content-Length, the reset one the whole.
 */
#include "fault_injection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "faults.h"

enum { TRICKLE_STEPS = 20 };

struct fault {
    struct cloud_request *request; /* NULL after its call has ended */
    enum fault_kind kind;
    unsigned milliseconds;

    int64_t left; /* remaining bytes of the body to send, or of an upload to receive; -1: all */
    bool cut;     /* the response has ended; further writes of the service are ignored */

    uv_timer_t timer; /* of a trickle */
    bool timer_open;
    struct bytes rest;
    size_t sent, step;
    http_call_drained *drained;
    void *user;
    bool ended;
};

/* ---- a trickle ---- */

static void trickle_finish(struct fault *fault)
{
    uv_timer_stop(&fault->timer);
    bytes_free(&fault->rest);
    if (fault->ended)
        http_call_end(fault->request->call);
}

static void on_tick(uv_timer_t *timer)
{
    struct fault *fault = container_of(timer, struct fault, timer);
    size_t left = fault->rest.size - fault->sent;
    size_t size = left < fault->step ? left : fault->step;
    char *data = malloc(size);
    if (!data) {
        http_call_abort(fault->request->call);
        uv_timer_stop(timer);
        return;
    }
    memcpy(data, (char *)fault->rest.data + fault->sent, size);
    struct bytes piece = bytes_give(data, size);
    fault->sent += size;
    bool last = fault->sent == fault->rest.size;
    http_call_write(fault->request->call, &piece, last ? fault->drained : NULL, fault->user);
    if (last)
        trickle_finish(fault);
}

static void trickle_start(struct fault *fault, struct bytes *piece, http_call_drained *drained,
                          void *user)
{
    if (!fault->timer_open)
        uv_timer_init(fault->request->cloud->loop, &fault->timer);
    fault->timer_open = true;
    fault->rest = bytes_take(piece);
    fault->drained = drained;
    fault->user = user;
    fault->sent = 0;
    fault->step = fault->rest.size / TRICKLE_STEPS + 1;
    uint64_t pause = fault->milliseconds / TRICKLE_STEPS + 1;
    uv_timer_start(&fault->timer, on_tick, pause, pause);
}

/* ---- the response ---- */

static void cut(struct fault *fault)
{
    fault->cut = true;
    http_call_abort(fault->request->call);
}

static void on_half(struct http_call *call, int code, void *user)
{
    (void)user;
    if (!code)
        http_call_abort(call);
}

void fault_response_begin(struct fault *fault, const struct http_header *headers, size_t count,
                          int64_t size)
{
    struct cloud_request *request = fault->request;
    fault->left = -1;
    if (fault->kind == FAULT_RESET_AFTER || (fault->kind == FAULT_RESET_IN_BODY && size < 1)) {
        cut(fault);
        return;
    }
    if (fault->kind == FAULT_RESET_IN_BODY || (fault->kind == FAULT_TRUNCATE && size > 0))
        fault->left = size / 2;
    http_call_begin(request->call, request->status, headers, count,
                    fault->kind == FAULT_TRUNCATE && size > 0 ? size / 2 : size);
}

/* The piece contains the last byte to send. */
static void write_last(struct fault *fault, struct bytes *piece)
{
    struct http_call *call = fault->request->call;
    fault->cut = true;
    piece->size = (size_t)fault->left;
    if (fault->kind == FAULT_RESET_IN_BODY) {
        http_call_write(call, piece, on_half, NULL);
        return;
    }
    http_call_write(call, piece, NULL, NULL);
    http_call_end(call);
}

void fault_response_write(struct fault *fault, struct bytes *piece, http_call_drained *drained,
                          void *user)
{
    struct http_call *call = fault->request->call;
    char *data = piece->data;
    if (fault->cut) {
        bytes_free(piece);
        return;
    }
    if (fault->left >= 0 && (uint64_t)fault->left <= piece->size) {
        write_last(fault, piece);
        return;
    }
    if (fault->left >= 0)
        fault->left -= (int64_t)piece->size;
    if (fault->kind == FAULT_CORRUPT && piece->release && piece->size)
        data[piece->size / 2] ^= 0x20;
    if (fault->kind == FAULT_TRICKLE && piece->size)
        trickle_start(fault, piece, drained, user);
    else
        http_call_write(call, piece, drained, user);
}

void fault_response_end(struct fault *fault)
{
    if (fault->cut)
        return;
    if (fault->rest.size)
        fault->ended = true; /* trickle_finish ends the response */
    else
        http_call_end(fault->request->call);
}

bool fault_changes_body(const struct cloud_request *request)
{
    static const bool changes[FAULT_KINDS] = {
        [FAULT_RESET_IN_BODY] = true, [FAULT_RESET_AFTER] = true, [FAULT_TRUNCATE] = true,
        [FAULT_TRICKLE] = true,       [FAULT_CORRUPT] = true,
    };
    return request->fault && changes[request->fault->kind];
}

/* A corrupt message has a wrong MD5 instead (fault_inject_output), so its response is sent whole. */
void fault_response_send(struct fault *fault, const struct http_header *headers, size_t count,
                         struct bytes *body)
{
    int64_t size = (int64_t)body->size;
    bool whole = fault->kind == FAULT_CORRUPT || fault->request->status >= 300;
    if (whole && fault->kind != FAULT_RESET_AFTER) {
        http_call_respond(fault->request->call, fault->request->status, headers, count, body);
        return;
    }
    fault_response_begin(fault, headers, count, size);
    if (size)
        fault_response_write(fault, body, NULL, NULL);
    fault_response_end(fault);
    bytes_free(body);
}

/* ---- injecting ---- */

static void on_ignored(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    (void)call;
    (void)code;
    (void)data;
    (void)size;
    (void)user;
}

/* Reads the body in order to notice a closed connection. */
static void stall(struct cloud_request *request, enum router_wire wire)
{
    if (wire == WIRE_S3)
        http_call_read(request->call, on_ignored, NULL);
    http_call_wait(request->call);
}

static void on_uploaded(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    struct fault *fault = user;
    (void)data;
    fault->left -= (int64_t)size;
    if (!code && (size == 0 || fault->left <= 0))
        http_call_abort(call);
}

static void reset_in_upload(struct cloud_request *request)
{
    request->fault->left = http_call_content_length(request->call) / 2;
    http_call_read(request->call, on_uploaded, request->fault);
}

struct fault_refusal {
    int status;
    const char *code;
};

/* Sources: "Error responses" of the S3 API Reference, "Common Error Types" of SQS's and SNS's. */
static const struct fault_refusal refusals[FAULT_KINDS][WIRE_QUERY + 1] = {
    [FAULT_ERROR] = {{500, "InternalError"}, {500, "InternalFailure"}, {500, "InternalFailure"}},
    [FAULT_SLOW_DOWN] = {{503, "SlowDown"},
                         {503, "ServiceUnavailable"},
                         {503, "ServiceUnavailable"}},
    [FAULT_THROTTLE] = {{503, "SlowDown"}, {400, "RequestThrottled"}, {403, "RequestThrottled"}},
    [FAULT_CLOCK_SKEW] = {{403, "RequestTimeTooSkewed"},
                          {403, "RequestTimeTooSkewed"},
                          {403, "RequestTimeTooSkewed"}},
    [FAULT_BAD_DIGEST] = {{400, "BadDigest"}},
};

static bool respond_with_fault(struct cloud_request *request, enum router_wire wire)
{
    enum fault_kind kind = request->fault->kind;
    const struct fault_refusal *refusal = &refusals[kind][wire];
    if (refusal->code)
        router_refuse(request, wire, refusal->status, refusal->code,
                      "This error was injected by the fault plan.");
    else if (kind == FAULT_RESET)
        http_call_abort(request->call);
    else if (kind == FAULT_RESET_IN_UPLOAD)
        reset_in_upload(request);
    else if (kind == FAULT_STALL)
        stall(request, wire);
    else
        return false;
    return true;
}

bool fault_inject(struct cloud_request *request, enum router_wire wire, const char *resource)
{
    struct fault_draw draw;
    if (!request->cloud->faults ||
        !faults_draw(request->cloud->faults, request->operation, resource, &draw))
        return false;
    request->fault = calloc(1, sizeof *request->fault);
    if (!request->fault)
        return false;
    request->fault->request = request;
    request->fault->kind = draw.kind;
    request->fault->milliseconds = draw.milliseconds;
    if (resource &&
        /* for the request log, which also lists requests without a response */
        !request->resource[0])
        snprintf(request->resource, sizeof request->resource, "%s", faults_resource(resource));
    return respond_with_fault(request, wire);
}

/* ---- inputs and outputs of SQS ---- */

static void receipt_expire(json_t *entry)
{
    if (json_object_get(entry, "ReceiptHandle"))
        json_object_set_new(entry, "ReceiptHandle", json_string("expired"));
}

void fault_inject_input(const struct cloud_request *request, json_t *input)
{
    json_t *entries = json_object_get(input, "Entries");
    if (!request->fault || request->fault->kind != FAULT_EXPIRE_RECEIPT)
        return;
    receipt_expire(input);
    for (size_t i = 0; i < json_array_size(entries); i++)
        receipt_expire(json_array_get(entries, i));
}

static void entry_fail(json_t *output)
{
    json_t *done = json_object_get(output, "Successful"),
           *failed = json_object_get(output, "Failed");
    json_t *id = json_object_get(json_array_get(done, 0), "Id");
    if (!id)
        return;
    json_t *entry = json_pack("{s:O, s:s, s:s, s:b}", "Id", id, "Code", "InternalError", "Message",
                              "This error was injected by the fault plan.", "SenderFault", 0);
    json_array_remove(done, 0);
    if (failed)
        json_array_append_new(failed, entry);
    else
        json_object_set_new(output, "Failed", json_pack("[o]", entry));
}

static void messages_reverse(json_t *messages)
{
    for (size_t i = json_array_size(messages); i-- > 0;) {
        json_t *message = json_incref(json_array_get(messages, i));
        json_array_remove(messages, i);
        json_array_append_new(messages, message);
    }
}

void fault_inject_output(const struct cloud_request *request, json_t *output)
{
    json_t *messages = json_object_get(output, "Messages");
    if (!request->fault)
        return;
    if (request->fault->kind == FAULT_CORRUPT && json_array_size(messages))
        json_object_set_new(json_array_get(messages, 0), "MD5OfBody",
                            json_string("00000000000000000000000000000000"));
    else if (request->fault->kind == FAULT_REORDER)
        messages_reverse(messages);
    else if (request->fault->kind == FAULT_FAIL_ENTRY)
        entry_fail(output);
}

bool fault_returns_messages(const struct cloud_request *request, bool completed)
{
    if (!request->fault)
        return !completed;
    return request->fault->kind == FAULT_DUPLICATE;
}

/* ---- completion ---- */

const char *fault_injected(const struct cloud_request *request)
{
    return request->fault ? fault_name(request->fault->kind) : NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct fault, timer));
}

void fault_release(struct cloud_request *request)
{
    struct fault *fault = request->fault;
    if (!fault)
        return;
    request->fault = NULL;
    fault->request = NULL;
    bytes_free(&fault->rest);
    if (fault->timer_open)
        uv_close((uv_handle_t *)&fault->timer, on_timer_closed);
    else
        free(fault);
}
