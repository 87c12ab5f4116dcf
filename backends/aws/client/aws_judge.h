/* What a response, or its absence, means. Loop thread. */
#ifndef THUMBWHEEL_AWS_JUDGE_H
#define THUMBWHEEL_AWS_JUDGE_H

#include "aws_request.h"

/* Fills in the rest of a reply whose subject is set. The reply borrows the response; the caller releases
 * reply->object. A 200 that is not from the service is ERR_PROTOCOL. */
void aws_judge(const struct aws_request *request, const struct http_response *response,
               struct aws_reply *reply);

#endif
