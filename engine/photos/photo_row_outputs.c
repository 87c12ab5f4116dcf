/* The outputs of photos in the index. */
#include <stdlib.h>
#include <string.h>

#include "key_pattern.h"
#include "photo_db.h"
#include "photo_match.h"
#include "photo_rows.h"

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
    return code ? code : row_recount(db, place->photo, error);
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

/* ---- outputs whose extension was not known before ---- */

struct output_adoption {
    const struct seen_object *output;
    size_t number;
    bool found;
};

static size_t stem_size(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? (size_t)(dot - key) : strlen(key);
}

static int output_compare(const struct expected_output *expected, void *user)
{
    struct output_adoption *adoption = user;
    const struct seen_object *output = adoption->output;
    const size_t stem = stem_size(output->key);
    if (adoption->found || !expected->stale || strcmp(expected->bucket, output->bucket) != 0 ||
        stem_size(expected->pattern) != stem || strncmp(expected->pattern, output->key, stem) != 0)
        return 0;
    adoption->found = true;
    adoption->number = expected->output;
    return 0;
}

int row_output_adopt(struct photo_db *db, const struct seen_object *output,
                     const char *photo_bucket, const char *photo_key, bool *adopted,
                     struct error *error)
{
    struct output_adoption adoption = {.output = output};
    int64_t photo;
    int code = row_each_output(db, photo_bucket, photo_key, output_compare, &adoption, error);
    *adopted = !code && adoption.found;
    if (!*adopted)
        return code;
    code = row_find(db, photo_bucket, photo_key, &photo, error);
    if (code)
        return code;
    struct statement update = database_prepare(
        &db->database, "UPDATE rendition SET hash = ?, key = ?, modified = 0 WHERE photo = ? AND "
                       "output = ?");
    bind_uint(&update, photo_match_hash(db->seed, output->bucket, output->key));
    bind_text(&update, output->key);
    bind_int(&update, photo);
    bind_uint(&update, adoption.number);
    return statement_execute(&update, error);
}
