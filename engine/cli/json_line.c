#include "json_line.h"

#include "error.h"
#include "terminal.h"

enum { DIGITS = 12 }; /* of a number with a fraction */

int json_line_print(json_t *value, FILE *out)
{
    const size_t ascii = terminal_needs_ascii(out) ? JSON_ENSURE_ASCII : 0;
    if (!value)
        return ERR_MEMORY;
    const int failed = json_dumpf(value, out, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS) | ascii);
    json_decref(value);
    return failed || fputc('\n', out) == EOF ? ERR_IO : 0;
}
