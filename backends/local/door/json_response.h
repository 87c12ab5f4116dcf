/* Responses of the services with an AWS JSON protocol ("AWS JSON 1.0 and 1.1 protocols", Smithy).
 * Loop thread. */
#ifndef THUMBWHEEL_LOCAL_JSON_RESPONSE_H
#define THUMBWHEEL_LOCAL_JSON_RESPONSE_H

#include <jansson.h>

#include "cloud.h"

/* If the document is NULL because memory was short, or does not fit, the response is 500 without a
 * body. query_error: for SQS clients that know the codes of its Query protocol; NULL: none. */
void json_response_send(struct cloud_request *request, const char *content_type, int status,
                        const json_t *document, const char *query_error);

#endif
