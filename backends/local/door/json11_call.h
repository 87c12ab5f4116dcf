/*
 * One request of a service that speaks the AWS JSON 1.1 protocol (EventBridge, Rekognition): the
 * action in X-Amz-Target, JSON in and out, errors with __type. A call lives until its HTTP side has
 * ended and nothing is under way for it. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_JSON11_CALL_H
#define THUMBWHEEL_LOCAL_JSON11_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cloud.h"
#include "error.h"

enum { JSON11_TEXT_MAX = 600 };

struct json11_call;

/* 0; a code whose text json11_fail has set; or ERR_MEMORY, ERR_IO without one. A call that is
 * `pending` when it returns 0 is finished with json11_finish or json11_written. */
typedef int json11_run(struct json11_call *call);

struct json11_action {
    const char *name;
    json11_run *run; /* NULL: not here */
};

struct json11_service {
    const char *prefix;                  /* of X-Amz-Target, with its dot */
    const struct json11_action *actions; /* in the order of their names */
    size_t count;
    const char *internal_error; /* the type that the service has for its own failures */
};

struct json11_call {
    struct cloud_request *request; /* NULL once the HTTP side has ended */
    struct cloud *cloud;
    const struct json11_service *service;
    const struct json11_action *action;
    json_t *input, *output;
    const char *failure; /* the error's type; NULL: none */
    int status;
    char text[JSON11_TEXT_MAX];
    bool pending;

    /* A pending action's own. */
    void (*gone)(
        struct json11_call *call); /* the peer is gone; the action still finishes. Or NULL */
    void *operation;
};

void json11_handle(struct cloud_request *request, const struct json11_service *service);

/* Refuses a request whose body is too large to be taken: with type, if it names an operation that
 * is here. */
void json11_refuse_size(struct cloud_request *request, const struct json11_service *service,
                        const char *type, const char *text);

/* The error of the call: type is static. Returns ERR_INVALID. */
int json11_fail(struct json11_call *call, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A parameter that the service has and the embedded cloud has not. */
int json11_not_here(struct json11_call *call, const char *parameter);

/* A pending call has its result: 0, or as of json11_run. */
void json11_finish(struct json11_call *call, int status);
/* The same with a storage change's status. */
void json11_written(int status, void *call);
/* The call waits for the change whose start returned status. */
int json11_waiting(struct json11_call *call, int status);

/* Input. */
/* Characters min to max; *out NULL where it is absent and not required. */
int json11_input_text(struct json11_call *call, const char *name, bool required, size_t min,
                      size_t max, const char **out);
/* *out stays where it is absent. */
int json11_input_int(struct json11_call *call, const char *name, int min, int max, int *out);
/* A list of required length; NULL where it is absent and min is 0. */
int json11_input_list(struct json11_call *call, const char *name, size_t min, size_t max,
                      json_t **out);

/* Takes value; ERR_MEMORY. */
int json11_output(struct json11_call *call, const char *name, json_t *value);

#endif
