#include "image_save.h"

#include "jpeg_write.h"
#include "metadata_edit.h"
#include "metadata_filter.h"
#include "pipeline_file.h"
#include "vips_api.h"
#include "vips_modules.h"
#include "vips_start.h"

enum {
    METADATA_BLOCK_MAX = 60 * 1024, /* of a segment of a JPEG */
    FULL_COLOUR_QUALITY = 90,
};

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

/* ---- settings ---- */

int image_save_quality(enum image_format format, const struct output_config *config)
{
    return config->quality ? config->quality : (int)image_format_facts(format)->quality;
}

/* auto: libvips' own rule. Lossy WebP has no 4:4:4, JPEG XL nothing else. */
bool image_save_full_colour(enum image_format format, const struct output_config *config)
{
    if (format == FORMAT_WEBP || format == FORMAT_JXL)
        return format == FORMAT_JXL;
    return config->chroma == CHROMA_444 ||
           (config->chroma == CHROMA_AUTO &&
            image_save_quality(format, config) >= FULL_COLOUR_QUALITY);
}

/* ---- the encoders ---- */

struct save { /* one call of an encoder */
    VipsImage *image;
    enum image_format format;
    const struct output_config *config;
    void *data; /* g_free */
    size_t size;
};

static int quality_of(const struct save *s)
{
    return image_save_quality(s->format, s->config);
}

static int effort_or(const struct output_config *config, int fallback, int least, int most)
{
    return config->effort < 0 ? fallback : VIPS_CLIP(least, config->effort, most);
}

static VipsForeignSubsample subsampling_of(const struct output_config *config)
{
    static const VipsForeignSubsample modes[] = {[CHROMA_AUTO] = VIPS_FOREIGN_SUBSAMPLE_AUTO,
                                                 [CHROMA_444] = VIPS_FOREIGN_SUBSAMPLE_OFF,
                                                 [CHROMA_420] = VIPS_FOREIGN_SUBSAMPLE_ON};
    return modes[config->chroma];
}

/* JPEG has IPTC in a block of Photoshop's. */
static int set_iptc(struct save *s, VipsImage **out)
{
    const void *data;
    size_t size;
    struct buffer block;
    buffer_init(&block, METADATA_BLOCK_MAX);
    if (vips_image_get_blob(s->image, VIPS_META_IPTC_NAME, &data, &size) ||
        vips_copy(s->image, out, NULL))
        return -1;
    struct slice records = {data, size};
    if (s->format == FORMAT_JPEG)
        iptc_wrap(records, &block);
    else
        iptc_pad(records, &block);
    if (block.error)
        vips_image_remove(*out, VIPS_META_IPTC_NAME);
    else
        vips_image_set_blob_copy(*out, VIPS_META_IPTC_NAME, block.data, block.size);
    buffer_free(&block);
    return 0;
}

/* The pixels, if they are all that has to be encoded, and in memory; otherwise NULL. */
static const unsigned char *plain_pixels(const struct save *s)
{
    const VipsImage *image = s->image;
    bool rgb = image->Bands == 3 && image->Type == VIPS_INTERPRETATION_sRGB;
    bool grey = image->Bands == 1 && image->Type == VIPS_INTERPRETATION_B_W;
    bool plain = image->BandFmt == VIPS_FORMAT_UCHAR && image->Coding == VIPS_CODING_NONE;
    return s->config->strip && plain && (rgb || grey) ? image->data : NULL;
}

static int save_plain_jpeg(struct save *s, const unsigned char *pixels)
{
    const struct output_config *c = s->config;
    const struct jpeg_settings settings = {.quality = quality_of(s),
                                           .full_colour = image_save_full_colour(s->format, c),
                                           .optimised = c->effort != 0,
                                           .progressive = c->progressive};
    struct bytes file;
    if (jpeg_write(pixels, (struct plan_size){(unsigned)s->image->Xsize, (unsigned)s->image->Ysize},
                   (unsigned)s->image->Bands, &settings, &file))
        return -1;
    s->data = file.data; /* GLib's memory is malloc's since its version 2.46 */
    s->size = file.size;
    return 0;
}

static int save_jpeg(struct save *s)
{
    const struct output_config *c = s->config;
    const unsigned char *pixels = plain_pixels(s);
    if (pixels)
        return save_plain_jpeg(s, pixels);
    return vips_jpegsave_buffer(s->image, &s->data, &s->size, "Q", quality_of(s), "optimize_coding",
                                c->effort != 0, "interlace", c->progressive, "subsample_mode",
                                subsampling_of(c), "strip", c->strip, NULL);
}

/* The bits of a palette with at least this many colours: each number, with a step of 1, or powers of
 * two. */
static int palette_bits(int colours, int step)
{
    int bits = 1;
    while (colours > 1 << bits)
        bits = step ? bits + step : bits * 2;
    return bits;
}

static int save_png(struct save *s)
{
    const struct output_config *c = s->config;
    int compression = effort_or(c, 6, 0, 9);
    if (!c->palette)
        return vips_pngsave_buffer(s->image, &s->data, &s->size, "compression", compression,
                                   "interlace", c->progressive, "strip", c->strip, NULL);
    return vips_pngsave_buffer(s->image, &s->data, &s->size, "compression", compression,
                               "interlace", c->progressive, "strip", c->strip, "palette", TRUE, "Q",
                               c->quality ? c->quality : 100, "bitdepth",
                               palette_bits(c->colours ? c->colours : 256, 0), NULL);
}

/* Lossless, Q is the encoder's effort; near-lossless, the precision of the pixels. */
static int save_webp(struct save *s)
{
    const struct output_config *c = s->config;
    bool near = c->near_lossless >= 0;
    return vips_webpsave_buffer(s->image, &s->data, &s->size, "Q",
                                near ? c->near_lossless : quality_of(s), "effort",
                                effort_or(c, 4, 0, 6), "lossless", c->lossless, "near_lossless",
                                near, "strip", c->strip, NULL);
}

static int save_tiff(struct save *s)
{
    static const VipsForeignTiffCompression methods[] = {
        [COMPRESSION_DEFLATE] = VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
        [COMPRESSION_LZW] = VIPS_FOREIGN_TIFF_COMPRESSION_LZW,
        [COMPRESSION_ZSTD] = VIPS_FOREIGN_TIFF_COMPRESSION_ZSTD,
        [COMPRESSION_JPEG] = VIPS_FOREIGN_TIFF_COMPRESSION_JPEG,
        [COMPRESSION_NONE] = VIPS_FOREIGN_TIFF_COMPRESSION_NONE};
    const struct output_config *c = s->config;
    return vips_tiffsave_buffer(s->image, &s->data, &s->size, "compression",
                                methods[c->compression], "Q", c->quality ? c->quality : 80,
                                "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip",
                                c->strip, NULL);
}

static int save_gif(struct save *s)
{
    const struct output_config *c = s->config;
    return vips_gifsave_buffer(s->image, &s->data, &s->size, "effort", effort_or(c, 7, 1, 9),
                               "bitdepth", palette_bits(c->colours ? c->colours : 256, 1), NULL);
}

/* x265 has no effort here: libvips sets it for AV1 only. */
static int save_heif(struct save *s)
{
    const struct output_config *c = s->config;
    return vips_heifsave_buffer(s->image, &s->data, &s->size, "compression",
                                s->format == FORMAT_AVIF ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1
                                                         : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC,
                                "Q", quality_of(s), "effort", c->effort < 0 ? 4 : c->effort,
                                "subsample_mode", subsampling_of(c), "strip", c->strip, NULL);
}

static int save_jxl(struct save *s)
{
    const struct output_config *c = s->config;
    return vips_jxlsave_buffer(s->image, &s->data, &s->size, "Q", quality_of(s), "effort",
                               effort_or(c, 7, 3, 9), "lossless", c->lossless, "strip", c->strip,
                               NULL);
}

/* By enum image_format. The operation is NULL if every libvips has it. */
static const struct encoder {
    int (*save)(struct save *s);
    const char *operation;
    bool tried; /* the operation may exist without its encoder */
} encoders[FORMAT_COUNT] = {
    [FORMAT_JPEG] = {save_jpeg, NULL, false},
    [FORMAT_PNG] = {save_png, NULL, false},
    [FORMAT_WEBP] = {save_webp, "webpsave_buffer", false},
    [FORMAT_AVIF] = {save_heif, "heifsave_buffer", true},
    [FORMAT_TIFF] = {save_tiff, "tiffsave_buffer", false},
    [FORMAT_GIF] = {save_gif, "gifsave_buffer", false},
    [FORMAT_HEIF] = {save_heif, "heifsave_buffer", true},
    [FORMAT_JXL] = {save_jxl, "jxlsave_buffer", false},
};

static int save(struct save *s)
{
    struct save edited = *s;
    bool edits = !s->config->strip && (s->format == FORMAT_JPEG || s->format == FORMAT_TIFF) &&
                 vips_image_get_typeof(s->image, VIPS_META_IPTC_NAME);
    if (!encoders[s->format].save || (edits && set_iptc(s, &edited.image)))
        return -1;
    vips_modules_load(image_format_module(s->format));
    int failed = encoders[s->format].save(&edited);
    s->data = edited.data;
    s->size = edited.size;
    if (edits)
        g_object_unref(edited.image);
    return failed;
}

/* ---- what this machine can write ---- */

/* libheif finds its encoders at run time, so encoding must be tried. */
static bool can_encode(enum image_format format)
{
    const struct output_config config = {.effort = 0, .strip = true, .near_lossless = -1};
    struct save s = {.format = format, .config = &config};
    bool done = !vips_black(&s.image, 16, 16, "bands", 3, NULL);
    if (done) {
        s.image->Type = VIPS_INTERPRETATION_sRGB;
        done = !encoders[format].save(&s);
        g_object_unref(s.image);
    }
    g_free(s.data);
    vips_error_clear();
    return done;
}

bool image_save_supports(enum image_format format)
{
    const struct encoder *encoder = &encoders[format];
    struct error error;
    if (format == FORMAT_KEEP) /* depends on the source */
        return true;
    if (!encoder->operation)
        return encoder->save;
    if (pipelines_start("thumbwheel", &error))
        return false;
    vips_modules_load(image_format_module(format));
    return has_operation(encoder->operation) && (!encoder->tried || can_encode(format));
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
    struct save s = {.image = image, .format = format, .config = config};
    if (save(&s)) {
        vips_error_clear();
        g_free(s.data);
        return error_set(error, ERR_UNSUPPORTED,
                         "this machine's libvips could not write the picture as %s", facts->name);
    }
    if (format == FORMAT_WEBP && config->strip) /* libvips 8.14 writes EXIF all the same */
        s.size = webp_drop_metadata(s.data, s.size);
    if (format == FORMAT_PNG &&
        !config->strip) /* it writes the block before and after the pixels */
        s.size = png_drop_repeated_exif(s.data, s.size);
    *out = (struct bytes){s.data, s.size, g_free};
    return 0;
}
