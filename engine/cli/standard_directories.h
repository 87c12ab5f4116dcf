/* The default directories (XDG Base Directory Specification). The caller frees the paths; NULL: out
 * of memory. */
#ifndef THUMBWHEEL_STANDARD_DIRECTORIES_H
#define THUMBWHEEL_STANDARD_DIRECTORIES_H

#include "error.h"

/* $XDG_DATA_HOME/thumbwheel, or ~/.local/share/thumbwheel; without HOME ./thumbwheel-data. */
char *standard_data_directory(void);
/* $XDG_STATE_HOME/thumbwheel, or ~/.local/state/thumbwheel; without HOME ./thumbwheel-state. */
char *standard_state_directory(void);
/* $XDG_CACHE_HOME/thumbwheel, or ~/.cache/thumbwheel; without HOME under the temporary
 * directory. */
char *standard_cache_directory(void);
/* Creates a private directory under $TMPDIR or /tmp. */
int temporary_directory_create(char **out, struct error *error);

#endif
