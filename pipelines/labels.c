/*
 * The built-in labeler.
 *
 * It measures; it does not recognise objects. Each label is one measured quantity on the right side
 * of a threshold, and its confidence is 50 % at the threshold, 100 % at the value in the last
 * column and beyond, linear between (label_confidence). Facts that are read and not measured have
 * 100 %. Two copies are measured: "detail" is 256 px on its long side, "colour" half of that, in
 * CIELAB, weighted by alpha; so the result does not depend on the shrink that the image comes at.
 *
 *   label               what is measured                                            50 % at    100
 * % at Landscape, Portrait upright width against height                                fact sides
 * differ by > 2 % Square              the same fact       within 2 % Panorama            long side
 * ÷ short side                                      fact       2 and more Dominant Colour     share
 * of the visible area that has the commonest name       10 %       60 % Second, Third …     the
 * same for the next names                                 10 %       60 % Camera, Year        EXIF
 * make and model; EXIF date and time of the original     fact       present Has Location EXIF
 * latitude and longitude (never what they say)           fact       present Flash EXIF flash, bit 0
 * fact       fired Black and White     chroma that 98 % of the area stays under 8          2
 *   Monochrome          RMS distance of (a*, b*) from one hue                       6          1
 *   Dark                mean L*                                                     30         10
 *   Bright              mean L*                                                     70         90
 *   Low Contrast        L* at 95 % of the area minus L* at 5 %                      35         10
 *   High Contrast       the same                                                    75         100
 *   Blurry              variance of the Laplacian ÷ mean squared gradient, at edges 0.20       0.05
 *   Sharp               the same                                                    0.50       1.50
 *   Transparency        share of the area with alpha under 98 %                     0.1 %      5 %
 *   Animated            frames                                                      fact       2
 * and more Low Resolution      width × height                                              fact
 * under 0.3 megapixels High Resolution     the same fact       8 megapixels and more
 *
 * The set is sorted by confidence (in tenths of a percent); equals keep the order of the calls in
 * labels_analyse. Worker thread; no state; the same pixels and metadata give the same labels.
 */
#include "labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyse.h"

double label_confidence(double value, double threshold, double certain)
{
    double confidence = 50 + 50 * (value - threshold) / (certain - threshold);

    return confidence > 100 ? 100 : confidence < 0 ? 0 : confidence;
}

void label_add(struct label_set *set, const char *name, const char *value, double confidence)
{
    if (!(confidence >= 50) || set->count == LABELS_MAX) {
        return;
    }
    struct label *label = &set->entries[set->count++];
    memset(label, 0, sizeof(*label));
    memcpy(label->name, name, strnlen(name, LABEL_NAME_MAX - 1));
    memcpy(label->value, value, strnlen(value, LABEL_VALUE_MAX - 1));
    label->confidence = round(confidence * 10) / 10;
}

static bool fits_tag(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("+-=._:/@", c) != NULL);
}

void label_text(char out[LABEL_VALUE_MAX], const char *text)
{
    size_t length = 0;
    bool gap = false;

    for (; *text != '\0' && length < LABEL_VALUE_MAX - 1; text++) {
        if (!fits_tag(*text)) {
            gap = length > 0;
            continue;
        }
        if (gap && length == LABEL_VALUE_MAX - 2) {
            break;
        }
        if (gap) {
            out[length++] = ' ';
            gap = false;
        }
        out[length++] = *text;
    }
    out[length] = '\0';
}

/* Insertion sort: stable, and the set is small. */
static void sort_best_first(struct label_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        struct label moving = set->entries[i];
        size_t at = i;

        for (; at > 0 && set->entries[at - 1].confidence < moving.confidence; at--) {
            set->entries[at] = set->entries[at - 1];
        }
        set->entries[at] = moving;
    }
}

/* The first frame of a strip of frames, no larger than the detail copy. The colour of invisible
 * pixels may leak into the rim of visible ones; at this size that is not worth a premultiplied copy
 * of the whole image. */
static int shrink_first_frame(VipsImage *image, VipsImage **out)
{
    int height = vips_image_get_page_height(image);
    int side = VIPS_MAX(image->Xsize, height);
    double scale = side > ANALYSE_DETAIL_PX ? (double)ANALYSE_DETAIL_PX / side : 1;
    VipsImage *frame = NULL;
    int failed = vips_crop(image, &frame, 0, 0, image->Xsize, height, NULL) ||
                 vips_resize(frame, out, scale, "kernel", VIPS_KERNEL_LINEAR, NULL);

    VIPS_UNREF(frame);
    return failed;
}

/* The detail copy's pixels (g_free). */
static uint8_t *detail_read(VipsImage *image, struct detail *out)
{
    VipsImage *small = NULL, *colour = NULL, *bytes = NULL;
    uint8_t *pixels = NULL;
    size_t size;

    if (shrink_first_frame(image, &small) ||
        vips_colourspace(small, &colour, VIPS_INTERPRETATION_sRGB, NULL) ||
        vips_cast_uchar(colour, &bytes, NULL) || bytes->Bands < 3 || bytes->Bands > 4) {
        goto done;
    }
    pixels = vips_image_write_to_memory(bytes, &size);
    *out = (struct detail){pixels, bytes->Xsize, bytes->Ysize, bytes->Bands};
done:
    VIPS_UNREF(bytes);
    VIPS_UNREF(colour);
    VIPS_UNREF(small);
    return pixels;
}

/* The mean of up to 2 × 2 pixels of the detail copy, weighted by alpha. */
static void mean_of_block(const struct detail *detail, int x, int y, int step, float mean[4])
{
    float sum[4] = {0}, count = 0;

    for (int row = y; row < y + step && row < detail->height; row++) {
        for (int column = x; column < x + step && column < detail->width; column++) {
            size_t at = (size_t)row * (size_t)detail->width + (size_t)column;
            const uint8_t *pixel = detail->pixels + at * (size_t)detail->bands;
            float alpha = detail->bands == 4 ? (float)pixel[3] / 255 : 1;

            for (int band = 0; band < 3; band++) {
                sum[band] += alpha * (float)pixel[band];
            }
            sum[3] += alpha;
            count++;
        }
    }
    for (int band = 0; band < 3; band++) {
        mean[band] = sum[3] > 0 ? sum[band] / sum[3] : 0;
    }
    mean[3] = sum[3] / count;
}

static struct colour_point point_from_rgb(const float mean[4])
{
    struct colour_point point = {.weight = mean[3]};
    float r, g, b, x, y, z;

    vips_col_sRGB2scRGB_8((int)(mean[0] + 0.5f), (int)(mean[1] + 0.5f), (int)(mean[2] + 0.5f), &r,
                          &g, &b);
    vips_col_scRGB2XYZ(r, g, b, &x, &y, &z);
    vips_col_XYZ2Lab(x, y, z, &point.l, &point.a, &point.b);
    point.chroma = hypotf(point.a, point.b);
    return point;
}

/* The colour copy's points (free). */
static struct colour_point *colour_read(const struct detail *detail, struct colour_view *out)
{
    int step = VIPS_MAX(detail->width, detail->height) > ANALYSE_COLOUR_PX ? 2 : 1;
    size_t columns = (size_t)((detail->width + step - 1) / step);
    size_t rows = (size_t)((detail->height + step - 1) / step);
    struct colour_point *points = malloc(columns * rows * sizeof(*points));

    if (points == NULL) {
        return NULL;
    }
    *out = (struct colour_view){.points = points};
    for (int y = 0; y < detail->height; y += step) {
        for (int x = 0; x < detail->width; x += step) {
            float mean[4];

            mean_of_block(detail, x, y, step, mean);
            points[out->count] = point_from_rgb(mean);
            out->weight += points[out->count++].weight;
        }
    }
    return points;
}

int labels_analyse(VipsImage *image, VipsImage *original, const struct image_facts *facts,
                   struct label_set *out, struct error *error)
{
    struct detail detail;
    struct colour_view view;

    out->count = 0;
    uint8_t *pixels = detail_read(image, &detail);
    if (pixels == NULL) {
        return error_set(error, ERR_CORRUPT,
                         "the image cannot be labelled: its pixels cannot be read; check that the "
                         "file is complete");
    }
    struct colour_point *points = colour_read(&detail, &view);
    if (points == NULL) {
        g_free(pixels);
        return error_set(error, ERR_MEMORY, "no memory for labelling an image");
    }
    analyse_shape(facts, out);
    analyse_dominant_colour(&view, out);
    analyse_exif(original, out);
    analyse_tint(&view, out);
    analyse_light(&view, out);
    analyse_sharpness(&detail, out);
    analyse_transparency(&detail, out);
    analyse_resolution(facts, out);
    analyse_other_colours(&view, out);
    sort_best_first(out);
    free(points);
    g_free(pixels);
    return 0;
}
