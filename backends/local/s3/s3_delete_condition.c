#include "s3_delete_condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "s3_time.h"
#include "s3_write_condition.h"

struct texts { /* data NULL: absent */
    struct slice etag, size, modified;
    bool has_version; /* the request names one */
};

static bool read_size(struct slice text, uint64_t *size)
{
    char digits[24];
    if (!text.size || text.size >= sizeof digits)
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    if (strspn(digits, "0123456789") != text.size)
        return false;
    errno = 0;
    *size = strtoull(digits, NULL, 10);
    return errno == 0;
}

static bool read_time(struct slice text, int64_t *unix_s)
{
    char iso[S3_TIME_SIZE];
    int64_t unix_ms;
    int code = s3_time_parse_http(text, &unix_ms);
    if (code && text.size < sizeof iso) {
        memcpy(iso, text.data, text.size);
        iso[text.size] = '\0';
        code = s3_time_parse_iso(iso, &unix_ms);
    }
    if (!code)
        *unix_s = unix_ms / 1000;
    return !code;
}

static enum s3_error read_texts(const struct texts *texts, struct s3_delete_condition *out,
                                const char **message)
{
    struct object_expectation *expected = &out->expected;
    expected->has_size = texts->size.data != NULL;
    expected->has_modified = texts->modified.data != NULL;
    out->given = texts->etag.data || expected->has_size || expected->has_modified;
    if (expected->has_size && !read_size(texts->size, &expected->size)) {
        *message = "The size that an object must have is not a number";
        return S3_INVALID_ARGUMENT;
    }
    if (expected->has_modified && !read_time(texts->modified, &expected->modified_s)) {
        *message = "The last modified time that an object must have is not a date";
        return S3_INVALID_ARGUMENT;
    }
    if (out->given && texts->has_version) {
        *message = "A conditional delete of a version is not implemented.";
        return S3_NOT_IMPLEMENTED;
    }
    if (!texts->etag.data)
        return S3_OK;
    out->etag = slice_dup(s3_etag_unquote(texts->etag));
    expected->etag = out->etag;
    return out->etag ? S3_OK : S3_INTERNAL_ERROR;
}

enum s3_error s3_delete_condition_read(const struct s3_request *request,
                                       struct s3_delete_condition *out, const char **message)
{
    struct texts texts = {s3_header(request, "if-match"), s3_header(request, "x-amz-if-match-size"),
                          s3_header(request, "x-amz-if-match-last-modified-time"),
                          s3_parameter(request, "versionId") != NULL};
    return read_texts(&texts, out, message);
}

static struct slice entry_text(const struct s3_xml_node *entry, const char *name)
{
    const char *text = s3_xml_child_text(entry, name);
    return text ? slice_of(text) : (struct slice){0};
}

enum s3_error s3_delete_condition_read_entry(const struct s3_xml_node *entry,
                                             struct s3_delete_condition *out, const char **message)
{
    struct texts texts = {entry_text(entry, "ETag"), entry_text(entry, "Size"),
                          entry_text(entry, "LastModifiedTime"),
                          s3_xml_child(entry, "VersionId") != NULL};
    return read_texts(&texts, out, message);
}

void s3_delete_condition_clear(struct s3_delete_condition *condition)
{
    free(condition->etag);
    *condition = (struct s3_delete_condition){0};
}
