/*
 * From the built-in analyser's labels to those of DetectLabels ("DetectLabels" and "Detecting
 * labels in an image", Rekognition): which of them are asked for, and how they are written.
 *
 * A label with a value is named by both ("Dominant Colour Red") and has what it is a kind of as its
 * parent ("Dominant Colour"). What is seen in the pixels is of Rekognition's category "Colors and
 * Visual Composition"; what the file says of itself (camera, year, flash, that it has a location)
 * is of none. Nothing is located in the image, so there are no instances.
 *
 * A label is asked for if an inclusion filter names it or its category, or if there is no inclusion
 * filter; and unless an exclusion filter does. Names must be exact. No I/O.
 */
#ifndef THUMBWHEEL_LOCAL_LABEL_FILTER_H
#define THUMBWHEEL_LOCAL_LABEL_FILTER_H

#include <jansson.h>

#include "labeler.h"

struct label_filter { /* lists of texts, borrowed; NULL or empty: none */
    const json_t *include, *exclude;
    const json_t *include_categories, *exclude_categories;
    double min_confidence; /* percent */
    size_t max;            /* the surest ones */
};

/* A new "Labels"; NULL without memory. */
json_t *label_filter_apply(const struct label_filter *filter, const struct label_set *labels);

#endif
