/*
 * The two small copies that the labeler measures. The image is read once, from the top, a strip at
 * a time, so that a lazy or sequential image will do; each pixel of the detail copy is the mean of
 * a box, weighted by alpha, so that the colour under invisible pixels counts for nothing.
 * (vips_resize would take three times as long.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyse.h"

struct box {
    uint64_t sum[3]; /* colour times alpha */
    uint64_t alpha;
};

/* The first pixel of box `index` of `count` boxes over `length` pixels. */
static int box_start(int index, int count, int length)
{
    return (int)((int64_t)index * length / count);
}

static void row_add_opaque(const VipsPel *row, int from, int to, struct box *box)
{
    uint32_t r = 0, g = 0, b = 0;

    for (const VipsPel *pixel = row + 3 * from; pixel < row + 3 * to; pixel += 3) {
        r += pixel[0];
        g += pixel[1];
        b += pixel[2];
    }
    box->sum[0] += r;
    box->sum[1] += g;
    box->sum[2] += b;
}

static void row_add_alpha(const VipsPel *row, int from, int to, struct box *box)
{
    for (const VipsPel *pixel = row + 4 * from; pixel < row + 4 * to; pixel += 4) {
        for (int band = 0; band < 3; band++) {
            box->sum[band] += (uint32_t)pixel[band] * pixel[3];
        }
        box->alpha += pixel[3];
    }
}

static void row_add(const VipsPel *row, int width, struct box *boxes, const struct detail *detail)
{
    for (int x = 0; x < detail->width; x++) {
        int from = box_start(x, detail->width, width), to = box_start(x + 1, detail->width, width);

        if (detail->bands == 4) {
            row_add_alpha(row, from, to, &boxes[x]);
        } else {
            row_add_opaque(row, from, to, &boxes[x]);
        }
    }
}

static void boxes_finish(const struct box *boxes, int image_width, int rows,
                         const struct detail *detail, uint8_t *out)
{
    for (int x = 0; x < detail->width; x++, out += detail->bands) {
        int columns =
            box_start(x + 1, detail->width, image_width) - box_start(x, detail->width, image_width);
        uint64_t pixels = (uint64_t)columns * (uint64_t)rows;
        uint64_t weight = detail->bands == 4 ? boxes[x].alpha : pixels;

        for (int band = 0; band < 3; band++) {
            out[band] = weight == 0 ? 0 : (uint8_t)((boxes[x].sum[band] + weight / 2) / weight);
        }
        if (detail->bands == 4) {
            out[3] = (uint8_t)((boxes[x].alpha + pixels / 2) / pixels);
        }
    }
}

/* What VIPS_REGION_ADDR(region, 0, row) would be if it compiled without sign warnings. */
static const VipsPel *region_row(const VipsRegion *region, int row)
{
    return region->data + (ptrdiff_t)(row - region->valid.top) * region->bpl;
}

/* One row of the detail copy. */
static int strip_shrink(VipsRegion *region, int y, int height, const struct detail *detail,
                        struct box *boxes, uint8_t *out)
{
    int width = region->im->Xsize;
    int top = box_start(y, detail->height, height);
    int rows = box_start(y + 1, detail->height, height) - top;
    VipsRect strip = {0, top, width, rows};

    if (vips_region_prepare(region, &strip)) {
        return -1;
    }
    memset(boxes, 0, sizeof(*boxes) * (size_t)detail->width);
    for (int row = top; row < top + rows; row++) {
        row_add(region_row(region, row), width, boxes, detail);
    }
    boxes_finish(boxes, width, rows, detail, out);
    return 0;
}

static int image_shrink(VipsImage *image, int height, struct detail *out)
{
    int side = VIPS_MAX(image->Xsize, height);
    double scale = side > ANALYSE_DETAIL_PX ? (double)ANALYSE_DETAIL_PX / side : 1;
    struct box *boxes = NULL;
    VipsRegion *region = vips_region_new(image);
    int code = ERR_MEMORY;

    out->width = VIPS_MAX(1, (int)lround(image->Xsize * scale));
    out->height = VIPS_MAX(1, (int)lround(height * scale));
    out->bands = image->Bands;
    size_t stride = (size_t)out->width * (size_t)out->bands;
    out->pixels = malloc(stride * (size_t)out->height);
    boxes = malloc((size_t)out->width * sizeof(*boxes));
    if (region != NULL && out->pixels != NULL && boxes != NULL) {
        code = 0;
    }
    for (int y = 0; code == 0 && y < out->height; y++) {
        if (strip_shrink(region, y, height, out, boxes, out->pixels + (size_t)y * stride)) {
            code = ERR_CORRUPT;
        }
    }
    free(boxes);
    VIPS_UNREF(region);
    return code;
}

int detail_read(VipsImage *image, struct detail *out)
{
    int height = vips_image_get_page_height(image); /* the first frame of a strip of frames */
    VipsImage *colour = NULL, *bytes = NULL;
    int code = ERR_CORRUPT;

    *out = (struct detail){.pixels = NULL};
    if (!vips_colourspace(image, &colour, VIPS_INTERPRETATION_sRGB, NULL) &&
        !vips_cast_uchar(colour, &bytes, NULL) && (bytes->Bands == 3 || bytes->Bands == 4)) {
        code = image_shrink(bytes, height, out);
    }
    VIPS_UNREF(bytes);
    VIPS_UNREF(colour);
    return code;
}

/* The mean of up to 2 × 2 pixels of the detail copy, weighted by alpha, which comes last, 0–1. */
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

int colour_read(const struct detail *detail, struct colour_view *out)
{
    int step = VIPS_MAX(detail->width, detail->height) > ANALYSE_COLOUR_PX ? 2 : 1;
    size_t columns = (size_t)((detail->width + step - 1) / step);
    size_t rows = (size_t)((detail->height + step - 1) / step);

    *out = (struct colour_view){.points = malloc(columns * rows * sizeof(*out->points))};
    if (out->points == NULL) {
        return ERR_MEMORY;
    }
    for (int y = 0; y < detail->height; y += step) {
        for (int x = 0; x < detail->width; x += step) {
            float mean[4];

            mean_of_block(detail, x, y, step, mean);
            out->points[out->count] = point_from_rgb(mean);
            out->weight += out->points[out->count++].weight;
        }
    }
    return 0;
}
