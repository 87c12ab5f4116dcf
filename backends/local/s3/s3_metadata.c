#include "s3_metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "object_archive.h"
#include "query_text.h"
#include "s3_acl.h"
#include "s3_created.h"
#include "s3_placement.h"
#include "s3_tags.h"
#include "s3_time.h"
#include "utf8.h"

enum {
    USER_METADATA_MAX = 2048, /* total size of names and values (S3) */
    STORED_MAX = 16 * 1024,
};

static const char user_prefix[] = "x-amz-meta-";

/* Stored as sent; the parameter overrides it in a single response. */
static const struct {
    const char *name;
    const char *override;
} content_headers[] = {
    {"cache-control", "response-cache-control"},
    {"content-disposition", "response-content-disposition"},
    {"content-encoding", "response-content-encoding"},
    {"content-language", "response-content-language"},
    {"expires", "response-expires"},
};

enum { CONTENT_HEADERS = sizeof content_headers / sizeof *content_headers };

static void add_line(struct buffer *out, struct slice name, struct slice value)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        buffer_byte(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
    buffer_text(out, ": ");
    buffer_append(out, value.data, value.size);
    buffer_byte(out, '\n');
}

static struct slice trim(struct slice text)
{
    while (text.size && *text.data == ' ')
        text = (struct slice){text.data + 1, text.size - 1};
    while (text.size && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* aws-chunked is the framing of the request, not a property of the object. */
static void add_encoding(struct buffer *out, struct slice value)
{
    static const char name[] = "aws-chunked";
    bool first = true;
    while (value.size) {
        struct slice one = trim(query_cut(&value, ','));
        bool framing = one.size == sizeof name - 1 && !strncasecmp(one.data, name, one.size);
        if (!one.size || framing)
            continue;
        buffer_text(out, first ? "content-encoding: " : ",");
        buffer_append(out, one.data, one.size);
        first = false;
    }
    if (!first)
        buffer_byte(out, '\n');
}

/* Values are stored as lines and returned as headers, so form fields must be checked. */
static bool is_line(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_name(struct slice name)
{
    static const char separators[] = "()<>@,;:\\\"/[]?={} \t";
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= 0x20 || c >= 0x7f || strchr(separators, c))
            return false;
    }
    return true;
}

static enum s3_error read_content_headers(struct s3_request *request, struct buffer *out)
{
    for (size_t i = 0; i < CONTENT_HEADERS; i++) {
        struct slice name = slice_of(content_headers[i].name);
        struct slice value = s3_header(request, name.data);
        if (!is_line(value))
            return S3_INVALID_ARGUMENT;
        if (strcmp(name.data, "content-encoding") == 0)
            add_encoding(out, value);
        else if (value.size)
            add_line(out, name, value);
    }
    return S3_OK;
}

static enum s3_error read_user_metadata(struct s3_request *request, struct buffer *out)
{
    size_t count = s3_header_count(request), total = 0;
    size_t prefix = sizeof user_prefix - 1, stored = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice name, value;
        s3_header_at(request, i, &name, &value);
        if (name.size <= prefix || strncasecmp(name.data, user_prefix, prefix) != 0)
            continue;
        total += name.size - prefix + value.size;
        if (++stored > S3_METADATA_HEADERS_MAX / 2)
            return S3_METADATA_TOO_LARGE;
        if (!is_name(name) || !is_line(value))
            return S3_INVALID_ARGUMENT;
        add_line(out, name, value);
    }
    if (total <= USER_METADATA_MAX)
        return S3_OK;
    s3_detail_number(request, "Size", total);
    s3_detail_number(request, "MaxSizeAllowed", USER_METADATA_MAX);
    return S3_METADATA_TOO_LARGE;
}

static enum s3_error read_tags(struct s3_request *request, struct object *object,
                               const char **message)
{
    struct error error = {0};
    struct slice tagging = s3_header(request, "x-amz-tagging");
    int code = s3_tags_from_query(tagging, &object->tags, &error);
    if (!code)
        return S3_OK;
    if (code == ERR_MEMORY)
        return S3_INTERNAL_ERROR;
    s3_detail(request, "ArgumentName", "x-amz-tagging");
    s3_detail_slice(request, "ArgumentValue", tagging);
    *message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
               "parameters without tag name duplicates.";
    return S3_INVALID_ARGUMENT;
}

/* By name. */
enum s3_error s3_metadata_check(struct s3_request *request, const char **message)
{
    static const char *const refused[] = {
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-context",
        "x-amz-object-lock-mode",
        "x-amz-object-lock-legal-hold",
        "x-amz-object-lock-retain-until-date",
        "x-amz-website-redirect-location",
        "x-amz-write-offset-bytes",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (s3_header(request, refused[i]).data) {
            *message = refused[i];
            return S3_NOT_IMPLEMENTED;
        }
    }
    return s3_acl_check(request, ACL_OF_OBJECT, message);
}

static enum s3_error read_headers(struct s3_request *request, struct slice type,
                                  struct buffer *stored)
{
    if (!is_line(type))
        return S3_INVALID_ARGUMENT;
    enum s3_error error = read_content_headers(request, stored);
    if (error)
        return error;
    error = read_user_metadata(request, stored);
    if (error)
        return error;
    if (stored->error)
        return stored->error == ERR_LIMIT ? S3_METADATA_TOO_LARGE : S3_INTERNAL_ERROR;
    return utf8_length(stored->data) < 0 ? S3_INVALID_ARGUMENT : S3_OK;
}

enum s3_error s3_metadata_read(struct s3_request *request, struct object *object,
                               const char **message)
{
    struct slice type = s3_header(request, "content-type");
    struct buffer stored;
    enum s3_error error = s3_metadata_check(request, message);
    if (error)
        return error;
    buffer_init(&stored, STORED_MAX);
    buffer_text(&stored, "");
    error = s3_placement_read(request, &stored, message);
    if (!error)
        error = read_headers(request, type, &stored);
    object->headers = buffer_take_text(&stored);
    object->content_type = type.size ? slice_dup(type) : strdup("binary/octet-stream");
    if (error)
        return error;
    if (!object->headers || !object->content_type)
        return S3_INTERNAL_ERROR;
    return read_tags(request, object, message);
}

/* Responses. */

static void put(struct s3_metadata_headers *out, const char *name, const char *value)
{
    if (out->count < S3_METADATA_HEADERS_MAX)
        out->headers[out->count++] = (struct http_header){name, value};
}

static const char *override_of(const struct s3_request *request, const char *name)
{
    for (size_t i = 0; i < CONTENT_HEADERS; i++) {
        if (strcmp(content_headers[i].name, name) == 0)
            return s3_parameter(request, content_headers[i].override);
    }
    return NULL;
}

bool s3_metadata_check_overrides(struct s3_request *request)
{
    const char *wrong = NULL;
    for (size_t i = 0; i <= CONTENT_HEADERS && !wrong; i++) {
        const char *value = s3_parameter(request, i < CONTENT_HEADERS ? content_headers[i].override
                                                                      : "response-content-type");
        if (value && !request->caller)
            wrong = "Request specific response headers cannot be used for anonymous GET requests.";
        else if (value && !is_line(slice_of(value)))
            wrong = "Header value cannot be represented using ISO-8859-1.";
    }
    if (wrong)
        s3_respond_error(request, request->caller ? S3_INVALID_ARGUMENT : S3_INVALID_REQUEST,
                         wrong);
    return !wrong;
}

/* Splits "name: value\n" lines in place. */
/* A restored copy that exists no longer is not shown. */
static bool has_expired(const char *name, const char *headers)
{
    return strcmp(name, OBJECT_RESTORE_HEADER) == 0 &&
           object_restored_until(slice_of(headers)) <= s3_time_now_ms();
}

static void put_stored(const struct s3_request *request, const char *headers,
                       struct s3_metadata_headers *out)
{
    char *line = out->text;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        char *colon = strstr(line, ": ");
        *end = '\0';
        if (!colon)
            continue;
        *colon = '\0';
        if (!override_of(request, line) && !has_expired(line, headers))
            put(out, line, colon + 2);
    }
}

static void put_overrides(const struct s3_request *request, struct s3_metadata_headers *out)
{
    for (size_t i = 0; i < CONTENT_HEADERS; i++) {
        const char *value = s3_parameter(request, content_headers[i].override);
        if (value)
            put(out, content_headers[i].name, value);
    }
}

/* Joins the stored lines, headers and checksum, into one text to split. */
static char *join_text(const struct object *object, const char *checksum, const char *checksum_type)
{
    struct buffer text;
    buffer_init(&text, STORED_MAX);
    buffer_text(&text, object->headers);
    if (checksum && *checksum)
        buffer_format(&text, "%s\nx-amz-checksum-type: %s\n", checksum, checksum_type);
    return buffer_take_text(&text);
}

/* Without printf, because every response with an object needs it. */
void s3_etag_quote(const char *etag, char out[S3_ETAG_SIZE])
{
    size_t size = strnlen(etag, S3_ETAG_SIZE - sizeof "\"\"");
    *out = '"';
    memcpy(out + 1, etag, size);
    memcpy(out + 1 + size, "\"", 2);
}

int s3_metadata_write(const struct s3_request *request, const struct object *object,
                      const char *checksum, const char *checksum_type,
                      struct s3_metadata_headers *out)
{
    const char *type = s3_parameter(request, "response-content-type");
    *out = (struct s3_metadata_headers){.text = join_text(object, checksum, checksum_type)};
    if (!out->text)
        return ERR_MEMORY;
    s3_etag_quote(object->etag, out->etag);
    s3_time_http(object->modified_ms, out->modified);
    put(out, "ETag", out->etag);
    put(out, "Last-Modified", out->modified);
    put(out, "Accept-Ranges", "bytes");
    put(out, "Content-Type", type ? type : object->content_type);
    if (*object->tags) {
        snprintf(out->tag_count, sizeof out->tag_count, "%zu", s3_tags_count(object->tags));
        put(out, "x-amz-tagging-count", out->tag_count);
    }
    put_overrides(request, out);
    put_stored(request, object->headers, out);
    return 0;
}

void s3_metadata_headers_free(struct s3_metadata_headers *headers)
{
    free(headers->text);
    *headers = (struct s3_metadata_headers){0};
}
