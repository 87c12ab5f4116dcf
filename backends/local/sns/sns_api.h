/* SNS of the embedded cloud. */
#ifndef THUMBWHEEL_LOCAL_SNS_API_H
#define THUMBWHEEL_LOCAL_SNS_API_H

#include "cloud_service.h"

extern const struct cloud_service cloud_sns;

#endif
