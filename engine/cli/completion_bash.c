/* For bash, with the functions of the package bash-completion. */
#include "completion.h"

static const char start[] =
    "# Completion of thumbwheel for bash, printed by \"thumbwheel completion bash\".\n"
    "\n"
    "_thumbwheel()\n"
    "{\n"
    "    local cur prev words cword split\n"
    "    _init_completion -s || return\n";

static void print_commands(FILE *out)
{
    fputs("\n    local commands=\"", out);
    for (size_t i = 0; i < command_table_size; i++)
        fprintf(out, "%s%s", i ? " " : "", command_table[i].name);
    fputs("\"\n"
          "    if [[ $cword -eq 1 ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$commands help version --help --version\" -- "
          "\"$cur\"))\n"
          "        return\n"
          "    fi\n",
          out);
}

static void print_options(FILE *out, const struct command *command)
{
    const char *space = "";
    for (size_t i = 0; i < config_table_size; i++) {
        if (!(config_table[i].commands & command->settings))
            continue;
        fprintf(out, "%s--%s", space, config_table[i].name);
        space = " ";
    }
}

static void print_command(FILE *out, const struct command *command)
{
    const char *arguments = completion_arguments(command);
    fprintf(out, "        %s)\n            options=\"", command->name);
    print_options(out, command);
    fputs("\"\n", out);
    if (completion_kind(arguments) == COMPLETE_FILES)
        fputs("            files=yes\n", out);
    if (completion_kind(arguments) == COMPLETE_CHOICES) {
        fputs("            choices=\"", out);
        completion_print_choices(out, arguments);
        fputs("\"\n", out);
    }
    fputs("            ;;\n", out);
}

static void print_command_cases(FILE *out)
{
    fputs("\n    local options=\"\" choices=\"\" files=\"\"\n    case ${words[1]} in\n", out);
    for (size_t i = 0; i < command_table_size; i++)
        print_command(out, &command_table[i]);
    fputs("        help)\n            choices=$commands\n            ;;\n    esac\n", out);
}

static void print_value(FILE *out, const struct setting *s)
{
    fprintf(out, "        --%s)\n", s->name);
    switch (completion_kind(s->value)) {
    case COMPLETE_CHOICES:
        fputs("            COMPREPLY=($(compgen -W \"", out);
        completion_print_choices(out, s->value);
        fputs("\" -- \"$cur\"))\n", out);
        break;
    case COMPLETE_FILES:
        fputs("            _filedir\n", out);
        break;
    case COMPLETE_DIRECTORIES:
        fputs("            _filedir -d\n", out);
        break;
    case COMPLETE_NOTHING:
        break;
    }
    fputs("            return\n            ;;\n", out);
}

/* An option has the same values in every command. */
static void print_value_cases(FILE *out)
{
    fputs("\n    case $prev in\n", out);
    for (size_t i = 0; i < config_table_size; i++)
        if (config_table[i].value)
            print_value(out, &config_table[i]);
    fputs("    esac\n    $split && return\n", out);
}

static const char end[] = "\n"
                          "    if [[ $cur == -* ]]; then\n"
                          "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                          "    elif [[ $files ]]; then\n"
                          "        _filedir\n"
                          "    else\n"
                          "        COMPREPLY=($(compgen -W \"$choices\" -- \"$cur\"))\n"
                          "    fi\n"
                          "} &&\n"
                          "    complete -F _thumbwheel thumbwheel\n";

void completion_bash(FILE *out)
{
    fputs(start, out);
    print_commands(out);
    print_command_cases(out);
    print_value_cases(out);
    fputs(end, out);
}
