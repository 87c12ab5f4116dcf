/* The init file of `thumbwheel local`. */
#ifndef THUMBWHEEL_LOCAL_INIT_H
#define THUMBWHEEL_LOCAL_INIT_H

#include "command.h"
#include "init_file.h"

struct service;

/* Loads the file of --init, if there is one; if it has problems, prints all of them and returns
 * STATUS_USAGE. The caller clears the file in any case. */
int local_init_load(const struct config *config, struct init_file *file);
/* Creates what the file lists. */
int local_init_apply(struct service *service, const struct init_file *file, struct error *error);

#endif
