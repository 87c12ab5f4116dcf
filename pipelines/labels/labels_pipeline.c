#include "labels_pipeline.h"

#include "pipeline_file.h"

int labels_pipeline_make(struct pipeline **out, struct error *error)
{
    static const char text[] = "name: labels\n"
                               "queue: labels\n"
                               "labels: { tags: true, min_confidence: 0, max: 48 }\n";
    _Static_assert(LABELS_MAX == 48, "all labels");
    return pipeline_parse("built-in labels", SLICE_LITERAL(text), out, error);
}
