/* Pages of uploads. Pending uploads are few, so a page iterates over them from its marker. */
#include <stdlib.h>
#include <string.h>

#include "key_prefix.h"
#include "storage_statement.h"
#include "uploads.h"

/* A common prefix is listed only once, even if the previous page ended with it. */
static bool is_listed(const struct upload_listing *listing, const struct upload_page *page,
                      struct slice name)
{
    const struct upload_listed *last = page->count ? &page->entries[page->count - 1] : NULL;
    return key_has_prefix(slice_of(listing->key_marker), name) ||
           (last && last->common && slice_equal_text(name, last->key));
}

static int add(struct upload_page *page, struct slice name, bool common, struct statement *row)
{
    struct upload_listed *entry = &page->entries[page->count];
    *entry = (struct upload_listed){
        .key = slice_dup(name),
        .common = common,
        .id = column_uint(row, 1),
        .created_ms = column_int(row, 2),
        .checksum = (enum checksum_kind)column_int(row, 3),
        .full_object = column_int(row, 4) != 0,
    };
    if (!entry->key)
        return ERR_MEMORY;
    object_storage_class(column_slice(row, 5), entry->storage_class);
    page->count++;
    return 0;
}

static int take_row(const struct upload_listing *listing, struct upload_page *page,
                    struct statement *row)
{
    const char *key = column_text(row, 0);
    if (!key)
        return ERR_MEMORY;
    if (!key_has_prefix(slice_of(key), listing->prefix))
        return 0;
    struct slice common = key_common_prefix(slice_of(key), listing->prefix, listing->delimiter);
    if (common.size && is_listed(listing, page, common))
        return 0;
    page->truncated = page->count == listing->max;
    if (page->truncated)
        return 0;
    return add(page, common.size ? common : slice_of(key), common.size != 0, row);
}

static int walk(struct statement *select, const struct upload_listing *listing,
                struct upload_page *page, struct error *error)
{
    int code = 0;
    while (!page->truncated && (code = statement_step(select, error)) == 1) {
        if (take_row(listing, page, select))
            return error_set(error, ERR_MEMORY, "out of memory");
    }
    return code < 0 ? code : 0;
}

int uploads_list(struct storage *storage, int64_t bucket, const struct upload_listing *listing,
                 struct upload_page *page, struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT key, id, created, checksum, full_object, headers "
                 "FROM uploads WHERE bucket = ?1 AND (key, id) > (?2, ?3) ORDER BY key, id");
    *page = (struct upload_page){.entries = calloc(listing->max + 1, sizeof *page->entries)};
    if (!page->entries)
        return error_set(error, ERR_MEMORY, "out of memory");
    if (!listing->max)
        return 0;
    bind_int(&select, bucket);
    bind_text(&select, listing->key_marker);
    bind_uint(&select, listing->id_marker ? listing->id_marker : INT64_MAX);
    int code = walk(&select, listing, page, error);
    statement_reset(&select);
    if (code)
        upload_page_free(page);
    return code;
}

void upload_page_free(struct upload_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        free(page->entries[i].key);
    free(page->entries);
    *page = (struct upload_page){0};
}
