/*
 * Merges two cursors, over `objects` and over `object_history`, both in listing order. Like
 * objects_list.c it seeks beyond a common prefix, so that the cost of a page depends on its
 * entries.
 */
#include "versions_list.h"

#include <stdlib.h>
#include <string.h>

#include "key_prefix.h"
#include "object_archive.h"
#include "storage_statement.h"

enum { POSITION_MAX = 4096 };

struct walk {
    const struct version_listing *listing;
    struct version_page *page;
    struct buffer key; /* the start of the next seek: this key's versions below `below`, */
    int64_t below;     /* then the keys after it */
    struct slice last; /* the key of the previous row; empty: none */
    int64_t last_modified_ms;
};

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

/* Where it begins. */

/* The id of its row determines the place of a null version among the versions of its key. */
static int place_of(struct storage *storage, int64_t bucket, const char *key,
                    struct object_version version, int64_t *below, struct error *error)
{
    struct object object;
    if (version.id) {
        *below = (int64_t)version.id;
        return 0;
    }
    int code = objects_find_version(storage, bucket, key, version, &object, error);
    *below = code ? 0 : (int64_t)object.id;
    if (!code)
        object_clear(&object);
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int seek_to(struct walk *walk, struct slice key, int64_t below)
{
    buffer_clear(&walk->key);
    walk->below = below;
    return buffer_append(&walk->key, key.data ? key.data : "", key.size);
}

static int skip_prefix(struct walk *walk, struct slice prefix)
{
    int code = seek_to(walk, prefix, INT64_MAX);
    if (!code)
        key_skip_prefix(walk->key.data, prefix.size);
    return code;
}

static int start_after(struct walk *walk, struct storage *storage, int64_t bucket,
                       struct error *error)
{
    const struct version_listing *listing = walk->listing;
    int64_t below = 0;
    int code = seek_to(walk, listing->after, 0);
    if (!code && listing->version.given)
        code = place_of(storage, bucket, walk->key.data, listing->version, &below, error);
    walk->below = below;
    return code;
}

static int start(struct walk *walk, struct storage *storage, int64_t bucket, struct error *error)
{
    const struct version_listing *listing = walk->listing;
    struct slice after = listing->after, prefix = listing->prefix;
    size_t size = after.size < prefix.size ? after.size : prefix.size;
    if (!after.size || memcmp(after.data, prefix.data ? prefix.data : "", size) < 0 ||
        (after.size < prefix.size && memcmp(after.data, prefix.data, size) == 0))
        return seek_to(walk, prefix, INT64_MAX);
    if (key_has_prefix(after, prefix)) {
        struct slice common = key_common_prefix(after, prefix, listing->delimiter);
        if (common.size)
            return skip_prefix(walk, common);
    }
    return start_after(walk, storage, bucket, error);
}

/* Rows. */

/* Both cursors use the same bounds. */
static struct statement open_cursor(struct storage *storage, bool history, int64_t bucket,
                                    const struct walk *walk)
{
    struct statement select = statement_prepare(
        storage, history
                     ? "SELECT key, id, size, etag, modified, versioned, marker, headers, checksum "
                       "FROM object_history WHERE bucket = ?1 AND key >= ?2 "
                       "AND (key > ?2 OR id < ?3) ORDER BY key, id DESC"
                     : "SELECT key, id, size, etag, modified, versioned_objects.id IS NOT NULL, 0, "
                       "headers, checksum FROM objects LEFT JOIN versioned_objects USING (id) "
                       "WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR id < ?3) ORDER BY key");
    bind_int(&select, bucket);
    bind_slice(&select, buffer_slice(&walk->key));
    bind_int(&select, walk->below);
    return select;
}

static struct slice key_of(struct statement *row)
{
    return column_slice(row, 0);
}

static int compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool same_key(struct slice a, struct slice b)
{
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

static int add(struct walk *walk, struct slice key, bool common, struct statement *row)
{
    struct version_listed entry = {.key = slice_dup(key), .common = common};
    if (!common) {
        bool again = same_key(walk->last, key);
        bool cut = walk->listing->version.given && same_key(walk->listing->after, key);
        entry.id = column_uint(row, 1);
        entry.size = column_uint(row, 2);
        entry.etag = column_dup(row, 3);
        entry.checksum = column_dup(row, 8);
        entry.modified_ms = column_int(row, 4);
        entry.versioned = column_int(row, 5) != 0;
        entry.marker = column_int(row, 6) != 0;
        object_storage_class(column_slice(row, 7), entry.storage_class);
        entry.restored_until_ms = object_restored_until(column_slice(row, 7));
        entry.latest = !again && !cut;
        entry.retired_ms = again ? walk->last_modified_ms : cut ? walk->listing->newer_ms : 0;
    }
    if (!entry.key || (!common && (!entry.etag || !entry.checksum))) {
        free(entry.key);
        free(entry.etag);
        free(entry.checksum);
        return ERR_MEMORY;
    }
    walk->page->entries[walk->page->count++] = entry;
    walk->last = common ? (struct slice){0} : slice_of(entry.key);
    walk->last_modified_ms = entry.modified_ms;
    return 0;
}

/* 1: seek again; 0: continue; ERR_CANCELLED: the page is complete. */
static int take(struct walk *walk, struct statement *row, struct error *error)
{
    const struct version_listing *listing = walk->listing;
    struct slice key = key_of(row);
    if (!key.data)
        return no_memory(error);
    if (!key_has_prefix(key, listing->prefix))
        return ERR_CANCELLED;
    if (walk->page->count == listing->max) {
        walk->page->truncated = true;
        return ERR_CANCELLED;
    }
    struct slice common = key_common_prefix(key, listing->prefix, listing->delimiter);
    if (add(walk, common.size ? common : key, common.size != 0, row))
        return no_memory(error);
    if (!common.size)
        return 0;
    return skip_prefix(walk, common) ? no_memory(error) : 1;
}

/* Reads from one seek to the next, or to the end (0). */
static int merge(struct walk *walk, struct statement cursors[2], struct error *error)
{
    int rows[2], code = 0;
    for (int i = 0; i < 2; i++) {
        rows[i] = statement_step(&cursors[i], error);
        if (rows[i] < 0)
            return rows[i];
    }
    while (!code && (rows[0] || rows[1])) {
        /* the current object is the newest version of its key */
        int next = !rows[0] || (rows[1] && compare(key_of(&cursors[1]), key_of(&cursors[0])) < 0);
        code = take(walk, &cursors[next], error);
        if (!code && (rows[next] = statement_step(&cursors[next], error)) < 0)
            code = rows[next];
    }
    return code;
}

int versions_list(struct storage *storage, int64_t bucket, const struct version_listing *listing,
                  struct version_page *page, struct error *error)
{
    struct walk walk = {.listing = listing, .page = page};
    *page = (struct version_page){0};
    if (!listing->max)
        return 0;
    buffer_init(&walk.key, POSITION_MAX);
    page->entries = calloc(listing->max, sizeof *page->entries);
    int code = page->entries ? start(&walk, storage, bucket, error) : no_memory(error);
    if (!code)
        code = 1;
    while (code == 1) {
        struct statement cursors[2] = {open_cursor(storage, false, bucket, &walk),
                                       open_cursor(storage, true, bucket, &walk)};
        code = merge(&walk, cursors, error);
        statement_reset(&cursors[0]);
        statement_reset(&cursors[1]);
    }
    buffer_free(&walk.key);
    if (code == ERR_CANCELLED)
        code = 0;
    if (code)
        version_page_free(page);
    return code;
}

void version_page_free(struct version_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free(page->entries[i].key);
        free(page->entries[i].etag);
        free(page->entries[i].checksum);
    }
    free(page->entries);
    *page = (struct version_page){0};
}
