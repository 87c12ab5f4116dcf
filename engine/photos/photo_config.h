/*
 * What the index is made of: the places of photos, and the outputs that the pipelines make of them.
 *
 * It is constant, so any thread may read it; it is made and freed on the loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_CONFIG_H
#define THUMBWHEEL_PHOTO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline.h"

struct photo_place { /* photos are below this prefix; "": all of the bucket */
    const char *bucket, *prefix;
};

enum photo_output_kind { PHOTO_RENDITION, PHOTO_MANIFEST, PHOTO_SIDECAR };

struct photo_output {
    size_t pipeline;    /* its place in `pipelines` */
    size_t index;       /* as in pipeline.h */
    const char *name;   /* of the pipeline */
    const char *bucket; /* NULL: the photo's */
    enum photo_output_kind kind;
    bool numbered; /* its key contains sizes */
};

struct photo_stage { /* a listing of the store that the scan needs; strings are owned */
    char *bucket, *prefix;
    bool outputs; /* of outputs, not of photos */
};

struct photo_config {
    const struct pipeline_ops *ops;
    struct pipeline **pipelines; /* a reference to each */
    size_t pipeline_count;
    struct photo_place *places; /* owned strings */
    size_t place_count;
    struct photo_output *outputs; /* which borrow from the pipelines */
    size_t output_count;
    struct photo_stage *stages; /* first those of photos */
    size_t stage_count;
    bool numbered;        /* some output is */
    uint64_t fingerprint; /* of all that the index depends on */
};

/* Retains the pipelines and copies the places. ERR_MEMORY. */
int photo_config_make(const struct pipeline_ops *ops, struct pipeline *const *pipelines,
                      size_t pipeline_count, const struct photo_place *places, size_t place_count,
                      struct photo_config **out);
void photo_config_free(struct photo_config *config); /* NULL does nothing */

/* Whether an object is a photo: below a place, accepted by a pipeline, and with a key that is UTF-8
 * without control characters. */
bool photo_config_accepts(const struct photo_config *config, const char *bucket, const char *key);

/* The key of an output of a photo, as pipeline_ops.output_key has it, for free(). NULL: the pipeline
 * makes no such output of it. ERR_MEMORY. */
int photo_config_key(const struct photo_config *config, size_t output, const char *bucket,
                     const char *key, char **pattern);

#endif
