#include "local_init.h"

#include <stdlib.h>

#include "local_names.h"
#include "local_plan.h"
#include "service.h"

int local_init_load(const struct config *config, struct init_file *file)
{
    const struct init_home home = {.region = local_region(config), .account = LOCAL_ACCOUNT};
    struct problem_list problems = {0};
    int code = config->init ? init_file_load(config->init, &home, file, &problems) : 0;
    for (size_t i = 0; i < problems.count; i++) {
        char *line = problem_line(&problems.items[i]);
        if (line)
            command_error("%s", line);
        free(line);
    }
    problem_list_clear(&problems);
    if (code == ERR_MEMORY)
        command_error("out of memory");
    return code ? code == ERR_MEMORY ? STATUS_FAILED : STATUS_USAGE : STATUS_OK;
}

int local_init_apply(struct service *service, const struct init_file *file, struct error *error)
{
    return file->count ? service_init(service, file, error) : 0;
}
