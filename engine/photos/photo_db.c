#include "photo_db.h"

#include <string.h>

#include "id_table.h"
#include "wall_clock.h"

enum { FORMAT = 1 };

/* photo: colours are in CIELAB; live: enum photo_live; missing: outputs that are not there or older
 * than the photo; detailed: its tags and sizes have been read; seen: the generation of the last
 * scan that found it. rendition: the outputs that are expected; key: NULL until it is found. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    "CREATE TABLE IF NOT EXISTS photo (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL,"
    "    key TEXT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL, size INTEGER NOT NULL,"
    "    modified INTEGER NOT NULL, etag TEXT NOT NULL, width INTEGER NOT NULL DEFAULT 0,"
    "    height INTEGER NOT NULL DEFAULT 0, colour TEXT, lightness REAL, green_red REAL,"
    "    blue_yellow REAL, thumbhash TEXT, expected INTEGER NOT NULL DEFAULT 0,"
    "    missing INTEGER NOT NULL DEFAULT 0, reason TEXT, detail TEXT,"
    "    live INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0,"
    "    detailed INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL, UNIQUE (bucket, key));"
    "CREATE INDEX IF NOT EXISTS photo_modified ON photo (modified, id);"
    "CREATE INDEX IF NOT EXISTS photo_folded ON photo (folded, id);"
    "CREATE INDEX IF NOT EXISTS photo_plain ON photo (modified) WHERE detailed = 0;"

    "CREATE TABLE IF NOT EXISTS rendition (photo INTEGER NOT NULL, output INTEGER NOT NULL,"
    "    hash INTEGER NOT NULL, key TEXT, size INTEGER NOT NULL DEFAULT 0,"
    "    modified INTEGER NOT NULL DEFAULT 0, width INTEGER NOT NULL DEFAULT 0,"
    "    height INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL DEFAULT 0,"
    "    PRIMARY KEY (photo, output)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS rendition_hash ON rendition (hash);"

    "CREATE TABLE IF NOT EXISTS tag (photo INTEGER NOT NULL, name TEXT NOT NULL,"
    "    value TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (photo, name)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS tag_name ON tag (name, value);";

void photo_db_changed(struct photo_db *db)
{
    db->revision++;
    db->changes++;
}

int photo_db_get(struct photo_db *db, const char *name, int64_t *value, struct error *error)
{
    struct statement select =
        database_prepare(&db->database, "SELECT value FROM meta WHERE name = ?");
    bind_text(&select, name);
    const int code = statement_step(&select, error);
    *value = code > 0 ? column_int(&select, 0) : 0;
    statement_reset(&select);
    return code < 0 ? code : 0;
}

int photo_db_set(struct photo_db *db, const char *name, int64_t value, struct error *error)
{
    struct statement insert =
        database_prepare(&db->database, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)");
    bind_text(&insert, name);
    bind_int(&insert, value);
    return statement_execute(&insert, error);
}

int photo_db_empty(struct photo_db *db, struct error *error)
{
    const int code = database_script(&db->database,
                                     "DELETE FROM tag; DELETE FROM rendition; DELETE FROM photo; "
                                     "DELETE FROM meta WHERE name LIKE 'scan%'",
                                     error);
    if (code)
        return code;
    db->generation = 1;
    db->revision++;
    return photo_db_set(db, "config", (int64_t)db->config->fingerprint, error);
}

static int seed_load(struct photo_db *db, struct error *error)
{
    int64_t seed;
    const int code = photo_db_get(db, "seed", &seed, error);
    if (code)
        return code;
    db->seed = seed ? (uint64_t)seed : id_seed();
    return seed ? 0 : photo_db_set(db, "seed", (int64_t)db->seed, error);
}

/* What was under way when the process ended is not any more. */
static int state_load(struct photo_db *db, bool *empty, struct error *error)
{
    int64_t config, generation;
    int code = seed_load(db, error);
    if (code)
        return code;
    code = photo_db_get(db, "config", &config, error);
    if (code)
        return code;
    *empty = (uint64_t)config != db->config->fingerprint;
    if (*empty)
        return photo_db_empty(db, error);
    code = photo_db_get(db, "scan generation", &generation, error);
    if (code)
        return code;
    db->generation = generation > 1 ? generation : 1;
    return database_script(&db->database,
                           "UPDATE photo SET live = 0, hidden = 0 WHERE live OR hidden", error);
}

int photo_db_open(struct photo_db *db, const char *path, const struct photo_config *config,
                  bool *empty, struct error *error)
{
    *db = (struct photo_db){.config = config, .generation = 1};
    db->revision = (uint64_t)wall_clock_ms();
    db->in_memory = strcmp(path, ":memory:") == 0;
    const char *const schemas[] = {schema};
    const struct database_settings settings = {.path = path,
                                               .directory = path,
                                               .option = "--gallery-data",
                                               .format = FORMAT,
                                               .schemas = schemas,
                                               .schema_count = 1};
    int code = database_open(&db->database, &settings, error);
    if (code)
        return code;
    code = state_load(db, empty, error);
    if (code)
        photo_db_close(db);
    return code;
}

void photo_db_close(struct photo_db *db)
{
    database_close(&db->database);
}
