/*
 * When the restored copies of archived objects expire (object_archive.h): a row for each, which says
 * where its object was. What is stored with the object decides; a row whose object was deleted,
 * replaced or restored again means nothing.
 *
 * Storage thread, in run().
 */
#ifndef THUMBWHEEL_LOCAL_RESTORED_COPIES_H
#define THUMBWHEEL_LOCAL_RESTORED_COPIES_H

#include "object_placement.h"
#include "objects.h"

#define RESTORED_COPIES_SCHEMA                                                                     \
    "CREATE TABLE IF NOT EXISTS restored_copies (id INTEGER PRIMARY KEY, "                         \
    "bucket INTEGER NOT NULL, key TEXT NOT NULL, versioned INTEGER NOT NULL, "                     \
    "until INTEGER NOT NULL);"                                                                     \
    "CREATE INDEX IF NOT EXISTS restored_copies_until ON restored_copies (until);"

enum { RESTORED_COPIES_PAGE = 100 };

struct restored_copy {
    uint64_t id; /* of the version's row */
    int64_t bucket;
    char *key; /* owned */
    bool versioned;
    int64_t until_ms;
    /* of the object; stale: the copy is no longer there */
    bool stale;
    uint64_t size;
    char *etag; /* owned */
    char storage_class[OBJECT_CLASS_SIZE];
};

void restored_copy_clear(struct restored_copy *copy); /* any thread */

int restored_copies_put(struct storage *storage, const struct restored_copy *copy,
                        struct error *error);
int restored_copies_remove(struct storage *storage, uint64_t id, struct error *error);
/* Those that have expired; *next_ms: when the first of the others does, 0: there is none. On an
 * error, clear what was found, too. */
int restored_copies_due(struct storage *storage, int64_t now_ms,
                        struct restored_copy out[RESTORED_COPIES_PAGE], size_t *count,
                        int64_t *next_ms, struct error *error);

#endif
