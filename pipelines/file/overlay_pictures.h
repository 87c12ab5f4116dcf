/*
 * The pictures of a pipeline's overlays. The process that loads pipeline files reads them from
 * files and draws texts; a decoder process gets them with the pipeline, because it has no rights to
 * files, fonts included. Overlays of the same source share a picture.
 */
#ifndef THUMBWHEEL_OVERLAY_PICTURES_H
#define THUMBWHEEL_OVERLAY_PICTURES_H

#include "pipeline_file.h"

enum {
    OVERLAY_PICTURE_MAX = 1024 * 1024,      /* bytes of one */
    OVERLAY_PICTURES_MAX = 4 * 1024 * 1024, /* of a pipeline */
    OVERLAY_SIDE_MAX = 4096,                /* pixels */
};

typedef int overlay_read(const struct overlay_config *overlay, void *user, struct bytes *out);
/* Gets a picture for each overlay, in the order of the outputs, but once for each source. The code
 * of `read`, or ERR_LIMIT: all pictures together are too large. */
int overlay_pictures_fill(struct pipeline *pipeline, overlay_read *read, void *user);
void overlay_pictures_free(struct pipeline *pipeline);

#endif
