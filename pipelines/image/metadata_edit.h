/* Removes from metadata what is not true of an output. */
#ifndef THUMBWHEEL_METADATA_EDIT_H
#define THUMBWHEEL_METADATA_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* Removes the preview of an EXIF block, in place; it shows the source, in its orientation. */
void exif_drop_preview(char *block, size_t size);
/* Removes the tags of an EXIF block, in place, that keep (enum metadata_kept) does not have. What
 * they referred to is overwritten. */
void exif_filter(char *block, size_t size, unsigned keep);
/* Whether XMP describes a gain map, which outputs do not have. */
bool xmp_has_gain_map(struct slice xmp);
/* Removes all eXIf chunks but the first of an encoded PNG, in place. Returns the new size. */
size_t png_drop_repeated_exif(char *png, size_t size);
/* Removes EXIF and XMP of an encoded WebP, in place. Returns the new size. */
size_t webp_drop_metadata(char *webp, size_t size);

#endif
