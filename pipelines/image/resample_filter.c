#include "resample_filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "resample_kernel.h"

enum { LOBES = 3 };

/* Of the angle t = π x / LOBES, from its sine: sin(3 t) = sin(t) (3 - 4 sin²(t)). */
static double lanczos(double t, double sine)
{
    _Static_assert(LOBES == 3, "the multiple of the angle");
    if (fabs(t) < 1e-9)
        return 1;
    double square = sine * sine;
    return square * (3 - 4 * square) / (LOBES * t * t);
}

/* What all positions of a filter have in common. */
struct filter_shape {
    double factor, stretch;
    double step, step_sine, step_cosine; /* the angle from one source pixel to the next */
    int size;                            /* of the source */
};

static struct filter_shape shape_of(const struct resample_filter *f)
{
    const double factor = f->extent / f->to, stretch = factor > 1 ? factor : 1;
    const double step = M_PI / (LOBES * stretch);
    return (struct filter_shape){factor, stretch, step, sin(step), cos(step), (int)f->from};
}

struct reach {
    double centre;
    int from, to; /* may be beyond the edges */
};

static struct reach reach_at(const struct filter_shape *s, unsigned i)
{
    const double centre = (i + 0.5) * s->factor - 0.5;
    return (struct reach){centre, (int)ceil(centre - LOBES * s->stretch),
                          (int)floor(centre + LOBES * s->stretch)};
}

static int inside(const struct filter_shape *s, int i)
{
    return i < 0 ? 0 : i >= s->size ? s->size - 1 : i;
}

/* Computes the weights of one position, for pixels from `first` on; returns their sum. Weights beyond
 * an edge are added to the edge. The sines of equal steps follow from one another by a rotation. */
static double weigh_place(const struct filter_shape *s, const struct reach *reach, int first,
                          double *weights)
{
    const double angle = (reach->from - reach->centre) * s->step;
    double sine = sin(angle), cosine = cos(angle), sum = 0;
    for (int i = reach->from; i <= reach->to; i++) {
        double weight = lanczos((i - reach->centre) * s->step, sine);
        double next = sine * s->step_cosine + cosine * s->step_sine;
        cosine = cosine * s->step_cosine - sine * s->step_sine;
        sine = next;
        weights[inside(s, i) - first] += weight;
        sum += weight;
    }
    return sum;
}

/* As lround, without its call. */
static int nearest(double value)
{
    int whole = (int)value;
    double rest = value - whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

/* Converts to fixed point; the largest weight absorbs the rounding error, so that a flat area keeps
 * its exact value. */
static void fix_weights(const double *weights, double sum, size_t taps, int16_t *out)
{
    int rest = 1 << WEIGHT_BITS;
    size_t largest = 0;
    for (size_t k = 0; k < taps; k++)
        out[k] = (int16_t)nearest(weights[k] / sum * (1 << WEIGHT_BITS));
    for (size_t k = 0; k < taps; k++) {
        rest -= out[k];
        if (out[k] > out[largest])
            largest = k;
    }
    out[largest] = (int16_t)(out[largest] + rest);
}

static int make_room(struct resample_filter *f, double stretch)
{
    size_t most = (size_t)(2 * LOBES * stretch) + 1;
    most = most < f->from ? most : f->from;
    f->taps = (most + 2) / 2 * 2; /* the first one may have to become even */
    f->first = calloc(f->to, sizeof *f->first);
    f->last = calloc(f->to, sizeof *f->last);
    f->weights = calloc((size_t)f->to * f->taps, sizeof *f->weights);
    return f->first && f->last && f->weights ? 0 : ERR_MEMORY;
}

int resample_filter_init(struct resample_filter *f, unsigned from, double extent, unsigned to)
{
    *f = (struct resample_filter){.from = from, .extent = extent, .to = to};
    const struct filter_shape shape = shape_of(f);
    if (make_room(f, shape.stretch))
        return ERR_MEMORY;
    double *exact = malloc(f->taps * sizeof *exact);
    if (!exact)
        return ERR_MEMORY;
    for (unsigned i = 0; i < to; i++) {
        const struct reach reach = reach_at(&shape, i);
        f->first[i] = inside(&shape, reach.from) & ~1;
        f->last[i] = inside(&shape, reach.to);
        memset(exact, 0, f->taps * sizeof *exact);
        double sum = weigh_place(&shape, &reach, f->first[i], exact);
        fix_weights(exact, sum, f->taps, f->weights + (size_t)i * f->taps);
    }
    free(exact);
    return 0;
}

void resample_filter_free(struct resample_filter *f)
{
    free(f->first);
    free(f->last);
    free(f->weights);
}
