/* ListParts and ListMultipartUploads. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_created.h"
#include "s3_listing.h"
#include "s3_multipart.h"
#include "s3_time.h"
#include "s3_xml.h"
#include "upload_parts.h"
#include "uploads.h"

static void write_people(const struct s3_request *request, const char *class, struct buffer *out)
{
    s3_listing_person(out, "Initiator", s3_owner(request));
    s3_listing_person(out, "Owner", s3_owner(request));
    xml_element(out, "StorageClass", class);
}

static void write_checksum_facts(struct buffer *out, enum checksum_kind kind, bool full_object)
{
    if (!kind)
        return;
    xml_element(out, "ChecksumAlgorithm", checksum_name(kind));
    xml_element(out, "ChecksumType", full_object ? "FULL_OBJECT" : "COMPOSITE");
}

static void write_time(struct buffer *out, const char *element, int64_t time_ms)
{
    char time[S3_TIME_SIZE];
    s3_time_iso_listed(time_ms, time);
    xml_element(out, element, time);
}

/* ListParts. */

struct part_list {
    struct s3_listing base;
    uint64_t id;
    unsigned after, max;
    struct multipart_upload upload;
    struct part *parts;
    size_t count;
    bool truncated;
};

static void part_list_clear(struct s3_listing *base)
{
    struct part_list *list = container_of(base, struct part_list, base);
    upload_clear(&list->upload);
    free(list->parts);
}

static int load_parts(struct part_list *list, struct storage *storage, struct error *error)
{
    struct part part = {.number = list->after};
    int code;
    list->parts = calloc(list->max + 1, sizeof *list->parts);
    if (!list->parts)
        return error_set(error, ERR_MEMORY, "out of memory");
    while ((code = upload_parts_next(storage, list->id, part.number, &part, error)) == 1) {
        list->truncated = list->count == list->max;
        if (list->truncated)
            return 0;
        list->parts[list->count++] = part;
    }
    return code;
}

static int part_list_load(struct s3_listing *base, struct storage *storage, struct error *error)
{
    struct part_list *list = container_of(base, struct part_list, base);
    int code =
        uploads_find(storage, base->bucket, base->request->key, list->id, &list->upload, error);
    return code ? code : load_parts(list, storage, error);
}

/* An upload without an algorithm shows no checksums. */
static void write_part(struct buffer *out, const struct part *part, bool with_checksum)
{
    xml_open(out, "Part");
    xml_number(out, "PartNumber", part->number);
    write_time(out, "LastModified", part->modified_ms);
    buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", part->etag);
    xml_number(out, "Size", part->size);
    if (with_checksum)
        s3_checksum_xml(out, part->checksum, false);
    xml_close(out, "Part");
}

static void part_list_write(const struct s3_listing *base, struct buffer *out)
{
    const struct part_list *list = (const struct part_list *)base;
    const struct s3_request *request = base->request;
    unsigned last = list->count ? list->parts[list->count - 1].number : 0;
    char class[OBJECT_CLASS_SIZE];
    object_storage_class(slice_of(list->upload.headers), class);
    xml_element(out, "Bucket", request->bucket);
    s3_listing_name(base, out, "Key", request->key);
    xml_element(out, "UploadId", s3_parameter(request, "uploadId"));
    write_people(request, class, out);
    write_checksum_facts(out, list->upload.checksum, list->upload.full_object);
    xml_number(out, "PartNumberMarker", list->after);
    xml_number(out, "NextPartNumberMarker", last);
    xml_number(out, "MaxParts", list->max);
    xml_element(out, "IsTruncated", list->truncated ? "true" : "false");
    for (size_t i = 0; i < list->count; i++)
        write_part(out, &list->parts[i], list->upload.checksum != CHECKSUM_NONE);
}

static bool part_list_read(struct s3_listing *base)
{
    struct part_list *list = container_of(base, struct part_list, base);
    struct s3_request *request = base->request;
    const char *marker = s3_parameter(request, "part-number-marker");
    if (!s3_multipart_upload_id(request, &list->id) ||
        !s3_listing_max(base, "max-parts", &list->max) ||
        !s3_multipart_number(request, "part-number-marker", PART_NUMBER_MAX, &list->after))
        return false;
    if (!marker || !*marker)
        list->after = 0;
    return s3_listing_encoding(base);
}

void s3_list_parts(struct s3_request *request)
{
    static const struct s3_listing_kind kind = {
        .root = "ListPartsResult",
        .size = sizeof(struct part_list),
        .read = part_list_read,
        .load = part_list_load,
        .write = part_list_write,
        .fail = s3_multipart_respond_failure,
        .clear = part_list_clear,
    };
    s3_listing_start(request, &kind);
}

/* ListMultipartUploads. */

struct upload_list {
    struct s3_listing base;
    struct upload_listing listing;
    struct upload_page page;
};

static void upload_list_clear(struct s3_listing *base)
{
    upload_page_free(&container_of(base, struct upload_list, base)->page);
}

static int upload_list_load(struct s3_listing *base, struct storage *storage, struct error *error)
{
    struct upload_list *list = container_of(base, struct upload_list, base);
    return uploads_list(storage, base->bucket, &list->listing, &list->page, error);
}

static void write_upload(const struct upload_list *list, struct buffer *out,
                         const struct upload_listed *entry)
{
    char id[S3_UPLOAD_ID_SIZE];
    s3_upload_id_write(entry->id, id);
    xml_open(out, "Upload");
    s3_listing_name(&list->base, out, "Key", entry->key);
    xml_element(out, "UploadId", id);
    write_people(list->base.request, entry->storage_class, out);
    write_time(out, "Initiated", entry->created_ms);
    write_checksum_facts(out, entry->checksum, entry->full_object);
    xml_close(out, "Upload");
}

static void write_uploads(const struct upload_list *list, struct buffer *out)
{
    const struct upload_page *page = &list->page;
    for (size_t i = 0; i < page->count; i++) {
        if (!page->entries[i].common)
            write_upload(list, out, &page->entries[i]);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (page->entries[i].common)
            s3_listing_common_prefix(&list->base, out, page->entries[i].key);
    }
}

static void write_next(const struct upload_list *list, struct buffer *out)
{
    const struct upload_page *page = &list->page;
    const struct upload_listed *last = page->count ? &page->entries[page->count - 1] : NULL;
    char id[S3_UPLOAD_ID_SIZE] = "";
    if (last && !last->common)
        s3_upload_id_write(last->id, id);
    s3_listing_name(&list->base, out, "NextKeyMarker", last ? last->key : "");
    xml_element(out, "NextUploadIdMarker", id);
}

static void upload_list_write(const struct s3_listing *base, struct buffer *out)
{
    const struct upload_list *list = (const struct upload_list *)base;
    const char *id_marker = s3_parameter(base->request, "upload-id-marker");
    xml_element(out, "Bucket", base->request->bucket);
    s3_listing_echo(base, out, "KeyMarker", "key-marker");
    xml_element(out, "UploadIdMarker", id_marker ? id_marker : "");
    if (list->page.truncated)
        write_next(list, out);
    s3_listing_echo(base, out, "Prefix", "prefix");
    if (list->listing.delimiter.size)
        s3_listing_echo(base, out, "Delimiter", "delimiter");
    if (base->encode)
        xml_element(out, "EncodingType", "url");
    xml_number(out, "MaxUploads", list->listing.max);
    xml_element(out, "IsTruncated", list->page.truncated ? "true" : "false");
    write_uploads(list, out);
}

/* An upload-id-marker is used only together with a key-marker. */
static bool upload_list_read(struct s3_listing *base)
{
    struct s3_request *request = base->request;
    struct upload_listing *listing = &container_of(base, struct upload_list, base)->listing;
    const char *marker = s3_parameter(request, "key-marker");
    listing->prefix = slice_of(s3_parameter(request, "prefix"));
    listing->delimiter = slice_of(s3_parameter(request, "delimiter"));
    listing->key_marker = marker ? marker : "";
    const char *id_marker = s3_parameter(request, "upload-id-marker");
    if (*listing->key_marker)
        listing->id_marker = s3_upload_id_read(id_marker);
    if (*listing->key_marker && id_marker && *id_marker && !listing->id_marker) {
        s3_respond_argument(request, "Invalid uploadId marker", "upload-id-marker",
                            slice_of(id_marker));
        return false;
    }
    if (listing->prefix.size > S3_LISTING_TEXT_MAX ||
        listing->delimiter.size > S3_LISTING_TEXT_MAX ||
        strlen(listing->key_marker) > S3_LISTING_TEXT_MAX) {
        s3_respond_error(request, S3_INVALID_ARGUMENT,
                         "A prefix, delimiter or marker is too long.");
        return false;
    }
    return s3_listing_max(base, "max-uploads", &listing->max) && s3_listing_encoding(base);
}

void s3_list_multipart_uploads(struct s3_request *request)
{
    static const struct s3_listing_kind kind = {
        .root = "ListMultipartUploadsResult",
        .size = sizeof(struct upload_list),
        .read = upload_list_read,
        .load = upload_list_load,
        .write = upload_list_write,
        .fail = s3_respond_failure,
        .clear = upload_list_clear,
    };
    s3_listing_start(request, &kind);
}
