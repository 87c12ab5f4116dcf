/* The operations in the dispatch table of s3_api.c, one function each. Loop thread; each reads the
 * body if needed and responds. */
#ifndef THUMBWHEEL_LOCAL_S3_HANDLERS_H
#define THUMBWHEEL_LOCAL_S3_HANDLERS_H

#include "s3_request.h"

/* s3_buckets_api.c */
s3_handler s3_list_buckets, s3_create_bucket, s3_head_bucket, s3_get_bucket_location,
    s3_delete_bucket;

/* s3_notification_api.c */
s3_handler s3_put_notification, s3_get_notification;

/* s3_settings_api.c: for all kinds of bucket_settings.h */
s3_handler s3_put_bucket_setting, s3_get_bucket_setting, s3_delete_bucket_setting;
s3_handler s3_get_bucket_policy_status;

/* s3_put_api.c, s3_get_api.c, s3_delete_api.c, s3_list_api.c, s3_versions_api.c, s3_tagging_api.c
 */
s3_handler s3_put_object, s3_get_object, s3_head_object, s3_delete_object, s3_delete_objects;
s3_handler s3_list_objects; /* both API versions */
s3_handler s3_list_object_versions;
s3_handler s3_put_object_tagging, s3_get_object_tagging, s3_delete_object_tagging;

/* s3_multipart_api.c, s3_part_api.c, s3_complete_api.c, s3_multipart_list_api.c, s3_copy_api.c */
s3_handler s3_create_multipart_upload, s3_abort_multipart_upload, s3_upload_part,
    s3_complete_multipart_upload, s3_list_parts, s3_list_multipart_uploads;
s3_handler s3_copy_object, s3_upload_part_copy;

/* s3_acl_api.c */
s3_handler s3_get_bucket_acl, s3_get_object_acl, s3_put_acl;

s3_handler s3_list_tags, s3_tag_resource, s3_untag_resource; /* s3_control_api.c */

/* s3_absent_api.c */
s3_handler s3_get_absent_configuration, s3_delete_absent_configuration;

s3_handler s3_post_object;           /* s3_post_api.c */
s3_handler s3_restore_object;        /* s3_restore_api.c */
s3_handler s3_get_object_attributes; /* s3_attributes_api.c */

/* s3_cors.c: OPTIONS of any resource */
s3_handler s3_preflight;

#endif
