/* The services of the embedded cloud. */
#ifndef THUMBWHEEL_LOCAL_SERVICES_H
#define THUMBWHEEL_LOCAL_SERVICES_H

#include "cloud_service.h"

extern const struct cloud_service *const cloud_services[]; /* sorted by title; NULL-terminated */

#endif
