#include "render_thumbnail.h"

#include <vips/vips.h>

#include "pipeline_file.h"

static int thumbnail(struct slice image, const struct output_config *output, size_t *bytes)
{
    void *data = (void *)(uintptr_t)image.data;
    int width = output->width ? output->width : PIPELINE_SIDE_MAX;
    int height = output->height ? output->height : PIPELINE_SIDE_MAX;
    int quality = output->quality ? output->quality : 80;
    VipsImage *made = NULL;
    void *encoded = NULL;
    size_t size = 0;
    if (vips_thumbnail_buffer(data, image.size, &made, width, "height", height, "size",
                              VIPS_SIZE_DOWN, NULL))
        return -1;
    int failed = vips_jpegsave_buffer(made, &encoded, &size, "Q", quality, "optimize_coding", TRUE,
                                      "strip", TRUE, NULL);
    g_object_unref(made);
    g_free(encoded);
    *bytes += size;
    return failed;
}

int render_thumbnail(struct slice image, const struct pipeline *pipeline, size_t *made,
                     size_t *bytes)
{
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        if (thumbnail(image, &pipeline->outputs.entries[i], bytes)) {
            vips_error_clear();
            return -1;
        }
        ++*made;
    }
    return 0;
}
