/* ListObjectVersions: one storage task for a page. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3_listing.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"
#include "versions_list.h"

enum { ANSWER_MAX = 16 * 1024 * 1024 };

struct versions {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    bool encode;
    struct version_listing listing;
    struct version_page page;
};

static void versions_free(void *operation)
{
    struct versions *list = operation;
    version_page_free(&list->page);
    free(list);
}

static int versions_run(struct storage_task *task, struct storage *storage)
{
    struct versions *list = (struct versions *)task;
    return versions_list(storage, list->bucket, &list->listing, &list->page, &task->error);
}

static void write_version(const struct versions *list, struct buffer *out,
                          const struct version_listed *entry)
{
    const char *element = entry->marker ? "DeleteMarker" : "Version";
    char time[S3_TIME_SIZE], version[S3_VERSION_SIZE];
    s3_time_iso(entry->modified_ms, time);
    s3_version_write(entry->id, entry->versioned, version);
    s3_xml_open(out, element);
    s3_listing_name(out, "Key", entry->key, list->encode);
    s3_xml_text(out, "VersionId", version);
    s3_xml_text(out, "IsLatest", entry->latest ? "true" : "false");
    s3_xml_text(out, "LastModified", time);
    if (!entry->marker) {
        buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", entry->etag);
        s3_xml_number(out, "Size", entry->size);
        s3_xml_text(out, "StorageClass", "STANDARD");
    }
    s3_listing_person(out, "Owner", list->request->cloud->account);
    s3_xml_close(out, element);
}

static void write_entries(const struct versions *list, struct buffer *out)
{
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            write_version(list, out, &list->page.entries[i]);
    }
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            continue;
        s3_xml_open(out, "CommonPrefixes");
        s3_listing_name(out, "Prefix", list->page.entries[i].key, list->encode);
        s3_xml_close(out, "CommonPrefixes");
    }
}

static void write_next(const struct versions *list, struct buffer *out)
{
    const struct version_page *page = &list->page;
    const struct version_listed *last = page->count ? &page->entries[page->count - 1] : NULL;
    char version[S3_VERSION_SIZE];
    if (!page->truncated || !last)
        return;
    s3_listing_name(out, "NextKeyMarker", last->key, list->encode);
    if (last->common)
        return;
    s3_version_write(last->id, last->versioned, version);
    s3_xml_text(out, "NextVersionIdMarker", version);
}

static void write_echo(const struct versions *list, struct buffer *out, const char *element,
                       const char *parameter)
{
    const char *value = s3_parameter(list->request, parameter);
    s3_listing_name(out, element, value ? value : "", list->encode);
}

static void respond(struct versions *list)
{
    struct buffer out;
    const char *id_marker = s3_parameter(list->request, "version-id-marker");
    buffer_init(&out, ANSWER_MAX);
    s3_xml_begin(&out, "ListVersionsResult");
    s3_xml_text(&out, "Name", list->request->bucket);
    write_echo(list, &out, "Prefix", "prefix");
    write_echo(list, &out, "KeyMarker", "key-marker");
    s3_xml_text(&out, "VersionIdMarker", id_marker ? id_marker : "");
    write_next(list, &out);
    s3_xml_number(&out, "MaxKeys", list->listing.max);
    if (list->listing.delimiter.size)
        write_echo(list, &out, "Delimiter", "delimiter");
    if (list->encode)
        s3_xml_text(&out, "EncodingType", "url");
    s3_xml_text(&out, "IsTruncated", list->page.truncated ? "true" : "false");
    write_entries(list, &out);
    s3_xml_close(&out, "ListVersionsResult");
    s3_respond_xml(list->request, &out);
}

static void versions_done(struct storage_task *task, int status)
{
    struct versions *list = (struct versions *)task;
    struct s3_request *request = list->request;
    if (status)
        s3_respond_failure(request, status, &task->error);
    else
        respond(list);
    s3_request_release(request);
}

/* A version-id-marker is of the key-marker. */
static const char *read_marker(struct versions *list)
{
    const char *key = s3_parameter(list->request, "key-marker");
    const char *id = s3_parameter(list->request, "version-id-marker");
    list->listing.after = slice_of(key);
    if (!id || (!*id && key && *key))
        return id ? "A version-id marker cannot be empty." : NULL;
    if (!key || !*key)
        return "A version-id marker cannot be specified without a key marker.";
    return s3_version_read(slice_of(id), &list->listing.version) ? NULL
                                                                 : "Invalid version id specified";
}

static bool read_parameters(struct versions *list)
{
    struct s3_request *request = list->request;
    struct version_listing *listing = &list->listing;
    const char *problem = read_marker(list);
    listing->prefix = slice_of(s3_parameter(request, "prefix"));
    listing->delimiter = slice_of(s3_parameter(request, "delimiter"));
    if (listing->prefix.size > S3_LISTING_TEXT_MAX ||
        listing->delimiter.size > S3_LISTING_TEXT_MAX || listing->after.size > S3_LISTING_TEXT_MAX)
        problem = "A prefix, delimiter or marker is too long.";
    if (problem)
        s3_respond_error(request, S3_INVALID_ARGUMENT, problem);
    return !problem && s3_listing_max(request, "max-keys", &listing->max) &&
           s3_listing_encoding(request, &list->encode);
}

void s3_list_object_versions(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct versions *list = s3_operation(request, sizeof(*list), versions_free);
    if (!list)
        return;
    list->request = request;
    list->bucket = bucket.id;
    if (!read_parameters(list))
        return;
    list->task.run = versions_run;
    list->task.done = versions_done;
    s3_submit(request, &list->task);
}
