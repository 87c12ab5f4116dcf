/* Tags of a bucket ("PutBucketTagging", S3 API Reference): parsed into their stored form
 * (s3_tags.h). Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_TAGGING_H
#define THUMBWHEEL_LOCAL_BUCKET_TAGGING_H

#include "bucket_settings.h"
#include "s3_xml.h"

bucket_setting_reader bucket_tagging_read;

/* The same for the Tags of a CreateBucketConfiguration. */
enum s3_error bucket_tagging_read_list(const struct s3_xml_node *list,
                                       struct bucket_setting *setting,
                                       char message[BUCKET_SETTING_MESSAGE_MAX]);
/* Takes tags in their stored form, the result of a function of s3_tags.h that returned code; none
 * make an empty setting. */
enum s3_error bucket_tagging_keep(int code, const struct error *error, char *tags,
                                  struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX]);

#endif
