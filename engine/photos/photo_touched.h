/*
 * Photos that have changed in the index. Their names are collected for a moment, loaded in one task, and
 * passed on: a photo that changes ten times at once is told once. Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_TOUCHED_H
#define THUMBWHEEL_PHOTO_TOUCHED_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "photo_index.h"
#include "photo_names.h"

struct touched_photos_options {
    uv_loop_t *loop;
    struct photo_index *index;
    /* A photo as the index has it (photo_query.h); borrowed, and the callee may add to it. */
    void (*found)(json_t *photo, void *user);
    void *user;
};

struct touched_photos {
    struct touched_photos_options options;
    struct name_set names;
    uv_timer_t timer;
    bool loading; /* a task is pending */
    bool closing;
};

int touched_photos_init(struct touched_photos *touched); /* ERR_MEMORY */
void touched_photos_clear(struct touched_photos *touched);
void touched_photos_begin(struct touched_photos *touched,
                          const struct touched_photos_options *options);
/* Too many are left out: who watches loads all anew then. */
void touched_photos_add(struct touched_photos *touched, const char *bucket, const char *key);
/* found is not called any more. The caller closes the timer, and waits until the index is closed before
 * it frees the memory. */
void touched_photos_end(struct touched_photos *touched);

#endif
