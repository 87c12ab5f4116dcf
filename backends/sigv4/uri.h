/* Percent-encoding as SigV4 requires it: every byte but A–Z a–z 0–9 - . _ ~, in upper-case hex. Any
 * thread. */
#ifndef THUMBWHEEL_URI_H
#define THUMBWHEEL_URI_H

#include <stdbool.h>

#include "bytes.h"

/* Appends text encoded; '/' stays when keep_slash. Returns the buffer's error. */
int uri_encode(struct buffer *out, struct slice text, bool keep_slash);
/* Appends text decoded; '+' becomes a space when form. ERR_INVALID on a broken escape or an encoded
 * NUL. */
int uri_decode(struct buffer *out, struct slice text, bool form);

#endif
