/* Numbers with units, as in settings. */
#ifndef THUMBWHEEL_UNITS_H
#define THUMBWHEEL_UNITS_H

#include <stdint.h>

/* Each parses the whole text (digits, at most one decimal point, a unit) and returns 0,
 * ERR_INVALID, or ERR_LIMIT if the number does not fit. */

/* Bytes: K, M, G, T and KiB, MiB, … are powers of 1 024; kB, MB, … are powers of 1 000. */
int units_parse_bytes(const char *text, uint64_t *out);
/* Counts: k, M, G, T are powers of 1 000. */
int units_parse_count(const char *text, uint64_t *out);
/* Milliseconds: ms, s, m, h, d; a number without a unit is in seconds. */
int units_parse_time(const char *text, uint64_t *milliseconds);

#endif
