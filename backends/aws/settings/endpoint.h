/* The endpoint of each service. */
#ifndef THUMBWHEEL_AWS_ENDPOINT_H
#define THUMBWHEEL_AWS_ENDPOINT_H

#include "backend_settings.h"
#include "bytes.h"
#include "error.h"
#include "profile.h"

enum aws_service { AWS_S3, AWS_SQS, AWS_SNS, AWS_STS, AWS_SSO, AWS_SSO_OIDC, AWS_SERVICE_COUNT };

const char *aws_service_id(enum aws_service service);   /* "s3", as in hosts and signatures */
const char *aws_service_name(enum aws_service service); /* "S3", for messages */

/* The endpoint that the user configured, for free(), without a trailing slash; *out is NULL for the
 * AWS endpoint. */
int endpoint_configured(enum aws_service service, const struct backend_settings *options,
                        const struct profile *profile, char **out, struct error *error);

/* Appends "s3.eu-central-1.amazonaws.com". */
int endpoint_host(enum aws_service service, const char *region, struct buffer *out);
/* The region in an AWS host name ("sqs.eu-west-1.amazonaws.com"); empty for other hosts. */
struct slice endpoint_region(enum aws_service service, struct slice host);

#endif
