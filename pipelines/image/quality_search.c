#include "quality_search.h"

#include <stdlib.h>

#include "image_load.h"
#include "image_ops.h"
#include "image_save.h"
#include "pipeline_file.h"
#include "ssim.h"

enum { SSIM_QUALITY_MAX = 95 };

struct luma {
    uint8_t *pixels; /* free */
    size_t width, height;
};

struct quality_trial { /* of one format */
    VipsImage *image;
    enum image_format format;
    struct output_config config; /* with the quality of the current try */
    struct luma reference;       /* pixels NULL: not needed */
    struct bytes best;
    struct error *error;
};

/* ---- luma ---- */

/* ITU-R BT.601, of sRGB values. */
static uint8_t luma_of(const uint8_t *pixel, size_t bands)
{
    if (bands < 3)
        return pixel[0];
    return (uint8_t)((299u * pixel[0] + 587u * pixel[1] + 114u * pixel[2] + 500) / 1000);
}

static int luma_take(const VipsImage *image, struct luma *out)
{
    size_t bands = (size_t)image->Bands, area;
    out->width = (size_t)image->Xsize;
    out->height = (size_t)image->Ysize;
    area = out->width * out->height;
    out->pixels = malloc(area);
    if (!out->pixels)
        return ERR_MEMORY;
    for (size_t i = 0; i < area; i++)
        out->pixels[i] = luma_of((const uint8_t *)image->data + i * bands, bands);
    return 0;
}

/* What is transparent counts as white. */
static int flatten(VipsImage **image)
{
    const struct colour white = {true, 255, 255, 255};
    int code = image_to_srgb(image, false);
    if (code)
        return code;
    code = image_flatten(image, &white);
    return code ? code : image_to_memory(image);
}

static int luma_read(VipsImage *image, struct luma *out)
{
    VipsImage *flat = g_object_ref(image);
    int code = flatten(&flat);
    if (!code)
        code = luma_take(flat, out);
    g_object_unref(flat);
    return code;
}

static int decoded_read(const struct bytes *body, struct luma *out)
{
    /* what operators refuse to read is not our own encoding */
    const struct pipeline_limits any = {.formats = ~0u};
    struct image_source source;
    struct resample_extent extent;
    VipsImage *image = NULL;
    int code = image_probe((struct slice){body->data, body->size}, &any, &source, NULL, NULL);
    if (!code)
        code = image_open(&source, 1, &extent, &image);
    if (code)
        return code;
    code = luma_read(image, out);
    g_object_unref(image);
    return code;
}

static int similarity(const struct quality_trial *s, const struct bytes *body, double *out)
{
    struct luma decoded = {0};
    int code = decoded_read(body, &decoded);
    if (!code && (decoded.width != s->reference.width || decoded.height != s->reference.height))
        code = ERR_UNSUPPORTED;
    if (!code)
        *out = ssim(s->reference.pixels, decoded.pixels, decoded.width, decoded.height);
    free(decoded.pixels);
    return code ? error_set(s->error, code, "an encoding could not be compared with its picture")
                : 0;
}

/* ---- one format ---- */

static int encode(struct quality_trial *s, int quality, struct bytes *out)
{
    s->config.quality = quality;
    return image_save(s->image, s->format, &s->config, out, s->error);
}

static void keep(struct quality_trial *s, struct bytes *body)
{
    bytes_free(&s->best);
    s->best = bytes_take(body);
}

/* Whether an encoding is good enough, and at which end the search goes on. */
typedef int search_test(struct quality_trial *s, const struct bytes *body, bool *good);

static int fits(struct quality_trial *s, const struct bytes *body, bool *good)
{
    *good = body->size <= (size_t)s->config.max_bytes;
    return 0;
}

static int is_similar(struct quality_trial *s, const struct bytes *body, bool *good)
{
    double found = 0;
    int code = similarity(s, body, &found);
    *good = found >= s->config.ssim;
    return code;
}

/* Keeps the best encoding between two qualities: with upwards, the highest quality that passes the
 * test, else the lowest. If none passes, the last resort, which is the end that is most likely to,
 * is kept. *quality: of the one that is kept. */
static int halve(struct quality_trial *s, search_test *test, bool upwards, int low, int high,
                 int *quality)
{
    int last = upwards ? low : high;
    bool any = false;
    while (low <= high) {
        struct bytes body = {0};
        bool good = false;
        int middle = low + (high - low) / 2;
        int code = encode(s, middle, &body);
        if (!code)
            code = test(s, &body, &good);
        if (code) {
            bytes_free(&body);
            return code;
        }
        if (good || (!any && middle == last)) {
            keep(s, &body);
            *quality = middle;
        }
        bytes_free(&body);
        any |= good;
        if (good == upwards)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return 0;
}

static int least_of(const struct quality_trial *s, int most)
{
    return s->config.min_quality < most ? s->config.min_quality : most;
}

static int search_similar(struct quality_trial *s, int *quality)
{
    int most = s->config.quality ? s->config.quality : SSIM_QUALITY_MAX;
    int code = luma_read(s->image, &s->reference);
    if (code)
        return error_set(s->error, code == ERR_MEMORY ? code : ERR_UNSUPPORTED,
                         "the picture could not be prepared for a comparison");
    return halve(s, is_similar, false, least_of(s, most), most, quality);
}

static int search_fitting(struct quality_trial *s, int quality)
{
    int found = quality;
    if (s->best.size <= (size_t)s->config.max_bytes || quality <= s->config.min_quality)
        return 0;
    return halve(s, fits, true, s->config.min_quality, quality - 1, &found);
}

static int search_run(struct quality_trial *s)
{
    int quality = s->config.quality, code;
    unsigned usual = image_format_facts(s->format)->quality;
    if (usual && s->config.target == TARGET_SSIM) {
        code = search_similar(s, &quality);
    } else {
        quality = quality ? quality : (int)usual;
        code = encode(s, quality, &s->best);
    }
    if (code || !usual || !s->config.max_bytes || s->config.lossless)
        return code;
    return search_fitting(s, quality);
}

static bool is_too_large(const struct output_config *config, const struct bytes *body)
{
    return config->max_bytes && body->size > (size_t)config->max_bytes;
}

static int format_try(VipsImage *image, enum image_format format,
                      const struct output_config *config, struct encoding *out, struct error *error)
{
    struct quality_trial s = {.image = image, .format = format, .config = *config, .error = error};
    int code = search_run(&s);
    if (!code && (!out->body.data || s.best.size < out->body.size)) {
        bytes_free(&out->body);
        out->body = bytes_take(&s.best);
        out->format = format;
        out->too_large = is_too_large(config, &out->body);
    }
    bytes_free(&s.best);
    free(s.reference.pixels);
    return code;
}

/* ---- several ---- */

bool quality_search_is_wanted(const struct output_config *config)
{
    return config->format == FORMAT_AUTO || config->max_bytes || config->target == TARGET_SSIM;
}

int quality_search(VipsImage *image, unsigned formats, const struct output_config *config,
                   struct encoding *out, struct error *error)
{
    int code = ERR_UNSUPPORTED;
    *out = (struct encoding){0};
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        if (formats & 1u << format)
            code = format_try(image, format, config, out, error);
        if (code == ERR_MEMORY)
            break;
    }
    if (code != ERR_MEMORY && out->body.data) {
        error->code = 0;
        return 0;
    }
    bytes_free(&out->body);
    return code;
}
