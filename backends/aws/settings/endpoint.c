/* The sources are tried in the order given in "Service-specific endpoints", AWS SDKs and Tools
 * Reference Guide. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "url.h"

static const struct {
    const char *id, *name, *variable, *setting;
} services[] = {
    [AWS_S3] = {"s3", "S3", "AWS_ENDPOINT_URL_S3", "s3.endpoint_url"},
    [AWS_SQS] = {"sqs", "SQS", "AWS_ENDPOINT_URL_SQS", "sqs.endpoint_url"},
    [AWS_SNS] = {"sns", "SNS", "AWS_ENDPOINT_URL_SNS", "sns.endpoint_url"},
    [AWS_STS] = {"sts", "STS", "AWS_ENDPOINT_URL_STS", "sts.endpoint_url"},
    [AWS_SSO] = {"portal.sso", "SSO", "AWS_ENDPOINT_URL_SSO", "sso.endpoint_url"},
    [AWS_SSO_OIDC] = {"oidc", "SSO OIDC", "AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc.endpoint_url"},
};

const char *aws_service_id(enum aws_service service)
{
    return services[service].id;
}

const char *aws_service_name(enum aws_service service)
{
    return services[service].name;
}

static const char *configured_text(enum aws_service service, const struct backend_settings *options,
                                   const struct profile *profile)
{
    if (options->endpoint)
        return options->endpoint;
    const char *ignore = profile_variable(profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if (!ignore)
        ignore = profile_get(profile, "ignore_configured_endpoint_urls");
    if (ignore && strcasecmp(ignore, "true") == 0)
        return NULL;
    const char *text = profile_variable(profile, services[service].variable);
    if (!text)
        text = profile_variable(profile, "AWS_ENDPOINT_URL");
    if (!text)
        text = profile_get_service(profile, services[service].setting);
    return text ? text : profile_get(profile, "endpoint_url");
}

int endpoint_configured(enum aws_service service, const struct backend_settings *options,
                        const struct profile *profile, char **out, struct error *error)
{
    *out = NULL;
    const char *text = configured_text(service, options, profile);
    if (!text)
        return 0;
    struct url url;
    if (url_parse(text, &url) || url.query.size)
        return error_set(error, ERR_INVALID,
                         "the endpoint for %s is not a URL like http://127.0.0.1:4566: \"%.100s\"",
                         services[service].name, text);
    struct slice trimmed = {text, url.origin.size + url.path.size};
    while (trimmed.size > url.origin.size && trimmed.data[trimmed.size - 1] == '/')
        trimmed.size--;
    *out = slice_dup(trimmed);
    return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static const char *dns_suffix(const char *region)
{
    return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

int endpoint_host(enum aws_service service, const char *region, struct buffer *out)
{
    return buffer_format(out, "%s.%s.%s", services[service].id, region, dns_suffix(region));
}

struct slice endpoint_region(enum aws_service service, struct slice host)
{
    char prefix[16];
    int size = snprintf(prefix, sizeof prefix, "%s.", services[service].id);
    if (!slice_starts_with(host, prefix))
        return slice_of(NULL);
    struct slice rest = {host.data + size, host.size - (size_t)size};
    const char *dot = memchr(rest.data, '.', rest.size);
    if (!dot)
        return slice_of(NULL);
    struct slice suffix = {dot, rest.size - (size_t)(dot - rest.data)};
    bool ours =
        slice_equal_text(suffix, ".amazonaws.com") || slice_equal_text(suffix, ".amazonaws.com.cn");
    return ours ? (struct slice){rest.data, (size_t)(dot - rest.data)} : slice_of(NULL);
}
