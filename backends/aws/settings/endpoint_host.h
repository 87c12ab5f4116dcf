/* Recognises the host names of AWS services. Any thread. */
#ifndef THUMBWHEEL_AWS_ENDPOINT_HOST_H
#define THUMBWHEEL_AWS_ENDPOINT_HOST_H

#include "endpoint.h"

struct endpoint_host {
    struct slice region; /* empty: not a host of this service in AWS. A view into the host or static
                          */
    struct slice port;   /* ":8443", or empty */
    bool vpc;            /* an interface endpoint of a VPC */
    bool dualstack, fips;
};

/*
 * host as in a URL, with or without a port. The forms are
 *   sqs.eu-west-1.amazonaws.com          also with sqs-fips, and with the suffixes of all partitions
 *   sqs.eu-west-1.api.aws                with IPv6; S3: s3.dualstack.eu-west-1.amazonaws.com
 *   vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com    the endpoint of a VPC
 *   eu-west-1.queue.amazonaws.com, queue.amazonaws.com (us-east-1)   the older hosts of SQS
 *   s3.amazonaws.com, sts.amazonaws.com  the global hosts, which are in us-east-1
 */
struct endpoint_host endpoint_host_read(enum aws_service service, struct slice host);

#endif
