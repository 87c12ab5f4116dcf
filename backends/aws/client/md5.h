/* The MD5 sums that services send, to detect data damaged in transit. Any thread. */
#ifndef THUMBWHEEL_AWS_MD5_H
#define THUMBWHEEL_AWS_MD5_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* Whether the text is 32 hexadecimal digits, in either case. */
bool md5_is_text(struct slice text);
/* Whether a Content-MD5 header (base64) equals the sum given as 32 hexadecimal digits. */
bool md5_is_header(struct slice text, const char *header);
/* expected: 32 hexadecimal digits, in either case. */
bool md5_matches(const void *data, size_t size, const char *expected);

#endif
