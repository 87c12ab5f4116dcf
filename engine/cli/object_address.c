#include "object_address.h"

#include <stdlib.h>
#include <string.h>

#include "object_store.h"
#include "utf8.h"

static const char scheme[] = "s3://";
enum { SCHEME_SIZE = sizeof scheme - 1 };

/* The slash after the bucket; the ARN of an access point has one in it. */
static const char *bucket_end(const char *bucket)
{
    const char *point = strstr(bucket, ":accesspoint/");
    if (strncmp(bucket, "arn:", 4) == 0 && point)
        return strchrnul(point + sizeof ":accesspoint/" - 1, '/');
    return strchrnul(bucket, '/');
}

int object_address_read(const char *text, struct object_address *out, struct error *error)
{
    *out = (struct object_address){0};
    const char *bucket = text + SCHEME_SIZE;
    if (strncmp(text, scheme, SCHEME_SIZE) != 0 || !*bucket || *bucket == '/')
        return error_set(error, ERR_INVALID,
                         "\"%s\" is not the address of an object; expected s3://BUCKET/KEY", text);
    if (!utf8_valid(slice_of(text)))
        return error_set(error, ERR_INVALID, "\"%s\" is not UTF-8, as keys are", text);
    const char *end = bucket_end(bucket);
    if (*end && strlen(end + 1) > OBJECT_KEY_MAX)
        return error_set(error, ERR_INVALID, "the key of \"%.100s…\" has more than %d bytes", text,
                         OBJECT_KEY_MAX);
    out->bucket = strdup(bucket);
    if (!out->bucket)
        return error_set(error, ERR_MEMORY, "out of memory");
    char *slash = out->bucket + (end - bucket);
    out->key = *slash ? slash + 1 : slash;
    *slash = '\0';
    return 0;
}

void object_address_free(struct object_address *address)
{
    free(address->bucket);
    *address = (struct object_address){0};
}
