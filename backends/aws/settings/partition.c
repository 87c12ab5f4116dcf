/* Source: partitions.json of the AWS SDKs (@aws-sdk/util-endpoints 3.965). */
#include "partition.h"

#include <string.h>

/* The first has no prefix: the names of its regions begin with many continents. */
static const struct partition partitions[] = {
    {"aws", "", "amazonaws.com", "api.aws"},
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
};

enum { PARTITIONS = sizeof partitions / sizeof *partitions };

const struct partition *partition_at(size_t index)
{
    return index < PARTITIONS ? &partitions[index] : NULL;
}

const struct partition *partition_of(struct slice region)
{
    for (size_t i = 1; i < PARTITIONS; i++) {
        if (slice_starts_with(region, partitions[i].prefix))
            return &partitions[i];
    }
    return &partitions[0];
}

bool is_host_label(struct slice text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (text.size == 0 || text.size > HOST_LABEL_MAX || text.data[0] == '-' ||
        text.data[text.size - 1] == '-')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!memchr(allowed, text.data[i], sizeof allowed - 1))
            return false;
    }
    return true;
}

bool region_is_plain(struct slice region)
{
    return is_host_label(region);
}
