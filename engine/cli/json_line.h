/* JSON for scripts: a value on a line of its own. */
#ifndef THUMBWHEEL_JSON_LINE_H
#define THUMBWHEEL_JSON_LINE_H

#include <jansson.h>
#include <stdio.h>

/* Takes the value; NULL: ERR_MEMORY. Characters that a terminal could interpret are escaped. ERR_IO:
 * it could not be written. */
int json_line_print(json_t *value, FILE *out);

#endif
