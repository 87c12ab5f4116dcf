/*
 * Computes an image's pixels.
 *
 * Strips are read through our own region instead of a libvips sink: a sink starts threads even if
 * only one is allowed, and passes each strip between them. The strips are read in order, as
 * sequential sources require.
 */
#include <stdlib.h>
#include <string.h>

#include "image_ops.h"
#include "metadata_edit.h"
#include "resample.h"

enum { STRIP_LINES = 16 };

/* The libvips macros for the next two mix signed and unsigned. */
static size_t line_size(VipsImage *image)
{
    return (size_t)image->Xsize * (size_t)image->Bands * vips_format_sizeof(image->BandFmt);
}

static const VipsPel *line_at(const VipsRegion *region, int y)
{
    return region->data + (size_t)(y - region->valid.top) * (size_t)region->bpl;
}

int image_pull_lines(VipsImage *image, void (*take)(void *user, const VipsPel *line), void *user)
{
    VipsRegion *region = vips_region_new(image);
    int failed = region == NULL;
    for (int top = 0; !failed && top < image->Ysize; top += STRIP_LINES) {
        int lines = VIPS_MIN(STRIP_LINES, image->Ysize - top);
        VipsRect strip = {0, top, image->Xsize, lines};
        failed = vips_region_prepare(region, &strip);
        for (int y = top; !failed && y < top + lines; y++)
            take(user, line_at(region, y));
    }
    if (region)
        g_object_unref(region);
    if (failed)
        vips_error_clear();
    return failed ? ERR_CORRUPT : 0;
}

struct copy {
    VipsPel *next;
    size_t line;
};

static void copy_line(void *user, const VipsPel *line)
{
    struct copy *copy = user;
    memcpy(copy->next, line, copy->line);
    copy->next += copy->line;
}

static struct plan_size picture_size(VipsImage *image)
{
    return (struct plan_size){(unsigned)image->Xsize, (unsigned)image->Ysize};
}

/* Takes ownership of the pixels. */
static VipsImage *wrap(VipsImage *like, VipsPel *pixels, struct plan_size size, size_t bytes,
                       VipsBandFormat format)
{
    VipsImage *made = vips_image_new_from_memory(pixels, bytes, (int)size.width, (int)size.height,
                                                 like->Bands, format);
    if (!made) {
        free(pixels);
        return NULL;
    }
    made->Type = like->Type;
    g_object_set_data_full(G_OBJECT(made), "thumbwheel-pixels", pixels, free);
    return made;
}

VipsImage *image_of_pixels(VipsImage *like, VipsPel *pixels, struct plan_size size)
{
    size_t bytes = (size_t)size.width * size.height * (size_t)like->Bands;
    return wrap(like, pixels, size, bytes, VIPS_FORMAT_UCHAR);
}

int image_to_memory(VipsImage **image)
{
    size_t size = line_size(*image) * (size_t)(*image)->Ysize;
    VipsPel *pixels = malloc(size);
    if (!pixels)
        return ERR_MEMORY;
    struct copy copy = {pixels, line_size(*image)};
    int code = image_pull_lines(*image, copy_line, &copy);
    if (code) {
        free(pixels);
        return code;
    }
    VipsImage *made = wrap(*image, pixels, picture_size(*image), size, (*image)->BandFmt);
    return made ? image_replace(image, 0, &made) : ERR_MEMORY;
}

static void drop_line(void *user, const VipsPel *line)
{
    (void)user;
    (void)line;
}

int image_read(VipsImage *image)
{
    return image_pull_lines(image, drop_line, NULL);
}

static void resample_line(void *user, const VipsPel *line)
{
    resampler_push(user, line);
}

static int resample(VipsImage **image, struct resample_extent extent, struct plan_size size)
{
    const struct resample_source from = {.size = picture_size(*image),
                                         .extent = extent,
                                         .bands = (unsigned)(*image)->Bands,
                                         .alpha = vips_image_hasalpha(*image)};
    size_t bytes = (size_t)size.width * size.height * from.bands;
    VipsPel *pixels = malloc(bytes);
    struct resampler *r = pixels ? resampler_new(&from, size, pixels) : NULL;
    int code = r ? image_pull_lines(*image, resample_line, r) : ERR_MEMORY;
    resampler_free(r);
    if (code) {
        free(pixels);
        return code;
    }
    VipsImage *made = wrap(*image, pixels, size, bytes, (*image)->BandFmt);
    return made ? image_replace(image, 0, &made) : ERR_MEMORY;
}

static bool is_whole(struct plan_size size, struct resample_extent extent)
{
    return extent.width >= size.width && extent.height >= size.height;
}

struct resample_extent image_extent(VipsImage *image)
{
    return (struct resample_extent){image->Xsize, image->Ysize};
}

int image_resize_to_memory(VipsImage **image, struct resample_extent extent, struct plan_size size)
{
    struct plan_size now = picture_size(*image);
    if (now.width == size.width && now.height == size.height && is_whole(now, extent))
        return image_to_memory(image);
    bool moderate = now.width / size.width < RESAMPLE_FACTOR_MAX &&
                    now.height / size.height < RESAMPLE_FACTOR_MAX;
    if ((*image)->BandFmt == VIPS_FORMAT_UCHAR && (*image)->Bands <= RESAMPLE_BANDS_MAX && moderate)
        return resample(image, extent, size);
    int code = image_resize(image, size);
    return code ? code : image_to_memory(image);
}
