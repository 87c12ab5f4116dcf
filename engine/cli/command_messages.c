/* What a command says to its user, and its exit status. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "terminal.h"

static void say(enum log_level level, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(enum log_level level, const char *prefix, const char *format, va_list args)
{
    char *text = NULL;
    char *shown = vasprintf(&text, format, args) < 0 ? NULL : text_display(text);
    const char *clear =
        terminal_redraws(fileno(stderr)) ? "\r\033[K" : ""; /* there may be a progress bar */
    fflush(stdout);
    if (log_is_json())
        log_say(level, shown ? text : "out of memory");
    else
        fprintf(stderr, "%sthumbwheel: %s%s\n", clear, prefix, shown ? shown : "out of memory");
    if (shown)
        free(text);
    free(shown);
}

void command_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_ERROR, "", format, args);
    va_end(args);
}

void command_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_WARN, "warning: ", format, args);
    va_end(args);
}

void command_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(LOG_INFO, "note: ", format, args);
    va_end(args);
}

enum command_status command_status(int code)
{
    switch (code) {
    case ERR_NONE:
        return STATUS_OK;
    case ERR_INVALID:
    case ERR_LOOP:
    case ERR_DENIED:
    case ERR_CREDENTIALS:
    case ERR_EXPIRED:
        return STATUS_USAGE;
    default:
        return STATUS_FAILED;
    }
}
