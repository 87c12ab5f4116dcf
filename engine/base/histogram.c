#include "histogram.h"

static const double work_s[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1,      2.5,   5,    10,    30,   60};
static const double waits_s[] = {0.05, 0.1, 0.25, 0.5, 1,    2.5,   5,    10,
                                 30,   60,  300,  900, 3600, 14400, 43200};

void histogram_of_work(struct histogram *histogram)
{
    *histogram =
        (struct histogram){.bounds = work_s, .bound_count = sizeof work_s / sizeof *work_s};
}

void histogram_of_waits(struct histogram *histogram)
{
    *histogram =
        (struct histogram){.bounds = waits_s, .bound_count = sizeof waits_s / sizeof *waits_s};
}

void histogram_observe(struct histogram *histogram, double value)
{
    size_t bucket = 0;
    if (!(value > 0))
        value = 0;
    while (bucket < histogram->bound_count && value > histogram->bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum += value;
}
