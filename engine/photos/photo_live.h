/*
 * What the engine of this process does with photos now, from its observer. Loop thread.
 *
 * A photo is here while jobs of it run or wait for another attempt. Memory is bounded: if there are
 * too many photos, the oldest one is forgotten, and shows what the store knows of it.
 */
#ifndef THUMBWHEEL_PHOTO_LIVE_H
#define THUMBWHEEL_PHOTO_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "id_table.h"
#include "list.h"
#include "photo_rows.h"

enum { LIVE_PHOTOS_MAX = 20000, LIVE_PIPELINES_MAX = 64 };

struct live_photos {
    struct id_table table;
    struct list order; /* the longest unchanged first */
    size_t count;
};

struct live_photo {
    struct id_entry entry;
    struct list link;
    char *bucket, *key;
    uint64_t running, retrying; /* sets of pipelines */
    const char *step;           /* static; the last one that a job of it has entered */
    char *reason;               /* of the next attempt; NULL: none */
};

int live_photos_init(struct live_photos *photos); /* ERR_MEMORY */
void live_photos_clear(struct live_photos *photos);

/* pipeline: its number. begun: the photo was not in progress before. NULL: there is not enough
 * memory. */
struct live_photo *live_photos_step(struct live_photos *photos, const struct engine_step *step,
                                    size_t pipeline, bool *begun);
/* A record has ended; what is then left of the photo. */
enum photo_live live_photos_record(struct live_photos *photos, const struct engine_record *record,
                                   size_t pipeline);
/* NULL: nothing is in progress. */
const struct live_photo *live_photos_find(const struct live_photos *photos, const char *bucket,
                                          const char *key);

#endif
