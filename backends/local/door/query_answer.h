/* Answers of the services that speak the Query protocol ("Making API requests": SNS, SQS, STS).
 * Loop thread. */
#ifndef THUMBWHEEL_LOCAL_QUERY_ANSWER_H
#define THUMBWHEEL_LOCAL_QUERY_ANSWER_H

#include "bytes.h"
#include "cloud.h"

/* Takes the document; one that could not be written whole is answered as 500, without a body. */
void query_answer_send(struct cloud_request *request, int status, struct buffer *xml);
/* With an error of the service whose namespace that is. */
void query_answer_error(struct cloud_request *request, const char *xml_namespace, int status,
                        const char *code, const char *text);

#endif
