/*
 * The expected and the actual results of each photo.
 *
 * A photo has one part for each pipeline that takes its key. A part is settled when the engine has
 * reported ACK or REJECT for it, or has handed it back as often as its queue allows; a photo is
 * settled when its parts are, or when it could not be sent. Facts come from the engine's observer;
 * nothing here does I/O. Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_RESULTS_H
#define THUMBWHEEL_PHOTO_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "photos.h"
#include "text_index.h"

enum part_state { PART_OPEN, PART_DONE, PART_FAILED };
enum photo_outcome { PHOTO_NOT_PROCESSED, PHOTO_DONE, PHOTO_FAILED };

struct output_result {
    char *bucket, *key;
    char *path;    /* where it was written; NULL: not yet, or not at all */
    char *problem; /* why it could not be written; NULL: none */
    uint64_t bytes;
    unsigned width, height, frames;
    double milliseconds;
    bool sidecar; /* the labels' JSON, not an image */
};

struct pipeline_result {
    const char *pipeline; /* its name, owned by the pipeline */
    enum part_state state;
    unsigned attempts;  /* that ended in RETRY */
    const char *reason; /* of the last failure; static */
    char *detail;       /* of the last failure; NULL: none */
    double milliseconds;
    struct output_result *outputs;
    size_t output_count;
    struct label *labels;
    size_t label_count;
};

struct photo_result {
    const char *path, *name; /* owned by the list of photos */
    char *key;
    uint64_t bytes;
    bool sent;
    bool reported; /* its failures were printed */
    char *failure; /* why it was not sent, or is of no use; NULL: none */
    struct pipeline_result *parts;
    size_t part_count, parts_settled, parts_failed;
};

struct photo_results {
    const char *bucket;
    unsigned max_attempts;
    struct photo_result *photos;
    size_t count;
    struct text_index keys;
    size_t parts, parts_settled, photos_settled, photos_failed;
};

struct photo_results_options {
    const char *bucket, *prefix; /* borrowed; a photo's key is prefix + name */
    const struct pipeline_ops *ops;
    struct pipeline *const *pipelines; /* they outlive the results */
    size_t pipeline_count;
    unsigned max_attempts; /* after so many RETRYs a message goes to its dead-letter queue unseen */
};

/* The photos outlive the results. ERR_MEMORY, ERR_LIMIT (a key that is too long). */
int photo_results_init(struct photo_results *results, const struct photos *photos,
                       const struct photo_results_options *options, struct error *error);
void photo_results_clear(struct photo_results *results);

struct photo_results_change {   /* what a record changed */
    struct photo_result *photo; /* NULL: a record of something else */
    struct pipeline_result *part;
    bool settled;       /* the part, by this record */
    bool photo_settled; /* the photo, by this record */
};

/* ERR_MEMORY: the record is lost. A part that is settled already stays as it is: deliveries may
 * repeat. */
int photo_results_record(struct photo_results *results, const struct engine_record *record,
                         struct photo_results_change *event);
void photo_results_sent(struct photo_results *results, size_t index, uint64_t bytes);
/* The photo cannot be sent: it is settled as failed. */
void photo_results_failed(struct photo_results *results, size_t index, const char *why);

/* Nothing more is expected: what is still open has failed, for the reason of its last attempt or,
 * without one, for this one (static). Not called after an interrupt: what is open then was not
 * processed. */
void photo_results_close(struct photo_results *results, const char *reason);

bool photo_results_settled(const struct photo_results *results);
/* PHOTO_DONE: every part is done, and no output failed to be written. PHOTO_FAILED: one of these
 * failed, whatever became of the others. */
enum photo_outcome photo_outcome(const struct photo_result *photo);
size_t photo_results_count(const struct photo_results *results, enum photo_outcome result);
bool photo_results_succeeded(const struct photo_results *results);

#endif
