#include "photo_uploader.h"

#include <stdlib.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"
#include "photos.h"

enum { IN_FLIGHT_MAX = 16 };

struct upload_slot { /* uploads one file after the other */
    uv_work_t work;
    struct photo_uploader *uploader;
    size_t index;
    /* used by the pool thread while it reads, then by the loop thread */
    struct bytes content;
    struct error error;
};

struct photo_uploader {
    uv_loop_t *loop;
    struct photo_uploader_options options;
    size_t next;
    size_t busy;
    bool stopped;
    struct upload_slot slots[IN_FLIGHT_MAX];
};

static void slot_begin(struct upload_slot *slot);

static void slot_end(struct upload_slot *slot, const struct error *error)
{
    struct photo_uploader *uploader = slot->uploader;
    uint64_t size = slot->content.size;
    bytes_free(&slot->content);
    uploader->busy--;
    uploader->options.sent(slot->index, size, error, uploader->options.user);
    slot_begin(slot);
}

static void on_put(const struct error *error, void *user)
{
    slot_end(user, error);
}

static void put(struct upload_slot *slot)
{
    const struct photo_uploader_options *options = &slot->uploader->options;
    const struct photo_upload *item = &options->items[slot->index];
    const struct object_put what = {
        .bucket = options->bucket,
        .key = item->key,
        .body = slot->content.size ? slot->content.data : "",
        .body_size = slot->content.size,
        .content_type = photo_content_type(item->key),
    };
    struct object_request *request;
    int code = options->store->ops->put(options->store, &what, on_put, slot, &request);
    if (code) {
        error_set(&slot->error, code, "the upload could not be started (%s)", error_name(code));
        slot_end(slot, &slot->error);
    }
}

static void on_read(uv_work_t *work, int code)
{
    struct upload_slot *slot = container_of(work, struct upload_slot, work);
    if (code < 0)
        error_set(&slot->error, ERR_CANCELLED, "cancelled");
    if (slot->error.code)
        slot_end(slot, &slot->error);
    else
        put(slot);
}

static void read_file(uv_work_t *work)
{
    struct upload_slot *slot = container_of(work, struct upload_slot, work);
    const struct photo_uploader_options *options = &slot->uploader->options;
    file_read(options->items[slot->index].path, options->max_bytes, &slot->content, &slot->error);
}

static void slot_begin(struct upload_slot *slot)
{
    struct photo_uploader *uploader = slot->uploader;
    if (uploader->stopped || uploader->next == uploader->options.count)
        return;
    slot->index = uploader->next++;
    slot->error = (struct error){0};
    uploader->busy++;
    /* It fails only if the callback is NULL. */
    uv_queue_work(uploader->loop, &slot->work, read_file, on_read);
}

int photo_uploader_start(uv_loop_t *loop, const struct photo_uploader_options *options,
                         struct photo_uploader **out)
{
    struct photo_uploader *uploader = calloc(1, sizeof *uploader);
    *out = uploader;
    if (!uploader)
        return ERR_MEMORY;
    uploader->loop = loop;
    uploader->options = *options;
    unsigned slots = options->in_flight < IN_FLIGHT_MAX ? options->in_flight : IN_FLIGHT_MAX;
    for (unsigned i = 0; i < slots; i++) {
        uploader->slots[i].uploader = uploader;
        slot_begin(&uploader->slots[i]);
    }
    return 0;
}

void photo_uploader_stop(struct photo_uploader *uploader)
{
    uploader->stopped = true;
}

bool photo_uploader_done(const struct photo_uploader *uploader)
{
    return uploader->busy == 0 && (uploader->stopped || uploader->next == uploader->options.count);
}

void photo_uploader_free(struct photo_uploader *uploader)
{
    free(uploader);
}
