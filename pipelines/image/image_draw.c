#include "image_draw.h"

#include <math.h>
#include <string.h>

#include "image_ops.h"
#include "svg_text.h"
#include "vips_modules.h"

static const double dots_per_inch = 96, points_per_inch = 72;

enum { TRIES = 3 };

bool image_is_drawing(const struct image_source *source)
{
    return image_format_facts(source->format)->drawn;
}

int image_check_drawing(const struct image_source *source, struct error *error)
{
    if (source->format != FORMAT_SVG)
        return 0;
    struct slice outside = svg_outside(source->bytes);
    if (outside.size)
        return error_set(error, ERR_UNSUPPORTED,
                         "the svg image refers to another file (in \"%.*s\"), and none is read; "
                         "put the content into it",
                         (int)outside.size, outside.data);
    if (!vips_fonts_exist() && svg_has_text(source->bytes))
        return error_set(error, ERR_UNSUPPORTED,
                         "the svg image has texts, and no font is installed in /usr/share/fonts");
    return 0;
}

bool image_is_encrypted(const struct image_source *source)
{
    static const char mark[] = "/Encrypt";
    return source->format == FORMAT_PDF &&
           memmem(source->bytes.data, source->bytes.size, mark, sizeof mark - 1);
}

/* Its pages are opaque. */
static VipsImage *open_page(const struct image_source *source, double factor)
{
    void *data = (void *)(uintptr_t)source->bytes.data; /* libvips only reads it */
    VipsImage *page = NULL, *opaque = NULL;
    vips_pdfload_buffer(data, source->bytes.size, &page, "page", (int)image_page_index(source),
                        "dpi", dots_per_inch, "scale", factor, NULL);
    if (page)
        vips_extract_band(page, &opaque, 0, "n", 3, NULL);
    g_clear_object(&page);
    return opaque;
}

VipsImage *image_draw_at(const struct image_source *source, double factor)
{
    void *data = (void *)(uintptr_t)source->bytes.data;
    VipsImage *image = NULL;
    if (source->format == FORMAT_PDF)
        return open_page(source, factor);
    if (!svg_is_physical(source->bytes))
        factor *= points_per_inch / dots_per_inch; /* for libvips, a pixel is a point */
    vips_svgload_buffer(data, source->bytes.size, &image, "dpi", dots_per_inch, "scale", factor,
                        NULL);
    return image;
}

int image_measure_drawing(struct image_source *source)
{
    double side = fmax(source->facts.width, source->facts.height);
    source->enlarged = fmax(1, IMAGE_DRAWN_SIDE / side);
    VipsImage *image = image_draw_at(source, source->enlarged);
    vips_error_clear();
    if (!image)
        return ERR_CORRUPT;
    source->upright = (struct plan_size){(unsigned)image->Xsize, (unsigned)image->Ysize};
    g_object_unref(image);
    return 0;
}

/* How much larger it must be. */
static double missing(const VipsImage *image, struct plan_size wanted)
{
    return fmax((double)wanted.width / image->Xsize, (double)wanted.height / image->Ysize);
}

static bool is_near(int is, unsigned wanted)
{
    return is - (int)wanted <= 1;
}

/* Its size is rounded, so it may have a line too many. */
static int cut_line(VipsImage **image, struct plan_size wanted)
{
    if (!is_near((*image)->Xsize, wanted.width) || !is_near((*image)->Ysize, wanted.height))
        return 0;
    return image_cut(image, (struct plan_spot){0, 0}, wanted);
}

int image_draw(const struct image_source *source, VipsImage **out)
{
    struct plan_size wanted = source->drawn;
    double factor = source->enlarged * fmax((double)wanted.width / source->upright.width,
                                            (double)wanted.height / source->upright.height);
    *out = image_draw_at(source, factor);
    for (int i = 1; *out && i < TRIES && missing(*out, wanted) > 1; i++) {
        factor *= missing(*out, wanted);
        g_object_unref(*out);
        *out = image_draw_at(source, factor);
    }
    vips_error_clear();
    if (!*out)
        return ERR_CORRUPT;
    int code = missing(*out, wanted) > 1 ? 0 : cut_line(out, wanted);
    if (code)
        g_clear_object(out);
    return code;
}
