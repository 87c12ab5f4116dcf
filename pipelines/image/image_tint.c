/* A table from each grey to its colour. */
#include <stdlib.h>

#include "image_effects.h"

static void chroma_of(const struct colour *colour, double *a, double *b)
{
    float red, green, blue, x, y, z, lightness, chroma[2];
    vips_col_sRGB2scRGB_8(colour->red, colour->green, colour->blue, &red, &green, &blue);
    vips_col_scRGB2XYZ(red, green, blue, &x, &y, &z);
    vips_col_XYZ2Lab(x, y, z, &lightness, &chroma[0], &chroma[1]);
    *a = chroma[0];
    *b = chroma[1];
}

/* All greys of a depth, in one line. */
static VipsImage *greys_new(bool deep, void **greys)
{
    size_t count = deep ? 65536 : 256, bytes = deep ? 2 * count : count;
    *greys = malloc(bytes);
    for (size_t i = 0; *greys && i < count; i++) {
        if (deep)
            ((uint16_t *)*greys)[i] = (uint16_t)i;
        else
            ((unsigned char *)*greys)[i] = (unsigned char)i;
    }
    VipsImage *image =
        *greys ? vips_image_new_from_memory(*greys, bytes, (int)count, 1, 1,
                                            deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR)
               : NULL;
    if (image)
        image->Type = deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    return image;
}

struct tinting {
    size_t width;
    double a, b;
};

/* The hue is strongest at the middle, and black and white have none. */
static void tint_line(const struct tinting *t, float *lab)
{
    for (size_t i = 0; i < t->width; i++) {
        double offset = lab[3 * i] / 100 - 0.5, weight = 1 - 4 * offset * offset;
        lab[3 * i + 1] = (float)(weight * t->a);
        lab[3 * i + 2] = (float)(weight * t->b);
    }
}

/* Replaces the greys by their colours. */
static int colours_make(VipsImage **table, const struct colour *colour, bool deep)
{
    VipsImage *made = NULL;
    int code =
        image_replace(table, vips_colourspace(*table, &made, VIPS_INTERPRETATION_LAB, NULL), &made);
    if (code)
        return code;
    code = image_to_memory(table);
    if (code)
        return code;
    struct tinting t = {.width = (size_t)(*table)->Xsize};
    chroma_of(colour, &t.a, &t.b);
    tint_line(&t, (float *)(void *)(*table)->data);
    made = NULL;
    VipsInterpretation space = deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
    code = image_replace(table, vips_colourspace(*table, &made, space, NULL), &made);
    return code ? code : image_to_memory(table);
}

static int apply(VipsImage **image, VipsImage *table)
{
    VipsImage *made = NULL;
    VipsInterpretation space = table->Type;
    int code = image_replace(image, vips_maplut(*image, &made, table, NULL), &made);
    made = NULL;
    return code ? code
                : image_replace(image, vips_copy(*image, &made, "interpretation", space, NULL),
                                &made);
}

static int tint_greys(VipsImage **grey, const void *colour)
{
    void *greys = NULL;
    bool deep = (*grey)->BandFmt == VIPS_FORMAT_USHORT;
    VipsImage *table = greys_new(deep, &greys);
    int code = table ? colours_make(&table, colour, deep) : ERR_MEMORY;
    if (code)
        goto out;
    code = apply(grey, table);
out:
    g_clear_object(&table);
    free(greys);
    return code;
}

int image_tint(VipsImage **image, const struct colour *colour)
{
    int code = image_greyscale(image);
    return code ? code : image_without_alpha(image, tint_greys, colour);
}
