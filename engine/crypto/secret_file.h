/* Reads a small file that holds a secret, on a thread of libuv's pool. Loop thread. */
#ifndef THUMBWHEEL_SECRET_FILE_H
#define THUMBWHEEL_SECRET_FILE_H

#include <uv.h>

#include "error.h"

enum { SECRET_FILE_MAX = 64 * 1024 };

struct secret_read; /* under way */

/* The text is without white space at its end, borrowed, and wiped afterwards; NULL: *error says
 * why. */
typedef void secret_read_done(char *text, const struct error *error, void *user);

int secret_read_start(uv_loop_t *loop, const char *path, secret_read_done *done, void *user,
                      struct secret_read **out, struct error *error);
/* Nothing is called back; it frees itself. */
void secret_read_cancel(struct secret_read *read);

#endif
