/* Asking for permission to change something. */
#ifndef THUMBWHEEL_CONFIRM_H
#define THUMBWHEEL_CONFIRM_H

#include <stdbool.h>

enum confirmation { CONFIRM_YES, CONFIRM_NO, CONFIRM_USAGE };

/* yes: the user has agreed in advance (--yes). Otherwise asks on a terminal; without one it says
 * that --yes is needed: CONFIRM_USAGE. The question has no question mark; "y" and "yes" agree,
 * anything else does not. A signal while it waits
 * for the answer ends the process, as nothing is pending. */
enum confirmation command_confirm(bool yes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
