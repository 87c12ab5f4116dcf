/* UTF-8 (RFC 3629). Any thread. */
#ifndef THUMBWHEEL_UTF8_H
#define THUMBWHEEL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

bool utf8_valid(struct slice text);

/* The bytes of the character that a text begins with, and the character; 0: it begins with none,
 * and *out is as it was. */
size_t utf8_decode(const char *text, uint32_t *out);
/* The same of a text that ends where it ends. */
size_t utf8_character_size(struct slice text);

/* The number of characters, or -1 where it is not valid UTF-8. */
long utf8_length(const char *text);

/* In place: each byte that belongs to no character, and each control character, becomes '?'. What a
 * peer sent may then stand in an answer, even cut anywhere. */
void utf8_repair(char *text);

#endif
