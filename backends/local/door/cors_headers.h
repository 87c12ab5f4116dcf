/* The CORS headers of a response, set by S3 from a bucket's rules. */
#ifndef THUMBWHEEL_LOCAL_CORS_HEADERS_H
#define THUMBWHEEL_LOCAL_CORS_HEADERS_H

#include "http_server.h"

enum { CORS_HEADERS_MAX = 8, CORS_ORIGIN_MAX = 512 };

struct cors_headers { /* the strings are valid as long as it and the bucket exist */
    struct http_header list[CORS_HEADERS_MAX];
    size_t count;
    char origin[CORS_ORIGIN_MAX];
    char max_age[16];
};

#endif
