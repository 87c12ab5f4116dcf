/*
 * Creates the two small copies that the labeler measures. The image is read once, from the top, one
 * strip at a time, so lazy and sequential images work. Each pixel of the detail copy is the mean of
 * the area that it covers, including fractions of pixels at its border, because whole pixels would
 * add edges at small factors. It is weighted by alpha, so that the colour of invisible pixels is
 * ignored. (vips_resize would take three times as long.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyse.h"

enum { STRIP_ROWS = 64 };

struct cell {
    float sum[3]; /* colour times alpha */
    float weight; /* alpha, 0–255 per pixel; for an opaque image 1 per pixel */
};

struct pixel_span {      /* the pixels of a row that a cell covers */
    int first, last;     /* whole pixels: from first up to, but not including, last */
    float before, after; /* the fraction of `first` left of the cell, and of `last` inside it */
};

struct shrinker {
    struct detail *out;
    int width, height;        /* of the image */
    int done;                 /* completed rows of `out` */
    struct pixel_span *spans; /* of each cell */
    struct cell *row;         /* one row of the image, in cells */
    struct cell *cells;       /* the current row of `out` */
};

static void cell_set_opaque(struct cell *cell, const VipsPel *pixel, const VipsPel *end)
{
    uint32_t r = 0, g = 0, b = 0, count = (uint32_t)(end - pixel) / 3;

    for (; pixel < end; pixel += 3) {
        r += pixel[0];
        g += pixel[1];
        b += pixel[2];
    }
    *cell = (struct cell){{(float)r, (float)g, (float)b}, (float)count};
}

static void cell_set_alpha(struct cell *cell, const VipsPel *pixel, const VipsPel *end)
{
    uint32_t sum[3] = {0}, alpha = 0;

    for (; pixel < end; pixel += 4) {
        for (int band = 0; band < 3; band++) {
            sum[band] += (uint32_t)pixel[band] * pixel[3];
        }
        alpha += pixel[3];
    }
    *cell = (struct cell){{(float)sum[0], (float)sum[1], (float)sum[2]}, (float)alpha};
}

static void cell_add_part(struct cell *cell, const VipsPel *pixel, int bands, float part)
{
    float weight = bands == 4 ? (float)pixel[3] * part : part;

    for (int band = 0; band < 3; band++) {
        cell->sum[band] += (float)pixel[band] * weight;
    }
    cell->weight += weight;
}

static void spans_lay(struct pixel_span *spans, int count, int width)
{
    for (int x = 0; x < count; x++) {
        int64_t left = (int64_t)x * width, right = left + width; /* in units of 1 / count pixel */

        spans[x].first = (int)(left / count);
        spans[x].last = (int)(right / count);
        spans[x].before = (float)(left % count) / (float)count;
        spans[x].after = (float)(right % count) / (float)count;
    }
}

static void row_shrink(const VipsPel *pixels, struct shrinker *shrinker)
{
    int bands = shrinker->out->bands;

    for (int x = 0; x < shrinker->out->width; x++) {
        const struct pixel_span *span = &shrinker->spans[x];
        const VipsPel *first = pixels + (ptrdiff_t)span->first * bands;
        const VipsPel *last = pixels + (ptrdiff_t)span->last * bands;
        struct cell *cell = &shrinker->row[x];

        if (bands == 4) {
            cell_set_alpha(cell, first, last);
        } else {
            cell_set_opaque(cell, first, last);
        }
        if (span->before > 0) {
            cell_add_part(cell, first, bands, -span->before);
        }
        if (span->after > 0) { /* else last may be past the row */
            cell_add_part(cell, last, bands, span->after);
        }
    }
}

static void cells_add(struct shrinker *shrinker, float part)
{
    for (int x = 0; x < shrinker->out->width; x++) {
        for (int band = 0; band < 3; band++) {
            shrinker->cells[x].sum[band] += part * shrinker->row[x].sum[band];
        }
        shrinker->cells[x].weight += part * shrinker->row[x].weight;
    }
}

static uint8_t to_byte(float value)
{
    return (uint8_t)lroundf(fminf(fmaxf(value, 0), 255));
}

/* Turns the cells into the next row of `out`, and empties them. */
static void cells_finish(struct shrinker *shrinker)
{
    struct detail *out = shrinker->out;
    size_t cell_count = (size_t)out->width;
    uint8_t *pixel = out->pixels + (size_t)shrinker->done++ * cell_count * (size_t)out->bands;
    float area =
        (float)shrinker->width / (float)out->width * ((float)shrinker->height / (float)out->height);

    for (size_t x = 0; x < cell_count; x++, pixel += out->bands) {
        const struct cell *cell = &shrinker->cells[x];

        for (int band = 0; band < 3; band++) {
            pixel[band] = to_byte(cell->weight > 0 ? cell->sum[band] / cell->weight : 0);
        }
        if (out->bands == 4) {
            pixel[3] = to_byte(cell->weight / area);
        }
    }
    memset(shrinker->cells, 0, cell_count * sizeof(*shrinker->cells));
}

/* A row of the image is within one row of `out`, or on the border of two. */
static void row_feed(struct shrinker *shrinker, const VipsPel *pixels, int y)
{
    int count = shrinker->out->height;
    int64_t top = (int64_t)y * count, edge = (int64_t)(shrinker->done + 1) * shrinker->height;

    row_shrink(pixels, shrinker);
    if (top + count < edge) {
        cells_add(shrinker, 1);
        return;
    }
    float part = (float)(edge - top) / (float)count;
    cells_add(shrinker, part);
    cells_finish(shrinker);
    cells_add(shrinker, 1 - part);
}

static int image_feed(struct shrinker *shrinker, VipsRegion *region)
{
    for (int top = 0; top < shrinker->height; top += STRIP_ROWS) {
        int rows = VIPS_MIN(STRIP_ROWS, shrinker->height - top);
        VipsRect strip = {0, top, shrinker->width, rows};

        if (vips_region_prepare(region, &strip)) {
            return ERR_CORRUPT;
        }
        for (int y = top; y < top + rows; y++) {
            /* VIPS_REGION_ADDR(region, 0, y), without its sign warnings */
            row_feed(shrinker, region->data + (ptrdiff_t)(y - region->valid.top) * region->bpl, y);
        }
    }
    return 0;
}

static void size_choose(VipsImage *image, int height, struct detail *out)
{
    int side = VIPS_MAX(image->Xsize, height);
    double scale = side > ANALYSE_DETAIL_PX ? (double)ANALYSE_DETAIL_PX / side : 1;

    out->width = VIPS_MAX(1, (int)lround(image->Xsize * scale));
    out->height = VIPS_MAX(1, (int)lround(height * scale));
    out->bands = image->Bands;
}

static int image_shrink(VipsImage *image, int height, struct detail *out)
{
    struct shrinker shrinker = {.out = out, .width = image->Xsize, .height = height};
    VipsRegion *region = vips_region_new(image);
    int code = ERR_MEMORY;

    size_choose(image, height, out);
    size_t columns = (size_t)out->width;
    out->pixels = malloc(columns * (size_t)out->height * (size_t)out->bands);
    shrinker.spans = calloc(columns, sizeof(*shrinker.spans));
    shrinker.row = calloc(columns, sizeof(*shrinker.row));
    shrinker.cells = calloc(columns, sizeof(*shrinker.cells));
    if (region != NULL && out->pixels != NULL && shrinker.spans != NULL && shrinker.row != NULL &&
        shrinker.cells != NULL) {
        spans_lay(shrinker.spans, out->width, image->Xsize);
        code = image_feed(&shrinker, region);
    }
    free(shrinker.cells);
    free(shrinker.row);
    free(shrinker.spans);
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
    point.l = fminf(fmaxf(point.l, 0), 100); /* black is slightly below 0 */
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
