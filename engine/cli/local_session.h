/* The embedded cloud and the engine in one process, used by `local` and `process`. */
#ifndef THUMBWHEEL_LOCAL_SESSION_H
#define THUMBWHEEL_LOCAL_SESSION_H

#include <stdbool.h>

#include "command.h"

/* once: end when the photos are done. Returns the exit status. */
int local_session(const struct assembly *assembly, const struct config *config, bool once);

#endif
