/*
 * Detects the labels of Rekognition's images.
 *
 *   loop                storage thread        pool thread                  loop
 *   detector_submit ─►  read the object   ─►  from base64, look, analyse ─►  done
 *                       (of S3 alone)
 *
 * The analyser limits the number of concurrent images; others wait in order without an image in
 * memory. A cancelled image is not started, or is abandoned if it is being decoded.
 *
 * Limits from "Guidelines and quotas in Amazon Rekognition": JPEG or PNG, 5 MB for bytes, 15 MB for
 * an object, 80 to 10,000 pixels in width and height. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_DETECTOR_H
#define THUMBWHEEL_LOCAL_DETECTOR_H

#include "image_analyser.h"
#include "list.h"
#include "objects.h"

struct cloud;
struct detector;

enum {
    DETECTION_BYTES_MAX = 5 * 1024 * 1024,
    DETECTION_OBJECT_MAX = 15 * 1024 * 1024,
    DETECTION_SIDE_MIN = 80,
    DETECTION_SIDE_MAX = 10000,
};

enum detection_result {
    DETECTION_DONE,
    DETECTION_NOT_BASE64,
    DETECTION_NO_OBJECT,
    DETECTION_TOO_SMALL,
    DETECTION_TOO_LARGE, /* too many bytes or pixels, or over a limit of the decoder */
    DETECTION_NO_IMAGE,  /* not a supported format */
    DETECTION_CANCELLED,
    DETECTION_FAILED, /* a failure unrelated to the image */
};

struct detection { /* embed it; borrowed until done */
    /* The input; must not change until done. */
    struct slice base64; /* data NULL: use the object */
    int64_t bucket;
    const char *key;
    struct object_version version;
    void (*done)(struct detection *detection); /* from a new loop callback */

    enum detection_result result;
    struct label_set labels;
    struct error error; /* details for results other than the first, if any */

    /* private */
    struct detector *detector;
    struct storage_task task;
    uv_work_t work;
    struct bytes image;
    atomic_bool cancelled;
    struct list link;
};

/* NULL if memory is short. The analyser is borrowed. */
struct detector *detector_open(struct cloud *cloud, const struct image_analyser *analyser);
/* All detections must have been cancelled. closed may be called at once; storage must be open until
 * then.
 */
void detector_close(struct detector *detector, void (*closed)(void *user), void *user);

/* detection must be zeroed except for its first group of members. */
void detector_submit(struct detector *detector, struct detection *detection);
/* done is still called, but not from within this function. */
void detection_cancel(struct detection *detection);

#endif
