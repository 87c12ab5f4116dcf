/*
 * A request as the fuzz targets of the embedded cloud write it, lines that are easy to change:
 *
 *     METHOD TARGET
 *     Header: value
 *     (an empty line)
 *     body
 */
#ifndef THUMBWHEEL_TESTS_FUZZ_REQUEST_H
#define THUMBWHEEL_TESTS_FUZZ_REQUEST_H

#include "fuzz.h"
#include "sigv4.h"

enum { FUZZ_HEADERS_MAX = 40 };

struct fuzz_request { /* views */
    struct slice method, path, query, body;
    struct sigv4_header headers[FUZZ_HEADERS_MAX + 8];
    size_t header_count;
};

void fuzz_request_read(struct fuzz_request *request, struct slice text);
void fuzz_request_add(struct fuzz_request *request, const char *name, const char *value);

#endif
