/* Where things go when the user does not say (XDG Base Directory Specification). Texts are for
 * free(); NULL: no memory. */
#ifndef THUMBWHEEL_PLACES_H
#define THUMBWHEEL_PLACES_H

#include "error.h"

/* $XDG_DATA_HOME/thumbwheel, or ~/.local/share/thumbwheel; without a home ./thumbwheel-data. */
char *place_data(void);
/* $XDG_CACHE_HOME/thumbwheel, or ~/.cache/thumbwheel; without a home under the temporary directory.
 */
char *place_cache(void);
/* A new private directory under $TMPDIR or /tmp. */
int place_temporary(char **out, struct error *error);

#endif
