/* The pipeline files of a command. */
#include "command.h"

#include <stdlib.h>

struct pipeline_rules command_pipeline_rules(const struct assembly *assembly)
{
    return (struct pipeline_rules){.ops = assembly->pipeline_ops,
                                   .check_queue = assembly->queue_check,
                                   .compare_queues = assembly->queue_compare};
}

static void say_problems(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        char *line = problems->items[i].code ? problem_line(&problems->items[i]) : NULL;
        if (line)
            command_error("%s", line);
        free(line);
    }
}

int command_load_pipelines(const struct assembly *assembly, const struct config *config,
                           struct pipeline_set *set)
{
    const struct pipeline_rules rules = command_pipeline_rules(assembly);
    if (pipeline_set_load(set, &rules, &config->pipelines)) {
        command_error("out of memory");
        return STATUS_FAILED;
    }
    say_problems(&set->problems);
    return set->problems.errors ? STATUS_USAGE : STATUS_OK;
}
