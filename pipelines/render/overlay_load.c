#include "overlay_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "image_load.h"
#include "image_ops.h"
#include "image_text.h"
#include "overlay_pictures.h"
#include "vips_start.h"

struct overlay_loading {
    struct pipeline *pipeline;
    struct problem_list *problems;
};

static int fail(const struct overlay_loading *l, const struct overlay_config *overlay,
                const struct error *error)
{
    const struct output_config *output = l->pipeline->outputs.entries;
    char key[64];
    while (&output->operations.overlay != overlay)
        output++;
    snprintf(key, sizeof key, "outputs[%zu].overlay.%s", output->entry,
             overlay->file ? "file" : "text");
    const struct problem_place place = {l->pipeline->file, overlay->place.line,
                                        overlay->place.column, key};
    return problem_add(l->problems, &place, error->code, "%s", error->text);
}

/* A relative path is relative to the pipeline file. For free(). */
static char *path_of(const char *pipeline, const char *file)
{
    const char *slash = strrchr(pipeline, '/');
    if (*file == '/' || !slash)
        return strdup(file);
    char *directory = strndup(pipeline, (size_t)(slash - pipeline) + 1);
    char *path = directory ? path_join(directory, file) : NULL;
    free(directory);
    return path;
}

/* Decodes it once, so that a damaged file is found before a photo is rejected for it. */
static int decode(const struct image_source *source, struct error *error)
{
    VipsImage *image = NULL;
    struct resample_extent extent;
    int code = image_open(source, 1, &extent, &image);
    if (!code)
        code = image_read(image);
    g_clear_object(&image);
    return code ? image_fail_corrupt(source, error) : 0;
}

static int check(const struct bytes *picture, struct error *error)
{
    struct image_source source;
    int code = pipelines_start("thumbwheel", error);
    if (code)
        return code;
    code = image_probe((struct slice){picture->data, picture->size}, &image_limits_default, &source,
                       NULL, error);
    if (code)
        return code;
    if (source.facts.width <= OVERLAY_SIDE_MAX && source.facts.height <= OVERLAY_SIDE_MAX)
        return decode(&source, error);
    return error_set(error, ERR_LIMIT, "the image has %u × %u pixels; the limit is %d × %d",
                     source.facts.width, source.facts.height, OVERLAY_SIDE_MAX, OVERLAY_SIDE_MAX);
}

static int read_file(const struct overlay_loading *l, const struct overlay_config *overlay,
                     struct bytes *out, struct error *error)
{
    char *path = path_of(l->pipeline->file, overlay->file);
    int code = path ? file_read(path, OVERLAY_PICTURE_MAX, out, error)
                    : error_set(error, ERR_MEMORY, "not enough memory for a path");
    free(path);
    if (code)
        return code;
    code = check(out, error);
    if (code)
        bytes_free(out);
    return code;
}

static int load_one(const struct overlay_config *overlay, void *user, struct bytes *out)
{
    const struct overlay_loading *l = user;
    struct error error = {0};
    if (overlay->object) /* fetched when the first photo needs it */
        return 0;
    int code =
        overlay->file ? read_file(l, overlay, out, &error) : image_text_draw(overlay, out, &error);
    return code ? fail(l, overlay, &error) : 0;
}

int overlays_load(struct pipeline *pipeline, struct problem_list *problems)
{
    struct overlay_loading loading = {pipeline, problems};
    const struct problem_place place = {.file = pipeline->file};
    size_t before = problems->errors;
    int code = overlay_pictures_fill(pipeline, load_one, &loading);
    if (code && problems->errors == before)
        return problem_add(problems, &place, code, "the pictures of all overlays exceed %d bytes",
                           OVERLAY_PICTURES_MAX);
    return code;
}
