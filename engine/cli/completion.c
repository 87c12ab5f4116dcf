#include "completion.h"

#include <string.h>

enum completion_kind completion_kind(const char *shown)
{
    if (!shown || !*shown)
        return COMPLETE_NOTHING;
    if (*shown >= 'a' && *shown <= 'z')
        return COMPLETE_CHOICES;
    if (strcmp(shown, "DIR") == 0)
        return COMPLETE_DIRECTORIES;
    return strstr(shown, "FILE") || strstr(shown, "DIR") ? COMPLETE_FILES : COMPLETE_NOTHING;
}

void completion_print_choices(FILE *out, const char *shown)
{
    for (; *shown; shown++)
        fputc(*shown == '|' ? ' ' : *shown, out);
}

const char *completion_arguments(const struct command *command)
{
    const char *arguments = strchr(command->usage, ' ');
    return arguments ? arguments + 1 : "";
}

void completion_print_escaped(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}
