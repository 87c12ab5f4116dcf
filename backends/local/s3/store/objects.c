#include <stdlib.h>
#include <string.h>

#include "object_history.h"
#include "upload_parts.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

void object_clear(struct object *object)
{
    free(object->etag);
    free(object->content_type);
    free(object->headers);
    free(object->tags);
    free(object->checksum);
    *object = (struct object){0};
}

int object_copy(struct object *to, const struct object *from)
{
    *to = *from;
    to->etag = strdup(from->etag);
    to->content_type = strdup(from->content_type);
    to->headers = strdup(from->headers);
    to->tags = strdup(from->tags);
    to->checksum = strdup(from->checksum);
    if (to->etag && to->content_type && to->headers && to->tags && to->checksum)
        return 0;
    object_clear(to);
    return ERR_MEMORY;
}

int object_read_row(struct statement *row, struct object *object, struct error *error)
{
    *object = (struct object){
        .id = column_uint(row, 0),
        .size = column_uint(row, 1),
        .etag = column_dup(row, 2),
        .modified_ms = column_int(row, 3),
        .blob = column_uint(row, 4),
        .content_type = column_dup(row, 5),
        .headers = column_dup(row, 6),
        .tags = column_dup(row, 7),
        .checksum = column_dup(row, 8),
        .owner = column_uint(row, 9),
        .versioned = column_int(row, 10) != 0,
        .marker = column_int(row, 11) != 0,
    };
    if (object->etag && object->content_type && object->headers && object->tags && object->checksum)
        return 0;
    object_clear(object);
    return no_memory(error);
}

void object_bind_name(struct statement *statement, int64_t bucket, const char *key)
{
    bind_int(statement, bucket);
    bind_text(statement, key);
}

int objects_find(struct storage *storage, int64_t bucket, const char *key, struct object *object,
                 struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT id, size, etag, modified, blob, content_type, headers, tags, checksum, "
                 "owner, versioned_objects.id IS NOT NULL, 0 FROM objects "
                 "LEFT JOIN object_parts USING (id) LEFT JOIN versioned_objects USING (id) "
                 "WHERE bucket = ? AND key = ?");
    *object = (struct object){0};
    object_bind_name(&select, bucket, key);
    int code = statement_step(&select, error);
    if (code == 1)
        code = object_read_row(&select, object, error);
    else if (code == 0)
        code = error_set(error, ERR_NOT_FOUND, "the object does not exist");
    statement_reset(&select);
    return code;
}

int objects_read_inline(struct storage *storage, uint64_t id, struct buffer *out,
                        struct error *error)
{
    struct statement select =
        statement_prepare(storage, "SELECT data FROM object_bodies WHERE id = ?");
    bind_uint(&select, id);
    int code = statement_step(&select, error);
    if (code == 1) {
        struct slice data = column_blob(&select, 0);
        code = buffer_append(out, data.data, data.size) ? no_memory(error) : 0;
    } else if (code == 0) {
        code = error_set(error, ERR_IO, "an object's body is missing from the database");
    }
    statement_reset(&select);
    return code;
}

/* What is currently stored under a key. `id` 0: nothing. */
struct current {
    bool bucket; /* it is there */
    struct object_content content;
    bool versioned;
    bool matches;  /* the ETag to compare */
    bool old_null; /* the null version is in the history */
};

static int find_current(struct storage *storage, int64_t bucket, const char *key, const char *etag,
                        struct current *current, struct error *error)
{
    struct statement select = statement_prepare(
        storage, "SELECT objects.id, blob, owner, etag, versioned_objects.id IS NOT NULL, "
                 "EXISTS (SELECT 1 FROM object_history WHERE bucket = ?1 AND key = ?2 "
                 "AND versioned = 0) FROM buckets "
                 "LEFT JOIN objects ON objects.bucket = buckets.id AND objects.key = ?2 "
                 "LEFT JOIN object_parts ON object_parts.id = objects.id "
                 "LEFT JOIN versioned_objects ON versioned_objects.id = objects.id "
                 "WHERE buckets.id = ?1");
    *current = (struct current){0};
    object_bind_name(&select, bucket, key);
    int code = statement_step(&select, error);
    if (code == 1) {
        const char *stored = column_text(&select, 3);
        current->content = object_content_read(&select);
        current->bucket = true;
        current->matches = etag && stored && strcmp(stored, etag) == 0;
        current->versioned = column_int(&select, 4) != 0;
        current->old_null = column_int(&select, 5) != 0;
        code = 0;
    }
    statement_reset(&select);
    return code;
}

static int check_condition(const struct object_condition *condition, const struct current *current,
                           struct error *error)
{
    if (condition->if_absent && current->content.id)
        return error_set(error, ERR_CONFLICT, "the object already exists");
    if (condition->if_match && !current->content.id)
        return error_set(error, ERR_NOT_FOUND, "the object does not exist");
    if (condition->if_match && !current->matches)
        return error_set(error, ERR_CONFLICT, "the object has another ETag");
    return 0;
}

struct object_content object_content_read(struct statement *row)
{
    return (struct object_content){
        .id = column_uint(row, 0),
        .blob = column_uint(row, 1),
        .owner = column_uint(row, 2),
    };
}

int object_content_drop(struct blobs *blobs, const struct object_content *content,
                        struct error *error)
{
    if (content->blob)
        return blob_drop(blobs, content->blob, error);
    if (!content->owner)
        return statement_execute_with(blobs->storage, "DELETE FROM object_bodies WHERE id = ?",
                                      content->id, error);
    int code = statement_execute_with(blobs->storage, "DELETE FROM object_parts WHERE id = ?",
                                      content->id, error);
    return code ? code : upload_parts_drop_all(blobs, content->owner, error);
}

static int remove_current(struct blobs *blobs, const struct current *current, struct error *error)
{
    uint64_t id = current->content.id;
    int code =
        statement_execute_with(blobs->storage, "DELETE FROM objects WHERE id = ?", id, error);
    if (code)
        return code;
    if (current->versioned)
        code = statement_execute_with(blobs->storage, "DELETE FROM versioned_objects WHERE id = ?",
                                      id, error);
    if (code)
        return code;
    return object_content_drop(blobs, &current->content, error);
}

/* Makes room for a new version, which has its own id or is the null version. */
static int retire_current(struct blobs *blobs, const struct current *current, bool versioned,
                          struct error *error)
{
    if (!current->content.id)
        return 0;
    if (versioned || current->versioned)
        return object_history_archive(blobs->storage, current->content.id, error);
    return remove_current(blobs, current, error);
}

static int check_bucket(const struct current *current, struct error *error)
{
    return current->bucket ? 0 : error_set(error, ERR_NO_CONTAINER, "the bucket no longer exists");
}

/* A new null version replaces the previous one, wherever that is. */
static int retire_null(struct blobs *blobs, int64_t bucket, const char *key,
                       const struct current *current, struct error *error)
{
    return current->old_null ? object_history_remove_null(blobs, bucket, key, error) : 0;
}

static int insert_row(struct storage *storage, int64_t bucket, const char *key,
                      const struct object *object, struct error *error)
{
    struct statement insert = statement_prepare(
        storage, "INSERT INTO objects (bucket, key, id, size, etag, modified, blob, content_type, "
                 "headers, tags, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    object_bind_name(&insert, bucket, key);
    bind_uint(&insert, object->id);
    bind_uint(&insert, object->size);
    bind_text(&insert, object->etag);
    bind_int(&insert, object->modified_ms);
    bind_uint(&insert, object->blob);
    bind_text(&insert, object->content_type);
    bind_text(&insert, object->headers);
    bind_text(&insert, object->tags);
    bind_text(&insert, object->checksum);
    return statement_execute(&insert, error);
}

static int insert_body(struct storage *storage, uint64_t id, struct slice body, struct error *error)
{
    struct statement insert =
        statement_prepare(storage, "INSERT INTO object_bodies (id, data) VALUES (?, ?)");
    bind_uint(&insert, id);
    bind_blob(&insert, body.data, body.size);
    return statement_execute(&insert, error);
}

static int insert_parts(struct storage *storage, uint64_t id, uint64_t owner, struct error *error)
{
    struct statement insert =
        statement_prepare(storage, "INSERT INTO object_parts (id, owner) VALUES (?, ?)");
    bind_uint(&insert, id);
    bind_uint(&insert, owner);
    return statement_execute(&insert, error);
}

static int insert_content(struct blobs *blobs, const struct object *object, struct slice body,
                          struct error *error)
{
    if (object->blob)
        return blob_keep(blobs, object->blob, error);
    if (object->owner)
        return insert_parts(blobs->storage, object->id, object->owner, error);
    return insert_body(blobs->storage, object->id, body, error);
}

static int mark_versioned(struct storage *storage, const struct object *object, struct error *error)
{
    if (!object->versioned)
        return 0;
    return statement_execute_with(storage, "INSERT INTO versioned_objects (id) VALUES (?)",
                                  object->id, error);
}

/* Checks that the object may be written, and retires the one that it replaces. */
static int make_room(struct blobs *blobs, int64_t bucket, const char *key, bool versioned,
                     const struct object_condition *condition, struct error *error)
{
    struct current current;
    int code = find_current(blobs->storage, bucket, key, condition->if_match, &current, error);
    if (code)
        return code;
    code = check_bucket(&current, error);
    if (code)
        return code;
    code = check_condition(condition, &current, error);
    if (code)
        return code;
    code = retire_current(blobs, &current, versioned, error);
    if (code || versioned)
        return code;
    return retire_null(blobs, bucket, key, &current, error);
}

int objects_put(struct blobs *blobs, int64_t bucket, const char *key, const struct object *object,
                struct slice body, const struct object_condition *condition, struct error *error)
{
    object_changes_note(&blobs->changes, bucket, key);
    int code = make_room(blobs, bucket, key, object->versioned, condition, error);
    if (code)
        return code;
    code = insert_row(blobs->storage, bucket, key, object, error);
    if (code)
        return code;
    code = mark_versioned(blobs->storage, object, error);
    return code ? code : insert_content(blobs, object, body, error);
}

/* Deleting. */

static int nothing_there(struct error *error)
{
    return error_set(error, ERR_NOT_FOUND, "the object does not exist");
}

static int add_marker(struct blobs *blobs, int64_t bucket, const char *key,
                      const struct current *current, struct object_removal *removal,
                      struct error *error)
{
    bool versioned = removal->versioning == VERSIONING_ENABLED;
    int code = check_bucket(current, error);
    if (code)
        return code;
    code = retire_current(blobs, current, versioned, error);
    if (code)
        return code;
    if (!versioned)
        code = retire_null(blobs, bucket, key, current, error);
    if (code)
        return code;
    removal->marker = true;
    return object_history_add_marker(blobs->storage, bucket, key, removal->number, versioned,
                                     removal->now_ms, error);
}

static bool is_version(const struct current *current, struct object_version version)
{
    if (!current->content.id)
        return false;
    return version.id ? current->versioned && current->content.id == version.id
                      : !current->versioned;
}

static int delete_version(struct blobs *blobs, int64_t bucket, const char *key,
                          const struct current *current, struct object_removal *removal,
                          struct error *error)
{
    int code =
        is_version(current, removal->version)
            ? remove_current(blobs, current, error)
            : object_history_remove(blobs, bucket, key, removal->version, &removal->marker, error);
    return code ? code : object_history_promote(blobs->storage, bucket, key, error);
}

static bool is_expected(const struct object *object, const struct object_expectation *expected)
{
    bool any = !expected->etag || strcmp(expected->etag, "*") == 0;
    return (any || (object->etag && strcmp(object->etag, expected->etag) == 0)) &&
           (!expected->has_size || object->size == expected->size) &&
           (!expected->has_modified || object->modified_ms / 1000 == expected->modified_s);
}

static int check_expected(struct storage *storage, int64_t bucket, const char *key,
                          const struct object_expectation *expected, struct error *error)
{
    struct object object;
    if (!expected)
        return 0;
    int code = objects_find(storage, bucket, key, &object, error);
    if (code)
        return code;
    if (object.marker)
        code = nothing_there(error);
    else if (!is_expected(&object, expected))
        code = error_set(error, ERR_CONFLICT, "the object is not the expected one");
    object_clear(&object);
    return code;
}

int objects_delete(struct blobs *blobs, int64_t bucket, const char *key,
                   struct object_removal *removal, struct error *error)
{
    struct current current;
    object_changes_note(&blobs->changes, bucket, key);
    removal->marker = false;
    int expected = check_expected(blobs->storage, bucket, key, removal->expected, error);
    if (expected)
        return expected;
    int code = find_current(blobs->storage, bucket, key, NULL, &current, error);
    if (code)
        return code;
    if (removal->newest && current.content.id != removal->newest)
        return nothing_there(error);
    if (removal->version.given)
        return delete_version(blobs, bucket, key, &current, removal, error);
    if (removal->versioning != VERSIONING_NONE)
        return add_marker(blobs, bucket, key, &current, removal, error);
    return current.content.id ? remove_current(blobs, &current, error) : nothing_there(error);
}

/* Versions. */

int objects_find_version(struct storage *storage, int64_t bucket, const char *key,
                         struct object_version version, struct object *object, struct error *error)
{
    int code = objects_find(storage, bucket, key, object, error);
    if (!code && version.given &&
        (version.id ? !object->versioned || object->id != version.id : object->versioned)) {
        object_clear(object);
        code = ERR_NOT_FOUND;
    }
    return code == ERR_NOT_FOUND ? object_history_find(storage, bucket, key, version, object, error)
                                 : code;
}

static int update_tags(struct storage *storage, const char *sql, uint64_t id, const char *tags,
                       bool *found, struct error *error)
{
    struct statement update = statement_prepare(storage, sql);
    bind_uint(&update, id);
    bind_text(&update, tags);
    int code = statement_execute(&update, error);
    *found = !code && statement_changes(&update);
    return code;
}

int objects_set_tags(struct blobs *blobs, int64_t bucket, const char *key,
                     struct object_version version, const char *tags, struct object *object,
                     struct error *error)
{
    struct storage *storage = blobs->storage;
    struct object found;
    bool current = true;
    object_changes_note(&blobs->changes, bucket, key);
    int code = objects_find_version(storage, bucket, key, version, &found, error);
    if (code)
        return code;
    if (found.marker && !version.given)
        code = nothing_there(error);
    else if (found.marker)
        code = error_set(error, ERR_UNSUPPORTED, "a delete marker has no tags");
    if (code)
        goto out;
    code = update_tags(storage, "UPDATE objects SET tags = ?2 WHERE id = ?1", found.id, tags,
                       &current, error);
    if (code)
        goto out;
    if (!current)
        code = update_tags(storage, "UPDATE object_history SET tags = ?2 WHERE id = ?1", found.id,
                           tags, &current, error);
out:
    if (object && !code)
        *object = found;
    else
        object_clear(&found);
    return code;
}

static int is_empty(struct storage *storage, const char *sql, int64_t bucket, struct error *error)
{
    struct statement select = statement_prepare(storage, sql);
    bind_int(&select, bucket);
    int code = statement_step(&select, error);
    statement_reset(&select);
    return code < 0 ? code : code == 0;
}

int objects_none(struct storage *storage, int64_t bucket, struct error *error)
{
    int empty = is_empty(storage, "SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", bucket, error);
    return empty != 1 ? empty
                      : is_empty(storage, "SELECT 1 FROM object_history WHERE bucket = ? LIMIT 1",
                                 bucket, error);
}
