/* The responses to GetObject and HeadObject. */
#include "s3_get.h"

#include <stdio.h>
#include <string.h>

#include "response.h"
#include "s3_access.h"
#include "s3_created.h"
#include "s3_expiration.h"
#include "s3_metadata.h"
#include "s3_time.h"
#include "s3_version.h"

enum { RANGE_TEXT = 96 };

static void respond_marker(struct s3_get *get)
{
    char version[S3_VERSION_SIZE], modified[S3_TIME_SIZE];
    enum s3_error error = s3_access_missing(get->request, get->request->bucket, get->verdict);
    if (error != get->verdict) {
        s3_respond_error(get->request, error, NULL);
        return;
    }
    s3_version_write(get->object.id, get->object.versioned, version);
    s3_time_http(get->object.modified_ms, modified);
    const struct http_header headers[] = {{"x-amz-delete-marker", "true"},
                                          {"x-amz-version-id", version},
                                          {"Last-Modified", modified},
                                          {"Allow", "DELETE"}};
    if (get->version.given)
        s3_respond_no_method(get->request, "DeleteMarker", headers, 4);
    else
        s3_respond_error_with(get->request, get->verdict, NULL, headers, 2);
}

static void add_details(const struct s3_get *get)
{
    struct s3_request *request = get->request;
    char class[OBJECT_CLASS_SIZE];
    if (get->verdict == S3_PRECONDITION_FAILED) {
        s3_detail(request, "Condition", get->failed);
    } else if (get->verdict == S3_INVALID_RANGE) {
        s3_detail(request, "RangeRequested", get->range_text);
        s3_detail_number(request, "ActualObjectSize", get->object.size);
    } else if (get->verdict == S3_INVALID_OBJECT_STATE) {
        object_storage_class(slice_of(get->object.headers), class);
        s3_detail(request, "StorageClass", class);
    } else if (get->verdict == S3_INVALID_PART_NUMBER) {
        s3_detail_number(request, "ActualPartCount", get->part_count ? get->part_count : 1);
        s3_detail_number(request, "PartNumberRequested", get->part);
    }
}

void s3_get_respond_verdict(struct s3_get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
    if (get->object.marker) {
        respond_marker(get);
        return;
    }
    if (get->verdict == S3_NOT_MODIFIED &&
        !s3_metadata_write(request, &get->object, NULL, NULL, &headers)) {
        s3_respond_empty(request, 304, headers.headers, headers.count);
        s3_metadata_headers_free(&headers);
        return;
    }
    add_details(get);
    s3_respond_error(request, get->verdict, NULL);
}

enum s3_get_state s3_get_piece_state(const struct s3_get *get)
{
    return get->last ? GET_LAST : GET_SENDING;
}

/* The checksum that describes what is sent, or NULL: that of the object with its whole body, that of a
 * part of a composite one with the part. */
static const char *checksum_of(const struct s3_get *get, const char **type)
{
    const char *value;
    const struct object *object = &get->object;
    s3_checksum_of(object->checksum, &value);
    *type = s3_checksum_type(value);
    if (!slice_equal_text(s3_header(get->request, "x-amz-checksum-mode"), "ENABLED"))
        return NULL;
    if (get->part && strcmp(*type, "COMPOSITE") == 0)
        return get->part_checksum;
    bool whole = !get->range.partial || get->range.size == object->size;
    return whole ? object->checksum : NULL;
}

enum s3_get_state s3_get_respond_found(struct s3_get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
    char range[RANGE_TEXT], parts[24], version[S3_VERSION_SIZE];
    char expiration[S3_EXPIRATION_SIZE];
    const char *type, *checksum = checksum_of(get, &type);
    if (s3_metadata_write(request, &get->object, checksum, type, &headers)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return GET_ENDED;
    }
    s3_version_of(&get->object, get->versioning, version);
    if (*version && headers.count < S3_METADATA_HEADERS_MAX)
        headers.headers[headers.count++] = (struct http_header){"x-amz-version-id", version};
    if (!get->version.given && headers.count < S3_METADATA_HEADERS_MAX)
        headers.count += s3_expiration_header(request, &get->object, expiration,
                                              &headers.headers[headers.count]);
    if (get->part_count && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(parts, sizeof parts, "%zu", get->part_count);
        headers.headers[headers.count++] = (struct http_header){"x-amz-mp-parts-count", parts};
    }
    if (get->range.partial && get->range.size && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)get->range.first,
                 (unsigned long long)(get->range.first + get->range.size - 1),
                 (unsigned long long)get->object.size);
        headers.headers[headers.count++] = (struct http_header){"Content-Range", range};
    }
    s3_respond_begin(request, get->range.partial ? 206 : 200, headers.headers, headers.count,
                     (int64_t)get->range.size);
    s3_metadata_headers_free(&headers);
    if (!get->head)
        return s3_get_piece_state(get);
    response_end(request->base);
    return GET_ENDED;
}
