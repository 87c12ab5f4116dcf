/* ListObjectsV2 and ListObjects. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container_of.h"
#include "objects.h"
#include "s3_created.h"
#include "s3_listing.h"
#include "s3_time.h"
#include "s3_xml.h"

struct listing {
    struct s3_listing base;
    bool v2;
    bool owner;
    struct object_listing listing;
    char *after; /* decoded token, or NULL */
    struct object_page page;
};

static void list_clear(struct s3_listing *base)
{
    struct listing *list = container_of(base, struct listing, base);
    object_page_free(&list->page);
    free(list->after);
}

static int list_load(struct s3_listing *base, struct storage *storage, struct error *error)
{
    struct listing *list = container_of(base, struct listing, base);
    return objects_list(storage, base->bucket, &list->listing, &list->page, error);
}

/* Responses. */

static void write_entry(const struct listing *list, struct buffer *out,
                        const struct object_listed *entry)
{
    char time[S3_TIME_SIZE];
    s3_time_iso_listed(entry->modified_ms, time);
    xml_open(out, "Contents");
    s3_listing_name(&list->base, out, "Key", entry->key);
    xml_element(out, "LastModified", time);
    buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", entry->etag);
    s3_checksum_listed(out, entry->checksum);
    xml_number(out, "Size", entry->size);
    if (list->owner)
        s3_listing_person(out, "Owner", s3_owner(list->base.request));
    xml_element(out, "StorageClass", entry->storage_class);
    s3_listing_restore(&list->base, out, entry->restored_until_ms);
    xml_close(out, "Contents");
}

static void write_entries(const struct listing *list, struct buffer *out)
{
    const struct object_page *page = &list->page;
    for (size_t i = 0; i < page->count; i++) {
        if (!page->entries[i].common)
            write_entry(list, out, &page->entries[i]);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (page->entries[i].common)
            s3_listing_common_prefix(&list->base, out, page->entries[i].key);
    }
}

static void write_v2(const struct listing *list, struct buffer *out, const char *last)
{
    const char *token = s3_parameter(list->base.request, "continuation-token");
    xml_number(out, "KeyCount", list->page.count);
    if (token)
        xml_element(out, "ContinuationToken", token);
    if (s3_parameter(list->base.request, "start-after"))
        s3_listing_echo(&list->base, out, "StartAfter", "start-after");
    if (last)
        s3_listing_write_token(out, "NextContinuationToken", last);
}

static void write_v1(const struct listing *list, struct buffer *out, const char *last)
{
    s3_listing_echo(&list->base, out, "Marker", "marker");
    if (last && list->listing.delimiter.size)
        s3_listing_name(&list->base, out, "NextMarker", last);
}

static void list_write(const struct s3_listing *base, struct buffer *out)
{
    const struct listing *list = (const struct listing *)base;
    const struct object_page *page = &list->page;
    const char *last = page->truncated && page->count ? page->entries[page->count - 1].key : NULL;
    xml_element(out, "Name", base->request->bucket);
    s3_listing_echo(base, out, "Prefix", "prefix");
    if (list->listing.delimiter.size)
        s3_listing_echo(base, out, "Delimiter", "delimiter");
    xml_number(out, "MaxKeys", list->listing.max);
    if (base->encode)
        xml_element(out, "EncodingType", "url");
    xml_element(out, "IsTruncated", page->truncated ? "true" : "false");
    if (list->v2)
        write_v2(list, out, last);
    else
        write_v1(list, out, last);
    write_entries(list, out);
}

/* Parameters. */

static const char *read_position(struct listing *list)
{
    const struct s3_request *request = list->base.request;
    const char *token = list->v2 ? s3_parameter(request, "continuation-token") : NULL;
    const char *after = s3_parameter(request, list->v2 ? "start-after" : "marker");
    if (token) {
        list->after = s3_listing_read_token(token);
        if (!list->after) {
            s3_detail(list->base.request, "ArgumentName", "continuation-token");
            return "The continuation token provided is incorrect";
        }
        after = list->after;
    }
    list->listing.after = slice_of(after);
    list->listing.skips_common = !list->v2;
    return list->listing.after.size > S3_LISTING_TEXT_MAX ? "The start position is too long."
                                                          : NULL;
}

/* NULL, or an error message. */
static const char *read_texts(struct listing *list)
{
    const struct s3_request *request = list->base.request;
    const char *owner = s3_parameter(request, "fetch-owner");
    list->listing.prefix = slice_of(s3_parameter(request, "prefix"));
    list->listing.delimiter = slice_of(s3_parameter(request, "delimiter"));
    if (list->listing.prefix.size > S3_LISTING_TEXT_MAX ||
        list->listing.delimiter.size > S3_LISTING_TEXT_MAX)
        return "A prefix or delimiter is too long.";
    list->owner = !list->v2 || (owner && strcasecmp(owner, "true") == 0);
    return read_position(list);
}

static bool list_read(struct s3_listing *base)
{
    struct listing *list = container_of(base, struct listing, base);
    list->v2 = s3_parameter(base->request, "list-type") != NULL;
    const char *problem = read_texts(list);
    if (problem)
        s3_respond_error(base->request, S3_INVALID_ARGUMENT, problem);
    return !problem && s3_listing_max(base, "max-keys", &list->listing.max) &&
           s3_listing_encoding(base) && s3_listing_attributes(base);
}

void s3_list_objects(struct s3_request *request)
{
    static const struct s3_listing_kind kind = {
        .root = "ListBucketResult",
        .size = sizeof(struct listing),
        .read = list_read,
        .load = list_load,
        .write = list_write,
        .fail = s3_respond_failure,
        .clear = list_clear,
    };
    s3_listing_start(request, &kind);
}
