/* Sizes, colours and tags of photos in the index. */
#include <string.h>

#include "photo_colour.h"
#include "photo_db.h"
#include "photo_rows.h"

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
        photo_db_changed(db);
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
        photo_db_changed(db);
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
    photo_db_changed(db);
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
