/* PutObject: an intake whose body becomes an object. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "objects.h"
#include "s3_created.h"
#include "s3_expiration.h"
#include "s3_intake.h"
#include "s3_metadata.h"
#include "s3_placement.h"
#include "s3_version.h"
#include "s3_write_condition.h"
#include "spare_blocks.h"

struct put {
    struct s3_intake intake;
    int64_t bucket;
    enum versioning versioning;
    struct object object;
    struct s3_write_condition condition;
};

static void put_free(void *operation)
{
    struct put *put = operation;
    s3_intake_end(&put->intake);
    object_clear(&put->object);
    s3_write_condition_clear(&put->condition);
    block_free(put);
}

static int prepare(struct s3_intake *intake, struct storage_unit *unit)
{
    struct put *put = container_of(intake, struct put, intake);
    return s3_created_by_intake(intake, put->bucket, "ObjectCreated:Put", &put->object,
                                &put->versioning, unit);
}

static int commit(struct s3_intake *intake, struct error *error)
{
    struct put *put = container_of(intake, struct put, intake);
    return objects_put(intake->blobs, put->bucket, intake->request->key, &put->object,
                       buffer_slice(&intake->pending), &put->condition.condition, error);
}

static void stored(struct s3_intake *intake)
{
    struct put *put = container_of(intake, struct put, intake);
    char etag[S3_ETAG_SIZE], version[S3_VERSION_SIZE], expiration[S3_EXPIRATION_SIZE];
    const char *value;
    struct s3_placement_headers placement;
    struct http_header headers[5 + S3_PLACEMENT_HEADERS] = {{"ETag", etag}};
    size_t count = 1;
    s3_etag_quote(put->object.etag, etag);
    enum checksum_kind kind = s3_checksum_of(put->object.checksum, &value);
    if (kind) {
        headers[count++] = (struct http_header){checksum_header(kind), value};
        headers[count++] = (struct http_header){"x-amz-checksum-type", s3_checksum_type(value)};
    }
    s3_version_of(&put->object, put->versioning, version);
    if (put->object.versioned) /* the null version of a suspended bucket is not shown */
        headers[count++] = (struct http_header){"x-amz-version-id", version};
    count += s3_expiration_header(intake->request, &put->object, expiration, &headers[count]);
    count += s3_placement_respond(put->object.headers, &placement, &headers[count]);
    s3_respond_empty(intake->request, 200, headers, count);
}

static const struct s3_intake_owner owner = {
    .small_in_row = true,
    .checksum = CHECKSUM_CRC64NVME,
    .not_found = S3_NO_SUCH_KEY, /* If-Match for an object that does not exist */
    .prepare = prepare,
    .commit = commit,
    .stored = stored,
};

void s3_put_object(struct s3_request *request)
{
    const char *message = NULL;
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct put *put = s3_operation(request, sizeof *put, put_free);
    if (!put || !s3_intake_prepare(&put->intake, request, &owner))
        return;
    put->bucket = bucket.id;
    enum s3_error error = s3_metadata_read(request, &put->object, &message);
    if (!error)
        error = s3_write_condition_read(request, &put->condition, &message);
    if (error)
        s3_respond_error(request, error, message);
    else
        s3_intake_start(&put->intake);
}
