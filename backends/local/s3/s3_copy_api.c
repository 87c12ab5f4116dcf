/* CopyObject and UploadPartCopy: the copy made by s3_copy becomes an object or a part. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_copy.h"
#include "s3_metadata.h"
#include "s3_multipart.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_write_condition.h"
#include "upload_parts.h"
#include "uploads.h"

/* CopyObject. */

struct copy_object {
    struct s3_copy copy;
    int64_t bucket;
    bool replace_metadata, replace_tags; /* from the request */
    bool is_same;                        /* the source is the target, and nothing would change */
    enum checksum_kind asked;
    enum versioning versioning;
    struct object object;
    struct s3_write_condition condition;
};

static void copy_object_free(void *operation)
{
    struct copy_object *copy_object = operation;
    s3_copy_end(&copy_object->copy);
    object_clear(&copy_object->object);
    s3_write_condition_clear(&copy_object->condition);
    free(copy_object);
}

static const char same_copy[] =
    "This copy request is illegal because it is trying to copy an object to itself without "
    "changing "
    "the object's metadata, storage class, website redirect location or encryption attributes.";

/* By default the copy keeps the source's checksum type. */
static int object_found(struct s3_copy *copy, struct storage *storage, struct error *error)
{
    const char *value;
    struct copy_object *copy_object = container_of(copy, struct copy_object, copy);
    (void)storage;
    (void)error;
    if (copy_object->is_same) {
        copy->verdict = S3_INVALID_REQUEST;
        snprintf(copy->message, sizeof copy->message, "%s", same_copy);
    }
    copy->kind = copy_object->asked;
    if (!copy->kind)
        copy->kind = s3_checksum_of(copy->found.checksum, &value);
    if (!copy->kind)
        copy->kind = CHECKSUM_CRC64NVME;
    return 0;
}

static void swap(char **a, char **b)
{
    char *held = *a;
    *a = *b;
    *b = held;
}

/* The class and the encryption are those of the request, whatever the source's are. */
static int take_headers(struct copy_object *copy_object)
{
    struct object *object = &copy_object->object, *found = &copy_object->copy.found;
    char *headers = s3_placement_copy(object->headers, found->headers);
    if (!headers)
        return ERR_MEMORY;
    swap(&object->content_type, &found->content_type);
    free(object->headers);
    object->headers = headers;
    return 0;
}

static int fill_object(struct copy_object *copy_object)
{
    struct s3_copy *copy = &copy_object->copy;
    struct object *object = &copy_object->object;
    if (!copy_object->replace_metadata && take_headers(copy_object))
        return ERR_MEMORY;
    if (!copy_object->replace_tags)
        swap(&object->tags, &copy->found.tags);
    s3_created_begin(copy->request, object, copy_object->bucket, &copy_object->versioning);
    object->size = copy->size;
    object->blob = copy->is_file ? copy->blob : 0;
    object->etag = s3_placement_etag(object, copy->etag);
    object->checksum = strdup(copy->checksum);
    return object->etag && object->checksum ? 0 : ERR_MEMORY;
}

static int object_prepare(struct s3_copy *copy, struct storage_unit *unit)
{
    struct copy_object *copy_object = container_of(copy, struct copy_object, copy);
    int code = fill_object(copy_object);
    return code ? code
                : s3_created_announce(copy->request, copy_object->bucket, "ObjectCreated:Copy",
                                      &copy_object->object, unit);
}

static int object_commit(struct s3_copy *copy, struct error *error)
{
    struct copy_object *copy_object = container_of(copy, struct copy_object, copy);
    return objects_put(copy->blobs, copy_object->bucket, copy->request->key, &copy_object->object,
                       buffer_slice(&copy->small), &copy_object->condition.condition, error);
}

static void object_stored(struct s3_copy *copy)
{
    const struct copy_object *copy_object = (const struct copy_object *)copy;
    char version[S3_VERSION_SIZE];
    s3_version_of(&copy_object->object, copy_object->versioning, version);
    copy->placement = copy_object->object.headers;
    s3_copy_respond(copy, "CopyObjectResult", copy_object->object.modified_ms, version,
                    &copy_object->object);
}

static const struct s3_copy_owner object_owner = {
    .small_in_row = true,
    .not_found = S3_NO_SUCH_KEY,
    .found = object_found,
    .prepare = object_prepare,
    .commit = object_commit,
    .stored = object_stored,
};

/* False: the header is present, but neither COPY nor REPLACE. */
static bool read_directive(struct s3_request *request, const char *name, bool *replace)
{
    struct slice value = s3_header(request, name);
    *replace = slice_equal_text(value, "REPLACE");
    return !value.data || *replace || slice_equal_text(value, "COPY");
}

static enum s3_error read_directives(struct s3_request *request, struct copy_object *copy_object,
                                     const char **message)
{
    struct slice algorithm = s3_header(request, "x-amz-checksum-algorithm");
    *message = "Unknown metadata directive.";
    if (!read_directive(request, "x-amz-metadata-directive", &copy_object->replace_metadata))
        return S3_INVALID_ARGUMENT;
    *message = "Unknown tagging directive.";
    if (!read_directive(request, "x-amz-tagging-directive", &copy_object->replace_tags))
        return S3_INVALID_ARGUMENT;
    *message = "Checksum algorithm provided is unsupported. Please try again with any of the valid "
               "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
    copy_object->asked = checksum_from_name(algorithm);
    return algorithm.data && !copy_object->asked ? S3_INVALID_REQUEST : S3_OK;
}

/* Whether it fails because it changes nothing, once the source's conditions hold. */
static bool changes_nothing(struct s3_request *request, const struct copy_object *copy_object)
{
    const struct s3_copy_source *source = &copy_object->copy.source;
    bool same = !source->version.given && source->bucket == copy_object->bucket &&
                strcmp(source->key, request->key) == 0;
    return same && !copy_object->replace_metadata && !copy_object->asked &&
           !s3_placement_stated(request);
}

static enum s3_error read_request(struct s3_request *request, struct copy_object *copy_object,
                                  const char **message)
{
    enum s3_error error = read_directives(request, copy_object, message);
    if (error)
        return error;
    copy_object->is_same = changes_nothing(request, copy_object);
    error = s3_metadata_read(request, &copy_object->object, message);
    if (error)
        return error;
    return s3_write_condition_read(request, &copy_object->condition, message);
}

static bool copy_object_prepare(struct s3_request *request, struct copy_object *copy_object)
{
    const char *message = NULL;
    enum s3_error error = read_request(request, copy_object, &message);
    if (error)
        s3_respond_error(request, error, message);
    return !error;
}

void s3_copy_object(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct copy_object *copy_object = s3_operation(request, sizeof *copy_object, copy_object_free);
    if (!copy_object || !s3_copy_prepare(&copy_object->copy, request, &object_owner))
        return;
    copy_object->bucket = bucket.id;
    if (copy_object_prepare(request, copy_object))
        s3_copy_start(&copy_object->copy);
}

/* UploadPartCopy. */

struct copy_part {
    struct s3_copy copy;
    struct s3_part_place place;
    struct multipart_upload upload;
    struct part part;
};

static void copy_part_free(void *operation)
{
    struct copy_part *copy_part = operation;
    s3_copy_end(&copy_part->copy);
    upload_clear(&copy_part->upload);
    free(copy_part);
}

static int part_found(struct s3_copy *copy, struct storage *storage, struct error *error)
{
    struct copy_part *copy_part = container_of(copy, struct copy_part, copy);
    const struct s3_part_place *place = &copy_part->place;
    int code = uploads_find(storage, place->bucket, copy->request->key, place->upload,
                            &copy_part->upload, error);
    copy->hides_checksum = !copy_part->upload.checksum;
    copy->kind = copy->hides_checksum ? CHECKSUM_CRC64NVME : copy_part->upload.checksum;
    if (code == ERR_NOT_FOUND)
        copy->verdict = S3_NO_SUCH_UPLOAD;
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int part_prepare(struct s3_copy *copy, struct storage_unit *unit)
{
    struct part *part = &container_of(copy, struct copy_part, copy)->part;
    const char *value;
    (void)unit;
    part->blob = copy->blob;
    part->size = copy->size;
    part->modified_ms = s3_time_now_ms();
    snprintf(part->etag, sizeof part->etag, "%s", copy->etag);
    s3_checksum_of(copy->checksum, &value);
    if (copy->hides_checksum)
        snprintf(part->crc64, sizeof part->crc64, "%.15s", value);
    else
        snprintf(part->checksum, sizeof part->checksum, "%s", copy->checksum);
    return 0;
}

/* The upload may have ended while the part was copied. */
static int part_commit(struct s3_copy *copy, struct error *error)
{
    const struct copy_part *copy_part = (const struct copy_part *)copy;
    return uploads_put_part(copy->blobs, copy_part->place.bucket, copy->request->key,
                            copy_part->place.upload, &copy_part->part, error);
}

static void part_stored(struct s3_copy *copy)
{
    const struct copy_part *copy_part = container_of(copy, struct copy_part, copy);
    copy->placement = copy_part->upload.headers;
    s3_copy_respond(copy, "CopyPartResult", copy_part->part.modified_ms, "", NULL);
}

static const struct s3_copy_owner part_owner = {
    .not_found = S3_NO_SUCH_UPLOAD,
    .found = part_found,
    .prepare = part_prepare,
    .commit = part_commit,
    .stored = part_stored,
};

void s3_upload_part_copy(struct s3_request *request)
{
    struct s3_part_place place;
    if (!s3_multipart_part_place(request, &place))
        return;
    struct copy_part *copy_part = s3_operation(request, sizeof *copy_part, copy_part_free);
    if (!copy_part || !s3_copy_prepare(&copy_part->copy, request, &part_owner))
        return;
    copy_part->place = place;
    copy_part->part.number = place.number;
    s3_copy_start(&copy_part->copy);
}
