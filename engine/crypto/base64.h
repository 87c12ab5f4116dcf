/* Base64 (RFC 4648, with padding). libcrypto's. Any thread. */
#ifndef THUMBWHEEL_BASE64_H
#define THUMBWHEEL_BASE64_H

#include <stddef.h>

#include "bytes.h"

/* Bytes of the text of so many bytes, with the NUL; and how many bytes such a text has at most. */
#define BASE64_TEXT_SIZE(size) (((size) + 2) / 3 * 4 + 1)
#define BASE64_DATA_SIZE(size) ((size) / 4 * 3 + 3)

/* out has room for BASE64_TEXT_SIZE(size) bytes; data may be NULL if size is 0. */
void base64_write(const void *data, size_t size, char *out);
/* The text may be broken into lines. ERR_INVALID: not base64; ERR_LIMIT: more than room bytes. */
int base64_read(struct slice text, void *out, size_t room, size_t *size);

#endif
