/*
 * Seam: image processing. Owned by the engine; pipelines/ implements it with libvips, tests
 * with a stub.
 *
 * A struct pipeline is one loaded pipeline file. It is immutable and reference-counted, so that
 * running jobs finish with the file that they started with while new ones use a reloaded file.
 * Loading, matching and reference counting happen on the loop thread; render runs on a worker
 * thread, accesses only its arguments and never logs.
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
#include "notifier.h"
#include "object_store.h"
#include "problems.h"

struct pipeline;

struct pipeline_place { /* from 1; 0: not known */
    int line, column;
};

struct pipeline_overlay { /* a picture in a bucket that is laid over outputs */
    const char *bucket;   /* NULL: the source's */
    const char *key;
};

/* What the engine needs to know of a pipeline; strings are owned by the pipeline. */
struct pipeline_facts {
    const char *name;
    const char *file;  /* where it was loaded from */
    const char *queue; /* name, URL or ARN */
    unsigned weight;   /* share of slots and workers relative to the others; 1–100, default 1 */
    unsigned visibility_s;             /* 0: the queue's own */
    const char *match_bucket;          /* of the sources that it accepts; NULL: any */
    const char *const *match_prefixes; /* of their keys; none: any */
    size_t match_prefix_count;
    size_t output_count; /* number of renditions of one source, and of their manifests */
    bool labels;         /* the pipeline labels its images */
    bool tags;           /* the labels become tags of the source object */
    bool named_focal;    /* an output is cut around the point that the source's metadata name */
    bool tagged_focal;   /* the same of its tags */
    const struct pipeline_overlay *overlays; /* each once */
    size_t overlay_count;
    /* NULL without labels, and for the built-in analyser */
    const struct labeler_settings *labeler;
    const struct pipeline_notify *notify; /* NULL: none */
    /* The positions of these keys in the file; that of notify is its target's. */
    struct pipeline_place name_place, queue_place, notify_place;
};

/* In an output's key: any number. */
#define PIPELINE_NUMBER "\x01"

/* The destination of an output; strings are owned by the pipeline. */
struct pipeline_output {
    const char *bucket; /* NULL: the source's */
    const char *key;    /* a template; NULL: there is no such output */
    struct pipeline_place place;
    const struct object_settings *settings; /* NULL: none */
    size_t
        entry; /* its place in the list of outputs in the file; a manifest: of its first output */
    bool repeated;          /* an earlier output is of the same entry, and differs in size only */
    bool manifest, sidecar; /* JSON, not a rendition */
};

/* Default limits, used for 0. */
enum {
    PIPELINE_MAX_PIXELS = 150 * 1000 * 1000,
    PIPELINE_MAX_BYTES = 64 * 1024 * 1024,
    PIPELINE_MAX_FRAMES = 1000,
};

struct pipeline_limits {
    uint64_t max_pixels; /* width × height of one frame (of all frames, if all are kept), checked
                          * with the header */
    size_t max_bytes;    /* compressed size */
    unsigned max_frames;
    unsigned formats; /* that may be read; a set of input_formats.h */
};

/* Of a file that ends too early. */
enum image_damage {
    IMAGE_INTACT,
    IMAGE_ENDS_EARLY, /* all pixels are present */
    IMAGE_TRUNCATED,  /* pixels are missing */
};

struct image_facts {
    unsigned width, height; /* as stored, before orientation */
    unsigned bands;
    unsigned frames;
    unsigned orientation; /* EXIF, 1–8 */
    unsigned damage;      /* enum image_damage, of the frames that are used */
    char format[16];      /* "jpeg", "png", "webp", "tiff", "gif", "avif", … */
};

/* A render requests its memory here, once the header has told how much it needs. */
struct render_gate {
    /* Worker thread; called once for each attempt of a render. Blocks until this many bytes are
     * available in addition to the compressed image; memory of an earlier attempt counts. Returns
     * 0, or ERR_CANCELLED if the render was cancelled. */
    int (*pass)(struct render_gate *gate, uint64_t bytes);
};

/* The point of a picture that matters most. */
struct focal_point {
    bool given;
    double x, y; /* 0 to 1: fractions of the upright picture, from its top left corner */
};

struct render_source {
    const char *bucket, *key, *etag;
    struct slice image; /* the object's bytes */
    /* All pipelines that accept this object, whether or not they are among the items of this
     * render. The plan covers all of them, so that a rendition's bytes do not depend on which
     * messages were combined into this render. Borrowed; empty: the items' pipelines. */
    struct pipeline *const *audience;
    size_t audience_count;
    struct render_gate *gate;  /* NULL: memory is not limited */
    bool labeler_reads;        /* Rekognition can read objects of this bucket itself */
    struct focal_point focal;  /* of the object's metadata */
    struct focal_point tagged; /* of its tags */
};

/* Each is empty unless the output asks for it. */
struct rendition_placeholder {
    char thumbhash[40]; /* base64 */
    char blurhash[32];
    char colour[8]; /* "#rrggbb" */
};

struct rendition {
    char *bucket; /* NULL: the source's */
    char *key;
    const char *content_type;               /* static */
    const struct object_settings *settings; /* owned by the pipeline */
    struct bytes body;
    unsigned width, height;
    unsigned frames;
    double milliseconds; /* time that this rendition took on the worker */
    struct rendition_placeholder placeholder;
    /* A manifest, with a size of 0 × 0: JSON that lists renditions, to be stored after them. */
    bool manifest;
    bool too_large; /* has more bytes than the output's limit, at the lowest quality */
};

/* One job's part of a render. The engine sets the first group, and render sets the second on the
 * worker. */
struct render_item {
    const struct pipeline *pipeline;
    const atomic_bool *cancelled; /* may be NULL; checked between renditions */

    struct error error; /* code 0: done. ERR_CORRUPT, ERR_UNSUPPORTED, ERR_LIMIT, ERR_MEMORY,
                           ERR_CANCELLED; ERR_DECODER_* where decoders are processes */
    struct rendition *renditions; /* malloc'd; only on success */
    size_t rendition_count;
    struct label_set labels; /* if the pipeline uses the built-in analyser */
    /* For a labeling service that cannot use the object as it is: a JPEG without a key, which is not
     * stored. Empty: none. */
    struct rendition label_image;
    char *sidecar_bucket; /* NULL: the source's */
    char *sidecar_key;    /* destination of the labels' JSON; NULL: none */
    bool write_tags;      /* the labels become tags of the source object */
    struct image_facts facts;
};

void render_item_clear(struct render_item *item);

struct pipeline_ops {
    /* Reads and checks one file (blocking: at start, or from a worker). Adds all problems, with
     * file, line and column. Warnings do not prevent the file from being used. */
    int (*load)(const char *path, struct pipeline **out, struct problem_list *problems);
    struct pipeline *(*retain)(struct pipeline *pipeline);
    void (*release)(struct pipeline *pipeline);
    const struct pipeline_facts *(*facts)(const struct pipeline *pipeline);
    /* index below facts->output_count: a rendition or a manifest; equal to it: the labels' sidecar. */
    struct pipeline_output (*output)(const struct pipeline *pipeline, size_t index);

    /* A copy of the pipeline with the pictures of its overlays in buckets, in the order of
     * facts->overlays; they are copied. Renders need it in place of the pipeline. ERR_MEMORY,
     * ERR_OVERLAY: together they are too large. */
    int (*with_pictures)(const struct pipeline *pipeline, const struct slice *pictures,
                         struct pipeline **out, struct error *error);

    /* The key of an output (by its index, see output) for a source, as far as it is known before the
     * source is read: for free(), or NULL: there is no such output. PIPELINE_NUMBER stands for a
     * width or height. The format of `keep` is guessed from the source's key. */
    int (*output_key)(const struct pipeline *pipeline, size_t index, const char *bucket,
                      const char *key, char **out);

    /* Whether the pipeline accepts an object (its `match`). */
    bool (*matches)(const struct pipeline *pipeline, const char *bucket, const char *key);
    /* ERR_LOOP if an output of `from` (by its index, see output) could match the filter of `to`;
     * the text names the part of the filter. */
    int (*check_loop)(const struct pipeline *from, size_t index, const struct pipeline *to,
                      struct error *error);

    /* Decodes once and makes the outputs of all items. Each item has its own result. Worker thread.
     */
    void (*render)(const struct render_source *source, const struct pipeline_limits *limits,
                   struct render_item *items, size_t count);
    /* Frees libvips' state of a worker thread. Called on that thread before it ends. */
    void (*thread_end)(void);
};

#endif
