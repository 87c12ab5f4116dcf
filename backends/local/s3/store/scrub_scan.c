#include "scrub_scan.h"

#include <stdlib.h>

#include "hex.h"
#include "storage_statement.h"
#include "upload_parts.h"

enum { ROWS_AT_ONCE = 200, BYTES_AT_ONCE = 256 * 1024 };

void scrub_blob_clear(struct scrub_blob *blob)
{
    blob_check_close(&blob->check);
    free(blob->bucket);
    free(blob->key);
    *blob = (struct scrub_blob){0};
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

static void next_stage(struct scrub_cursor *cursor)
{
    *cursor = (struct scrub_cursor){.stage = (enum scrub_stage)(cursor->stage + 1)};
}

/* Objects in one blob. */

enum object_column { ID, BLOB, SIZE, ETAG, HEADERS, CHECKSUM, BUCKET, KEY, VERSIONED, BODY };

static bool name_object(struct statement *row, struct scrub_blob *out)
{
    out->bucket = column_dup(row, BUCKET);
    out->key = column_dup(row, KEY);
    out->version = column_uint(row, ID);
    out->versioned = column_int(row, VERSIONED) != 0;
    return out->bucket && out->key;
}

static int take_object(struct statement *row, struct scrub_blob *out, struct error *error)
{
    struct object object = {.size = column_uint(row, SIZE)};
    struct slice body = column_blob(row, BODY);
    object.etag = column_dup(row, ETAG);
    object.headers = column_dup(row, HEADERS);
    object.checksum = column_dup(row, CHECKSUM);
    out->blob = column_uint(row, BLOB);
    bool complete = object.etag && object.headers && object.checksum;
    if (complete && out->blob)
        out->is_known = blob_check_of_object(&out->check, &object);
    else if (complete && body.size)
        blob_check_body(&object, body, &out->damage);
    out->read += body.size;
    if (complete && (out->blob || out->damage.code))
        complete = name_object(row, out);
    object_clear(&object);
    return complete ? 1 : no_memory(error);
}

static bool has_found(const struct scrub_blob *out)
{
    return out->blob || out->damage.code || out->read >= BYTES_AT_ONCE;
}

static int next_object(struct storage *storage, const char *sql, struct scrub_cursor *cursor,
                       struct scrub_blob *out, struct error *error)
{
    struct statement select = statement_prepare(storage, sql);
    int code = 1;
    unsigned rows = 0;
    bind_uint(&select, cursor->id);
    bind_int(&select, ROWS_AT_ONCE);
    while (code == 1 && !has_found(out) && (code = statement_step(&select, error)) == 1) {
        rows++;
        cursor->id = column_uint(&select, ID);
        code = take_object(&select, out, error);
    }
    statement_reset(&select);
    if (code < 0)
        return code;
    if (!rows)
        next_stage(cursor);
    return 1;
}

/* Objects and uploads of parts. */

static int take_row(struct statement *row, struct scrub_cursor *cursor, struct scrub_blob *out,
                    struct error *error)
{
    cursor->id = column_uint(row, 0);
    cursor->owner = column_uint(row, 1);
    out->bucket = column_dup(row, 2);
    out->key = column_dup(row, 3);
    out->version = cursor->id;
    out->versioned = column_int(row, 4) != 0;
    return out->bucket && out->key ? 1 : no_memory(error);
}

static int find_row(struct storage *storage, const char *sql, struct scrub_cursor *cursor,
                    struct scrub_blob *out, struct error *error)
{
    struct statement select = statement_prepare(storage, sql);
    bind_uint(&select, cursor->id);
    int code = statement_step(&select, error);
    if (code == 1)
        code = take_row(&select, cursor, out, error);
    statement_reset(&select);
    return code;
}

static void take_part(const struct part *part, struct scrub_cursor *cursor, struct scrub_blob *out)
{
    uint8_t md5[MD5_SIZE];
    for (size_t i = 0; i < sizeof md5; i++)
        md5[i] = (uint8_t)hex_byte(part->etag + 2 * i);
    blob_check_of_part(&out->check, part->size, md5);
    out->is_known = true;
    out->blob = part->blob;
    out->part = cursor->number = part->number;
}

/* The next part of the row, which `same` finds again, or the first of the row after it. */
static int next_part(struct storage *storage, const char *same, const char *after,
                     struct scrub_cursor *cursor, struct scrub_blob *out, struct error *error)
{
    struct part part;
    int code = find_row(storage, cursor->number ? same : after, cursor, out, error);
    if (code < 0)
        return code;
    if (code == 0 && !cursor->number) {
        next_stage(cursor);
        return 1;
    }
    if (code == 1)
        code = upload_parts_next(storage, cursor->owner, cursor->number, &part, error);
    if (code == 1)
        take_part(&part, cursor, out);
    else
        cursor->number = 0;
    return code < 0 ? code : 1;
}

int scrub_next(struct storage *storage, struct scrub_cursor *cursor, struct scrub_blob *out,
               struct error *error)
{
#define OBJECT_COLUMNS "o.id, o.blob, o.size, o.etag, o.headers, o.checksum, b.name, o.key, "
#define BODY_TABLE     "LEFT JOIN object_bodies d ON d.id = o.id "
#define PART_COLUMNS   "p.id, p.owner, b.name, coalesce(o.key, h.key), "
#define PART_TABLES                                                                                \
    " FROM object_parts p LEFT JOIN objects o ON o.id = p.id "                                     \
    "LEFT JOIN object_history h ON h.id = p.id "                                                   \
    "JOIN buckets b ON b.id = coalesce(o.bucket, h.bucket) "
    switch (cursor->stage) {
    case SCRUB_OBJECTS:
        return next_object(storage,
                           "SELECT " OBJECT_COLUMNS "v.id IS NOT NULL, d.data FROM objects o "
                           "JOIN buckets b ON b.id = o.bucket " BODY_TABLE
                           "LEFT JOIN versioned_objects v ON v.id = o.id "
                           "WHERE o.id > ? ORDER BY o.id LIMIT ?",
                           cursor, out, error);
    case SCRUB_HISTORY:
        return next_object(storage,
                           "SELECT " OBJECT_COLUMNS "o.versioned, d.data FROM object_history o "
                           "JOIN buckets b ON b.id = o.bucket " BODY_TABLE
                           "WHERE o.id > ? ORDER BY o.id LIMIT ?",
                           cursor, out, error);
    case SCRUB_PARTS:
        return next_part(storage, "SELECT " PART_COLUMNS "h.versioned" PART_TABLES "WHERE p.id = ?",
                         "SELECT " PART_COLUMNS "h.versioned" PART_TABLES
                         "WHERE p.id > ? ORDER BY p.id LIMIT 1",
                         cursor, out, error);
    case SCRUB_UPLOADS:
        return next_part(storage,
                         "SELECT u.id, u.id, b.name, u.key, 0 FROM uploads u "
                         "JOIN buckets b ON b.id = u.bucket WHERE u.id = ?",
                         "SELECT u.id, u.id, b.name, u.key, 0 FROM uploads u "
                         "JOIN buckets b ON b.id = u.bucket WHERE u.id > ? ORDER BY u.id LIMIT 1",
                         cursor, out, error);
    default:
        return 0;
    }
}
