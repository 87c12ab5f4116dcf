/* Maps the services' error codes to the codes of error.h, and builds their error messages. Loop
 * thread. */
#ifndef THUMBWHEEL_AWS_ERRORS_H
#define THUMBWHEEL_AWS_ERRORS_H

#include <stdbool.h>

#include "endpoint.h"
#include "http_client.h"
#include "object_store.h"

struct aws_fault { /* as reported by the service; empty if absent */
    char code[96]; /* without a namespace: "QueueDoesNotExist" */
    char message[256];
    char key[OBJECT_KEY_MAX + 1]; /* S3: the key that the error refers to */
};

/* From a response's body (JSON or XML, by service) and headers. */
void aws_fault_read(enum aws_service service, const struct http_response *response,
                    struct aws_fault *out);
/* The tables (aws_kinds.c). The kind of a code, or 0 if the code is unknown. */
int aws_kind_of_code(enum aws_service service, const char *code);
int aws_kind_of_status(enum aws_service service, int status);
/* Maps a response other than 2xx to a code of error.h. */
int aws_fault_kind(enum aws_service service, int status, const struct aws_fault *fault);
/* The same for a batch entry, which has no status. */
int aws_entry_kind(const char *code, const char *message);
/* The service rejected the request because of our clock; its Date header contains its own time. */
bool aws_fault_is_clock(const struct aws_fault *fault);

struct aws_subject { /* the operation, for the error message */
    enum aws_service service;
    const char *operation;
    const char *resource;
};

/* "S3 GetObject s3://photos/a.jpg: NoSuchKey: The specified key does not exist. (HTTP 404)" and
 * what to do. */
void aws_error_describe(struct error *error, const struct aws_subject *subject, int kind,
                        const struct http_response *response, const struct aws_fault *fault);
/* Converts an error from reading a response: ERR_MEMORY is kept; everything else becomes
 * ERR_PROTOCOL, because the response is at fault, not the image or the message. */
void aws_error_unreadable(struct error *error, const struct aws_subject *subject, int code,
                          const char *detail);
/* The same for a failure without a response from the service. */
void aws_error_local(struct error *error, const struct aws_subject *subject, int kind,
                     const char *detail);

#endif
