/* ListParts and ListMultipartUploads: one storage task for a page. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "s3_created.h"
#include "s3_listing.h"
#include "s3_multipart.h"
#include "s3_time.h"
#include "s3_xml.h"
#include "uploads.h"

enum { ANSWER_MAX = 16 * 1024 * 1024 };

static void write_people(const struct s3_request *request, struct buffer *out)
{
    s3_listing_person(out, "Initiator", request->cloud->account);
    s3_listing_person(out, "Owner", request->cloud->account);
    s3_xml_text(out, "StorageClass", "STANDARD");
}

static void write_checksum_facts(struct buffer *out, enum checksum_kind kind, bool full_object)
{
    if (!kind)
        return;
    s3_xml_text(out, "ChecksumAlgorithm", checksum_name(kind));
    s3_xml_text(out, "ChecksumType", full_object ? "FULL_OBJECT" : "COMPOSITE");
}

static void write_time(struct buffer *out, const char *element, int64_t time_ms)
{
    char time[S3_TIME_SIZE];
    s3_time_iso(time_ms, time);
    s3_xml_text(out, element, time);
}

/* ListParts. */

struct part_list {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    uint64_t id;
    bool encode;
    unsigned after, max;
    struct upload upload;
    struct part *parts;
    size_t count;
    bool truncated;
};

static void part_list_free(void *operation)
{
    struct part_list *list = operation;
    upload_clear(&list->upload);
    free(list->parts);
    free(list);
}

static int load_parts(struct part_list *list, struct storage *storage, struct error *error)
{
    struct part part = {.number = list->after};
    int status;
    list->parts = calloc(list->max + 1, sizeof(*list->parts));
    if (!list->parts)
        return error_set(error, ERR_MEMORY, "out of memory");
    while ((status = parts_next(storage, list->id, part.number, &part, error)) == 1) {
        list->truncated = list->count == list->max;
        if (list->truncated)
            return 0;
        list->parts[list->count++] = part;
    }
    return status;
}

static int part_list_run(struct storage_task *task, struct storage *storage)
{
    struct part_list *list = (struct part_list *)task;
    int status = uploads_find(storage, list->bucket, list->request->key, list->id, &list->upload,
                              &task->error);
    return status ? status : load_parts(list, storage, &task->error);
}

static void write_part(struct buffer *out, const struct part *part)
{
    s3_xml_open(out, "Part");
    s3_xml_number(out, "PartNumber", part->number);
    write_time(out, "LastModified", part->modified_ms);
    buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", part->etag);
    s3_xml_number(out, "Size", part->size);
    s3_checksum_xml(out, part->checksum, false);
    s3_xml_close(out, "Part");
}

static void respond_parts(struct part_list *list)
{
    struct s3_request *request = list->request;
    unsigned last = list->count ? list->parts[list->count - 1].number : 0;
    struct buffer out;
    buffer_init(&out, ANSWER_MAX);
    s3_xml_begin(&out, "ListPartsResult");
    s3_xml_text(&out, "Bucket", request->bucket);
    s3_listing_name(&out, "Key", request->key, list->encode);
    s3_xml_text(&out, "UploadId", s3_parameter(request, "uploadId"));
    write_people(request, &out);
    write_checksum_facts(&out, list->upload.checksum, list->upload.full_object);
    s3_xml_number(&out, "PartNumberMarker", list->after);
    s3_xml_number(&out, "NextPartNumberMarker", last);
    s3_xml_number(&out, "MaxParts", list->max);
    s3_xml_text(&out, "IsTruncated", list->truncated ? "true" : "false");
    for (size_t i = 0; i < list->count; i++)
        write_part(&out, &list->parts[i]);
    s3_xml_close(&out, "ListPartsResult");
    s3_respond_xml(request, &out);
}

static void part_list_done(struct storage_task *task, int status)
{
    struct part_list *list = (struct part_list *)task;
    struct s3_request *request = list->request;
    if (status)
        s3_multipart_respond_failure(request, status, &task->error);
    else
        respond_parts(list);
    s3_request_release(request);
}

static bool read_part_parameters(struct part_list *list)
{
    struct s3_request *request = list->request;
    const char *marker = s3_parameter(request, "part-number-marker");
    if (!s3_multipart_upload_id(request, &list->id) ||
        !s3_listing_max(request, "max-parts", &list->max) ||
        !s3_multipart_number(request, "part-number-marker", PART_NUMBER_MAX, &list->after))
        return false;
    if (!marker || !*marker)
        list->after = 0;
    return s3_listing_encoding(request, &list->encode);
}

void s3_list_parts(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct part_list *list = s3_operation(request, sizeof(*list), part_list_free);
    if (!list)
        return;
    list->request = request;
    list->bucket = bucket.id;
    if (!read_part_parameters(list))
        return;
    list->task.run = part_list_run;
    list->task.done = part_list_done;
    s3_submit(request, &list->task);
}

/* ListMultipartUploads. */

struct upload_list {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    bool encode;
    struct upload_listing listing;
    struct upload_page page;
};

static void upload_list_free(void *operation)
{
    struct upload_list *list = operation;
    upload_page_free(&list->page);
    free(list);
}

static int upload_list_run(struct storage_task *task, struct storage *storage)
{
    struct upload_list *list = (struct upload_list *)task;
    return uploads_list(storage, list->bucket, &list->listing, &list->page, &task->error);
}

static void write_upload(const struct upload_list *list, struct buffer *out,
                         const struct upload_listed *entry)
{
    char id[S3_UPLOAD_ID_SIZE];
    s3_upload_id_write(entry->id, id);
    s3_xml_open(out, "Upload");
    s3_listing_name(out, "Key", entry->key, list->encode);
    s3_xml_text(out, "UploadId", id);
    write_people(list->request, out);
    write_time(out, "Initiated", entry->created_ms);
    write_checksum_facts(out, entry->checksum, entry->full_object);
    s3_xml_close(out, "Upload");
}

static void write_uploads(const struct upload_list *list, struct buffer *out)
{
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            write_upload(list, out, &list->page.entries[i]);
    }
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            continue;
        s3_xml_open(out, "CommonPrefixes");
        s3_listing_name(out, "Prefix", list->page.entries[i].key, list->encode);
        s3_xml_close(out, "CommonPrefixes");
    }
}

static void write_next(const struct upload_list *list, struct buffer *out)
{
    const struct upload_page *page = &list->page;
    const struct upload_listed *last = page->count ? &page->entries[page->count - 1] : NULL;
    char id[S3_UPLOAD_ID_SIZE] = "";
    if (last && !last->common)
        s3_upload_id_write(last->id, id);
    s3_listing_name(out, "NextKeyMarker", last ? last->key : "", list->encode);
    s3_xml_text(out, "NextUploadIdMarker", id);
}

static void write_echo(const struct upload_list *list, struct buffer *out, const char *element,
                       const char *parameter)
{
    const char *value = s3_parameter(list->request, parameter);
    s3_listing_name(out, element, value ? value : "", list->encode);
}

static void respond_uploads(struct upload_list *list)
{
    struct s3_request *request = list->request;
    const char *id_marker = s3_parameter(request, "upload-id-marker");
    struct buffer out;
    buffer_init(&out, ANSWER_MAX);
    s3_xml_begin(&out, "ListMultipartUploadsResult");
    s3_xml_text(&out, "Bucket", request->bucket);
    write_echo(list, &out, "KeyMarker", "key-marker");
    s3_xml_text(&out, "UploadIdMarker", id_marker ? id_marker : "");
    if (list->page.truncated)
        write_next(list, &out);
    write_echo(list, &out, "Prefix", "prefix");
    if (list->listing.delimiter.size)
        write_echo(list, &out, "Delimiter", "delimiter");
    if (list->encode)
        s3_xml_text(&out, "EncodingType", "url");
    s3_xml_number(&out, "MaxUploads", list->listing.max);
    s3_xml_text(&out, "IsTruncated", list->page.truncated ? "true" : "false");
    write_uploads(list, &out);
    s3_xml_close(&out, "ListMultipartUploadsResult");
    s3_respond_xml(request, &out);
}

static void upload_list_done(struct storage_task *task, int status)
{
    struct upload_list *list = (struct upload_list *)task;
    struct s3_request *request = list->request;
    if (status)
        s3_respond_failure(request, status, &task->error);
    else
        respond_uploads(list);
    s3_request_release(request);
}

/* An upload-id-marker is heeded along with a key-marker alone. */
static bool read_upload_parameters(struct upload_list *list)
{
    struct s3_request *request = list->request;
    struct upload_listing *listing = &list->listing;
    const char *marker = s3_parameter(request, "key-marker");
    listing->prefix = slice_of(s3_parameter(request, "prefix"));
    listing->delimiter = slice_of(s3_parameter(request, "delimiter"));
    listing->key_marker = marker ? marker : "";
    if (*listing->key_marker)
        listing->id_marker = s3_upload_id_read(s3_parameter(request, "upload-id-marker"));
    if (listing->prefix.size > S3_LISTING_TEXT_MAX ||
        listing->delimiter.size > S3_LISTING_TEXT_MAX ||
        strlen(listing->key_marker) > S3_LISTING_TEXT_MAX) {
        s3_respond_error(request, S3_INVALID_ARGUMENT,
                         "A prefix, delimiter or marker is too long.");
        return false;
    }
    return s3_listing_max(request, "max-uploads", &listing->max) &&
           s3_listing_encoding(request, &list->encode);
}

void s3_list_multipart_uploads(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct upload_list *list = s3_operation(request, sizeof(*list), upload_list_free);
    if (!list)
        return;
    list->request = request;
    list->bucket = bucket.id;
    if (!read_upload_parameters(list))
        return;
    list->task.run = upload_list_run;
    list->task.done = upload_list_done;
    s3_submit(request, &list->task);
}
