#include "decoder_pipelines.h"

const struct render_source decoder_source = {
    .bucket = "photos", .key = "ingest/a b.jpg", .etag = "etag", .focal = {true, 0.3, 0.7}};

struct pipeline *decoder_pipeline(size_t index)
{
    static const char *const files[DECODER_PIPELINES] = {
        "name: web\nqueue: q\noutputs:\n"
        "  - {key: \"web/{name}\", width: 40, format: png}\n"
        "  - {key: \"{width}x{height}/{stem}.{ext}\", bucket: other, width: 16}\n",
        "name: tags\nqueue: r\nlabels: {tags: true, sidecar: \"tags/{name}.json\", bucket: "
        "notes}\n",
    };
    struct pipeline *pipeline = NULL;
    struct error error;
    return pipeline_parse("pipeline.yaml", slice_of(files[index]), &pipeline, &error) ? NULL
                                                                                      : pipeline;
}
