/* thumbwheel check: reads the pipeline files and holds them against each other, without touching
 * any service. */
#include "command.h"

#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
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
    int err =
        table_print(table, stdout, terminal_columns(STDOUT_FILENO), terminal_colour(STDOUT_FILENO));
    table_free(table);
    return err;
}

static int check_files(const struct assembly *assembly, const struct config *config)
{
    struct pipeline_set set = {0};
    int status = command_load_pipelines(assembly, config, &set);
    if (set.count && print_pipelines(&set))
        status = STATUS_FAILED;
    printf("%s%zu file%s, %zu problem%s\n", set.count ? "\n" : "", set.files.count,
           set.files.count == 1 ? "" : "s", set.problems.count, set.problems.count == 1 ? "" : "s");
    pipeline_set_clear(&set);
    return status;
}

int cmd_check(const struct assembly *assembly, const struct config *config)
{
    if (config->paths.count) {
        command_error("check takes no argument \"%s\"; name pipeline files with --pipelines %s",
                      config->paths.items[0], config->paths.items[0]);
        return STATUS_USAGE;
    }
    if (config->settings)
        config_print_markdown(stdout);
    if (config->operations)
        return assembly->operations_print(stdout) ? STATUS_FAILED : STATUS_OK;
    if (config->schema)
        return assembly->schema_print(stdout) ? STATUS_FAILED : STATUS_OK;
    return config->settings ? STATUS_OK : check_files(assembly, config);
}
