/* Overlays that are objects in buckets: their names, and the pipeline with their pictures. */
#ifndef THUMBWHEEL_OVERLAY_OBJECTS_H
#define THUMBWHEEL_OVERLAY_OBJECTS_H

#include "pipeline_file.h"

/* What is wrong with s3://BUCKET/KEY or KEY, as the end of a sentence; NULL: nothing. Static. */
const char *overlay_object_flaw(const char *object);
/* Fills pipeline->overlays and the facts about them: each object once. ERR_MEMORY. */
int overlay_objects_find(struct pipeline *pipeline);
void overlay_objects_free(struct pipeline *pipeline);
/* The seam's with_pictures. */
int overlay_objects_fill(const struct pipeline *pipeline, const struct slice *pictures,
                         struct pipeline **out, struct error *error);

#endif
