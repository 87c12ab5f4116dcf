#include "object_history.h"

static int missing(struct error *error)
{
    return error_set(error, ERR_NOT_FOUND, "the version does not exist");
}

/* Moving. */

int object_history_archive(struct storage *storage, uint64_t id, struct error *error)
{
    int code = statement_execute_with(
        storage,
        "INSERT INTO object_history (id, bucket, key, size, etag, modified, blob, content_type, "
        "headers, tags, checksum, versioned, marker) SELECT id, bucket, key, size, etag, modified, "
        "blob, content_type, headers, tags, checksum, versioned_objects.id IS NOT NULL, 0 "
        "FROM objects LEFT JOIN versioned_objects USING (id) WHERE id = ?",
        id, error);
    if (code)
        return code;
    code = statement_execute_with(storage, "DELETE FROM objects WHERE id = ?", id, error);
    if (code)
        return code;
    return statement_execute_with(storage, "DELETE FROM versioned_objects WHERE id = ?", id, error);
}

static int restore(struct storage *storage, uint64_t id, struct error *error)
{
    int code = statement_execute_with(
        storage,
        "INSERT INTO objects (id, bucket, key, size, etag, modified, blob, content_type, headers, "
        "tags, checksum) SELECT id, bucket, key, size, etag, modified, blob, content_type, "
        "headers, tags, checksum FROM object_history WHERE id = ?",
        id, error);
    if (code)
        return code;
    code =
        statement_execute_with(storage,
                               "INSERT INTO versioned_objects (id) SELECT id FROM object_history "
                               "WHERE id = ? AND versioned = 1",
                               id, error);
    if (code)
        return code;
    return statement_execute_with(storage, "DELETE FROM object_history WHERE id = ?", id, error);
}

int object_history_promote(struct storage *storage, int64_t bucket, const char *key,
                           struct error *error)
{
    uint64_t id = 0;
    struct statement select = statement_prepare(
        storage, "SELECT id, marker FROM object_history WHERE bucket = ?1 AND key = ?2 "
                 "AND NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2) "
                 "ORDER BY id DESC LIMIT 1");
    object_bind_name(&select, bucket, key);
    int code = statement_step(&select, error);
    if (code == 1 && !column_int(&select, 1))
        id = column_uint(&select, 0);
    statement_reset(&select);
    if (code < 0 || !id)
        return code < 0 ? code : 0;
    return restore(storage, id, error);
}

int object_history_add_marker(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                              bool versioned, int64_t now_ms, struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT INTO object_history (bucket, key, id, size, etag, modified, blob, "
                 "content_type, headers, tags, checksum, versioned, marker) "
                 "VALUES (?, ?, ?, 0, '', ?, 0, '', '', '', '', ?, 1)");
    object_bind_name(&insert, bucket, key);
    bind_uint(&insert, id);
    bind_int(&insert, now_ms);
    bind_int(&insert, versioned);
    return statement_execute(&insert, error);
}

/* Ending. */

/* The statement that selects a version; its first columns are id, blob, owner, marker. */
static struct statement select_content(struct storage *storage, int64_t bucket, const char *key,
                                       struct object_version version)
{
    struct statement select = statement_prepare(
        storage, version.id
                     ? "SELECT id, blob, owner, marker FROM object_history LEFT JOIN object_parts "
                       "USING (id) WHERE bucket = ? AND key = ? AND id = ? AND versioned = 1"
                     : "SELECT id, blob, owner, marker FROM object_history LEFT JOIN object_parts "
                       "USING (id) WHERE bucket = ? AND key = ? AND versioned = 0");
    object_bind_name(&select, bucket, key);
    if (version.id)
        bind_uint(&select, version.id);
    return select;
}

int object_history_remove(struct blobs *blobs, int64_t bucket, const char *key,
                          struct object_version version, bool *marker, struct error *error)
{
    struct storage *storage = blobs->storage;
    struct object_content content = {0};
    struct statement select = select_content(storage, bucket, key, version);
    int code = statement_step(&select, error);
    if (code == 1) {
        content = object_content_read(&select);
        *marker = column_int(&select, 3) != 0;
    }
    statement_reset(&select);
    if (code != 1)
        return code ? code : missing(error);
    code = statement_execute_with(storage, "DELETE FROM object_history WHERE id = ?", content.id,
                                  error);
    return code || *marker ? code : object_content_drop(blobs, &content, error);
}

int object_history_remove_null(struct blobs *blobs, int64_t bucket, const char *key,
                               struct error *error)
{
    bool marker;
    int code = object_history_remove(blobs, bucket, key, (struct object_version){.given = true},
                                     &marker, error);
    return code == ERR_NOT_FOUND ? 0 : code;
}

/* Finding. */

static const char *find_text(struct object_version version)
{
#define SELECT_VERSION                                                                             \
    "SELECT id, size, etag, modified, blob, content_type, headers, tags, checksum, owner, "        \
    "versioned, marker FROM object_history LEFT JOIN object_parts USING (id) "                     \
    "WHERE bucket = ? AND key = ? "
    if (!version.given)
        return SELECT_VERSION "ORDER BY id DESC LIMIT 1";
    return version.id ? SELECT_VERSION "AND id = ? AND versioned = 1"
                      : SELECT_VERSION "AND versioned = 0";
#undef SELECT_VERSION
}

int object_history_find(struct storage *storage, int64_t bucket, const char *key,
                        struct object_version version, struct object *object, struct error *error)
{
    struct statement select = statement_prepare(storage, find_text(version));
    *object = (struct object){0};
    object_bind_name(&select, bucket, key);
    if (version.id)
        bind_uint(&select, version.id);
    int code = statement_step(&select, error);
    if (code == 1)
        code = object_read_row(&select, object, error);
    else if (code == 0)
        code = missing(error);
    statement_reset(&select);
    return code;
}
