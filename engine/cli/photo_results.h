/*
 * The expected and the actual results of each photo.
 *
 * A photo has one part for each pipeline that accepts its key. A part is settled when the engine
 * has reported ACK or REJECT for it, or RETRY as often as its queue allows; a photo is settled when
 * all its parts are, or when it could not be sent. Facts come from the engine's observer; nothing
 * here does I/O. Loop thread.
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
    char *problem; /* why it could not be written; NULL: no problem */
    uint64_t bytes;
    unsigned width, height, frames;
    double milliseconds;
    bool sidecar; /* the labels' JSON, not an image */
};

struct pipeline_result {
    const char *pipeline; /* name of the pipeline, which owns it */
    enum part_state state;
    unsigned attempts;  /* number of attempts that ended in RETRY */
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
    char *failure; /* why it was not sent, or no pipeline accepts it; NULL: none */
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
    struct pipeline *const *pipelines; /* must outlive the results */
    size_t pipeline_count;
    unsigned max_attempts; /* after this many RETRYs the queue moves a message to its dead-letter
                            * queue without a report */
};

/* The photos must outlive the results. ERR_MEMORY, ERR_LIMIT (a key that is too long). */
int photo_results_init(struct photo_results *results, const struct photos *photos,
                       const struct photo_results_options *options, struct error *error);
void photo_results_clear(struct photo_results *results);

struct photo_results_change {   /* what a record changed */
    struct photo_result *photo; /* NULL: the record is not about one of these photos */
    struct pipeline_result *part;
    bool settled;       /* this record settled the part */
    bool photo_settled; /* this record settled the photo */
};

/* ERR_MEMORY: the record is lost. A part that is settled already stays as it is: deliveries may
 * repeat. */
int photo_results_record(struct photo_results *results, const struct engine_record *record,
                         struct photo_results_change *event);
void photo_results_sent(struct photo_results *results, size_t index, uint64_t bytes);
/* The photo cannot be sent: it is settled as failed. */
void photo_results_failed(struct photo_results *results, size_t index, const char *why);

/* Call it when no more records are expected: open parts have failed, for the reason of their last
 * attempt or else for `reason` (static). Do not call it after an interrupt: open parts were then
 * not processed. */
void photo_results_close(struct photo_results *results, const char *reason);

bool photo_results_settled(const struct photo_results *results);
/* PHOTO_DONE: all parts are done, and all outputs were written. PHOTO_FAILED: a part or the writing
 * of an output failed. */
enum photo_outcome photo_outcome(const struct photo_result *photo);
size_t photo_results_count(const struct photo_results *results, enum photo_outcome result);
bool photo_results_succeeded(const struct photo_results *results);

#endif
