/* UploadPart: an intake whose body becomes a part. The upload is looked up before the body is read,
 * because it determines the checksum of its parts. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_created.h"
#include "s3_intake.h"
#include "s3_metadata.h"
#include "s3_multipart.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "upload_parts.h"
#include "uploads.h"

struct upload_part {
    struct s3_intake intake;
    struct s3_part_place place;
    struct multipart_upload upload;
    struct part part;
};

static void upload_part_free(void *operation)
{
    struct upload_part *upload_part = operation;
    s3_intake_end(&upload_part->intake);
    upload_clear(&upload_part->upload);
    free(upload_part);
}

static int prepare(struct s3_intake *intake, struct storage_unit *unit)
{
    struct part *part = &container_of(intake, struct upload_part, intake)->part;
    (void)unit;
    part->blob = intake->blob;
    part->size = intake->size;
    part->modified_ms = s3_time_now_ms();
    snprintf(part->etag, sizeof part->etag, "%s", intake->digest.etag);
    s3_checksum_line(intake->claims.kind, intake->digest.checksum_text, part->checksum);
    if (intake->claims.with_crc64)
        snprintf(part->crc64, sizeof part->crc64, "%.15s", intake->digest.crc64_text);
    return 0;
}

/* The upload may have ended while the body was received. */
static int commit(struct s3_intake *intake, struct error *error)
{
    const struct upload_part *upload_part = (const struct upload_part *)intake;
    return uploads_put_part(intake->blobs, upload_part->place.bucket, intake->request->key,
                            upload_part->place.upload, &upload_part->part, error);
}

static void stored(struct s3_intake *intake)
{
    const struct upload_part *upload_part = container_of(intake, struct upload_part, intake);
    const struct part *part = &upload_part->part;
    char etag[S3_ETAG_SIZE];
    const char *value;
    struct s3_placement_headers placement;
    struct http_header headers[2 + S3_PLACEMENT_HEADERS] = {{"ETag", etag}};
    size_t count = 1;
    s3_etag_quote(part->etag, etag);
    enum checksum_kind kind = s3_checksum_of(part->checksum, &value);
    if (kind)
        headers[count++] = (struct http_header){checksum_header(kind), value};
    count += s3_placement_respond(upload_part->upload.headers, &placement, &headers[count]);
    s3_respond_empty(intake->request, 200, headers, count);
}

static const struct s3_intake_owner owner = {
    .not_found = S3_NO_SUCH_UPLOAD,
    .prepare = prepare,
    .commit = commit,
    .stored = stored,
};

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct upload_part *upload_part = container_of(task, struct upload_part, intake.task);
    return uploads_find(storage, upload_part->place.bucket, upload_part->intake.request->key,
                        upload_part->place.upload, &upload_part->upload, &task->error);
}

/* An upload without an algorithm has CRC64NVME in the end, whatever its parts have. A part of a
 * composite checksum must state its own (localstack recorded "null" of the service); for one of the
 * full object it is computed. */
static bool choose_checksum(struct upload_part *upload_part)
{
    const struct multipart_upload *upload = &upload_part->upload;
    struct s3_claims *claims = &upload_part->intake.claims;
    char message[128];
    claims->with_crc64 = !upload->checksum;
    if (!claims->kind && upload->full_object)
        claims->kind = upload->checksum;
    if (!upload->checksum || claims->kind == upload->checksum)
        return true;
    snprintf(
        message, sizeof message,
        "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
        checksum_lower_name(upload->checksum),
        claims->kind ? checksum_lower_name(claims->kind) : "null");
    s3_respond_error(upload_part->intake.request, S3_INVALID_REQUEST, message);
    return false;
}

static void find_done(struct storage_task *task, int code)
{
    struct upload_part *upload_part = container_of(task, struct upload_part, intake.task);
    struct s3_request *request = upload_part->intake.request;
    if (code)
        s3_multipart_respond_failure(request, code, &task->error);
    else if (request->base && choose_checksum(upload_part))
        s3_intake_start(&upload_part->intake);
    s3_request_release(request);
}

void s3_upload_part(struct s3_request *request)
{
    struct s3_part_place place;
    if (!s3_multipart_part_place(request, &place))
        return;
    struct upload_part *upload_part = s3_operation(request, sizeof *upload_part, upload_part_free);
    if (!upload_part || !s3_intake_prepare(&upload_part->intake, request, &owner))
        return;
    upload_part->place = place;
    upload_part->part.number = place.number;
    upload_part->intake.task.run = find_run;
    upload_part->intake.task.done = find_done;
    s3_submit(request, &upload_part->intake.task);
}
