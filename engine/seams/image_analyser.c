#include "image_analyser.h"

int image_analyse(const struct image_analyser *analyser, struct slice image,
                  const atomic_bool *cancelled, struct label_set *out, struct error *error)
{
    const struct render_source source = {.bucket = "", .key = "", .image = image};
    struct render_item item = {.pipeline = analyser->pipeline, .cancelled = cancelled};
    analyser->ops->render(&source, &analyser->limits, &item, 1);
    analyser->ops->thread_end();
    *error = item.error;
    *out = item.labels;
    render_item_clear(&item);
    return error->code;
}
