#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static unsigned scaled(unsigned side, double factor)
{
    double value = floor(side * factor + 0.5);
    return value < 1 ? 1 : (unsigned)value;
}

static struct plan_size size_scaled(struct plan_size size, double factor)
{
    return (struct plan_size){scaled(size.width, factor), scaled(size.height, factor)};
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* The factor at which the picture just fits into the requested size; a missing side is
 * unconstrained.
 */
static double factor_inside(struct plan_size source, const struct plan_wish *wish)
{
    if (wish->scale > 0)
        return wish->scale;
    if (!wish->width && !wish->height)
        return 1;
    double across = wish->width ? (double)wish->width / source.width : INFINITY;
    double down = wish->height ? (double)wish->height / source.height : INFINITY;
    return smaller(across, down);
}

/* If enlarging is not allowed, the box is reduced until the picture covers it, so that the result
 * has the requested aspect ratio. */
static struct plan_placement place_cover(struct plan_size source, const struct plan_wish *wish)
{
    struct plan_size box = {wish->width, wish->height};
    double room = smaller((double)source.width / box.width, (double)source.height / box.height);
    if (!wish->enlarge && room < 1)
        box = size_scaled(box, room);
    double across = (double)box.width / source.width;
    double down = (double)box.height / source.height;
    struct plan_size whole = size_scaled(source, across > down ? across : down);
    /* Rounding must not make the picture one pixel smaller than its box. */
    if (whole.width < box.width)
        whole.width = box.width;
    if (whole.height < box.height)
        whole.height = box.height;
    return (struct plan_placement){whole, box};
}

static struct plan_placement place_fill(struct plan_size source, const struct plan_wish *wish)
{
    struct plan_size size = {wish->width ? wish->width : source.width,
                             wish->height ? wish->height : source.height};
    if (!wish->enlarge && size.width > source.width)
        size.width = source.width;
    if (!wish->enlarge && size.height > source.height)
        size.height = source.height;
    return (struct plan_placement){size, size};
}

struct plan_placement plan_place(struct plan_size source, const struct plan_wish *wish)
{
    bool boxed = wish->width && wish->height;
    if (wish->fit == FIT_COVER && boxed)
        return place_cover(source, wish);
    if (wish->fit == FIT_FILL && (wish->width || wish->height))
        return place_fill(source, wish);
    double factor = factor_inside(source, wish);
    if (!wish->enlarge)
        factor = smaller(factor, 1);
    struct plan_size whole = size_scaled(source, factor);
    if (wish->fit == FIT_CONTAIN && boxed)
        return (struct plan_placement){whole, {wish->width, wish->height}};
    return (struct plan_placement){whole, whole};
}

/* The part of a reduction that is left to the filter: the smallest with which no kind of picture is
 * further from an ideal resize than with sharp (docs/measurements.md). */
static const double rest_min = 1.6;

/* Pixels of a decoded side. In a smaller picture, the part of a pixel at the edge would weigh too
 * much. */
enum { DECODED_MIN = 16 };

static bool is_same_kind(const struct plan_kind *a, const struct plan_kind *b)
{
    return a->native == b->native && a->region == b->region && a->curve == b->curve;
}

static bool is_same(const struct plan_stage *stage, struct plan_size size, struct plan_kind kind)
{
    return stage->size.width == size.width && stage->size.height == size.height &&
           is_same_kind(&stage->kind, &kind);
}

size_t plan_find(const struct plan *plan, struct plan_size size, struct plan_kind kind)
{
    size_t i = 0;
    while (i < plan->count && !is_same(&plan->stages[i], size, kind))
        i++;
    return i;
}

bool plan_add(struct plan *plan, struct plan_size size, struct plan_kind kind)
{
    size_t i = plan_find(plan, size, kind);
    if (i == PLAN_STAGES_MAX)
        return false;
    if (i == plan->count)
        plan->stages[plan->count++] = (struct plan_stage){size, kind, PLAN_FROM_SOURCE, 0};
    return true;
}

void plan_use(struct plan *plan, struct plan_size size, struct plan_kind kind)
{
    plan->stages[plan_find(plan, size, kind)].users++;
}

static double area(const struct plan_stage *stage)
{
    return (double)stage->size.width * stage->size.height;
}

/* A total order even for equal areas, so that the same outputs always give the same plan. */
static int compare(const void *left, const void *right)
{
    const struct plan_stage *a = left, *b = right;
    if (area(a) != area(b))
        return area(a) < area(b) ? 1 : -1;
    if (a->size.width != b->size.width)
        return a->size.width < b->size.width ? 1 : -1;
    if (a->kind.native != b->kind.native)
        return (int)b->kind.native - (int)a->kind.native;
    if (a->kind.region != b->kind.region)
        return a->kind.region < b->kind.region ? -1 : 1;
    return (a->kind.curve > b->kind.curve) - (a->kind.curve < b->kind.curve);
}

/* An enlarged picture has nothing that the source lacks, and has been filtered once more. */
static bool can_derive(const struct plan_stage *from, const struct plan_stage *to,
                       struct plan_size source)
{
    return is_same_kind(&from->kind, &to->kind) && from->size.width <= source.width &&
           from->size.height <= source.height && from->size.width >= 2 * to->size.width &&
           from->size.height >= 2 * to->size.height;
}

void plan_order(struct plan *plan, const struct plan_size *sources)
{
    qsort(plan->stages, plan->count, sizeof plan->stages[0], compare);
    for (size_t i = 1; i < plan->count; i++) {
        size_t parent = i;
        while (parent-- > 0) {
            if (can_derive(&plan->stages[parent], &plan->stages[i],
                           sources[plan->stages[i].kind.region])) {
                plan->stages[i].parent = (int)parent;
                plan->stages[parent].users++;
                break;
            }
        }
    }
}

size_t plan_roots(const struct plan *plan)
{
    size_t roots = 0;
    for (size_t i = 0; i < plan->count; i++)
        roots += plan->stages[i].parent == PLAN_FROM_SOURCE;
    return roots;
}

/* What the decoder leaves to the filter, which is better than the decoder's division. */
static bool is_enough(const struct plan *plan, struct plan_size source, unsigned shrink)
{
    const double room = shrink * rest_min;
    if (source.width < shrink * DECODED_MIN || source.height < shrink * DECODED_MIN)
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->stages[i].kind.region || plan->stages[i].kind.curve != 0)
            return false;
        if (plan->stages[i].size.width * room > source.width ||
            plan->stages[i].size.height * room > source.height)
            return false;
    }
    return true;
}

unsigned plan_shrink(const struct plan *plan, struct plan_size source)
{
    unsigned shrink = 8;
    while (shrink > 1 && !is_enough(plan, source, shrink))
        shrink /= 2;
    return shrink;
}
