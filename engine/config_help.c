#include "config.h"

#include "config_table.h"

static const char *default_text(const struct setting *s)
{
    return s->shown ? s->shown : s->standard ? s->standard : "";
}

void config_print_options(FILE *out, enum config_command command)
{
    enum { COLUMN = 30 };
    fputs("Options:\n", out);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct setting *s = &config_table[i];
        if (!(s->commands & command))
            continue;
        int width =
            fprintf(out, "  --%s%s%s", s->name, s->value ? " " : "", s->value ? s->value : "");
        if (width > COLUMN - 2)
            fprintf(out, "\n%*s", COLUMN, "");
        else
            fprintf(out, "%*s", COLUMN - width, "");
        fprintf(out, "%s\n", s->help);
        if (*default_text(s))
            fprintf(out, "%*s(default: %s)\n", COLUMN, "", default_text(s));
    }
    fputs("\nEach option is also an environment variable: --max-pixels is THUMBWHEEL_MAX_PIXELS. "
          "Options take precedence.\n",
          out);
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
        if (!config_has_variable(s))
            continue;
        config_variable_name(s, name);
        fprintf(out, "| `--%s", s->name);
        fputs(s->value ? " " : "", out);
        print_cell(out, s->value ? s->value : "");
        fprintf(out, "` | `%s` | ", name);
        print_cell(out, default_text(s));
        fputs(" | ", out);
        print_commands(out, s->commands);
        fputs(" | ", out);
        print_cell(out, s->help);
        fputs(" |\n", out);
    }
}
