/* How an object is stored, as lines of its headers (struct object): its storage class, and its
 * encryption. Any thread. */
#ifndef THUMBWHEEL_LOCAL_OBJECT_PLACEMENT_H
#define THUMBWHEEL_LOCAL_OBJECT_PLACEMENT_H

#include <stdbool.h>

#include "bytes.h"

#define OBJECT_CLASS_HEADER      "x-amz-storage-class"
#define OBJECT_SSE_HEADER        "x-amz-server-side-encryption"
#define OBJECT_KMS_KEY_HEADER    "x-amz-server-side-encryption-aws-kms-key-id"
#define OBJECT_BUCKET_KEY_HEADER "x-amz-server-side-encryption-bucket-key-enabled"

enum { OBJECT_CLASS_SIZE = 24 };

/* The value of a line "name: value\n"; false: there is none. */
bool object_header_find(struct slice headers, const char *name, struct slice *value);
/* STANDARD has no line. */
void object_storage_class(struct slice headers, char out[OBJECT_CLASS_SIZE]);

#endif
