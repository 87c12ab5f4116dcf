/*
 * Lists by seeking: each common prefix costs one descent of the index, however many keys it covers,
 * so that the cost of a page depends on its entries and not on the skipped keys.
 */
#include <stdlib.h>
#include <string.h>

#include "key_prefix.h"
#include "object_archive.h"
#include "objects.h"
#include "storage_statement.h"

/* The start of the next seek: keys >= text, or > text. */
struct position {
    struct buffer text;
    bool beyond;
};

enum { POSITION_MAX = 4096 };

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

static int set_position(struct position *position, struct slice text, bool beyond)
{
    buffer_clear(&position->text);
    position->beyond = beyond;
    return buffer_append(&position->text, text.data, text.size);
}

/* Seeks to the first key that does not begin with `prefix`. */
static int skip_prefix(struct position *position, struct slice prefix)
{
    int code = set_position(position, prefix, false);
    if (!code)
        key_skip_prefix(position->text.data, prefix.size);
    return code;
}

/* SQLite compares text as memcmp does; binding as text keeps one type. */
static struct statement seek(struct storage *storage, int64_t bucket,
                             const struct position *position)
{
    struct statement select = statement_prepare(
        storage,
        position->beyond
            ? "SELECT key, size, modified, etag, headers, checksum FROM objects WHERE bucket = ? "
              "AND key > ? ORDER BY key"
            : "SELECT key, size, modified, etag, headers, checksum FROM objects WHERE bucket = ? "
              "AND key >= ? ORDER BY key");
    bind_int(&select, bucket);
    bind_slice(&select, buffer_slice(&position->text));
    return select;
}

static int start_position(struct position *position, const struct object_listing *listing)
{
    struct slice after = listing->after;
    if (!after.size)
        return set_position(position, listing->prefix, false);
    if (key_has_prefix(after, listing->prefix)) {
        struct slice common = key_common_prefix(after, listing->prefix, listing->delimiter);
        bool skip = common.size && (listing->skips_common || common.size == after.size);
        return skip ? skip_prefix(position, common) : set_position(position, after, true);
    }
    size_t size = after.size < listing->prefix.size ? after.size : listing->prefix.size;
    bool past = memcmp(after.data, listing->prefix.data, size) > 0;
    return past ? set_position(position, after, true)
                : set_position(position, listing->prefix, false);
}

static int add(struct object_page *page, struct slice key, struct statement *row)
{
    struct object_listed entry = {.key = slice_dup(key), .common = !row};
    if (row) {
        entry.size = column_uint(row, 1);
        entry.modified_ms = column_int(row, 2);
        entry.etag = column_dup(row, 3);
        entry.checksum = column_dup(row, 5);
        object_storage_class(column_slice(row, 4), entry.storage_class);
        entry.restored_until_ms = object_restored_until(column_slice(row, 4));
    }
    if (!entry.key || (row && (!entry.etag || !entry.checksum))) {
        free(entry.key);
        free(entry.etag);
        free(entry.checksum);
        return ERR_MEMORY;
    }
    page->entries[page->count++] = entry;
    return 0;
}

/* Takes rows until the page is full, the prefix ends, or a common prefix requires another seek (1).
 */
static int take_rows(struct statement *rows, const struct object_listing *listing,
                     struct object_page *page, struct position *position, struct error *error)
{
    int code;
    while ((code = statement_step(rows, error)) == 1) {
        struct slice key = column_slice(rows, 0);
        if (!key.data)
            return no_memory(error);
        if (!key_has_prefix(key, listing->prefix))
            return 0;
        if (page->count == listing->max) {
            page->truncated = true;
            return 0;
        }
        struct slice common = key_common_prefix(key, listing->prefix, listing->delimiter);
        if (add(page, common.size ? common : key, common.size ? NULL : rows))
            return no_memory(error);
        if (common.size)
            return skip_prefix(position, common) ? no_memory(error) : 1;
    }
    return code;
}

int objects_list(struct storage *storage, int64_t bucket, const struct object_listing *listing,
                 struct object_page *page, struct error *error)
{
    struct position position = {0};
    *page = (struct object_page){0};
    if (!listing->max)
        return 0;
    buffer_init(&position.text, POSITION_MAX);
    page->entries = calloc(listing->max, sizeof *page->entries);
    int code = page->entries && !start_position(&position, listing) ? 1 : no_memory(error);
    while (code == 1) {
        struct statement rows = seek(storage, bucket, &position);
        code = take_rows(&rows, listing, page, &position, error);
        statement_reset(&rows);
    }
    buffer_free(&position.text);
    if (code)
        object_page_free(page);
    return code;
}

void object_page_free(struct object_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free(page->entries[i].key);
        free(page->entries[i].etag);
        free(page->entries[i].checksum);
    }
    free(page->entries);
    *page = (struct object_page){0};
}
