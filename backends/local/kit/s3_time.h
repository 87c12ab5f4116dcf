/* Time formats of S3: ISO 8601 with milliseconds in XML and events, IMF-fixdate in headers. UTC;
 * any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_TIME_H
#define THUMBWHEEL_LOCAL_S3_TIME_H

#include <stdint.h>

#include "bytes.h"

enum { S3_TIME_SIZE = 64 };

int64_t s3_time_now_ms(void); /* Unix milliseconds */
void s3_time_iso(int64_t unix_ms, char out[S3_TIME_SIZE]);
/* In lists and copies S3 shows whole seconds: 2026-01-31T23:59:59.000Z */
void s3_time_iso_listed(int64_t unix_ms, char out[S3_TIME_SIZE]);
/* In errors: 2026-01-31T23:59:59Z */
void s3_time_iso_seconds(int64_t unix_seconds, char out[S3_TIME_SIZE]);
void s3_time_http(int64_t unix_ms, char out[S3_TIME_SIZE]);
/* 2026-01-31, with or without T23:59:59, .999 and Z. ERR_INVALID. */
int s3_time_parse_iso(const char *text, int64_t *unix_ms);
/* Any of the three forms of RFC 9110, 5.6.7. ERR_INVALID. */
int s3_time_parse_http(struct slice text, int64_t *unix_ms);

#endif
