/*
 * Attempts after the first. What they correct is noted here: the clock, the region of the bucket, the
 * credentials. Loop thread.
 */
#ifndef THUMBWHEEL_AWS_RETRY_H
#define THUMBWHEEL_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "aws_request.h"

/* Whether a call with this reply is attempted again, and after how many milliseconds. */
bool aws_retry_wanted(struct aws_request *request, const struct http_response *response,
                      const struct aws_reply *reply, uint64_t *delay);

/* Unix seconds by the clock of the services, as far as it is known. */
int64_t aws_service_now(const struct aws *aws);

#endif
