/* CreateMultipartUpload and AbortMultipartUpload. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_metadata.h"
#include "s3_multipart.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "s3_xml.h"
#include "uploads.h"

enum { RESPONSE_MAX = 16 * 1024 };

struct multipart {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    struct multipart_upload upload;
    char message[96]; /* of an error */
};

static void multipart_free(void *operation)
{
    struct multipart *multipart = operation;
    upload_clear(&multipart->upload);
    free(multipart);
}

static struct multipart *multipart_create(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return NULL;
    struct multipart *multipart = s3_operation(request, sizeof *multipart, multipart_free);
    if (!multipart)
        return NULL;
    multipart->request = request;
    multipart->bucket = bucket.id;
    return multipart;
}

static void submit(struct multipart *multipart, int (*run)(struct storage_task *, struct storage *),
                   void (*done)(struct storage_task *, int))
{
    multipart->task.run = run;
    multipart->task.done = done;
    s3_submit(multipart->request, &multipart->task);
}

/* Creating. */

static int create_run(struct storage_task *task, struct storage *storage)
{
    struct multipart *multipart = container_of(task, struct multipart, task);
    return uploads_create(storage, multipart->bucket, multipart->request->key, &multipart->upload,
                          &task->error);
}

static void respond_created(struct multipart *multipart)
{
    struct s3_request *request = multipart->request;
    char id[S3_UPLOAD_ID_SIZE];
    struct s3_placement_headers placement;
    struct http_header headers[2 + S3_PLACEMENT_HEADERS];
    size_t count = s3_placement_respond(multipart->upload.headers, &placement, headers);
    struct buffer out;
    s3_upload_id_write(multipart->upload.id, id);
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "InitiateMultipartUploadResult");
    xml_element(&out, "Bucket", request->bucket);
    xml_element(&out, "Key", request->key);
    xml_element(&out, "UploadId", id);
    xml_close(&out, "InitiateMultipartUploadResult");
    if (multipart->upload.checksum) {
        headers[count++] = (struct http_header){"x-amz-checksum-algorithm",
                                                checksum_name(multipart->upload.checksum)};
        headers[count++] = (struct http_header){
            "x-amz-checksum-type", multipart->upload.full_object ? "FULL_OBJECT" : "COMPOSITE"};
    }
    s3_respond_xml_with(request, &out, headers, count);
}

static void create_done(struct storage_task *task, int code)
{
    struct multipart *multipart = container_of(task, struct multipart, task);
    struct s3_request *request = multipart->request;
    if (code)
        s3_respond_failure(request, code, &task->error);
    else
        respond_created(multipart);
    s3_request_release(request);
}

/* S3_OK, or an error with a message. The algorithm determines the default type. */
static enum s3_error read_checksum(struct s3_request *request, struct multipart *multipart,
                                   const char **message)
{
    struct slice name = s3_header(request, "x-amz-checksum-algorithm");
    struct slice type_name = s3_header(request, "x-amz-checksum-type");
    struct multipart_upload *upload = &multipart->upload;
    enum checksum_type type = checksum_type_from_name(type_name);
    upload->checksum = checksum_from_name(name);
    *message = "Checksum algorithm provided is unsupported. Please try again with any of the valid "
               "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
    if (name.data && !upload->checksum)
        return S3_INVALID_REQUEST;
    *message = "Value for x-amz-checksum-type header is invalid.";
    if (type_name.data && !type)
        return S3_INVALID_REQUEST;
    *message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
               "header.";
    if (type && !upload->checksum)
        return S3_INVALID_REQUEST;
    bool only_full = upload->checksum == CHECKSUM_CRC64NVME;
    bool mixed = (type == CHECKSUM_COMPOSITE && only_full) ||
                 (type == CHECKSUM_FULL_OBJECT && !checksum_combines(upload->checksum));
    upload->full_object = type == CHECKSUM_FULL_OBJECT || only_full;
    if (!mixed)
        return S3_OK;
    snprintf(multipart->message, sizeof multipart->message,
             "The %s checksum type cannot be used with the %s checksum algorithm.",
             type == CHECKSUM_COMPOSITE ? "COMPOSITE" : "FULL_OBJECT",
             checksum_lower_name(upload->checksum));
    *message = multipart->message;
    return S3_INVALID_REQUEST;
}

/* The object's headers and tags are sent with this request and stored with the upload. */
static enum s3_error read_metadata(struct s3_request *request, struct multipart_upload *upload,
                                   const char **message)
{
    struct object object = {0};
    enum s3_error error = s3_metadata_read(request, &object, message);
    if (!error) {
        upload->content_type = object.content_type;
        upload->headers = object.headers;
        upload->tags = object.tags;
        object.content_type = object.headers = object.tags = NULL;
    }
    object_clear(&object);
    return error;
}

void s3_create_multipart_upload(struct s3_request *request)
{
    const char *message = NULL;
    struct multipart *multipart = multipart_create(request);
    if (!multipart)
        return;
    struct multipart_upload *upload = &multipart->upload;
    enum s3_error error = read_metadata(request, upload, &message);
    if (!error)
        error = read_checksum(request, multipart, &message);
    if (error) {
        s3_respond_error(request, error, message);
        return;
    }
    upload->id = buckets_next_number(request->cloud->buckets);
    upload->created_ms = s3_time_now_ms();
    submit(multipart, create_run, create_done);
}

/* Aborting. */

static int abort_run(struct storage_task *task, struct storage *storage)
{
    struct multipart *multipart = container_of(task, struct multipart, task);
    struct s3_request *request = multipart->request;
    (void)storage;
    return uploads_abort(buckets_blobs(request->cloud->buckets), multipart->bucket, request->key,
                         multipart->upload.id, &task->error);
}

static void abort_done(struct storage_task *task, int code)
{
    struct s3_request *request = container_of(task, struct multipart, task)->request;
    if (code)
        s3_multipart_respond_failure(request, code, &task->error);
    else
        s3_respond_empty(request, 204, NULL, 0);
    s3_request_release(request);
}

void s3_abort_multipart_upload(struct s3_request *request)
{
    struct multipart *multipart = multipart_create(request);
    if (multipart && s3_multipart_upload_id(request, &multipart->upload.id))
        submit(multipart, abort_run, abort_done);
}
