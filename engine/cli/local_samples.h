/*
 * The sample photos that `local` uses if the user gives none. They are created once and kept in the
 * user's cache directory, which `local` and `local --once` share regardless of their data
 * directory; if it is not writable, a temporary directory is used.
 */
#ifndef THUMBWHEEL_LOCAL_SAMPLES_H
#define THUMBWHEEL_LOCAL_SAMPLES_H

#include "service.h"
#include "text_list.h"

struct local_samples {
    struct text_list paths;
    char *temporary; /* the directory to remove at the end; NULL: keep them */
};

/* Runs the service's loop until the samples exist, and shows the progress. A signal ends the
 * process at once. */
int local_samples_make(struct local_samples *samples, struct service *service, struct error *error);
/* Removes the temporary directory, if any. Calling it again is harmless. */
void local_samples_discard(struct local_samples *samples);

#endif
