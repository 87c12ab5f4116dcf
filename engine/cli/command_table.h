/* The table of commands. --help, the manual page and the completions are made from it. */
#ifndef THUMBWHEEL_COMMAND_TABLE_H
#define THUMBWHEEL_COMMAND_TABLE_H

#include <stddef.h>

#include "config.h"

enum { COMMANDS_MAX = 32 };

struct command {
    const char *name;
    enum config_command settings;
    const char *usage;   /* what follows the name: COMMAND_PLAIN, or options and arguments */
    const char *summary; /* one line, for the list */
    const char *help;
};

/* The usage of a command that takes no arguments. */
#define COMMAND_PLAIN "[OPTIONS]"

extern const struct command command_table[];
extern const size_t command_table_size;

extern const char program_summary[]; /* one sentence */

#endif
