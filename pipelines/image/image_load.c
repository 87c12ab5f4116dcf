/*
 * The magic bytes (image_format.c) determine the loader, not libvips' own search, so that exactly
 * the listed formats are read, however this machine's libvips was built.
 *
 * The step that failed determines the error. libvips' own message is shared by all threads of the
 * process and may belong to another image, so it is discarded.
 */
#include "image_load.h"

#include <stdlib.h>
#include <string.h>

#include "colour_profile.h"
#include "image_kind.h"
#include "image_metadata.h"
#include "image_ops.h"
#include "jpeg_frame.h"
#include "tiff_header.h"

/* Truncated data is an error; a small irregularity that every viewer tolerates is not. */
#define READ_OPTIONS "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED

static VipsImage *open_as(const struct image_source *source, unsigned shrink, int pages)
{
    void *data = (void *)(uintptr_t)source->bytes.data; /* libvips only reads it */
    size_t size = source->bytes.size;
    VipsImage *image = NULL;
    switch (source->format) {
    case FORMAT_JPEG:
        vips_jpegload_buffer(data, size, &image, READ_OPTIONS, "shrink", (int)shrink, NULL);
        break;
    case FORMAT_PNG:
        vips_pngload_buffer(data, size, &image, READ_OPTIONS, NULL);
        break;
    case FORMAT_WEBP:
        vips_webpload_buffer(data, size, &image, READ_OPTIONS, "n", pages, "scale", 1.0 / shrink,
                             NULL);
        break;
    case FORMAT_GIF:
        vips_gifload_buffer(data, size, &image, READ_OPTIONS, "n", pages, NULL);
        break;
    case FORMAT_TIFF:
        vips_tiffload_buffer(data, size, &image, READ_OPTIONS, NULL);
        break;
    case FORMAT_AVIF:
    case FORMAT_HEIF:
        vips_heifload_buffer(data, size, &image, READ_OPTIONS, NULL);
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
static int open_padded(const struct image_source *source, unsigned shrink, VipsImage **out)
{
    struct image_source padded = *source;
    char *copy = malloc(source->bytes.size);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, source->bytes.data, source->bytes.size);
    padded.bytes.data = copy;
    jpeg_frame_resize(copy, source->bytes.size, up_to_multiples(stored_size(source), shrink));
    *out = open_as(&padded, shrink, 1);
    if (*out)
        g_object_set_data_full(G_OBJECT(*out), "thumbwheel-file", copy, free);
    else
        free(copy);
    return *out ? 0 : ERR_CORRUPT;
}

static bool is_padded(const struct image_source *source, unsigned shrink)
{
    return source->format == FORMAT_JPEG && !is_divided(source, shrink);
}

size_t image_copied_bytes(const struct image_source *source, unsigned shrink)
{
    return is_padded(source, shrink) ? source->bytes.size : 0;
}

int image_open(const struct image_source *source, unsigned shrink, struct resample_extent *extent,
               VipsImage **out)
{
    if (is_padded(source, shrink)) {
        *extent = (struct resample_extent){(double)source->facts.width / shrink,
                                           (double)source->facts.height / shrink};
        return open_padded(source, shrink, out);
    }
    *out = open_as(source, shrink, 1);
    if (!*out)
        return ERR_CORRUPT;
    *extent = image_extent(*out); /* the scaler of libwebp makes whole pixels */
    return 0;
}

VipsImage *image_open_frames(const struct image_source *source)
{
    return open_as(source, 1, -1);
}

/* libwebp scales to any size of at least one pixel. */
static bool can_divide(const struct image_source *source, unsigned shrink)
{
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

static unsigned alpha_of(const struct image_source *source)
{
    struct tiff_header tiff;
    if (source->format != FORMAT_TIFF || !tiff_header_read(source->bytes, &tiff))
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

int image_fail_corrupt(const struct image_source *source, struct error *error)
{
    vips_error_clear();
    return error_set(error, ERR_CORRUPT, "the %s image is damaged or truncated",
                     image_format_facts(source->format)->name);
}

int image_probe(struct slice bytes, struct image_source *out, VipsImage **header,
                struct error *error)
{
    *out = (struct image_source){.bytes = bytes, .format = image_format_sniff(bytes)};
    if (bytes.size == 0)
        return error_set(error, ERR_UNSUPPORTED, "the file is empty");
    if (out->format == FORMAT_KEEP)
        return error_set(error, ERR_UNSUPPORTED,
                         "unsupported image format: %s (jpeg, png, webp, gif, tiff, avif and heif "
                         "are supported)",
                         image_format_guess(bytes));
    int code = image_check_metadata(bytes, out->format, error);
    if (code)
        return code;
    const char *unsupported = image_kind_unsupported(bytes, out->format);
    if (unsupported)
        return error_set(error, ERR_UNSUPPORTED, "this kind of %s image is not supported: %s",
                         image_format_facts(out->format)->name, unsupported);
    VipsImage *image = open_as(out, 1, 1);
    if (!image)
        return image_fail_corrupt(out, error);
    describe(image, out);
    if (header)
        *header = image;
    else
        g_object_unref(image);
    return 0;
}

static uint64_t limit_or(uint64_t limit, uint64_t fallback)
{
    return limit ? limit : fallback;
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
