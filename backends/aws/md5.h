/* The MD5s that services state, to find what was damaged on the way. Any thread. */
#ifndef THUMBWHEEL_AWS_MD5_H
#define THUMBWHEEL_AWS_MD5_H

#include <stdbool.h>
#include <stddef.h>

/* expected: 32 hexadecimal digits of any case. */
bool md5_matches(const void *data, size_t size, const char *expected);

#endif
