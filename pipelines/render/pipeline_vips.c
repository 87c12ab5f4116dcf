/* The entry points of this module. */
#include "image_save.h"
#include "manifest.h"
#include "overlay_load.h"
#include "overlay_objects.h"
#include "pipeline_file.h"
#include "pipelines.h"
#include "render.h"
#include "schema.h"
#include "vips_start.h"

int pipeline_schema_print(FILE *stream)
{
    return schema_print(stream);
}

int pipelines_load(const char *path, struct pipeline **out, struct problem_list *problems)
{
    int code = pipeline_load_all(path, image_save_supports, out, problems);
    if (code)
        return code;
    code = overlays_load(*out, problems);
    if (code) {
        pipeline_release(*out);
        *out = NULL;
    }
    return code;
}

int pipeline_load(const char *path, struct pipeline **out, struct error *error)
{
    struct problem_list problems = {.items = NULL};
    int code = pipelines_load(path, out, &problems);
    return pipeline_first_problem(&problems, code, error);
}

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

void pipelines_render_images(const struct render_source *source,
                             const struct pipeline_limits *limits, struct render_item *items,
                             size_t count)
{
    render(source, limits, items, count);
}

static void render_all(const struct render_source *source, const struct pipeline_limits *limits,
                       struct render_item *items, size_t count)
{
    render(source, limits, items, count);
    for (size_t i = 0; i < count; i++)
        manifests_add(source, &items[i]);
}

const struct pipeline_ops vips_pipeline_ops = {
    .load = pipelines_load,
    .retain = pipeline_retain,
    .release = pipeline_release,
    .facts = facts_of,
    .output = pipeline_output,
    .with_pictures = overlay_objects_fill,
    .output_key = pipeline_output_key,
    .matches = pipeline_matches,
    .check_loop = pipeline_check_loop,
    .render = render_all,
    .thread_end = pipelines_thread_end,
};
