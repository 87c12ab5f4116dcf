/*
 * Converts the built-in analyser's labels to those of DetectLabels ("DetectLabels" and "Detecting
 * labels in an image", Rekognition): which are requested, and how they are written.
 *
 * A label with a value is named by both ("Dominant Colour Red"), and its parent is the name alone
 * ("Dominant Colour"). Labels derived from pixels have Rekognition's category "Colors and Visual
 * Composition"; labels from metadata (camera, year, flash, presence of a location) have none.
 * Nothing is located in the image, so there are no instances.
 *
 * A label is returned if an inclusion filter names it or its category, or if there is no inclusion
 * filter, unless an exclusion filter names it. Names must match exactly. No I/O.
 */
#ifndef THUMBWHEEL_LOCAL_LABEL_FILTER_H
#define THUMBWHEEL_LOCAL_LABEL_FILTER_H

#include <jansson.h>

#include "labeler.h"

struct label_filter { /* lists of strings, borrowed; NULL or empty: none */
    const json_t *include, *exclude;
    const json_t *include_categories, *exclude_categories;
    double min_confidence; /* percent */
    size_t max;            /* those with the highest confidence */
};

/* A new "Labels" array; NULL if memory is short. */
json_t *label_filter_apply(const struct label_filter *filter, const struct label_set *labels);

#endif
