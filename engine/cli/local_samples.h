/*
 * The sample photos of `local`, for who gives none. They are created once and kept in the user's
 * cache, which `local` and `local --once` share whatever their data directory is; where that cannot
 * be written to, in a temporary directory.
 */
#ifndef THUMBWHEEL_LOCAL_SAMPLES_H
#define THUMBWHEEL_LOCAL_SAMPLES_H

#include "service.h"
#include "text_list.h"

struct local_samples {
    struct text_list paths;
    char *temporary; /* the directory to remove in the end; NULL: they are kept */
};

/* Turns the service's loop until they are there, and shows how far they are. A signal meanwhile
 * ends the process at once. */
int local_samples_make(struct local_samples *samples, struct service *service, struct error *error);
/* Removes what is temporary. May be called again. */
void local_samples_discard(struct local_samples *samples);

#endif
