#include "image_effects.h"

#include <stdlib.h>

int image_take_alpha(VipsImage **image, VipsImage **alpha)
{
    VipsImage *made = NULL;
    int last = (*image)->Bands - 1;
    if (vips_extract_band(*image, alpha, last, NULL)) {
        vips_error_clear();
        return ERR_INVALID;
    }
    return image_replace(image, vips_extract_band(*image, &made, 0, "n", last, NULL), &made);
}

int image_put_alpha(VipsImage **image, VipsImage *alpha)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_bandjoin2(*image, alpha, &made, NULL), &made);
}

int image_without_alpha(VipsImage **image, image_effect *effect, const void *how)
{
    VipsImage *alpha = NULL;
    if (!vips_image_hasalpha(*image))
        return effect(image, how);
    int code = image_take_alpha(image, &alpha);
    if (code)
        goto out;
    code = effect(image, how);
    if (code)
        goto out;
    code = image_put_alpha(image, alpha);
out:
    g_clear_object(&alpha);
    return code;
}

static int to_space(VipsImage **image, VipsInterpretation space)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_colourspace(*image, &made, space, NULL), &made);
}

static bool is_deep(const VipsImage *image)
{
    return image->BandFmt == VIPS_FORMAT_USHORT;
}

/* ---- lightness ---- */

enum { LIGHTNESS_STEPS = 1000 };

struct lightness_count {
    size_t width;
    uint64_t pixels[LIGHTNESS_STEPS + 1];
};

static void count_line(void *user, const VipsPel *line)
{
    struct lightness_count *c = user;
    const float *values = (const float *)(const void *)line;
    for (size_t i = 0; i < c->width; i++) {
        float step = values[i] * (LIGHTNESS_STEPS / 100.0F);
        c->pixels[step <= 0 ? 0 : step >= LIGHTNESS_STEPS ? LIGHTNESS_STEPS : (size_t)step]++;
    }
}

/* The lightness that this part of the pixels does not exceed. */
static double percentile(const struct lightness_count *c, double part, uint64_t all)
{
    uint64_t sum = 0;
    size_t step = 0;
    while (step < LIGHTNESS_STEPS && (double)(sum += c->pixels[step]) < part * (double)all)
        step++;
    return (double)step * 100 / LIGHTNESS_STEPS;
}

static int find_range(VipsImage *lightness, double *low, double *high)
{
    struct lightness_count *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_MEMORY;
    c->width = (size_t)lightness->Xsize;
    int code = image_pull_lines(lightness, count_line, c);
    uint64_t all = (uint64_t)lightness->Xsize * (uint64_t)lightness->Ysize;
    *low = percentile(c, 0.01, all);
    *high = percentile(c, 0.99, all);
    free(c);
    return code;
}

/* Nothing happens to a picture of a single lightness. */
static int stretch_lightness(VipsImage **lightness)
{
    VipsImage *made = NULL;
    double low = 0, high = 0;
    int code = find_range(*lightness, &low, &high);
    if (code || high - low < 1)
        return code;
    double factor = 100 / (high - low);
    return image_replace(lightness, vips_linear1(*lightness, &made, factor, -low * factor, NULL),
                         &made);
}

static int split_lab(VipsImage *lab, VipsImage **lightness, VipsImage **chroma)
{
    if (!vips_extract_band(lab, lightness, 0, NULL) &&
        !vips_extract_band(lab, chroma, 1, "n", 2, NULL))
        return 0;
    vips_error_clear();
    return ERR_INVALID;
}

static int stretch_lab(VipsImage **lab)
{
    VipsImage *lightness = NULL, *chroma = NULL, *made = NULL;
    int code = split_lab(*lab, &lightness, &chroma);
    if (code)
        goto out;
    code = stretch_lightness(&lightness);
    if (code)
        goto out;
    code = image_replace(lab, vips_bandjoin2(lightness, chroma, &made, NULL), &made);
    if (code)
        goto out;
    made = NULL;
    code = image_replace(
        lab, vips_copy(*lab, &made, "interpretation", VIPS_INTERPRETATION_LAB, NULL), &made);
out:
    g_clear_object(&lightness);
    g_clear_object(&chroma);
    return code;
}

static int stretch(VipsImage **image, const void *how)
{
    VipsInterpretation space = (*image)->Type;
    (void)how;
    int code = to_space(image, VIPS_INTERPRETATION_LAB);
    if (code)
        return code;
    code = stretch_lab(image);
    return code ? code : to_space(image, space);
}

int image_stretch(VipsImage **image)
{
    return image_without_alpha(image, stretch, NULL);
}

/* ---- luminance ---- */

/* Three times the luminance of ITU-R BT.709. The conversion of libvips itself rounds the weights to
 * tenths. */
static int weigh_light(VipsImage **light)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722, 0.2126, 0.7152,
                                     0.0722, 0.2126, 0.7152, 0.0722};
    VipsImage *made = NULL;
    VipsImage *matrix =
        vips_image_new_from_memory_copy(weights, sizeof weights, 3, 3, 1, VIPS_FORMAT_DOUBLE);
    int failed = !matrix || vips_recomb(*light, &made, matrix, NULL);
    g_clear_object(&matrix);
    return image_replace(light, failed, &made);
}

/* Of three equal colours. */
static int take_grey(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    VipsInterpretation space = deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    int code = image_replace(image, vips_extract_band(*image, &made, 0, NULL), &made);
    if (code)
        return code;
    made = NULL;
    code = image_replace(image, vips_copy(*image, &made, "interpretation", space, NULL), &made);
    if (!code && vips_image_get_typeof(*image, VIPS_META_ICC_NAME))
        vips_image_remove(*image, VIPS_META_ICC_NAME); /* it describes colours */
    return code;
}

static int colours_to_grey(VipsImage **image, const void *how)
{
    bool deep = is_deep(*image);
    (void)how;
    int code = to_space(image, VIPS_INTERPRETATION_scRGB);
    if (code)
        return code;
    code = weigh_light(image);
    if (code)
        return code;
    code = to_space(image, deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
    return code ? code : take_grey(image, deep);
}

int image_greyscale(VipsImage **image)
{
    return image_colour_bands(*image) == 1 ? 0 : image_without_alpha(image, colours_to_grey, NULL);
}

/* ---- filters ---- */

/* As sharp does by default: flat areas by 1, edges by 2. */
static int sharpen(VipsImage **image, const void *sigma)
{
    VipsImage *made = NULL;
    VipsInterpretation space = (*image)->Type;
    int failed =
        vips_sharpen(*image, &made, "sigma", *(const double *)sigma, "m1", 1.0, "m2", 2.0, NULL);
    int code = image_replace(image, failed, &made);
    return code ? code : to_space(image, space);
}

int image_sharpen(VipsImage **image, double sigma)
{
    return image_without_alpha(image, sharpen, &sigma);
}

static int blur(VipsImage **image, double sigma)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_gaussblur(*image, &made, sigma, NULL), &made);
}

/* The colour of transparent pixels must not contribute. */
static int blur_with_alpha(VipsImage **image, double sigma)
{
    VipsImage *made = NULL;
    double most = image_alpha_max(*image);
    int code =
        image_replace(image, vips_premultiply(*image, &made, "max_alpha", most, NULL), &made);
    if (code)
        return code;
    code = blur(image, sigma);
    if (code)
        return code;
    made = NULL;
    return image_replace(image, vips_unpremultiply(*image, &made, "max_alpha", most, NULL), &made);
}

int image_blur(VipsImage **image, double sigma)
{
    VipsBandFormat format = (*image)->BandFmt;
    int code = vips_image_hasalpha(*image) ? blur_with_alpha(image, sigma) : blur(image, sigma);
    return code ? code : image_cast(image, format);
}
