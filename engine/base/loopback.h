/* Addresses of the loopback interface. Any thread. */
#ifndef THUMBWHEEL_LOOPBACK_H
#define THUMBWHEEL_LOOPBACK_H

#include <stdbool.h>

#include "bytes.h"

/* Whether a host names this machine alone, so that what is sent to it never leaves the machine, and
 * only its own programs reach a server there: an address in 127.0.0.0/8, ::1 with or without
 * brackets, or "localhost". */
bool host_is_loopback(struct slice host);

#endif
