#include "detector.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "buckets.h"
#include "cloud.h"
#include "image_dimensions.h"
#include "object_archive.h"
#include "object_reader.h"
#include "s3_time.h"

struct detector {
    struct cloud *cloud;
    const struct image_analyser *analyser;
    struct list waiting;
    unsigned busy;
    void (*closed)(void *user); /* NULL: open */
    void *user;
};

static void begin_next(struct detector *detector);

static void settle(struct detection *detection)
{
    struct detector *detector = detection->detector;
    bytes_free(&detection->image);
    if (atomic_load(&detection->cancelled))
        detection->result = DETECTION_CANCELLED;
    detector->busy--;
    detection->done(detection);
    begin_next(detector);
}

/* Pool thread. */

static void image_decode(struct detection *detection)
{
    size_t size = BASE64_DATA_SIZE(detection->base64.size);
    unsigned char *data = malloc(size);
    detection->image = bytes_give(data, 0);
    if (!data) {
        detection->result = DETECTION_FAILED;
        error_set(&detection->error, ERR_MEMORY, "out of memory");
    } else if (base64_read(detection->base64, data, size, &detection->image.size)) {
        detection->result = DETECTION_NOT_BASE64;
    } else if (detection->image.size > DETECTION_BYTES_MAX) {
        detection->result = DETECTION_TOO_LARGE;
    }
}

static bool is_jpeg_or_png(struct slice image)
{
    return slice_starts_with(image, "\xff\xd8\xff") ||
           slice_starts_with(image, "\x89PNG\r\n\x1a\n");
}

static enum detection_result result_of(int code)
{
    switch (code) {
    case ERR_NONE:
        return DETECTION_DONE;
    case ERR_LIMIT:
    case ERR_DECODER_MEMORY:
    case ERR_DECODER_TIMEOUT:
        return DETECTION_TOO_LARGE;
    case ERR_CORRUPT:
    case ERR_INVALID:
    case ERR_UNSUPPORTED:
    case ERR_DECODER_CRASHED:
        return DETECTION_NO_IMAGE;
    default:
        return DETECTION_FAILED;
    }
}

/* Checks the dimensions against the limits; if the header does not state them, the decoder checks
 * them.
 */
static bool sides_check(struct detection *detection, struct slice image)
{
    uint32_t width, height;
    if (!image_dimensions(image, &width, &height))
        return true;
    if (width < DETECTION_SIDE_MIN || height < DETECTION_SIDE_MIN) {
        detection->result = DETECTION_TOO_SMALL;
        error_set(&detection->error, ERR_INVALID,
                  "the image has %u x %u pixels; each side must have at least %d", width, height,
                  DETECTION_SIDE_MIN);
    } else if (width > DETECTION_SIDE_MAX || height > DETECTION_SIDE_MAX) {
        detection->result = DETECTION_TOO_LARGE;
        error_set(&detection->error, ERR_LIMIT,
                  "input image dimensions %u x %u exceed maximum dimension size of %d pixels",
                  width, height, DETECTION_SIDE_MAX);
    }
    return !detection->result;
}

static void analyse_run(uv_work_t *work)
{
    struct detection *detection = container_of(work, struct detection, work);
    if (detection->base64.data)
        image_decode(detection);
    struct slice image = {detection->image.data, detection->image.size};
    if (detection->result)
        return;
    if (!is_jpeg_or_png(image))
        detection->result = DETECTION_NO_IMAGE;
    else if (sides_check(detection, image))
        detection->result =
            result_of(image_analyse(detection->detector->analyser, image, &detection->cancelled,
                                    &detection->labels, &detection->error));
}

/* Storage thread. */

static int object_load(struct detection *detection, const struct object *object,
                       struct error *error)
{
    struct object_reader reader;
    struct blobs *blobs = buckets_blobs(detection->detector->cloud->buckets);
    size_t size = (size_t)object->size;
    char *data = malloc(size ? size : 1);
    if (!data)
        return error_set(error, ERR_MEMORY, "out of memory");
    detection->image = bytes_give(data, size);
    int code = object_reader_open(&reader, blobs, object, 0, size, error);
    if (!code)
        code = object_reader_read(&reader, data, size, error);
    object_reader_close(&reader);
    return code;
}

static int read_run(struct storage_task *task, struct storage *storage)
{
    struct detection *detection = container_of(task, struct detection, task);
    struct object object = {0};
    int code = objects_find_version(storage, detection->bucket, detection->key, detection->version,
                                    &object, &task->error);
    if (code == ERR_NOT_FOUND)
        detection->result = DETECTION_NO_OBJECT;
    if (code)
        return code == ERR_NOT_FOUND ? 0 : code;
    if (object.marker || object_is_archived(&object, s3_time_now_ms()))
        detection->result = DETECTION_NO_OBJECT;
    else if (object.size > DETECTION_OBJECT_MAX)
        detection->result = DETECTION_TOO_LARGE;
    else
        code = object_load(detection, &object, &task->error);
    object_clear(&object);
    return code;
}

/* Loop thread. */

static void analyse_done(uv_work_t *work, int code)
{
    (void)code; /* a running task cannot be withdrawn */
    settle(container_of(work, struct detection, work));
}

static void analyse(struct detection *detection)
{
    uv_queue_work(detection->detector->cloud->loop, &detection->work, analyse_run, analyse_done);
}

static void read_done(struct storage_task *task, int code)
{
    struct detection *detection = container_of(task, struct detection, task);
    if (code) {
        detection->result = DETECTION_FAILED;
        detection->error = task->error;
    }
    if (detection->result || atomic_load(&detection->cancelled))
        settle(detection);
    else
        analyse(detection);
}

static void begin(struct detection *detection)
{
    if (detection->base64.data) {
        analyse(detection);
        return;
    }
    detection->task.run = read_run;
    detection->task.done = read_done;
    storage_submit(detection->detector->cloud->storage, &detection->task);
}

static struct detection *take_next(struct detector *detector)
{
    struct list *link =
        detector->busy < detector->analyser->at_once ? list_shift(&detector->waiting) : NULL;
    return link ? container_of(link, struct detection, link) : NULL;
}

static void begin_next(struct detector *detector)
{
    struct detection *detection;
    while ((detection = take_next(detector))) {
        if (atomic_load(&detection->cancelled)) {
            detection->result = DETECTION_CANCELLED;
            detection->done(detection);
        } else {
            detector->busy++;
            begin(detection);
        }
    }
    if (detector->closed && !detector->busy) {
        void (*closed)(void *user) = detector->closed;
        void *user = detector->user;
        free(detector);
        closed(user);
    }
}

void detector_submit(struct detector *detector, struct detection *detection)
{
    detection->detector = detector;
    list_push(&detector->waiting, &detection->link);
    begin_next(detector);
}

void detection_cancel(struct detection *detection)
{
    atomic_store(&detection->cancelled, true);
}

struct detector *detector_open(struct cloud *cloud, const struct image_analyser *analyser)
{
    struct detector *detector = calloc(1, sizeof *detector);
    if (!detector)
        return NULL;
    detector->cloud = cloud;
    detector->analyser = analyser;
    list_init(&detector->waiting);
    return detector;
}

void detector_close(struct detector *detector, void (*closed)(void *user), void *user)
{
    detector->closed = closed;
    detector->user = user;
    begin_next(detector);
}
