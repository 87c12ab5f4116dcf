/* Answers of the services that speak an AWS JSON protocol ("AWS JSON 1.0 and 1.1 protocols",
 * Smithy). Loop thread. */
#ifndef THUMBWHEEL_LOCAL_JSON_RESPONSE_H
#define THUMBWHEEL_LOCAL_JSON_RESPONSE_H

#include <jansson.h>

#include "cloud.h"

/* A document that cannot be written whole, or is NULL for want of memory, is answered as 500,
 * without a body. query_error: of SQS, for clients that know the codes of its Query protocol; NULL:
 * none. */
void json_response_send(struct cloud_request *request, const char *content_type, int status,
                        const json_t *document, const char *query_error);

#endif
