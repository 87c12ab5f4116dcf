#include "restored_copies.h"

#include <stdlib.h>
#include <string.h>

#include "object_archive.h"
#include "storage_statement.h"

void restored_copy_clear(struct restored_copy *copy)
{
    free(copy->key);
    free(copy->etag);
    *copy = (struct restored_copy){0};
}

int restored_copies_put(struct storage *storage, const struct restored_copy *copy,
                        struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT OR REPLACE INTO restored_copies (id, bucket, key, versioned, until) "
                 "VALUES (?, ?, ?, ?, ?)");
    bind_uint(&insert, copy->id);
    bind_int(&insert, copy->bucket);
    bind_text(&insert, copy->key);
    bind_int(&insert, copy->versioned);
    bind_int(&insert, copy->until_ms);
    return statement_execute(&insert, error);
}

int restored_copies_remove(struct storage *storage, uint64_t id, struct error *error)
{
    return statement_execute_with(storage, "DELETE FROM restored_copies WHERE id = ?", id, error);
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

static int read_rows(struct storage *storage, int64_t now_ms,
                     struct restored_copy out[RESTORED_COPIES_PAGE], size_t *count,
                     struct error *error)
{
    struct statement select =
        statement_prepare(storage, "SELECT id, bucket, key, versioned, until FROM restored_copies "
                                   "WHERE until <= ? ORDER BY until LIMIT ?");
    int code;
    bind_int(&select, now_ms);
    bind_int(&select, RESTORED_COPIES_PAGE);
    while ((code = statement_step(&select, error)) == 1) {
        struct restored_copy *copy = &out[(*count)++];
        *copy = (struct restored_copy){.id = column_uint(&select, 0),
                                       .bucket = column_int(&select, 1),
                                       .key = column_dup(&select, 2),
                                       .versioned = column_int(&select, 3) != 0,
                                       .until_ms = column_int(&select, 4)};
        if (!copy->key) {
            code = no_memory(error);
            break;
        }
    }
    statement_reset(&select);
    return code;
}

/* Whether the object still has the copy, and what it is. */
static int look(struct storage *storage, struct restored_copy *copy, int64_t now_ms,
                struct error *error)
{
    const struct object_version version = {true, copy->versioned ? copy->id : 0};
    struct object object;
    int code = objects_find_version(storage, copy->bucket, copy->key, version, &object, error);
    copy->stale = code == ERR_NOT_FOUND;
    if (code)
        return copy->stale ? 0 : code;
    int64_t until = object_restored_until(slice_of(object.headers));
    copy->stale = object.id != copy->id || !until || until > now_ms;
    copy->size = object.size;
    object_storage_class(slice_of(object.headers), copy->storage_class);
    copy->etag = object.etag;
    object.etag = NULL;
    object_clear(&object);
    return 0;
}

static int read_next(struct storage *storage, int64_t now_ms, int64_t *next_ms, struct error *error)
{
    struct statement select =
        statement_prepare(storage, "SELECT min(until) FROM restored_copies WHERE until > ?");
    bind_int(&select, now_ms);
    int code = statement_step(&select, error);
    *next_ms = code == 1 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int restored_copies_due(struct storage *storage, int64_t now_ms,
                        struct restored_copy out[RESTORED_COPIES_PAGE], size_t *count,
                        int64_t *next_ms, struct error *error)
{
    *count = 0;
    int code = read_rows(storage, now_ms, out, count, error);
    for (size_t i = 0; i < *count && !code; i++)
        code = look(storage, &out[i], now_ms, error);
    return code ? code : read_next(storage, now_ms, next_ms, error);
}
