/* The formats of images that can be read, by name, and which of them an operator enables. */
#ifndef THUMBWHEEL_INPUT_FORMATS_H
#define THUMBWHEEL_INPUT_FORMATS_H

#include <stdbool.h>

#include "error.h"

/* Why the others are not among them: docs/formats.md. */
#define INPUT_FORMATS_DEFAULT "jpeg,png,webp,avif,tiff,gif,heif"

/* A set of formats; 0 stands for the default. "jpeg,png": these; "+jxl,-gif": the default with
 * changes. ERR_INVALID. */
int input_formats_parse(const char *text, unsigned *out, struct error *error);
/* false as well for a name that is unknown. */
bool input_formats_has(unsigned formats, const char *name);

#endif
