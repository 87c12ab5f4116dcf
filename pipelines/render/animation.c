/*
 * All frames of a GIF or WebP. libvips represents an animation as one tall strip with page_height
 * lines per frame. Operations that read neighbouring pixels (resizing) must see one frame at a
 * time, so the strip is split, each frame is processed, and the results are joined again. Crops are
 * always centred, because a crop that follows the content would jump between frames.
 */
#include <stdlib.h>

#include "image_light.h"
#include "image_ops.h"
#include "rendition.h"

struct strip {
    VipsImage *image; /* all frames, in memory */
    VipsImage *header;
    int page_height;
    int count;
    VipsImage **frames; /* count results, then NULL */
};

static void strip_clear(struct strip *strip)
{
    for (int i = 0; strip->frames && i < strip->count; i++)
        g_clear_object(&strip->frames[i]);
    free(strip->frames);
    g_clear_object(&strip->image);
    g_clear_object(&strip->header);
}

static int strip_open(struct strip *strip, const struct image_source *source, struct error *error)
{
    int code = image_open_frames(source, &strip->header);
    if (code == ERR_MEMORY)
        return error_set(error, code, "not enough memory for a copy of the image");
    if (code)
        return image_fail_corrupt(source, error);
    strip->page_height = vips_image_get_page_height(strip->header);
    strip->count = strip->header->Ysize / strip->page_height;
    strip->frames = calloc((size_t)strip->count, sizeof *strip->frames);
    strip->image = g_object_ref(strip->header);
    code = strip->frames ? image_to_memory(&strip->image) : ERR_MEMORY;
    if (code == ERR_MEMORY)
        return error_set(error, code, "not enough memory for %d frames", strip->count);
    return code ? image_fail_corrupt(source, error) : 0;
}

static int frame_convert(const struct strip *strip, VipsImage **frame,
                         const struct render_output *output, const struct image_source *source)
{
    int code = image_upright(frame, source->facts.orientation);
    if (code)
        return code;
    bool light = output->kind.curve != 0;
    if (!light)
        code = image_resize_to_memory(frame, image_extent(*frame), output->stage);
    if (code)
        return code;
    if (source->foreign) /* its profile */
        code = image_adopt_metadata(frame, strip->header, KEEP_ICC);
    if (code)
        return code;
    return light ? image_resize_light(frame, output->stage, output->kind.curve)
                 : image_to_srgb(frame, false);
}

static int frame_render(struct strip *strip, int index, const struct render_output *output,
                        const struct image_source *source, struct error *error)
{
    struct output_config config = *output->config;
    struct render_output central = *output;
    config.crop = CROP_CENTRE;
    config.strip = true;
    config.keep = 0;
    central.config = &config;
    central.kind.native = false;
    VipsImage **frame = &strip->frames[index];
    if (vips_crop(strip->image, frame, 0, index * strip->page_height, strip->image->Xsize,
                  strip->page_height, NULL))
        return image_fail_corrupt(source, error);
    int code = frame_convert(strip, frame, output, source);
    if (code) {
        error_set(error, ERR_UNSUPPORTED, "a frame can't be converted");
        return code;
    }
    code = rendition_compose(frame, &central, source, strip->header, error);
    if (code)
        return code;
    if (image_to_memory(frame))
        return error_set(error, ERR_MEMORY, "not enough memory for a frame");
    return 0;
}

static void copy_field(VipsImage *to, VipsImage *from, const char *name)
{
    GValue value = G_VALUE_INIT;
    if (!vips_image_get_typeof(from, name) || vips_image_get(from, name, &value))
        return;
    vips_image_set(to, name, &value);
    g_value_unset(&value);
}

/* Joins the frames vertically, with their durations. */
static int stack(struct strip *strip, VipsImage **out)
{
    VipsImage *joined = NULL;
    int height = strip->frames[0]->Ysize;
    if (vips_arrayjoin(strip->frames, &joined, strip->count, "across", 1, NULL)) {
        vips_error_clear();
        return ERR_UNSUPPORTED;
    }
    int code = image_to_memory(&joined);
    if (code) {
        g_object_unref(joined);
        return code;
    }
    vips_image_set_int(joined, VIPS_META_PAGE_HEIGHT, height);
    vips_image_set_int(joined, VIPS_META_N_PAGES, strip->count);
    copy_field(joined, strip->header, "delay");
    copy_field(joined, strip->header, "loop");
    *out = joined;
    return 0;
}

static bool is_cancelled(const struct render_item *item)
{
    return item->cancelled && atomic_load(item->cancelled);
}

int animation_render(const struct render_output *output, const struct image_source *image,
                     const struct render_source *source, struct error *error)
{
    struct strip strip = {0};
    VipsImage *joined = NULL;
    int code = strip_open(&strip, image, error);
    for (int i = 0; !code && i < strip.count; i++) {
        if (is_cancelled(output->item))
            code = error_set(error, ERR_CANCELLED, "cancelled");
        else
            code = frame_render(&strip, i, output, image, error);
    }
    if (!code && (code = stack(&strip, &joined)))
        error_set(error, code, "the frames can't be joined");
    if (code)
        goto out;
    code = rendition_finish(joined, output, source, (unsigned)strip.count, error);
out:
    g_clear_object(&joined);
    strip_clear(&strip);
    return code;
}
