/* Labels from lightness, alpha and edges. */
#include "analyse.h"

#include <math.h>

enum {
    EDGE_FLOOR = 4
}; /* grey levels per pixel; a smaller gradient is sky or noise, and does not indicate focus */

static const double EDGE_SHARE_MIN = 0.005; /* share of the area; with fewer edges sharpness is
                                             * unknown */

/* The lightness that `share` of the area is below. */
static double lightness_at(const double histogram[101], double total, double share)
{
    double sum = 0;
    int l = 0;

    for (; l < 100; l++) {
        sum += histogram[l];
        if (sum >= share * total) {
            break;
        }
    }
    return l;
}

void analyse_light(const struct colour_view *view, struct label_set *out)
{
    double histogram[101] = {0}, mean = 0;

    if (!(view->weight > 0)) {
        return;
    }
    for (size_t i = 0; i < view->count; i++) {
        const struct colour_point *point = &view->points[i];
        double l = fmin(fmax(point->l, 0), 100);

        histogram[(int)(l + 0.5)] += point->weight;
        mean += l * point->weight / view->weight;
    }
    double spread =
        lightness_at(histogram, view->weight, 0.95) - lightness_at(histogram, view->weight, 0.05);
    label_add(out, "Dark", "", label_confidence(mean, 30, 10));
    label_add(out, "Bright", "", label_confidence(mean, 70, 90));
    label_add(out, "Low Contrast", "", label_confidence(spread, 35, 10));
    label_add(out, "High Contrast", "", label_confidence(spread, 75, 100));
}

void analyse_transparency(const struct detail *detail, struct label_set *out)
{
    size_t count = (size_t)detail->width * (size_t)detail->height, clear = 0;

    if (detail->bands < 4) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        clear += detail->pixels[i * 4 + 3] < 250;
    }
    label_add(out, "Transparency", "",
              label_confidence((double)clear / (double)count, 0.001, 0.05));
}

static const uint8_t *pixel_at(const struct detail *detail, int x, int y)
{
    size_t at = (size_t)y * (size_t)detail->width + (size_t)x;

    return detail->pixels + at * (size_t)detail->bands;
}

/* Luma (BT.601), 0–255; transparent counts as white, because that is how it looks on most pages. */
static float luma_at(const struct detail *detail, int x, int y)
{
    const uint8_t *pixel = pixel_at(detail, x, y);
    float luma = 0.299f * (float)pixel[0] + 0.587f * (float)pixel[1] + 0.114f * (float)pixel[2];
    float alpha = detail->bands == 4 ? (float)pixel[3] / 255 : 1;

    return alpha * luma + (1 - alpha) * 255;
}

/*
 * The variance of the Laplacian alone grows with contrast. Divided by the mean squared gradient at
 * the same edges it is the square of the edges' mean frequency: about 4 for a step, 1 / (2 s²) for
 * an edge blurred by s pixels.
 */
void analyse_sharpness(const struct detail *detail, struct label_set *out)
{
    double laplacian_sum = 0, gradient_sum = 0, edges = 0;

    for (int y = 1; y < detail->height - 1; y++) {
        for (int x = 1; x < detail->width - 1; x++) {
            float left = luma_at(detail, x - 1, y), right = luma_at(detail, x + 1, y);
            float above = luma_at(detail, x, y - 1), below = luma_at(detail, x, y + 1);
            float gx = (right - left) / 2, gy = (below - above) / 2;
            float gradient = gx * gx + gy * gy;

            if (gradient < EDGE_FLOOR * EDGE_FLOOR) {
                continue;
            }
            float laplacian = left + right + above + below - 4 * luma_at(detail, x, y);
            laplacian_sum += laplacian * laplacian;
            gradient_sum += gradient;
            edges++;
        }
    }
    if (edges < EDGE_SHARE_MIN * detail->width * detail->height || edges < 1) {
        return;
    }
    double sharpness = laplacian_sum / gradient_sum;
    label_add(out, "Blurry", "", label_confidence(sharpness, 0.20, 0.05));
    label_add(out, "Sharp", "", label_confidence(sharpness, 0.50, 1.50));
}
