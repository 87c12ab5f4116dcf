/* "Did you mean": the known name closest to a mistyped one. */
#ifndef THUMBWHEEL_NEAREST_H
#define THUMBWHEEL_NEAREST_H

#include <stddef.h>

/* One of names, or NULL when none is near: at most a third of the letters may be wrong, missing,
 * added, or swapped with their neighbour. */
const char *nearest_name(const char *typed, const char *const *names, size_t count);

#endif
