/*
 * Questions to the index. Index thread, inside a task.
 *
 * Photos are JSON objects of the gallery's interface, without what only the loop thread knows: URLs
 * and the step of a photo in progress. Their member "shown" names the object that is the thumbnail
 * ({"bucket", "key"}; absent: there is none); it is to be replaced by "thumb".
 */
#ifndef THUMBWHEEL_PHOTO_QUERY_H
#define THUMBWHEEL_PHOTO_QUERY_H

#include <jansson.h>

#include "bytes.h"
#include "photo_filter.h"

struct photo_db;

/* One byte for each photo, in order: its width divided by its height, as round(64 · log2(aspect) / 3)
 * + 128, between 0 and 255; 3:2 if its size is not known. */
int query_layout(struct photo_db *db, const struct photo_filter *filter, struct buffer *aspects,
                 struct error *error);
unsigned char query_aspect(unsigned width, unsigned height);

/* The photos from number `first`, at most `count`. *photos is a new array. */
int query_page(struct photo_db *db, const struct photo_filter *filter, int64_t first, int64_t count,
               json_t **photos, struct error *error);
/* NULL: it is not in the index, or hidden. */
int query_photo(struct photo_db *db, const char *bucket, const char *key, json_t **photo,
                struct error *error);
/* How many photos a filter lets through. */
int query_count(struct photo_db *db, const struct photo_filter *filter, int64_t *count,
                struct error *error);
/* How many photos are shown. */
int query_total(struct photo_db *db, int64_t *total, struct error *error);
/* The tags that most photos have, and on how many: [{"name", "value", "count"}], at most `max`. */
int query_tags(struct photo_db *db, unsigned max, json_t **tags, struct error *error);

#endif
