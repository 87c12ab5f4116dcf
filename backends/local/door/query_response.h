/* Answers of the services that speak the Query protocol ("Making API requests": SNS, SQS, STS).
 * Loop thread. */
#ifndef THUMBWHEEL_LOCAL_QUERY_RESPONSE_H
#define THUMBWHEEL_LOCAL_QUERY_RESPONSE_H

#include "bytes.h"
#include "cloud.h"

/* Takes the document; one that could not be written whole is answered as 500, without a body. */
void query_response_send(struct cloud_request *request, int status, struct buffer *xml);
/* With an error of the service whose namespace that is. */
void query_response_error(struct cloud_request *request, const char *xml_namespace, int status,
                          const char *code, const char *text);

#endif
