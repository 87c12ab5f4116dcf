#include "check_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "terminal.h"

/* A jansson string; bytes of a file name that are not UTF-8 become '?'. */
static json_t *text_of(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (value)
        return value;
    char *shown = text_plain(text);
    value = shown ? json_string(shown) : NULL;
    free(shown);
    return value;
}

static json_t *number_of(int number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *problem_of(const struct problem *problem)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "severity",
                     problem->code ? "error" : "warning", "file", text_of(problem->file), "line",
                     number_of(problem->line), "column", number_of(problem->column), "key",
                     text_of(problem->key), "message", text_of(problem->text));
}

static json_t *outputs_of(const struct pipeline_ops *ops, const struct pipeline *pipeline)
{
    json_t *outputs = json_array();
    for (size_t i = 0; i <= ops->facts(pipeline)->output_count; i++) {
        const struct pipeline_output output = ops->output(pipeline, i);
        if (output.key)
            json_array_append_new(outputs, json_pack("{s:o, s:o}", "bucket", text_of(output.bucket),
                                                     "key", text_of(output.key)));
    }
    return outputs;
}

static json_t *pipeline_of(const struct pipeline_ops *ops, const struct pipeline *pipeline)
{
    const struct pipeline_facts *facts = ops->facts(pipeline);
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "name", text_of(facts->name), "queue",
                     text_of(facts->queue), "file", text_of(facts->file), "outputs",
                     outputs_of(ops, pipeline), "labels", (int)facts->labels);
}

static json_t *tree_of(const struct pipeline_set *set)
{
    json_t *files = json_array(), *pipelines = json_array(), *problems = json_array();
    for (size_t i = 0; i < set->files.count; i++)
        json_array_append_new(files, text_of(set->files.items[i]));
    for (size_t i = 0; i < set->count; i++)
        json_array_append_new(pipelines, pipeline_of(set->ops, set->items[i]));
    for (size_t i = 0; i < set->problems.count; i++)
        json_array_append_new(problems, problem_of(&set->problems.items[i]));
    return json_pack("{s:b, s:o, s:o, s:I, s:I, s:o}", "ok", set->problems.errors == 0, "files",
                     files, "pipelines", pipelines, "errors", (json_int_t)set->problems.errors,
                     "warnings", (json_int_t)set->problems.warnings, "problems", problems);
}

int check_print_json(const struct pipeline_set *set, FILE *out)
{
    json_t *tree = tree_of(set);
    char *text =
        tree
            ? json_dumps(tree, JSON_INDENT(2) | (terminal_needs_ascii(out) ? JSON_ENSURE_ASCII : 0))
            : NULL;
    json_decref(tree);
    if (!text)
        return ERR_MEMORY;
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}
