/*
 * Detects the labels of Rekognition's images.
 *
 *   loop                storage thread        pool thread                  loop
 *   detector_submit ─►  read the object   ─►  from base64, look, analyse ─►  done
 *                       (of S3 alone)
 *
 * The number of concurrent images is that of the analyser; the others wait in order and hold no
 * image in memory. A cancelled image is not started, or abandoned if it is being decoded.
 *
 * Limits of "Guidelines and quotas in Amazon Rekognition": JPEG or PNG, 5 MB of bytes, 15 MB of an
 * object, 80 to 10,000 pixels in width and height. Loop thread.
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
    DETECTION_TOO_LARGE, /* bytes, pixels, or what its decoder takes */
    DETECTION_NO_IMAGE,  /* none that is read */
    DETECTION_CANCELLED,
    DETECTION_FAILED, /* no fault of the image */
};

struct detection { /* embed it; borrowed until done */
    /* What is looked at; not to change until done. */
    struct slice base64; /* data NULL: the object */
    int64_t bucket;
    const char *key;
    struct object_version version;
    void (*done)(struct detection *detection); /* from a fresh callback */

    enum detection_result result;
    struct label_set labels;
    struct error error; /* of any other result than the first, where there is more to say */

    /* private */
    struct detector *detector;
    struct storage_task task;
    uv_work_t work;
    struct bytes image;
    atomic_bool cancelled;
    struct list link;
};

/* NULL without memory. The analyser is borrowed. */
struct detector *detector_open(struct cloud *cloud, const struct image_analyser *analyser);
/* What was submitted has been cancelled. closed may be called at once; storage is open until then.
 */
void detector_close(struct detector *detector, void (*closed)(void *user), void *user);

/* detection is zero but for its first group. */
void detector_submit(struct detector *detector, struct detection *detection);
/* done still comes, and not from here. */
void detection_cancel(struct detection *detection);

#endif
