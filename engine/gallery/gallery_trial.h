/* Trials of pipelines, and their renditions for a while. A part of the gallery. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_TRIAL_H
#define THUMBWHEEL_GALLERY_TRIAL_H

#include "gallery_private.h"

int gallery_trials_open(struct gallery *gallery, struct error *error);
void gallery_trials_close(struct gallery *gallery);

#endif
