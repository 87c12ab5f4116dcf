/*
 * Sends the embedded cloud's responses: like http_call_respond, _begin, _write and _end, unless a
 * fault of the plan (faults.h) applies to the request and changes the response or the request. All
 * services respond through these functions. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_ANSWER_H
#define THUMBWHEEL_LOCAL_ANSWER_H

#include <jansson.h>

#include "cloud.h"
#include "router_refusal.h"

void answer_respond(struct cloud_request *request, const struct http_header *headers, size_t count,
                    struct bytes *body); /* with request->status */
void answer_begin(struct cloud_request *request, const struct http_header *headers, size_t count,
                  int64_t content_length);
void answer_write(struct cloud_request *request, struct bytes *piece, http_call_drained *drained,
                  void *user);
void answer_end(struct cloud_request *request);

/* Called by each service once, when request->operation is known. Checks whether the plan has a
 * fault for it. true: the service must not respond, because the fault did or there will be no
 * response. resource is as for faults_draw. */
bool answer_strike(struct cloud_request *request, enum router_wire wire, const char *resource);
/* Applies a fault to an input or output of SQS. */
void answer_bend_input(const struct cloud_request *request, json_t *input);
void answer_bend_output(const struct cloud_request *request, json_t *output);
/* Whether received messages become visible again because the call has ended. Not if the plan lost
 * the response: SQS does not know that the client has not received it. */
bool answer_gives_back(const struct cloud_request *request, bool completed);

/* For the request log; NULL: no fault. */
const char *answer_fault(const struct cloud_request *request);
/* The call has ended. */
void answer_over(struct cloud_request *request);

#endif
