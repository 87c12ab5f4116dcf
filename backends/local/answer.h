/*
 * The embedded cloud's answers on their way out: as http_call_respond, _begin, _write and _end,
 * unless a fault of the plan (faults.h) has struck the request. Then the answer, or the request
 * itself, comes out wrong. The services answer through nothing else. Loop thread.
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

/* Called by each service once, when request->operation is known. Looks whether the plan has a fault
 * for it; true: nothing is to be done, the request is answered or never will be. resource is as for
 * faults_draw. */
bool answer_strike(struct cloud_request *request, enum router_wire wire, const char *resource);
/* What a fault changes in an input or output of SQS. */
void answer_bend_input(const struct cloud_request *request, json_t *input);
void answer_bend_output(const struct cloud_request *request, json_t *output);
/* Whether messages that were handed out are given back now that the call has ended. A lost answer's
 * are not, where the plan lost it: SQS does not know that nobody has them. */
bool answer_gives_back(const struct cloud_request *request, bool completed);

/* For the request log; NULL: none struck. */
const char *answer_fault(const struct cloud_request *request);
/* The call has ended. */
void answer_over(struct cloud_request *request);

#endif
