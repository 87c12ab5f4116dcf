#include "overlay_pictures.h"

#include <string.h>

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_source(const struct overlay_config *a, const struct overlay_config *b)
{
    if (!is_same_text(a->file, b->file) || !is_same_text(a->text, b->text) ||
        !is_same_text(a->object, b->object))
        return false;
    return !a->text || (is_same_text(a->font, b->font) && a->size == b->size &&
                        memcmp(&a->colour, &b->colour, sizeof a->colour) == 0);
}

static const struct overlay_config *find_earlier(const struct pipeline *pipeline, size_t index)
{
    const struct output_config *outputs = pipeline->outputs.entries;
    for (size_t i = 0; i < index; i++) {
        const struct overlay_config *other = &outputs[i].operations.overlay;
        if (other->given && is_same_source(other, &outputs[index].operations.overlay))
            return other;
    }
    return NULL;
}

int overlay_pictures_fill(struct pipeline *pipeline, overlay_read *read, void *user)
{
    size_t sum = 0;
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        struct overlay_config *overlay = &pipeline->outputs.entries[i].operations.overlay;
        const struct overlay_config *earlier = find_earlier(pipeline, i);
        if (overlay->given && earlier)
            overlay->picture = earlier->picture;
        if (!overlay->given || earlier)
            continue;
        struct bytes *made = &pipeline->pictures[pipeline->picture_count];
        int code = read(overlay, user, made);
        if (code)
            return code;
        pipeline->picture_count++;
        overlay->picture = (struct slice){made->data, made->size};
        sum += made->size;
        if (sum > OVERLAY_PICTURES_MAX)
            return ERR_LIMIT;
    }
    return 0;
}

void overlay_pictures_free(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->picture_count; i++)
        bytes_free(&pipeline->pictures[i]);
}
