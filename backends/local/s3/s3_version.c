#include "s3_version.h"

bool s3_version_asked(struct s3_request *request, struct object_version *out)
{
    const char *text = s3_parameter(request, "versionId");
    *out = (struct object_version){0};
    if (!text || s3_version_read(slice_of(text), out))
        return true;
    s3_respond_error(request, S3_INVALID_ARGUMENT,
                     *text ? "Invalid version id specified"
                           : "Version id cannot be the empty string");
    return false;
}
