/* Tags of a bucket ("PutBucketTagging", S3 API Reference): parsed into their stored form
 * (s3_tags.h). Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_TAGGING_H
#define THUMBWHEEL_LOCAL_BUCKET_TAGGING_H

#include "bucket_settings.h"

bucket_setting_reader bucket_tagging_read;

#endif
