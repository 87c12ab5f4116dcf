/* The border of a picture. */
#ifndef THUMBWHEEL_IMAGE_TRIM_H
#define THUMBWHEEL_IMAGE_TRIM_H

#include "image_ops.h"

/* The smallest part that contains all pixels which differ from the one in the top left corner by
 * more than the threshold (of 255), in a colour as it shows with its transparency, or in
 * transparency. All of the picture if no pixel does. */
int image_find_content(VipsImage *image, int threshold, struct plan_box *out);

#endif
