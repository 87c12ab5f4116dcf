/* Checks the nodes of an init file by the table of its keys. */
#ifndef THUMBWHEEL_INIT_CHECK_H
#define THUMBWHEEL_INIT_CHECK_H

#include "problems.h"

struct yaml_node;

/* Adds all problems to the list. */
void init_check(const struct yaml_node *root, const char *file, struct problem_list *problems);

#endif
