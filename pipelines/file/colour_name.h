/* Colours as people write them in a pipeline file. */
#ifndef THUMBWHEEL_COLOUR_NAME_H
#define THUMBWHEEL_COLOUR_NAME_H

#include <stdbool.h>

#include "pipeline_file.h"

/* A CSS basic colour's name in any case, or #rrggbb, or #rgb. */
bool colour_parse(const char *text, struct colour *out);

#endif
