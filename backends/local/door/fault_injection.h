/*
 * Fault injection: applies the faults of the plan (faults.h) to requests, responses, and the inputs
 * and outputs of SQS. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_FAULT_INJECTION_H
#define THUMBWHEEL_LOCAL_FAULT_INJECTION_H

#include <jansson.h>

#include "cloud.h"
#include "router_refusal.h"

/* Called by each service once, when request->operation is known. Checks whether the plan has a
 * fault for the request. true: the service must not respond, because the fault did or there will be
 * no response. resource is as for faults_draw. */
bool fault_inject(struct cloud_request *request, enum router_wire wire, const char *resource);
/* Applies the request's fault, if any, to an input or output of SQS. */
void fault_inject_input(const struct cloud_request *request, json_t *input);
void fault_inject_output(const struct cloud_request *request, json_t *output);
/* Whether received messages become visible again because the call has ended. Not if the fault lost
 * the response: SQS does not know that the client has not received it. */
bool fault_returns_messages(const struct cloud_request *request, bool completed);

/* For response.c: whether the request's fault changes the bytes of the response. If so, they are
 * sent with these functions. */
bool fault_changes_body(const struct cloud_request *request);
void fault_response_send(struct fault *fault, const struct http_header *headers, size_t count,
                         struct bytes *body);
void fault_response_begin(struct fault *fault, const struct http_header *headers, size_t count,
                          int64_t size);
void fault_response_write(struct fault *fault, struct bytes *piece, http_call_drained *drained,
                          void *user);
void fault_response_end(struct fault *fault);

/* The name of the request's fault, for the request log; NULL: no fault. */
const char *fault_injected(const struct cloud_request *request);
/* The call has ended. */
void fault_release(struct cloud_request *request);

#endif
