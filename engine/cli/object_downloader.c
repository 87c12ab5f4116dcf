#include "object_downloader.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"
#include "fnv.h"

enum { IN_FLIGHT_MAX = 16, PART_MAX = 255, PATH_TEXT_MAX = 8192, EXTENSION_MAX = 16 };

struct download_slot { /* downloads one object after the other */
    uv_work_t work;
    struct object_downloader *downloader;
    size_t index;
    /* used by the loop thread, then by the pool thread while it writes */
    struct bytes content;
    struct error error;
};

struct object_downloader {
    uv_loop_t *loop;
    struct object_downloader_options options;
    size_t next;
    size_t busy;
    struct download_slot slots[IN_FLIGHT_MAX];
};

static void slot_begin(struct download_slot *slot);

static void slot_end(struct download_slot *slot)
{
    struct object_downloader *downloader = slot->downloader;
    uint64_t size = slot->content.size;
    bytes_free(&slot->content);
    downloader->busy--;
    downloader->options.fetched(slot->index, size, &slot->error, downloader->options.user);
    slot_begin(slot);
}

static void write_file(uv_work_t *work)
{
    struct download_slot *slot = container_of(work, struct download_slot, work);
    const struct object_download *item = &slot->downloader->options.items[slot->index];
    file_write(item->path, slot->content.data, slot->content.size, &slot->error);
}

static void on_written(uv_work_t *work, int code)
{
    struct download_slot *slot = container_of(work, struct download_slot, work);
    if (code < 0)
        error_set(&slot->error, ERR_CANCELLED, "cancelled");
    slot_end(slot);
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct download_slot *slot = user;
    (void)facts;
    if (error->code) {
        slot->error = *error;
        slot_end(slot);
        return;
    }
    slot->content = bytes_take(body);
    /* It fails only if the callback is NULL. */
    uv_queue_work(slot->downloader->loop, &slot->work, write_file, on_written);
}

/* A request that cannot start fails its item at once; a loop is used so that this does not
 * recurse. */
static void slot_begin(struct download_slot *slot)
{
    struct object_downloader *downloader = slot->downloader;
    const struct object_downloader_options *options = &downloader->options;
    while (downloader->next < options->count) {
        const struct object_download *item = &options->items[slot->index = downloader->next++];
        const struct object_name name = {.bucket = item->bucket, .key = item->key};
        struct object_request *request;
        slot->error = (struct error){0};
        int code = options->store->ops->get(options->store, &name, options->max_bytes, on_got, slot,
                                            &request);
        if (!code) {
            downloader->busy++;
            return;
        }
        error_set(&slot->error, code, "the download could not be started (%s)", error_name(code));
        options->fetched(slot->index, 0, &slot->error, options->user);
    }
}

int object_downloader_start(uv_loop_t *loop, const struct object_downloader_options *options,
                            struct object_downloader **out)
{
    struct object_downloader *downloader = calloc(1, sizeof *downloader);
    *out = downloader;
    if (!downloader)
        return ERR_MEMORY;
    downloader->loop = loop;
    downloader->options = *options;
    unsigned slots = options->in_flight < IN_FLIGHT_MAX ? options->in_flight : IN_FLIGHT_MAX;
    for (unsigned i = 0; i < slots; i++) {
        downloader->slots[i].downloader = downloader;
        slot_begin(&downloader->slots[i]);
    }
    return 0;
}

bool object_downloader_done(const struct object_downloader *downloader)
{
    return downloader->busy == 0 && downloader->next == downloader->options.count;
}

void object_downloader_free(struct object_downloader *downloader)
{
    free(downloader);
}

/* ---- paths ---- */

/* Shortens a component that is too long: its beginning, a checksum of all of it, and its
 * extension. */
static void append_shortened(struct buffer *out, const char *part, size_t size)
{
    const char *dot = memrchr(part, '.', size);
    size_t extension = dot ? size - (size_t)(dot - part) : 0;
    if (extension > EXTENSION_MAX)
        extension = 0;
    size_t keep = PART_MAX - extension - strlen("~00000000");
    while (keep > 0 && ((unsigned char)part[keep] & 0xC0) == 0x80) /* not inside a UTF-8 sequence */
        keep--;
    buffer_append(out, part, keep);
    buffer_format(out, "~%08x", (uint32_t)fnv_bytes(FNV_START, part, size));
    buffer_append(out, part + size - extension, extension);
}

static void append_part(struct buffer *out, const char *part, size_t size)
{
    bool dots = (size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.');
    if (size == 0 || dots)
        buffer_byte(out, '_');
    else if (size > PART_MAX)
        append_shortened(out, part, size);
    else
        buffer_append(out, part, size);
}

char *object_download_path(const char *directory, const char *key)
{
    struct buffer path;
    buffer_init(&path, PATH_TEXT_MAX);
    buffer_text(&path, directory);
    for (const char *part = key; part;) {
        const char *end = strchrnul(part, '/');
        buffer_byte(&path, '/');
        append_part(&path, part, (size_t)(end - part));
        part = *end ? end + 1 : NULL;
    }
    return buffer_take_text(&path);
}
