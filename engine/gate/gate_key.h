/* Keys and content types: what the gate chooses, and what callers may name. Any thread. */
#ifndef THUMBWHEEL_GATE_KEY_H
#define THUMBWHEEL_GATE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "object_store.h"

enum { GATE_KEY_SIZE = OBJECT_KEY_MAX + 1, GATE_PREFIX_MAX = 900, GATE_TYPE_MAX = 127 };

/* "prefix2026/11/29/<UUID>.jpg": 122 random bits, so that nobody can guess it. The prefix has at most
 * GATE_PREFIX_MAX bytes. ERR_IO: no random bytes. */
int gate_key_make(const char *prefix, const char *content_type, int64_t unix_s,
                  char out[GATE_KEY_SIZE]);

/*
 * Decodes the key in the path of a request: percent-encoding, once. ERR_INVALID: a broken escape,
 * not UTF-8, empty, or one that proxies and clients could take for another key: with a control
 * character, a backslash, or a segment that is empty, "." or "..". ERR_LIMIT: longer than keys can
 * be.
 */
int gate_key_decode(struct slice path, char out[GATE_KEY_SIZE]);

/* "type/subtype" in lower case, without parameters, at most GATE_TYPE_MAX bytes. A pattern may also
 * be "type/" followed by an asterisk. */
bool gate_type_is_valid(const char *type);
bool gate_type_is_pattern(const char *pattern);
bool gate_type_matches(const char *type, const char *pattern);
/* ".jpg"; "" if the type has none that is known. Static. */
const char *gate_type_extension(const char *type);

#endif
