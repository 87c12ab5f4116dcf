/* The built-in labeler: labels from an image's pixels and metadata. labels.c documents each label.
 */
#ifndef THUMBWHEEL_LABELS_H
#define THUMBWHEEL_LABELS_H

#include "error.h"
#include "labeler.h"
#include "pipeline.h"
#include "vips_api.h"

#define LABEL_DHASH_NAME "dHash"
#define LABEL_PHASH_NAME "pHash"

/* Worker thread. image: the decoded source, upright, sRGB or grey, 8 bit, with alpha if it has any,
 * possibly reduced, but to no less than 256 px on its long side. original: as opened, for metadata
 * (EXIF fields by vips_image_get_string "exif-ifd0-Model" etc.). facts: of the source. hashes: bits
 * of enum label_hash.
 */
int labels_analyse(VipsImage *image, VipsImage *original, const struct image_facts *facts,
                   int hashes, struct label_set *out, struct error *error);

#endif
