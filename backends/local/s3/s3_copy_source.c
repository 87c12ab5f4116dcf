#include "s3_copy_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object_store.h"
#include "s3_access.h"
#include "s3_version.h"
#include "uri.h"
#include "utf8.h"

enum { SOURCE_MAX = 4096 };

static const char bad_source[] = "You can only specify a copy source header for copy requests of "
                                 "the form bucket/key.";
static const char bad_range[] =
    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "
    "are the zero-based offsets of the first and last bytes to copy";

void s3_copy_source_clear(struct s3_copy_source *source)
{
    free(source->bucket_name);
    free(source->key);
    for (size_t i = 0; i < sizeof source->texts / sizeof *source->texts; i++)
        free(source->texts[i]);
    *source = (struct s3_copy_source){0};
}

/* The version follows the encoded key. */
static enum s3_error cut_version(struct slice *text, struct object_version *version,
                                 const char **message)
{
    static const char name[] = "?versionId=";
    const char *query = memchr(text->data, '?', text->size);
    if (!query)
        return S3_OK;
    struct slice rest = {query, text->size - (size_t)(query - text->data)};
    text->size -= rest.size;
    *message = "Invalid version id specified";
    if (!slice_starts_with(rest, name))
        return S3_INVALID_ARGUMENT;
    rest = (struct slice){rest.data + sizeof name - 1, rest.size - (sizeof name - 1)};
    return s3_version_read(rest, version) ? S3_OK : S3_INVALID_ARGUMENT;
}

static enum s3_error split(char *path, struct s3_copy_source *source)
{
    char *bucket = *path == '/' ? path + 1 : path;
    char *slash = strchr(bucket, '/');
    if (!slash || slash == bucket || !slash[1])
        return S3_INVALID_ARGUMENT;
    *slash = '\0';
    source->bucket_name = strdup(bucket);
    source->key = strdup(slash + 1);
    if (!source->bucket_name || !source->key)
        return S3_INTERNAL_ERROR;
    bool good = strlen(source->key) <= OBJECT_KEY_MAX && utf8_length(source->key) >= 0;
    return good ? S3_OK : S3_INVALID_ARGUMENT;
}

static enum s3_error read_path(struct s3_request *request, struct s3_copy_source *source,
                               const char **message)
{
    struct slice text = s3_header(request, "x-amz-copy-source");
    struct buffer path;
    *message = bad_source;
    if (!text.size)
        return S3_INVALID_ARGUMENT;
    enum s3_error error = cut_version(&text, &source->version, message);
    if (error)
        return error;
    *message = bad_source;
    buffer_init(&path, SOURCE_MAX);
    if (uri_decode(&path, text, true) || !path.size)
        error = path.error == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_INVALID_ARGUMENT;
    else
        error = split(path.data, source);
    buffer_free(&path);
    return error;
}

static bool copy_header(struct s3_request *request, const char *name, char **text,
                        struct slice *slice)
{
    struct slice value = s3_header(request, name);
    if (!value.data)
        return true;
    *text = slice_dup(value);
    *slice = slice_of(*text);
    return *text != NULL;
}

static bool read_conditions(struct s3_request *request, struct s3_copy_source *source)
{
    struct s3_preconditions *conditions = &source->conditions;
    char **texts = source->texts;
    return copy_header(request, "x-amz-copy-source-if-match", &texts[0], &conditions->match) &&
           copy_header(request, "x-amz-copy-source-if-none-match", &texts[1],
                       &conditions->none_match) &&
           copy_header(request, "x-amz-copy-source-if-modified-since", &texts[2],
                       &conditions->modified_since) &&
           copy_header(request, "x-amz-copy-source-if-unmodified-since", &texts[3],
                       &conditions->unmodified_since);
}

/* Reads digits up to the end or to `stop`; false: none, or too many. */
static bool read_offset(struct slice *text, char stop, uint64_t *out)
{
    size_t i = 0;
    *out = 0;
    for (; i < text->size && text->data[i] >= '0' && text->data[i] <= '9' && i < 18; i++)
        *out = *out * 10 + (uint64_t)(text->data[i] - '0');
    bool good = i && (stop ? i < text->size && text->data[i] == stop : i == text->size);
    size_t used = i + (good && stop);
    *text = (struct slice){text->data + used, text->size - used};
    return good;
}

static enum s3_error read_range(struct s3_request *request, struct s3_copy_source *source)
{
    static const char unit[] = "bytes=";
    struct slice text = s3_header(request, "x-amz-copy-source-range");
    if (!text.data)
        return S3_OK;
    if (!slice_starts_with(text, unit))
        return S3_INVALID_ARGUMENT;
    text = (struct slice){text.data + sizeof unit - 1, text.size - (sizeof unit - 1)};
    source->ranged = true;
    bool good = read_offset(&text, '-', &source->first) && read_offset(&text, '\0', &source->last);
    return good && source->first <= source->last ? S3_OK : S3_INVALID_ARGUMENT;
}

static enum s3_error read_source(struct s3_request *request, struct s3_copy_source *source,
                                 struct bucket *bucket, const char **message)
{
    enum s3_error error = read_path(request, source, message);
    if (error)
        return error;
    *message = NULL;
    if (!read_conditions(request, source))
        return S3_INTERNAL_ERROR;
    error = read_range(request, source);
    if (error) {
        *message = bad_range;
        return error;
    }
    if (!buckets_find(request->cloud->buckets, source->bucket_name, bucket))
        return S3_NO_SUCH_BUCKET;
    const char *action = source->version.given ? "GetObjectVersion" : "GetObject";
    return s3_access_allowed(request, source->bucket_name, action, source->key) ? S3_OK
                                                                                : S3_ACCESS_DENIED;
}

/* The bucket is that of the source; a wrong argument is the header that names the range or the
 * source. */
static void add_details(struct s3_request *request, const struct s3_copy_source *source,
                        enum s3_error error, const char *message)
{
    const char *header = message == bad_range ? "x-amz-copy-source-range" : "x-amz-copy-source";
    if (error == S3_NO_SUCH_BUCKET)
        s3_detail(request, "BucketName", source->bucket_name);
    if (error != S3_INVALID_ARGUMENT)
        return;
    s3_detail(request, "ArgumentName", header);
    s3_detail_slice(request, "ArgumentValue", s3_header(request, header));
}

/* Whether the source has the owner that the client expects. */
static bool check_owner(struct s3_request *request, const struct s3_copy_source *source)
{
    struct bucket bucket;
    return !source->bucket_name ||
           !buckets_find(request->cloud->buckets, source->bucket_name, &bucket) ||
           s3_access_check_owner(request, "x-amz-source-expected-bucket-owner", bucket.owner);
}

bool s3_copy_source_read(struct s3_request *request, struct s3_copy_source *source)
{
    const char *message = NULL;
    struct bucket bucket;
    enum s3_error error = read_source(request, source, &bucket, &message);
    if (!check_owner(request, source))
        return false;
    if (error) {
        add_details(request, source, error, message);
        s3_respond_error(request, error, error == S3_INTERNAL_ERROR ? NULL : message);
        return false;
    }
    source->bucket = bucket.id;
    source->versioning = bucket.versioning;
    return true;
}

enum s3_error s3_copy_source_check(const struct s3_copy_source *source, const char *etag,
                                   int64_t modified_ms, char failed[S3_CONDITION_NAME_SIZE])
{
    const char *name;
    if (!s3_preconditions_check(&source->conditions, etag, modified_ms, &name))
        return S3_OK;
    snprintf(failed, S3_CONDITION_NAME_SIZE, "x-amz-copy-source-%s", name);
    return S3_PRECONDITION_FAILED;
}
