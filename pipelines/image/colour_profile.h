/* Reads ICC profiles without applying them. */
#ifndef THUMBWHEEL_COLOUR_PROFILE_H
#define THUMBWHEEL_COLOUR_PROFILE_H

#include <stdbool.h>

#include "bytes.h"

/* Whether a profile is one of the well-known variants of plain sRGB, so that converting to sRGB
 * would change nothing. Most photographs have one; skipping the conversion saves about a tenth of
 * the render time. In doubt: false. */
bool colour_profile_is_srgb(struct slice profile);

#endif
