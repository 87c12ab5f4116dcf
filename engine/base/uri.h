/* Percent-encoding as SigV4 requires it: every byte except A–Z a–z 0–9 - . _ ~, in upper-case hex.
 * Any thread. */
#ifndef THUMBWHEEL_URI_H
#define THUMBWHEEL_URI_H

#include <stdbool.h>

#include "bytes.h"

/* Appends the encoded text; keep_slash leaves '/' unencoded. Returns the buffer's error. */
int uri_encode(struct buffer *out, struct slice text, bool keep_slash);
/* Appends the decoded text; form turns '+' into a space. ERR_INVALID: a broken escape or an encoded
 * NUL. */
int uri_decode(struct buffer *out, struct slice text, bool form);

#endif
