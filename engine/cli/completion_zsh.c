/* For zsh: a function for its directory of completions, which can also be sourced after compinit. */
#include "completion.h"

static const char start[] =
    "#compdef thumbwheel\n"
    "# Completion of thumbwheel for zsh, printed by \"thumbwheel completion zsh\".\n"
    "\n"
    "_thumbwheel()\n"
    "{\n"
    "    local curcontext=$curcontext state line\n"
    "    local -a commands=(\n";

static const char choose[] = "    )\n"
                             "    local -a others=(\n"
                             "        'help:print the commands, or the options of one'\n"
                             "        'version:print the version'\n"
                             "    )\n"
                             "    _arguments -C \\\n"
                             "        '(- *)'{-h,--help}'[print the commands]' \\\n"
                             "        '(- *)--version[print the version]' \\\n"
                             "        '1:command:->command' \\\n"
                             "        '*::argument:->arguments' && return\n"
                             "    case $state in\n"
                             "    command)\n"
                             "        _describe command commands -- others\n"
                             "        ;;\n"
                             "    arguments)\n"
                             "        case $words[1] in\n";

static const char end[] = "        help)\n"
                          "            (( CURRENT == 2 )) && _describe command commands\n"
                          "            ;;\n"
                          "        esac\n"
                          "        ;;\n"
                          "    esac\n"
                          "}\n"
                          "\n"
                          "if [[ $funcstack[1] == _thumbwheel ]]; then\n"
                          "    _thumbwheel \"$@\"\n"
                          "else\n"
                          "    compdef _thumbwheel thumbwheel\n"
                          "fi\n";

/* Prints a part of a specification in single quotes. */
static void print_quoted(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        const char one[] = {*text, '\0'};
        if (*text == '\'')
            fputs("'\\''", out);
        else
            completion_print_escaped(out, one, special);
    }
}

/* ":message:action" of _arguments. */
static void print_action(FILE *out, const char *shown)
{
    fputc(':', out);
    print_quoted(out, shown, ":");
    fputc(':', out);
    switch (completion_kind(shown)) {
    case COMPLETE_CHOICES:
        fputc('(', out);
        completion_print_choices(out, shown);
        fputc(')', out);
        break;
    case COMPLETE_FILES:
        fputs("_files", out);
        break;
    case COMPLETE_DIRECTORIES:
        fputs("_files -/", out);
        break;
    case COMPLETE_NOTHING:
        fputc(' ', out);
        break;
    }
}

static void print_option(FILE *out, const struct setting *s)
{
    fprintf(out, " \\\n                '%s--%s[", s->type == TYPE_LIST ? "*" : "", s->name);
    print_quoted(out, s->help, "[]\\");
    fputc(']', out);
    if (s->value)
        print_action(out, s->value);
    fputc('\'', out);
}

static void print_command(FILE *out, const struct command *command)
{
    const char *arguments = completion_arguments(command);
    const enum completion_kind kind = completion_kind(arguments);
    fprintf(out, "        %s)\n            _arguments", command->name);
    for (size_t i = 0; i < config_table_size; i++)
        if (config_table[i].commands & command->settings)
            print_option(out, &config_table[i]);
    if (kind != COMPLETE_NOTHING) {
        fprintf(out, " \\\n                '%s", kind == COMPLETE_CHOICES ? "1" : "*");
        print_action(out, arguments);
        fputc('\'', out);
    }
    fputs("\n            ;;\n", out);
}

void completion_zsh(FILE *out)
{
    fputs(start, out);
    for (size_t i = 0; i < command_table_size; i++) {
        fprintf(out, "        '%s:", command_table[i].name);
        print_quoted(out, command_table[i].summary, ":\\");
        fputs("'\n", out);
    }
    fputs(choose, out);
    for (size_t i = 0; i < command_table_size; i++)
        print_command(out, &command_table[i]);
    fputs(end, out);
}
