/*
 * From a promise of pixels to pixels.
 *
 * Strips are pulled through a region of our own instead of by a libvips sink: a sink starts threads
 * even where one is allowed, and hands each strip from one to another. The strips come in order, as
 * sequential sources want them.
 */
#include <stdlib.h>
#include <string.h>

#include "image_ops.h"

enum { STRIP_LINES = 16 };

/* libvips' own macros for the next two mix signs. */
static size_t line_size(VipsImage *image)
{
    return (size_t)image->Xsize * (size_t)image->Bands * vips_format_sizeof(image->BandFmt);
}

static const VipsPel *line_at(const VipsRegion *region, int y)
{
    return region->data + (size_t)(y - region->valid.top) * (size_t)region->bpl;
}

static int copy_strips(VipsImage *image, VipsPel *pixels)
{
    size_t line = line_size(image);
    VipsRegion *region = vips_region_new(image);
    int failed = region == NULL;
    for (int top = 0; !failed && top < image->Ysize; top += STRIP_LINES) {
        int lines = VIPS_MIN(STRIP_LINES, image->Ysize - top);
        VipsRect strip = {0, top, image->Xsize, lines};
        failed = vips_region_prepare(region, &strip);
        for (int y = top; !failed && y < top + lines; y++)
            memcpy(pixels + (size_t)y * line, line_at(region, y), line);
    }
    if (region)
        g_object_unref(region);
    return failed;
}

/* Takes the pixels. */
static VipsImage *wrap(VipsImage *like, VipsPel *pixels, size_t size)
{
    VipsImage *made = vips_image_new_from_memory(pixels, size, like->Xsize, like->Ysize,
                                                 like->Bands, like->BandFmt);
    if (!made) {
        free(pixels);
        return NULL;
    }
    made->Type = like->Type;
    g_object_set_data_full(G_OBJECT(made), "thumbwheel-pixels", pixels, free);
    return made;
}

int image_to_memory(VipsImage **image)
{
    size_t size = line_size(*image) * (size_t)(*image)->Ysize;
    VipsPel *pixels = malloc(size);
    if (!pixels)
        return ERR_MEMORY;
    if (copy_strips(*image, pixels)) {
        free(pixels);
        vips_error_clear();
        return ERR_CORRUPT;
    }
    VipsImage *made = wrap(*image, pixels, size);
    if (!made)
        return ERR_MEMORY;
    return image_replace(image, 0, &made);
}

static void *copy_field(VipsImage *from, const char *name, GValue *value, void *to)
{
    static const char *const prefixes[] = {"exif-",       "xmp-", "iptc-", "icc-",
                                           "png-comment", "xres", "yres",  "resolution-unit"};
    (void)from;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (g_str_has_prefix(name, prefixes[i]))
            vips_image_set(to, name, value);
    }
    return NULL;
}

int image_adopt_metadata(VipsImage **image, VipsImage *from)
{
    VipsImage *made = NULL;
    /* A copy of its own: metadata may only be written where nobody else looks. */
    int code = image_replace(image, vips_copy(*image, &made, NULL), &made);
    if (code)
        return code;
    vips_image_map(from, copy_field, *image);
    (*image)->Xres = from->Xres;
    (*image)->Yres = from->Yres;
    vips_image_set_int(*image, VIPS_META_ORIENTATION, 1);
    if (vips_image_get_typeof(*image, "exif-ifd0-Orientation"))
        vips_image_remove(*image, "exif-ifd0-Orientation");
    return 0;
}
