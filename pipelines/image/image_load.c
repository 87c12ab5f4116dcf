/*
 * The magic bytes (image_format.c) determine the loader, not libvips' own search, so that exactly
 * the listed formats are read, however this machine's libvips was built.
 *
 * The step that failed determines the error. libvips' own message is shared by all threads of the
 * process and may belong to another image, so it is discarded.
 */
#include "image_load.h"

#include <string.h>

#include "colour_profile.h"
#include "image_draw.h"
#include "image_icon.h"
#include "image_kind.h"
#include "image_metadata.h"
#include "image_ops.h"
#include "input_formats.h"
#include "tiff_header.h"

static bool has_foreign_profile(VipsImage *image)
{
    struct slice profile = image_profile(image);
    return profile.size && !colour_profile_is_srgb(profile);
}

static bool is_set(VipsImage *image, const char *name)
{
    int value = 0;
    return vips_image_get_typeof(image, name) && !vips_image_get_int(image, name, &value) && value;
}

/* JPEG uses one name for it, PNG the other. */
static bool is_interlaced(VipsImage *image)
{
    return is_set(image, "jpeg-multiscan") || is_set(image, "interlaced");
}

static bool is_subsampled(VipsImage *image)
{
    const char *text = NULL;
    return vips_image_get_typeof(image, "jpeg-chroma-subsample") &&
           !vips_image_get_string(image, "jpeg-chroma-subsample", &text) &&
           strcmp(text, "4:2:0") == 0;
}

unsigned image_page_index(const struct image_source *source)
{
    return source->page ? source->page - 1 : 0;
}

static unsigned alpha_of(const struct image_source *source)
{
    struct tiff_header tiff;
    if (source->format != FORMAT_TIFF ||
        !tiff_header_read(source->bytes, image_page_index(source), &tiff))
        return 0;
    return tiff_header_alpha(&tiff);
}

static void describe(VipsImage *image, struct image_source *out)
{
    int orientation = vips_image_get_orientation(image);
    out->facts = (struct image_facts){
        .width = (unsigned)image->Xsize,
        .height = (unsigned)image->Ysize,
        .bands = (unsigned)image->Bands,
        .frames = (unsigned)vips_image_get_n_pages(image),
        .orientation = orientation >= 1 && orientation <= 8 ? (unsigned)orientation : 1,
    };
    g_strlcpy(out->facts.format, image_format_facts(out->format)->name, sizeof out->facts.format);
    out->enlarged = 1;
    out->upright = (struct plan_size){out->facts.width, out->facts.height};
    if (out->facts.orientation >= 5)
        out->upright = (struct plan_size){out->facts.height, out->facts.width};
    out->deep = image->BandFmt != VIPS_FORMAT_UCHAR;
    out->sample_bytes = (unsigned)vips_format_sizeof(image->BandFmt);
    out->interlaced = is_interlaced(image);
    out->subsampled = is_subsampled(image);
    out->alpha_band = alpha_of(out);
    out->cmyk = image->Type == VIPS_INTERPRETATION_CMYK;
    out->grey = image_channels(image) == 1;
    out->foreign = out->cmyk || has_foreign_profile(image);
}

int image_fail_truncated(const struct image_source *source, struct error *error)
{
    return error_set(error, ERR_CORRUPT,
                     "the %s image is damaged or truncated: pixels are missing (a pipeline with "
                     "\"tolerate: truncated\" accepts that)",
                     image_format_facts(source->format)->name);
}

int image_fail_corrupt(const struct image_source *source, struct error *error)
{
    vips_error_clear();
    return error_set(error, ERR_CORRUPT, "the %s image is damaged or truncated",
                     image_format_facts(source->format)->name);
}

const struct pipeline_limits image_limits_default = {.max_pixels = 0};

static uint64_t limit_or(uint64_t limit, uint64_t fallback)
{
    return limit ? limit : fallback;
}

/* What is missing. */
static const char *hint_of(enum image_format format)
{
    if (image_format_module(format) == MODULE_MAGICK)
        return " (bmp and ico need libvips' module for ImageMagick, and --isolation=process)";
    if (image_format_facts(format)->drawn)
        return " (svg and pdf need --isolation=process, and Landlock or namespaces of the kernel; "
               "pdf also libvips' module for poppler)";
    return "";
}

static int check_format(struct slice bytes, unsigned formats, enum image_format format,
                        struct error *error)
{
    const char *name = image_format_facts(format)->name;
    if (format == FORMAT_KEEP)
        return error_set(error, ERR_UNSUPPORTED,
                         "unsupported image format: %s (jpeg, png, webp, gif, tiff, avif and heif "
                         "are supported; others can be enabled)",
                         image_format_guess(bytes));
    if (!input_formats_has(formats, name))
        return error_set(error, ERR_UNSUPPORTED,
                         "this is a %s image, and that format is not enabled; --formats=+%s "
                         "enables it",
                         name, name);
    if (!image_can_open(format))
        return error_set(
            error, ERR_UNSUPPORTED,
            "this is a %s image, and libvips on this machine cannot read that format%s", name,
            hint_of(format));
    return 0;
}

/* ImageMagick decodes the picture when it is opened. */
static int check_icon(const struct image_source *source, const struct pipeline_limits *limits,
                      struct error *error)
{
    struct icon_picture icon = {.entry = 0};
    if (source->format == FORMAT_BMP)
        icon.size = bmp_size(source->bytes);
    else if (source->format == FORMAT_ICO)
        icon_read(source->bytes, &icon);
    else
        return 0;
    if (!icon.size.width || !icon.size.height)
        return image_fail_corrupt(source, error);
    if (icon.png && image_check_metadata(icon.data, FORMAT_PNG, error))
        return error->code;
    if ((uint64_t)icon.size.width * icon.size.height > IMAGE_ICON_PIXELS_MAX)
        return error_set(error, ERR_LIMIT, "the image has %u × %u pixels; the limit of %s is %d",
                         icon.size.width, icon.size.height,
                         image_format_facts(source->format)->name, IMAGE_ICON_PIXELS_MAX);
    const struct image_source found = {
        .facts = {.width = icon.size.width, .height = icon.size.height}};
    return image_check_limits(&found, limits, error);
}

static int check_kind(const struct image_source *source, struct error *error)
{
    int code = source->format == FORMAT_TIFF
                   ? image_check_page_metadata(source->bytes, image_page_index(source), error)
                   : 0;
    if (code)
        return code;
    const char *unsupported =
        image_kind_unsupported(source->bytes, source->format, image_page_index(source));
    if (!unsupported)
        return image_check_drawing(source, error);
    return error_set(error, ERR_UNSUPPORTED, "this kind of %s image is not supported: %s",
                     image_format_facts(source->format)->name, unsupported);
}

static int read_header(struct image_source *source, VipsImage **header, struct error *error)
{
    source->state = image_damage_of(source->bytes, source->format, image_page_index(source));
    VipsImage *image = image_open_header(source);
    if (!image && image_is_encrypted(source))
        return error_set(error, ERR_UNSUPPORTED, "the pdf document is encrypted with a password");
    if (!image)
        return image_fail_corrupt(source, error);
    describe(image, source);
    if (image_is_drawing(source) && image_measure_drawing(source)) {
        g_object_unref(image);
        return image_fail_corrupt(source, error);
    }
    if (header)
        *header = image;
    else
        g_object_unref(image);
    return 0;
}

int image_probe(struct slice bytes, const struct pipeline_limits *limits, struct image_source *out,
                VipsImage **header, struct error *error)
{
    *out = (struct image_source){.bytes = bytes, .format = image_format_sniff(bytes)};
    if (bytes.size == 0)
        return error_set(error, ERR_UNSUPPORTED, "the file is empty");
    int code = check_format(bytes, limits->formats, out->format, error);
    if (code)
        return code;
    code = image_check_metadata(bytes, out->format, error);
    if (code)
        return code;
    code = check_kind(out, error);
    if (code)
        return code;
    code = check_icon(out, limits, error);
    return code ? code : read_header(out, header, error);
}

unsigned image_page(const struct image_source *source, int page)
{
    bool chosen = source->format == FORMAT_HEIF || source->format == FORMAT_AVIF; /* by the file */
    return page == 1 && !chosen ? 0 : (unsigned)page;
}

/* libvips opens each of them by its number. */
static bool has_pages(enum image_format format)
{
    return format == FORMAT_TIFF || format == FORMAT_GIF || format == FORMAT_WEBP ||
           format == FORMAT_HEIF || format == FORMAT_AVIF || format == FORMAT_PDF;
}

/* Frames are made of those before them. */
static int check_page(const struct image_source *first, unsigned page,
                      const struct pipeline_limits *limits, struct error *error)
{
    unsigned count = has_pages(first->format) ? first->facts.frames : 1;
    uint64_t most = limit_or(limits->max_frames, PIPELINE_MAX_FRAMES);
    if (page > count)
        return error_set(error, ERR_UNSUPPORTED,
                         "an output needs page %u, but the image has %u page%s", page, count,
                         count == 1 ? "" : "s");
    if (page > most && image_format_facts(first->format)->moves)
        return error_set(error, ERR_LIMIT, "an output needs frame %u; the limit is %llu", page,
                         (unsigned long long)most);
    return 0;
}

int image_probe_page(const struct image_source *first, unsigned page,
                     const struct pipeline_limits *limits, struct image_source *out,
                     VipsImage **header, struct error *error)
{
    int code = check_page(first, page, limits, error);
    if (code)
        return code;
    *out = (struct image_source){.bytes = first->bytes, .format = first->format, .page = page};
    code = check_kind(out, error);
    return code ? code : read_header(out, header, error);
}

int image_check_bytes(size_t size, const struct pipeline_limits *limits, struct error *error)
{
    uint64_t most = limit_or(limits->max_bytes, PIPELINE_MAX_BYTES);
    if (size <= most)
        return 0;
    return error_set(error, ERR_LIMIT, "the image has %zu bytes; the limit is %llu", size,
                     (unsigned long long)most);
}

int image_check_limits(const struct image_source *source, const struct pipeline_limits *limits,
                       struct error *error)
{
    const struct image_facts *facts = &source->facts;
    uint64_t most = limit_or(limits->max_pixels, PIPELINE_MAX_PIXELS);
    if ((uint64_t)facts->width * facts->height > most)
        return error_set(error, ERR_LIMIT, "the image has %u × %u pixels; the limit is %llu",
                         facts->width, facts->height, (unsigned long long)most);
    return 0;
}

int image_check_size(struct plan_size size, const struct pipeline_limits *limits,
                     struct error *error)
{
    uint64_t most = limit_or(limits->max_pixels, PIPELINE_MAX_PIXELS);
    if ((uint64_t)size.width * size.height <= most)
        return 0;
    return error_set(error, ERR_LIMIT,
                     "the image would be scaled to %u × %u pixels; the limit is %llu", size.width,
                     size.height, (unsigned long long)most);
}

int image_check_animation(const struct image_source *source, const struct pipeline_limits *limits,
                          struct error *error)
{
    const struct image_facts *facts = &source->facts;
    uint64_t most = limit_or(limits->max_frames, PIPELINE_MAX_FRAMES);
    if (facts->frames > most)
        return error_set(error, ERR_LIMIT, "the image has %u frames; the limit is %llu",
                         facts->frames, (unsigned long long)most);
    most = limit_or(limits->max_pixels, PIPELINE_MAX_PIXELS);
    if ((uint64_t)facts->width * facts->height * facts->frames <= most)
        return 0;
    return error_set(error, ERR_LIMIT,
                     "the image has %u frames of %u × %u pixels; the limit is %llu pixels in total",
                     facts->frames, facts->width, facts->height, (unsigned long long)most);
}
