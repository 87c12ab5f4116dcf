/*
 * One request of a service that is called with JSON or the Query protocol (all but S3), from its
 * input to its response.
 *
 *   service_call_handle   reads the operation's name and the input in the request's protocol, finds
 *                         the operation in the service's table, injects a fault of the plan, runs
 *   it run                   checks the input, fills the output, or fails with a code
 *   service_call_finish   responds, exactly once, with the output or with the error
 *
 * The input and the output are JSON trees in the shapes of the service's model, whatever the
 * protocol. An operation that waits for a change of state returns service_call_wait(…), and the
 * change ends the call with service_call_written. The client may be gone by then: then request is
 * NULL, the change still happens, and no response is sent. A call is freed when its HTTP side has
 * ended and it waits for nothing. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SERVICE_CALL_H
#define THUMBWHEEL_LOCAL_SERVICE_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cloud.h"
#include "operations.h"
#include "service_error.h"

struct call_protocol; /* call_protocol.h */
struct query_shape;
struct service_call;

/* 0: call->output is the response, at once or when the call stops waiting. Otherwise a code of
 * service_error.h; its text may be set with service_call_fail. */
typedef int service_run(struct service_call *call);

struct service_operation {
    const char *name;
    service_run *run; /* NULL: not implemented */
    /* Of its input, separated by spaces: those that it honours, refuses itself, or may ignore
     * (docs/inputs.md). A call with any other is refused. */
    const char *members;
    bool is_public; /* served without a signature, for links in messages */
    bool no_result; /* its response in the Query protocol has no Result element */
    /* For an operation that keeps state while it waits: the size of the struct that begins with its
     * service_call; 0: none. */
    size_t size;
    /* The HTTP side has ended; completed: the response was sent. Comes before request becomes NULL.
     * May stop what the call waits for. NULL: nothing to do. */
    void (*ended)(struct service_call *call, bool completed);
};

struct service_api {
    const char *target;                         /* JSON: the prefix of X-Amz-Target, with its dot */
    const struct call_protocol *json;           /* NULL: not supported */
    const struct call_protocol *query;          /* NULL: not supported */
    const struct query_shape *shape;            /* of the Query protocol */
    const struct service_operation *operations; /* in the order of their names */
    size_t operation_count;
    const struct wire_error *errors; /* by code */
    const char *resource[2];         /* members of the input that name the resource of a fault */
};

enum service_call_state {
    CALL_RUNNING, /* its operation runs */
    CALL_WAITING, /* for a change that calls service_call_finish or service_call_resume */
    CALL_ENDED,   /* the response was sent, or there will be none */
};

struct service_call {
    struct cloud_request *request; /* NULL once the HTTP side has ended */
    struct cloud *cloud;
    const struct service_api *api;
    const struct call_protocol *protocol;
    const struct service_operation *operation;
    json_t *input, *output; /* objects */
    struct service_error error;
    enum service_call_state state;
};

/* For a struct cloud_service with an `api`. */
void service_call_handle(struct cloud_request *request);
operation_row service_operation_row;
/* Refuses a request whose body is too large to be collected: with code, if it names an operation
 * that is implemented. */
void service_call_refuse_size(struct cloud_request *request, int code);

/* The error of the call; returns code. */
int service_call_fail(struct service_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A parameter that the service has and the embedded cloud does not. */
int service_call_not_implemented(struct service_call *call, const char *parameter);

/* The call waits for the change whose start returned code; returns code. */
int service_call_wait(struct service_call *call, int code);
/* The awaited change will not happen. */
void service_call_stop_waiting(struct service_call *call);
/* The awaited change is complete: responds. The first error counts. */
void service_call_finish(struct service_call *call, int code);
/* The same, as the callback of a storage change. */
void service_call_written(int code, void *call);
/* The awaited change is complete: its operation runs again, unless it has failed. */
void service_call_resume(struct service_call *call);

/* Takes value (NULL: no memory); ERR_MEMORY. */
int service_call_output(struct service_call *call, const char *name, json_t *value);

#endif
