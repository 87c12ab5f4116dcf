#include "service_error.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

void service_error_init(struct service_error *error)
{
    error->code = 0;
    error->text[0] = '\0';
}

int service_error_vset(struct service_error *error, int code, const char *format, va_list args)
{
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, args);
    utf8_repair(error->text);
    return code;
}

int service_error_set(struct service_error *error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    service_error_vset(error, code, format, args);
    va_end(args);
    return code;
}

/* utf8_repair replaces line ends, so each line is repaired alone. */
int service_error_set_lines(struct service_error *error, int code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof error->text, "%s", text);
    for (char *line = error->text, *next; line; line = next) {
        if ((next = strchr(line, '\n')))
            *next = '\0';
        utf8_repair(line);
        if (next)
            *next++ = '\n';
    }
    return code;
}

const struct wire_error *service_error_row(const struct wire_error *table, int code)
{
    if (code == ERR_MEMORY || code == ERR_LIMIT)
        code = SERVICE_UNAVAILABLE;
    return &table[code < 0 ? SERVICE_INTERNAL : code];
}

const char *service_error_text(const struct wire_error *table, const struct service_error *error)
{
    return error->text[0] ? error->text : service_error_row(table, error->code)->text;
}

const char *service_error_side(int status)
{
    return status < 500 ? "Sender" : "Receiver";
}
