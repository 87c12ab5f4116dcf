/* thumbwheel check: validates the pipeline files, alone and against each other, without contacting
 * any service. */
#include "command.h"

#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "check_json.h"
#include "table.h"
#include "terminal.h"

enum { OUTPUTS_TEXT_MAX = 64 * 1024 };

static const struct table_column columns[] = {
    {"Pipeline", TABLE_LEFT, TABLE_CUT_MIDDLE},
    {"Queue", TABLE_LEFT, TABLE_CUT_MIDDLE},
    {"Outputs", TABLE_LEFT, TABLE_CUT_MIDDLE},
    {"File", TABLE_LEFT, TABLE_CUT_MIDDLE},
};

/* "thumbnail/Thumbnail-{name}, other-bucket: small/{name}, tags/{name}.json" */
static char *outputs_text(const struct pipeline_ops *ops, const struct pipeline *pipeline)
{
    struct buffer text;
    buffer_init(&text, OUTPUTS_TEXT_MAX);
    for (size_t i = 0; i <= ops->facts(pipeline)->output_count; i++) {
        const struct pipeline_output output = ops->output(pipeline, i);
        if (output.key)
            buffer_format(&text, "%s%s%s%s", text.size ? ", " : "",
                          output.bucket ? output.bucket : "", output.bucket ? ": " : "",
                          output.key);
    }
    if (ops->facts(pipeline)->labels && text.size == 0)
        buffer_text(&text, "object tags");
    return buffer_take_text(&text);
}

static void add_pipeline(struct table *table, const struct pipeline_ops *ops,
                         const struct pipeline *pipeline)
{
    const struct pipeline_facts *facts = ops->facts(pipeline);
    char *outputs = outputs_text(ops, pipeline);
    const char *cells[] = {facts->name, facts->queue, outputs, facts->file};
    table_row(table, TABLE_PLAIN, cells);
    free(outputs);
}

static int print_pipelines(const struct pipeline_set *set)
{
    struct table *table = table_create(columns, sizeof columns / sizeof columns[0]);
    if (!table)
        return ERR_MEMORY;
    for (size_t i = 0; i < set->count; i++)
        add_pipeline(table, set->ops, set->items[i]);
    int code =
        table_print(table, stdout, terminal_columns(STDOUT_FILENO), terminal_colour(STDOUT_FILENO));
    table_free(table);
    return code;
}

/* ---- problems ---- */

/* Invalid settings in the environment that run would reject, and for which check has no options. */
static void check_settings(struct problem_list *problems)
{
    struct config config;
    struct error error = {0};
    if (config_read(&config, CONFIG_RUN, NULL, 0, &error))
        problem_add(problems, &(struct problem_place){.file = NULL}, error.code, "%s", error.text);
    config_clear(&config);
}

static void say_problems(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        char *line = problem_line(problem);
        if (line && problem->code)
            command_error("%s", line);
        else if (line)
            command_warn("%s", line);
        free(line);
    }
    size_t all = problems->errors + problems->warnings;
    if (all > problems->count)
        command_error("%zu more are not shown", all - problems->count);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static int print_text(const struct pipeline_set *set)
{
    const struct problem_list *problems = &set->problems;
    int code = set->count ? print_pipelines(set) : 0;
    printf("%s%zu file%s, %zu problem%s", set->count ? "\n" : "", set->files.count,
           plural(set->files.count), problems->errors, plural(problems->errors));
    if (problems->warnings)
        printf(", %zu warning%s", problems->warnings, plural(problems->warnings));
    putchar('\n');
    return code;
}

static int check_files(const struct assembly *assembly, const struct config *config)
{
    const struct pipeline_rules rules = command_pipeline_rules(assembly);
    struct pipeline_set set;
    int code = pipeline_set_load(&set, &rules, &config->pipelines);
    check_settings(&set.problems);
    if (!config->json)
        say_problems(&set.problems);
    if (!code)
        code = config->json ? check_print_json(&set, stdout) : print_text(&set);
    if (code)
        command_error("out of memory");
    int exit_status = code ? STATUS_FAILED : set.problems.errors ? STATUS_USAGE : STATUS_OK;
    pipeline_set_clear(&set);
    return exit_status;
}

static int print_settings(FILE *out)
{
    config_print_markdown(out);
    return ferror(out);
}

/* A table in Markdown, in the locale's character set. */
static int print_markdown(int (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return STATUS_FAILED;
    int code = print(stream);
    if (fclose(stream) || code) {
        free(text);
        return STATUS_FAILED;
    }
    terminal_print(stdout, text, 0, 0, 0);
    free(text);
    return STATUS_OK;
}

int cmd_check(const struct assembly *assembly, const struct config *config)
{
    int exit_status = config->settings ? print_markdown(print_settings) : STATUS_OK;
    if (config->operations)
        return print_markdown(assembly->operations_print);
    if (config->schema)
        return print_markdown(assembly->schema_print);
    return config->settings ? exit_status : check_files(assembly, config);
}
