/* Colours as written in a pipeline file. */
#ifndef THUMBWHEEL_COLOUR_NAME_H
#define THUMBWHEEL_COLOUR_NAME_H

#include <stdbool.h>

#include "pipeline_file.h"

/* Accepts the name of a basic CSS colour (in any case), #rrggbb or #rgb. */
bool colour_parse(const char *text, struct colour *out);

#endif
