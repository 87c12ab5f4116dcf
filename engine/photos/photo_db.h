/* The open index, for tasks. Index thread. */
#ifndef THUMBWHEEL_PHOTO_DB_H
#define THUMBWHEEL_PHOTO_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "database.h"
#include "photo_config.h"
#include "statement.h"

struct photo_db {
    struct database database;
    const struct photo_config *config;
    uint64_t seed;      /* of photo_match.h; kept in the file */
    int64_t generation; /* of the scan under way: what it sees is marked with it */
    uint64_t
        revision;     /* counts changes of what a layout shows; greater than in earlier processes */
    uint64_t changes; /* counts changes of what a photo shows */
    bool in_memory;
};

/* Opens the file at path and makes it fit the config; empty: it holds no photo yet, and a scan must
 * fill it. ERR_CORRUPT, ERR_UNSUPPORTED: it must be deleted; ERR_IO, ERR_BUSY, ERR_MEMORY. */
int photo_db_open(struct photo_db *db, const char *path, const struct photo_config *config,
                  bool *empty, struct error *error);
void photo_db_close(struct photo_db *db);
/* Removes all photos, and notes the config. */
int photo_db_empty(struct photo_db *db, struct error *error);

/* What a photo shows has changed, and with it perhaps the layout. */
void photo_db_changed(struct photo_db *db);

/* A number that is kept in the file; 0: none. */
int photo_db_get(struct photo_db *db, const char *name, int64_t *value, struct error *error);
int photo_db_set(struct photo_db *db, const char *name, int64_t value, struct error *error);

#endif
