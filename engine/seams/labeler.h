/*
 * Seam: labels for an image. Owned by the engine.
 *
 * There are two kinds of labelers. The built-in analyser (in pipelines/) examines the pixels of the
 * decoded image on the worker, as a part of the render. The others are services, which are called
 * on the loop after the render: Rekognition (backends/aws/rekognition/), with the name of the object
 * where it can read that, and a model server over HTTP (engine/labels/). What else a service needs
 * is a JPEG that the render makes of the same decode; it is never stored.
 */
#ifndef THUMBWHEEL_LABELER_H
#define THUMBWHEEL_LABELER_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "object_store.h"

enum { LABEL_NAME_MAX = 64, LABEL_VALUE_MAX = 64, LABELS_MAX = 48, LABEL_TOKEN_MAX = 8192 };

struct label {
    char name[LABEL_NAME_MAX];   /* "Dominant Colour", "Camera", … or a plain label "Landscape" */
    char value[LABEL_VALUE_MAX]; /* "Blue", "Canon EOS 5D"; empty for a plain label */
    double confidence;           /* percent, 0–100, as Rekognition reports it */
};

struct label_set { /* best first */
    struct label entries[LABELS_MAX];
    size_t count;
};

enum labeler_kind { LABELER_BUILTIN, LABELER_REKOGNITION, LABELER_SERVER, LABELER_KINDS };

/* What Rekognition accepts ("Guidelines and quotas", Rekognition Developer Guide). 15 MB is not
 * defined more precisely; the smaller meaning is safe. */
enum {
    REKOGNITION_OBJECT_MAX = 15 * 1000 * 1000, /* bytes of an object */
    REKOGNITION_BYTES_MAX = 5 * 1024 * 1024,   /* bytes in a request */
    REKOGNITION_SIDE_MAX = 10000,              /* pixels */
};

struct labeler_settings { /* of a pipeline, which owns the strings */
    enum labeler_kind kind;
    const char *name;   /* "builtin", "rekognition" or "server" */
    const char *url;    /* of a server */
    const char *token;  /* sent to a server; NULL: none; a secret */
    unsigned image_max; /* long side of the JPEG in pixels */
    unsigned timeout_ms;
    unsigned concurrency; /* requests at the same time; 0: any number */
    double rate;          /* requests per second; 0: any number */
    size_t response_max;  /* bytes */
    double min_confidence;
    unsigned max; /* labels */
};

struct image_facts;
struct json_t; /* jansson's */
struct labeler;

struct label_request { /* a pending request, embedded in the labeler's own */
    struct labeler *labeler;
};

struct label_input { /* borrowed until the callback or the cancel */
    const struct object_name *name;
    const struct labeler_settings *settings;
    struct slice source; /* the object's bytes */
    struct slice image;  /* the JPEG; empty: none was made, because the source is readable */
};

/* details: for each label an object with what the sidecar contains beside name and confidence
 * (parents, aliases, categories, instances), as an array; NULL: nothing. Both are checked, and
 * borrowed for the callback. */
typedef void labels_known(const struct label_set *labels, struct json_t *details,
                          const struct error *error, void *user);

struct labeler_ops {
    /* Loop thread, asynchronous: one callback, from a new loop callback, none after an error return
     * or a cancel. */
    int (*label)(struct labeler *labeler, const struct label_input *input, labels_known *done,
                 void *user, struct label_request **out);
    void (*cancel)(struct label_request *request);
    /* Whether it can read a bucket's objects itself. NULL: it never can. Constant for a bucket, once
     * one of its objects has been fetched. */
    bool (*reads)(struct labeler *labeler, const char *bucket);
};

struct labeler {
    const struct labeler_ops *ops;
};

#endif
