/*
 * Seam: labels for an image. Owned by the engine.
 *
 * There are two kinds of labelers. The built-in analyser (in pipelines/) examines the pixels of the
 * decoded image on the worker, as a part of the render. The other kind calls a service
 * (Rekognition, an HTTP model server) on the loop, after the render, with the object's name or its
 * bytes.
 */
#ifndef THUMBWHEEL_LABELER_H
#define THUMBWHEEL_LABELER_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "object_store.h"

enum { LABEL_NAME_MAX = 64, LABEL_VALUE_MAX = 64, LABELS_MAX = 48 };

struct label {
    char name[LABEL_NAME_MAX];   /* "Dominant Colour", "Camera", … or a plain label "Landscape" */
    char value[LABEL_VALUE_MAX]; /* "Blue", "Canon EOS 5D"; empty for a plain label */
    double confidence;           /* percent, 0–100, as Rekognition reports it */
};

struct label_set { /* best first */
    struct label entries[LABELS_MAX];
    size_t count;
};

struct labeler;
struct label_request;

typedef void labels_known(const struct label_set *labels, const struct error *error, void *user);

struct labeler_ops {
    /* Loop thread, asynchronous. image holds the source's bytes, borrowed until the callback or the
     * cancel. */
    int (*label)(struct labeler *labeler, const struct object_name *name, struct slice image,
                 labels_known *done, void *user, struct label_request **out);
    void (*cancel)(struct label_request *request);
};

struct labeler { /* NULL for the built-in analyser, which is not a service */
    const struct labeler_ops *ops;
};

#endif
