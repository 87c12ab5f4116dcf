#include "metric_text.h"

#include <math.h>

static const char *const type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

void metric_family(struct buffer *out, enum metric_type type, const char *name, const char *help)
{
    buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type_names[type]);
}

static void write_escaped(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            buffer_text(out, "\\n");
        else if (*text == '"' || *text == '\\')
            buffer_format(out, "\\%c", *text);
        else
            buffer_byte(out, *text);
    }
}

/* Whole numbers without a point: counters stay exact up to 2^53. */
static void write_value(struct buffer *out, double value)
{
    if (isnan(value))
        buffer_text(out, "NaN");
    else if (isinf(value))
        buffer_text(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) < 9007199254740992.0)
        buffer_format(out, "%.0f", value);
    else
        buffer_format(out, "%.9g", value);
}

/* bound: the label "le" of a bucket; NULL: none. */
static void write_sample(struct buffer *out, const char *name, const char *suffix,
                         const struct metric_label *labels, size_t label_count, const double *bound,
                         double value)
{
    const char *separator = "{";
    buffer_format(out, "%s%s", name, suffix);
    for (size_t i = 0; i < label_count; i++, separator = ",") {
        buffer_format(out, "%s%s=\"", separator, labels[i].name);
        write_escaped(out, labels[i].value);
        buffer_byte(out, '"');
    }
    if (bound) {
        buffer_format(out, "%sle=\"", separator);
        write_value(out, *bound);
        buffer_byte(out, '"');
    }
    if (label_count || bound)
        buffer_byte(out, '}');
    buffer_byte(out, ' ');
    write_value(out, value);
    buffer_byte(out, '\n');
}

void metric_sample(struct buffer *out, const char *name, const struct metric_label *labels,
                   size_t label_count, double value)
{
    write_sample(out, name, "", labels, label_count, NULL, value);
}

/* The buckets are cumulative, and the last one has the bound +Inf. */
void metric_histogram(struct buffer *out, const char *name, const struct metric_label *labels,
                      size_t label_count, const struct histogram *histogram)
{
    const double infinity = INFINITY;
    uint64_t sum = 0;
    for (size_t i = 0; i < histogram->bound_count; i++) {
        sum += histogram->counts[i];
        write_sample(out, name, "_bucket", labels, label_count, &histogram->bounds[i], (double)sum);
    }
    write_sample(out, name, "_bucket", labels, label_count, &infinity, (double)histogram->count);
    write_sample(out, name, "_sum", labels, label_count, NULL, histogram->sum);
    write_sample(out, name, "_count", labels, label_count, NULL, (double)histogram->count);
}

void metric_single(struct buffer *out, enum metric_type type, const char *name, const char *help,
                   double value)
{
    metric_family(out, type, name, help);
    metric_sample(out, name, NULL, 0, value);
}
