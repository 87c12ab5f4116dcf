/* BucketLoggingStatus ("PutBucketLogging", S3 API Reference): stored and returned; no access logs
 * are written, which S3 does not promise either ("best-effort server log delivery", S3 User Guide).
 * Parsed into a struct bucket_logging. Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_LOGGING_H
#define THUMBWHEEL_LOCAL_BUCKET_LOGGING_H

#include "bucket_settings.h"

struct bucket_logging {
    char *target; /* bucket; NULL: no logging */
};

bucket_setting_reader bucket_logging_read;
void bucket_logging_free(void *logging);

#endif
