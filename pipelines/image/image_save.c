#include "image_save.h"

#include "metadata_edit.h"
#include "pipeline_file.h"
#include "vips_api.h"
#include "vips_start.h"

static bool has_operation(const char *name)
{
    VipsOperation *operation = vips_operation_new(name);
    if (!operation) {
        vips_error_clear();
        return false;
    }
    g_object_unref(operation);
    return true;
}

static int save_avif(VipsImage *image, const struct output_config *config, void **data,
                     size_t *size)
{
    return vips_heifsave_buffer(image, data, size, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1,
                                "Q", config->quality ? config->quality : 50, "effort",
                                config->effort < 0 ? 4 : config->effort, "strip", config->strip,
                                NULL);
}

/* libheif finds its encoders at run time, so encoding must be tried. */
static bool can_save_avif(void)
{
    const struct output_config config = {.effort = 0, .strip = true};
    VipsImage *image = NULL;
    void *data = NULL;
    size_t size;
    bool done = !vips_black(&image, 16, 16, "bands", 3, NULL);
    if (done) {
        image->Type = VIPS_INTERPRETATION_sRGB;
        done = !save_avif(image, &config, &data, &size);
        g_object_unref(image);
    }
    g_free(data);
    vips_error_clear();
    return done;
}

static bool is_asked_of_libvips(enum image_format format)
{
    return format == FORMAT_WEBP || format == FORMAT_TIFF || format == FORMAT_GIF ||
           format == FORMAT_AVIF;
}

bool image_save_supports(enum image_format format)
{
    struct error error;
    if (is_asked_of_libvips(format) && pipelines_start("thumbwheel", &error))
        return false;
    switch (format) {
    case FORMAT_JPEG: /* every libvips has these two */
    case FORMAT_PNG:
        return true;
    case FORMAT_WEBP:
        return has_operation("webpsave_buffer");
    case FORMAT_TIFF:
        return has_operation("tiffsave_buffer");
    case FORMAT_GIF:
        return has_operation("gifsave_buffer");
    case FORMAT_AVIF:
        return has_operation("heifsave_buffer") && can_save_avif();
    case FORMAT_KEEP: /* depends on the source */
        return true;
    case FORMAT_HEIF:
        return false;
    }
    return false;
}

static int effort_or(const struct output_config *config, int fallback, int least, int most)
{
    return config->effort < 0 ? fallback : VIPS_CLIP(least, config->effort, most);
}

static int save(VipsImage *image, enum image_format format, const struct output_config *config,
                void **data, size_t *size)
{
    int quality = config->quality ? config->quality : 80;
    switch (format) {
    case FORMAT_JPEG:
        return vips_jpegsave_buffer(image, data, size, "Q", quality, "optimize_coding",
                                    config->effort != 0, "interlace", config->progressive, "strip",
                                    config->strip, NULL);
    case FORMAT_PNG:
        return vips_pngsave_buffer(image, data, size, "compression", effort_or(config, 6, 0, 9),
                                   "interlace", config->progressive, "strip", config->strip, NULL);
    case FORMAT_WEBP:
        return vips_webpsave_buffer(image, data, size, "Q", quality, "effort",
                                    effort_or(config, 4, 0, 6), "strip", config->strip, NULL);
    case FORMAT_TIFF:
        return vips_tiffsave_buffer(
            image, data, size, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
            VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip", config->strip, NULL);
    case FORMAT_GIF:
        return vips_gifsave_buffer(image, data, size, "effort", effort_or(config, 7, 1, 9), NULL);
    case FORMAT_AVIF:
        return save_avif(image, config, data, size);
    case FORMAT_KEEP:
    case FORMAT_HEIF:
        break;
    }
    return -1;
}

int image_save(VipsImage *image, enum image_format format, const struct output_config *config,
               struct bytes *out, struct error *error)
{
    const struct image_format_facts *facts = image_format_facts(format);
    int height = vips_image_get_page_height(image);
    if ((unsigned)image->Xsize > facts->side_max || (unsigned)height > facts->side_max)
        return error_set(error, ERR_LIMIT,
                         "%d × %d pixels are too large for %s, whose sides are limited to %u",
                         image->Xsize, height, facts->name, facts->side_max);
    void *data = NULL;
    size_t size = 0;
    if (save(image, format, config, &data, &size)) {
        vips_error_clear();
        g_free(data);
        return error_set(error, ERR_UNSUPPORTED,
                         "this machine's libvips could not write the picture as %s", facts->name);
    }
    if (format == FORMAT_WEBP && config->strip) /* libvips 8.14 writes EXIF all the same */
        size = webp_drop_metadata(data, size);
    *out = (struct bytes){data, size, g_free};
    return 0;
}
