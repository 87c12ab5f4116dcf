/* What listings of keys have in common: prefixes, and keys folded at a delimiter ("Organizing
 * objects using prefixes", S3 User Guide). Any thread. */
#ifndef THUMBWHEEL_LOCAL_KEY_PREFIX_H
#define THUMBWHEEL_LOCAL_KEY_PREFIX_H

#include <stdbool.h>

#include "bytes.h"

bool key_has_prefix(struct slice key, struct slice prefix);

/* The part of a key up to and including the first delimiter after the prefix, which it has; empty
 * if there is none, or no delimiter. */
struct slice key_common_prefix(struct slice key, struct slice prefix, struct slice delimiter);

/* Makes of a prefix the first text beyond all that begin with it: its last byte counts one up
 * (UTF-8 has no 0xFF). */
void key_skip_prefix(char *prefix, size_t size);

#endif
