/* "Did you mean": the known name closest to a mistyped one. */
#ifndef THUMBWHEEL_NEAREST_H
#define THUMBWHEEL_NEAREST_H

#include <stddef.h>

/* Optimal string alignment: how many bytes are wrong, missing or added, and how many neighbours are
 * swapped. SIZE_MAX when b has more than 64 bytes. */
size_t edit_distance(const char *a, const char *b);

/* The closest of names, or NULL if none is close: at most a third of the letters may be wrong,
 * missing, extra, or swapped with their neighbour. */
const char *nearest_name(const char *typed, const char *const *names, size_t count);

#endif
