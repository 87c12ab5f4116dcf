/* ETag headers. Any thread. */
#ifndef THUMBWHEEL_ETAG_H
#define THUMBWHEEL_ETAG_H

#include "bytes.h"

/* The value without its quotes and without the W/ of weak tags: "\"abc\"" gives abc. A view into
 * the value. */
struct slice etag_bare(const char *value);

#endif
