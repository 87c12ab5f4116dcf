/* The encoded bytes of an output and its name; twins, which share the bytes; the name of the
 * sidecar. */
#include <stdlib.h>
#include <string.h>

#include "image_save.h"
#include "key_template.h"
#include "quality_search.h"
#include "rendition.h"
#include "schema.h"

static char *copy_or_null(const char *text, int *code)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        *code = ERR_MEMORY;
    return copy;
}

/* Call it when the size and the format are known. */
static int name_output(const struct render_output *output, enum image_format chosen,
                       const struct render_source *source, struct error *error)
{
    struct rendition *made = output->made;
    const struct image_format_facts *format = image_format_facts(chosen);
    made->content_type = format->content_type;
    made->settings = &output->config->settings;
    if (!output->config->key) /* it is not stored */
        return 0;
    struct key_values values = {
        .bucket = source->bucket,
        .key = source->key,
        .pipeline = output->item->pipeline->name,
        .ext = format->ext,
        .width = made->width,
        .height = made->height,
    };
    int code = key_template_expand(output->config->key, &values, &made->key, error);
    if (code)
        return code;
    made->bucket = copy_or_null(output->config->bucket, &code);
    return code ? error_set(error, code, "not enough memory for an output's name") : 0;
}

static int finish_search(VipsImage *image, const struct render_output *output,
                         const struct render_source *source, struct error *error)
{
    struct encoding encoding;
    int code = quality_search(image, output->candidates, output->config, &encoding, error);
    if (code)
        return code;
    output->made->body = encoding.body;
    output->made->too_large = encoding.too_large;
    return name_output(output, encoding.format, source, error);
}

int rendition_finish(VipsImage *image, const struct render_output *output,
                     const struct render_source *source, unsigned frames, struct error *error)
{
    struct rendition *made = output->made;
    made->width = (unsigned)image->Xsize;
    made->height = (unsigned)vips_image_get_page_height(image);
    made->frames = frames;
    if (output->config->placeholder) {
        int code = rendition_placeholders(image, output, error);
        if (code)
            return code;
    }
    if (quality_search_is_wanted(output->config))
        return finish_search(image, output, source, error);
    int code = name_output(output, output->format, source, error);
    return code ? code : image_save(image, output->format, output->config, &made->body, error);
}

/* Files of two pipelines may have the same name. */
static bool pictures_alike(const struct slice *a, const struct slice *b)
{
    return a->size == b->size && (a->data == b->data || memcmp(a->data, b->data, a->size) == 0);
}

/* In what is not in the table of keys. */
static bool overlays_alike(const struct overlay_config *a, const struct overlay_config *b)
{
    return a->enlarged == b->enlarged && pictures_alike(&a->picture, &b->picture);
}

bool rendition_is_twin(const struct render_output *a, const struct render_output *b)
{
    return a->format == b->format && a->candidates == b->candidates &&
           a->kind.native == b->kind.native && a->animated == b->animated &&
           a->crop_first == b->crop_first && a->place.final.width == b->place.final.width &&
           a->place.final.height == b->place.final.height &&
           !(b->config->placeholder & ~a->config->placeholder) &&
           schema_outputs_alike(a->config, b->config) &&
           overlays_alike(&a->config->operations.overlay, &b->config->operations.overlay);
}

static void placeholder_copy(const struct render_output *output,
                             const struct rendition_placeholder *from)
{
    struct rendition_placeholder *to = &output->made->placeholder;
    int wanted = output->config->placeholder;
    *to = *from;
    if (!(wanted & PLACEHOLDER_THUMBHASH))
        *to->thumbhash = '\0';
    if (!(wanted & PLACEHOLDER_BLURHASH))
        *to->blurhash = '\0';
    if (!(wanted & PLACEHOLDER_COLOUR))
        *to->colour = '\0';
}

int rendition_copy(const struct render_output *output, const struct render_output *twin,
                   const struct render_source *source, struct error *error)
{
    struct rendition *made = output->made;
    const struct rendition *other = twin->made;
    made->width = other->width;
    made->height = other->height;
    made->frames = other->frames;
    placeholder_copy(output, &other->placeholder);
    made->too_large = other->too_large;
    int code = name_output(output, image_format_of_type(other->content_type), source, error);
    if (code)
        return code;
    void *copy = malloc(other->body.size);
    if (!copy)
        return error_set(error, ERR_MEMORY, "not enough memory for an output");
    memcpy(copy, other->body.data, other->body.size);
    made->body = bytes_give(copy, other->body.size);
    return 0;
}

int rendition_name_sidecar(struct render_item *item, const struct render_source *source,
                           struct plan_size size, struct error *error)
{
    const struct labels_config *labels = &item->pipeline->labels;
    struct key_values values = {.bucket = source->bucket,
                                .key = source->key,
                                .pipeline = item->pipeline->name,
                                .ext = "json",
                                .width = size.width,
                                .height = size.height};
    int code = 0;
    if (!labels->sidecar)
        return 0;
    code = key_template_expand(labels->sidecar, &values, &item->sidecar_key, error);
    if (code)
        return code;
    item->sidecar_bucket = copy_or_null(labels->bucket, &code);
    return code ? error_set(error, code, "not enough memory for the sidecar's name") : 0;
}
