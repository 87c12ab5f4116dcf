#include "photo_rows.h"

#include <stdlib.h>
#include <string.h>

#include "key_pattern.h"
#include "photo_colour.h"
#include "photo_db.h"
#include "photo_match.h"

/* What a layout shows may have changed, and with it a photo. */
static void change_note(struct photo_db *db)
{
    db->revision++;
    db->changes++;
}

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
static int recount(struct photo_db *db, int64_t photo, struct error *error)
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
    return recount(db, photo, error);
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
    change_note(db);
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
    change_note(db);
    return recount(db, id, error);
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
    change_note(db);
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

/* ---- outputs ---- */

struct output_place { /* a row of rendition that an object may fill */
    int64_t photo;
    size_t output;
};

enum { PLACES_MAX = 64 };

/* The rows with one of the hashes. */
static int places_find(struct photo_db *db, uint64_t hash, struct output_place *places,
                       size_t *count, struct error *error)
{
    struct statement select = database_prepare(
        &db->database, "SELECT photo, output FROM rendition WHERE hash = ? LIMIT 64");
    int code;
    bind_uint(&select, hash);
    while ((code = statement_step(&select, error)) > 0 && *count < PLACES_MAX)
        places[(*count)++] =
            (struct output_place){column_int(&select, 0), (size_t)column_int(&select, 1)};
    statement_reset(&select);
    return code < 0 ? code : 0;
}

/* Whether the object is that output of that photo, by its key. */
static int place_fits(struct photo_db *db, const struct output_place *place,
                      const struct seen_object *object, bool *fits, struct error *error)
{
    char *pattern = NULL;
    struct statement select = database_prepare(
        &db->database, "SELECT p.bucket, p.key, r.key FROM photo p JOIN rendition r ON r.photo = "
                       "p.id WHERE r.photo = ? AND r.output = ?");
    *fits = false;
    bind_int(&select, place->photo);
    bind_uint(&select, place->output);
    int code = statement_step(&select, error);
    if (code > 0 && place->output < db->config->output_count) {
        const char *bucket = column_text(&select, 0), *key = column_text(&select, 1);
        const char *known = column_text(&select, 2);
        const char *in = db->config->outputs[place->output].bucket;
        if (bucket && key && photo_config_key(db->config, place->output, bucket, key, &pattern))
            code = error_set(error, ERR_MEMORY, "out of memory");
        if (pattern && strcmp(in ? in : bucket, object->bucket) == 0)
            *fits = key_pattern_matches(pattern, object->key) ||
                    (known && strcmp(known, object->key) == 0);
        free(pattern);
    }
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int row_plain(struct photo_db *db, int64_t photo, struct error *error)
{
    return database_execute_with(&db->database, "UPDATE photo SET detailed = 0 WHERE id = ?",
                                 (uint64_t)photo, error);
}

/* The newest object stays: an earlier size of the photo may have left an output with another key. */
static int place_fill(struct photo_db *db, const struct output_place *place,
                      const struct seen_object *object, bool *changed, struct error *error)
{
    struct statement seen = database_prepare(
        &db->database,
        "UPDATE rendition SET seen = ? WHERE photo = ? AND output = ? AND key = ? AND "
        "size = ? AND modified / 1000 = ? / 1000");
    bind_int(&seen, db->generation);
    bind_int(&seen, place->photo);
    bind_uint(&seen, place->output);
    bind_text(&seen, object->key);
    bind_uint(&seen, object->size);
    bind_int(&seen, object->modified_ms);
    int code = statement_execute(&seen, error);
    if (code || statement_changes(&seen))
        return code;
    struct statement update = database_prepare(
        &db->database,
        "UPDATE rendition SET seen = ?1, width = CASE WHEN key = ?4 THEN width ELSE 0 END, height "
        "= "
        "CASE WHEN key = ?4 THEN height ELSE 0 END, key = ?4, size = ?5, modified = ?6 WHERE photo "
        "= "
        "?2 AND output = ?3 AND (key IS NULL OR key = ?4 OR modified <= ?6 OR seen < ?1)");
    bind_int(&update, db->generation);
    bind_int(&update, place->photo);
    bind_uint(&update, place->output);
    bind_text(&update, object->key);
    bind_uint(&update, object->size);
    bind_int(&update, object->modified_ms);
    code = statement_execute(&update, error);
    if (code)
        return code;
    if (!statement_changes(&update))
        return 0;
    *changed = true;
    db->changes++;
    code = row_plain(db, place->photo, error);
    return code ? code : recount(db, place->photo, error);
}

int row_output_seen(struct photo_db *db, const struct seen_object *output, int64_t *photo,
                    bool *changed, struct error *error)
{
    struct output_place places[PLACES_MAX];
    uint64_t hashes[PHOTO_MATCH_MAX];
    const size_t hash_count =
        photo_match_candidates(db->seed, output->bucket, output->key, db->config->numbered, hashes);
    size_t count = 0;
    *photo = 0;
    *changed = false;
    for (size_t i = 0; i < hash_count; i++) {
        const int code = places_find(db, hashes[i], places, &count, error);
        if (code)
            return code;
    }
    for (size_t i = 0; i < count; i++) {
        bool fits;
        int code = place_fits(db, &places[i], output, &fits, error);
        if (code)
            return code;
        if (!fits)
            continue;
        *photo = places[i].photo;
        code = place_fill(db, &places[i], output, changed, error);
        if (code)
            return code;
    }
    return 0;
}

int row_output_sized(struct photo_db *db, const char *bucket, const char *key, unsigned width,
                     unsigned height, struct error *error)
{
    uint64_t hashes[PHOTO_MATCH_MAX];
    const size_t count =
        photo_match_candidates(db->seed, bucket, key, db->config->numbered, hashes);
    for (size_t i = 0; i < count; i++) {
        struct statement update = database_prepare(
            &db->database, "UPDATE rendition SET width = ?1, height = ?2 WHERE hash = ?3 AND key = "
                           "?4 AND (width <> ?1 OR height <> ?2)");
        bind_uint(&update, width);
        bind_uint(&update, height);
        bind_uint(&update, hashes[i]);
        bind_text(&update, key);
        const int code = statement_execute(&update, error);
        if (code)
            return code;
        db->changes += statement_changes(&update) > 0;
    }
    return 0;
}

static int output_pass(struct photo_db *db, const struct statement *row, const char *bucket,
                       const char *key, each_output *each, void *user)
{
    char *pattern = NULL;
    const size_t output = (size_t)column_int(row, 0);
    if (output >= db->config->output_count)
        return 0;
    const char *in = db->config->outputs[output].bucket;
    int code = photo_config_key(db->config, output, bucket, key, &pattern);
    if (!code && pattern)
        code = each(&(struct expected_output){.output = output,
                                              .bucket = in ? in : bucket,
                                              .key = column_text(row, 1),
                                              .pattern = pattern,
                                              .width = (unsigned)column_uint(row, 2),
                                              .stale = column_int(row, 3) != 0},
                    user);
    free(pattern);
    return code;
}

int row_each_output(struct photo_db *db, const char *bucket, const char *key, each_output *each,
                    void *user, struct error *error)
{
    int code;
    struct statement select = database_prepare(
        &db->database,
        "SELECT r.output, r.key, r.width, r.key IS NULL OR r.modified / 1000 < p.modified / 1000 "
        "FROM "
        "photo p JOIN rendition r ON r.photo = p.id WHERE p.bucket = ? AND p.key = ? ORDER BY "
        "r.output");
    bind_text(&select, bucket);
    bind_text(&select, key);
    while ((code = statement_step(&select, error)) > 0) {
        code = output_pass(db, &select, bucket, key, each, user);
        if (code) {
            error_set(error, code, "the outputs of a photo could not be found (%s)",
                      error_name(code));
            break;
        }
    }
    statement_reset(&select);
    return code;
}

int row_is_output(struct photo_db *db, const char *bucket, const char *key, bool *is,
                  struct error *error)
{
    uint64_t hashes[PHOTO_MATCH_MAX];
    const size_t count =
        photo_match_candidates(db->seed, bucket, key, db->config->numbered, hashes);
    int code = 0;
    *is = false;
    for (size_t i = 0; i < count && !*is && code >= 0; i++) {
        struct statement select =
            database_prepare(&db->database, "SELECT 1 FROM rendition WHERE hash = ? AND key = ?");
        bind_uint(&select, hashes[i]);
        bind_text(&select, key);
        code = statement_step(&select, error);
        *is = code > 0;
        statement_reset(&select);
    }
    return code < 0 ? code : 0;
}

/* ---- details ---- */

static int size_set(struct photo_db *db, int64_t photo, unsigned width, unsigned height,
                    struct error *error)
{
    struct statement update = database_prepare(
        &db->database, "UPDATE photo SET width = ?1, height = ?2 WHERE id = ?3 AND (width <> ?1 OR "
                       "height <> ?2)");
    bind_uint(&update, width);
    bind_uint(&update, height);
    bind_int(&update, photo);
    const int code = statement_execute(&update, error);
    if (!code && statement_changes(&update))
        change_note(db);
    return code;
}

static int colour_set(struct photo_db *db, int64_t photo, const char *colour, struct error *error)
{
    struct lab_colour lab;
    if (!photo_colour_read(colour, &lab))
        return 0;
    /* hundredths, since the binder has integers */
    struct statement update = database_prepare(
        &db->database, "UPDATE photo SET colour = ?1, lightness = ?2 / 100.0, green_red = ?3 / "
                       "100.0, blue_yellow = ?4 / 100.0 WHERE id = ?5 AND colour IS NOT ?1");
    bind_text(&update, colour);
    bind_int(&update, (int64_t)(lab.lightness * 100));
    bind_int(&update, (int64_t)(lab.green_red * 100));
    bind_int(&update, (int64_t)(lab.blue_yellow * 100));
    bind_int(&update, photo);
    const int code = statement_execute(&update, error);
    if (!code && statement_changes(&update))
        change_note(db);
    return code;
}

static int thumbhash_set(struct photo_db *db, int64_t photo, const char *thumbhash,
                         struct error *error)
{
    struct statement update =
        database_prepare(&db->database, "UPDATE photo SET thumbhash = ? WHERE id = ?");
    bind_text(&update, thumbhash);
    bind_int(&update, photo);
    return statement_execute(&update, error);
}

/* The name of the colour that covers most of it is a substitute for a measured one. */
static int colour_of_tags(struct photo_db *db, int64_t photo, const struct photo_details *details,
                          struct error *error)
{
    for (size_t i = 0; i < details->tag_count; i++) {
        const struct object_pair *tag = &details->tags[i];
        if (strcmp(tag->name, "Dominant Colour") != 0 || !photo_colour_named(tag->value))
            continue;
        struct statement select = database_prepare(
            &db->database, "SELECT 1 FROM photo WHERE id = ? AND colour IS NOT NULL");
        bind_int(&select, photo);
        const int known = statement_step(&select, error);
        statement_reset(&select);
        return known ? (known < 0 ? known : 0)
                     : colour_set(db, photo, photo_colour_named(tag->value), error);
    }
    return 0;
}

static bool tag_is(const struct statement *row, const struct object_pair *tag)
{
    const char *name = column_text(row, 0), *value = column_text(row, 1);
    return name && value && strcmp(name, tag->name) == 0 && strcmp(value, tag->value) == 0;
}

static int tags_compare(struct photo_db *db, int64_t photo, const struct photo_details *details,
                        bool *same, struct error *error)
{
    struct statement select = database_prepare(
        &db->database, "SELECT name, value FROM tag WHERE photo = ? ORDER BY place, name");
    size_t count = 0;
    int code;
    *same = true;
    bind_int(&select, photo);
    for (; (code = statement_step(&select, error)) > 0; count++)
        *same = *same && count < details->tag_count && tag_is(&select, &details->tags[count]);
    *same = *same && count == details->tag_count;
    statement_reset(&select);
    return code;
}

static int tags_set(struct photo_db *db, int64_t photo, const struct photo_details *details,
                    struct error *error)
{
    bool same;
    int code = tags_compare(db, photo, details, &same, error);
    if (code || same)
        return code;
    code = database_execute_with(&db->database, "DELETE FROM tag WHERE photo = ?", (uint64_t)photo,
                                 error);
    for (size_t i = 0; !code && i < details->tag_count; i++) {
        struct statement insert = database_prepare(
            &db->database,
            "INSERT OR REPLACE INTO tag (photo, name, value, place) VALUES (?, ?, ?, ?)");
        bind_int(&insert, photo);
        bind_text(&insert, details->tags[i].name);
        bind_text(&insert, details->tags[i].value);
        bind_uint(&insert, i);
        code = statement_execute(&insert, error);
    }
    if (code)
        return code;
    change_note(db);
    return colour_of_tags(db, photo, details, error);
}

static int looks_set(struct photo_db *db, int64_t photo, const struct photo_details *details,
                     struct error *error)
{
    int code = 0;
    if (details->width && details->height)
        code = size_set(db, photo, details->width, details->height, error);
    if (code)
        return code;
    if (details->colour && *details->colour)
        code = colour_set(db, photo, details->colour, error);
    if (code || !details->thumbhash || !*details->thumbhash)
        return code;
    return thumbhash_set(db, photo, details->thumbhash, error);
}

int row_details(struct photo_db *db, int64_t photo, const struct photo_details *details,
                struct error *error)
{
    int code = looks_set(db, photo, details, error);
    if (code)
        return code;
    if (details->tags)
        code = tags_set(db, photo, details, error);
    if (code || !details->complete)
        return code;
    return database_execute_with(&db->database, "UPDATE photo SET detailed = 1 WHERE id = ?",
                                 (uint64_t)photo, error);
}

/* ---- states ---- */

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
        change_note(db);
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
