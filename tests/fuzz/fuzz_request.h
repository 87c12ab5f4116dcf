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

/* Up to the separator, which is dropped; all where there is none. */
static inline struct slice fuzz_cut(struct slice *rest, char separator)
{
    if (!rest->size)
        return (struct slice){"", 0};
    const char *end = memchr(rest->data, separator, rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    struct slice part = {rest->data, size};
    size_t used = end ? size + 1 : size;
    *rest = (struct slice){rest->data + used, rest->size - used};
    return part;
}

static inline void fuzz_request_read(struct fuzz_request *request, struct slice text)
{
    *request = (struct fuzz_request){0};
    struct slice line = fuzz_line(&text);
    request->method = fuzz_cut(&line, ' ');
    request->path = fuzz_cut(&line, '?');
    request->query = line;
    while (text.size && (line = fuzz_line(&text)).size) {
        struct slice name = fuzz_cut(&line, ':');
        while (line.size && *line.data == ' ')
            line = (struct slice){line.data + 1, line.size - 1};
        if (request->header_count < FUZZ_HEADERS_MAX)
            request->headers[request->header_count++] = (struct sigv4_header){name, line};
    }
    request->body = text;
}

static inline void fuzz_request_add(struct fuzz_request *request, const char *name,
                                    const char *value)
{
    request->headers[request->header_count++] =
        (struct sigv4_header){slice_of(name), slice_of(value)};
}

#endif
