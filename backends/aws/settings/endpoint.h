/* The endpoint of each service. */
#ifndef THUMBWHEEL_AWS_ENDPOINT_H
#define THUMBWHEEL_AWS_ENDPOINT_H

#include <stdbool.h>

#include "backend_settings.h"
#include "bytes.h"
#include "error.h"
#include "profile.h"

enum aws_service {
    AWS_S3,
    AWS_SQS,
    AWS_SNS,
    AWS_EVENTS,
    AWS_REKOGNITION,
    AWS_STS,
    AWS_SSO,
    AWS_SSO_OIDC,
    AWS_SERVICE_COUNT
};

const char *aws_service_id(enum aws_service service);   /* "s3", as in hosts and signatures */
const char *aws_service_name(enum aws_service service); /* "S3", for messages */

/* What the user has set. Zeroed: nothing. */
struct endpoints {
    char *urls[AWS_SERVICE_COUNT];    /* without a trailing slash; NULL: AWS's own */
    char *regions[AWS_SERVICE_COUNT]; /* in the host of that URL; NULL: it names none */
    bool dualstack, fips;
    bool s3_dualstack, path_style;
};

/* ERR_INVALID: a setting is malformed, or contradicts another. Whatever this returns, free it. */
int endpoints_read(struct endpoints *endpoints, const struct backend_settings *options,
                   const struct profile *profile, struct error *error);
/* ERR_INVALID: AWS has no such endpoints in the region. */
int endpoints_check(const struct endpoints *endpoints, const char *region, struct error *error);
void endpoints_free(struct endpoints *endpoints);

/* Appends the URL of a service in a region, without a trailing slash:
 * "https://sqs.eu-central-1.amazonaws.com", or what the user has set. */
int endpoint_append(const struct endpoints *endpoints, enum aws_service service, const char *region,
                    struct buffer *out);
/* The region to sign for: that in the host of the configured URL, otherwise the one asked for. */
const char *endpoint_region(const struct endpoints *endpoints, enum aws_service service,
                            const char *region);

/* The host of AWS's own endpoint: "sqs.eu-central-1.amazonaws.com". */
int endpoint_host_append(enum aws_service service, const char *region, bool dualstack, bool fips,
                         struct buffer *out);

#endif
