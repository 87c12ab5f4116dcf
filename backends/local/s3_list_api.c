/*
 * ListObjectsV2 and ListObjects. A page is one storage task. Continuation tokens are the last entry
 * of a page, in hex, so that they say nothing that is not in the page and cost nothing to keep.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "objects.h"
#include "s3_listing.h"
#include "s3_time.h"
#include "s3_xml.h"

enum { ANSWER_MAX = 16 * 1024 * 1024 };

struct listing {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    bool v2;
    bool encode; /* encoding-type=url */
    bool owner;
    struct object_listing listing;
    char *after; /* decoded token, or NULL */
    struct object_page page;
};

static void list_free(void *operation)
{
    struct listing *list = operation;
    object_page_free(&list->page);
    free(list->after);
    free(list);
}

static int list_run(struct storage_task *task, struct storage *storage)
{
    struct listing *list = (struct listing *)task;
    return objects_list(storage, list->bucket, &list->listing, &list->page, &task->error);
}

/* Answers. */

static void write_entry(const struct listing *list, struct buffer *out,
                        const struct object_listed *entry)
{
    char time[S3_TIME_SIZE];
    s3_time_iso(entry->modified_ms, time);
    s3_xml_open(out, "Contents");
    s3_listing_name(out, "Key", entry->key, list->encode);
    s3_xml_text(out, "LastModified", time);
    buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", entry->etag);
    s3_xml_number(out, "Size", entry->size);
    if (list->owner)
        s3_listing_person(out, "Owner", list->request->cloud->account);
    s3_xml_text(out, "StorageClass", "STANDARD");
    s3_xml_close(out, "Contents");
}

static void write_entries(const struct listing *list, struct buffer *out)
{
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            write_entry(list, out, &list->page.entries[i]);
    }
    for (size_t i = 0; i < list->page.count; i++) {
        if (!list->page.entries[i].common)
            continue;
        s3_xml_open(out, "CommonPrefixes");
        s3_listing_name(out, "Prefix", list->page.entries[i].key, list->encode);
        s3_xml_close(out, "CommonPrefixes");
    }
}

static void write_token(struct buffer *out, const char *key)
{
    s3_xml_open(out, "NextContinuationToken");
    for (; *key; key++)
        buffer_format(out, "%02x", (unsigned)(unsigned char)*key);
    s3_xml_close(out, "NextContinuationToken");
}

static void write_echo(const struct listing *list, struct buffer *out, const char *parameter,
                       const char *element)
{
    const char *value = s3_parameter(list->request, parameter);
    if (value)
        s3_listing_name(out, element, value, list->encode);
}

static void write_v2(const struct listing *list, struct buffer *out, const char *last)
{
    const char *token = s3_parameter(list->request, "continuation-token");
    s3_xml_number(out, "KeyCount", list->page.count);
    if (token)
        s3_xml_text(out, "ContinuationToken", token);
    write_echo(list, out, "start-after", "StartAfter");
    if (last)
        write_token(out, last);
}

static void write_v1(const struct listing *list, struct buffer *out, const char *last)
{
    const char *marker = s3_parameter(list->request, "marker");
    s3_listing_name(out, "Marker", marker ? marker : "", list->encode);
    if (last && list->listing.delimiter.size)
        s3_listing_name(out, "NextMarker", last, list->encode);
}

static void respond(struct listing *list)
{
    const struct object_page *page = &list->page;
    const char *prefix = s3_parameter(list->request, "prefix");
    const char *last = page->truncated && page->count ? page->entries[page->count - 1].key : NULL;
    struct buffer out;
    buffer_init(&out, ANSWER_MAX);
    s3_xml_begin(&out, "ListBucketResult");
    s3_xml_text(&out, "Name", list->request->bucket);
    s3_listing_name(&out, "Prefix", prefix ? prefix : "", list->encode);
    if (list->listing.delimiter.size)
        write_echo(list, &out, "delimiter", "Delimiter");
    s3_xml_number(&out, "MaxKeys", list->listing.max);
    if (list->encode)
        s3_xml_text(&out, "EncodingType", "url");
    s3_xml_text(&out, "IsTruncated", page->truncated ? "true" : "false");
    if (list->v2)
        write_v2(list, &out, last);
    else
        write_v1(list, &out, last);
    write_entries(list, &out);
    s3_xml_close(&out, "ListBucketResult");
    s3_respond_xml(list->request, &out);
}

static void list_done(struct storage_task *task, int status)
{
    struct listing *list = (struct listing *)task;
    struct s3_request *request = list->request;
    if (status)
        s3_respond_failure(request, status, &task->error);
    else if (request->base)
        respond(list);
    s3_request_release(request);
}

/* Parameters. */

static int hex_value(char c)
{
    const char *digit = c ? strchr("0123456789abcdef", c) : NULL;
    return digit ? (int)(digit - "0123456789abcdef") : -1;
}

/* For free(); NULL: not one of ours, or no memory. */
static char *decode_token(const char *token)
{
    size_t size = strlen(token);
    char *text =
        size && size % 2 == 0 && size <= 2 * S3_LISTING_TEXT_MAX ? malloc(size / 2 + 1) : NULL;
    for (size_t i = 0; text && i < size; i += 2) {
        int value = hex_value(token[i]) * 16 + hex_value(token[i + 1]);
        if (hex_value(token[i]) < 0 || hex_value(token[i + 1]) < 0 || value == 0) {
            free(text);
            return NULL;
        }
        text[i / 2] = (char)value;
    }
    if (text)
        text[size / 2] = '\0';
    return text;
}

static const char *read_position(struct listing *list)
{
    const char *token = list->v2 ? s3_parameter(list->request, "continuation-token") : NULL;
    const char *after = s3_parameter(list->request, list->v2 ? "start-after" : "marker");
    if (token) {
        list->after = decode_token(token);
        if (!list->after)
            return "The continuation token provided is incorrect";
        after = list->after;
    }
    list->listing.after = slice_of(after);
    return list->listing.after.size > S3_LISTING_TEXT_MAX ? "The position is too long." : NULL;
}

/* NULL, or what is wrong. */
static const char *read_parameters(struct listing *list)
{
    const char *owner = s3_parameter(list->request, "fetch-owner");
    list->listing.prefix = slice_of(s3_parameter(list->request, "prefix"));
    list->listing.delimiter = slice_of(s3_parameter(list->request, "delimiter"));
    if (list->listing.prefix.size > S3_LISTING_TEXT_MAX ||
        list->listing.delimiter.size > S3_LISTING_TEXT_MAX)
        return "A prefix or delimiter is too long.";
    list->owner = !list->v2 || (owner && strcasecmp(owner, "true") == 0);
    return read_position(list);
}

static void start(struct s3_request *request, bool v2)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct listing *list = s3_operation(request, sizeof(*list), list_free);
    if (!list)
        return;
    list->request = request;
    list->bucket = bucket.id;
    list->v2 = v2;
    const char *problem = read_parameters(list);
    if (problem) {
        s3_respond_error(request, S3_INVALID_ARGUMENT, problem);
        return;
    }
    if (!s3_listing_max(request, "max-keys", &list->listing.max) ||
        !s3_listing_encoding(request, &list->encode))
        return;
    list->task.run = list_run;
    list->task.done = list_done;
    s3_submit(request, &list->task);
}

void s3_list_objects(struct s3_request *request)
{
    start(request, false);
}

void s3_list_objects_v2(struct s3_request *request)
{
    start(request, true);
}
