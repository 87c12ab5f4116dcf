/* The region of the EC2 instance, which its metadata service knows. Loop thread. */
#ifndef THUMBWHEEL_AWS_IMDS_H
#define THUMBWHEEL_AWS_IMDS_H

#include "credential_provider.h"

/* The region is borrowed; NULL: *error says why. From a fresh loop callback. */
typedef void imds_region_done(const char *region, const struct error *error, void *user);

struct instance; /* an inquiry that is under way; gone when done was called */

/* plan: as of plan_instance, borrowed until then. On error done is not called. */
int imds_region(const struct credential_host *host, const struct credential_plan *plan,
                imds_region_done *done, void *user, struct instance **out, struct error *error);

#endif
