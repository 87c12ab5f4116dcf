/* Sources: "Amazon SQS endpoints and quotas" and its neighbours in the AWS General Reference;
 * "Interface VPC endpoints", Amazon VPC User Guide; endpoints.json of botocore (sslCommonName). */
#include "endpoint_host.h"

#include <stdio.h>
#include <string.h>

#include "partition.h"

enum { NAME_SIZE_MAX = 32 };

static struct slice without_end(struct slice text, size_t size)
{
    return (struct slice){text.data, text.size - size};
}

/* Removes the end and the dot before it. The text may be the end alone. */
static bool end_cut(struct slice *text, const char *end)
{
    const size_t size = strlen(end);
    if (slice_equal_text(*text, end)) {
        text->size = 0;
        return true;
    }
    if (text->size < size + 2 || !slice_ends_with(*text, end) ||
        text->data[text->size - size - 1] != '.')
        return false;
    *text = without_end(*text, size + 1);
    return true;
}

/* Cuts the last label. */
static struct slice label_cut(struct slice *text)
{
    const char *dot = text->size ? memrchr(text->data, '.', text->size) : NULL;
    const size_t before = dot ? (size_t)(dot - text->data) : 0;
    const size_t skipped = dot ? before + 1 : 0;
    const struct slice label = {text->data + skipped, text->size - skipped};
    text->size = before;
    return label;
}

static struct slice port_cut(struct slice *host)
{
    const char *colon = host->size ? memchr(host->data, ':', host->size) : NULL;
    if (!colon)
        return slice_of(NULL);
    const size_t before = (size_t)(colon - host->data);
    const struct slice port = {colon, host->size - before};
    host->size = before;
    return port;
}

/* What is left of "vpce-1.sqs.eu-west-1.vpce" names the service: at its end, and alone except in
 * a VPC. */
static bool names_service(enum aws_service service, struct slice rest, struct endpoint_host *out)
{
    char name[NAME_SIZE_MAX];
    if (service == AWS_S3 && end_cut(&rest, "dualstack"))
        out->dualstack = true;
    snprintf(name, sizeof name, "%s-fips", aws_service_id(service));
    out->fips = end_cut(&rest, name);
    return (out->fips || end_cut(&rest, aws_service_id(service))) && (rest.size == 0 || out->vpc);
}

/* "queue", "eu-west-1.queue", "s3": hosts without a region, or before SQS had one in the usual
 * place. */
static bool is_older(enum aws_service service, struct slice rest, struct endpoint_host *out)
{
    const bool is_queue = service == AWS_SQS && end_cut(&rest, "queue");
    if (is_queue && rest.size) {
        out->region = rest;
        return region_is_plain(rest);
    }
    if (!is_queue && (service != AWS_S3 || !slice_equal_text(rest, "s3")) &&
        (service != AWS_STS || !slice_equal_text(rest, "sts")))
        return false;
    out->region = SLICE_LITERAL("us-east-1");
    return true;
}

static bool is_of_partition(enum aws_service service, struct slice rest, struct endpoint_host *out)
{
    if (is_older(service, rest, out))
        return true;
    out->vpc = end_cut(&rest, "vpce");
    out->region = label_cut(&rest);
    return region_is_plain(out->region) && names_service(service, rest, out);
}

struct endpoint_host endpoint_host_read(enum aws_service service, struct slice host)
{
    const struct slice port = port_cut(&host);
    const struct partition *partition;
    for (size_t i = 0; (partition = partition_at(i)); i++) {
        struct endpoint_host found = {.port = port};
        struct slice rest = host;
        found.dualstack = end_cut(&rest, partition->dualstack_suffix);
        if ((found.dualstack || end_cut(&rest, partition->suffix)) &&
            is_of_partition(service, rest, &found) && partition_of(found.region) == partition)
            return found;
    }
    return (struct endpoint_host){.port = port};
}
