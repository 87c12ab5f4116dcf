/* The key of an output that may contain sizes (PIPELINE_NUMBER in pipeline.h). Any thread. */
#ifndef THUMBWHEEL_KEY_PATTERN_H
#define THUMBWHEEL_KEY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes before the first number: the whole key if there is none. */
size_t key_pattern_literal(const char *pattern);
/* A number matches one or more digits. */
bool key_pattern_matches(const char *pattern, const char *key);

#endif
