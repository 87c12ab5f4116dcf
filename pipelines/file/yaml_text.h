/* What is checked of a file before it is read as YAML. */
#ifndef THUMBWHEEL_YAML_TEXT_H
#define THUMBWHEEL_YAML_TEXT_H

#include "bytes.h"
#include "problems.h"

/* ERR_INVALID where the text is not UTF-8; the error's text begins with file:line:column. */
int yaml_text_check(struct slice text, const char *file, struct problem_list *problems);

#endif
