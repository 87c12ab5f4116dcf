/* thumbwheel check: reads the pipeline files and holds them against each other, without touching
 * any service. */
#include "command.h"

#include <stdlib.h>
#include <unistd.h>

#include "table.h"
#include "terminal.h"

static const struct table_column columns[] = {
    {"Pipeline", TABLE_LEFT, TABLE_CUT_MIDDLE}, {"Queue", TABLE_LEFT, TABLE_CUT_MIDDLE},
    {"Outputs", TABLE_LEFT, TABLE_WHOLE},       {"Weight", TABLE_RIGHT, TABLE_WHOLE},
    {"File", TABLE_LEFT, TABLE_CUT_MIDDLE},
};

static void describe_outputs(const struct pipeline_facts *facts, char *out, size_t size)
{
    const char *labels = !facts->labels ? "" : facts->output_count ? ", labels" : "labels";
    if (facts->output_count)
        snprintf(out, size, "%zu rendition%s%s", facts->output_count,
                 facts->output_count == 1 ? "" : "s", labels);
    else
        snprintf(out, size, "%s", labels);
}

static void add_pipeline(struct table *table, const struct pipeline_facts *facts)
{
    char outputs[64], weight[16];
    describe_outputs(facts, outputs, sizeof outputs);
    snprintf(weight, sizeof weight, "%u", facts->weight);
    const char *cells[] = {facts->name, facts->queue, outputs, weight, facts->file};
    table_row(table, TABLE_PLAIN, cells);
}

static int print_pipelines(const struct pipeline_set *set)
{
    struct table *table = table_create(columns, sizeof columns / sizeof columns[0]);
    if (!table)
        return ERR_MEMORY;
    for (size_t i = 0; i < set->count; i++)
        add_pipeline(table, set->ops->facts(set->items[i]));
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
    if (config->schema)
        return assembly->schema_print(stdout) ? STATUS_FAILED : STATUS_OK;
    return config->settings ? STATUS_OK : check_files(assembly, config);
}
