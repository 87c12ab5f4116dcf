/*
 * From a file to a struct pipeline: read, parse, fill by the schema, then check what one key alone
 * can't show. The checks work on the filled struct and go back to the tree only for the place to
 * name.
 */
#include "pipeline_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_save.h"
#include "schema.h"
#include "yaml_reader.h"

static int read_file(const char *path, struct buffer *out, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                         strerror(errno));
    buffer_init(out, PIPELINE_FILE_MAX + 1);
    int code = buffer_reserve(out, PIPELINE_FILE_MAX + 1);
    if (code)
        error_set(error, code, "%s: not enough memory to read it", path);
    else
        out->size = fread(out->data, 1, PIPELINE_FILE_MAX + 1, file);
    if (!code && ferror(file))
        code = error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    if (!code && out->size > PIPELINE_FILE_MAX)
        code = error_set(error, ERR_LIMIT, "%s: larger than %d bytes, too much for a pipeline file",
                         path, PIPELINE_FILE_MAX);
    fclose(file);
    return code;
}

static const struct yaml_node *child_of(const struct yaml_node *node, const char *name)
{
    const struct yaml_node *child = node->children;
    while (child && strcmp(child->name, name) != 0)
        child = child->next;
    return child ? child : node;
}

/* Names the place of a key that is there, or of the map where it is missing. */
static int fail_key(struct schema_reader *r, const struct yaml_node *map, const char *name,
                    const char *text)
{
    return schema_fail(r, child_of(map, name)->place, name, "%s", text);
}

static int check_size(struct schema_reader *r, const struct output_config *output,
                      const struct yaml_node *node)
{
    bool boxed = output->width && output->height;
    if (output->scale > 0 && (output->width || output->height))
        return fail_key(r, node, "scale",
                        "can't be combined with width and height: use one or the other");
    if (output->scale > 1 && !output->enlarge)
        return fail_key(r, node, "scale", "above 1 needs enlarge: true");
    if (output->fit == FIT_COVER && !boxed)
        return fail_key(r, node, "fit", "cover needs width and height");
    if (output->fit == FIT_CONTAIN && !boxed)
        return fail_key(r, node, "fit", "contain needs width and height");
    if (output->fit == FIT_FILL && !output->width && !output->height)
        return fail_key(r, node, "fit", "fill needs width, height or both");
    return 0;
}

static int check_format(struct schema_reader *r, const struct output_config *output,
                        const struct yaml_node *node)
{
    bool moves = output->format == FORMAT_KEEP || output->format == FORMAT_GIF ||
                 output->format == FORMAT_WEBP;
    if (output->frames == FRAMES_ALL && !moves)
        return fail_key(r, node, "frames", "all needs a format with animations: keep, gif or webp");
    if (!image_save_supports((enum image_format)output->format))
        return fail_key(r, node, "format",
                        "this machine's libvips can't write it; install its encoder (for avif, "
                        "libheif with libaom) or choose another format");
    return 0;
}

static bool is_same_place(const struct output_config *a, const struct output_config *b)
{
    bool same_bucket =
        a->bucket && b->bucket ? strcmp(a->bucket, b->bucket) == 0 : a->bucket == b->bucket;
    return same_bucket && strcmp(a->key, b->key) == 0;
}

static int check_output(struct schema_reader *r, const struct pipeline *pipeline, size_t index,
                        const struct yaml_node *node)
{
    const struct output_config *outputs = pipeline->outputs.entries;
    snprintf(r->path, sizeof r->path, "outputs[%zu].", index);
    int code = check_size(r, &outputs[index], node);
    if (!code)
        code = check_format(r, &outputs[index], node);
    for (size_t i = 0; !code && i < index; i++) {
        if (is_same_place(&outputs[i], &outputs[index]))
            code = fail_key(r, node, "key", "another output of this pipeline has the same key");
    }
    r->path[0] = '\0';
    return code;
}

static int check_pipeline(struct schema_reader *r, const struct pipeline *pipeline,
                          const struct yaml_node *root)
{
    const struct labels_config *labels = &pipeline->labels;
    if (!pipeline->outputs.count && !labels->given)
        return fail_key(r, root, "outputs", "a pipeline needs outputs, labels, or both");
    if (labels->given && !labels->tags && !labels->sidecar)
        return fail_key(r, root, "labels", "needs tags: true or a sidecar, else nobody sees them");
    const struct yaml_node *node = child_of(root, "outputs")->children;
    for (size_t i = 0; i < pipeline->outputs.count; i++, node = node->next) {
        int code = check_output(r, pipeline, i, node);
        if (code)
            return code;
    }
    return 0;
}

static void set_facts(struct pipeline *pipeline)
{
    pipeline->facts = (struct pipeline_facts){
        .name = pipeline->name,
        .file = pipeline->file,
        .queue = pipeline->queue,
        .weight = (unsigned)pipeline->weight,
        .visibility_s = (unsigned)pipeline->visibility_s,
        .output_count = pipeline->outputs.count,
        .labels = pipeline->labels.given,
        .labeler = pipeline->labels.labeler,
    };
}

static int fill(struct pipeline *pipeline, struct slice text, struct error *error)
{
    struct schema_reader r = {.file = pipeline->file, .error = error};
    struct yaml_node *root = NULL;
    int code = yaml_read(text, pipeline->file, &root, error);
    if (!code)
        code = schema_read(&r, &schema_pipeline, root, pipeline);
    if (!code)
        code = check_pipeline(&r, pipeline, root);
    yaml_free(root);
    return code;
}

static struct pipeline *pipeline_new(const char *file, struct slice text)
{
    static atomic_uint_fast64_t last_id;
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return NULL;
    atomic_init(&pipeline->users, 1);
    pipeline->id = atomic_fetch_add(&last_id, 1) + 1;
    pipeline->file = strdup(file);
    pipeline->text = bytes_give(slice_dup(text), text.size);
    if (pipeline->file && pipeline->text.data)
        return pipeline;
    pipeline_release(pipeline);
    return NULL;
}

int pipeline_parse(const char *file, struct slice text, struct pipeline **out, struct error *error)
{
    struct pipeline *pipeline = pipeline_new(file, text);
    if (!pipeline)
        return error_set(error, ERR_MEMORY, "%s: not enough memory to read it", file);
    int code = fill(pipeline, text, error);
    if (code) {
        pipeline_release(pipeline);
        return code;
    }
    set_facts(pipeline);
    *out = pipeline;
    return 0;
}

int pipeline_load(const char *path, struct pipeline **out, struct error *error)
{
    struct error unwanted;
    struct buffer text = {0};
    if (!error)
        error = &unwanted;
    int code = read_file(path, &text, error);
    if (!code)
        code = pipeline_parse(path, buffer_slice(&text), out, error);
    buffer_free(&text);
    return code;
}

struct pipeline *pipeline_retain(struct pipeline *pipeline)
{
    atomic_fetch_add(&pipeline->users, 1);
    return pipeline;
}

void pipeline_release(struct pipeline *pipeline)
{
    if (!pipeline || atomic_fetch_sub(&pipeline->users, 1) != 1)
        return;
    schema_clear(&schema_pipeline, pipeline);
    bytes_free(&pipeline->text);
    free(pipeline->file);
    free(pipeline);
}

struct pipeline_output pipeline_output(const struct pipeline *pipeline, size_t index)
{
    const struct labels_config *labels = &pipeline->labels;
    if (index < pipeline->outputs.count) {
        const struct output_config *output = &pipeline->outputs.entries[index];
        return (struct pipeline_output){output->bucket, output->key};
    }
    return (struct pipeline_output){labels->bucket, labels->given ? labels->sidecar : NULL};
}
