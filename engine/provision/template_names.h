/* The names of a template's elements, made of the resources' names: unique in the template. Any
 * thread. */
#ifndef THUMBWHEEL_TEMPLATE_NAMES_H
#define THUMBWHEEL_TEMPLATE_NAMES_H

#include "provision_plan.h"

enum template_style { TEMPLATE_CAMEL /* WebQueue */, TEMPLATE_SNAKE /* web_queue */ };

struct template_names {
    enum template_style style;
    struct text_list used;
};

/* A new name of the parts (either may be ""), with a number if it is used already. "" after an
 * error, which is ERR_MEMORY, in *code. */
const char *template_name(struct template_names *names, const char *first, const char *second,
                          int *code);
void template_names_clear(struct template_names *names);

#endif
