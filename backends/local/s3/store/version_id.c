#include "version_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16 };

static const char null_version[] = "null";

void s3_version_write(uint64_t id, bool versioned, char out[S3_VERSION_SIZE])
{
    if (versioned)
        snprintf(out, S3_VERSION_SIZE, "%016" PRIx64, id);
    else
        memcpy(out, null_version, sizeof null_version);
}

bool s3_version_read(struct slice text, struct object_version *out)
{
    char digits[DIGITS + 1];
    *out = (struct object_version){.given = true};
    if (slice_equal_text(text, null_version))
        return true;
    if (text.size != DIGITS)
        return false;
    memcpy(digits, text.data, DIGITS);
    digits[DIGITS] = '\0';
    if (strspn(digits, "0123456789abcdef") != DIGITS)
        return false;
    out->id = strtoull(digits, NULL, 16);
    return out->id && out->id <= INT64_MAX;
}

void s3_version_of(const struct object *object, enum versioning versioning,
                   char out[S3_VERSION_SIZE])
{
    out[0] = '\0';
    if (versioning != VERSIONING_NONE)
        s3_version_write(object->id, object->versioned, out);
}
