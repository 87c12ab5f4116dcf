#include "photo_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "label_document.h"
#include "photo_db.h"

/* ---- SQL ---- */

#define STATE                                                                                      \
    "CASE WHEN live = 1 THEN 'working' WHEN live = 2 THEN 'retrying' WHEN missing = 0 THEN "       \
    "'done' "                                                                                      \
    "WHEN reason IS NOT NULL THEN 'rejected' ELSE 'waiting' END"

/* ?1 words, ?2 tags, ?3 from, ?4 to, ?5 state, ?6 to ?8 the colour in hundredths (NULL: any). How much
 * lightness may differ counts less than the hue. A tag with a colon is looked for as a whole and as
 * name and value. */
#define FILTER                                                                                     \
    " FROM photo WHERE hidden = 0 AND (?1 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?1) w "   \
    "WHERE instr(folded, w.value) = 0)) AND (?2 IS NULL OR NOT EXISTS (SELECT 1 FROM "             \
    "json_each(?2) "                                                                               \
    "t WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.photo = photo.id AND (tag.name = "            \
    "json_extract(t.value, '$[0]') OR (tag.name = json_extract(t.value, '$[1]') AND tag.value = "  \
    "json_extract(t.value, '$[2]')))))) AND (?3 = 0 OR modified >= ?3) AND (?4 = 0 OR modified < " \
    "?4) AND (?5 IS NULL OR ?5 = " STATE                                                           \
    ") AND (?6 IS NULL OR (lightness - ?6 / 100.0) * (lightness "                                  \
    "- ?6 / 100.0) / 4 + (green_red - ?7 / 100.0) * (green_red - ?7 / 100.0) + (blue_yellow - ?8 " \
    "/ "                                                                                           \
    "100.0) * (blue_yellow - ?8 / 100.0) < 26 * 26)"

#define NEWEST " ORDER BY modified DESC, id DESC"
#define OLDEST " ORDER BY modified, id"
#define NAME   " ORDER BY folded, id"

#define LAYOUT "SELECT width, height"
#define PAGE                                                                                       \
    "SELECT id, bucket, key, name, size, modified, width, height, " STATE                          \
    ", reason, detail, colour, thumbhash, expected, missing"

static struct statement filtered(struct photo_db *db, const struct photo_filter *filter,
                                 const char *sql)
{
    struct statement select = database_prepare(&db->database, sql);
    bind_text(&select, filter->words);
    bind_text(&select, filter->tags);
    bind_int(&select, filter->from_ms);
    bind_int(&select, filter->to_ms);
    bind_text(&select, *filter->state ? filter->state : NULL);
    if (filter->coloured) {
        bind_int(&select, (int64_t)(filter->colour.lightness * 100));
        bind_int(&select, (int64_t)(filter->colour.green_red * 100));
        bind_int(&select, (int64_t)(filter->colour.blue_yellow * 100));
    } else {
        for (int i = 0; i < 3; i++)
            bind_null(&select);
    }
    return select;
}

/* ---- the layout ---- */

unsigned char query_aspect(unsigned width, unsigned height)
{
    const double aspect = width && height ? (double)width / height : 1.5;
    const double code = round(64 * log2(aspect) / 3) + 128;
    return (unsigned char)fmin(fmax(code, 0), 255);
}

int query_layout(struct photo_db *db, const struct photo_filter *filter, struct buffer *aspects,
                 struct error *error)
{
    static const char *const sql[] = {[SORT_NEWEST] = LAYOUT FILTER NEWEST,
                                      [SORT_OLDEST] = LAYOUT FILTER OLDEST,
                                      [SORT_NAME] = LAYOUT FILTER NAME};
    struct statement select = filtered(db, filter, sql[filter->sort]);
    int code;
    while ((code = statement_step(&select, error)) > 0)
        buffer_byte(aspects, (char)query_aspect((unsigned)column_uint(&select, 0),
                                                (unsigned)column_uint(&select, 1)));
    statement_reset(&select);
    if (code < 0)
        return code;
    return aspects->error ? error_set(error, aspects->error, "there are too many photos to show")
                          : 0;
}

/* ---- renditions and tags ---- */

static const char *format_of(const char *key)
{
    static const char *const formats[][2] = {
        {"jpg", "jpeg"},  {"jpeg", "jpeg"}, {"png", "png"},  {"webp", "webp"},
        {"avif", "avif"}, {"gif", "gif"},   {"tif", "tiff"}, {"tiff", "tiff"},
        {"heic", "heif"}, {"heif", "heif"}, {"jxl", "jxl"},
    };
    const char *dot = strrchr(key, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++) {
        if (strcasecmp(dot + 1, formats[i][0]) == 0)
            return formats[i][1];
    }
    return "";
}

/* Whether browsers show it. */
static bool is_shown(const char *format)
{
    static const char *const shown[] = {"jpeg", "png", "webp", "avif", "gif"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (strcmp(shown[i], format) == 0)
            return true;
    }
    return false;
}

enum { THUMB_HEIGHT = 240 }; /* pixels that are enough for the grid */

/* The smallest rendition that is high enough, or else the highest one; one whose size is not known
 * only if there is no other. */
static bool is_better(json_int_t height, json_int_t than)
{
    if (than >= THUMB_HEIGHT)
        return height >= THUMB_HEIGHT && height < than;
    return height > than;
}

static json_t *rendition_json(const struct statement *row, const struct photo_output *output,
                              const char *photo_bucket)
{
    const char *key = column_text(row, 1);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I}", "pipeline", output->name, "bucket",
                     output->bucket ? output->bucket : photo_bucket, "key", key ? key : "", "width",
                     (json_int_t)column_int(row, 4), "height", (json_int_t)column_int(row, 5),
                     "bytes", (json_int_t)column_int(row, 2), "format", format_of(key ? key : ""),
                     "modified", (json_int_t)column_int(row, 3));
}

static void shown_choose(json_t *photo, const json_t *rendition, json_int_t *height)
{
    const json_int_t of_this = json_integer_value(json_object_get(rendition, "height"));
    if (!is_shown(json_string_value(json_object_get(rendition, "format"))) ||
        !(*height < 0 || is_better(of_this, *height)))
        return;
    *height = of_this;
    json_object_set_new(photo, "shown",
                        json_pack("{s:O, s:O}", "bucket", json_object_get(rendition, "bucket"),
                                  "key", json_object_get(rendition, "key")));
}

/* Adds the renditions that are there, and how many there will be. */
static int renditions_add(struct photo_db *db, int64_t id, const char *bucket, json_t *photo,
                          struct error *error)
{
    json_t *list = json_array();
    json_int_t expected = 0, height = -1;
    struct statement select = database_prepare(
        &db->database,
        "SELECT output, key, size, modified, width, height FROM rendition WHERE photo "
        "= ? ORDER BY output");
    int code;
    bind_int(&select, id);
    while ((code = statement_step(&select, error)) > 0) {
        const size_t output = (size_t)column_int(&select, 0);
        if (output >= db->config->output_count ||
            db->config->outputs[output].kind != PHOTO_RENDITION)
            continue;
        expected++;
        if (column_null(&select, 1))
            continue;
        json_t *rendition = rendition_json(&select, &db->config->outputs[output], bucket);
        shown_choose(photo, rendition, &height);
        json_array_append_new(list, rendition);
    }
    statement_reset(&select);
    json_object_set_new(photo, "renditions", list);
    json_object_set_new(photo, "expected", json_integer(expected));
    return code < 0 ? code : 0;
}

static int tags_add(struct photo_db *db, int64_t id, json_t *photo, struct error *error)
{
    json_t *list = json_array();
    struct statement select = database_prepare(
        &db->database, "SELECT name, value FROM tag WHERE photo = ? ORDER BY place");
    int code;
    bind_int(&select, id);
    while ((code = statement_step(&select, error)) > 0) {
        const char *name = column_text(&select, 0), *value = column_text(&select, 1);
        const bool label = label_tag_is_label(name ? name : "", value ? value : "");
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", name ? name : "", "value",
                                        value ? value : "", "by", label ? "labeler" : "person"));
    }
    statement_reset(&select);
    json_object_set_new(photo, "tags", list);
    return code < 0 ? code : 0;
}

/* ---- photos ---- */

static json_t *text_json(const struct statement *row, int column)
{
    const char *text = column_text(row, column);
    return text ? json_string(text) : json_null();
}

static json_t *photo_json(const struct statement *row)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:n}", "bucket",
                     text_json(row, 1), "key", text_json(row, 2), "name", text_json(row, 3), "size",
                     (json_int_t)column_int(row, 4), "modified", (json_int_t)column_int(row, 5),
                     "width", (json_int_t)column_int(row, 6), "height",
                     (json_int_t)column_int(row, 7), "state", text_json(row, 8), "reason",
                     text_json(row, 9), "detail", text_json(row, 10), "colour", text_json(row, 11),
                     "thumbhash", text_json(row, 12), "stage");
}

/* Adds what is in other tables. The row's own statement may be stepped on. */
static int photo_complete(struct photo_db *db, int64_t id, json_t *photo, struct error *error)
{
    const char *bucket = json_string_value(json_object_get(photo, "bucket"));
    const int code = renditions_add(db, id, bucket ? bucket : "", photo, error);
    return code ? code : tags_add(db, id, photo, error);
}

int query_page(struct photo_db *db, const struct photo_filter *filter, int64_t first, int64_t count,
               json_t **photos, struct error *error)
{
    static const char *const sql[] = {[SORT_NEWEST] = PAGE FILTER NEWEST " LIMIT ?9 OFFSET ?10",
                                      [SORT_OLDEST] = PAGE FILTER OLDEST " LIMIT ?9 OFFSET ?10",
                                      [SORT_NAME] = PAGE FILTER NAME " LIMIT ?9 OFFSET ?10"};
    struct statement select = filtered(db, filter, sql[filter->sort]);
    json_t *list = json_array();
    int code;
    bind_int(&select, count);
    bind_int(&select, first);
    while ((code = statement_step(&select, error)) > 0) {
        json_t *photo = photo_json(&select);
        code = photo ? photo_complete(db, column_int(&select, 0), photo, error)
                     : error_set(error, ERR_MEMORY, "out of memory");
        if (json_array_append_new(list, photo) && !code)
            code = error_set(error, ERR_MEMORY, "out of memory");
        if (code)
            break;
    }
    statement_reset(&select);
    if (code)
        json_decref(list);
    *photos = code ? NULL : list;
    return code;
}

int query_photo(struct photo_db *db, const char *bucket, const char *key, json_t **photo,
                struct error *error)
{
    struct statement select = database_prepare(
        &db->database, PAGE " FROM photo WHERE bucket = ? AND key = ? AND hidden = 0");
    bind_text(&select, bucket);
    bind_text(&select, key);
    *photo = NULL;
    int code = statement_step(&select, error);
    if (code > 0) {
        *photo = photo_json(&select);
        code = *photo ? photo_complete(db, column_int(&select, 0), *photo, error)
                      : error_set(error, ERR_MEMORY, "out of memory");
    }
    statement_reset(&select);
    if (code) {
        json_decref(*photo);
        *photo = NULL;
    }
    return code;
}

int query_count(struct photo_db *db, const struct photo_filter *filter, int64_t *count,
                struct error *error)
{
    struct statement select = filtered(db, filter, "SELECT count(*)" FILTER);
    const int code = statement_step(&select, error);
    *count = code > 0 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int query_total(struct photo_db *db, int64_t *total, struct error *error)
{
    struct statement select =
        database_prepare(&db->database, "SELECT count(*) FROM photo WHERE hidden = 0");
    const int code = statement_step(&select, error);
    *total = code > 0 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int query_tags(struct photo_db *db, unsigned max, json_t **tags, struct error *error)
{
    struct statement select = database_prepare(
        &db->database, "SELECT name, CASE WHEN value GLOB '*[0-9].[0-9]' THEN '' ELSE value END AS "
                       "shown, count(*) FROM tag GROUP BY name, shown ORDER BY count(*) DESC, name "
                       "LIMIT ?");
    json_t *list = json_array();
    int code;
    bind_uint(&select, max);
    while ((code = statement_step(&select, error)) > 0) {
        const char *name = column_text(&select, 0), *value = column_text(&select, 1);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "name", name ? name : "", "value",
                                              value ? value : "", "count",
                                              (json_int_t)column_int(&select, 2)));
    }
    statement_reset(&select);
    if (code < 0)
        json_decref(list);
    *tags = code < 0 ? NULL : list;
    return code < 0 ? code : 0;
}
