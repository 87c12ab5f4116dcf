/* For fish: one line for each command and each option, with the condition in which it is offered. */
#include "completion.h"

static const char start[] =
    "# Completion of thumbwheel for fish, printed by \"thumbwheel completion fish\".\n"
    "\n"
    "# Whether the command line has no command yet.\n"
    "function __thumbwheel_needs_command\n"
    "    test (count (commandline -poc)) -eq 1\n"
    "end\n"
    "\n"
    "# Whether its command is one of these.\n"
    "function __thumbwheel_command_is\n"
    "    set -l words (commandline -poc)\n"
    "    test (count $words) -gt 1; and contains -- $words[2] $argv\n"
    "end\n"
    "\n"
    "complete -c thumbwheel -f\n"
    "complete -c thumbwheel -n __thumbwheel_needs_command -s h -l help -d 'print the commands'\n"
    "complete -c thumbwheel -n __thumbwheel_needs_command -l version -d 'print the version'\n";

static void print_description(FILE *out, const char *text)
{
    fputs(" -d '", out);
    completion_print_escaped(out, text, "'\\");
    fputs("'\n", out);
}

static void print_command(FILE *out, const char *name, const char *summary)
{
    fprintf(out, "complete -c thumbwheel -n __thumbwheel_needs_command -a %s", name);
    print_description(out, summary);
}

/* The names of a set of enum config_command, with spaces. */
static void print_commands(FILE *out, unsigned commands)
{
    const char *name;
    while (*(name = config_next_command(&commands)))
        fprintf(out, " %s", name);
}

/* What stands behind an option, or is an argument. */
static void print_value(FILE *out, const char *shown)
{
    switch (completion_kind(shown)) {
    case COMPLETE_CHOICES:
        fputs(" -x -a '", out);
        completion_print_choices(out, shown);
        fputc('\'', out);
        break;
    case COMPLETE_FILES:
        fputs(" -r -F", out);
        break;
    case COMPLETE_DIRECTORIES:
        fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case COMPLETE_NOTHING:
        fputs(" -x", out);
        break;
    }
}

static void print_option(FILE *out, const struct setting *s)
{
    fputs("complete -c thumbwheel -n '__thumbwheel_command_is", out);
    print_commands(out, s->commands);
    fprintf(out, "' -l %s", s->name);
    if (s->value)
        print_value(out, s->value);
    print_description(out, s->help);
}

static void print_arguments(FILE *out, const struct command *command)
{
    const char *arguments = completion_arguments(command);
    if (completion_kind(arguments) == COMPLETE_NOTHING)
        return;
    fprintf(out, "complete -c thumbwheel -n '__thumbwheel_command_is %s'", command->name);
    print_value(out, arguments);
    fputc('\n', out);
}

void completion_fish(FILE *out)
{
    fputs(start, out);
    for (size_t i = 0; i < command_table_size; i++)
        print_command(out, command_table[i].name, command_table[i].summary);
    print_command(out, "help", "print the commands, or the options of one");
    print_command(out, "version", "print the version");
    for (size_t i = 0; i < command_table_size; i++)
        print_arguments(out, &command_table[i]);
    fputs("complete -c thumbwheel -n '__thumbwheel_command_is help' -a '", out);
    for (size_t i = 0; i < command_table_size; i++)
        fprintf(out, " %s", command_table[i].name);
    fputs("'\n", out);
    for (size_t i = 0; i < config_table_size; i++)
        print_option(out, &config_table[i]);
}
