#include "s3_write_condition.h"

#include <stdlib.h>

struct slice s3_etag_unquote(struct slice etag)
{
    if (etag.size >= 2 && etag.data[0] == '"' && etag.data[etag.size - 1] == '"')
        return (struct slice){etag.data + 1, etag.size - 2};
    return etag;
}

enum s3_error s3_write_condition_read(struct s3_request *request, struct s3_write_condition *out,
                                      const char **message)
{
    struct slice none_match = s3_header(request, "if-none-match");
    struct slice match = s3_header(request, "if-match");
    if (none_match.data && !slice_equal_text(none_match, "*")) {
        *message = "If-None-Match: only * is implemented for writes.";
        return S3_NOT_IMPLEMENTED;
    }
    out->condition.if_absent = none_match.data != NULL;
    if (!match.data)
        return S3_OK;
    out->etag = slice_dup(s3_etag_unquote(match));
    out->condition.if_match = out->etag;
    return out->etag ? S3_OK : S3_INTERNAL_ERROR;
}

void s3_write_condition_clear(struct s3_write_condition *condition)
{
    free(condition->etag);
    *condition = (struct s3_write_condition){0};
}
