#include "photo_config.h"

#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "utf8.h"

enum { FORMAT = 1 }; /* of the index: a change makes every index be built anew */

/* ---- making it ---- */

static int places_copy(struct photo_config *config, const struct photo_place *places, size_t count)
{
    config->places = calloc(count + 1, sizeof *config->places);
    if (!config->places)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct photo_place *place = &config->places[config->place_count++];
        place->bucket = strdup(places[i].bucket);
        place->prefix = strdup(places[i].prefix);
        if (!place->bucket || !place->prefix)
            return ERR_MEMORY;
    }
    return 0;
}

static int pipelines_retain(struct photo_config *config, struct pipeline *const *pipelines,
                            size_t count)
{
    config->pipelines = calloc(count + 1, sizeof *config->pipelines);
    if (!config->pipelines)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        config->pipelines[config->pipeline_count++] = config->ops->retain(pipelines[i]);
    return 0;
}

static void output_add(struct photo_config *config, size_t pipeline, size_t index,
                       size_t output_count)
{
    const struct pipeline *of = config->pipelines[pipeline];
    const struct pipeline_output output = config->ops->output(of, index);
    if (!output.key)
        return;
    const bool sidecar = output.sidecar || index == output_count;
    config->outputs[config->output_count++] = (struct photo_output){
        .pipeline = pipeline,
        .index = index,
        .name = config->ops->facts(of)->name,
        .bucket = output.bucket,
        .kind = sidecar           ? PHOTO_SIDECAR
                : output.manifest ? PHOTO_MANIFEST
                                  : PHOTO_RENDITION,
        .numbered = strstr(output.key, "{width}") || strstr(output.key, "{height}"),
    };
    config->numbered |= config->outputs[config->output_count - 1].numbered;
}

static int outputs_gather(struct photo_config *config)
{
    size_t room = 0;
    for (size_t p = 0; p < config->pipeline_count; p++)
        room += config->ops->facts(config->pipelines[p])->output_count + 1;
    config->outputs = calloc(room + 1, sizeof *config->outputs);
    if (!config->outputs)
        return ERR_MEMORY;
    for (size_t p = 0; p < config->pipeline_count; p++) {
        const size_t count = config->ops->facts(config->pipelines[p])->output_count;
        for (size_t i = 0; i <= count; i++)
            output_add(config, p, i, count);
    }
    return 0;
}

/* ---- the listings ---- */

static bool is_below(const struct photo_stage *stage, const struct photo_stage *other)
{
    return stage->outputs == other->outputs &&
           slice_equal(slice_of(stage->bucket), slice_of(other->bucket)) &&
           slice_starts_with(slice_of(stage->prefix), other->prefix);
}

static void stage_free(struct photo_stage *stage)
{
    free(stage->bucket);
    free(stage->prefix);
}

/* A listing that another one contains is left out. */
static int stage_add(struct photo_config *config, const char *bucket, const char *prefix,
                     size_t prefix_size, bool outputs)
{
    struct photo_stage stage = {strdup(bucket), strndup(prefix, prefix_size), outputs};
    size_t kept = 0;
    if (!stage.bucket || !stage.prefix) {
        stage_free(&stage);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < config->stage_count; i++) {
        if (is_below(&stage, &config->stages[i])) {
            stage_free(&stage);
            return 0;
        }
    }
    for (size_t i = 0; i < config->stage_count; i++) {
        if (is_below(&config->stages[i], &stage))
            stage_free(&config->stages[i]);
        else
            config->stages[kept++] = config->stages[i];
    }
    config->stages[kept++] = stage;
    config->stage_count = kept;
    return 0;
}

/* An output without a bucket of its own is in each bucket that has photos. */
static int stages_of_output(struct photo_config *config, const struct photo_output *output)
{
    const char *key = config->ops->output(config->pipelines[output->pipeline], output->index).key;
    const size_t literal = strcspn(key, "{");
    if (output->bucket)
        return stage_add(config, output->bucket, key, literal, true);
    for (size_t i = 0; i < config->place_count; i++) {
        const int code = stage_add(config, config->places[i].bucket, key, literal, true);
        if (code)
            return code;
    }
    return 0;
}

static int stages_gather(struct photo_config *config)
{
    config->stages =
        calloc(config->place_count * (config->output_count + 1) + config->output_count + 1,
               sizeof *config->stages);
    if (!config->stages)
        return ERR_MEMORY;
    for (size_t i = 0; i < config->place_count; i++) {
        const struct photo_place *place = &config->places[i];
        const int code =
            stage_add(config, place->bucket, place->prefix, strlen(place->prefix), false);
        if (code)
            return code;
    }
    for (size_t i = 0; i < config->output_count; i++) {
        const int code = stages_of_output(config, &config->outputs[i]);
        if (code)
            return code;
    }
    return 0;
}

/* ---- the fingerprint ---- */

static uint64_t mix(uint64_t hash, const char *text)
{
    return fnv_text(fnv_text(hash, text ? text : "\x02"), "\x03");
}

static uint64_t fingerprint_of_pipeline(const struct photo_config *config, size_t pipeline,
                                        uint64_t hash)
{
    const struct pipeline_facts *facts = config->ops->facts(config->pipelines[pipeline]);
    hash = mix(mix(hash, facts->name), facts->match_bucket);
    for (size_t i = 0; i < facts->match_prefix_count; i++)
        hash = mix(hash, facts->match_prefixes[i]);
    for (size_t i = 0; i <= facts->output_count; i++) {
        const struct pipeline_output output = config->ops->output(config->pipelines[pipeline], i);
        hash = mix(mix(hash, output.bucket), output.key);
    }
    return hash;
}

static uint64_t fingerprint_make(const struct photo_config *config)
{
    const char format[] = {'0' + FORMAT, '\0'};
    uint64_t hash = mix(FNV_START, format);
    for (size_t i = 0; i < config->place_count; i++)
        hash = mix(mix(hash, config->places[i].bucket), config->places[i].prefix);
    for (size_t i = 0; i < config->pipeline_count; i++)
        hash = fingerprint_of_pipeline(config, i, hash);
    return hash;
}

int photo_config_make(const struct pipeline_ops *ops, struct pipeline *const *pipelines,
                      size_t pipeline_count, const struct photo_place *places, size_t place_count,
                      struct photo_config **out)
{
    struct photo_config *config = calloc(1, sizeof *config);
    *out = NULL;
    if (!config)
        return ERR_MEMORY;
    config->ops = ops;
    if (places_copy(config, places, place_count) ||
        pipelines_retain(config, pipelines, pipeline_count) || outputs_gather(config) ||
        stages_gather(config)) {
        photo_config_free(config);
        return ERR_MEMORY;
    }
    config->fingerprint = fingerprint_make(config);
    *out = config;
    return 0;
}

void photo_config_free(struct photo_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->pipeline_count; i++)
        config->ops->release(config->pipelines[i]);
    for (size_t i = 0; i < config->place_count; i++) {
        free((char *)(uintptr_t)config->places[i].bucket);
        free((char *)(uintptr_t)config->places[i].prefix);
    }
    for (size_t i = 0; i < config->stage_count; i++)
        stage_free(&config->stages[i]);
    free(config->pipelines);
    free(config->places);
    free(config->outputs);
    free(config->stages);
    free(config);
}

/* ---- questions ---- */

static bool is_in_place(const struct photo_config *config, const char *bucket, const char *key)
{
    for (size_t i = 0; i < config->place_count; i++) {
        const struct photo_place *place = &config->places[i];
        if (strcmp(place->bucket, bucket) == 0 &&
            strncmp(place->prefix, key, strlen(place->prefix)) == 0)
            return true;
    }
    return false;
}

static bool is_presentable(const char *key)
{
    for (const char *c = key; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    }
    return utf8_valid(slice_of(key));
}

bool photo_config_accepts(const struct photo_config *config, const char *bucket, const char *key)
{
    if (!is_in_place(config, bucket, key) || !is_presentable(key))
        return false;
    for (size_t i = 0; i < config->pipeline_count; i++) {
        if (config->ops->matches(config->pipelines[i], bucket, key))
            return true;
    }
    return false;
}

int photo_config_key(const struct photo_config *config, size_t output, const char *bucket,
                     const char *key, char **pattern)
{
    const struct photo_output *of = &config->outputs[output];
    const struct pipeline *pipeline = config->pipelines[of->pipeline];
    *pattern = NULL;
    if (!config->ops->matches(pipeline, bucket, key))
        return 0;
    const int code = config->ops->output_key(pipeline, of->index, bucket, key, pattern);
    return code == ERR_MEMORY ? code : 0; /* too long a key: the engine rejects the photo */
}
