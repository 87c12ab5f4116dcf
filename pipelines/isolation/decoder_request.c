#include "decoder_request.h"

#include <stdlib.h>

#include "overlay_pictures.h"
#include "pipeline_file.h"

enum { KNOWN = 0, NEW = 1, TEXT_MAX = 64 * 1024 };

/* ---- the parent's end ---- */

/* The pipeline's slot; *known: the child already has it. */
static uint32_t slot_find(struct decoder_slots *slots, uint64_t id, bool *known)
{
    uint32_t oldest = 0;
    slots->clock++;
    for (uint32_t i = 0; i < DECODER_SLOTS; i++) {
        if (slots->entries[i].pipeline == id) {
            slots->entries[i].used = slots->clock;
            *known = true;
            return i;
        }
        if (slots->entries[i].used < slots->entries[oldest].used)
            oldest = i;
    }
    slots->entries[oldest].pipeline = id;
    slots->entries[oldest].used = slots->clock;
    *known = false;
    return oldest;
}

static void pipeline_write(struct buffer *out, const struct pipeline *pipeline,
                           struct decoder_slots *slots)
{
    bool known;
    uint32_t slot = slot_find(slots, pipeline->id, &known);
    uint32_t kind = known ? KNOWN : NEW;
    WIRE_PUT(out, slot);
    WIRE_PUT(out, kind);
    if (known)
        return;
    wire_put_text(out, pipeline->file);
    wire_put_slice(out, (struct slice){pipeline->text.data, pipeline->text.size});
    for (size_t i = 0; i < pipeline->picture_count; i++)
        wire_put_slice(out, (struct slice){pipeline->pictures[i].data, pipeline->pictures[i].size});
}

static void focal_write(struct buffer *out, const struct focal_point *focal)
{
    uint32_t given = focal->given;
    WIRE_PUT(out, given);
    WIRE_PUT(out, focal->x);
    WIRE_PUT(out, focal->y);
}

int decoder_request_write(struct buffer *out, const struct render_source *source,
                          const struct pipeline_limits *limits, struct render_item *const *items,
                          size_t count, struct decoder_slots *slots)
{
    uint64_t max_bytes = limits->max_bytes;
    uint32_t max_frames = limits->max_frames, items_count = (uint32_t)count;
    uint32_t labeler_reads = source->labeler_reads;
    uint32_t audience = (uint32_t)source->audience_count;
    if (source->audience_count > DECODER_AUDIENCE_MAX || count > DECODER_ITEMS_MAX)
        return out->error = ERR_LIMIT;
    wire_put_text(out, source->bucket);
    wire_put_text(out, source->key);
    wire_put_text(out, source->etag);
    WIRE_PUT(out, limits->max_pixels);
    WIRE_PUT(out, max_bytes);
    WIRE_PUT(out, max_frames);
    WIRE_PUT(out, limits->formats);
    WIRE_PUT(out, labeler_reads);
    focal_write(out, &source->focal);
    focal_write(out, &source->tagged);
    WIRE_PUT(out, audience);
    for (size_t i = 0; i < audience; i++)
        pipeline_write(out, source->audience[i], slots);
    WIRE_PUT(out, items_count);
    for (size_t i = 0; i < count; i++)
        pipeline_write(out, items[i]->pipeline, slots);
    return out->error;
}

/* ---- the child's ---- */

static int text_read(struct wire_reader *r, char **owned, const char **out)
{
    struct slice text = wire_take_slice(r, TEXT_MAX);
    if (!text.data)
        return 0;
    *out = *owned = slice_dup(text);
    return *owned ? 0 : ERR_MEMORY;
}

static void focal_read(struct wire_reader *r, struct focal_point *out)
{
    out->given = wire_take_u32(r, 1);
    WIRE_TAKE(r, out->x);
    WIRE_TAKE(r, out->y);
    if (!(out->x >= 0 && out->x <= 1 && out->y >= 0 && out->y <= 1)) /* not a number: neither */
        r->broken = true;
}

static int source_read(struct wire_reader *r, struct slice image, struct decoder_request *out)
{
    int code = text_read(r, &out->texts[0], &out->source.bucket);
    if (code)
        return code;
    code = text_read(r, &out->texts[1], &out->source.key);
    if (code)
        return code;
    code = text_read(r, &out->texts[2], &out->source.etag);
    if (code)
        return code;
    out->source.image = image;
    uint64_t max_bytes;
    WIRE_TAKE(r, out->limits.max_pixels);
    WIRE_TAKE(r, max_bytes);
    WIRE_TAKE(r, out->limits.max_frames);
    WIRE_TAKE(r, out->limits.formats);
    out->limits.max_bytes = (size_t)max_bytes;
    out->source.labeler_reads = wire_take_u32(r, 1);
    focal_read(r, &out->source.focal);
    focal_read(r, &out->source.tagged);
    return 0;
}

/* The pictures follow in the order in which the parent has read them. */
static int picture_read(const struct overlay_config *overlay, void *user, struct bytes *out)
{
    struct wire_reader *r = user;
    struct slice picture = wire_take_slice(r, OVERLAY_PICTURE_MAX);
    (void)overlay;
    if (r->broken)
        return ERR_PROTOCOL;
    *out = bytes_give(slice_dup(picture), picture.size);
    return out->data ? 0 : ERR_MEMORY;
}

static int pipeline_read(struct wire_reader *r, struct pipeline **slot)
{
    struct error error;
    struct slice name = wire_take_slice(r, TEXT_MAX);
    struct slice text = wire_take_slice(r, PIPELINE_FILE_MAX);
    char *file = r->broken ? NULL : slice_dup(name);
    if (!file)
        return r->broken ? ERR_PROTOCOL : ERR_MEMORY;
    pipeline_release(*slot);
    *slot = NULL;
    int code = pipeline_parse(file, text, slot, &error);
    free(file);
    return code ? code : overlay_pictures_fill(*slot, picture_read, r);
}

static int pipeline_find(struct wire_reader *r, struct pipeline **slots, struct pipeline **out)
{
    uint32_t slot = wire_take_u32(r, DECODER_SLOTS - 1);
    int code = wire_take_u32(r, NEW) == NEW ? pipeline_read(r, &slots[slot]) : 0;
    if (code || !slots[slot])
        return code ? code : ERR_PROTOCOL;
    *out = pipeline_retain(slots[slot]); /* a later one may take its slot */
    return 0;
}

static int audience_read(struct wire_reader *r, struct pipeline **slots,
                         struct decoder_request *out)
{
    uint32_t count = wire_take_u32(r, DECODER_AUDIENCE_MAX);
    int code = 0;
    out->source.audience = out->audience;
    for (; !code && out->source.audience_count < count; out->source.audience_count += !code)
        code = pipeline_find(r, slots, &out->audience[out->source.audience_count]);
    return code;
}

static int items_read(struct wire_reader *r, struct pipeline **slots, struct decoder_request *out)
{
    uint32_t count = wire_take_u32(r, DECODER_ITEMS_MAX);
    int code = 0;
    for (; !code && out->count < count; out->count += !code) {
        struct pipeline *pipeline = NULL;
        code = pipeline_find(r, slots, &pipeline);
        out->items[out->count].pipeline = pipeline;
    }
    return code;
}

int decoder_request_read(struct slice request, struct slice image, struct pipeline **slots,
                         struct decoder_request *out)
{
    struct wire_reader r = {.left = request};
    *out = (struct decoder_request){0};
    int code = source_read(&r, image, out);
    if (code)
        return code;
    code = audience_read(&r, slots, out);
    if (code)
        return code;
    code = items_read(&r, slots, out);
    if (code)
        return code;
    return r.broken || r.left.size ? ERR_PROTOCOL : 0;
}

void decoder_request_clear(struct decoder_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        pipeline_release((struct pipeline *)(uintptr_t)request->items[i].pipeline);
        render_item_clear(&request->items[i]);
    }
    for (size_t i = 0; i < request->source.audience_count; i++)
        pipeline_release(request->audience[i]);
    for (size_t i = 0; i < sizeof request->texts / sizeof request->texts[0]; i++)
        free(request->texts[i]);
}
