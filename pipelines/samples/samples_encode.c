/*
 * Encodes a painted canvas as a file.
 *
 * A scene is painted at the size that its detail requires, enlarged by libvips, and then gets
 * sensor grain at the final size, so that it compresses like a photograph. Drawings (alpha, GIF)
 * have no grain. Everything after the canvas is one lazy libvips pipeline, which the encoder runs
 * strip by strip.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "error.h"
#include "samples_private.h"
#include "vips_api.h"

enum { GRAIN_TILE = 512, GRAIN_SEED = 1826, JPEG_QUALITY = 88, FRAME_MS = 80 };

static const double GRAIN_SIGMA = 2.6; /* of 255 */

/* A step of the pipeline: creates *out from in. Returns 0, or -1 like libvips. */
typedef int step(const struct sample *sample, VipsImage *in, VipsImage **out);

static bool is_drawing(const struct sample *sample)
{
    return sample->format == SAMPLE_PNG_ALPHA || sample->format == SAMPLE_GIF;
}

/* Converts colours 0–1 to 8 or 16 bit sRGB, without the alpha band if the format has none. */
static int step_quantise(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    bool deep = sample->format == SAMPLE_PNG_16;
    int bands = sample->format == SAMPLE_PNG_ALPHA ? 4 : 3;
    VipsImage *chosen = NULL, *scaled = NULL, *cast = NULL;
    int failed = vips_extract_band(in, &chosen, 0, "n", bands, NULL) ||
                 vips_linear1(chosen, &scaled, deep ? 65535 : 255, 0.5, NULL) ||
                 vips_cast(scaled, &cast, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, NULL) ||
                 vips_copy(cast, out, "interpretation",
                           deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL);

    VIPS_UNREF(cast);
    VIPS_UNREF(scaled);
    VIPS_UNREF(chosen);
    return failed;
}

static int step_enlarge(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    /* beyond a factor of three, the grain hides the benefit of a cubic kernel, which costs twice as
     * much */
    VipsKernel kernel = sample->enlarge > 3 ? VIPS_KERNEL_LINEAR : VIPS_KERNEL_CUBIC;

    return sample->enlarge == 1 ? vips_copy(in, out, NULL)
                                : vips_resize(in, out, sample->enlarge, "kernel", kernel, NULL);
}

/* Grain for the whole image from one tile of noise, kept in memory. */
static int grain_make(int width, int height, double sigma, VipsImage **out)
{
    VipsImage *noise = NULL, *tile = NULL, *tiled = NULL;
    int failed =
        vips_gaussnoise(&noise, GRAIN_TILE, GRAIN_TILE, "mean", 0.5, "sigma", sigma, "seed",
                        GRAIN_SEED, NULL) ||
        (tile = vips_image_copy_memory(noise)) == NULL ||
        vips_replicate(tile, &tiled, width / GRAIN_TILE + 1, height / GRAIN_TILE + 1, NULL) ||
        vips_crop(tiled, out, 0, 0, width, height, NULL);

    VIPS_UNREF(tiled);
    VIPS_UNREF(tile);
    VIPS_UNREF(noise);
    return failed;
}

static int step_grain(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    double sigma = GRAIN_SIGMA * (in->BandFmt == VIPS_FORMAT_USHORT ? 257 : 1);
    VipsImage *grain = NULL, *sum = NULL, *cast = NULL;

    if (is_drawing(sample)) {
        return vips_copy(in, out, NULL);
    }
    int failed = grain_make(in->Xsize, in->Ysize, sigma, &grain) ||
                 vips_add(in, grain, &sum, NULL) || vips_cast(sum, &cast, in->BandFmt, NULL) ||
                 vips_copy(cast, out, "interpretation", in->Type, NULL);

    VIPS_UNREF(cast);
    VIPS_UNREF(sum);
    VIPS_UNREF(grain);
    return failed;
}

/* Rotates the upright picture so that applying the EXIF orientation restores it. */
static int step_turn(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    VipsImage *turned = NULL;
    int failed;

    switch (sample->orientation) {
    case 2:
        return vips_flip(in, out, VIPS_DIRECTION_HORIZONTAL, NULL);
    case 3:
        return vips_rot180(in, out, NULL);
    case 5:
        failed = vips_rot90(in, &turned, NULL) ||
                 vips_flip(turned, out, VIPS_DIRECTION_HORIZONTAL, NULL);
        VIPS_UNREF(turned);
        return failed;
    case 6:
        return vips_rot270(in, out, NULL);
    case 8:
        return vips_rot90(in, out, NULL);
    default:
        return vips_copy(in, out, NULL);
    }
}

static int profile_attach(VipsImage *image, const char *name)
{
    VipsBlob *profile = NULL;
    size_t size;

    if (vips_profile_load(name, &profile, NULL)) {
        return -1;
    }
    const void *data = vips_blob_get(profile, &size);
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, data, size);
    vips_area_unref(VIPS_AREA(profile));
    return 0;
}

static int step_colour(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    switch (sample->format) {
    case SAMPLE_JPEG_P3:
        return vips_copy(in, out, NULL) || profile_attach(*out, "p3");
    case SAMPLE_JPEG_CMYK:
        return vips_icc_transform(in, out, "cmyk", "input_profile", "srgb", NULL);
    case SAMPLE_JPEG_GREY:
        return vips_colourspace(in, out, VIPS_INTERPRETATION_B_W, NULL);
    default:
        return vips_copy(in, out, NULL);
    }
}

static void set_text(VipsImage *image, const char *field, const char *text)
{
    if (text != NULL) {
        vips_image_set_string(image, field, text);
    }
}

static int step_describe(const struct sample *sample, VipsImage *in, VipsImage **out)
{
    const struct sample_shot *shot = &sample->shot;

    if (vips_copy(in, out, NULL)) {
        return -1;
    }
    set_text(*out, "exif-ifd0-Make", shot->model != NULL ? "Thumbwheel" : NULL);
    set_text(*out, "exif-ifd0-Model", shot->model);
    set_text(*out, "exif-ifd2-DateTimeOriginal", shot->taken);
    set_text(*out, "exif-ifd3-GPSLatitude", shot->latitude);
    set_text(*out, "exif-ifd3-GPSLatitudeRef", shot->north);
    set_text(*out, "exif-ifd3-GPSLongitude", shot->longitude);
    set_text(*out, "exif-ifd3-GPSLongitudeRef", shot->east);
    if (sample->orientation != 1) {
        vips_image_set_int(*out, VIPS_META_ORIENTATION, sample->orientation);
    }
    if (sample->frames > 1) {
        int delays[64];
        int count = VIPS_MIN(sample->frames, 64);

        for (int i = 0; i < count; i++) {
            delays[i] = FRAME_MS;
        }
        vips_image_set_int(*out, VIPS_META_PAGE_HEIGHT, in->Ysize / sample->frames);
        vips_image_set_array_int(*out, "delay", delays, count);
        vips_image_set_int(*out, "loop", 0);
    }
    return 0;
}

static int save(const struct sample *sample, VipsImage *image, void **bytes, size_t *size)
{
    switch (sample->format) {
    case SAMPLE_PNG_ALPHA:
    case SAMPLE_PNG_16:
        return vips_pngsave_buffer(image, bytes, size, "compression", 4, NULL);
    case SAMPLE_WEBP:
        return vips_webpsave_buffer(image, bytes, size, "Q", 82, "effort", 1, NULL);
    case SAMPLE_TIFF:
        return vips_tiffsave_buffer(image, bytes, size, "compression",
                                    VIPS_FOREIGN_TIFF_COMPRESSION_LZW, "predictor",
                                    VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, NULL);
    case SAMPLE_GIF:
        return vips_gifsave_buffer(image, bytes, size, "dither", 0.6, "effort", 1, NULL);
    default:
        return vips_jpegsave_buffer(image, bytes, size, "Q", JPEG_QUALITY, "interlace",
                                    sample->format == SAMPLE_JPEG_PROGRESSIVE, NULL);
    }
}

static VipsImage *canvas_open(const struct sample *sample, const struct rgba *pixels)
{
    int rows = sample->height * sample->frames;
    size_t size = (size_t)sample->width * (size_t)rows * sizeof(*pixels);

    return vips_image_new_from_memory(pixels, size, sample->width, rows, 4, VIPS_FORMAT_FLOAT);
}

static int encode(const struct sample *sample, const struct rgba *pixels, void **bytes,
                  size_t *size)
{
    static step *const steps[] = {step_quantise, step_enlarge, step_grain,
                                  step_turn,     step_colour,  step_describe};
    VipsImage *image = canvas_open(sample, pixels);
    int failed = image == NULL;

    for (size_t i = 0; !failed && i < sizeof(steps) / sizeof(steps[0]); i++) {
        VipsImage *next = NULL;

        failed = steps[i](sample, image, &next);
        VIPS_UNREF(image);
        image = next;
    }
    failed = failed || save(sample, image, bytes, size);
    VIPS_UNREF(image);
    return failed ? ERR_UNSUPPORTED : 0;
}

int sample_encode(const struct sample *sample, void **bytes, size_t *size)
{
    size_t frame_pixels = (size_t)sample->width * (size_t)sample->height;
    struct rgba *pixels = calloc(frame_pixels * (size_t)sample->frames, sizeof(*pixels));

    if (pixels == NULL) {
        return ERR_MEMORY;
    }
    for (int frame = 0; frame < sample->frames; frame++) {
        struct canvas canvas = {pixels + frame_pixels * (size_t)frame, sample->width,
                                sample->height, frame, sample->frames};
        sample->paint(&canvas);
    }
    int code = encode(sample, pixels, bytes, size);
    free(pixels);
    return code;
}
