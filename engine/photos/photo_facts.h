/* What the engine has stored for a photo, for the index. */
#ifndef THUMBWHEEL_PHOTO_FACTS_H
#define THUMBWHEEL_PHOTO_FACTS_H

#include "engine.h"
#include "photo_index.h"
#include "photo_rows.h"

/* A task with a copy of what a record says; NULL: out of memory. done is called with it, and then it
 * is freed. labels: the pipeline's labels become tags, which are to be read again. */
typedef void photo_facts_done(const char *bucket, const char *key, int code, void *user);
int photo_facts_submit(struct photo_index *index, const struct engine_record *record,
                       enum photo_live live, bool labels, photo_facts_done *done, void *user);
/* A photo's first job has begun. */
int photo_begun_submit(struct photo_index *index, const struct engine_step *step,
                       photo_facts_done *done, void *user);

#endif
