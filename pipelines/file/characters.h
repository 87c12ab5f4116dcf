/* Sets of characters that texts of a pipeline file are made of. Any thread. */
#ifndef THUMBWHEEL_CHARACTERS_H
#define THUMBWHEEL_CHARACTERS_H

#include <stdbool.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static inline bool is_made_of(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

#endif
