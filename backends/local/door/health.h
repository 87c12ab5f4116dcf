/*
 * Unsigned health checks, at the paths that clients of other emulators ask: GET and HEAD of /health
 * and /_localstack/health (JSON that lists the services), and of /minio/health/live. A signed request
 * to one of these paths is an S3 request. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_HEALTH_H
#define THUMBWHEEL_LOCAL_HEALTH_H

#include "cloud.h"

/* Responds to an unsigned request that is a health check; false: it is none. */
bool health_respond(struct cloud_request *request);

#endif
