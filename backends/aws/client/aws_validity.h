/*
 * Checks that a response is the service's response to this request.
 *
 * A 2xx status proves nothing: proxies, gateways and captive portals send 200 with their own pages,
 * and a connection may carry a response that belongs to another request. One table states for each
 * operation what its response must contain. It is checked in one place (aws_request.c), and an
 * invalid response counts as a lost request: ERR_PROTOCOL, which is retried and never blamed on an
 * image or a message. Sources: the response syntax of each operation in the S3, SQS and SNS API
 * references.
 *
 * A GET of S3 is also marked: the request asks for a Content-Disposition that no other request uses
 * (response-content-disposition, "GetObject", S3 API Reference), so that the object of an earlier
 * request is never mistaken for this one. A store without that parameter marks nothing. If a peer
 * sends a response twice, some cases cannot be detected: two uploads of the same bytes in
 * succession, HEAD, and tags.
 *
 * Pure functions, any thread.
 */
#ifndef THUMBWHEEL_AWS_VALIDITY_H
#define THUMBWHEEL_AWS_VALIDITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "http_client.h"

#define AWS_CRC_HEADER  "x-amz-checksum-crc64nvme"
#define AWS_MARK_PREFIX "thumbwheel-"
enum { AWS_MARK_SIZE = sizeof AWS_MARK_PREFIX + 16 };

/* A new mark for response-content-disposition. *last belongs to the caller and is 0 at first. */
void aws_mark_make(uint64_t *last, char out[AWS_MARK_SIZE]);
/* Whether a response carries another request's mark. mark NULL: unknown. */
bool aws_response_is_other(const struct http_response *response, const char *mark);

/* What is known about the request. */
struct aws_expected {
    const char *operation;
    /* the request's headers Content-MD5 and x-amz-checksum-crc64nvme, or NULL */
    const char *content_md5, *crc;
    const char *mark; /* NULL: none */
};

/* NULL if the 2xx response is valid, else the reason (static text). *object is the parsed JSON
 * object of the response, to be released with json_decref, or NULL. */
const char *aws_response_flaw(const struct aws_expected *expected,
                              const struct http_response *response, json_t **object);

#endif
