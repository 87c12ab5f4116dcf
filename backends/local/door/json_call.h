/*
 * One request of a service that speaks the AWS JSON 1.1 protocol (EventBridge, Rekognition): the
 * action in X-Amz-Target, JSON in and out, errors with __type. A call lives until its HTTP side has
 * ended and nothing is under way for it. Loop thread.
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

/* 0; a code whose text json_call_fail has set; or ERR_MEMORY, ERR_IO without one. A call that is
 * `pending` when it returns 0 is finished with json_call_finish or json_call_written. */
typedef int json_call_run(struct json_call *call);

struct json_call_action {
    const char *name;
    json_call_run *run; /* NULL: not here */
};

struct json_call_service {
    const char *prefix;                     /* of X-Amz-Target, with its dot */
    const struct json_call_action *actions; /* in the order of their names */
    size_t count;
    const char *internal_error; /* the type that the service has for its own failures */
};

struct json_call {
    struct cloud_request *request; /* NULL once the HTTP side has ended */
    struct cloud *cloud;
    const struct json_call_service *service;
    const struct json_call_action *action;
    json_t *input, *output;
    const char *failure; /* the error's type; NULL: none */
    int status;
    char text[JSON_CALL_TEXT_MAX];
    bool pending;

    /* A pending action's own. */
    void (*gone)(struct json_call *call); /* the peer is gone; the action still finishes. Or NULL */
    void *operation;
};

void json_call_handle(struct cloud_request *request, const struct json_call_service *service);

/* Refuses a request whose body is too large to be taken: with type, if it names an operation that
 * is here. */
void json_call_refuse_size(struct cloud_request *request, const struct json_call_service *service,
                           const char *type, const char *text);

/* The error of the call: type is static. Returns ERR_INVALID. */
int json_call_fail(struct json_call *call, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A parameter that the service has and the embedded cloud has not. */
int json_call_not_here(struct json_call *call, const char *parameter);

/* A pending call has its result: 0, or as of json_call_run. */
void json_call_finish(struct json_call *call, int status);
/* The same with a storage change's status. */
void json_call_written(int status, void *call);
/* The call waits for the change whose start returned status. */
int json_call_waiting(struct json_call *call, int status);

/* Input. */
/* Characters min to max; *out NULL where it is absent and not required. */
int json_call_input_text(struct json_call *call, const char *name, bool required, size_t min,
                         size_t max, const char **out);
/* *out stays where it is absent. */
int json_call_input_int(struct json_call *call, const char *name, int min, int max, int *out);
/* A list of required length; NULL where it is absent and min is 0. */
int json_call_input_list(struct json_call *call, const char *name, size_t min, size_t max,
                         json_t **out);

/* Takes value; ERR_MEMORY. */
int json_call_output(struct json_call *call, const char *name, json_t *value);

#endif
