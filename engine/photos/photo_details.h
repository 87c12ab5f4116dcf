/*
 * What listings do not tell: the tags of photos, the sizes and colours in the metadata of their
 * renditions, and whether an expected output is there.
 *
 * Photos of the index whose details were never read, or may have changed, are read in the background,
 * the newest first and a few in a second. A photo that somebody waits for is read at once. Loop
 * thread.
 */
#ifndef THUMBWHEEL_PHOTO_DETAILS_H
#define THUMBWHEEL_PHOTO_DETAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"
#include "log.h"
#include "object_store.h"
#include "photo_index.h"

struct photo_details_options {
    uv_loop_t *loop;
    struct object_store *store;
    struct photo_index *index;
    /* What is known of a photo has changed. exists: it is in the store, as far as is known */
    void (*changed)(const char *bucket, const char *key, bool exists, void *user);
    void *user;
};

struct photo_reader {
    struct photo_details_options options;
    uv_timer_t timer;
    struct list queue; /* struct detail_job */
    struct list running;
    size_t queue_count, running_count;
    bool seeking; /* a task that looks for photos is pending */
    bool idle;    /* there were none */
    bool closing;
    struct log_gate gate;
};

enum { PHOTO_READER_QUEUE_MAX = 1024 };

/* original: also whether it is there, and its size; outputs: also whether those that are missing are
 * there now. */
enum { DETAIL_ORIGINAL = 1, DETAIL_OUTPUTS = 2 };

void photo_reader_init(struct photo_reader *reader, const struct photo_details_options *options);
/* Reads one photo soon. If too many wait, it is left to the background. */
void photo_reader_read(struct photo_reader *reader, const char *bucket, const char *key,
                       unsigned wants);
/* There may be photos without details. */
void photo_reader_kick(struct photo_reader *reader);
/* No callback is called any more. The caller closes the timer, and waits until the index is closed
 * before it frees the memory. */
void photo_reader_end(struct photo_reader *reader);

#endif
