/*
 * A photo whose details are read. The reader (photo_details.h) owns the job; it runs the plan on the
 * index thread, sends the requests, fills in what was read, and runs the result on the index thread.
 */
#ifndef THUMBWHEEL_PHOTO_DETAIL_JOB_H
#define THUMBWHEEL_PHOTO_DETAIL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "object_store.h"
#include "photo_index.h"

struct photo_reader;

enum { DETAIL_ITEMS_MAX = 64 }; /* outputs of a photo that are read */

struct detail_item {    /* an output to look at */
    char *bucket, *key; /* key: a pattern, if it is not known to be there */
    bool found;
    char *found_key; /* NULL: key itself */
    uint64_t size;
    int64_t modified_ms;
    unsigned width, height;
};

struct detail_job {
    struct list link;
    struct index_task task;
    struct photo_reader *reader;
    char *bucket, *key;
    unsigned wants;
    bool background;
    struct object_request *request;

    /* the plan, from the index */
    bool known, needs_original;
    struct detail_item items[DETAIL_ITEMS_MAX];
    size_t item_count, at;

    /* what was read */
    bool read_original, gone, read_tags, failed;
    bool changed; /* the index says something else than before */
    struct {
        uint64_t size;
        int64_t modified_ms;
        char *etag;
    } original;
    struct object_pair tags[OBJECT_TAGS_MAX]; /* owned strings */
    size_t tag_count;
    unsigned width, height;
    char colour[8], thumbhash[40];
};

/* wants: DETAIL_ORIGINAL, DETAIL_OUTPUTS. NULL: out of memory. */
struct detail_job *detail_job_make(struct photo_reader *reader, const char *bucket, const char *key,
                                   unsigned wants);
void detail_job_free(struct detail_job *job);

/* Of job->task: set the plan; store what was read, and set `changed`. Index thread. */
int detail_plan_run(struct index_task *task, struct photo_db *db);
int detail_result_run(struct index_task *task, struct photo_db *db);

#endif
