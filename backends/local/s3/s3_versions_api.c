/* ListObjectVersions. */
#include "s3_handlers.h"

#include "container_of.h"
#include "s3_created.h"
#include "s3_listing.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"
#include "versions_list.h"

struct versions {
    struct s3_listing base;
    struct version_listing listing;
    struct version_page page;
};

static void versions_clear(struct s3_listing *base)
{
    version_page_free(&container_of(base, struct versions, base)->page);
}

static int versions_load(struct s3_listing *base, struct storage *storage, struct error *error)
{
    struct versions *list = container_of(base, struct versions, base);
    return versions_list(storage, base->bucket, &list->listing, &list->page, error);
}

static void write_version(const struct versions *list, struct buffer *out,
                          const struct version_listed *entry)
{
    const char *element = entry->marker ? "DeleteMarker" : "Version";
    char time[S3_TIME_SIZE], version[S3_VERSION_SIZE];
    s3_time_iso_listed(entry->modified_ms, time);
    s3_version_write(entry->id, entry->versioned, version);
    xml_open(out, element);
    s3_listing_name(&list->base, out, "Key", entry->key);
    xml_element(out, "VersionId", version);
    xml_element(out, "IsLatest", entry->latest ? "true" : "false");
    xml_element(out, "LastModified", time);
    if (!entry->marker) {
        buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", entry->etag);
        s3_checksum_listed(out, entry->checksum);
        xml_number(out, "Size", entry->size);
        xml_element(out, "StorageClass", entry->storage_class);
        s3_listing_restore(&list->base, out, entry->restored_until_ms);
    }
    s3_listing_person(out, "Owner", s3_owner(list->base.request));
    xml_close(out, element);
}

static void write_entries(const struct versions *list, struct buffer *out)
{
    const struct version_page *page = &list->page;
    for (size_t i = 0; i < page->count; i++) {
        if (!page->entries[i].common)
            write_version(list, out, &page->entries[i]);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (page->entries[i].common)
            s3_listing_common_prefix(&list->base, out, page->entries[i].key);
    }
}

static void write_next(const struct versions *list, struct buffer *out)
{
    const struct version_page *page = &list->page;
    const struct version_listed *last = page->count ? &page->entries[page->count - 1] : NULL;
    char version[S3_VERSION_SIZE];
    if (!page->truncated || !last)
        return;
    s3_listing_name(&list->base, out, "NextKeyMarker", last->key);
    if (last->common)
        return;
    s3_version_write(last->id, last->versioned, version);
    xml_element(out, "NextVersionIdMarker", version);
}

static void versions_write(const struct s3_listing *base, struct buffer *out)
{
    const struct versions *list = (const struct versions *)base;
    const char *id_marker = s3_parameter(base->request, "version-id-marker");
    xml_element(out, "Name", base->request->bucket);
    s3_listing_echo(base, out, "Prefix", "prefix");
    s3_listing_echo(base, out, "KeyMarker", "key-marker");
    xml_element(out, "VersionIdMarker", id_marker ? id_marker : "");
    write_next(list, out);
    xml_number(out, "MaxKeys", list->listing.max);
    if (list->listing.delimiter.size)
        s3_listing_echo(base, out, "Delimiter", "delimiter");
    if (base->encode)
        xml_element(out, "EncodingType", "url");
    xml_element(out, "IsTruncated", list->page.truncated ? "true" : "false");
    write_entries(list, out);
}

/* A version-id-marker refers to the key-marker. */
static const char *read_marker(struct versions *list)
{
    const char *key = s3_parameter(list->base.request, "key-marker");
    const char *id = s3_parameter(list->base.request, "version-id-marker");
    list->listing.after = slice_of(key);
    if (!id || (!*id && key && *key))
        return id ? "A version-id marker cannot be empty." : NULL;
    if (!key || !*key)
        return "A version-id marker cannot be specified without a key marker.";
    return s3_version_read(slice_of(id), &list->listing.version) ? NULL
                                                                 : "Invalid version id specified";
}

static bool versions_read(struct s3_listing *base)
{
    struct versions *list = container_of(base, struct versions, base);
    struct s3_request *request = base->request;
    struct version_listing *listing = &list->listing;
    const char *problem = read_marker(list);
    listing->prefix = slice_of(s3_parameter(request, "prefix"));
    listing->delimiter = slice_of(s3_parameter(request, "delimiter"));
    if (listing->prefix.size > S3_LISTING_TEXT_MAX ||
        listing->delimiter.size > S3_LISTING_TEXT_MAX ||
        listing->after.size > S3_LISTING_TEXT_MAX) {
        s3_respond_error(request, S3_INVALID_ARGUMENT,
                         "A prefix, delimiter or marker is too long.");
        return false;
    }
    if (problem)
        s3_respond_argument(request, problem, "version-id-marker",
                            slice_of(s3_parameter(request, "version-id-marker")));
    return !problem && s3_listing_max(base, "max-keys", &listing->max) &&
           s3_listing_encoding(base) && s3_listing_attributes(base);
}

void s3_list_object_versions(struct s3_request *request)
{
    static const struct s3_listing_kind kind = {
        .root = "ListVersionsResult",
        .size = sizeof(struct versions),
        .read = versions_read,
        .load = versions_load,
        .write = versions_write,
        .fail = s3_respond_failure,
        .clear = versions_clear,
    };
    s3_listing_start(request, &kind);
}
