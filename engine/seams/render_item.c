#include <stdlib.h>

#include "pipeline.h"

void render_item_clear(struct render_item *item)
{
    for (size_t i = 0; i < item->rendition_count; i++) {
        bytes_free(&item->renditions[i].body);
        free(item->renditions[i].bucket);
        free(item->renditions[i].key);
    }
    free(item->renditions);
    bytes_free(&item->label_image.body);
    free(item->sidecar_bucket);
    free(item->sidecar_key);
    *item = (struct render_item){.pipeline = item->pipeline, .cancelled = item->cancelled};
}
