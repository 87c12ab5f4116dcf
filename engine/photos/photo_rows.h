/*
 * Changes of the index. Index thread, inside a task.
 *
 *     photo_rows.c         photos, their states, the end of a scan
 *     photo_row_outputs.c  what was made of them
 *     photo_row_details.c  sizes, colours, tags
 *
 * Each function returns 0 or a code, with the text in *error.
 */
#ifndef THUMBWHEEL_PHOTO_ROWS_H
#define THUMBWHEEL_PHOTO_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "object_store.h"

struct photo_db;

enum photo_live { LIVE_NONE, LIVE_WORKING, LIVE_RETRYING }; /* what the engine does with it now */

struct seen_object { /* an object as a listing or a HEAD shows it; borrowed */
    const char *bucket, *key;
    uint64_t size;
    int64_t modified_ms;
    const char *etag; /* NULL: unknown */
};

enum row_change { ROW_SAME, ROW_NEW, ROW_CHANGED };

/* A photo was found. A new one gets its expected outputs; one that was replaced loses its reason, and
 * its details are to be read again. */
int row_photo_seen(struct photo_db *db, const struct seen_object *photo, enum row_change *change,
                   struct error *error);
/* A photo does not exist any more; removed: it was in the index. */
int row_photo_gone(struct photo_db *db, const char *bucket, const char *key, bool *removed,
                   struct error *error);

/* The id of a photo; 0: it is not in the index. */
int row_find(struct photo_db *db, const char *bucket, const char *key, int64_t *id,
             struct error *error);

/* Counts again how many outputs of a photo are missing, or older than it. */
int row_recount(struct photo_db *db, int64_t photo, struct error *error);

/* An output was found. `photo`: the id of the photo that it belongs to, or of one of them; 0: none.
 * changed: it was not known, or is another one now. */
int row_output_seen(struct photo_db *db, const struct seen_object *output, int64_t *photo,
                    bool *changed, struct error *error);
/* An output whose extension was not known before (format: auto): makes it that of the photo's missing
 * output whose key differs in the extension alone. Then row_output_seen finds it. */
int row_output_adopt(struct photo_db *db, const struct seen_object *output,
                     const char *photo_bucket, const char *photo_key, bool *adopted,
                     struct error *error);
/* Its sizes, from metadata or from the engine. */
int row_output_sized(struct photo_db *db, const char *bucket, const char *key, unsigned width,
                     unsigned height, struct error *error);

/* Each output that a photo is expected to have; strings are borrowed for the call. */
struct expected_output {
    size_t output; /* number in the config */
    const char *bucket;
    const char *key;     /* of the object that was found; NULL: none */
    const char *pattern; /* as photo_config_key has it */
    unsigned width;      /* 0: unknown */
    bool stale;          /* it was not found, or is older than the photo */
};
typedef int each_output(const struct expected_output *output, void *user);
int row_each_output(struct photo_db *db, const char *bucket, const char *key, each_output *each,
                    void *user, struct error *error);
/* Whether an object is an output of some photo. */
int row_is_output(struct photo_db *db, const char *bucket, const char *key, bool *is,
                  struct error *error);

/* What else is known of a photo. NULL and 0 leave what is there. */
struct photo_details {
    unsigned width, height; /* upright */
    const char *colour;     /* "#rrggbb" */
    const char *thumbhash;
    const struct object_pair *tags; /* all tags of the object; NULL: not read */
    size_t tag_count;
    bool complete; /* nothing else is to be read */
};
int row_details(struct photo_db *db, int64_t photo, const struct photo_details *details,
                struct error *error);

/* Its details are to be read again. */
int row_plain(struct photo_db *db, int64_t photo, struct error *error);

int row_live(struct photo_db *db, int64_t photo, enum photo_live live, struct error *error);
/* Why it was rejected; NULL: it was not. */
int row_reason(struct photo_db *db, int64_t photo, const char *reason, const char *detail,
               struct error *error);
/* A photo that is about to be deleted is not shown. found: it is in the index, and the other way
 * before. */
int row_hide(struct photo_db *db, const char *bucket, const char *key, bool hide, bool *found,
             struct error *error);

/* At the end of a scan: removes the photos that it has not found, at most `max` at once, and names
 * them to gone; more: call again. */
typedef void row_gone(const char *bucket, const char *key, void *user);
int row_sweep_photos(struct photo_db *db, unsigned max, row_gone *gone, void *user, bool *more,
                     struct error *error);
int row_sweep_outputs(struct photo_db *db, struct error *error);

#endif
