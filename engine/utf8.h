/* UTF-8 (RFC 3629). Any thread. */
#ifndef THUMBWHEEL_UTF8_H
#define THUMBWHEEL_UTF8_H

#include <stdbool.h>

#include "bytes.h"

bool utf8_valid(struct slice text);

/* The number of characters, or -1 where it is not valid UTF-8. */
long utf8_length(const char *text);

/* In place: each byte that belongs to no character, and each control character, becomes '?'. What a
 * peer sent may then stand in an answer, even cut anywhere. */
void utf8_repair(char *text);

#endif
