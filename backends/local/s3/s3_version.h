#ifndef THUMBWHEEL_LOCAL_S3_VERSION_H
#define THUMBWHEEL_LOCAL_S3_VERSION_H

#include "s3_request.h"
#include "version_id.h"

/* The request's versionId, if any. False: an error was sent. */
bool s3_version_asked(struct s3_request *request, struct object_version *out);

#endif
