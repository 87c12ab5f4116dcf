/* Removes from metadata what is not true of an output. */
#ifndef THUMBWHEEL_METADATA_EDIT_H
#define THUMBWHEEL_METADATA_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* Removes the preview of an EXIF block, in place; it shows the source, in its orientation. */
void exif_drop_preview(char *block, size_t size);
/* Whether XMP describes a gain map, which outputs do not have. */
bool xmp_has_gain_map(struct slice xmp);
/* Removes EXIF and XMP of an encoded WebP, in place. Returns the new size. */
size_t webp_drop_metadata(char *webp, size_t size);

#endif
