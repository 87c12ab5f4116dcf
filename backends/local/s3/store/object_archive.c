#include "object_archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_time.h"
#include "storage_statement.h"

enum { HEADERS_MAX = 32 * 1024 };

static const char expiry_date[] = "expiry-date=\"";

bool object_class_is_archive(const char *storage_class)
{
    return strcmp(storage_class, "GLACIER") == 0 || strcmp(storage_class, "DEEP_ARCHIVE") == 0;
}

int64_t object_restored_until(struct slice headers)
{
    struct slice value;
    int64_t until;
    if (!object_header_find(headers, OBJECT_RESTORE_HEADER, &value))
        return 0;
    const char *start = memmem(value.data, value.size, expiry_date, sizeof expiry_date - 1);
    if (!start)
        return 0;
    start += sizeof expiry_date - 1;
    const char *end = memchr(start, '"', (size_t)(value.data + value.size - start));
    if (!end || s3_time_parse_http((struct slice){start, (size_t)(end - start)}, &until))
        return 0;
    return until;
}

bool object_is_archived(const struct object *object, int64_t now_ms)
{
    char storage_class[OBJECT_CLASS_SIZE];
    object_storage_class(slice_of(object->headers), storage_class);
    return object_class_is_archive(storage_class) &&
           object_restored_until(slice_of(object->headers)) <= now_ms;
}

void object_restore_text(int64_t until_ms, char out[OBJECT_RESTORE_SIZE])
{
    char time[S3_TIME_SIZE];
    s3_time_http(until_ms, time);
    snprintf(out, OBJECT_RESTORE_SIZE, "ongoing-request=\"false\", %s%.64s\"", expiry_date, time);
}

char *object_headers_with(const char *headers, const char *name, const char *value)
{
    struct buffer out;
    size_t size = strlen(name);
    buffer_init(&out, HEADERS_MAX);
    buffer_text(&out, "");
    for (const char *end; (end = strchr(headers, '\n')); headers = end + 1) {
        bool same = strncmp(headers, name, size) == 0 && strncmp(headers + size, ": ", 2) == 0;
        if (!same)
            buffer_append(&out, headers, (size_t)(end + 1 - headers));
    }
    if (value)
        buffer_format(&out, "%s: %s\n", name, value);
    return buffer_take_text(&out);
}

static int update(struct storage *storage, const char *sql, uint64_t id, const char *headers,
                  bool *found, struct error *error)
{
    struct statement statement = statement_prepare(storage, sql);
    bind_uint(&statement, id);
    bind_text(&statement, headers);
    int code = statement_execute(&statement, error);
    *found = !code && statement_changes(&statement);
    return code;
}

/* A version is in one of two tables (objects.h). */
static int store(struct storage *storage, uint64_t id, const char *headers, struct error *error)
{
    bool found;
    int code = update(storage, "UPDATE objects SET headers = ?2 WHERE id = ?1", id, headers, &found,
                      error);
    if (code || found)
        return code;
    return update(storage, "UPDATE object_history SET headers = ?2 WHERE id = ?1", id, headers,
                  &found, error);
}

int objects_set_headers(struct blobs *blobs, int64_t bucket, const char *key,
                        struct object_version version, object_headers_maker *make, void *user,
                        struct error *error)
{
    struct object object;
    bool refused = false;
    object_changes_note(&blobs->changes, bucket, key);
    int code = objects_find_version(blobs->storage, bucket, key, version, &object, error);
    if (code)
        return code;
    char *headers = make(&object, user, &refused);
    if (headers)
        code = store(blobs->storage, object.id, headers, error);
    else if (refused)
        code = error_set(error, ERR_CONFLICT, "the object was replaced meanwhile");
    else
        code = error_set(error, ERR_MEMORY, "out of memory");
    free(headers);
    object_clear(&object);
    return code;
}
