/*
 * What makes a response the service's response to this request.
 *
 * A 2xx alone says nothing: proxies, gateways and captive portals answer 200 with pages of their
 * own, and a connection may carry a response that belongs to another request. One table states for
 * each operation what its response must have; it is checked in one place (aws_request.c), and what
 * fails counts as a lost request: ERR_PROTOCOL, which is tried again and never blamed on an image
 * or a message. Sources: the response syntax of each operation in the S3, SQS and SNS API
 * references.
 *
 * A GET of S3 is marked as well: the request asks for a Content-Disposition that no other request
 * asks for (response-content-disposition, "GetObject", S3 API Reference), so that the object of an
 * earlier request is never taken for this one's. A store without that parameter marks nothing.
 * What nothing marks and content cannot tell apart stays: two uploads of the same bytes one after
 * the other, and HEAD and tags, after a peer that sends a response twice.
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

#define AWS_MARK_PREFIX "thumbwheel-"
enum { AWS_MARK_SIZE = sizeof AWS_MARK_PREFIX + 16 };

/* A mark that differs from the ones before, for response-content-disposition. *last is the
 * caller's, 0 at first. */
void aws_mark_make(uint64_t *last, char out[AWS_MARK_SIZE]);
/* Whether a response carries another request's mark. mark NULL: it cannot be told. */
bool aws_response_is_other(const struct http_response *response, const char *mark);

/* What is known of the request. */
struct aws_expected {
    const char *operation;
    const char *content_md5; /* its header of that name; NULL: it had none */
    const char *mark;        /* NULL: none */
};

/* NULL where the 2xx response is valid, else why not (static text). *object is the JSON object of a
 * response that has one, for json_decref, else NULL: so that nobody need read it again. */
const char *aws_response_flaw(const struct aws_expected *expected,
                              const struct http_response *response, json_t **object);

#endif
