#include "collector.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"

enum { IN_FLIGHT_MAX = 16, PART_MAX = 255, PATH_TEXT_MAX = 8192, EXTENSION_MAX = 16 };

struct lane { /* one object at a time, one after the other */
    uv_work_t work;
    struct collector *collector;
    size_t index;
    /* the loop's, then the pool thread's while it writes */
    struct bytes content;
    struct error error;
};

struct collector {
    uv_loop_t *loop;
    struct collector_options options;
    size_t next;
    size_t busy;
    struct lane lanes[IN_FLIGHT_MAX];
};

static void lane_begin(struct lane *lane);

static void lane_end(struct lane *lane)
{
    struct collector *collector = lane->collector;
    uint64_t size = lane->content.size;
    bytes_free(&lane->content);
    collector->busy--;
    collector->options.fetched(lane->index, size, &lane->error, collector->options.user);
    lane_begin(lane);
}

static void write_file(uv_work_t *work)
{
    struct lane *lane = container_of(work, struct lane, work);
    const struct collector_item *item = &lane->collector->options.items[lane->index];
    file_write(item->path, lane->content.data, lane->content.size, &lane->error);
}

static void on_written(uv_work_t *work, int status)
{
    struct lane *lane = container_of(work, struct lane, work);
    if (status < 0)
        error_set(&lane->error, ERR_CANCELLED, "cancelled");
    lane_end(lane);
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct lane *lane = user;
    (void)facts;
    if (error->code) {
        lane->error = *error;
        lane_end(lane);
        return;
    }
    lane->content = bytes_take(body);
    /* It fails only without a callback, which there is. */
    uv_queue_work(lane->collector->loop, &lane->work, write_file, on_written);
}

/* A request that cannot begin settles its item at once; the loop here is what keeps that from
 * recursing. */
static void lane_begin(struct lane *lane)
{
    struct collector *collector = lane->collector;
    const struct collector_options *options = &collector->options;
    while (collector->next < options->count) {
        const struct collector_item *item = &options->items[lane->index = collector->next++];
        const struct object_name name = {.bucket = item->bucket, .key = item->key};
        struct object_request *request;
        lane->error = (struct error){0};
        int err = options->store->ops->get(options->store, &name, options->max_bytes, on_got, lane,
                                           &request);
        if (!err) {
            collector->busy++;
            return;
        }
        error_set(&lane->error, err, "the download could not be started (%s)", error_name(err));
        options->fetched(lane->index, 0, &lane->error, options->user);
    }
}

int collector_start(uv_loop_t *loop, const struct collector_options *options,
                    struct collector **out)
{
    struct collector *collector = calloc(1, sizeof *collector);
    *out = collector;
    if (!collector)
        return ERR_MEMORY;
    collector->loop = loop;
    collector->options = *options;
    unsigned lanes = options->in_flight < IN_FLIGHT_MAX ? options->in_flight : IN_FLIGHT_MAX;
    for (unsigned i = 0; i < lanes; i++) {
        collector->lanes[i].collector = collector;
        lane_begin(&collector->lanes[i]);
    }
    return 0;
}

bool collector_done(const struct collector *collector)
{
    return collector->busy == 0 && collector->next == collector->options.count;
}

void collector_free(struct collector *collector)
{
    free(collector);
}

/* ---- paths ---- */

static uint32_t checksum(const char *text, size_t size) /* FNV-1a */
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h;
}

/* What a part that is too long keeps: its beginning, a checksum of the whole, its extension. */
static void append_shortened(struct buffer *out, const char *part, size_t size)
{
    const char *dot = memrchr(part, '.', size);
    size_t extension = dot ? size - (size_t)(dot - part) : 0;
    if (extension > EXTENSION_MAX)
        extension = 0;
    size_t keep = PART_MAX - extension - strlen("~00000000");
    while (keep > 0 && ((unsigned char)part[keep] & 0xC0) == 0x80) /* not within a character */
        keep--;
    buffer_append(out, part, keep);
    buffer_format(out, "~%08x", checksum(part, size));
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

char *collector_path(const char *directory, const char *key)
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
