/* The values of settings: from text to the member of a struct. Private to the configuration. Main
 * thread. */
#ifndef THUMBWHEEL_CONFIG_VALUE_H
#define THUMBWHEEL_CONFIG_VALUE_H

#include <stdbool.h>

#include "config_table.h"

/* The member that the row describes. */
void *config_value_place(struct config *config, const struct setting *s);
/* Sets the member to the text `value`; source is what the user wrote ("--workers",
 * "THUMBWHEEL_WORKERS"), for the message. split: a list's values are separated by ':'. Values of
 * a list are added to those that it has. ERR_INVALID: the message says what is allowed. ERR_MEMORY. */
int config_value_set(struct config *config, const struct setting *s, const char *source,
                     const char *value, bool split, struct error *error);
/* Whether it is the address of a Service, which Kubernetes sets in every container of a namespace
 * that has one named "thumbwheel". */
bool config_value_is_injected(const char *value);

#endif
