/*
 * The photos of the gallery: what is in the store, what the engine does with it, and who is told.
 *
 * Owns the index (a thread of its own), the scan, the reader of details and what the engine of this
 * process reports; borrows the store. All of it is a cache of the store: it may be lost at any time.
 *
 *     store ──listing──► scan ──┐                       ┌──► `changed`: photos, at most every 100 ms
 *     store ──HEAD, tags──► reader ──► index (thread) ──┤
 *     engine ──steps, records───┘                       └──► `laid_out`: set or order, at most every
 *                                                            second
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_LIBRARY_H
#define THUMBWHEEL_PHOTO_LIBRARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "engine.h"
#include "object_store.h"
#include "photo_config.h"
#include "photo_index.h"

struct photo_library;

struct photo_library_options {
    uv_loop_t *loop;
    struct object_store *store;
    const char *index_path; /* of a file in a directory that exists; copied */
    /* A photo as the index has it (photo_query.h), completed by photo_library_overlay; the callee
     * borrows it. */
    void (*changed)(json_t *photo, void *user);
    void (*gone)(const char *bucket, const char *key, void *user);
    void (*laid_out)(uint64_t revision, int64_t total, void *user);
    void (*progressed)(bool done, uint64_t listed, int64_t total, void *user); /* of a scan */
    bool (*watched)(void *user); /* whether somebody looks at the photos */
    bool (*informed)(
        void *user); /* whether an engine of this process reports to photo_library_step */
    void *user;
};

/* Takes config, also on failure. */
int photo_library_open(const struct photo_library_options *options, struct photo_config *config,
                       struct photo_library **out, struct error *error);
/* Takes config: pipelines or places have changed. */
void photo_library_configure(struct photo_library *photos, struct photo_config *config);
/* No callback but closed is called any more; that comes from the loop. */
void photo_library_close(struct photo_library *photos, void (*closed)(void *user), void *user);

struct photo_index *photo_library_index(struct photo_library *photos);

/* From the engine's observer. */
void photo_library_step(struct photo_library *photos, const struct engine_step *step);
void photo_library_record(struct photo_library *photos, const struct engine_record *record);

/* A photo is about to be uploaded, or an event of it was sent: without an engine in this process, it
 * and its outputs are looked for. */
void photo_library_expect(struct photo_library *photos, const char *bucket, const char *key);
/* Somebody looks at this photo: its details are read again, at most twice in a minute. */
void photo_library_view(struct photo_library *photos, const char *bucket, const char *key);
/* Somebody has come to look. */
void photo_library_watch(struct photo_library *photos);
/* The photo in the index was changed by a task: who watches is told. */
void photo_library_touched(struct photo_library *photos, const char *bucket, const char *key);
/* The set of photos was changed by a task. */
void photo_library_moved(struct photo_library *photos);

/* Adds what only the loop thread knows: the step of a photo in progress. */
void photo_library_overlay(const struct photo_library *photos, json_t *photo);

#endif
