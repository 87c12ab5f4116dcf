/*
 * Writes metrics in the text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * The caller writes a family's head once and then all of its samples. Errors stay in the buffer:
 * check buffer->error at the end. Any thread.
 */
#ifndef THUMBWHEEL_METRIC_TEXT_H
#define THUMBWHEEL_METRIC_TEXT_H

#include <stddef.h>

#include "bytes.h"
#include "histogram.h"

#define METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_label {
    const char *name, *value; /* the value may contain any text; it is escaped */
};

/* Names and help are literals: names follow the grammar, help is one line. */
void metric_family(struct buffer *out, enum metric_type type, const char *name, const char *help);
void metric_sample(struct buffer *out, const char *name, const struct metric_label *labels,
                   size_t label_count, double value);
/* The samples _bucket, _sum and _count. */
void metric_histogram(struct buffer *out, const char *name, const struct metric_label *labels,
                      size_t label_count, const struct histogram *histogram);

/* A family of one sample without labels. */
void metric_single(struct buffer *out, enum metric_type type, const char *name, const char *help,
                   double value);

#endif
