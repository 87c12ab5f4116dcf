/* UTF-8 (RFC 3629). Any thread. */
#ifndef THUMBWHEEL_UTF8_H
#define THUMBWHEEL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

bool utf8_valid(struct slice text);

/* Decodes the first character of a text and returns its size in bytes; 0: invalid, and *out is
 * unchanged. */
size_t utf8_decode(const char *text, uint32_t *out);
/* The same for a NUL-terminated text. */
size_t utf8_character_size(struct slice text);

/* The number of characters, or -1 if the text is not valid UTF-8. */
long utf8_length(const char *text);

/* Replaces each invalid byte and each control character by '?', in place, so that a peer's text can
 * be quoted in a response even if it was cut within a character. */
void utf8_repair(char *text);

#endif
