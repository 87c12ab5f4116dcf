/* Responses of the services with the Query protocol ("Making API requests": SNS, SQS, STS). Loop
 * thread. */
#ifndef THUMBWHEEL_LOCAL_QUERY_RESPONSE_H
#define THUMBWHEEL_LOCAL_QUERY_RESPONSE_H

#include "bytes.h"
#include "cloud.h"

/* Takes the document; if the buffer has an error, the response is 500 without a body. */
void query_response_send(struct cloud_request *request, int status, struct buffer *xml);
/* The same with an error document; the namespace is that of the service. */
void query_response_error(struct cloud_request *request, const char *xml_namespace, int status,
                          const char *code, const char *text);

#endif
