#include "upload_parts.h"

#include <stdio.h>

static void copy_text(char *out, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(out, size, "%s", text ? text : "");
}

static void read_row(sqlite3_stmt *row, struct part *part)
{
    part->number = (unsigned)sqlite3_column_int(row, 0);
    part->blob = (uint64_t)sqlite3_column_int64(row, 1);
    part->size = (uint64_t)sqlite3_column_int64(row, 2);
    part->modified_ms = sqlite3_column_int64(row, 3);
    copy_text(part->etag, sizeof(part->etag), row, 4);
    copy_text(part->checksum, sizeof(part->checksum), row, 5);
}

int upload_parts_next(struct storage *storage, uint64_t owner, unsigned after, struct part *part,
                      struct error *error)
{
    sqlite3_stmt *select =
        storage_statement(storage, "SELECT number, blob, size, modified, etag, checksum FROM parts "
                                   "WHERE owner = ? AND number > ? ORDER BY number LIMIT 1");
    sqlite3_bind_int64(select, 1, (sqlite3_int64)owner);
    sqlite3_bind_int(select, 2, (int)after);
    int status = storage_step(storage, select, error);
    if (status == 1)
        read_row(select, part);
    sqlite3_reset(select);
    return status;
}

static int insert(struct storage *storage, uint64_t owner, const struct part *part,
                  struct error *error)
{
    sqlite3_stmt *insert = storage_statement(
        storage, "INSERT INTO parts (owner, number, blob, size, modified, etag, checksum) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?)");
    sqlite3_bind_int64(insert, 1, (sqlite3_int64)owner);
    sqlite3_bind_int(insert, 2, (int)part->number);
    sqlite3_bind_int64(insert, 3, (sqlite3_int64)part->blob);
    sqlite3_bind_int64(insert, 4, (sqlite3_int64)part->size);
    sqlite3_bind_int64(insert, 5, part->modified_ms);
    sqlite3_bind_text(insert, 6, part->etag, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 7, part->checksum, -1, SQLITE_STATIC);
    return storage_execute(storage, insert, error);
}

int upload_parts_put(struct blobs *blobs, uint64_t owner, const struct part *part,
                     struct error *error)
{
    struct part old;
    int status = upload_parts_next(blobs->storage, owner, part->number - 1, &old, error);
    if (status == 1 && old.number == part->number)
        status = upload_parts_drop(blobs, owner, &old, error);
    if (status < 0)
        return status;
    status = insert(blobs->storage, owner, part, error);
    return status ? status : blob_keep(blobs, part->blob, error);
}

int upload_parts_drop(struct blobs *blobs, uint64_t owner, const struct part *part,
                      struct error *error)
{
    sqlite3_stmt *delete =
        storage_statement(blobs->storage, "DELETE FROM parts WHERE owner = ? AND number = ?");
    sqlite3_bind_int64(delete, 1, (sqlite3_int64)owner);
    sqlite3_bind_int(delete, 2, (int)part->number);
    int status = storage_execute(blobs->storage, delete, error);
    return status ? status : blob_drop(blobs, part->blob, error);
}

int upload_parts_drop_all(struct blobs *blobs, uint64_t owner, struct error *error)
{
    struct part part = {0};
    int status;
    while ((status = upload_parts_next(blobs->storage, owner, part.number, &part, error)) == 1) {
        int dropped = blob_drop(blobs, part.blob, error);
        if (dropped)
            return dropped;
    }
    if (status)
        return status;
    sqlite3_stmt *delete = storage_statement(blobs->storage, "DELETE FROM parts WHERE owner = ?");
    sqlite3_bind_int64(delete, 1, (sqlite3_int64)owner);
    return storage_execute(blobs->storage, delete, error);
}

static int count_all(struct storage *storage, uint64_t owner, size_t *count, struct error *error)
{
    sqlite3_stmt *select = storage_statement(storage, "SELECT count(*) FROM parts WHERE owner = ?");
    sqlite3_bind_int64(select, 1, (sqlite3_int64)owner);
    int code = storage_step(storage, select, error);
    *count = code == 1 ? (size_t)sqlite3_column_int64(select, 0) : 0;
    sqlite3_reset(select);
    if (code < 0)
        return code;
    return *count ? 0 : error_set(error, ERR_NOT_FOUND, "an object's parts are missing");
}

static int load(struct storage *storage, struct blob_segments *segments, struct error *error)
{
    sqlite3_stmt *select = storage_statement(
        storage, "SELECT number, blob, size FROM parts WHERE owner = ? ORDER BY number");
    int code;
    sqlite3_bind_int64(select, 1, (sqlite3_int64)segments->owner);
    while ((code = storage_step(storage, select, error)) == 1 &&
           blob_segments_add(segments, (unsigned)sqlite3_column_int(select, 0),
                             (uint64_t)sqlite3_column_int64(select, 1),
                             (uint64_t)sqlite3_column_int64(select, 2)))
        ;
    sqlite3_reset(select);
    return code < 0 ? code : 0;
}

int upload_parts_acquire(struct blobs *blobs, uint64_t owner, struct blob_segments **out,
                         struct error *error)
{
    size_t count;
    *out = blob_segments_share(blobs, owner);
    if (*out)
        return 0;
    int code = count_all(blobs->storage, owner, &count, error);
    if (code)
        return code;
    struct blob_segments *segments = blob_segments_new(blobs, owner, count);
    if (!segments)
        return error_set(error, ERR_MEMORY, "out of memory");
    code = load(blobs->storage, segments, error);
    if (code)
        blob_segments_release(segments);
    else
        *out = segments;
    return code;
}
