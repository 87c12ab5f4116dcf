#include "s3_version.h"

/* A bucket without versions has only null versions. */
static bool is_possible(const struct s3_request *request, const struct object_version *version)
{
    struct bucket bucket;
    return !version->id || !buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
           bucket.versioning != VERSIONING_NONE;
}

bool s3_version_asked(struct s3_request *request, struct object_version *out)
{
    const char *text = s3_parameter(request, "versionId");
    *out = (struct object_version){0};
    if (!text || (s3_version_read(slice_of(text), out) && is_possible(request, out)))
        return true;
    s3_respond_argument(
        request, *text ? "Invalid version id specified" : "Version id cannot be the empty string",
        "versionId", slice_of(text));
    return false;
}
