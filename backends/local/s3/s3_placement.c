#include "s3_placement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_encryption.h"
#include "hash.h"
#include "hex.h"
#include "object_archive.h"

enum { LINES_MAX = 16 * 1024 };

static bool is_any(struct slice value, const char *const *known)
{
    for (; *known; known++) {
        if (slice_equal_text(value, *known))
            return true;
    }
    return false;
}

static void add_line(struct buffer *lines, const char *name, struct slice value)
{
    buffer_text(lines, name);
    buffer_text(lines, ": ");
    buffer_append(lines, value.data, value.size);
    buffer_byte(lines, '\n');
}

/* ---- storage class ---- */

static enum s3_error read_class(struct s3_request *request, struct buffer *lines)
{
    static const char *const classes[] = {
        "STANDARD",   "STANDARD_IA", "ONEZONE_IA",   "INTELLIGENT_TIERING",
        "GLACIER_IR", "GLACIER",     "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",
        NULL};
    struct slice class = s3_header(request, OBJECT_CLASS_HEADER);
    if (!class.data)
        return S3_OK;
    if (!is_any(class, classes)) {
        s3_detail_slice(request, "StorageClassRequested", class);
        return S3_INVALID_STORAGE_CLASS;
    }
    if (!slice_equal_text(class, "STANDARD"))
        add_line(lines, OBJECT_CLASS_HEADER, class);
    return S3_OK;
}

/* ---- encryption ---- */

/* S3 returns the key's ARN, whatever names it. */
static void add_key(struct s3_request *request, struct slice key, struct buffer *lines)
{
    const struct cloud *cloud = request->cloud;
    struct bucket bucket = {.region = cloud->region, .owner = cloud->account};
    buckets_find(cloud->buckets, request->bucket, &bucket);
    if (!key.data)
        key = slice_of("alias/aws/s3");
    buffer_text(lines, OBJECT_KMS_KEY_HEADER ": ");
    if (!slice_starts_with(key, "arn:"))
        buffer_format(lines, "arn:aws:kms:%s:%s:%s", bucket.region, bucket.owner,
                      slice_starts_with(key, "alias/") ? "" : "key/");
    buffer_append(lines, key.data, key.size);
    buffer_byte(lines, '\n');
}

struct encryption {
    struct slice method; /* without data: not stated */
    struct slice key;    /* without data: the default one */
    bool bucket_key;
};

/* Old versions of botocore capitalise booleans. */
static enum s3_error read_bucket_key(struct s3_request *request, bool *enabled,
                                     const char **message)
{
    struct slice value = s3_header(request, OBJECT_BUCKET_KEY_HEADER);
    if (!value.data)
        return S3_OK;
    *enabled = slice_equal_text(value, "true") || slice_equal_text(value, "True");
    *message = OBJECT_BUCKET_KEY_HEADER " must be true or false";
    bool disabled = slice_equal_text(value, "false") || slice_equal_text(value, "False");
    return *enabled || disabled ? S3_OK : S3_INVALID_ARGUMENT;
}

/* "Setting default server-side encryption behavior for Amazon S3 buckets", S3 User Guide. */
static struct encryption default_of(const struct s3_request *request)
{
    struct bucket bucket;
    const struct bucket_encryption *chosen = NULL;
    if (buckets_find(request->cloud->buckets, request->bucket, &bucket))
        chosen = bucket.settings[BUCKET_ENCRYPTION].read;
    if (!chosen)
        return (struct encryption){.method = slice_of("AES256")};
    return (struct encryption){.method = slice_of(chosen->algorithm),
                               .key = slice_of(chosen->key),
                               .bucket_key = chosen->bucket_key};
}

static void write_encryption(struct s3_request *request, const struct encryption *encryption,
                             struct buffer *lines)
{
    add_line(lines, OBJECT_SSE_HEADER, encryption->method);
    if (!bucket_encryption_is_kms(encryption->method))
        return;
    add_key(request, encryption->key, lines);
    if (encryption->bucket_key)
        add_line(lines, OBJECT_BUCKET_KEY_HEADER, slice_of("true"));
}

static enum s3_error read_encryption(struct s3_request *request, struct buffer *lines,
                                     const char **message)
{
    struct slice sse = s3_header(request, OBJECT_SSE_HEADER);
    struct slice key = s3_header(request, OBJECT_KMS_KEY_HEADER);
    bool kms = bucket_encryption_is_kms(sse);
    *message = "The encryption method specified is not supported";
    if (sse.data && !bucket_encryption_is_algorithm(sse))
        return S3_INVALID_ARGUMENT;
    *message = "Server Side Encryption with AWS KMS managed key requires HTTP header "
               "x-amz-server-side-encryption : aws:kms or aws:kms:dsse";
    if (key.data && !kms)
        return S3_INVALID_ARGUMENT;
    *message = "Invalid KMS keyId";
    if (key.data && !bucket_encryption_is_key(key))
        return S3_INVALID_ARGUMENT;
    struct encryption encryption = default_of(request);
    enum s3_error error = read_bucket_key(request, &encryption.bucket_key, message);
    if (error)
        return error;
    if (sse.data) {
        encryption.method = sse;
        encryption.key = key;
    }
    write_encryption(request, &encryption, lines);
    *message = NULL;
    return S3_OK;
}

enum s3_error s3_placement_read(struct s3_request *request, struct buffer *lines,
                                const char **message)
{
    enum s3_error error = read_class(request, lines);
    return error ? error : read_encryption(request, lines, message);
}

bool s3_placement_stated(const struct s3_request *request)
{
    return s3_header(request, OBJECT_CLASS_HEADER).data ||
           s3_header(request, OBJECT_SSE_HEADER).data;
}

/* ---- lines ---- */

static bool is_placement(struct slice line)
{
    return slice_starts_with(line, OBJECT_CLASS_HEADER ": ") ||
           slice_starts_with(line, OBJECT_SSE_HEADER) ||
           slice_starts_with(line, OBJECT_RESTORE_HEADER ": ");
}

static void copy_lines(struct buffer *out, const char *lines, bool placement)
{
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        struct slice line = {lines, (size_t)(end + 1 - lines)};
        if (is_placement(line) == placement)
            buffer_append(out, line.data, line.size);
    }
}

char *s3_placement_copy(const char *own, const char *source)
{
    struct buffer out;
    buffer_init(&out, 2 * LINES_MAX);
    buffer_text(&out, "");
    copy_lines(&out, own, true);
    copy_lines(&out, source, false);
    return buffer_take_text(&out);
}

/* ---- the ETag ---- */

bool s3_placement_etag_is_md5(const struct object *object)
{
    struct slice sse = {0};
    object_header_find(slice_of(object->headers), OBJECT_SSE_HEADER, &sse);
    return !slice_starts_with(sse, "aws:kms");
}

char *s3_placement_etag(const struct object *object, const char *md5)
{
    char text[96], hex[MD5_HEX_SIZE];
    uint8_t digest[MD5_SIZE];
    if (s3_placement_etag_is_md5(object))
        return strdup(md5);
    int size = snprintf(text, sizeof text, "%.64s %" PRIu64, md5, object->id);
    hash_whole(HASH_MD5, text, (size_t)size, digest);
    hex_write(digest, sizeof digest, hex);
    return strdup(hex);
}

/* ---- responses ---- */

static size_t respond_line(const char *lines, const char *name, char *text, size_t size,
                           struct http_header *header)
{
    struct slice value;
    if (!object_header_find(slice_of(lines), name, &value))
        return 0;
    slice_copy(value, text, size);
    *header = (struct http_header){name, text};
    return 1;
}

size_t s3_placement_respond(const char *lines, struct s3_placement_headers *texts,
                            struct http_header *headers)
{
    size_t count = respond_line(lines, OBJECT_SSE_HEADER, texts->sse, sizeof texts->sse, headers);
    count += respond_line(lines, OBJECT_KMS_KEY_HEADER, texts->kms_key, sizeof texts->kms_key,
                          headers + count);
    return count + respond_line(lines, OBJECT_BUCKET_KEY_HEADER, texts->bucket_key,
                                sizeof texts->bucket_key, headers + count);
}
