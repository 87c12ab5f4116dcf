/* ListObjectsV2, one page at a time. Keys are URL-encoded, since XML cannot represent every key. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "etag.h"
#include "iso_time.h"
#include "s3_private.h"
#include "uri.h"
#include "xml_reader.h"

enum { PAGE_MAX = 1000, QUERY_MAX = 8 * 1024 };

struct list_reader {
    struct object_entry *entries; /* PAGE_MAX entries; keys are owned */
    size_t count;
    /* of the entry being read */
    char *key, *etag;
    uint64_t size;
    int64_t modified_ms;
    bool more;
};

static int key_set(struct list_reader *r, struct slice text)
{
    struct buffer key;
    buffer_init(&key, OBJECT_KEY_MAX);
    int code = uri_decode(&key, text, true);
    free(r->key);
    r->key = code ? NULL : buffer_take_text(&key);
    buffer_free(&key);
    if (code)
        return code == ERR_MEMORY ? ERR_MEMORY : ERR_PROTOCOL;
    return r->key ? 0 : ERR_MEMORY;
}

static int size_set(struct list_reader *r, struct slice text)
{
    r->size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 18)
            return ERR_PROTOCOL;
        r->size = r->size * 10 + (uint64_t)(text.data[i] - '0');
    }
    return 0;
}

static int etag_set(struct list_reader *r, struct slice text)
{
    char *quoted = slice_dup(text);
    free(r->etag);
    r->etag = quoted ? slice_dup(etag_bare(quoted)) : NULL;
    free(quoted);
    return r->etag ? 0 : ERR_MEMORY;
}

/* An unreadable time is an unknown one. */
static int modified_set(struct list_reader *r, struct slice text)
{
    char *copy = slice_dup(text);
    if (!copy)
        return ERR_MEMORY;
    if (iso_time_parse(copy, &r->modified_ms))
        r->modified_ms = 0;
    free(copy);
    return 0;
}

static int entry_end(struct list_reader *r)
{
    if (!r->key || r->count == PAGE_MAX)
        return ERR_PROTOCOL;
    r->entries[r->count++] = (struct object_entry){r->key, r->size, r->etag, r->modified_ms};
    r->key = r->etag = NULL;
    r->size = 0;
    r->modified_ms = 0;
    return 0;
}

static int list_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    struct list_reader *r = user;
    if (strcmp(path, "ListBucketResult/Contents/Key") == 0)
        return key_set(r, text);
    if (strcmp(path, "ListBucketResult/Contents/Size") == 0)
        return size_set(r, text);
    if (strcmp(path, "ListBucketResult/Contents/ETag") == 0)
        return etag_set(r, text);
    if (strcmp(path, "ListBucketResult/Contents/LastModified") == 0)
        return modified_set(r, text);
    if (strcmp(path, "ListBucketResult/IsTruncated") == 0)
        r->more = slice_equal_text(text, "true");
    return strcmp(path, "ListBucketResult/Contents") == 0 ? entry_end(r) : 0;
}

static void reader_free(struct list_reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free((char *)r->entries[i].key);
        free((char *)r->entries[i].etag);
    }
    free(r->entries);
    free(r->key);
    free(r->etag);
}

static int list_read(const struct aws_reply *reply, struct list_reader *reader)
{
    const struct bytes *body = &reply->response->body;
    reader->entries = calloc(PAGE_MAX, sizeof *reader->entries);
    if (!reader->entries)
        return ERR_MEMORY;
    return xml_read((struct slice){body->data, body->size}, NULL, list_element, reader);
}

static void on_list(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct list_reader reader = {0};
    struct error error = reply->error;
    int code = error.code ? 0 : list_read(reply, &reader);
    if (code)
        aws_error_unreadable(&error, &reply->subject, code, "the response cannot be read");
    done.listed(reader.entries, error.code ? 0 : reader.count, !error.code && reader.more, &error,
                their);
    reader_free(&reader);
}

static int list_query(const char *prefix, const char *start_after, struct buffer *out)
{
    buffer_text(out, "list-type=2&encoding-type=url&max-keys=1000");
    if (prefix && prefix[0]) {
        buffer_text(out, "&prefix=");
        uri_encode(out, slice_of(prefix), false);
    }
    if (start_after && start_after[0]) {
        buffer_text(out, "&start-after=");
        uri_encode(out, slice_of(start_after), false);
    }
    return out->error;
}

int s3_list(struct object_store *store, const char *bucket, const char *prefix,
            const char *start_after, object_listed *done, void *user, struct object_request **out)
{
    struct buffer query;
    buffer_init(&query, QUERY_MAX);
    int code = list_query(prefix, start_after, &query);
    if (!code) {
        struct s3_call call = {.operation = "ListObjectsV2",
                               .method = "GET",
                               .bucket = bucket,
                               .query = query.data,
                               .response_max = S3_LIST_RESPONSE_MAX,
                               .replied = on_list,
                               .done.listed = done,
                               .user = user};
        code = s3_start(container_of(store, struct aws, objects), &call, out);
    }
    buffer_free(&query);
    return code;
}
