/* The embedded cloud and the engine in one process, used by `local` and `process`. */
#ifndef THUMBWHEEL_LOCAL_SESSION_H
#define THUMBWHEEL_LOCAL_SESSION_H

#include "command.h"

enum session_kind {
    SESSION_SERVES,
    SESSION_ONCE, /* ends when the photos are done */
    /* the same, but the embedded cloud is only a means: other buckets are AWS's */
    SESSION_FILES,
};

/* Returns the exit status. */
int local_session(const struct assembly *assembly, const struct config *config,
                  enum session_kind kind);

#endif
