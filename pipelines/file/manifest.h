/*
 * Manifests: JSON objects that list the renditions of outputs, for the srcset of a web page. They
 * are made of what is known about the renditions, after these have been made, and in the engine's
 * own process, because a decoder process is not trusted with texts. The same renditions always give
 * the same bytes.
 */
#ifndef THUMBWHEEL_MANIFEST_H
#define THUMBWHEEL_MANIFEST_H

#include "pipeline_file.h"

/* Fills the pipeline's list of manifests: outputs with the same key and bucket share one. */
void manifests_find(struct pipeline *pipeline);

/* For a rendered item without an error, which has one rendition for each output of its pipeline:
 * drops those of an entry with widths or dpr that have the key of an earlier one, because the source
 * is smaller; then appends the manifests. A failure becomes the item's error. */
void manifests_add(const struct render_source *source, struct render_item *item);

#endif
