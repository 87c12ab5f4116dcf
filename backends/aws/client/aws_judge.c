/* Whether a response is the service's, and which error it is. */
#include "aws_judge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws_validity.h"

static bool is_success(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

/* A too large response to GetObject means a too large object; to any other operation it cannot come
 * from the service. */
static int transport_code(const struct aws_request *request, const struct http_response *response)
{
    bool is_object = strcmp(request->call.operation, "GetObject") == 0 && is_success(response) &&
                     http_response_header(response, "etag");
    bool is_other = aws_response_is_other(response, request->call.mark);
    return response->error == ERR_LIMIT && (!is_object || is_other) ? ERR_PROTOCOL
                                                                    : response->error;
}

/* Stores write the key in an error differently: with the bucket or a slash before it, or
 * percent-encoded (not compared). The resource is "s3://bucket/key". */
static bool names_another(const struct aws_call *call, const char *key)
{
    size_t theirs = strlen(key), all = strlen(call->resource);
    if (!theirs || !call->key || strchr(key, '%'))
        return false;
    return theirs < strlen(call->key) || theirs > all ||
           memcmp(call->resource + all - theirs, key, theirs) != 0;
}

/* A 404 from S3 says what is missing; one from a gateway is about a page. Only HEAD has no body.
 * NULL: the response is from the service. */
static const char *foreign_404(const struct aws_request *request,
                               const struct http_response *response, const struct aws_fault *fault)
{
    if (response->status != 404 || strcmp(request->call.method, "GET") != 0)
        return NULL;
    if (!fault->code[0])
        return "HTTP 404 without an S3 error: check for a proxy or gateway in between";
    if (names_another(&request->call, fault->key))
        return "HTTP 404 for another key: check for a proxy or gateway in between";
    return NULL;
}

static const char *header_sent(const struct aws_request *request, const char *name)
{
    for (size_t i = 0; i < request->call.header_count; i++) {
        if (strcasecmp(request->call.headers[i].name, name) == 0)
            return request->call.headers[i].value;
    }
    return NULL;
}

static void judge_success(const struct aws_request *request, const struct http_response *response,
                          struct aws_reply *reply)
{
    const struct aws_expected expected = {.operation = request->call.operation,
                                          .content_md5 = header_sent(request, "content-md5"),
                                          .crc = header_sent(request, AWS_CRC_HEADER),
                                          .mark = request->call.mark};
    const char *flaw = aws_response_flaw(&expected, response, &reply->object);
    char detail[160];
    if (!flaw)
        return;
    snprintf(detail, sizeof detail,
             "the response (HTTP %d) is not from the service: %s; check for a proxy or gateway in "
             "between",
             response->status, flaw);
    aws_error_local(&reply->error, &reply->subject, ERR_PROTOCOL, detail);
}

void aws_judge(const struct aws_request *request, const struct http_response *response,
               struct aws_reply *reply)
{
    if (response->error) {
        aws_error_local(&reply->error, &reply->subject, transport_code(request, response),
                        response->detail);
        return;
    }
    reply->response = response;
    if (is_success(response)) {
        judge_success(request, response, reply);
        return;
    }
    aws_fault_read(request->call.service, response, &reply->fault);
    const char *foreign = foreign_404(request, response, &reply->fault);
    if (foreign) {
        aws_error_local(&reply->error, &reply->subject, ERR_PROTOCOL, foreign);
        return;
    }
    int kind = aws_fault_kind(request->call.service, response->status, &reply->fault);
    aws_error_describe(&reply->error, &reply->subject, kind, response, &reply->fault);
}
