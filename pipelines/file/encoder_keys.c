#include "encoder_keys.h"

#include <string.h>

#define BIT(format) (1u << (format))

/* Each key with the formats whose encoders have it. keep is not checked: the source decides, and a
 * format without the key ignores it. */
static const struct {
    const char *name, *names;
    unsigned formats;
} owners[] = {
    {"chroma", "jpeg, webp, avif and heic",
     BIT(FORMAT_JPEG) | BIT(FORMAT_WEBP) | BIT(FORMAT_AVIF) | BIT(FORMAT_HEIF)},
    {"lossless",
     "webp and jxl (png, gif and tiff always are; the encoders of avif and heic never are)",
     BIT(FORMAT_WEBP) | BIT(FORMAT_JXL)},
    {"near_lossless", "webp", BIT(FORMAT_WEBP)},
    {"palette", "png (gif always has one)", BIT(FORMAT_PNG)},
    {"colours", "png with palette: true, and gif", BIT(FORMAT_PNG) | BIT(FORMAT_GIF)},
    {"compression", "tiff", BIT(FORMAT_TIFF)},
};

static const struct yaml_node *find(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *child = map->children;
    while (child && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}

static void fail_key(struct schema_reader *r, const struct yaml_node *node, const char *name,
                     const char *text)
{
    const struct yaml_node *child = find(node, name);
    schema_fail(r, (child ? child : node)->place, name, "%s", text);
}

static void check_owners(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        const struct yaml_node *child = find(node, owners[i].name);
        if (child && output->format != FORMAT_KEEP && !(owners[i].formats & BIT(output->format)))
            schema_fail(r, child->place, owners[i].name, "is for %s; the format is %s",
                        owners[i].names,
                        image_format_facts((enum image_format)output->format)->name);
    }
}

static void check_combinations(struct schema_reader *r, const struct output_config *output,
                               const struct yaml_node *node)
{
    if (output->format == FORMAT_WEBP && output->chroma == CHROMA_444)
        fail_key(r, node, "chroma",
                 "webp has 4:2:0 only; for 4:4:4, set lossless: true or choose another format");
    if (output->lossless && find(node, "near_lossless"))
        fail_key(r, node, "near_lossless", "can't be combined with lossless: use one or the other");
    if (output->lossless && find(node, "quality"))
        fail_key(r, node, "quality", "can't be combined with lossless, which has no quality");
    if (find(node, "colours") && output->format == FORMAT_PNG && !output->palette)
        fail_key(r, node, "colours", "needs palette: true with png");
}

/* strip: false keeps everything, and keep names what is kept. */
static void settle_metadata(struct schema_reader *r, struct output_config *output,
                            const struct yaml_node *node)
{
    if (output->keep && find(node, "strip"))
        fail_key(r, node, "keep",
                 "can't be combined with strip: keep names what is kept, and all else is stripped");
    if (!output->keep && !output->strip)
        output->keep = KEEP_ALL;
    output->strip = output->keep == 0;
}

static bool can_move(enum image_format format)
{
    return format == FORMAT_KEEP || image_format_facts(format)->moves;
}

static void check_format(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    enum image_format format = (enum image_format)output->format;
    if (output->frames == FRAMES_ALL && !can_move(format))
        fail_key(r, node, "frames",
                 format == FORMAT_AVIF
                     ? "all needs keep, gif or webp: Debian's libheif can't write animated avif"
                     : "all needs a format with animations: keep, gif or webp");
    if (r->can_write && !r->can_write(format))
        fail_key(r, node, "format",
                 "this machine's libvips can't write it; install its encoder (for avif and heic, "
                 "libheif with libaom and x265; for jxl, libjxl) or choose another format");
}

void encoder_keys_check(struct schema_reader *r, struct output_config *output,
                        const struct yaml_node *node)
{
    settle_metadata(r, output, node);
    check_format(r, output, node);
    check_owners(r, output, node);
    check_combinations(r, output, node);
}
