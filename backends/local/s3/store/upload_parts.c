#include "upload_parts.h"

#include <stdio.h>

#include "hex.h"
#include "storage_statement.h"

static void copy_text(char *out, size_t size, struct statement *row, int column)
{
    const char *text = column_text(row, column);
    snprintf(out, size, "%s", text ? text : "");
}

static void read_row(struct statement *row, struct part *part)
{
    part->number = (unsigned)column_int(row, 0);
    part->blob = column_uint(row, 1);
    part->size = column_uint(row, 2);
    part->modified_ms = column_int(row, 3);
    copy_text(part->etag, sizeof part->etag, row, 4);
    copy_text(part->checksum, sizeof part->checksum, row, 5);
    copy_text(part->crc64, sizeof part->crc64, row, 6);
}

int upload_parts_next(struct storage *storage, uint64_t owner, unsigned after, struct part *part,
                      struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT number, blob, size, modified, etag, checksum, crc64 "
                 "FROM parts WHERE owner = ? AND number > ? ORDER BY number LIMIT 1");
    bind_uint(&select, owner);
    bind_int(&select, after);
    int code = statement_step(&select, error);
    if (code == 1)
        read_row(&select, part);
    statement_reset(&select);
    return code;
}

static int insert(struct storage *storage, uint64_t owner, const struct part *part,
                  struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT INTO parts (owner, number, blob, size, modified, etag, checksum, crc64) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bind_uint(&insert, owner);
    bind_int(&insert, part->number);
    bind_uint(&insert, part->blob);
    bind_uint(&insert, part->size);
    bind_int(&insert, part->modified_ms);
    bind_text(&insert, part->etag);
    bind_text(&insert, part->checksum);
    bind_text(&insert, part->crc64);
    return statement_execute(&insert, error);
}

int upload_parts_put(struct blobs *blobs, uint64_t owner, const struct part *part,
                     struct error *error)
{
    struct part old;
    int code = upload_parts_next(blobs->storage, owner, part->number - 1, &old, error);
    if (code == 1 && old.number == part->number)
        code = upload_parts_drop(blobs, owner, &old, error);
    if (code < 0)
        return code;
    code = insert(blobs->storage, owner, part, error);
    return code ? code : blob_keep(blobs, part->blob, error);
}

int upload_parts_drop(struct blobs *blobs, uint64_t owner, const struct part *part,
                      struct error *error)
{
    struct statement delete =
        statement_prepare(blobs->storage, "DELETE FROM parts WHERE owner = ? AND number = ?");
    bind_uint(&delete, owner);
    bind_int(&delete, part->number);
    int code = statement_execute(&delete, error);
    return code ? code : blob_drop(blobs, part->blob, error);
}

int upload_parts_drop_all(struct blobs *blobs, uint64_t owner, struct error *error)
{
    struct part part = {0};
    int code;
    while ((code = upload_parts_next(blobs->storage, owner, part.number, &part, error)) == 1) {
        int dropped = blob_drop(blobs, part.blob, error);
        if (dropped)
            return dropped;
    }
    if (code)
        return code;
    return statement_execute_with(blobs->storage, "DELETE FROM parts WHERE owner = ?", owner,
                                  error);
}

static int count_all(struct storage *storage, uint64_t owner, size_t *count, struct error *error)
{
    struct statement select =
        statement_prepare(storage, "SELECT count(*) FROM parts WHERE owner = ?");
    bind_uint(&select, owner);
    int code = statement_step(&select, error);
    *count = code == 1 ? (size_t)column_int(&select, 0) : 0;
    statement_reset(&select);
    if (code < 0)
        return code;
    return *count ? 0 : error_set(error, ERR_NOT_FOUND, "an object's parts are missing");
}

static struct blob_segment segment_of(struct statement *row)
{
    struct blob_segment segment = {.number = (unsigned)column_int(row, 0),
                                   .blob = column_uint(row, 1),
                                   .size = column_uint(row, 2)};
    struct slice etag = column_slice(row, 3);
    for (size_t i = 0; i < sizeof segment.md5 && etag.size == 2 * sizeof segment.md5; i++)
        segment.md5[i] = (uint8_t)hex_byte(etag.data + 2 * i);
    return segment;
}

static int load(struct storage *storage, struct blob_segments *segments, struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT number, blob, size, etag FROM parts WHERE owner = ? ORDER BY number");
    int code;
    bind_uint(&select, segments->owner);
    while ((code = statement_step(&select, error)) == 1 &&
           blob_segments_add(segments, segment_of(&select)))
        ;
    statement_reset(&select);
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
