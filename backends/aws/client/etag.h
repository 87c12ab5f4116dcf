/* ETag headers. Any thread. */
#ifndef THUMBWHEEL_ETAG_H
#define THUMBWHEEL_ETAG_H

#include "bytes.h"

/* The value without its quotes: "\"abc\"" is abc; weak tags lose their W/. A part of the value. */
struct slice etag_bare(const char *value);

#endif
