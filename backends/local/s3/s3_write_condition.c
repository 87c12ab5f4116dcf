#include "s3_write_condition.h"

#include <stdlib.h>

struct slice s3_etag_unquote(struct slice etag)
{
    if (etag.size >= 2 && etag.data[0] == '"' && etag.data[etag.size - 1] == '"')
        return (struct slice){etag.data + 1, etag.size - 2};
    return etag;
}

/* localstack recorded these headers and texts of the service, even If-None-Match for If-Match: *. */
static enum s3_error refuse(struct s3_request *request, const char *header, const char *text)
{
    s3_detail(request, "Header", header);
    s3_detail(request, "additionalMessage", text);
    return S3_NOT_IMPLEMENTED;
}

enum s3_error s3_write_condition_read(struct s3_request *request, struct s3_write_condition *out,
                                      const char **message)
{
    static const char wrong[] =
        "We don't accept the provided value of If-None-Match header for this API";
    struct slice none_match = s3_header(request, "if-none-match");
    struct slice match = s3_header(request, "if-match");
    *message = NULL;
    if (none_match.data && match.data)
        return refuse(request, "If-Match,If-None-Match",
                      "Multiple conditional request headers present in the request");
    if (none_match.data && !slice_equal_text(none_match, "*"))
        return refuse(request, "If-None-Match", wrong);
    if (slice_equal_text(match, "*"))
        return refuse(request, "If-None-Match", wrong);
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
