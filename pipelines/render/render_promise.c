/*
 * The parts of the memory estimate, all of which exist at the peak:
 *
 *   decoder   what the codec itself needs: a few lines, or the whole picture
 *   decoded   the decoded picture at the shrink of the plan, if several stages read it
 *   stages    every stage as a whole, and a copy of the largest while it is rotated or converted
 *   encoder   the one that needs the most memory; outputs are encoded one after another
 *   outputs   the renditions: encoded, transferred, received
 *   effects   the lines that filters and a resize in light keep; masks and overlays
 *   frames    for an animation that is kept: all source frames and all result frames
 *
 * Pages are rendered one after another: of these parts, the largest counts, except for the outputs,
 * which stay.
 *
 * The factors below are measured bytes per pixel (bench/promise.c repeats the measurement), rounded
 * up.
 */
#include "render_promise.h"

#include "image_overlay.h"
#include "image_save.h"
#include "quality_search.h"

enum {
    BASE = 4 * 1024 * 1024, /* tables and lines, independent of the size of the picture */
    LIGHT_LINES = 640,
    LINES = 64, /* number of lines in the decoder and the resampler */
    HANDS = 3,  /* copies of an output: in the encoder, the memfd and the engine */
    RGBA = 4,
    PAGE = 256 * 1024, /* the open header of a page that waits */
};

/* Bytes per pixel that a codec needs for the whole picture. */
struct hunger {
    unsigned decode; /* at full size, regardless of shrink-on-load */
    unsigned shrunk; /* at the size that it is decoded to */
    unsigned encode;
    unsigned output; /* of the encoded data, at most; of lossy formats: lossy_output */
};

static const struct hunger hungers[] = {
    [FORMAT_KEEP] = {0, 0, 0, 0},  [FORMAT_JPEG] = {0, 0, 6, 0},   [FORMAT_PNG] = {0, 0, 4, 4},
    [FORMAT_WEBP] = {4, 8, 16, 0}, [FORMAT_AVIF] = {12, 0, 48, 0}, [FORMAT_TIFF] = {0, 0, 8, 4},
    [FORMAT_GIF] = {8, 0, 40, 2},  [FORMAT_HEIF] = {12, 0, 48, 0}, [FORMAT_JXL] = {24, 0, 60, 0},
    [FORMAT_JP2] = {16, 0, 0, 0},  [FORMAT_BMP] = {20, 0, 0, 0},   [FORMAT_ICO] = {20, 0, 0, 0},
    [FORMAT_SVG] = {0, 12, 0, 0},  [FORMAT_PDF] = {0, 12, 0, 0},
};

static uint64_t pixels(struct plan_size size)
{
    return (uint64_t)size.width * size.height;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct plan_size stored(const struct image_source *image)
{
    return (struct plan_size){image->facts.width, image->facts.height};
}

static unsigned pixel_bytes(const struct image_source *image)
{
    return image->facts.bands * image->sample_bytes;
}

/* Codecs that cannot decode line by line: a progressive JPEG needs 16-bit coefficients of all its
 * pixels; an interlaced PNG and a TIFF, whose strips may be as high as the picture, need all
 * pixels. */
static uint64_t whole_bytes(const struct image_source *image)
{
    uint64_t area = pixels(stored(image));
    if (image->format == FORMAT_JPEG)
        return !image->interlaced  ? 0
               : image->subsampled ? area * 3
                                   : area * image->facts.bands * 2;
    if (image->format == FORMAT_TIFF || image->interlaced)
        return area * pixel_bytes(image);
    return 0;
}

static uint64_t decoder_bytes(const struct image_source *image, struct plan_size decoded)
{
    const struct hunger *hunger = &hungers[image->format];
    bool late =
        image->page && image_format_facts(image->format)->moves; /* with the frame before it */
    return whole_bytes(image) + (late ? pixels(stored(image)) * RGBA : 0) +
           pixels(stored(image)) * hunger->decode * image->sample_bytes +
           pixels(decoded) * hunger->shrunk +
           (uint64_t)image->facts.width * pixel_bytes(image) * LINES;
}

static struct plan_size decoded_size(const struct render *r)
{
    unsigned shrink = render_shrink(r);
    struct plan_size size = stored(&r->image), drawn = render_drawn(r);
    if (drawn.width)
        return drawn;
    return (struct plan_size){(size.width + shrink - 1) / shrink,
                              (size.height + shrink - 1) / shrink};
}

static uint64_t stages_bytes(const struct render *r)
{
    uint64_t sum = 0, largest = 0;
    for (size_t i = 0; i < r->plan.count; i++) {
        const struct plan_stage *stage = &r->plan.stages[i];
        uint64_t bytes = pixels(stage->size) * larger(pixel_bytes(&r->image), 3);
        sum += bytes;
        largest = larger(largest, bytes);
    }
    bool changed = r->image.facts.orientation > 1 || r->image.foreign || r->image.deep;
    return changed ? sum + largest : sum;
}

static unsigned larger_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Encoded bytes per pixel of noise, which no photograph exceeds: at most 0.95 up to quality 85 with colours
 * in half resolution, 1.4 up to 97, 2.1 at 100; twice as many in full resolution. */
static unsigned lossy_output(enum image_format format, const struct output_config *config)
{
    struct output_config highest = *config;
    if (config->target == TARGET_SSIM && !config->quality)
        highest.quality = 100;
    const int quality = image_save_quality(format, &highest);
    const unsigned bytes = quality <= 85 ? 1 : quality <= 97 ? 2 : 3;
    return image_save_full_colour(format, &highest) ? 2 * bytes : bytes;
}

/* Other algorithms of the same format need more. */
static struct hunger hunger_of(enum image_format format, const struct output_config *config)
{
    struct hunger hunger = hungers[format];
    bool exact = config->lossless || config->near_lossless >= 0;
    if (exact && format == FORMAT_WEBP)
        hunger.encode = 48;
    if (config->lossless && format == FORMAT_JXL)
        hunger.encode = 76;
    if (config->palette && format == FORMAT_PNG)
        hunger.encode = 10;
    if (exact && (format == FORMAT_WEBP || format == FORMAT_JXL))
        hunger.output = RGBA;
    else if (hunger.output == 0)
        hunger.output = lossy_output(format, config);
    return hunger;
}

/* Of the formats that an output may get. */
static struct hunger most_of(const struct render_output *output)
{
    struct hunger most = {0};
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        if (!(output->candidates & 1u << format))
            continue;
        const struct hunger hunger = hunger_of(format, output->config);
        most.decode = larger_of(most.decode, hunger.decode);
        most.shrunk = larger_of(most.shrunk, hunger.shrunk);
        most.encode = larger_of(most.encode, hunger.encode);
        most.output = larger_of(most.output, hunger.output);
    }
    return most;
}

static unsigned frames_of(const struct render *r, const struct render_output *output)
{
    return output->animated ? r->image.facts.frames : 1;
}

static uint64_t outputs_bytes(const struct render *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->output_count; i++) {
        const struct render_output *output = &r->outputs[i];
        uint64_t area = pixels(output->canvas) * frames_of(r, output);
        unsigned deep = output->kind.native ? r->image.sample_bytes : 1;
        /* the best of a search, and the one that is compared with it */
        unsigned hands = quality_search_is_wanted(output->config) ? HANDS + 1 : HANDS;
        sum += area * most_of(output).output * deep * hands;
    }
    return sum;
}

static bool looks_around(const struct render_output *output)
{
    return output->config->fit == FIT_COVER && output->config->crop != CROP_CENTRE;
}

/* Each keeps lines as floating-point numbers, since they form a chain. */
static unsigned filters_of(const struct render_output *output)
{
    const struct operations_config *operations = &output->config->operations;
    const bool filters[] = {
        operations->blur > 0,      operations->sharpen > 0,
        operations->normalise,     operations->greyscale || operations->tint.given,
        operations->overlay.given, output->turn.angle > 0};
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        sum += filters[i];
    return sum;
}

static uint64_t overlay_bytes(const struct render_output *output)
{
    const struct overlay_config *overlay = &output->config->operations.overlay;
    return overlay->given ? image_overlay_pixels(overlay) * 2 * RGBA + pixels(output->canvas) * RGBA
                          : 0;
}

/* Lines of filters, the coverage of a mask, and the picture of an overlay. */
static uint64_t effects_bytes(const struct render_output *output)
{
    const struct operations_config *operations = &output->config->operations;
    bool masked = operations->round || operations->mask != MASK_NONE;
    uint64_t line = (uint64_t)output->canvas.width * RGBA * sizeof(float) * 2;
    return overlay_bytes(output) + (masked ? pixels(output->place.final) : 0) +
           line * ((uint64_t)LINES * filters_of(output) + 4 * (uint64_t)operations->blur);
}

/* Also for a crop that analyses the whole picture. */
static uint64_t encoder_bytes(const struct render *r)
{
    uint64_t most = 0;
    for (size_t i = 0; i < r->output_count; i++) {
        const struct render_output *output = &r->outputs[i];
        unsigned deep = output->kind.native ? r->image.sample_bytes : 1;
        struct hunger hunger = most_of(output);
        uint64_t bytes = pixels(output->canvas) * hunger.encode * deep;
        if (output->config->target == TARGET_SSIM) /* the decoded picture, and the luma of both */
            bytes += pixels(output->canvas) * (hunger.decode + hunger.shrunk + 2 * RGBA + 2);
        bytes += effects_bytes(output);
        if (looks_around(output))
            bytes += pixels(output->place.whole) * RGBA * 2;
        most = larger(most, bytes);
    }
    return most;
}

/* The source's frames in one strip, each processed frame, all of them joined, and the encoder's
 * memory. */
static uint64_t animation_bytes(const struct render *r)
{
    uint64_t most = 0;
    for (size_t i = 0; i < r->output_count; i++) {
        const struct render_output *output = &r->outputs[i];
        uint64_t each = pixels(r->image.upright) * RGBA + pixels(output->place.whole) * RGBA +
                        pixels(output->canvas) * 2 * RGBA;
        if (output->animated)
            most = larger(most, each * r->image.facts.frames);
    }
    return most;
}

/* A resize in light keeps lines of the source as floating-point numbers, and tables. */
static uint64_t light_bytes(const struct render *r)
{
    for (size_t i = 0; i < r->plan.count; i++) {
        if (r->plan.stages[i].kind.curve != 0)
            return (uint64_t)decoded_size(r).width * RGBA * sizeof(float) * LIGHT_LINES;
    }
    return 0;
}

/* While it is rendered, without its outputs. */
static uint64_t page_bytes(const struct render *r)
{
    struct plan_size decoded = decoded_size(r);
    uint64_t kept = r->roots > 1 ? pixels(decoded) * pixel_bytes(&r->image) : 0;
    return decoder_bytes(&r->image, decoded) + image_copied_bytes(&r->image, render_shrink(r)) +
           kept + stages_bytes(r) + encoder_bytes(r) + animation_bytes(r) + light_bytes(r);
}

uint64_t render_promise(const struct render *first)
{
    uint64_t most = 0, sum = BASE;
    for (const struct render *r = first; r; r = r->next) {
        if (r->failed)
            continue;
        most = larger(most, page_bytes(r));
        sum += outputs_bytes(r);
        if (r != first)
            sum += PAGE + image_copied_bytes(&r->image, 1);
    }
    return sum + most;
}
