/*
 * Two passes. First vertically: lines of the source are kept in a ring until all lines for LANES
 * lines of the result are available; each result is then a weighted sum of lines, computed along
 * memory. Then horizontally: the LANES lines are transposed to columns, so that the sum is computed
 * over whole columns, for eight lines at once and any number of bands; then they are transposed
 * back and rounded.
 *
 * The filter is Lanczos with three lobes, widened by the factor when reducing. Beyond an edge, the
 * edge pixels are repeated, as in libvips.
 *
 * With alpha, colours are multiplied by it before and divided by it after resizing, so that
 * transparent pixels do not contribute their colour.
 */
#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resample_kernel.h"

enum { LOBES = 3 };

/* For each position in the result: `taps` weights for the source, beginning at first[i]. */
struct filter {
    size_t taps; /* even; the same for all positions */
    int *first;
    int16_t *weights;
};

struct resampler {
    struct plan_size from, to;
    unsigned bands;
    bool alpha;
    unsigned char *out;
    struct filter down, across;

    size_t line;       /* values of a source line, rounded up to LANES */
    size_t value_size; /* size of a line in the ring, in bytes */
    unsigned char *ring;
    unsigned capacity; /* lines */
    unsigned pushed;   /* source lines received */
    unsigned done;     /* result lines written */

    const void **lines; /* taps pointers into the ring */
    int16_t *rows;      /* LANES lines after the vertical pass */
    int16_t *columns;   /* the same, as columns, with a spare pixel at the end */
    int16_t *results;   /* columns after the horizontal pass */
};

static double lanczos(double x)
{
    if (fabs(x) < 1e-9)
        return 1;
    if (fabs(x) >= LOBES)
        return 0;
    /* sin(3 t) = sin(t) (3 - 4 sin²(t)) */
    double t = M_PI * x / LOBES, s = sin(t);
    return s * s * (3 - 4 * s * s) / (LOBES * t * t);
}

/* Computes the weights of one position; returns their sum. Weights beyond an edge are added to the
 * edge. */
static double weigh_place(double *weights, size_t taps, int first, double centre, double stretch,
                          int size)
{
    int from = (int)ceil(centre - LOBES * stretch), to = (int)floor(centre + LOBES * stretch);
    double sum = 0;
    memset(weights, 0, taps * sizeof *weights);
    for (int i = from; i <= to; i++) {
        int inside = i < 0 ? 0 : i >= size ? size - 1 : i;
        double weight = lanczos((i - centre) / stretch);
        weights[inside - first] += weight;
        sum += weight;
    }
    return sum;
}

/* Converts to fixed point; the largest weight absorbs the rounding error, so that a flat area keeps
 * its exact value. */
static void fix_weights(const double *weights, double sum, size_t taps, int16_t *out)
{
    int rest = 1 << WEIGHT_BITS;
    size_t largest = 0;
    for (size_t k = 0; k < taps; k++) {
        out[k] = (int16_t)lround(weights[k] / sum * (1 << WEIGHT_BITS));
        rest -= out[k];
        if (out[k] > out[largest])
            largest = k;
    }
    out[largest] = (int16_t)(out[largest] + rest);
}

static int filter_init(struct filter *f, unsigned from, double extent, unsigned to)
{
    double factor = extent / to;
    double stretch = factor > 1 ? factor : 1;
    f->taps = (size_t)(2 * LOBES * stretch) + 1;
    if (f->taps > from)
        f->taps = from;
    f->taps += f->taps & 1;
    f->first = calloc(to, sizeof *f->first);
    f->weights = calloc((size_t)to * f->taps, sizeof *f->weights);
    double *exact = calloc(f->taps, sizeof *exact);
    for (unsigned i = 0; f->first && f->weights && exact && i < to; i++) {
        double centre = (i + 0.5) * factor - 0.5;
        int first = (int)ceil(centre - LOBES * stretch);
        int latest = (int)from - (int)f->taps;
        first = first > latest ? latest : first;
        f->first[i] = first < 0 ? 0 : first;
        double sum = weigh_place(exact, f->taps, f->first[i], centre, stretch, (int)from);
        fix_weights(exact, sum, f->taps, f->weights + (size_t)i * f->taps);
    }
    bool failed = !f->first || !f->weights || !exact;
    free(exact);
    return failed;
}

static size_t lanes_up(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

static int buffers_init(struct resampler *r, double extent_height)
{
    size_t result = lanes_up((size_t)r->to.width * r->bands);
    r->line = lanes_up((size_t)r->from.width * r->bands);
    r->value_size = r->alpha ? sizeof(int16_t) : 1;
    double step = extent_height / r->to.height;
    r->capacity = (unsigned)r->down.taps + (unsigned)ceil(step * LANES) + 2;
    r->ring = calloc(r->capacity, r->line * r->value_size);
    r->lines = calloc(r->down.taps, sizeof *r->lines);
    r->rows = calloc(LANES * r->line, sizeof *r->rows);
    r->columns = calloc(LANES * (r->line + r->bands), sizeof *r->columns);
    r->results = calloc(LANES * result, sizeof *r->results);
    return !r->ring || !r->lines || !r->rows || !r->columns || !r->results;
}

struct resampler *resampler_new(const struct resample_source *from, struct plan_size to,
                                unsigned char *out)
{
    struct resampler *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct resampler){
        .from = from->size, .to = to, .bands = from->bands, .alpha = from->alpha, .out = out};
    if (filter_init(&r->down, from->size.height, from->extent.height, to.height) ||
        filter_init(&r->across, from->size.width, from->extent.width, to.width) ||
        buffers_init(r, from->extent.height)) {
        resampler_free(r);
        return NULL;
    }
    return r;
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    free(r->down.first);
    free(r->down.weights);
    free(r->across.first);
    free(r->across.weights);
    free(r->ring);
    free(r->lines);
    free(r->rows);
    free(r->columns);
    free(r->results);
    free(r);
}

static unsigned char *ring_line(const struct resampler *r, unsigned y)
{
    return r->ring + (size_t)(y % r->capacity) * r->line * r->value_size;
}

/* The last source line that a line of the result needs. */
static unsigned last_needed(const struct resampler *r, unsigned y)
{
    unsigned last = (unsigned)r->down.first[y] + (unsigned)r->down.taps - 1;
    return last < r->from.height ? last : r->from.height - 1;
}

static void pass_down(struct resampler *r, unsigned y, int16_t *out)
{
    const int16_t *weights = r->down.weights + (size_t)y * r->down.taps;
    for (size_t k = 0; k < r->down.taps; k++) {
        unsigned line = (unsigned)r->down.first[y] + (unsigned)k;
        r->lines[k] = ring_line(r, line < r->from.height ? line : r->from.height - 1);
    }
    if (r->alpha)
        weigh_values((const int16_t *const *)r->lines, weights, r->down.taps, r->line, out);
    else
        weigh_bytes((const uint8_t *const *)r->lines, weights, r->down.taps, r->line, out);
}

static void pass_across(struct resampler *r)
{
    const size_t pixel = (size_t)r->bands * LANES;
    for (unsigned x = 0; x < r->to.width; x++)
        weigh_columns(r->columns + (size_t)r->across.first[x] * pixel, r->bands,
                      r->across.weights + (size_t)x * r->across.taps, r->across.taps,
                      r->results + x * pixel);
}

/* Divides the colours of a pixel by its alpha, in all lanes. */
static void divide_pixel(int16_t *pixel, unsigned bands)
{
    const int16_t *alpha = pixel + (bands - 1) * LANES;
    const int one = 255 << VALUE_BITS;
    for (unsigned lane = 0; lane < LANES; lane++) {
        for (unsigned b = 0; b + 1 < bands; b++) {
            int16_t *value = pixel + b * LANES + lane;
            int divided = alpha[lane] > 0 ? *value * one / alpha[lane] : 0;
            *value = (int16_t)(divided < 0 ? 0 : divided > one ? one : divided);
        }
    }
}

static void write_lines(struct resampler *r, unsigned first, unsigned count)
{
    size_t line = (size_t)r->to.width * r->bands;
    for (size_t at = 0; at < line; at += LANES) {
        uint8_t block[LANES][LANES];
        size_t n = line - at < LANES ? line - at : LANES;
        columns_to_bytes(r->results + at * LANES, block);
        for (unsigned i = 0; i < count; i++)
            memcpy(r->out + (first + i) * line + at, block[i], n);
    }
}

static void batch(struct resampler *r, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        pass_down(r, first + i, r->rows + i * r->line);
    lines_to_columns(r->rows, r->line, r->line, r->columns);
    pass_across(r);
    for (unsigned x = 0; r->alpha && x < r->to.width; x++)
        divide_pixel(r->results + (size_t)x * r->bands * LANES, r->bands);
    write_lines(r, first, count);
}

static void keep_line(struct resampler *r, const unsigned char *line)
{
    unsigned char *kept = ring_line(r, r->pushed);
    size_t n = (size_t)r->from.width * r->bands;
    if (!r->alpha) {
        memcpy(kept, line, n);
        return;
    }
    int16_t *values = (int16_t *)(void *)kept;
    for (size_t i = 0; i < n; i += r->bands) {
        unsigned alpha = line[i + r->bands - 1];
        for (unsigned b = 0; b + 1 < r->bands; b++)
            values[i + b] = (int16_t)(((line[i + b] * alpha << VALUE_BITS) + 127) / 255);
        values[i + r->bands - 1] = (int16_t)(alpha << VALUE_BITS);
    }
}

void resampler_push(struct resampler *r, const unsigned char *line)
{
    keep_line(r, line);
    r->pushed++;
    while (r->done < r->to.height) {
        unsigned count = r->to.height - r->done < LANES ? r->to.height - r->done : LANES;
        if (last_needed(r, r->done + count - 1) >= r->pushed)
            break;
        batch(r, r->done, count);
        r->done += count;
    }
}
