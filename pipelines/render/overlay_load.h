/* The pictures of overlays, from files and fonts. */
#ifndef THUMBWHEEL_OVERLAY_LOAD_H
#define THUMBWHEEL_OVERLAY_LOAD_H

#include "pipeline_file.h"

/* Reads, draws and checks the pictures of all overlays of a pipeline that has just been loaded.
 * Blocking. Adds a problem and returns its code if one can't be used. */
int overlays_load(struct pipeline *pipeline, struct problem_list *problems);

#endif
