/* thumbwheel completion: prints what a shell needs to complete the command line. */
#include "command.h"

#include <string.h>

#include "completion.h"
#include "nearest.h"

struct shell {
    const char *name;
    void (*print)(FILE *out);
};

static const struct shell shells[] = {
    {"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

enum { SHELLS = sizeof shells / sizeof shells[0] };

static int unknown_shell(const char *typed)
{
    const char *names[SHELLS];
    for (size_t i = 0; i < SHELLS; i++)
        names[i] = shells[i].name;
    const char *near = nearest_name(typed, names, SHELLS);
    if (near)
        command_error("unknown shell \"%s\"; did you mean \"%s\"?", typed, near);
    else
        command_error("unknown shell \"%s\"; there are completions for bash, zsh and fish", typed);
    return STATUS_USAGE;
}

int cmd_completion(const struct assembly *assembly, const struct config *config)
{
    (void)assembly;
    if (config->paths.count != 1) {
        command_error("completion takes the name of one shell: bash, zsh or fish");
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < SHELLS; i++) {
        if (strcmp(config->paths.items[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return STATUS_OK;
        }
    }
    return unknown_shell(config->paths.items[0]);
}
