/* The bucket is in the path for other endpoints and for names that AWS's certificate does not
 * cover, else in the host. */
#include "bucket_endpoint.h"

#include <stdio.h>
#include <string.h>

#include "arn.h"
#include "partition.h"
#include "uri.h"
#include "url.h"

enum { BUCKET_SIZE_MAX = 255, NAME_LEAST = 3 };

/* Whether it can be the first label of a host under AWS's wildcard certificate. */
static bool fits_host(struct slice name)
{
    return name.size >= NAME_LEAST && is_host_label(name);
}

bool bucket_is_arn(const char *bucket)
{
    return strncmp(bucket, "arn:", 4) == 0;
}

static bool is_account(struct slice text)
{
    enum { ACCOUNT_DIGITS = 12 };
    return text.size == ACCOUNT_DIGITS && strspn(text.data, "0123456789") >= text.size;
}

int access_point_read(const char *arn, struct access_point *out)
{
    static const char kind[] = "accesspoint";
    const struct slice resource = arn_part(arn, ARN_RESOURCE);
    *out = (struct access_point){.region = arn_part(arn, ARN_REGION),
                                 .account = arn_part(arn, ARN_ACCOUNT)};
    if (!slice_equal_text(arn_part(arn, ARN_SERVICE), "s3") || !slice_starts_with(resource, kind) ||
        resource.size < sizeof kind ||
        (resource.data[sizeof kind - 1] != '/' && resource.data[sizeof kind - 1] != ':'))
        return ERR_INVALID;
    out->name = (struct slice){resource.data + sizeof kind, resource.size - sizeof kind};
    const struct partition *partition = partition_of(out->region);
    if (!region_is_plain(out->region) || !is_account(out->account) || !fits_host(out->name) ||
        !slice_equal_text(arn_part(arn, ARN_PARTITION), partition->name))
        return ERR_INVALID;
    /* "NAME-ACCOUNT" is a label. */
    return out->name.size + 1 + out->account.size <= HOST_LABEL_MAX ? 0 : ERR_INVALID;
}

/* A numeric address can't have another name before it. */
static bool is_numeric(struct slice host)
{
    return host.data[0] == '[' || strspn(host.data, "0123456789.:") >= host.size;
}

static int point_at_url(const char *text, const struct access_point *point, struct buffer *out)
{
    struct url url;
    if (url_parse(text, &url) || is_numeric(url.host))
        return ERR_INVALID;
    const char *authority = strstr(text, "://") + 3;
    return buffer_format(out, "%s%.*s-%.*s.%s", url.https ? "https://" : "http://",
                         (int)point->name.size, point->name.data, (int)point->account.size,
                         point->account.data, authority);
}

static int point_append(const struct endpoints *endpoints, const char *arn, struct buffer *out)
{
    struct access_point point;
    int code = access_point_read(arn, &point);
    if (code)
        return code;
    if (endpoints->urls[AWS_S3])
        return point_at_url(endpoints->urls[AWS_S3], &point, out);
    if (endpoints->fips && slice_starts_with(point.region, "cn-"))
        return ERR_INVALID; /* there are none */
    return buffer_format(out, "https://%.*s-%.*s.s3-accesspoint%s%s.%.*s.%s", (int)point.name.size,
                         point.name.data, (int)point.account.size, point.account.data,
                         endpoints->fips ? "-fips" : "",
                         endpoints->s3_dualstack ? ".dualstack" : "", (int)point.region.size,
                         point.region.data, partition_of(point.region)->suffix);
}

int bucket_endpoint_append(const struct endpoints *endpoints, const char *bucket,
                           const char *region, bool *in_path, struct buffer *out)
{
    *in_path = false;
    if (!bucket[0] || strlen(bucket) > BUCKET_SIZE_MAX)
        return ERR_INVALID;
    if (bucket_is_arn(bucket))
        return point_append(endpoints, bucket, out);
    if (strchr(bucket, '/'))
        return ERR_INVALID;
    *in_path = endpoints->urls[AWS_S3] || endpoints->path_style || !fits_host(slice_of(bucket));
    if (*in_path) {
        endpoint_append(endpoints, AWS_S3, region, out);
        buffer_byte(out, '/');
        return uri_encode(out, slice_of(bucket), false);
    }
    buffer_format(out, "https://%s.", bucket);
    return endpoint_host_append(AWS_S3, region, endpoints->s3_dualstack, endpoints->fips, out);
}
