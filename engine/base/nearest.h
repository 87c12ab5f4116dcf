/* "Did you mean": the known name closest to a mistyped one. */
#ifndef THUMBWHEEL_NEAREST_H
#define THUMBWHEEL_NEAREST_H

#include <stddef.h>

/* Optimal string alignment: how many bytes are wrong, missing or added, and how many neighbours are
 * swapped. SIZE_MAX when b has more than 64 bytes. */
size_t edit_distance(const char *a, const char *b);

/* One of names, or NULL when none is near: at most a third of the letters may be wrong, missing,
 * added, or swapped with their neighbour. */
const char *nearest_name(const char *typed, const char *const *names, size_t count);

#endif
