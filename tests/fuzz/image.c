/*
 * The content of an object: any bytes are an image or refused with a reason, from the header alone.
 * A small enough image is rendered and labelled, and its renditions are images of the stated size.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "fuzz.h"
#include "image_load.h"
#include "input_formats.h"
#include "pipelines.h"
#include "vips_modules.h"
#include "vips_start.h"

enum { PIXELS_MAX = 128 * 128, FRAMES_MAX = 4 };

static const char *const files[] = {
    "name: small\nqueue: q\noutputs:\n"
    "  - {key: \"a/{name}\", width: 16, format: jpeg}\n"
    "  - {key: \"b/{name}\", width: 9, height: 7, fit: cover, crop: attention, format: png}\n",
    "name: kept\nqueue: q\noutputs:\n  - {key: \"c/{name}\", scale: 0.5, frames: all}\n",
    "name: pages\nqueue: q\noutputs:\n"
    "  - {key: \"e/{name}\", page: 2, width: 16}\n"
    "  - {key: \"f/{name}\", page: 1, trim: 10, width: 16}\n",
    "name: tags\nqueue: q\nlabels: {tags: true, sidecar: \"d/{name}.json\"}\n",
};
enum { PIPELINES = sizeof files / sizeof files[0] };

static struct pipeline *pipelines[PIPELINES];
static unsigned formats; /* all */

static struct pipeline *load(const char *text)
{
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    char path[64];
    int file = memfd_create("pipeline", MFD_CLOEXEC);
    require(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int code = pipeline_load(path, &pipeline, &error);
    close(file);
    return code ? NULL : pipeline;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;
    (void)argc;
    fuzz_quiet();
    require(!pipelines_start(**argv, &error));
    vips_magick_load();
    vips_drawings_prepare();
    vips_drawings_allow();
    require(!input_formats_parse("+jxl,+jp2,+bmp,+ico,+svg,+pdf", &formats, &error));
    for (size_t i = 0; i < PIPELINES; i++) {
        pipelines[i] = load(files[i]);
        require(pipelines[i]);
    }
    return 0;
}

static int probe(struct slice image, struct image_facts *facts, struct error *error)
{
    struct pipeline_limits limits = {.max_pixels = PIXELS_MAX, .formats = formats};
    struct image_source source;
    int code = image_probe(image, &limits, &source, NULL, error);
    *facts = source.facts;
    return code;
}

static void check_rendition(const struct rendition *rendition)
{
    struct image_facts facts;
    struct error error = {0};
    struct slice body = {rendition->body.data, rendition->body.size};
    require(*rendition->key && rendition->width && rendition->height);
    require(!probe(body, &facts, &error));
    require(facts.width == rendition->width && facts.height == rendition->height);
}

static void check_item(struct render_item *item)
{
    if (item->error.code)
        require(*item->error.text && !item->rendition_count);
    else
        require(item->rendition_count == vips_pipeline_ops.facts(item->pipeline)->output_count);
    for (size_t i = 0; i < item->rendition_count; i++)
        check_rendition(&item->renditions[i]);
    render_item_clear(item);
}

static void render(struct slice image)
{
    struct render_source source = {
        .bucket = "photos", .key = "ingest/photo.jpg", .etag = "etag", .image = image};
    struct pipeline_limits limits = {PIXELS_MAX, 1 << 20, FRAMES_MAX, formats};
    struct render_item items[PIPELINES] = {0};
    for (size_t i = 0; i < PIPELINES; i++)
        items[i].pipeline = pipelines[i];
    vips_pipeline_ops.render(&source, &limits, items, PIPELINES);
    for (size_t i = 0; i < PIPELINES; i++)
        check_item(&items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice image = {(const char *)data, size};
    struct image_facts facts;
    struct error error = {0};
    char *copy = fuzz_copy(image);
    image.data = copy;
    int code = probe(image, &facts, &error);
    if (code) {
        require(error.code == code && *error.text);
    } else {
        require(facts.width && facts.height && facts.bands && facts.frames && *facts.format);
        require(facts.orientation >= 1 && facts.orientation <= 8);
        render(image);
    }
    free(copy);
    return 0;
}
