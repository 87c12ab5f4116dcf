/* The metadata that marks an object as an output of ours, so that an event for it is never work. */
#ifndef THUMBWHEEL_OUTPUT_MARK_H
#define THUMBWHEEL_OUTPUT_MARK_H

#include <stdbool.h>
#include <strings.h>

#include "object_store.h"

#define OUTPUT_MARK_PIPELINE "thumbwheel-pipeline"
#define OUTPUT_MARK_SOURCE   "thumbwheel-source"
#define OUTPUT_MARK_ETAG     "thumbwheel-source-etag"

static inline bool output_mark_present(const struct object_facts *facts)
{
    for (size_t i = 0; i < facts->metadata_count; i++) {
        if (strcasecmp(facts->metadata[i].name, OUTPUT_MARK_PIPELINE) == 0)
            return true;
    }
    return false;
}

#endif
