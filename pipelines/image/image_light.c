/*
 * Light is computed in floating point, from 0 to 1, because 16 bits don't have the dark steps of a
 * steep curve. The way back is a table over the square root of the light, in which these steps are
 * far enough apart.
 */
#include "image_light.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 65536, VALUES = 256, BANDS_MAX = 4, OPAQUE = 255 };

static float light_of(double value, double curve)
{
    if (curve > 0)
        return (float)pow(value, curve);
    return (float)(value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4));
}

static double value_of(double light, double curve)
{
    if (curve > 0)
        return pow(light, 1 / curve);
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

/* One entry for each value and band; alpha keeps its values. */
static VipsImage *table_new(double curve, int bands, bool alpha, float *entries)
{
    for (int i = 0; i < VALUES; i++) {
        for (int band = 0; band < bands; band++)
            entries[i * bands + band] =
                alpha && band == bands - 1 ? (float)i : light_of(i / 255.0, curve);
    }
    return vips_image_new_from_memory(entries, sizeof *entries * VALUES * (size_t)bands, VALUES, 1,
                                      bands, VIPS_FORMAT_FLOAT);
}

struct light_writer {
    VipsPel *next;
    size_t count; /* values of a line */
    size_t bands;
    bool alpha;
    VipsPel table[STEPS];
};

static VipsPel whole(float value)
{
    return (VipsPel)(value <= 0 ? 0 : value >= OPAQUE ? OPAQUE : value + 0.5F);
}

static void write_line(void *user, const VipsPel *line)
{
    struct light_writer *w = user;
    const float *lights = (const float *)(const void *)line;
    for (size_t i = 0; i < w->count; i++) {
        float light = lights[i] < 0 ? 0 : lights[i] > 1 ? 1 : lights[i];
        bool alpha = w->alpha && i % w->bands == w->bands - 1;
        *w->next++ = alpha ? whole(lights[i]) : w->table[(size_t)(sqrtf(light) * (STEPS - 1))];
    }
}

/* Computes the pixels of an image of lights. */
static int write_values(VipsImage **image, double curve)
{
    struct plan_size size = {(unsigned)(*image)->Xsize, (unsigned)(*image)->Ysize};
    size_t bands = (size_t)(*image)->Bands, count = size.width * bands;
    VipsPel *pixels = malloc(count * size.height);
    struct light_writer *w = calloc(1, sizeof *w);
    int code = pixels && w ? 0 : ERR_MEMORY;
    for (size_t i = 0; !code && i < STEPS; i++) {
        double root = ((double)i + 0.5) / STEPS;
        w->table[i] = whole((float)(OPAQUE * value_of(root * root, curve)));
    }
    if (!code) {
        w->next = pixels;
        w->count = count;
        w->bands = bands;
        w->alpha = vips_image_hasalpha(*image);
        code = image_pull_lines(*image, write_line, w);
    }
    free(w);
    if (code) {
        free(pixels);
        return code;
    }
    VipsImage *made = image_of_pixels(*image, pixels, size);
    return made ? image_replace(image, 0, &made) : ERR_MEMORY;
}

int image_resize_light(VipsImage **image, struct plan_size size, double curve)
{
    float entries[VALUES * BANDS_MAX];
    VipsImage *made = NULL;
    int code = image_to_srgb(image, false);
    if (code)
        return code;
    VipsInterpretation space = (*image)->Type;
    if ((*image)->Bands > BANDS_MAX)
        return ERR_UNSUPPORTED;
    if ((unsigned)(*image)->Xsize == size.width && (unsigned)(*image)->Ysize == size.height)
        return image_to_memory(image);
    VipsImage *table = table_new(curve, (*image)->Bands, vips_image_hasalpha(*image), entries);
    code = image_replace(image, !table || vips_maplut(*image, &made, table, NULL), &made);
    g_clear_object(&table);
    if (code)
        return code;
    (*image)->Type = space;
    code = image_resize_to(image, size, OPAQUE);
    return code ? code : write_values(image, curve);
}
