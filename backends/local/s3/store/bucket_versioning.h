/* VersioningConfiguration ("PutBucketVersioning", S3 API Reference): parsed into an enum
 * versioning. Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_VERSIONING_H
#define THUMBWHEEL_LOCAL_BUCKET_VERSIONING_H

#include "bucket_settings.h"

bucket_setting_reader bucket_versioning_read;

#endif
