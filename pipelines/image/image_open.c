/* Opens a source with the loader of its format, as it is or as a copy that was changed. */
#include <stdlib.h>
#include <string.h>

#include "colour_profile.h"
#include "gif_blocks.h"
#include "image_draw.h"
#include "image_icon.h"
#include "image_load.h"
#include "image_ops.h"
#include "jpeg_frame.h"
#include "jpeg_planes.h"
#include "vips_modules.h"
#include "vips_warnings.h"

_Static_assert(GIF_MENDED_MAX <= 2, "a copy has room for an end marker");
static const char end_marker[] = {'\xff', '\xd9'}; /* of a JPEG */

#define READ_OPTIONS "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", strictness(source)

/* Truncated data is an error; a small irregularity that every viewer tolerates is not. */
static VipsFailOn strictness(const struct image_source *source)
{
    bool lenient = source->state.all == IMAGE_TRUNCATED ||
                   (source->format == FORMAT_GIF && source->state.all != IMAGE_INTACT);
    if (source->checked)
        return VIPS_FAIL_ON_WARNING;
    return lenient ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_TRUNCATED;
}

bool image_can_open(enum image_format format)
{
    static const char *const loaders[FORMAT_INPUT_COUNT] = {
        [FORMAT_JPEG] = "jpegload_buffer",  [FORMAT_PNG] = "pngload_buffer",
        [FORMAT_WEBP] = "webpload_buffer",  [FORMAT_AVIF] = "heifload_buffer",
        [FORMAT_TIFF] = "tiffload_buffer",  [FORMAT_GIF] = "gifload_buffer",
        [FORMAT_HEIF] = "heifload_buffer",  [FORMAT_JXL] = "jxlload_buffer",
        [FORMAT_JP2] = "jp2kload_buffer",   [FORMAT_BMP] = "magickload_buffer",
        [FORMAT_ICO] = "magickload_buffer", [FORMAT_SVG] = "svgload_buffer",
        [FORMAT_PDF] = "pdfload_buffer"};
    if (image_format_facts(format)->drawn && !vips_drawings_allowed())
        return false;
    vips_modules_load(image_format_module(format));
    return loaders[format] && vips_type_find("VipsOperation", loaders[format]);
}

/* Its PNG, or a copy with its BMP alone. */
static VipsImage *open_icon(struct slice bytes)
{
    struct icon_picture picture;
    VipsImage *image = NULL;
    if (!icon_read(bytes, &picture))
        return NULL;
    void *data = (void *)(uintptr_t)picture.data.data;
    if (picture.png) {
        vips_pngload_buffer(data, picture.data.size, &image, "access", VIPS_ACCESS_SEQUENTIAL,
                            "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
        return image;
    }
    char *copy = malloc(ICON_HEAD + picture.data.size);
    if (!copy)
        return NULL;
    /* ImageMagick has read it when this returns */
    vips_magickload_buffer(copy, icon_write(bytes, &picture, copy), &image, NULL);
    if (image)
        g_object_set_data_full(G_OBJECT(image), "thumbwheel-icon", copy, free);
    else
        free(copy);
    return image;
}

/* Without a page, the file's primary image. */
static void open_heif(const struct image_source *source, VipsImage **image)
{
    void *data = (void *)(uintptr_t)source->bytes.data;
    if (source->page)
        vips_heifload_buffer(data, source->bytes.size, image, READ_OPTIONS, "page",
                             (int)image_page_index(source), NULL);
    else
        vips_heifload_buffer(data, source->bytes.size, image, READ_OPTIONS, NULL);
}

static VipsImage *open_bytes(const struct image_source *source, unsigned shrink, int pages)
{
    void *data = (void *)(uintptr_t)source->bytes.data; /* libvips only reads it */
    size_t size = source->bytes.size;
    int page = (int)image_page_index(source);
    VipsImage *image = NULL;
    switch (source->format) {
    case FORMAT_JPEG:
        vips_jpegload_buffer(data, size, &image, READ_OPTIONS, "shrink", (int)shrink, NULL);
        break;
    case FORMAT_PNG:
        vips_pngload_buffer(data, size, &image, READ_OPTIONS, NULL);
        break;
    case FORMAT_WEBP:
        vips_webpload_buffer(data, size, &image, READ_OPTIONS, "page", page, "n", pages, "scale",
                             1.0 / shrink, NULL);
        break;
    case FORMAT_GIF:
        vips_gifload_buffer(data, size, &image, READ_OPTIONS, "page", page, "n", pages, NULL);
        break;
    case FORMAT_TIFF:
        vips_tiffload_buffer(data, size, &image, READ_OPTIONS, "page", page, NULL);
        break;
    case FORMAT_AVIF:
    case FORMAT_HEIF:
        open_heif(source, &image);
        break;
    case FORMAT_JXL:
        vips_jxlload_buffer(data, size, &image, READ_OPTIONS, NULL);
        break;
    case FORMAT_JP2:
        vips_jp2kload_buffer(data, size, &image, READ_OPTIONS, NULL);
        break;
    case FORMAT_BMP:
        vips_magickload_buffer(data, size, &image, NULL);
        break;
    case FORMAT_ICO:
        image = open_icon(source->bytes);
        break;
    case FORMAT_SVG:
    case FORMAT_PDF:
        image = image_draw_at(source, 1);
        break;
    default:
        break;
    }
    if (image)
        image_profile_check(image);
    vips_error_clear();
    return image;
}

static struct plan_size stored_size(const struct image_source *source)
{
    return (struct plan_size){source->facts.width, source->facts.height};
}

static struct plan_size up_to_multiples(struct plan_size size, unsigned step)
{
    return (struct plan_size){(size.width + step - 1) / step * step,
                              (size.height + step - 1) / step * step};
}

static bool is_divided(const struct image_source *source, unsigned shrink)
{
    return source->facts.width % shrink == 0 && source->facts.height % shrink == 0;
}

/* libjpeg keeps a part of a pixel at the edges, but jpegload of libvips 8.14 crops it. So the size
 * in a copy of the file is rounded up: the blocks exist, since they are complete anyway. */
static bool is_padded(const struct image_source *source, unsigned shrink)
{
    return source->format == FORMAT_JPEG && !is_divided(source, shrink);
}

/* An end for a JPEG and a GIF; for a WebP, the size of the part that is complete, and what is in it. */
static size_t mend(const struct image_source *source, char *copy)
{
    enum { EXTENDED = 12, FLAGS = EXTENDED + 8 };
    size_t size = source->state.usable;
    if (source->format == FORMAT_GIF)
        return gif_mend(copy, size);
    if (source->format == FORMAT_JPEG) {
        memcpy(copy + size, end_marker, sizeof end_marker);
        return size + sizeof end_marker;
    }
    if (size & 1)
        copy[size++] = '\0'; /* chunks are filled up to even sizes */
    for (int i = 0; i < 4; i++)
        copy[4 + i] = (char)((size - 8) >> (8 * i));
    if (memcmp(copy + EXTENDED, "VP8X", 4) == 0)
        copy[FLAGS] = (char)(copy[FLAGS] & ~(int)source->state.lost);
    return size;
}

static int open_copy(const struct image_source *source, unsigned shrink, int pages, VipsImage **out)
{
    struct image_source changed = *source;
    char *copy = malloc(source->bytes.size + sizeof end_marker);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, source->bytes.data, source->bytes.size);
    if (is_padded(source, shrink))
        jpeg_frame_resize(copy, source->bytes.size, up_to_multiples(stored_size(source), shrink));
    if (source->state.mended)
        changed.bytes.size = mend(source, copy);
    changed.bytes.data = copy;
    *out = open_bytes(&changed, shrink, pages);
    if (*out)
        g_object_set_data_full(G_OBJECT(*out), "thumbwheel-file", copy, free);
    else
        free(copy);
    return *out ? 0 : ERR_CORRUPT;
}

/* Also for files that end early, so that there is memory for a copy if their decoder fails. */
size_t image_copied_bytes(const struct image_source *source, unsigned shrink)
{
    bool copied = is_padded(source, shrink) || source->state.mended ||
                  (source->format == FORMAT_JPEG && source->state.first != IMAGE_INTACT);
    return copied ? source->bytes.size + sizeof end_marker : 0;
}

static int open_as(const struct image_source *source, unsigned shrink, int pages, VipsImage **out)
{
    if (is_padded(source, shrink) || source->state.mended)
        return open_copy(source, shrink, pages, out);
    *out = open_bytes(source, shrink, pages);
    return *out ? 0 : ERR_CORRUPT;
}

VipsImage *image_open_header(const struct image_source *source)
{
    VipsImage *image = NULL;
    return open_as(source, 1, 1, &image) ? NULL : image;
}

int image_open(const struct image_source *source, unsigned shrink, struct resample_extent *extent,
               VipsImage **out)
{
    int code = source->drawn.width ? image_draw(source, out) : open_as(source, shrink, 1, out);
    if (code)
        return code;
    *extent = image_extent(*out); /* the scaler of libwebp makes whole pixels */
    if (is_padded(source, shrink))
        *extent = (struct resample_extent){(double)source->facts.width / shrink,
                                           (double)source->facts.height / shrink};
    return 0;
}

/* As far as the file says so; libjpeg finds out about the rest. */
static bool is_plain_jpeg(const struct image_source *source)
{
    return source->format == FORMAT_JPEG && !source->interlaced && !source->cmyk &&
           source->facts.bands == 3 && source->state.first == IMAGE_INTACT &&
           !source->state.mended && !source->checked;
}

static bool is_reduced(const struct image_source *source, unsigned shrink, struct plan_size to)
{
    unsigned width = source->facts.width / shrink, height = source->facts.height / shrink;
    return to.width < width && to.height < height && width / to.width < RESAMPLE_FACTOR_MAX &&
           height / to.height < RESAMPLE_FACTOR_MAX;
}

int image_open_resized(const struct image_source *source, unsigned shrink, struct plan_size to,
                       VipsImage *header, VipsImage **out)
{
    if (!is_plain_jpeg(source) || !is_reduced(source, shrink, to))
        return ERR_UNSUPPORTED;
    VipsPel *pixels = malloc((size_t)to.width * to.height * source->facts.bands);
    if (!pixels)
        return ERR_MEMORY;
    int code = jpeg_planes_resize(source->bytes, stored_size(source), shrink, to, pixels);
    if (code) {
        free(pixels);
        return code;
    }
    *out = image_of_pixels(header, pixels, to);
    return *out ? 0 : ERR_MEMORY;
}

int image_open_frames(const struct image_source *source, VipsImage **out)
{
    return open_as(source, 1, -1, out);
}

/* libwebp scales to any size of at least one pixel; but parts of frames, which lie over others,
 * would not meet exactly. */
static bool can_divide(const struct image_source *source, unsigned shrink)
{
    if (source->page)
        return shrink == 1;
    if (source->format == FORMAT_WEBP)
        return source->facts.width >= shrink && source->facts.height >= shrink;
    if (source->format != FORMAT_JPEG)
        return shrink == 1;
    return is_divided(source, shrink) ||
           jpeg_frame_fits(source->bytes, stored_size(source),
                           up_to_multiples(stored_size(source), shrink));
}

unsigned image_shrink(const struct image_source *source, unsigned wanted)
{
    while (wanted > 1 && !can_divide(source, wanted))
        wanted /= 2;
    return wanted;
}

/* With an end marker, libjpeg has only a warning for missing pixels, and only at full size does it
 * reach libvips. */
static bool has_jpeg_pixels(const struct image_source *source)
{
    struct image_source mended = *source;
    VipsImage *image = NULL;
    mended.state.mended = mended.checked = true;
    if (!jpeg_frame_scans_complete(source->bytes) || open_as(&mended, 1, 1, &image))
        return false;
    int code = image_read(image);
    g_object_unref(image);
    return code == 0;
}

bool image_degrade(struct image_source *source)
{
    struct image_state *state = &source->state;
    bool jpeg = source->format == FORMAT_JPEG;
    if (state->holed && state->first != IMAGE_TRUNCATED) {
        state->first = state->all = IMAGE_TRUNCATED;
        return true;
    }
    if (state->first != IMAGE_ENDS_EARLY || (!jpeg && source->format != FORMAT_PNG))
        return false;
    if (jpeg && !state->mended && has_jpeg_pixels(source)) {
        state->mended = true;
        return true;
    }
    state->first = state->all = IMAGE_TRUNCATED;
    state->mended = jpeg;
    if (jpeg)
        state->usable = jpeg_frame_usable(source->bytes);
    return true;
}

void image_damage_begin(void)
{
    vips_warnings_begin();
}

/* Some say nothing about pixels, such as one about an unknown version. */
static long header_warnings(const struct image_source *source)
{
    vips_warnings_begin();
    VipsImage *image = image_open_header(source);
    g_clear_object(&image);
    return vips_warnings_most();
}

/* All scans of a progressive JPEG are read before the first line, and with them what follows: bytes
 * before the end marker, which are common, cause one warning. Damage causes more. */
int image_damage_end(struct image_source *source)
{
    long warnings = vips_warnings_most() - source->interlaced;
    if (source->format != FORMAT_JPEG || source->state.first == IMAGE_TRUNCATED || warnings <= 0 ||
        header_warnings(source) >= warnings)
        return 0;
    source->state.holed = true;
    return ERR_CORRUPT;
}
