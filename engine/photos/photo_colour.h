/* Colours of photos, for the search. Pure functions, any thread. */
#ifndef THUMBWHEEL_PHOTO_COLOUR_H
#define THUMBWHEEL_PHOTO_COLOUR_H

#include <stdbool.h>

struct lab_colour { /* CIELAB, D65 */
    double lightness, green_red, blue_yellow;
};

/* "#rrggbb" (sRGB); false: it is not of that form. */
bool photo_colour_read(const char *text, struct lab_colour *out);
/* A typical "#rrggbb" of a colour that the built-in labeler names (docs/labels.md); NULL: unknown. */
const char *photo_colour_named(const char *name);

#endif
