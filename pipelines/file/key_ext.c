#include "key_ext.h"

#include <stdio.h>
#include <string.h>

#include "key_template.h"

struct template
{ /* of one output or sidecar */
    const struct pipeline *pipeline;
    const char *key;
    enum image_format format; /* FORMAT_KEEP: the source's */
    bool json;                /* not an image */
    struct problem_place place;
};

static const char *format_name(const struct template *t)
{
    return t->json ? "json" : image_format_facts(t->format)->name;
}

static enum image_format format_of_suffix(const char *suffix)
{
    const char *dot = strrchr(suffix, '.');
    return dot ? image_format_of_ext(slice_of(dot + 1)) : FORMAT_KEEP;
}

/* A suffix of the filter that belongs to another format, or "" if every source is accepted; NULL:
 * none. */
static const char *other_source(const struct pipeline *pipeline, enum image_format format)
{
    const struct config_texts *suffixes = &pipeline->match.suffixes;
    for (size_t i = 0; i < suffixes->count; i++) {
        if (format_of_suffix(suffixes->entries[i]) != format)
            return suffixes->entries[i];
    }
    return suffixes->count ? NULL : "";
}

/* With keep, this concerns HEIC and the formats that are only read. */
static const char *source_that_changes(const struct pipeline *pipeline)
{
    const struct config_texts *suffixes = &pipeline->match.suffixes;
    for (size_t i = 0; i < suffixes->count; i++) {
        enum image_format format = format_of_suffix(suffixes->entries[i]);
        if (image_format_kept(format) != format)
            return suffixes->entries[i];
    }
    return NULL;
}

/* The template ends with the name of the source. */
static void check_name(const struct template *t, struct problem_list *problems)
{
    bool keep = !t->json && t->format == FORMAT_KEEP;
    const char *suffix = t->json ? ""
                         : keep  ? source_that_changes(t->pipeline)
                                 : other_source(t->pipeline, t->format);
    if (!suffix)
        return;
    problem_add(problems, &t->place, 0,
                "\"%.80s\" keeps the source's extension%s%.40s, but the format is %s; %s", t->key,
                *suffix ? ", such as " : "", suffix, keep ? "jpeg for HEIC" : format_name(t),
                t->json ? "end it with .{ext}"
                        : "use {image}, which appends the format's extension if it differs");
}

/* The template ends with a literal extension. */
static void check_literal(const struct template *t, struct slice literal,
                          struct problem_list *problems)
{
    enum image_format said = image_format_of_ext(image_format_key_ext(literal));
    if (said == FORMAT_KEEP || (!t->json && said == t->format))
        return;
    if (t->json || t->format != FORMAT_KEEP)
        problem_add(problems, &t->place, 0,
                    "\"%.80s\" has the extension of %s, but the format is %s; end it with {ext}",
                    t->key, image_format_facts(said)->name, format_name(t));
    else if (other_source(t->pipeline, said))
        problem_add(problems, &t->place, 0,
                    "\"%.80s\" has the extension of %s, but the format is that of the source, "
                    "which can differ; end it with {ext}, or set format: %s",
                    t->key, image_format_facts(said)->name, image_format_facts(said)->name);
}

static void check(const struct template *t, struct problem_list *problems)
{
    struct key_piece piece = {.part = KEY_LITERAL}, last = {.part = KEY_LITERAL};
    for (const char *cursor = t->key; key_template_next(&cursor, &piece);)
        last = piece;
    if (last.part == KEY_NAME || last.part == KEY_KEY)
        check_name(t, problems);
    else if (last.part == KEY_LITERAL)
        check_literal(t, slice_of(t->key), problems);
}

void key_ext_check(const struct pipeline *pipeline, struct problem_list *problems)
{
    for (size_t i = 0; i <= pipeline_sidecar_index(pipeline); i++) {
        const struct pipeline_output output = pipeline_output(pipeline, i);
        bool json = output.manifest || output.sidecar;
        char name[48] = "labels.sidecar";
        if (!output.key || output.repeated)
            continue;
        if (!output.sidecar)
            snprintf(name, sizeof name, "outputs[%zu].%s", output.entry,
                     output.manifest ? "manifest" : "key");
        const struct template t = {
            .pipeline = pipeline,
            .key = output.key,
            .json = json,
            .format = json ? FORMAT_KEEP : (enum image_format)pipeline->outputs.entries[i].format,
            .place = {pipeline->file, output.place.line, output.place.column, name}};
        check(&t, problems);
    }
}
