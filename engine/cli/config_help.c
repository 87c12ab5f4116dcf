#include "config.h"

#include <string.h>

#include "config_table.h"
#include "terminal.h"

enum { COLUMN = 30, COLUMN_NARROW = 6, NARROW = 70 };

static void print_default(FILE *out, const struct setting *s, size_t columns, int column)
{
    char text[256];
    snprintf(text, sizeof text, "(default: %s)", config_default_text(s));
    fprintf(out, "%*s", column, "");
    terminal_print(out, text, columns, (size_t)column, (size_t)column);
    fputc('\n', out);
}

static void print_option(FILE *out, const struct setting *s, enum config_command command,
                         size_t columns)
{
    char help[256];
    const int column = columns && columns < NARROW ? COLUMN_NARROW : COLUMN;
    int width = fprintf(out, "  --%s%s%s", s->name, s->value ? " " : "", s->value ? s->value : "");
    if (width > column - 2)
        fprintf(out, "\n%*s", column, "");
    else
        fprintf(out, "%*s", column - width, "");
    snprintf(help, sizeof help, "%s%s", s->help,
             s->reloads & command ? "; read again on SIGHUP" : "");
    terminal_print(out, help, columns, (size_t)column, (size_t)column);
    fputc('\n', out);
    if (!s->action)
        print_default(out, s, columns, column);
}

static void print_group(FILE *out, enum config_command command, enum config_group group,
                        size_t columns)
{
    bool any = false;
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        if (!(s->commands & command) || s->group != group)
            continue;
        if (!any)
            fprintf(out, "\n%s:\n", config_group_title(group));
        any = true;
        print_option(out, s, command, columns);
    }
}

void config_print_options(FILE *out, enum config_command command, size_t columns)
{
    fputs("Options:\n", out);
    for (int group = 0; group < GROUP_COUNT; group++)
        print_group(out, command, (enum config_group)group, columns);
    fputc('\n', out);
    terminal_print(out,
                   "Each option is also an environment variable: --max-pixels is "
                   "THUMBWHEEL_MAX_PIXELS. Options take precedence.\n",
                   columns, 0, 0);
}

static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_commands(FILE *out, unsigned commands)
{
    const char *name = config_next_command(&commands);
    for (const char *comma = ""; *name; comma = ", ", name = config_next_command(&commands))
        fprintf(out, "%s%s", comma, name);
}

void config_print_markdown(FILE *out)
{
    fputs("| Flag | Environment | Default | Commands | Description |\n|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        char name[CONFIG_VARIABLE_MAX];
        if (s->action)
            continue;
        config_variable_name(s, name);
        fprintf(out, "| `--%s", s->name);
        fputs(s->value ? " " : "", out);
        print_cell(out, s->value ? s->value : "");
        fprintf(out, "` | `%s` | ", name);
        print_cell(out, config_default_text(s));
        fputs(" | ", out);
        print_commands(out, s->commands);
        fputs(" | ", out);
        print_cell(out, s->help);
        if (s->reloads) {
            fputs("; read again on SIGHUP by ", out);
            print_commands(out, s->reloads);
        }
        fputs(" |\n", out);
    }
}
