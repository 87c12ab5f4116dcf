/*
 * Seam: image processing. Owned by the engine; pipelines/ implements it with libvips, tests
 * with a stub.
 *
 * A struct pipeline is one loaded pipeline file. It is immutable and counted, so that jobs under
 * way finish on the file they began with while new ones use a reloaded one. Loading, matching and
 * counting happen on the loop thread; render runs on a worker thread and touches nothing but its
 * arguments. It never logs.
 */
#ifndef THUMBWHEEL_PIPELINE_H
#define THUMBWHEEL_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "labeler.h"
#include "object_store.h"
#include "problems.h"

struct pipeline;

struct pipeline_place { /* from 1; 0: not known */
    int line, column;
};

/* What the engine reads from a pipeline; strings are owned by it. */
struct pipeline_facts {
    const char *name;
    const char *file;  /* where it was loaded from */
    const char *queue; /* name, URL or ARN */
    unsigned weight;   /* share of slots and workers relative to the others; 1–100, default 1 */
    unsigned visibility_s; /* 0: the queue's own */
    size_t output_count;   /* renditions that one source becomes */
    bool labels;           /* the pipeline labels its images */
    const char *labeler;   /* "builtin", or the name of a service; NULL without labels */
    /* Where these stand in the file. */
    struct pipeline_place name_place, queue_place, labeler_place;
};

/* Where an output goes; strings are owned by the pipeline. */
struct pipeline_output {
    const char *bucket; /* NULL: the source's */
    const char *key;    /* a template; NULL: there is no such output */
    struct pipeline_place place;
};

/* Default limits, used for 0. */
enum {
    PIPELINE_MAX_PIXELS = 150 * 1000 * 1000,
    PIPELINE_MAX_BYTES = 64 * 1024 * 1024,
    PIPELINE_MAX_FRAMES = 1000,
};

struct pipeline_limits {
    uint64_t max_pixels; /* width × height of one frame (of all together, where all are kept),
                            refused from the header */
    size_t max_bytes;    /* compressed size */
    unsigned max_frames;
};

struct image_facts {
    unsigned width, height; /* as stored, before orientation */
    unsigned bands;
    unsigned frames;
    unsigned orientation; /* EXIF, 1–8 */
    char format[16];      /* "jpeg", "png", "webp", "tiff", "gif", "avif", … */
};

/* A render requests its memory here, once it knows from the header how much it needs. */
struct render_gate {
    /* Worker thread; once for each try of a render. Waits until there is room for so many bytes,
     * beside the image as it was given; what an earlier try was given counts. 0, or ERR_CANCELLED:
     * nobody wants the render any more. */
    int (*pass)(struct render_gate *gate, uint64_t bytes);
};

struct render_source {
    const char *bucket, *key, *etag;
    struct slice image; /* the object's bytes */
    /* Every pipeline that wants this object, whether it is among the items of this render or not.
     * What a rendition is derived from is decided for all of them, so that its bytes don't depend
     * on who happened to come along. Borrowed; none: the items' pipelines alone. */
    struct pipeline *const *audience;
    size_t audience_count;
    struct render_gate *gate; /* NULL: it may take what it needs */
};

struct rendition {
    char *bucket; /* NULL: the source's */
    char *key;
    const char *content_type;  /* static */
    const char *cache_control; /* of the pipeline, or NULL */
    struct bytes body;
    unsigned width, height;
    unsigned frames;
    double milliseconds; /* worker time that this rendition took */
};

/* One job's part in a render. The first group is set by the engine, the second by render, on the
 * worker. */
struct render_item {
    const struct pipeline *pipeline;
    const atomic_bool *cancelled; /* may be NULL; checked between renditions */

    struct error error; /* code 0: done. ERR_CORRUPT, ERR_UNSUPPORTED, ERR_LIMIT, ERR_MEMORY,
                           ERR_CANCELLED; ERR_DECODER_* where decoders are processes */
    struct rendition *renditions; /* malloc'd; only on success */
    size_t rendition_count;
    struct label_set labels; /* where the pipeline labels with pixels */
    char *sidecar_bucket;    /* NULL: the source's */
    char *sidecar_key;       /* where the labels' JSON goes, or NULL for none */
    bool write_tags;         /* the labels become tags of the source object */
    struct image_facts facts;
};

void render_item_clear(struct render_item *item);

struct pipeline_ops {
    /* Reads and checks one file (blocking: at start, or from a worker). Adds everything that is
     * wrong with it, with file, line and column, and warnings, which don't keep it from being
     * used. */
    int (*load)(const char *path, struct pipeline **out, struct problem_list *problems);
    struct pipeline *(*retain)(struct pipeline *pipeline);
    void (*release)(struct pipeline *pipeline);
    const struct pipeline_facts *(*facts)(const struct pipeline *pipeline);
    /* index below facts->output_count: a rendition; equal to it: the labels' sidecar. */
    struct pipeline_output (*output)(const struct pipeline *pipeline, size_t index);

    /* Whether an object is the pipeline's to work on (its `match`). */
    bool (*matches)(const struct pipeline *pipeline, const char *bucket, const char *key);
    /* ERR_LOOP when an output of `from` (by its index; see output) could match the filter of `to`,
     * with a text that names the part of the filter. */
    int (*check_loop)(const struct pipeline *from, size_t index, const struct pipeline *to,
                      struct error *error);

    /* Decodes once and makes everything that the items want. Each item has a result of its own.
     * Worker thread. */
    void (*render)(const struct render_source *source, const struct pipeline_limits *limits,
                   struct render_item *items, size_t count);
    /* Ends a worker thread's libvips state. Called on a foreign thread before it ends. */
    void (*thread_end)(void);
};

#endif
