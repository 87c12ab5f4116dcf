/* Times as text (ISO 8601, RFC 3339). Any thread. */
#ifndef THUMBWHEEL_ISO_TIME_H
#define THUMBWHEEL_ISO_TIME_H

#include <stdint.h>

enum { ISO_TIME_SIZE = 24 };

/* "2026-11-29T12:00:00Z", with or without a fraction of a second, of which milliseconds count; with
 * an offset such as +01:00; or with "UTC" as older versions of the AWS CLI wrote it. text may be
 * NULL. ERR_INVALID. */
int iso_time_parse(const char *text, int64_t *unix_ms);
/* "2026-11-29T12:00:00Z" */
void iso_time_format(int64_t unix_s, char out[ISO_TIME_SIZE]);

#endif
