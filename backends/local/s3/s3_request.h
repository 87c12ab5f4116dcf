/*
 * An S3 request in a handler: parsing, reference count, response. Loop thread.
 *
 * It outlives its HTTP call if the peer disconnects while a storage task runs: the call and each
 * task (s3_submit) have a reference; the last release frees it and the handler's operation. After
 * the call has ended, `base` is NULL and responding does nothing.
 */
#ifndef THUMBWHEEL_LOCAL_S3_REQUEST_H
#define THUMBWHEEL_LOCAL_S3_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "buckets.h"
#include "cloud.h"
#include "s3_errors.h"

struct s3_form;

struct s3_parameter { /* of the query, decoded */
    char *name;
    char *value; /* "" if there is no '=' */
    /* of a presigned request: see s3_header */
    bool is_header, is_ignored;
};

struct s3_request {
    struct cloud_request *base; /* NULL after the call has ended */
    struct cloud *cloud;
    const struct access_key *caller;       /* the signer; NULL: unsigned */
    char account[ACCESS_KEY_ACCOUNT_SIZE]; /* of the signer; the cloud's own if it is unsigned */
    char *region;                          /* what it is signed for; NULL: none (cloud.h) */
    char id[37];
    char *bucket; /* "" if the request names none */
    bool in_host; /* the name of the bucket is in that of the host */
    char *key;
    bool control;         /* of S3 Control (s3_control.h) */
    const char *resource; /* sub-resource of its operation, such as "tagging"; NULL: none */
    struct s3_parameter *parameters;
    size_t parameter_count;
    const struct s3_form *form; /* form whose fields replace the headers; NULL: none */

    struct buffer details; /* elements of the error document, as XML: s3_detail */

    /* For the handler. */
    void *operation;
    void (*operation_free)(void *operation); /* may be NULL */
    /* called when the call has ended and `base` is NULL; may be NULL */
    void (*gone)(struct s3_request *request);

    unsigned holds;
};

enum { S3_DETAILS_MAX = 16 * 1024 };

typedef void s3_handler(struct s3_request *request);

/* Returns it with one reference, for the call. NULL: an error was sent. */
struct s3_request *s3_request_create(struct cloud_request *base);
void s3_request_hold(struct s3_request *request);
void s3_request_release(struct s3_request *request);

/* A query parameter, or NULL. */
const char *s3_parameter(const struct s3_request *request, const char *name);
/* Like http_call_header, by lower-case name; absent after the call has ended. A presigned URL has
 * headers in its query, too: x-amz-…, as the AWS SDK for JavaScript puts them there, If-Match and
 * If-None-Match ("Authenticating Requests: Using Query Parameters", S3 API Reference). They are
 * read after the real ones. Checksums in the query are ignored, as S3 does: that SDK adds the
 * checksum of an empty body ("Value for x-amz-checksum-crc32 header is invalid when uploading to S3
 * via signed URL", localstack/localstack issue 12169). */
struct slice s3_header(const struct s3_request *request, const char *name);
size_t s3_header_count(const struct s3_request *request);
void s3_header_at(const struct s3_request *request, size_t index, struct slice *name,
                  struct slice *value);
bool s3_is_method(const struct s3_request *request, const char *method);

/* Allocates the handler's state, freed with the request; NULL: memory is short, and an error was
 * sent.
 */
void *s3_operation(struct s3_request *request, size_t size, void (*operation_free)(void *));

/* Sends NoSuchBucket and returns false if the bucket does not exist. */
bool s3_find_bucket(struct s3_request *request, struct bucket *bucket);

/* The owner of its bucket; the signer's account, if the bucket does not exist. Valid until the loop
 * runs again. */
const char *s3_owner(const struct s3_request *request);

/* Submits a task with a reference to the request; the task's done releases it. */
void s3_submit(struct s3_request *request, struct storage_task *task);
void s3_submit_aside(struct s3_request *request, struct storage_task *task); /* for work on files */

/* Adds an element to the document of the error that follows, such as ArgumentName. Without any, the
 * document has those of the error's row in s3_errors.c. Loop thread, or the request's only task. */
void s3_detail(struct s3_request *request, const char *name, const char *value);
void s3_detail_slice(struct s3_request *request, const char *name, struct slice value);
void s3_detail_number(struct s3_request *request, const char *name, uint64_t value);

/* Functions that respond; at most one call per request. */
void s3_respond_error(struct s3_request *request, enum s3_error error, const char *message);
/* For a code from a storage task; internal errors are logged. */
void s3_respond_failure(struct s3_request *request, int code, const struct error *error);
void s3_respond_empty(struct s3_request *request, int status, const struct http_header *headers,
                      size_t count);
/* Takes the buffer; if an append failed, an error is the response. */
void s3_respond_xml(struct s3_request *request, struct buffer *body);
/* The same with headers. */
void s3_respond_xml_with(struct s3_request *request, struct buffer *body,
                         const struct http_header *headers, size_t count);
/* With another status. Takes the buffer. */
void s3_respond_document(struct s3_request *request, int status, const struct http_header *headers,
                         size_t count, struct buffer *body);
/* A text with another content type; copied. */
void s3_respond_text(struct s3_request *request, const struct http_header *type, const char *text);
/* An error with additional headers. */
void s3_respond_error_with(struct s3_request *request, enum s3_error error, const char *message,
                           const struct http_header *headers, size_t count);
/* InvalidArgument with the name and the value of the argument. */
void s3_respond_argument(struct s3_request *request, const char *message, const char *name,
                         struct slice value);
/* MethodNotAllowed with the method and the type of the resource, such as DeleteMarker. */
void s3_respond_no_method(struct s3_request *request, const char *resource,
                          const struct http_header *headers, size_t count);
/* Sends the headers of a streamed response; the caller writes and ends it. */
void s3_respond_begin(struct s3_request *request, int status, const struct http_header *headers,
                      size_t count, int64_t size);

#endif
