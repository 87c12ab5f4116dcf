#include "manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "key_template.h"

static bool texts_alike(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- which outputs share one ---- */

static bool is_listed_in(const struct output_config *output, const struct output_config *first)
{
    return output->manifest && texts_alike(output->manifest, first->manifest) &&
           texts_alike(output->bucket, first->bucket);
}

static bool is_known(const struct pipeline *pipeline, const struct output_config *output)
{
    for (size_t i = 0; i < pipeline->manifest_count; i++) {
        if (is_listed_in(output, &pipeline->outputs.entries[pipeline->manifests[i]]))
            return true;
    }
    return false;
}

void manifests_find(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        const struct output_config *output = &pipeline->outputs.entries[i];
        if (output->manifest && !is_known(pipeline, output))
            pipeline->manifests[pipeline->manifest_count++] = i;
    }
}

/* ---- the document ---- */

/* As in the path of a URL. */
static void url_append(struct buffer *out, const char *key)
{
    static const char plain[] = LOWER UPPER DIGITS "-._~/";
    for (; *key; key++) {
        if (strchr(plain, *key))
            buffer_append(out, key, 1);
        else
            buffer_format(out, "%%%02X", (unsigned char)*key);
    }
}

static char *url_of(const struct output_config *output, const struct rendition *made)
{
    struct buffer url;
    buffer_init(&url, 8 * OBJECT_KEY_MAX);
    if (output->manifest_url)
        buffer_text(&url, output->manifest_url);
    url_append(&url, made->key);
    char *text = buffer_take_text(&url);
    buffer_free(&url);
    return text;
}

static void add_text(json_t *object, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(object, name, json_string(text));
}

static json_t *placeholder_json(const struct rendition_placeholder *placeholder)
{
    json_t *object = json_object();
    add_text(object, "thumbhash", placeholder->thumbhash);
    add_text(object, "blurhash", placeholder->blurhash);
    add_text(object, "colour", placeholder->colour);
    return object;
}

static json_t *image_json(const struct output_config *output, const struct rendition *made,
                          const char *bucket, const char *url)
{
    json_t *image = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:I}", "bucket",
                              made->bucket ? made->bucket : bucket, "key", made->key, "url", url,
                              "type", made->content_type, "width", (int)made->width, "height",
                              (int)made->height, "bytes", (json_int_t)made->body.size);
    if (image && output->dpr > 0)
        json_object_set_new(image, "dpr", json_real(output->dpr));
    return image;
}

/* Appends a candidate to the srcset of its type: "URL 640w, URL 1280w". */
static int srcset_add(json_t *srcset, const struct output_config *output,
                      const struct rendition *made, const char *url)
{
    struct buffer text;
    const char *before = json_string_value(json_object_get(srcset, made->content_type));
    buffer_init(&text, 256 * 1024);
    buffer_format(&text, "%s%s%s ", before ? before : "", before ? ", " : "", url);
    if (output->dpr > 0)
        buffer_format(&text, "%gx", output->dpr);
    else
        buffer_format(&text, "%uw", made->width);
    char *joined = buffer_take_text(&text);
    int code = !joined || json_object_set_new(srcset, made->content_type, json_string(joined))
                   ? ERR_MEMORY
                   : 0;
    free(joined);
    buffer_free(&text);
    return code;
}

struct manifest { /* while it is made */
    const struct render_source *source;
    const struct render_item *item;
    const struct output_config *first;
    json_t *images, *srcset, *placeholder;
};

static bool has_placeholder(const struct rendition *made)
{
    const struct rendition_placeholder *p = &made->placeholder;
    return *p->thumbhash || *p->blurhash || *p->colour;
}

static int image_add(struct manifest *m, const struct output_config *output,
                     const struct rendition *made)
{
    char *url = url_of(output, made);
    if (!url)
        return ERR_MEMORY;
    int code = srcset_add(m->srcset, output, made, url);
    if (json_array_append_new(m->images, image_json(output, made, m->source->bucket, url)))
        code = ERR_MEMORY;
    if (!m->placeholder && has_placeholder(made))
        m->placeholder = placeholder_json(&made->placeholder);
    free(url);
    return code;
}

static int document_fill(struct manifest *m, const bool *dropped)
{
    const struct output_list *outputs = &m->item->pipeline->outputs;
    int code = m->images && m->srcset ? 0 : ERR_MEMORY;
    for (size_t i = 0; i < outputs->count && !code; i++) {
        const struct output_config *output = &outputs->entries[i];
        if (!dropped[i] && is_listed_in(output, m->first))
            code = image_add(m, output, &m->item->renditions[i]);
    }
    return code;
}

static int document_write(struct manifest *m, struct bytes *out)
{
    const struct image_facts *facts = &m->item->facts;
    bool turned = facts->orientation >= 5;
    json_t *root =
        json_pack("{s:{s:s, s:s, s:i, s:i}, s:O, s:O, s:O*}", "source", "bucket", m->source->bucket,
                  "key", m->source->key, "width", (int)(turned ? facts->height : facts->width),
                  "height", (int)(turned ? facts->width : facts->height), "images", m->images,
                  "srcset", m->srcset, "placeholder", m->placeholder);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(root);
    if (!text)
        return ERR_MEMORY;
    *out = bytes_give(text, strlen(text));
    return 0;
}

static int document_make(struct manifest *m, const bool *dropped, struct bytes *out)
{
    m->images = json_array();
    m->srcset = json_object();
    int code = document_fill(m, dropped);
    if (!code)
        code = document_write(m, out);
    json_decref(m->images);
    json_decref(m->srcset);
    json_decref(m->placeholder);
    return code;
}

/* ---- the item ---- */

static int name_make(const struct manifest *m, struct rendition *out, struct error *error)
{
    const struct key_values values = {.bucket = m->source->bucket,
                                      .key = m->source->key,
                                      .pipeline = m->item->pipeline->name,
                                      .ext = "json"};
    int code = key_template_expand(m->first->manifest, &values, &out->key, error);
    if (code)
        return code;
    out->bucket = m->first->bucket ? strdup(m->first->bucket) : NULL;
    return m->first->bucket && !out->bucket
               ? error_set(error, ERR_MEMORY, "not enough memory for a manifest's name")
               : 0;
}

static int manifest_make(struct manifest *m, const bool *dropped, struct rendition *out,
                         struct error *error)
{
    int code = name_make(m, out, error);
    if (code)
        return code;
    out->content_type = "application/json";
    out->settings = &m->first->settings;
    out->manifest = true;
    return document_make(m, dropped, &out->body)
               ? error_set(error, ERR_MEMORY, "not enough memory for a manifest")
               : 0;
}

/* An entry's sizes are limited by the source's, so that several may be the same. */
static bool is_repeated(const struct render_item *item, size_t index)
{
    const struct output_config *outputs = item->pipeline->outputs.entries;
    const struct rendition *made = item->renditions;
    for (size_t i = index; i-- > 0 && outputs[i].entry == outputs[index].entry;) {
        if (texts_alike(made[i].key, made[index].key))
            return true;
    }
    return false;
}

static void renditions_drop(struct render_item *item, const bool *dropped, size_t count)
{
    size_t to = 0;
    for (size_t i = 0; i < item->rendition_count; i++) {
        struct rendition *made = &item->renditions[i];
        if (i < count && dropped[i]) {
            bytes_free(&made->body);
            free(made->bucket);
            free(made->key);
        } else {
            item->renditions[to++] = *made;
        }
    }
    item->rendition_count = to;
}

static int renditions_grow(struct render_item *item, size_t count)
{
    struct rendition *grown = realloc(item->renditions, count * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    memset(grown + item->rendition_count, 0, (count - item->rendition_count) * sizeof *grown);
    item->renditions = grown;
    return 0;
}

void manifests_add(const struct render_source *source, struct render_item *item)
{
    const struct pipeline *pipeline = item->pipeline;
    bool dropped[PIPELINE_OUTPUTS_MAX] = {false}, any = false;
    size_t count = pipeline->outputs.count;
    if (item->error.code)
        return;
    for (size_t i = 0; i < count; i++)
        any |= dropped[i] = is_repeated(item, i);
    if (pipeline->manifest_count && renditions_grow(item, count + pipeline->manifest_count))
        error_set(&item->error, ERR_MEMORY, "not enough memory for the manifests");
    for (size_t i = 0; i < pipeline->manifest_count && !item->error.code; i++) {
        struct manifest m = {.source = source,
                             .item = item,
                             .first = &pipeline->outputs.entries[pipeline->manifests[i]]};
        manifest_make(&m, dropped, &item->renditions[item->rendition_count++], &item->error);
    }
    if (any)
        renditions_drop(item, dropped, count);
}
