/* ICC profiles, as far as one must look into them without applying them. */
#ifndef THUMBWHEEL_COLOUR_PROFILE_H
#define THUMBWHEEL_COLOUR_PROFILE_H

#include <stdbool.h>

#include "bytes.h"

/* Whether a profile is one of the well-known spellings of plain sRGB, so that converting to sRGB
 * would change nothing. Most photographs carry one; leaving the conversion out saves about a tenth
 * of their time. Anything doubtful: false. */
bool colour_profile_is_srgb(struct slice profile);

#endif
