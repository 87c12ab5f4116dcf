/* Where things go when the user does not say (XDG Base Directory Specification). Texts are for
 * free(); NULL: no memory. */
#ifndef THUMBWHEEL_STANDARD_DIRECTORIES_H
#define THUMBWHEEL_STANDARD_DIRECTORIES_H

#include "error.h"

/* $XDG_DATA_HOME/thumbwheel, or ~/.local/share/thumbwheel; without a home ./thumbwheel-data. */
char *standard_data_directory(void);
/* $XDG_CACHE_HOME/thumbwheel, or ~/.cache/thumbwheel; without a home under the temporary directory.
 */
char *standard_cache_directory(void);
/* A new private directory under $TMPDIR or /tmp. */
int temporary_directory_create(char **out, struct error *error);

#endif
