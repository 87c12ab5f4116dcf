/*
 * Shared by the fuzz targets of the whole embedded cloud: a new cloud, from the socket to the
 * storage thread, and requests to it that are validly signed, whatever they contain. Each response
 * is HTTP, none reports an internal error, and JSON is well-formed; when the cloud closes, nothing
 * leaks. One cloud at a time.
 */
#ifndef THUMBWHEEL_TESTS_FUZZ_CLOUD_HARNESS_H
#define THUMBWHEEL_TESTS_FUZZ_CLOUD_HARNESS_H

#include "fuzz_request.h"

enum { CLOUD_WIRE_MAX = 128 * 1024 /* bytes of a request: what a socket takes at once */ };

/* What a target does with an input: it is cut into parts, and each is made into requests to a new
 * cloud, after those of the prelude. Each target defines cloud_target; the harness has libFuzzer's
 * functions. */
struct cloud_target {
    void (*begin)(void); /* before the cloud is there */
    const char *const *prelude;
    size_t prelude_count;
    struct slice (*next)(struct slice *input); /* cuts off a part */
    size_t parts_max;
    void (*make)(struct slice part);
    void (*end)(void); /* after the last part; NULL: nothing */
};
extern const struct cloud_target cloud_target;

/*
 * Adds the headers of a signature to the request, sends it and appends what came back to response.
 * That is nothing when patience_ms are over (a long poll), or when the request is too large.
 */
void cloud_harness_send(struct fuzz_request *request, struct slice service, unsigned patience_ms,
                        struct buffer *response);

#endif
