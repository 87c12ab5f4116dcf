#include "fuzz_request.h"

void fuzz_request_read(struct fuzz_request *request, struct slice text)
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

void fuzz_request_add(struct fuzz_request *request, const char *name, const char *value)
{
    request->headers[request->header_count++] =
        (struct sigv4_header){slice_of(name), slice_of(value)};
}
