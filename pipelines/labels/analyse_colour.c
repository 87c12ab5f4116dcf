/*
 * Labels from colour. A colour has the name of the first matching row below, by lightness, chroma
 * and hue angle in CIELAB; the bounds are where English speakers use a different word (brown is
 * dark orange, pink is light red), checked against the CSS colour keywords in the tests.
 */
#include "analyse.h"

#include <math.h>
#include <string.h>

struct colour_name {
    const char *name;
    float hue_from, hue_to; /* degrees; from > to wraps around 0 */
    float l_from, l_to;
    float chroma_from, chroma_to;
};

#define ANY_HUE 0, 360
#define ANY_L   0, 101
#define ANY_C   0, 200

static const struct colour_name names[] = {
    {"Black", ANY_HUE, 0, 10, ANY_C},      {"Black", ANY_HUE, 0, 22, 0, 12},
    {"White", ANY_HUE, 88, 101, 0, 8},     {"Grey", ANY_HUE, ANY_L, 0, 8},
    {"Pink", 335, 10, 50, 101, ANY_C},     {"Pink", 10, 40, 62, 101, 0, 60},
    {"Brown", 10, 48, 0, 45, 0, 35},       {"Red", 0, 48, ANY_L, ANY_C},
    {"Beige", 48, 84, 68, 101, 0, 40},     {"Orange", 48, 84, 58, 101, 40, 200},
    {"Brown", 48, 84, ANY_L, ANY_C},       {"Beige", 84, 112, 70, 101, 0, 35},
    {"Yellow", 84, 112, 62, 101, 35, 200}, {"Brown", 84, 98, ANY_L, ANY_C},
    {"Green", 98, 175, ANY_L, ANY_C},      {"Turquoise", 175, 222, ANY_L, ANY_C},
    {"Blue", 222, 309, ANY_L, ANY_C},      {"Pink", 318, 335, 58, 101, 50, 200},
    {"Purple", 309, 360, ANY_L, ANY_C},
};

enum { NAME_ROWS = sizeof(names) / sizeof(names[0]) };

struct colour_shares { /* sorted, largest first; names of equal share keep the table's order */
    const char *name[NAME_ROWS];
    double share[NAME_ROWS];
    size_t count;
};

static bool row_holds(const struct colour_name *row, const struct colour_point *point, float hue)
{
    bool hue_fits = row->hue_from <= row->hue_to ? hue >= row->hue_from && hue < row->hue_to
                                                 : hue >= row->hue_from || hue < row->hue_to;

    return hue_fits && point->l >= row->l_from && point->l < row->l_to &&
           point->chroma >= row->chroma_from && point->chroma < row->chroma_to;
}

static size_t row_of(const struct colour_point *point)
{
    float hue = atan2f(point->b, point->a) * (float)(180 / M_PI);
    size_t row = 0;

    hue = hue < 0 ? hue + 360 : hue;
    hue = hue >= 360 ? 0 : hue;
    while (row < NAME_ROWS - 1 && !row_holds(&names[row], point, hue)) {
        row++;
    }
    return row;
}

static void shares_add(struct colour_shares *shares, const char *name, double share)
{
    for (size_t i = 0; i < shares->count; i++) {
        if (strcmp(shares->name[i], name) == 0) {
            shares->share[i] += share;
            return;
        }
    }
    shares->name[shares->count] = name;
    shares->share[shares->count++] = share;
}

static void shares_sort(struct colour_shares *shares)
{
    for (size_t i = 1; i < shares->count; i++) {
        const char *name = shares->name[i];
        double share = shares->share[i];
        size_t at = i;

        for (; at > 0 && shares->share[at - 1] < share; at--) {
            shares->name[at] = shares->name[at - 1];
            shares->share[at] = shares->share[at - 1];
        }
        shares->name[at] = name;
        shares->share[at] = share;
    }
}

static struct colour_shares shares_measure(const struct colour_view *view)
{
    struct colour_shares shares = {.count = 0};
    double rows[NAME_ROWS] = {0};

    for (size_t i = 0; i < view->count && view->weight > 0; i++) {
        rows[row_of(&view->points[i])] += view->points[i].weight / view->weight;
    }
    for (size_t row = 0; row < NAME_ROWS; row++) {
        shares_add(&shares, names[row].name, rows[row]);
    }
    shares_sort(&shares);
    return shares;
}

static void add_colour(struct label_set *out, const char *label, const struct colour_shares *shares,
                       size_t rank)
{
    label_add(out, label, shares->name[rank], label_confidence(shares->share[rank], 0.10, 0.60));
}

void analyse_colours(const struct colour_view *view, struct label_set *out)
{
    struct colour_shares shares = shares_measure(view);

    add_colour(out, "Dominant Colour", &shares, 0);
    add_colour(out, "Second Colour", &shares, 1);
    add_colour(out, "Third Colour", &shares, 2);
}

/* The chroma that 98 % of the area is below. */
static double chroma_bound(const struct colour_view *view)
{
    double histogram[200] = {0}, sum = 0;
    int quarter = 0; /* in steps of a quarter; 50 and above share the last step */

    for (size_t i = 0; i < view->count; i++) {
        histogram[(int)fmin(view->points[i].chroma * 4, 199)] += view->points[i].weight;
    }
    for (; quarter < 199; quarter++) {
        sum += histogram[quarter];
        if (sum >= 0.98 * view->weight) {
            break;
        }
    }
    return quarter / 4.0;
}

/* How far the colours deviate from one hue: the RMS distance of (a*, b*) from the ray through their
 * mean. */
static double hue_deviation(const struct colour_view *view)
{
    double a = 0, b = 0, sum = 0;

    for (size_t i = 0; i < view->count; i++) {
        a += view->points[i].a * view->points[i].weight;
        b += view->points[i].b * view->points[i].weight;
    }
    double length = hypot(a, b);
    a = length > 0 ? a / length : 1;
    b = length > 0 ? b / length : 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct colour_point *point = &view->points[i];
        double along = point->a * a + point->b * b;
        double off = along > 0 ? point->b * a - point->a * b : point->chroma;

        sum += off * off * point->weight;
    }
    return sqrt(sum / view->weight);
}

void analyse_tint(const struct colour_view *view, struct label_set *out)
{
    if (!(view->weight > 0)) {
        return;
    }
    label_add(out, "Black and White", "", label_confidence(chroma_bound(view), 8, 2));
    label_add(out, "Monochrome", "", label_confidence(hue_deviation(view), 6, 1));
}
