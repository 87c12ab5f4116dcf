/*
 * Configurations that are one word out of a list: OwnershipControls, AccelerateConfiguration and
 * RequestPaymentConfiguration (S3 API Reference). Each is parsed into an int, an index of its list.
 * Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_BUCKET_CHOICES_H
#define THUMBWHEEL_LOCAL_BUCKET_CHOICES_H

#include "bucket_settings.h"

enum bucket_ownership { OWNER_ENFORCED, OWNER_PREFERRED, OWNER_WRITER };
enum bucket_accelerate { ACCELERATE_ENABLED, ACCELERATE_SUSPENDED };
enum bucket_payer { PAYER_OWNER, PAYER_REQUESTER };

bucket_setting_reader bucket_ownership_read;
bucket_setting_reader bucket_accelerate_read;
bucket_setting_reader bucket_payer_read;

/* Of a new bucket, by the name in x-amz-object-ownership. S3_INVALID_ARGUMENT: there is no such
 * choice. */
enum s3_error bucket_ownership_choose(struct slice name, struct bucket_setting *setting);

/* The choice of a setting, or `absent` if the bucket does not have it. */
int bucket_choice(const struct bucket_setting *setting, int absent);

#endif
