#include "uploads.h"

#include <stdlib.h>
#include <string.h>

#include "storage_statement.h"
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

int uploads_create(struct storage *storage, int64_t bucket, const char *key,
                   const struct multipart_upload *upload, struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT INTO uploads (id, bucket, key, created, content_type, headers, tags, "
                 "checksum, full_object, existed) SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
                 "EXISTS (SELECT 1 FROM objects WHERE bucket = ?2 AND key = ?3) "
                 "FROM buckets WHERE id = ?2");
    bind_uint(&insert, upload->id);
    bind_int(&insert, bucket);
    bind_text(&insert, key);
    bind_int(&insert, upload->created_ms);
    bind_text(&insert, upload->content_type);
    bind_text(&insert, upload->headers);
    bind_text(&insert, upload->tags);
    bind_int(&insert, upload->checksum);
    bind_int(&insert, upload->full_object);
    int code = statement_execute(&insert, error);
    if (code)
        return code;
    if (!statement_changes(&insert))
        return error_set(error, ERR_NO_CONTAINER, "the bucket no longer exists");
    return 0;
}

static int read_row(struct statement *row, uint64_t id, struct multipart_upload *upload,
                    struct error *error)
{
    *upload = (struct multipart_upload){
        .id = id,
        .created_ms = column_int(row, 0),
        .content_type = column_dup(row, 1),
        .headers = column_dup(row, 2),
        .tags = column_dup(row, 3),
        .checksum = (enum checksum_kind)column_int(row, 4),
        .full_object = column_int(row, 5) != 0,
        .existed = column_int(row, 6) != 0,
    };
    if (upload->content_type && upload->headers && upload->tags)
        return 0;
    upload_clear(upload);
    return no_memory(error);
}

int uploads_find(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                 struct multipart_upload *upload, struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT created, content_type, headers, tags, checksum, full_object, existed "
                 "FROM uploads WHERE id = ? AND bucket = ? AND key = ?");
    *upload = (struct multipart_upload){0};
    bind_uint(&select, id);
    bind_int(&select, bucket);
    bind_text(&select, key);
    int code = statement_step(&select, error);
    if (code == 1)
        code = read_row(&select, id, upload, error);
    else if (code == 0)
        code = error_set(error, ERR_NOT_FOUND, "the upload does not exist");
    statement_reset(&select);
    return code;
}

int uploads_forget(struct storage *storage, uint64_t id, struct error *error)
{
    return statement_execute_with(storage, "DELETE FROM uploads WHERE id = ?", id, error);
}

int uploads_put_part(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                     const struct part *part, struct error *error)
{
    struct multipart_upload upload;
    int code = uploads_find(blobs->storage, bucket, key, id, &upload, error);
    upload_clear(&upload);
    return code ? code : upload_parts_put(blobs, id, part, error);
}

int uploads_abort(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                  struct error *error)
{
    struct multipart_upload upload;
    int code = uploads_find(blobs->storage, bucket, key, id, &upload, error);
    if (code)
        return code;
    upload_clear(&upload);
    code = uploads_forget(blobs->storage, id, error);
    return code ? code : upload_parts_drop_all(blobs, id, error);
}

static int first_of(struct storage *storage, int64_t bucket, uint64_t *id, struct error *error)
{
    struct statement select =
        statement_prepare(storage, "SELECT id FROM uploads WHERE bucket = ? LIMIT 1");
    bind_int(&select, bucket);
    int code = statement_step(&select, error);
    if (code == 1)
        *id = column_uint(&select, 0);
    statement_reset(&select);
    return code;
}

int uploads_abort_all(struct blobs *blobs, int64_t bucket, struct error *error)
{
    uint64_t id;
    int code;
    while ((code = first_of(blobs->storage, bucket, &id, error)) == 1) {
        int ended = uploads_forget(blobs->storage, id, error);
        if (!ended)
            ended = upload_parts_drop_all(blobs, id, error);
        if (ended)
            return ended;
    }
    return code;
}
