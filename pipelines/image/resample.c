/*
 * Planes are resized each for itself, and become colours when their columns lie side by side.
 *
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

#include "error.h"
#include "resample_kernel.h"

enum {
    LOBES = 3,
    /* A plane of half the size needs up to four of its lines, eight of the picture, more than the
     * others, which are ahead by these and a turn. */
    AHEAD = RESAMPLE_TURN + 2 * (LOBES + 1) + 2,
};

/* For each position in the result: `taps` weights for the source, beginning at first[i]. */
struct filter {
    size_t taps; /* even; the same for all positions */
    int *first;
    int16_t *weights;
};

/* What arrives with lines of its own: the whole picture, or one of its components. */
struct plane {
    struct plan_size from;
    unsigned bands;
    struct filter down, across;
    size_t line;       /* values of a source line, rounded up to LANES */
    size_t value_size; /* size of a line in the ring, in bytes */
    unsigned char *ring;
    unsigned capacity;  /* lines */
    unsigned pushed;    /* source lines received */
    const void **lines; /* taps pointers into the ring */
};

struct resampler {
    struct plane planes[RESAMPLE_PLANES];
    size_t plane_count;
    struct plan_size to;
    unsigned bands;
    bool alpha;
    unsigned char *out;
    unsigned done; /* result lines written */

    int16_t *rows;    /* LANES lines after the vertical pass */
    int16_t *columns; /* the same, as columns, with a spare pixel at the end */
    int16_t *results; /* columns after the horizontal pass */
};

/* Of the angle t = π x / LOBES, from its sine: sin(3 t) = sin(t) (3 - 4 sin²(t)). */
static double lanczos(double t, double sine)
{
    _Static_assert(LOBES == 3, "the multiple of the angle");
    if (fabs(t) < 1e-9)
        return 1;
    double square = sine * sine;
    return square * (3 - 4 * square) / (LOBES * t * t);
}

/* Computes the weights of one position; returns their sum. Weights beyond an edge are added to the
 * edge. The sines of equal steps follow from one another by a rotation. */
static double weigh_place(double *weights, size_t taps, int first, double centre, double stretch,
                          int size)
{
    int from = (int)ceil(centre - LOBES * stretch), to = (int)floor(centre + LOBES * stretch);
    const double step = M_PI / (LOBES * stretch), step_sine = sin(step), step_cosine = cos(step);
    double sine = sin((from - centre) * step), cosine = cos((from - centre) * step), sum = 0;
    memset(weights, 0, taps * sizeof *weights);
    for (int i = from; i <= to; i++) {
        int inside = i < 0 ? 0 : i >= size ? size - 1 : i;
        double weight = lanczos((i - centre) * step, sine);
        double next = sine * step_cosine + cosine * step_sine;
        cosine = cosine * step_cosine - sine * step_sine;
        sine = next;
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

/* ahead: lines that arrive before those of other planes. */
static int plane_init(struct plane *p, const struct resample_source *from, struct plan_size to,
                      unsigned ahead)
{
    double step = from->extent.height / to.height;
    p->from = from->size;
    p->bands = from->bands;
    p->line = lanes_up((size_t)from->size.width * from->bands);
    p->value_size = from->alpha ? sizeof(int16_t) : 1;
    if (filter_init(&p->down, from->size.height, from->extent.height, to.height) ||
        filter_init(&p->across, from->size.width, from->extent.width, to.width))
        return ERR_MEMORY;
    p->capacity = (unsigned)p->down.taps + (unsigned)ceil(step * LANES) + 2 + ahead;
    p->ring = calloc(p->capacity, p->line * p->value_size);
    p->lines = calloc(p->down.taps, sizeof *p->lines);
    return p->ring && p->lines ? 0 : ERR_MEMORY;
}

static void plane_free(struct plane *p)
{
    free(p->down.first);
    free(p->down.weights);
    free(p->across.first);
    free(p->across.weights);
    free(p->ring);
    free(p->lines);
}

/* Those that the planes use in turn. */
static int buffers_init(struct resampler *r)
{
    size_t line = LANES;
    for (size_t i = 0; i < r->plane_count; i++)
        line = r->planes[i].line > line ? r->planes[i].line : line;
    r->rows = calloc(LANES * line, sizeof *r->rows);
    r->columns = calloc(LANES * (line + RESAMPLE_BANDS_MAX), sizeof *r->columns);
    r->results = calloc(LANES * lanes_up((size_t)r->to.width * r->bands), sizeof *r->results);
    return r->rows && r->columns && r->results ? 0 : ERR_MEMORY;
}

static struct resampler *make(const struct resample_source *planes, size_t count,
                              struct plan_size to, unsigned char *out)
{
    struct resampler *r = calloc(1, sizeof *r);
    int code = r ? 0 : ERR_MEMORY;
    if (code)
        return NULL;
    *r = (struct resampler){.plane_count = count, .to = to, .alpha = planes[0].alpha, .out = out};
    for (size_t i = 0; !code && i < count; i++) {
        code = plane_init(&r->planes[i], &planes[i], to, count > 1 ? AHEAD : 0);
        r->bands += planes[i].bands;
    }
    if (!code)
        code = buffers_init(r);
    if (!code)
        return r;
    resampler_free(r);
    return NULL;
}

struct resampler *resampler_new(const struct resample_source *from, struct plan_size to,
                                unsigned char *out)
{
    return make(from, 1, to, out);
}

struct resampler *resampler_new_ycc(const struct resample_source from[RESAMPLE_PLANES],
                                    struct plan_size to, unsigned char *out)
{
    return make(from, RESAMPLE_PLANES, to, out);
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->plane_count; i++)
        plane_free(&r->planes[i]);
    free(r->rows);
    free(r->columns);
    free(r->results);
    free(r);
}

static unsigned char *ring_line(const struct plane *p, unsigned y)
{
    return p->ring + (size_t)(y % p->capacity) * p->line * p->value_size;
}

/* The last source line that a line of the result needs. */
static unsigned last_needed(const struct plane *p, unsigned y)
{
    unsigned last = (unsigned)p->down.first[y] + (unsigned)p->down.taps - 1;
    return last < p->from.height ? last : p->from.height - 1;
}

static void pass_down(const struct resampler *r, const struct plane *p, unsigned y, int16_t *out)
{
    const int16_t *weights = p->down.weights + (size_t)y * p->down.taps;
    for (size_t k = 0; k < p->down.taps; k++) {
        unsigned line = (unsigned)p->down.first[y] + (unsigned)k;
        p->lines[k] = ring_line(p, line < p->from.height ? line : p->from.height - 1);
    }
    if (r->alpha)
        weigh_values((const int16_t *const *)p->lines, weights, p->down.taps, p->line, out);
    else
        weigh_bytes((const uint8_t *const *)p->lines, weights, p->down.taps, p->line, out);
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
    int16_t *out = r->results;
    for (size_t i = 0; i < r->plane_count; i++) {
        struct plane *p = &r->planes[i];
        for (unsigned y = 0; y < count; y++)
            pass_down(r, p, first + y, r->rows + y * p->line);
        lines_to_columns(r->rows, p->line, p->line, r->columns);
        const struct column_sums across = {.bands = p->bands,
                                           .first = p->across.first,
                                           .weights = p->across.weights,
                                           .taps = p->across.taps,
                                           .count = r->to.width,
                                           .pitch = (size_t)r->bands * LANES};
        weigh_columns(r->columns, &across, out);
        out += (size_t)p->bands * LANES;
    }
    if (r->plane_count > 1)
        ycc_to_rgb(r->results, r->to.width);
    for (unsigned x = 0; r->alpha && x < r->to.width; x++)
        divide_pixel(r->results + (size_t)x * r->bands * LANES, r->bands);
    write_lines(r, first, count);
}

static void keep_line(const struct resampler *r, struct plane *p, const unsigned char *line)
{
    unsigned char *kept = ring_line(p, p->pushed++);
    size_t n = (size_t)p->from.width * p->bands;
    if (!r->alpha) {
        memcpy(kept, line, n);
        return;
    }
    int16_t *values = (int16_t *)(void *)kept;
    for (size_t i = 0; i < n; i += p->bands) {
        unsigned alpha = line[i + p->bands - 1];
        for (unsigned b = 0; b + 1 < p->bands; b++)
            values[i + b] = (int16_t)(((line[i + b] * alpha << VALUE_BITS) + 127) / 255);
        values[i + p->bands - 1] = (int16_t)(alpha << VALUE_BITS);
    }
}

static bool is_ready(const struct resampler *r, unsigned y)
{
    for (size_t i = 0; i < r->plane_count; i++) {
        if (last_needed(&r->planes[i], y) >= r->planes[i].pushed)
            return false;
    }
    return true;
}

void resampler_push_plane(struct resampler *r, size_t plane, const unsigned char *line)
{
    keep_line(r, &r->planes[plane], line);
    while (r->done < r->to.height) {
        unsigned count = r->to.height - r->done < LANES ? r->to.height - r->done : LANES;
        if (!is_ready(r, r->done + count - 1))
            break;
        batch(r, r->done, count);
        r->done += count;
    }
}

void resampler_push(struct resampler *r, const unsigned char *line)
{
    resampler_push_plane(r, 0, line);
}
