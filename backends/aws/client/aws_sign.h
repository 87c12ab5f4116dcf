/* SigV4 for the requests of this module: signed headers and presigned queries. Loop thread. */
#ifndef THUMBWHEEL_AWS_SIGN_H
#define THUMBWHEEL_AWS_SIGN_H

#include "credentials.h"
#include "endpoint.h"
#include "http_client.h"
#include "sigv4.h"
#include "trace_context.h"

enum {
    AWS_SIGN_HEADERS_ADDED = 7
}; /* host, x-amz-date, -content-sha256, -security-token, authorization, x-amzn-trace-id,
      traceparent */

struct aws_sign {
    const struct credentials *credentials;
    enum aws_service service;
    const char *region;
    const char *method;
    const char *url;
    const struct http_header *headers; /* all are signed */
    size_t header_count;
    const char *payload_hash; /* hex, or UNSIGNED-PAYLOAD */
    int64_t now_s;            /* Unix time on the service's clock */
    /* Sent without being signed, because proxies may change it; NULL: none. */
    const struct trace_context *trace;
};

struct aws_signed {
    struct http_header *headers; /* what->headers plus the added ones */
    size_t header_count;
    char date[SIGV4_DATE_SIZE];
    char *host;
    char *authorization;
    char xray[TRACE_XRAY_SIZE], traceparent[TRACE_PARENT_SIZE];
};

/* The new headers are views into *what and the credentials. Free with aws_signed_free, whatever
 * this returns.
 */
int aws_sign(const struct aws_sign *what, struct aws_signed *out);
void aws_signed_free(struct aws_signed *out);

/* Appends the URL with the query parameters of a presigned request. Whoever uses it must send
 * what->headers as they are here. */
int aws_presign(const struct aws_sign *what, unsigned expires_s, struct buffer *out);

/* The signature of a text, as for the policy of an upload form ("POST Policy", S3 API Reference).
 * *date is that of the credential scope. Of *what, the credentials, service and region count. */
void aws_sign_text(const struct aws_sign *what, const char *date, struct slice text,
                   char out[SIGV4_HEX_SIZE]);

#endif
