/*
 * A request to a service with the AWS JSON 1.1 protocol (EventBridge, Rekognition): the action in
 * X-Amz-Target, JSON requests and responses, errors with __type. A call is freed when its HTTP side
 * has ended and it has no pending work. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_JSON_CALL_H
#define THUMBWHEEL_LOCAL_JSON_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cloud.h"
#include "error.h"

enum { JSON_CALL_TEXT_MAX = 600 };

struct json_call;

/* Returns 0; a code whose message was set by json_call_fail; or ERR_MEMORY or ERR_IO without a
 * message. If it returns 0 and has set `pending`, finish the call with json_call_finish or
 * json_call_written. */
typedef int json_call_run(struct json_call *call);

struct json_call_action {
    const char *name;
    json_call_run *run; /* NULL: not supported */
};

struct json_call_service {
    const char *prefix;                     /* prefix of X-Amz-Target, with its dot */
    const struct json_call_action *actions; /* sorted by name */
    size_t count;
    const char *internal_error; /* error type for internal failures */
};

struct json_call {
    struct cloud_request *request; /* NULL after the HTTP side has ended */
    struct cloud *cloud;
    const struct json_call_service *service;
    const struct json_call_action *action;
    json_t *input, *output;
    const char *failure; /* the error's type; NULL: none */
    int status;
    char text[JSON_CALL_TEXT_MAX];
    bool pending;

    /* For the pending action. */
    /* called if the peer disconnects; the action still finishes. NULL: none */
    void (*gone)(struct json_call *call);
    void *operation;
};

void json_call_handle(struct cloud_request *request, const struct json_call_service *service);

/* Refuses a request with too large a body; uses the error type `type` if the operation is
 * supported. */
void json_call_refuse_size(struct cloud_request *request, const struct json_call_service *service,
                           const char *type, const char *text);

/* Sets the error of the call; type is static. Returns ERR_INVALID. */
int json_call_fail(struct json_call *call, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For a parameter that the embedded cloud does not support. */
int json_call_not_here(struct json_call *call, const char *parameter);

/* Finishes a pending call; code as for json_call_run. */
void json_call_finish(struct json_call *call, int status);
/* The same with the result of a storage change. */
void json_call_written(int status, void *call);
/* Makes the call wait for a change; status is the result of starting it. */
int json_call_waiting(struct json_call *call, int status);

/* Input. */
/* A string of min to max characters; *out is NULL if it is absent and not required. */
int json_call_input_text(struct json_call *call, const char *name, bool required, size_t min,
                         size_t max, const char **out);
/* Leaves *out unchanged if absent. */
int json_call_input_int(struct json_call *call, const char *name, int min, int max, int *out);
/* A list of min to max items; NULL if it is absent and min is 0. */
int json_call_input_list(struct json_call *call, const char *name, size_t min, size_t max,
                         json_t **out);

/* Takes value; ERR_MEMORY. */
int json_call_output(struct json_call *call, const char *name, json_t *value);

#endif
