/*
 * The errors of the services that are called with JSON or the Query protocol (all but S3).
 *
 * A function that serves a call returns `int code`: 0, a negative code of error.h (memory, storage),
 * or a positive code of its service. The positive codes are the rows of the service's table of wire
 * errors, which says how each protocol names the error. The first rows are the same for every
 * service (enum service_code); a service's own codes start at SERVICE_OWN. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_SERVICE_ERROR_H
#define THUMBWHEEL_LOCAL_SERVICE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "error.h"

enum service_code {
    SERVICE_INTERNAL = 1,    /* also any negative code that is not listed below */
    SERVICE_UNAVAILABLE,     /* also ERR_MEMORY and ERR_LIMIT */
    SERVICE_MALFORMED,       /* the input cannot be parsed */
    SERVICE_MISSING_ACTION,  /* the request names no operation */
    SERVICE_INVALID_ACTION,  /* the service has no such operation */
    SERVICE_NOT_IMPLEMENTED, /* the service has it, but the embedded cloud does not */
    SERVICE_UNSIGNED,        /* the operation needs a signature */
    SERVICE_OWN,             /* the first code of the service's own */
};

struct wire_error {
    const char *json_type;  /* of __type */
    const char *query_code; /* of <Code> and x-amzn-query-error; NULL: JSON only */
    int json_status, query_status;
    const char *text; /* for an error without a text of its own */
};

enum { SERVICE_ERROR_TEXT_MAX = 1024 };

struct service_error {
    int code;                          /* 0: none */
    char text[SERVICE_ERROR_TEXT_MAX]; /* empty: the one in the table */
};

/* No error. Every call has one: the text is not cleared beyond its first byte. */
void service_error_init(struct service_error *error);

/* Fills *error and returns code. The text may quote what the peer sent: it is cut and repaired. */
int service_error_set(struct service_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int service_error_vset(struct service_error *error, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* The same for a text of several lines. */
int service_error_set_lines(struct service_error *error, int code, const char *text);

/* The row of a code, negative ones included. */
const struct wire_error *service_error_row(const struct wire_error *table, int code);
const char *service_error_text(const struct wire_error *table, const struct service_error *error);

/* "Sender" or "Receiver": whose fault an error with this HTTP status is. */
const char *service_error_side(int status);

#endif
