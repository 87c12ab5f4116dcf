#include "output_variants.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "key_template.h"
#include "operation_keys.h"
#include "yaml_reader.h"

static bool has_part(const char *template, enum key_part part)
{
    struct key_piece piece;
    while (key_template_next(&template, &piece)) {
        if (piece.part == part)
            return true;
    }
    return false;
}

static double largest(const struct config_numbers *numbers)
{
    double most = 0;
    for (size_t i = 0; i < numbers->count; i++)
        most = fmax(most, numbers->entries[i]);
    return most;
}

static void check_widths(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    if (!has_part(output->key, KEY_WIDTH))
        schema_fail_key(r, node, "key",
                        "needs {width} with widths, or the outputs would have one key");
    if (output->scale > 0)
        schema_fail_key(r, node, "widths", "can't be combined with scale: use one or the other");
    if (output->dprs.count)
        schema_fail_key(r, node, "widths", "can't be combined with dpr: use one or the other");
    if (!output->width != !output->height)
        schema_fail_key(r, node, "widths",
                        "needs width and height, for the aspect ratio, or neither");
    if (output->width && output->height &&
        largest(&output->widths) * output->height / output->width > PIPELINE_SIDE_MAX)
        schema_fail_key(r, node, "widths",
                        "the height of the largest one would be more than 16384 pixels");
}

/* What is in pixels, and its largest value. */
static void check_pixels(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    const struct operations_config *o = &output->operations;
    const struct pad_config *pad = &o->pad;
    const double most = largest(&output->dprs);
    const struct {
        const char *key;
        double value, most;
    } pixels[] = {
        {"pad", fmax(fmax(pad->top, pad->bottom), fmax(pad->left, pad->right)), OPERATION_PAD_MAX},
        {"round", o->round, OPERATION_ROUND_MAX},
        {"blur", o->blur, OPERATION_BLUR_MAX},
        {"sharpen", o->sharpen, OPERATION_SHARPEN_MAX},
        {"overlay", fmax(o->overlay.x, o->overlay.y), OPERATION_PAD_MAX},
        {"overlay", o->overlay.text ? (double)strlen(o->overlay.text) * o->overlay.size : 0,
         OVERLAY_TEXT_WIDTH_MAX},
    };
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        if (most * pixels[i].value > pixels[i].most)
            schema_fail_key(r, node, pixels[i].key, "is too large for the largest dpr");
    }
}

static void check_dprs(struct schema_reader *r, const struct output_config *output,
                       const struct yaml_node *node)
{
    int longest = output->width > output->height ? output->width : output->height;
    if (!longest)
        schema_fail_key(r, node, "dpr", "needs width, height, or both");
    else if (!has_part(output->key, output->width ? KEY_WIDTH : KEY_HEIGHT))
        schema_fail_key(r, node, "key",
                        "needs {width} with dpr, or {height} if only the height is given");
    if (largest(&output->dprs) * longest > PIPELINE_SIDE_MAX)
        schema_fail_key(r, node, "dpr",
                        "the largest one would have more than 16384 pixels on a side");
    check_pixels(r, output, node);
}

static bool is_given_as_metadata(const struct output_config *output, const char *name)
{
    for (size_t i = 0; i < output->metadata.count; i++) {
        if (strcasecmp(output->metadata.entries[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_placeholder(struct schema_reader *r, const struct output_config *output,
                              const struct yaml_node *node)
{
    static const char *const names[] = {"thumbhash", "blurhash", "colour"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (output->placeholder & 1 << i && is_given_as_metadata(output, names[i]))
            schema_fail_key(r, node, "metadata",
                            "has a name that placeholder sets: remove it here or there");
    }
}

static void check_manifest(struct schema_reader *r, const struct output_config *output,
                           const struct yaml_node *node)
{
    if (output->manifest_url && !output->manifest)
        schema_fail_key(r, node, "manifest_url",
                        "is for the URLs in a manifest: set manifest, too");
    if (!output->manifest)
        return;
    if (has_part(output->manifest, KEY_WIDTH) || has_part(output->manifest, KEY_HEIGHT))
        schema_fail_key(r, node, "manifest",
                        "can't have {width} or {height}: it lists outputs of all sizes");
    if (strcmp(output->manifest, output->key) == 0)
        schema_fail_key(r, node, "manifest", "must differ from key");
}

void output_variants_check(struct schema_reader *r, const struct output_config *output,
                           const struct yaml_node *node)
{
    if (output->widths.count)
        check_widths(r, output, node);
    else if (output->dprs.count)
        check_dprs(r, output, node);
    check_placeholder(r, output, node);
    check_manifest(r, output, node);
}

size_t output_variants(const void *filled)
{
    const struct output_config *output = filled;
    size_t count = output->widths.count + output->dprs.count;
    return count ? count : 1;
}

static int scaled(int side, double factor)
{
    int pixels = (int)lround(side * factor);
    return side && !pixels ? 1 : pixels;
}

/* What is in pixels of the output, so that all variants look alike. */
static void operations_scale(struct operations_config *o, double factor)
{
    int *const pixels[] = {&o->pad.top, &o->pad.right, &o->pad.bottom, &o->pad.left,
                           &o->round,   &o->overlay.x, &o->overlay.y};
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++)
        *pixels[i] = scaled(*pixels[i], factor);
    o->blur *= factor;
    o->sharpen *= factor;
    if (o->overlay.text)
        o->overlay.size = scaled(o->overlay.size, factor);
    else
        o->overlay.enlarged = factor;
}

void output_vary(void *filled, size_t entry, size_t variant)
{
    struct output_config *output = filled;
    output->entry = entry;
    output->variant = variant;
    if (variant < output->widths.count) {
        double width = output->widths.entries[variant];
        if (output->width)
            output->height = scaled(output->height, width / output->width);
        output->width = (int)width;
    } else if (variant < output->dprs.count) {
        output->dpr = output->dprs.entries[variant];
        output->width = scaled(output->width, output->dpr);
        output->height = scaled(output->height, output->dpr);
        operations_scale(&output->operations, output->dpr);
    }
}
