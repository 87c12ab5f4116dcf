/* The check of {"numeric": […]} in filter policies and event patterns, with the messages of event-ruler. */
#ifndef THUMBWHEEL_LOCAL_FILTER_NUMERIC_H
#define THUMBWHEEL_LOCAL_FILTER_NUMERIC_H

#include "filter_policy_reader.h"

/* The current token: within the limits of the service (struct filter_reader). ERR_INVALID. */
int filter_number_check(const struct filter_reader *r);
/* The value of the key that was read. ERR_INVALID. */
int filter_numeric_check(struct filter_reader *r);

#endif
