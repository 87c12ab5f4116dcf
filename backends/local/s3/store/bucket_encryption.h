/* ServerSideEncryptionConfiguration ("PutBucketEncryption", S3 API Reference): how objects are
 * encrypted whose requests do not say it. Parsed into a struct bucket_encryption. Any thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_ENCRYPTION_H
#define THUMBWHEEL_LOCAL_BUCKET_ENCRYPTION_H

#include <stdbool.h>

#include "bucket_settings.h"

struct bucket_encryption {
    char *algorithm; /* of bucket_encryption_is_algorithm */
    char *key;       /* NULL: none */
    bool bucket_key; /* keys of KMS are used through a key of the bucket */
};

bucket_setting_reader bucket_encryption_read;
void bucket_encryption_free(void *encryption);

bool bucket_encryption_is_algorithm(struct slice name);
bool bucket_encryption_is_kms(struct slice algorithm);
/* An id, an alias or an ARN of a KMS key. */
bool bucket_encryption_is_key(struct slice key);

/* The configuration of a bucket without one, as elements of the document. */
extern const char bucket_encryption_default[];

#endif
