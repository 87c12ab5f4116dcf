/* The version ids that clients see: opaque text, "null" for the null version. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_VERSION_ID_H
#define THUMBWHEEL_LOCAL_VERSION_ID_H

#include "objects.h"

enum { S3_VERSION_SIZE = 24 };

void s3_version_write(uint64_t id, bool versioned, char out[S3_VERSION_SIZE]);
/* False: not a valid id. */
bool s3_version_read(struct slice text, struct object_version *out);

/* The version of an object; "" in a bucket that never had versions. */
void s3_version_of(const struct object *object, enum versioning versioning,
                   char out[S3_VERSION_SIZE]);

#endif
