/* The dates of HTTP headers. Any thread. */
#ifndef THUMBWHEEL_AWS_HTTP_DATE_H
#define THUMBWHEEL_AWS_HTTP_DATE_H

#include <stdint.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, IMF-fixdate), read without the locale; Unix time.
 * ERR_PROTOCOL. */
int http_date_parse(const char *text, int64_t *seconds);

#endif
