#include "confirm.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "terminal.h"

static bool answer_is_yes(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, stdin);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    const bool yes = length > 0 && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
    free(line);
    return yes;
}

/* The loop's handlers would only take note, since the loop does not run. */
static bool ask(const char *question)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction before[2];
    sigaction(SIGINT, &standard, &before[0]);
    sigaction(SIGTERM, &standard, &before[1]);
    fflush(stdout);
    fprintf(stderr, "%s? [y/N] ", question);
    fflush(stderr);
    const bool yes = answer_is_yes();
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    return yes;
}

enum confirmation command_confirm(bool yes, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    if (yes)
        return CONFIRM_YES;
    va_start(args, format);
    const int length = vasprintf(&text, format, args);
    va_end(args);
    char *shown = length < 0 ? NULL : text_display(text);
    enum confirmation result = CONFIRM_NO;
    if (!shown)
        command_error("out of memory");
    else if (!terminal_is(STDIN_FILENO))
        command_error("%s? Standard input is not a terminal; give --yes to agree", shown);
    if (shown && terminal_is(STDIN_FILENO))
        result = ask(shown) ? CONFIRM_YES : CONFIRM_NO;
    else if (shown)
        result = CONFIRM_USAGE;
    free(shown);
    if (length >= 0)
        free(text);
    return result;
}
