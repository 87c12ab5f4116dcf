/* Checks a file before it is parsed as YAML. */
#ifndef THUMBWHEEL_YAML_TEXT_H
#define THUMBWHEEL_YAML_TEXT_H

#include "bytes.h"
#include "problems.h"

/* ERR_INVALID: the text is not UTF-8; the message begins with file:line:column. */
int yaml_text_check(struct slice text, const char *file, struct problem_list *problems);

#endif
