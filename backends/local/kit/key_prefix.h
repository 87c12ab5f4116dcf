/* Shared by all listings of keys: prefixes, and keys grouped at a delimiter ("Organizing objects
 * using prefixes", S3 User Guide). Any thread. */
#ifndef THUMBWHEEL_LOCAL_KEY_PREFIX_H
#define THUMBWHEEL_LOCAL_KEY_PREFIX_H

#include <stdbool.h>

#include "bytes.h"

bool key_has_prefix(struct slice key, struct slice prefix);

/* The part of a key up to and including the first delimiter after the prefix; empty if there is no
 * delimiter. The key must begin with the prefix. */
struct slice key_common_prefix(struct slice key, struct slice prefix, struct slice delimiter);

/* Changes a prefix into the first text after all texts that begin with it, by incrementing its last
 * byte (UTF-8 has no 0xFF). */
void key_skip_prefix(char *prefix, size_t size);

#endif
