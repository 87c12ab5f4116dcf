#include "decoder_reply.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "image_format.h"
#include "key_template.h"
#include "pipeline_file.h"
#include "utf8.h"

/* ---- the child's end ---- */

static void facts_write(struct buffer *out, const struct image_facts *facts)
{
    WIRE_PUT(out, facts->width);
    WIRE_PUT(out, facts->height);
    WIRE_PUT(out, facts->bands);
    WIRE_PUT(out, facts->frames);
    WIRE_PUT(out, facts->orientation);
    WIRE_PUT(out, facts->damage);
    wire_put_text(out, facts->format);
}

static void rendition_write(struct buffer *out, const struct rendition *made)
{
    uint64_t size = made->body.size;
    uint32_t too_large = made->too_large;
    wire_put_text(out, made->content_type);
    WIRE_PUT(out, made->width);
    WIRE_PUT(out, made->height);
    WIRE_PUT(out, made->frames);
    WIRE_PUT(out, made->milliseconds);
    wire_put_text(out, made->placeholder.thumbhash);
    wire_put_text(out, made->placeholder.blurhash);
    wire_put_text(out, made->placeholder.colour);
    WIRE_PUT(out, too_large);
    WIRE_PUT(out, size);
}

static void labels_write(struct buffer *out, const struct label_set *labels)
{
    uint32_t count = (uint32_t)labels->count;
    WIRE_PUT(out, count);
    for (size_t i = 0; i < labels->count; i++) {
        wire_put_text(out, labels->entries[i].name);
        wire_put_text(out, labels->entries[i].value);
        WIRE_PUT(out, labels->entries[i].confidence);
    }
}

static void label_image_write(struct buffer *out, const struct rendition *made)
{
    uint32_t present = made->body.size > 0;
    WIRE_PUT(out, present);
    if (present)
        rendition_write(out, made);
}

int decoder_reply_write(struct buffer *out, const struct render_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct render_item *item = &items[i];
        WIRE_PUT(out, item->error.code);
        facts_write(out, &item->facts);
        if (item->error.code) {
            wire_put_text(out, item->error.text);
            continue;
        }
        for (size_t k = 0; k < item->rendition_count; k++)
            rendition_write(out, &item->renditions[k]);
        labels_write(out, &item->labels);
        label_image_write(out, &item->label_image);
    }
    return out->error;
}

/* ---- the parent's ---- */

struct reply_reader {
    struct wire_reader wire;
    uint64_t left; /* remaining bytes for renditions */
    const struct render_source *source;
};

/* The error for malformed messages and for values that a correct child never sends. */
static int lie(struct reply_reader *r)
{
    r->wire.broken = true;
    return ERR_PROTOCOL;
}

/* Copies to a string of fixed size: UTF-8 without control characters. The copy is checked, because
 * the child cannot change it. */
static int text_read(struct reply_reader *r, char *out, size_t size)
{
    struct slice text = wire_take_slice(&r->wire, size - 1);
    if (!text.data)
        return lie(r);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            return lie(r);
    }
    return utf8_length(out) < 0 ? lie(r) : 0;
}

static enum image_format format_named(const char *name)
{
    for (enum image_format f = FORMAT_JPEG; f < FORMAT_INPUT_COUNT; f++) {
        const struct image_format_facts *facts = image_format_facts(f);
        if (facts->content_type && strcmp(facts->name, name) == 0)
            return f;
    }
    return FORMAT_KEEP;
}

/* If the image was not recognised, there are no facts. */
static int facts_read(struct reply_reader *r, bool failed, struct image_facts *out)
{
    out->width = wire_take_u32(&r->wire, INT_MAX);
    out->height = wire_take_u32(&r->wire, INT_MAX);
    out->bands = wire_take_u32(&r->wire, INT_MAX);
    out->frames = wire_take_u32(&r->wire, INT_MAX);
    out->orientation = wire_take_u32(&r->wire, 8);
    out->damage = wire_take_u32(&r->wire, IMAGE_TRUNCATED);
    if (text_read(r, out->format, sizeof out->format))
        return ERR_PROTOCOL;
    bool known = format_named(out->format) != FORMAT_KEEP;
    bool whole =
        known && out->width && out->height && out->bands && out->frames && out->orientation;
    return whole || (failed && (known || !*out->format)) ? 0 : lie(r);
}

static int error_read(struct reply_reader *r, int code, struct error *out)
{
    static const int allowed[] = {ERR_CORRUPT, ERR_UNSUPPORTED,   ERR_LIMIT,  ERR_INVALID,
                                  ERR_MEMORY,  ERR_NAME_TOO_LONG, ERR_OVERLAY};
    char text[ERROR_TEXT_MAX];
    if (text_read(r, text, sizeof text))
        return ERR_PROTOCOL;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (code == allowed[i]) {
            error_set(out, code, "%s", text);
            return 0;
        }
    }
    return lie(r);
}

static enum image_format format_read(struct reply_reader *r, const struct output_config *config)
{
    char type[32];
    if (text_read(r, type, sizeof type))
        return FORMAT_KEEP;
    enum image_format format = image_format_of_type(type);
    bool allowed = config->format == FORMAT_AUTO
                       ? config->candidates & 1 << format
                       : config->format == FORMAT_KEEP || config->format == (int)format;
    return allowed ? format : FORMAT_KEEP;
}

static int name_make(const struct render_item *item, const char *template, const char *bucket,
                     struct key_values *values, const struct render_source *source,
                     char **out_bucket, char **out_key)
{
    values->bucket = source->bucket;
    values->key = source->key;
    values->pipeline = item->pipeline->name;
    int code = key_template_expand(template, values, out_key, NULL);
    if (code)
        /* a correct child would fail the item instead */
        return code == ERR_MEMORY ? code : ERR_PROTOCOL;
    *out_bucket = bucket ? strdup(bucket) : NULL;
    return bucket && !*out_bucket ? ERR_MEMORY : 0;
}

/* They become headers of the object, and texts in a manifest. */
static int placeholder_read(struct reply_reader *r, const struct output_config *config,
                            struct rendition_placeholder *out)
{
    static const char base64[] = LOWER UPPER DIGITS "+/=";
    static const char base83[] = LOWER UPPER DIGITS "#$%*+,-.:;=?@[]^_{|}~";
    const struct {
        int bit;
        const char *alphabet;
        char *text;
        size_t size;
    } parts[] = {{PLACEHOLDER_THUMBHASH, base64, out->thumbhash, sizeof out->thumbhash},
                 {PLACEHOLDER_BLURHASH, base83, out->blurhash, sizeof out->blurhash},
                 {PLACEHOLDER_COLOUR, "#" DIGITS "abcdef", out->colour, sizeof out->colour}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (text_read(r, parts[i].text, parts[i].size))
            return ERR_PROTOCOL;
        bool wanted = config->placeholder & parts[i].bit;
        if (*parts[i].text && (!wanted || !is_made_of(parts[i].text, parts[i].alphabet)))
            return lie(r);
    }
    return 0;
}

static int rendition_read(struct reply_reader *r, const struct render_item *item,
                          const struct output_config *config, struct rendition *made)
{
    uint64_t size;
    enum image_format format = format_read(r, config);
    const struct image_format_facts *facts = image_format_facts(format);
    if (format == FORMAT_KEEP)
        return lie(r);
    made->content_type = facts->content_type;
    made->settings = &config->settings;
    made->width = wire_take_u32(&r->wire, facts->side_max);
    made->height = wire_take_u32(&r->wire, facts->side_max);
    made->frames = wire_take_u32(&r->wire, INT_MAX);
    WIRE_TAKE(&r->wire, made->milliseconds);
    if (placeholder_read(r, config, &made->placeholder))
        return ERR_PROTOCOL;
    made->too_large = wire_take_u32(&r->wire, config->max_bytes ? 1 : 0);
    WIRE_TAKE(&r->wire, size);
    if (!made->width || !made->height || !made->frames || !isfinite(made->milliseconds) ||
        made->milliseconds < 0 || !size || size > r->left)
        return lie(r);
    r->left -= size;
    made->body.size = (size_t)size;
    if (!config->key) /* it is not stored */
        return 0;
    struct key_values values = {.ext = facts->ext, .width = made->width, .height = made->height};
    return name_make(item, config->key, config->bucket, &values, r->source, &made->bucket,
                     &made->key);
}

static int renditions_read(struct reply_reader *r, struct render_item *item)
{
    const struct output_list *outputs = &item->pipeline->outputs;
    item->renditions = calloc(outputs->count + 1, sizeof *item->renditions);
    if (!item->renditions)
        return ERR_MEMORY;
    item->rendition_count = outputs->count;
    for (size_t i = 0; i < outputs->count; i++) {
        int code = rendition_read(r, item, &outputs->entries[i], &item->renditions[i]);
        if (code)
            return code;
    }
    return 0;
}

static int labels_read(struct reply_reader *r, const struct labels_config *config,
                       struct label_set *out)
{
    uint32_t most = config->given ? (uint32_t)config->max : 0;
    uint32_t count = wire_take_u32(&r->wire, most < LABELS_MAX ? most : LABELS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct label *label = &out->entries[i];
        if (text_read(r, label->name, sizeof label->name) ||
            text_read(r, label->value, sizeof label->value))
            return ERR_PROTOCOL;
        WIRE_TAKE(&r->wire, label->confidence);
        if (!*label->name || !(label->confidence >= 0 && label->confidence <= 100))
            return lie(r);
        out->count++;
    }
    return 0;
}

/* The JPEG for a labeling service; a model server always gets one. */
static int label_image_read(struct reply_reader *r, struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    enum labeler_kind kind = labels->given ? labels->settings.kind : LABELER_BUILTIN;
    uint32_t present = wire_take_u32(&r->wire, kind == LABELER_BUILTIN ? 0 : 1);
    if (kind == LABELER_SERVER && !present)
        return lie(r);
    return present ? rendition_read(r, item, &labels->image, &item->label_image) : 0;
}

static int sidecar_name(struct reply_reader *r, struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    struct key_values values = {
        .ext = "json", .width = item->facts.width, .height = item->facts.height};
    if (!labels->given)
        return 0;
    item->write_tags = labels->tags;
    if (!labels->sidecar)
        return 0;
    if (item->facts.orientation >= 5) {
        values.width = item->facts.height;
        values.height = item->facts.width;
    }
    return name_make(item, labels->sidecar, labels->bucket, &values, r->source,
                     &item->sidecar_bucket, &item->sidecar_key);
}

static int item_read(struct reply_reader *r, struct render_item *item)
{
    int failure;
    WIRE_TAKE(&r->wire, failure);
    int code = facts_read(r, failure != 0, &item->facts);
    if (code)
        return code;
    if (failure)
        return error_read(r, failure, &item->error);
    code = renditions_read(r, item);
    if (code)
        return code;
    code = labels_read(r, &item->pipeline->labels, &item->labels);
    if (code)
        return code;
    code = label_image_read(r, item);
    if (code)
        return code;
    return sidecar_name(r, item);
}

int decoder_reply_read(struct slice reply, uint64_t most, const struct render_source *source,
                       struct render_item *const *items, size_t count)
{
    struct reply_reader r = {.wire = {.left = reply}, .left = most, .source = source};
    for (size_t i = 0; i < count; i++) {
        int code = item_read(&r, items[i]);
        if (code)
            return code;
    }
    return r.wire.broken || r.wire.left.size ? ERR_PROTOCOL : 0;
}
