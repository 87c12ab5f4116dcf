/* Sends the requests of an init file, one after the other. Loop thread. */
#ifndef THUMBWHEEL_AWS_INIT_H
#define THUMBWHEEL_AWS_INIT_H

#include "error.h"
#include "init_file.h"

struct aws;

typedef void aws_init_done(const struct error *error, void *user);

/* The file is borrowed until the callback. The error begins with the place in the file; ERR_INVALID:
 * a service refused the request. On error (ERR_MEMORY) no callback is called. A file without
 * requests is an error (ERR_INVALID). */
int aws_init(struct aws *aws, const struct init_file *file, aws_init_done *done, void *user);

#endif
