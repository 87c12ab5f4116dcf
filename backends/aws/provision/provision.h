/* Reads and writes the resources of a plan. Loop thread. */
#ifndef THUMBWHEEL_PROVISION_H
#define THUMBWHEEL_PROVISION_H

#include "error.h"
#include "provision_change.h"

struct aws;

typedef void aws_done(const struct error *error, void *user);

/* See struct provision_run, which is borrowed until the callback. The error names the resource.
 * After a failure, another run continues from what it finds. On error (ERR_MEMORY, ERR_INVALID) no
 * callback is called. */
int aws_provision(struct aws *aws, const struct provision_run *run, aws_done *done, void *user);

#endif
