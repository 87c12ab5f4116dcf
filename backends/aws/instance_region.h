/* The last resort for the region: the EC2 instance's metadata service. */
#ifndef THUMBWHEEL_INSTANCE_REGION_H
#define THUMBWHEEL_INSTANCE_REGION_H

#include "error.h"
#include "profile.h"

/* For free(); NULL: there is none, and *error says why where it was asked. It blocks, for some
 * seconds at most, on a loop of its own: the region is part of every URL, so it must be known before
 * anything else starts. */
char *instance_region(const struct profile *profile, struct error *error);

#endif
