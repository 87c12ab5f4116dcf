/* The placeholders of a rendition, from the picture before it is encoded. */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "image_ops.h"
#include "placeholder.h"
#include "rendition.h"

enum { RGBA = 4 };

/* Of an animation. */
static int take_first_frame(VipsImage **image)
{
    struct plan_size size = {(unsigned)(*image)->Xsize,
                             (unsigned)vips_image_get_page_height(*image)};
    if ((int)size.height == (*image)->Ysize)
        return 0;
    return image_cut(image, (struct plan_spot){0, 0}, size);
}

static struct plan_size small_size(const VipsImage *image)
{
    double longest = image->Xsize > image->Ysize ? image->Xsize : image->Ysize;
    double factor = longest > PLACEHOLDER_SIDE_MAX ? PLACEHOLDER_SIDE_MAX / longest : 1;
    struct plan_size size = {(unsigned)(image->Xsize * factor + 0.5),
                             (unsigned)(image->Ysize * factor + 0.5)};
    return (struct plan_size){size.width ? size.width : 1, size.height ? size.height : 1};
}

/* In memory, sRGB or grey. */
static int shrink(VipsImage **image)
{
    int code = take_first_frame(image);
    if (code)
        return code;
    code = image_to_srgb(image, false);
    if (code)
        return code;
    return image_resize_to_memory(image, image_extent(*image), small_size(*image));
}

static void unpack(const VipsImage *image, uint8_t *rgba)
{
    size_t bands = (size_t)image->Bands, area = (size_t)image->Xsize * (size_t)image->Ysize;
    const uint8_t *from = (const uint8_t *)image->data;
    for (size_t i = 0; i < area; i++, from += bands, rgba += RGBA) {
        rgba[0] = from[0];
        rgba[1] = from[bands > 2 ? 1 : 0];
        rgba[2] = from[bands > 2 ? 2 : 0];
        rgba[3] = bands == 2 || bands == 4 ? from[bands - 1] : UINT8_MAX;
    }
}

static void make(const struct pixels *pixels, int wanted, struct rendition_placeholder *out)
{
    uint8_t hash[THUMBHASH_MAX];
    if (wanted & PLACEHOLDER_THUMBHASH)
        base64_write(hash, thumbhash_make(pixels, hash), out->thumbhash);
    if (wanted & PLACEHOLDER_BLURHASH)
        blurhash_make(pixels, out->blurhash);
    if (wanted & PLACEHOLDER_COLOUR)
        dominant_colour(pixels, out->colour);
}

_Static_assert(BASE64_TEXT_SIZE(THUMBHASH_MAX) <=
                   sizeof((struct rendition_placeholder *)0)->thumbhash,
               "room for a ThumbHash");

int rendition_placeholders(VipsImage *image, const struct render_output *output,
                           struct error *error)
{
    VipsImage *small = g_object_ref(image);
    uint8_t *rgba = NULL;
    int code = shrink(&small);
    if (code) {
        error_set(error, code == ERR_MEMORY ? code : ERR_UNSUPPORTED,
                  "the placeholder of an output could not be made");
        goto out;
    }
    size_t width = (size_t)small->Xsize, height = (size_t)small->Ysize;
    rgba = malloc(width * height * RGBA);
    if (!rgba) {
        code = error_set(error, ERR_MEMORY, "not enough memory for a placeholder");
        goto out;
    }
    unpack(small, rgba);
    const struct pixels pixels = {rgba, width, height};
    make(&pixels, output->config->placeholder, &output->made->placeholder);
out:
    free(rgba);
    g_object_unref(small);
    return code;
}
