/* Completions for shells, generated from the tables of commands and settings. Each shell is one file,
 * completion_SHELL.c. The texts are the program's own: none comes from a user. */
#ifndef THUMBWHEEL_COMPLETION_H
#define THUMBWHEEL_COMPLETION_H

#include <stdio.h>

#include "command_table.h"
#include "config_table.h"

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

enum completion_kind {
    COMPLETE_NOTHING, /* a number, a time, a name */
    COMPLETE_CHOICES, /* one of several words */
    COMPLETE_FILES,
    COMPLETE_DIRECTORIES
};

/* How to complete a value, or an argument, that --help shows as `shown`: "TIME", "DIR|FILE",
 * "process|thread"; NULL or "": there is none. */
enum completion_kind completion_kind(const char *shown);
/* Prints the choices, with spaces between them. */
void completion_print_choices(FILE *out, const char *shown);
/* What a command takes beside options, as --help shows it; "": nothing. Borrowed. */
const char *completion_arguments(const struct command *command);
/* Prints text, with a backslash before each character of `special`. */
void completion_print_escaped(FILE *out, const char *text, const char *special);

#endif
