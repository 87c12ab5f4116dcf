#include "object_history.h"

#include <stdlib.h>

static void bind_name(sqlite3_stmt *statement, int64_t bucket, const char *key)
{
    sqlite3_bind_int64(statement, 1, bucket);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
}

static int execute_with_id(struct storage *storage, const char *sql, uint64_t id,
                           struct error *error)
{
    sqlite3_stmt *statement = storage_statement(storage, sql);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    return storage_execute(storage, statement, error);
}

static int missing(struct error *error)
{
    return error_set(error, ERR_NOT_FOUND, "the version does not exist");
}

/* Moving. */

int object_history_archive(struct storage *storage, uint64_t id, struct error *error)
{
    int status = execute_with_id(
        storage,
        "INSERT INTO object_history (id, bucket, key, size, etag, modified, blob, content_type, "
        "headers, tags, checksum, versioned, marker) SELECT id, bucket, key, size, etag, modified, "
        "blob, content_type, headers, tags, checksum, versioned_objects.id IS NOT NULL, 0 "
        "FROM objects LEFT JOIN versioned_objects USING (id) WHERE id = ?",
        id, error);
    if (!status)
        status = execute_with_id(storage, "DELETE FROM objects WHERE id = ?", id, error);
    return status
               ? status
               : execute_with_id(storage, "DELETE FROM versioned_objects WHERE id = ?", id, error);
}

static int restore(struct storage *storage, uint64_t id, struct error *error)
{
    int status = execute_with_id(
        storage,
        "INSERT INTO objects (id, bucket, key, size, etag, modified, blob, content_type, headers, "
        "tags, checksum) SELECT id, bucket, key, size, etag, modified, blob, content_type, "
        "headers, tags, checksum FROM object_history WHERE id = ?",
        id, error);
    if (!status)
        status = execute_with_id(storage,
                                 "INSERT INTO versioned_objects (id) SELECT id FROM object_history "
                                 "WHERE id = ? AND versioned = 1",
                                 id, error);
    return status ? status
                  : execute_with_id(storage, "DELETE FROM object_history WHERE id = ?", id, error);
}

int object_history_promote(struct storage *storage, int64_t bucket, const char *key,
                           struct error *error)
{
    uint64_t id = 0;
    sqlite3_stmt *select = storage_statement(
        storage, "SELECT id, marker FROM object_history WHERE bucket = ?1 AND key = ?2 "
                 "AND NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2) "
                 "ORDER BY id DESC LIMIT 1");
    bind_name(select, bucket, key);
    int status = storage_step(storage, select, error);
    if (status == 1 && !sqlite3_column_int(select, 1))
        id = (uint64_t)sqlite3_column_int64(select, 0);
    sqlite3_reset(select);
    if (status < 0 || !id)
        return status < 0 ? status : 0;
    return restore(storage, id, error);
}

int object_history_add_marker(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                              bool versioned, int64_t now_ms, struct error *error)
{
    sqlite3_stmt *insert = storage_statement(
        storage, "INSERT INTO object_history (bucket, key, id, size, etag, modified, blob, "
                 "content_type, headers, tags, checksum, versioned, marker) "
                 "VALUES (?, ?, ?, 0, '', ?, 0, '', '', '', '', ?, 1)");
    bind_name(insert, bucket, key);
    sqlite3_bind_int64(insert, 3, (sqlite3_int64)id);
    sqlite3_bind_int64(insert, 4, now_ms);
    sqlite3_bind_int(insert, 5, versioned);
    return storage_execute(storage, insert, error);
}

/* Ending. */

/* The statement of a version; its first columns are id, blob, owner, marker. */
static sqlite3_stmt *select_content(struct storage *storage, int64_t bucket, const char *key,
                                    struct object_version version)
{
    sqlite3_stmt *select = storage_statement(
        storage, version.id
                     ? "SELECT id, blob, owner, marker FROM object_history LEFT JOIN object_parts "
                       "USING (id) WHERE bucket = ? AND key = ? AND id = ? AND versioned = 1"
                     : "SELECT id, blob, owner, marker FROM object_history LEFT JOIN object_parts "
                       "USING (id) WHERE bucket = ? AND key = ? AND versioned = 0");
    bind_name(select, bucket, key);
    if (version.id)
        sqlite3_bind_int64(select, 3, (sqlite3_int64)version.id);
    return select;
}

int object_history_remove(struct blobs *blobs, int64_t bucket, const char *key,
                          struct object_version version, bool *marker, struct error *error)
{
    struct storage *storage = blobs->storage;
    struct object_content content = {0};
    sqlite3_stmt *select = select_content(storage, bucket, key, version);
    int status = storage_step(storage, select, error);
    if (status == 1) {
        content = object_content_read(select);
        *marker = sqlite3_column_int(select, 3) != 0;
    }
    sqlite3_reset(select);
    if (status != 1)
        return status ? status : missing(error);
    status = execute_with_id(storage, "DELETE FROM object_history WHERE id = ?", content.id, error);
    return status || *marker ? status : object_content_drop(blobs, &content, error);
}

int object_history_remove_null(struct blobs *blobs, int64_t bucket, const char *key,
                               struct error *error)
{
    bool marker;
    int status = object_history_remove(blobs, bucket, key, (struct object_version){.given = true},
                                       &marker, error);
    return status == ERR_NOT_FOUND ? 0 : status;
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
    sqlite3_stmt *select = storage_statement(storage, find_text(version));
    *object = (struct object){0};
    bind_name(select, bucket, key);
    if (version.id)
        sqlite3_bind_int64(select, 3, (sqlite3_int64)version.id);
    int status = storage_step(storage, select, error);
    if (status == 1)
        status = object_read_row(select, object, error);
    else if (status == 0)
        status = missing(error);
    sqlite3_reset(select);
    return status;
}
