#include "feeder.h"

#include <stdlib.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"
#include "photos.h"

enum { IN_FLIGHT_MAX = 16 };

struct lane { /* one file at a time, one after the other */
    uv_work_t work;
    struct feeder *feeder;
    size_t index;
    /* the pool thread's while it reads, then the loop's */
    struct bytes content;
    struct error error;
};

struct feeder {
    uv_loop_t *loop;
    struct feeder_options options;
    size_t next;
    size_t busy;
    bool stopped;
    struct lane lanes[IN_FLIGHT_MAX];
};

static void lane_begin(struct lane *lane);

static void lane_end(struct lane *lane, const struct error *error)
{
    struct feeder *feeder = lane->feeder;
    uint64_t size = lane->content.size;
    bytes_free(&lane->content);
    feeder->busy--;
    feeder->options.sent(lane->index, size, error, feeder->options.user);
    lane_begin(lane);
}

static void on_put(const struct error *error, void *user)
{
    lane_end(user, error);
}

static void put(struct lane *lane)
{
    const struct feeder_options *options = &lane->feeder->options;
    const struct feeder_item *item = &options->items[lane->index];
    const struct object_put what = {
        .bucket = options->bucket,
        .key = item->key,
        .body = lane->content.size ? lane->content.data : "",
        .body_size = lane->content.size,
        .content_type = photo_content_type(item->key),
    };
    struct object_request *request;
    int err = options->store->ops->put(options->store, &what, on_put, lane, &request);
    if (err) {
        error_set(&lane->error, err, "the upload could not be started (%s)", error_name(err));
        lane_end(lane, &lane->error);
    }
}

static void on_read(uv_work_t *work, int status)
{
    struct lane *lane = container_of(work, struct lane, work);
    if (status < 0)
        error_set(&lane->error, ERR_CANCELLED, "cancelled");
    if (lane->error.code)
        lane_end(lane, &lane->error);
    else
        put(lane);
}

static void read_file(uv_work_t *work)
{
    struct lane *lane = container_of(work, struct lane, work);
    const struct feeder_options *options = &lane->feeder->options;
    file_read(options->items[lane->index].path, options->max_bytes, &lane->content, &lane->error);
}

static void lane_begin(struct lane *lane)
{
    struct feeder *feeder = lane->feeder;
    if (feeder->stopped || feeder->next == feeder->options.count)
        return;
    lane->index = feeder->next++;
    lane->error = (struct error){0};
    feeder->busy++;
    /* It fails only without a callback, which there is. */
    uv_queue_work(feeder->loop, &lane->work, read_file, on_read);
}

int feeder_start(uv_loop_t *loop, const struct feeder_options *options, struct feeder **out)
{
    struct feeder *feeder = calloc(1, sizeof *feeder);
    *out = feeder;
    if (!feeder)
        return ERR_MEMORY;
    feeder->loop = loop;
    feeder->options = *options;
    unsigned lanes = options->in_flight < IN_FLIGHT_MAX ? options->in_flight : IN_FLIGHT_MAX;
    for (unsigned i = 0; i < lanes; i++) {
        feeder->lanes[i].feeder = feeder;
        lane_begin(&feeder->lanes[i]);
    }
    return 0;
}

void feeder_stop(struct feeder *feeder)
{
    feeder->stopped = true;
}

bool feeder_done(const struct feeder *feeder)
{
    return feeder->busy == 0 && (feeder->stopped || feeder->next == feeder->options.count);
}

void feeder_free(struct feeder *feeder)
{
    free(feeder);
}
