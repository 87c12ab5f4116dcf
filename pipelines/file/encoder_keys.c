#include "encoder_keys.h"
#include "yaml_reader.h"

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

/* The formats that an output may get; keep: none is known. */
static unsigned formats_of(const struct output_config *output)
{
    if (output->format == FORMAT_KEEP)
        return 0;
    return output->format == FORMAT_AUTO ? (unsigned)output->candidates : BIT(output->format);
}

static void check_owners(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        const struct yaml_node *child = yaml_child(node, owners[i].name);
        unsigned formats = formats_of(output);
        if (child && formats && !(owners[i].formats & formats))
            schema_fail(r, child->place, owners[i].name, "is for %s; the format is %s",
                        owners[i].names,
                        image_format_facts((enum image_format)output->format)->name);
    }
}

static void check_combinations(struct schema_reader *r, const struct output_config *output,
                               const struct yaml_node *node)
{
    if (output->format == FORMAT_WEBP && output->chroma == CHROMA_444)
        schema_fail_key(
            r, node, "chroma",
            "webp has 4:2:0 only; for 4:4:4, set lossless: true or choose another format");
    if (output->format == FORMAT_AUTO && output->keep & KEEP_ICC)
        schema_fail_key(r, node, "keep",
                        "can't have icc with format: auto, which converts to sRGB");
    if (output->lossless && yaml_child(node, "near_lossless"))
        schema_fail_key(r, node, "near_lossless",
                        "can't be combined with lossless: use one or the other");
    if (output->lossless && yaml_child(node, "quality"))
        schema_fail_key(r, node, "quality",
                        "can't be combined with lossless, which has no quality");
    if (yaml_child(node, "colours") && output->format == FORMAT_PNG && !output->palette)
        schema_fail_key(r, node, "colours", "needs palette: true with png");
}

/* The choices of formats in the schema, as formats. */
static void settle_candidates(struct schema_reader *r, struct output_config *output,
                              const struct yaml_node *node)
{
    static const enum image_format of[] = {FORMAT_JPEG, FORMAT_PNG,  FORMAT_WEBP,
                                           FORMAT_AVIF, FORMAT_HEIF, FORMAT_JXL};
    unsigned formats = 0;
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        formats |= output->candidates & 1 << i ? BIT(of[i]) : 0;
    if (output->candidates && output->format != FORMAT_AUTO)
        schema_fail_key(r, node, "formats", "is for format: auto");
    if (output->format == FORMAT_AUTO && !formats)
        formats = BIT(FORMAT_AVIF) | BIT(FORMAT_WEBP) | BIT(FORMAT_JPEG);
    output->candidates = (int)formats;
}

static bool have_quality(unsigned formats)
{
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        if (formats & BIT(format) && !image_format_facts(format)->quality)
            return false;
    }
    return true;
}

static void check_target(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    unsigned formats = formats_of(output);
    bool seeks = output->target == TARGET_SSIM;
    if (seeks && !have_quality(formats))
        schema_fail_key(r, node, "target",
                        "ssim needs formats with a quality: jpeg, webp, avif, heic or jxl");
    if (seeks && output->frames == FRAMES_ALL)
        schema_fail_key(r, node, "target", "ssim can't be combined with frames: all");
    if (yaml_child(node, "ssim") && !seeks)
        schema_fail_key(r, node, "ssim", "needs target: ssim");
}

static void check_search(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    bool searches = output->max_bytes || output->target == TARGET_SSIM;
    if (output->max_bytes && output->format != FORMAT_AUTO && !have_quality(formats_of(output)))
        schema_fail_key(r, node, "max_bytes",
                        "needs a format with a quality: jpeg, webp, avif, heic or jxl");
    if (searches && (output->lossless || output->near_lossless >= 0))
        schema_fail_key(r, node, output->lossless ? "lossless" : "near_lossless",
                        "has no quality that max_bytes or target could lower");
    if (yaml_child(node, "min_quality") && !searches)
        schema_fail_key(r, node, "min_quality", "needs max_bytes or target: ssim");
    if (searches && output->quality && output->quality < output->min_quality)
        schema_fail_key(r, node, "min_quality", "must not be above quality");
}

/* strip: false keeps everything, and keep names what is kept. */
static void settle_metadata(struct schema_reader *r, struct output_config *output,
                            const struct yaml_node *node)
{
    if (output->keep && yaml_child(node, "strip"))
        schema_fail_key(
            r, node, "keep",
            "can't be combined with strip: keep names what is kept, and all else is stripped");
    if (!output->keep && !output->strip)
        output->keep = KEEP_ALL;
    output->strip = output->keep == 0;
}

static bool can_move(enum image_format format)
{
    return format == FORMAT_KEEP || image_format_facts(format)->moves;
}

static bool can_write(const struct schema_reader *r, const struct output_config *output)
{
    if (output->format != FORMAT_AUTO)
        return r->can_write((enum image_format)output->format);
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        if (output->candidates & (int)BIT(format) && !r->can_write(format))
            return false;
    }
    return true;
}

static void check_format(struct schema_reader *r, const struct output_config *output,
                         const struct yaml_node *node)
{
    enum image_format format = (enum image_format)output->format;
    if (output->frames == FRAMES_ALL && !can_move(format))
        schema_fail_key(
            r, node, "frames",
            format == FORMAT_AVIF
                ? "all needs keep, gif or webp: Debian's libheif can't write animated avif"
                : "all needs a format with animations: keep, gif or webp");
    if (r->can_write && !can_write(r, output))
        schema_fail_key(
            r, node, "format",
            "this machine's libvips can't write it; install its encoder (for avif and heic, "
            "libheif with libaom and x265; for jxl, libjxl) or choose another format");
}

void encoder_keys_check(struct schema_reader *r, struct output_config *output,
                        const struct yaml_node *node)
{
    settle_metadata(r, output, node);
    settle_candidates(r, output, node);
    check_format(r, output, node);
    check_owners(r, output, node);
    check_combinations(r, output, node);
    check_target(r, output, node);
    check_search(r, output, node);
}
