/* Configurations that a bucket never has: the response is that of S3 for a bucket without it. */
#include "s3_handlers.h"

#include <string.h>

static const struct absent {
    const char *resource;
    enum s3_error error; /* the response to GET */
} absents[] = {
    {"object-lock", S3_NO_OBJECT_LOCK},
    {"replication", S3_NO_REPLICATION},
    {"website", S3_NO_WEBSITE},
};

static enum s3_error error_of(const char *resource)
{
    for (size_t i = 0; i < sizeof absents / sizeof *absents; i++) {
        if (strcmp(absents[i].resource, resource) == 0)
            return absents[i].error;
    }
    return S3_NOT_IMPLEMENTED;
}

void s3_get_absent_configuration(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_respond_error(request, error_of(request->resource), NULL);
}

/* Deleting one always succeeds, because it does not exist. */
void s3_delete_absent_configuration(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_respond_empty(request, 204, NULL, 0);
}
