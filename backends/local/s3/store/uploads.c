#include "uploads.h"

#include <stdlib.h>
#include <string.h>

#include "upload_parts.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

void upload_clear(struct multipart_upload *upload)
{
    free(upload->content_type);
    free(upload->headers);
    free(upload->tags);
    *upload = (struct multipart_upload){0};
}

static char *column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? strdup(text) : NULL;
}

int uploads_create(struct storage *storage, int64_t bucket, const char *key,
                   const struct multipart_upload *upload, struct error *error)
{
    sqlite3_stmt *insert = storage_statement(
        storage, "INSERT INTO uploads (id, bucket, key, created, content_type, headers, tags, "
                 "checksum, full_object) SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "
                 "FROM buckets WHERE id = ?2");
    sqlite3_bind_int64(insert, 1, (sqlite3_int64)upload->id);
    sqlite3_bind_int64(insert, 2, bucket);
    sqlite3_bind_text(insert, 3, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 4, upload->created_ms);
    sqlite3_bind_text(insert, 5, upload->content_type, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, upload->headers, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 7, upload->tags, -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 8, (int)upload->checksum);
    sqlite3_bind_int(insert, 9, upload->full_object);
    int status = storage_execute(storage, insert, error);
    if (!status && !sqlite3_changes(storage_database(storage)))
        status = error_set(error, ERR_NO_CONTAINER, "the bucket no longer exists");
    return status;
}

static int read_row(sqlite3_stmt *row, uint64_t id, struct multipart_upload *upload,
                    struct error *error)
{
    *upload = (struct multipart_upload){
        .id = id,
        .created_ms = sqlite3_column_int64(row, 0),
        .content_type = column_text(row, 1),
        .headers = column_text(row, 2),
        .tags = column_text(row, 3),
        .checksum = (enum checksum_kind)sqlite3_column_int(row, 4),
        .full_object = sqlite3_column_int(row, 5) != 0,
    };
    if (upload->content_type && upload->headers && upload->tags)
        return 0;
    upload_clear(upload);
    return no_memory(error);
}

int uploads_find(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                 struct multipart_upload *upload, struct error *error)
{
    sqlite3_stmt *select = storage_statement(
        storage, "SELECT created, content_type, headers, tags, checksum, full_object "
                 "FROM uploads WHERE id = ? AND bucket = ? AND key = ?");
    *upload = (struct multipart_upload){0};
    sqlite3_bind_int64(select, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(select, 2, bucket);
    sqlite3_bind_text(select, 3, key, -1, SQLITE_STATIC);
    int status = storage_step(storage, select, error);
    if (status == 1)
        status = read_row(select, id, upload, error);
    else if (status == 0)
        status = error_set(error, ERR_NOT_FOUND, "the upload does not exist");
    sqlite3_reset(select);
    return status;
}

int uploads_forget(struct storage *storage, uint64_t id, struct error *error)
{
    sqlite3_stmt *delete = storage_statement(storage, "DELETE FROM uploads WHERE id = ?");
    sqlite3_bind_int64(delete, 1, (sqlite3_int64)id);
    return storage_execute(storage, delete, error);
}

int uploads_put_part(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                     const struct part *part, struct error *error)
{
    struct multipart_upload upload;
    int status = uploads_find(blobs->storage, bucket, key, id, &upload, error);
    upload_clear(&upload);
    return status ? status : upload_parts_put(blobs, id, part, error);
}

int uploads_abort(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                  struct error *error)
{
    struct multipart_upload upload;
    int status = uploads_find(blobs->storage, bucket, key, id, &upload, error);
    if (status)
        return status;
    upload_clear(&upload);
    status = uploads_forget(blobs->storage, id, error);
    return status ? status : upload_parts_drop_all(blobs, id, error);
}

static int first_of(struct storage *storage, int64_t bucket, uint64_t *id, struct error *error)
{
    sqlite3_stmt *select =
        storage_statement(storage, "SELECT id FROM uploads WHERE bucket = ? LIMIT 1");
    sqlite3_bind_int64(select, 1, bucket);
    int status = storage_step(storage, select, error);
    if (status == 1)
        *id = (uint64_t)sqlite3_column_int64(select, 0);
    sqlite3_reset(select);
    return status;
}

int uploads_abort_all(struct blobs *blobs, int64_t bucket, struct error *error)
{
    uint64_t id;
    int status;
    while ((status = first_of(blobs->storage, bucket, &id, error)) == 1) {
        int ended = uploads_forget(blobs->storage, id, error);
        if (!ended)
            ended = upload_parts_drop_all(blobs, id, error);
        if (ended)
            return ended;
    }
    return status;
}
