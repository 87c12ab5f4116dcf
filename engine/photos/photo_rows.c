#include "photo_rows.h"

#include <stdlib.h>
#include <string.h>

#include "photo_db.h"
#include "photo_match.h"

/* ---- photos ---- */

static const char *name_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

/* In lower case, as far as that is ASCII. */
static char *folded(const char *name)
{
    char *text = strdup(name);
    for (char *c = text; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    return text;
}

/* How many outputs are missing, or older than the photo. In seconds, as Last-Modified is. */
int row_recount(struct photo_db *db, int64_t photo, struct error *error)
{
    struct statement update = database_prepare(
        &db->database,
        "UPDATE photo SET missing = (SELECT count(*) FROM rendition WHERE photo = photo.id AND "
        "(key "
        "IS NULL OR rendition.modified / 1000 < photo.modified / 1000)), expected = (SELECT "
        "count(*) FROM rendition WHERE photo = photo.id) WHERE id = ?");
    bind_int(&update, photo);
    return statement_execute(&update, error);
}

static int expected_add(struct photo_db *db, int64_t photo, size_t output, const char *bucket,
                        const char *pattern, struct error *error)
{
    const char *in = db->config->outputs[output].bucket;
    struct statement insert = database_prepare(
        &db->database, "INSERT OR REPLACE INTO rendition (photo, output, hash) VALUES (?, ?, ?)");
    bind_int(&insert, photo);
    bind_uint(&insert, output);
    bind_uint(&insert, photo_match_hash(db->seed, in ? in : bucket, pattern));
    return statement_execute(&insert, error);
}

static int outputs_expect(struct photo_db *db, int64_t photo, const char *bucket, const char *key,
                          struct error *error)
{
    for (size_t i = 0; i < db->config->output_count; i++) {
        char *pattern = NULL;
        if (photo_config_key(db->config, i, bucket, key, &pattern))
            return error_set(error, ERR_MEMORY, "out of memory");
        const int code = pattern ? expected_add(db, photo, i, bucket, pattern, error) : 0;
        free(pattern);
        if (code)
            return code;
    }
    return row_recount(db, photo, error);
}

static int photo_insert(struct photo_db *db, const struct seen_object *photo, struct error *error)
{
    char *fold = folded(name_of(photo->key));
    if (!fold)
        return error_set(error, ERR_MEMORY, "out of memory");
    struct statement insert = database_prepare(
        &db->database, "INSERT INTO photo (bucket, key, name, folded, size, modified, etag, seen) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bind_text(&insert, photo->bucket);
    bind_text(&insert, photo->key);
    bind_text(&insert, name_of(photo->key));
    bind_text(&insert, fold);
    bind_uint(&insert, photo->size);
    bind_int(&insert, photo->modified_ms);
    bind_text(&insert, photo->etag ? photo->etag : "");
    bind_int(&insert, db->generation);
    const int code = statement_execute(&insert, error);
    free(fold);
    if (code)
        return code;
    photo_db_changed(db);
    return outputs_expect(db, statement_row_id(&insert), photo->bucket, photo->key, error);
}

/* What is known of a photo only from its event has no ETag yet; it is not another photo then. */
static int photo_replace(struct photo_db *db, int64_t id, const struct seen_object *photo,
                         struct error *error)
{
    struct statement update = database_prepare(
        &db->database,
        "UPDATE photo SET size = ?1, modified = ?2, reason = CASE WHEN etag = '' THEN "
        "reason END, detail = CASE WHEN etag = '' THEN detail END, etag = "
        "coalesce(?3, etag), seen = ?4, detailed = 0 WHERE id = ?5");
    bind_uint(&update, photo->size);
    bind_int(&update, photo->modified_ms);
    bind_text(&update, photo->etag);
    bind_int(&update, db->generation);
    bind_int(&update, id);
    const int code = statement_execute(&update, error);
    if (code)
        return code;
    photo_db_changed(db);
    return row_recount(db, id, error);
}

static int mark_seen(struct photo_db *db, int64_t id, struct error *error)
{
    struct statement update =
        database_prepare(&db->database, "UPDATE photo SET seen = ? WHERE id = ? AND seen <> ?1");
    bind_int(&update, db->generation);
    bind_int(&update, id);
    return statement_execute(&update, error);
}

/* Of the times, seconds count: a listing may have milliseconds where a HEAD has none. */
static bool differs(const struct statement *row, const struct seen_object *photo)
{
    const char *etag = column_text(row, 3);
    return column_uint(row, 1) != photo->size ||
           column_int(row, 2) / 1000 != photo->modified_ms / 1000 ||
           (photo->etag && etag && strcmp(photo->etag, etag) != 0);
}

int row_photo_seen(struct photo_db *db, const struct seen_object *photo, enum row_change *change,
                   struct error *error)
{
    struct statement select =
        database_prepare(&db->database, "SELECT id, size, modified, etag FROM photo WHERE bucket = "
                                        "? AND key = ?");
    bind_text(&select, photo->bucket);
    bind_text(&select, photo->key);
    const int found = statement_step(&select, error);
    const int64_t id = found > 0 ? column_int(&select, 0) : 0;
    *change = found > 0 ? differs(&select, photo) ? ROW_CHANGED : ROW_SAME : ROW_NEW;
    statement_reset(&select);
    if (found < 0)
        return found;
    if (*change == ROW_NEW)
        return photo_insert(db, photo, error);
    return *change == ROW_SAME ? mark_seen(db, id, error) : photo_replace(db, id, photo, error);
}

int row_find(struct photo_db *db, const char *bucket, const char *key, int64_t *id,
             struct error *error)
{
    struct statement select =
        database_prepare(&db->database, "SELECT id FROM photo WHERE bucket = ? AND key = ?");
    bind_text(&select, bucket);
    bind_text(&select, key);
    const int code = statement_step(&select, error);
    *id = code > 0 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

static int photo_delete(struct photo_db *db, int64_t id, struct error *error)
{
    int code = database_execute_with(&db->database, "DELETE FROM rendition WHERE photo = ?",
                                     (uint64_t)id, error);
    if (code)
        return code;
    code = database_execute_with(&db->database, "DELETE FROM tag WHERE photo = ?", (uint64_t)id,
                                 error);
    if (code)
        return code;
    photo_db_changed(db);
    return database_execute_with(&db->database, "DELETE FROM photo WHERE id = ?", (uint64_t)id,
                                 error);
}

int row_photo_gone(struct photo_db *db, const char *bucket, const char *key, bool *removed,
                   struct error *error)
{
    int64_t id;
    const int code = row_find(db, bucket, key, &id, error);
    *removed = !code && id;
    return *removed ? photo_delete(db, id, error) : code;
}

/* ---- states ---- */

int row_plain(struct photo_db *db, int64_t photo, struct error *error)
{
    return database_execute_with(&db->database, "UPDATE photo SET detailed = 0 WHERE id = ?",
                                 (uint64_t)photo, error);
}

int row_live(struct photo_db *db, int64_t photo, enum photo_live live, struct error *error)
{
    struct statement update =
        database_prepare(&db->database, "UPDATE photo SET live = ? WHERE id = ?");
    bind_int(&update, live);
    bind_int(&update, photo);
    return statement_execute(&update, error);
}

int row_reason(struct photo_db *db, int64_t photo, const char *reason, const char *detail,
               struct error *error)
{
    struct statement update =
        database_prepare(&db->database, "UPDATE photo SET reason = ?, detail = ? WHERE id = ?");
    bind_text(&update, reason);
    bind_text(&update, reason ? detail : NULL);
    bind_int(&update, photo);
    return statement_execute(&update, error);
}

int row_hide(struct photo_db *db, const char *bucket, const char *key, bool hide, bool *found,
             struct error *error)
{
    struct statement update = database_prepare(
        &db->database, "UPDATE photo SET hidden = ?1 WHERE bucket = ?2 AND key = ?3 "
                       "AND hidden <> ?1");
    bind_int(&update, hide);
    bind_text(&update, bucket);
    bind_text(&update, key);
    const int code = statement_execute(&update, error);
    *found = !code && statement_changes(&update) > 0;
    if (*found)
        photo_db_changed(db);
    return code;
}

/* ---- the end of a scan ---- */

struct stale_photo {
    int64_t id;
    char *bucket, *key;
};

static int stale_find(struct photo_db *db, unsigned max, struct stale_photo *stale, size_t *count,
                      struct error *error)
{
    struct statement select =
        database_prepare(&db->database, "SELECT id, bucket, key FROM photo WHERE seen < ? LIMIT ?");
    int code;
    bind_int(&select, db->generation);
    bind_uint(&select, max);
    while ((code = statement_step(&select, error)) > 0 && *count < max)
        stale[(*count)++] = (struct stale_photo){column_int(&select, 0), column_dup(&select, 1),
                                                 column_dup(&select, 2)};
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int row_sweep_photos(struct photo_db *db, unsigned max, row_gone *gone, void *user, bool *more,
                     struct error *error)
{
    struct stale_photo *stale = calloc(max, sizeof *stale);
    size_t count = 0;
    *more = false;
    if (!stale)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = stale_find(db, max, stale, &count, error);
    for (size_t i = 0; i < count; i++) {
        if (!code)
            code = photo_delete(db, stale[i].id, error);
        if (!code && stale[i].bucket && stale[i].key)
            gone(stale[i].bucket, stale[i].key, user);
        free(stale[i].bucket);
        free(stale[i].key);
    }
    free(stale);
    *more = !code && count == max;
    return code;
}

int row_sweep_outputs(struct photo_db *db, struct error *error)
{
    struct statement count = database_prepare(
        &db->database,
        "UPDATE photo SET missing = (SELECT count(*) FROM rendition r WHERE r.photo = photo.id AND "
        "(r.key IS NULL OR r.seen < ?1 OR r.modified / 1000 < photo.modified / 1000)) WHERE id IN "
        "(SELECT photo FROM rendition WHERE key IS NOT NULL AND seen < ?1)");
    struct statement update = database_prepare(
        &db->database,
        "UPDATE rendition SET key = NULL, size = 0, modified = 0, width = 0, height = "
        "0 WHERE key IS NOT NULL AND seen < ?");
    bind_int(&count, db->generation);
    bind_int(&update, db->generation);
    const int code = statement_execute(&count, error);
    return code ? code : statement_execute(&update, error);
}
