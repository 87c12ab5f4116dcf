/* Counts of observed values by size, as Prometheus' histograms have them. One thread at a time. */
#ifndef THUMBWHEEL_HISTOGRAM_H
#define THUMBWHEEL_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 20 };

struct histogram {
    const double *bounds; /* static: the largest value of each bucket, ascending */
    size_t bound_count;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* of each bucket alone; the last one has no bound */
    uint64_t count;
    double sum;
};

/* Buckets for durations in seconds: of work within the process, 1 ms to 60 s, and of messages,
 * which may wait for hours, 50 ms to 12 h. */
void histogram_of_work(struct histogram *histogram);
void histogram_of_waits(struct histogram *histogram);

/* A value that is negative or not a number counts as 0: clocks of two machines differ. */
void histogram_observe(struct histogram *histogram, double value);

#endif
