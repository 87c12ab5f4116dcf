#include "overlay_objects.h"

#include <stdlib.h>
#include <string.h>

#include "overlay_pictures.h"

static const char scheme[] = "s3://";

static bool has_scheme(const char *object)
{
    return strncmp(object, scheme, sizeof scheme - 1) == 0;
}

/* NULL: there is no bucket. */
static const char *key_of(const char *object)
{
    if (!has_scheme(object))
        return object;
    const char *slash = strchr(object + sizeof scheme - 1, '/');
    return slash ? slash + 1 : NULL;
}

const char *overlay_object_flaw(const char *object)
{
    const char *key = key_of(object);
    if (!key || !*key || key == object + sizeof scheme)
        return "is not s3://BUCKET/KEY or a key in the photo's bucket";
    if (strlen(key) > OBJECT_KEY_MAX)
        return "has a key of more than 1024 bytes";
    return *key == '/' ? "has a key that begins with a slash" : NULL;
}

/* The index among those that were found, or their number. */
static size_t overlay_index(const struct pipeline *pipeline, const char *object)
{
    size_t i = 0;
    for (; i < pipeline->facts.overlay_count; i++) {
        const struct pipeline_overlay *known = &pipeline->overlays[i];
        const char *key = key_of(object);
        size_t bucket = has_scheme(object) ? (size_t)(key - object) - sizeof scheme : 0;
        const char *other = known->bucket ? known->bucket : "";
        if (strcmp(known->key, key) == 0 && strlen(other) == bucket &&
            memcmp(other, object + (bucket ? sizeof scheme - 1 : 0), bucket) == 0)
            break;
    }
    return i;
}

static int overlay_add(struct pipeline *pipeline, const char *object)
{
    size_t index = overlay_index(pipeline, object);
    const char *key = key_of(object), *bucket = object + sizeof scheme - 1;
    if (index < pipeline->facts.overlay_count)
        return 0;
    if (has_scheme(object)) {
        pipeline->overlay_buckets[index] = strndup(bucket, (size_t)(key - bucket) - 1);
        if (!pipeline->overlay_buckets[index])
            return ERR_MEMORY;
    }
    pipeline->overlays[index] =
        (struct pipeline_overlay){.bucket = pipeline->overlay_buckets[index], .key = key};
    pipeline->facts.overlay_count++;
    return 0;
}

int overlay_objects_find(struct pipeline *pipeline)
{
    pipeline->facts.overlays = pipeline->overlays;
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        const char *object = pipeline->outputs.entries[i].operations.overlay.object;
        int code = object ? overlay_add(pipeline, object) : 0;
        if (code)
            return code;
    }
    return 0;
}

void overlay_objects_free(struct pipeline *pipeline)
{
    for (size_t i = 0; i < PIPELINE_OUTPUTS_MAX; i++)
        free(pipeline->overlay_buckets[i]);
}

/* The new pipeline gets its pictures in the same order as the other one. */
struct dressing {
    const struct pipeline *from;
    const struct slice *pictures;
    size_t next;
};

static int picture_copy(const struct overlay_config *overlay, void *user, struct bytes *out)
{
    struct dressing *dressing = user;
    const struct bytes *own = &dressing->from->pictures[dressing->next++];
    struct slice picture = {own->data, own->size};
    if (overlay->object)
        picture = dressing->pictures[overlay_index(dressing->from, overlay->object)];
    *out = bytes_give(slice_dup(picture), picture.size);
    return out->data ? 0 : ERR_MEMORY;
}

int overlay_objects_fill(const struct pipeline *pipeline, const struct slice *pictures,
                         struct pipeline **out, struct error *error)
{
    struct dressing dressing = {.from = pipeline, .pictures = pictures};
    struct pipeline *made = NULL;
    int code = pipeline_parse(
        pipeline->file, (struct slice){pipeline->text.data, pipeline->text.size}, &made, error);
    if (code)
        return code;
    code = overlay_pictures_fill(made, picture_copy, &dressing);
    if (!code) {
        *out = made;
        return 0;
    }
    pipeline_release(made);
    return code == ERR_MEMORY
               ? error_set(error, code, "out of memory")
               : error_set(error, ERR_OVERLAY, "the pictures of all overlays exceed %d bytes",
                           OVERLAY_PICTURES_MAX);
}
