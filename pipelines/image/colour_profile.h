/* Reads ICC profiles without applying them. */
#ifndef THUMBWHEEL_COLOUR_PROFILE_H
#define THUMBWHEEL_COLOUR_PROFILE_H

#include <stdbool.h>

#include "bytes.h"

/* Whether a profile is one of the well-known variants of plain sRGB, so that converting to sRGB
 * would change nothing. Most photographs have one; skipping the conversion saves about a tenth of
 * the render time. In doubt: false. */
bool colour_profile_is_srgb(struct slice profile);

/* The number of colour channels that a profile describes: 1 (grey), 3 (RGB) or 4 (CMYK). 0: it is
 * none of these, is damaged, or does not lead from an image to colours. */
unsigned colour_profile_channels(struct slice profile);

enum colour_intent { INTENT_NONE, INTENT_RELATIVE, INTENT_PERCEPTUAL, INTENT_SATURATION };

/* The rendering intent to use: relative colorimetric if the profile has what it takes, else the one
 * for which it has a table. Some profiles, such as that of an XYB JPEG, only have a perceptual
 * table. INTENT_NONE: the profile has nothing to convert with. */
enum colour_intent colour_profile_intent(struct slice profile);

#endif
