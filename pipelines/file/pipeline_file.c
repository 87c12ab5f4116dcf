/*
 * Loads a file into a struct pipeline: reads, parses, fills the struct by the schema, then checks
 * rules that concern several keys. The checks use the struct, and the tree only for positions in
 * messages.
 */
#include "pipeline_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder_keys.h"
#include "key_ext.h"
#include "labeler_keys.h"
#include "manifest.h"
#include "operation_keys.h"
#include "output_variants.h"
#include "overlay_objects.h"
#include "overlay_pictures.h"
#include "schema.h"
#include "store_keys.h"
#include "yaml_reader.h"

static int read_file(const char *path, struct buffer *out, struct problem_list *problems)
{
    const struct problem_place place = {.file = path};
    FILE *file = fopen(path, "re");
    if (!file)
        return problem_add(problems, &place, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s",
                           strerror(errno));
    buffer_init(out, PIPELINE_FILE_MAX + 1);
    int code = buffer_reserve(out, PIPELINE_FILE_MAX + 1);
    if (code) {
        problems->out_of_memory = true;
        goto close;
    }
    out->size = fread(out->data, 1, PIPELINE_FILE_MAX + 1, file);
    if (ferror(file))
        code = problem_add(problems, &place, ERR_IO, "%s", strerror(errno));
    else if (out->size > PIPELINE_FILE_MAX)
        code =
            problem_add(problems, &place, ERR_LIMIT,
                        "larger than %d bytes, the limit for a pipeline file", PIPELINE_FILE_MAX);
close:
    fclose(file);
    return code;
}

static const struct yaml_node *child_of(const struct yaml_node *node, const char *name)
{
    const struct yaml_node *child = yaml_child(node, name);
    return child ? child : node;
}

static struct pipeline_place place_of(const struct yaml_node *map, const char *name)
{
    const struct yaml_place place = child_of(map, name)->place;
    return (struct pipeline_place){place.line, place.column};
}

/* The position of a key if it is present, else of the map that lacks it. */
static void fail_key(struct schema_reader *r, const struct yaml_node *map, const char *name,
                     const char *text)
{
    schema_fail(r, child_of(map, name)->place, name, "%s", text);
}

static void check_size(struct schema_reader *r, const struct output_config *output,
                       const struct yaml_node *node)
{
    bool boxed = output->width && output->height;
    if (output->scale > 0 && (output->width || output->height))
        fail_key(r, node, "scale", "can't be combined with width and height: use one or the other");
    if (output->scale > 1 && !output->enlarge)
        fail_key(r, node, "scale", "a value above 1 needs enlarge: true");
    if (output->fit == FIT_COVER && !boxed)
        fail_key(r, node, "fit", "cover needs width and height");
    if (output->fit == FIT_CONTAIN && !boxed)
        fail_key(r, node, "fit", "contain needs width and height");
    if (output->fit == FIT_FILL && !output->width && !output->height)
        fail_key(r, node, "fit", "fill needs width, height or both");
}

void pipeline_check_output(struct schema_reader *r, const struct yaml_node *node, void *filled)
{
    struct output_config *output = filled;
    output->place = place_of(node, "key");
    check_size(r, output, node);
    encoder_keys_check(r, output, node);
    output_variants_check(r, output, node);
    operation_keys_check(r, output, node);
    store_keys_check(r, output, node);
    store_keys_set(output);
}

void pipeline_check_labels(struct schema_reader *r, const struct yaml_node *node, void *filled)
{
    struct labels_config *labels = filled;
    labels->place = place_of(node, "sidecar");
    if (!labels->tags && !labels->sidecar)
        fail_key(r, node, "tags",
                 "must be true without a sidecar, or the labels are not stored anywhere");
    if (labels->rate > 0 && labels->labeler.name && strcmp(labels->labeler.name, "builtin") == 0)
        fail_key(r, node, "rate", "is for labeling services; the built-in labeler is not one");
    if (labels->hashes && !(labels->labeler.name && strcmp(labels->labeler.name, "builtin") == 0))
        fail_key(r, node, "hash", "is computed by the built-in labeler only");
    labeler_keys_set(labels);
}

void pipeline_check_server(struct schema_reader *r, const struct yaml_node *node, void *filled)
{
    struct labeler_config *server = filled;
    const char *flaw = labeler_url_flaw(server->url);
    server->place = place_of(node, server->token_env ? "token_env" : "token_file");
    if (flaw)
        fail_key(r, node, "url", flaw);
    if (server->token_env && server->token_file)
        fail_key(r, node, "token_file", "can't be combined with token_env: use one or the other");
}

/* One template with {ext} gives two formats two keys. */
static bool is_told_apart(const struct output_config *a, const struct output_config *b)
{
    const char *one = image_format_facts((enum image_format)a->format)->ext;
    const char *other = image_format_facts((enum image_format)b->format)->ext;
    return one && other && a->format != b->format && strstr(a->key, "{ext}");
}

static bool is_same_place(const struct output_config *a, const struct output_config *b)
{
    bool same_bucket =
        a->bucket && b->bucket ? strcmp(a->bucket, b->bucket) == 0 : a->bucket == b->bucket;
    return same_bucket && a->key && b->key && strcmp(a->key, b->key) == 0 && !is_told_apart(a, b);
}

static void check_same_keys(struct schema_reader *r, const struct pipeline *pipeline)
{
    const struct output_config *outputs = pipeline->outputs.entries;
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        size_t j = 0;
        while (j < i && !is_same_place(&outputs[i], &outputs[j]))
            j++;
        const struct yaml_place place = {outputs[i].place.line, outputs[i].place.column};
        snprintf(r->path, sizeof r->path, "outputs[%zu].", outputs[i].entry);
        if (j < i && outputs[i].variant == 0)
            schema_fail(r, place, "key", "another output of this pipeline has the same key");
    }
    r->path[0] = '\0';
}

static bool has_unknown_key(const struct yaml_node *root)
{
    for (const struct yaml_node *child = root->children; child; child = child->next) {
        const struct schema_key *key = schema_pipeline.keys;
        while (key->name && strcmp(key->name, child->name) != 0)
            key++;
        if (!key->name)
            return true;
    }
    return false;
}

/* Checks that concern several sections, made even if a section contains errors. */
static void check_pipeline(struct schema_reader *r, const struct pipeline *pipeline,
                           const struct yaml_node *root)
{
    bool empty = child_of(root, "outputs") == root && child_of(root, "labels") == root;
    if (empty && !has_unknown_key(root)) /* an unknown key may be one of the two, misspelt */
        fail_key(r, root, "outputs", "a pipeline needs outputs, labels, or both");
    check_same_keys(r, pipeline);
}

static bool has_focal(const struct output_list *outputs, enum focal_from from)
{
    for (size_t i = 0; i < outputs->count; i++) {
        const struct focal_config *focal = &outputs->entries[i].operations.focal;
        if (focal->given && focal->from == (int)from)
            return true;
    }
    return false;
}

static void set_facts(struct pipeline *pipeline, const struct yaml_node *root)
{
    pipeline->facts = (struct pipeline_facts){
        .name = pipeline->name,
        .file = pipeline->file,
        .queue = pipeline->queue,
        .weight = (unsigned)pipeline->weight,
        .visibility_s = (unsigned)pipeline->visibility_s,
        .match_bucket = pipeline->match.bucket,
        .match_prefixes = (const char *const *)pipeline->match.prefixes.entries,
        .match_prefix_count = pipeline->match.prefixes.count,
        .output_count = pipeline_sidecar_index(pipeline),
        .labels = pipeline->labels.given,
        .tags = pipeline->labels.given && pipeline->labels.tags,
        .named_focal = has_focal(&pipeline->outputs, FOCAL_METADATA),
        .tagged_focal = has_focal(&pipeline->outputs, FOCAL_TAGS),
        .labeler = pipeline->labels.given && pipeline->labels.settings.kind != LABELER_BUILTIN
                       ? &pipeline->labels.settings
                       : NULL,
        .notify = pipeline->notify.given ? &pipeline->notify.seam : NULL,
        .name_place = place_of(root, "name"),
        .queue_place = place_of(root, "queue"),
        .notify_place = pipeline->notify.place,
    };
}

static int fill(struct pipeline *pipeline, struct slice text, pipeline_can_write *can_write,
                struct problem_list *problems)
{
    struct schema_reader r = {.file = pipeline->file, .problems = problems, .can_write = can_write};
    struct yaml_node *root = NULL;
    size_t before = problems->errors;
    int code = yaml_read(text, pipeline->file, &root, problems);
    if (!code)
        code = schema_read(&r, &schema_pipeline, root, pipeline);
    if (root && root->kind == YAML_MAP && code != ERR_MEMORY)
        check_pipeline(&r, pipeline, root); /* reports more, whatever the schema found */
    if (code)
        goto out;
    if (problems->errors > before) {
        code = ERR_INVALID;
        goto out;
    }
    manifests_find(pipeline);
    set_facts(pipeline, root);
    code = overlay_objects_find(pipeline);
    if (code) {
        problems->out_of_memory = true;
        goto out;
    }
    key_ext_check(pipeline, problems);
out:
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

static int parse(const char *file, struct slice text, pipeline_can_write *can_write,
                 struct pipeline **out, struct problem_list *problems)
{
    struct pipeline *pipeline = pipeline_new(file, text);
    if (!pipeline) {
        problems->out_of_memory = true;
        return ERR_MEMORY;
    }
    int code = fill(pipeline, text, can_write, problems);
    if (code)
        pipeline_release(pipeline);
    else
        *out = pipeline;
    return code;
}

int pipeline_first_problem(struct problem_list *problems, int code, struct error *error)
{
    problem_list_sort(problems, 0);
    if (code)
        code = problem_list_error(problems, error);
    problem_list_clear(problems);
    return code;
}

int pipeline_parse(const char *file, struct slice text, struct pipeline **out, struct error *error)
{
    struct problem_list problems = {.items = NULL};
    int code = parse(file, text, NULL, out, &problems);
    return pipeline_first_problem(&problems, code, error);
}

int pipeline_load_all(const char *path, pipeline_can_write *can_write, struct pipeline **out,
                      struct problem_list *problems)
{
    struct buffer text = {0};
    int code = read_file(path, &text, problems);
    if (!code)
        code = parse(path, buffer_slice(&text), can_write, out, problems);
    buffer_free(&text);
    if (code)
        return code;
    code = labeler_token_load(*out, problems);
    if (code) {
        pipeline_release(*out);
        *out = NULL;
    }
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
    labeler_token_free(pipeline);
    overlay_pictures_free(pipeline);
    overlay_objects_free(pipeline);
    bytes_free(&pipeline->text);
    free(pipeline->file);
    free(pipeline);
}

struct pipeline_output pipeline_output(const struct pipeline *pipeline, size_t index)
{
    const struct labels_config *labels = &pipeline->labels;
    const struct output_config *outputs = pipeline->outputs.entries;
    size_t manifest = index - pipeline->outputs.count;
    if (index < pipeline->outputs.count)
        return (struct pipeline_output){.bucket = outputs[index].bucket,
                                        .key = outputs[index].key,
                                        .place = outputs[index].place,
                                        .settings = &outputs[index].settings,
                                        .entry = outputs[index].entry,
                                        .repeated = outputs[index].variant > 0};
    if (manifest < pipeline->manifest_count) {
        const struct output_config *first = &outputs[pipeline->manifests[manifest]];
        return (struct pipeline_output){.bucket = first->bucket,
                                        .key = first->manifest,
                                        .place = first->place,
                                        .settings = &first->settings,
                                        .entry = first->entry,
                                        .manifest = true};
    }
    return (struct pipeline_output){.bucket = labels->bucket,
                                    .key = labels->given ? labels->sidecar : NULL,
                                    .place = labels->place,
                                    .sidecar = true};
}

size_t pipeline_sidecar_index(const struct pipeline *pipeline)
{
    return pipeline->outputs.count + pipeline->manifest_count;
}
