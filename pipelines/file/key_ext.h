/* Detects keys whose extension does not match the object's format. */
#ifndef THUMBWHEEL_KEY_EXT_H
#define THUMBWHEEL_KEY_EXT_H

#include "pipeline_file.h"
#include "problems.h"

/* Adds a warning for each template of a checked pipeline that can give an output the extension of
 * another format. */
void key_ext_check(const struct pipeline *pipeline, struct problem_list *problems);

#endif
