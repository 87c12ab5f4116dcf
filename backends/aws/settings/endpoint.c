/*
 * Sources: "Service-specific endpoints" (the order of the settings) and "Dual-stack and FIPS
 * endpoints", AWS SDKs and Tools Reference Guide; the endpoint rule sets of the SDKs (the hosts).
 * Like them, this refuses to combine another endpoint with a variant of AWS's: nobody could know
 * whether it has a validated cryptographic module.
 */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "endpoint_host.h"
#include "partition.h"
#include "url.h"

static const struct {
    const char *id, *name, *variable, *setting;
} services[] = {
    [AWS_S3] = {"s3", "S3", "AWS_ENDPOINT_URL_S3", "s3.endpoint_url"},
    [AWS_SQS] = {"sqs", "SQS", "AWS_ENDPOINT_URL_SQS", "sqs.endpoint_url"},
    [AWS_SNS] = {"sns", "SNS", "AWS_ENDPOINT_URL_SNS", "sns.endpoint_url"},
    [AWS_EVENTS] = {"events", "EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE",
                    "eventbridge.endpoint_url"},
    [AWS_REKOGNITION] = {"rekognition", "Rekognition", "AWS_ENDPOINT_URL_REKOGNITION",
                         "rekognition.endpoint_url"},
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

/* ---- settings ---- */

/* Anything but true and false is an error: a mistyped "yes" must not switch FIPS off. */
static int flag_parse(const char *name, const char *value, bool *out, struct error *error)
{
    *out = strcasecmp(value, "true") == 0;
    if (*out || strcasecmp(value, "false") == 0)
        return 0;
    return error_set(error, ERR_INVALID, "%s is \"%.40s\"; it must be true or false", name, value);
}

/* An absent setting leaves *out as it is. */
static int flag_read(const struct profile *profile, const char *variable, const char *key,
                     bool *out, struct error *error)
{
    const char *value = variable ? profile_variable(profile, variable) : NULL;
    if (value)
        return flag_parse(variable, value, out, error);
    value = profile_get(profile, key);
    return value ? flag_parse(key, value, out, error) : 0;
}

static const char *configured_text(enum aws_service service, const struct backend_settings *options,
                                   const struct profile *profile, bool ignored)
{
    if (options->endpoint || ignored)
        return options->endpoint;
    const char *text = profile_variable(profile, services[service].variable);
    if (!text)
        text = profile_variable(profile, "AWS_ENDPOINT_URL");
    if (!text)
        text = profile_get_service(profile, services[service].setting);
    return text ? text : profile_get(profile, "endpoint_url");
}

static int url_read(struct endpoints *endpoints, enum aws_service service, const char *text,
                    struct error *error)
{
    struct url url;
    if (url_parse(text, &url) || url.query.size)
        return error_set(error, ERR_INVALID,
                         "the endpoint for %s is not a URL like http://127.0.0.1:4566: \"%.100s\"",
                         services[service].name, text);
    struct slice trimmed = {text, url.origin.size + url.path.size};
    while (trimmed.size > url.origin.size && trimmed.data[trimmed.size - 1] == '/')
        trimmed.size--;
    const struct slice region = endpoint_host_read(service, url.host).region;
    endpoints->urls[service] = slice_dup(trimmed);
    endpoints->regions[service] = region.size ? slice_dup(region) : NULL;
    return endpoints->urls[service] && (endpoints->regions[service] || !region.size)
               ? 0
               : error_set(error, ERR_MEMORY, "out of memory");
}

static int services_find(const struct profile *profile, struct error *error)
{
    const char *missing = profile_services_missing(profile);
    if (!missing)
        return 0;
    return error_set(error, ERR_INVALID,
                     "the AWS profile \"%s\" has services = %.60s, but ~/.aws/config has no "
                     "[services %.60s]",
                     profile->name, missing, missing);
}

static int urls_read(struct endpoints *endpoints, const struct backend_settings *options,
                     const struct profile *profile, struct error *error)
{
    bool ignored = false;
    int code = flag_read(profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                         "ignore_configured_endpoint_urls", &ignored, error);
    if (!code && !ignored)
        code = services_find(profile, error);
    for (int i = 0; i < AWS_SERVICE_COUNT && !code; i++) {
        const char *text = configured_text((enum aws_service)i, options, profile, ignored);
        if (text)
            code = url_read(endpoints, (enum aws_service)i, text, error);
    }
    return code;
}

static int variants_read(struct endpoints *endpoints, const struct profile *profile,
                         struct error *error)
{
    int code = flag_read(profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
                         &endpoints->dualstack, error);
    if (code)
        return code;
    code =
        flag_read(profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &endpoints->fips, error);
    if (code)
        return code;
    endpoints->s3_dualstack = endpoints->dualstack;
    bool of_s3 = false; /* older than the setting for all services; only "true" counts */
    code = flag_read(profile, NULL, "s3.use_dualstack_endpoint", &of_s3, error);
    endpoints->s3_dualstack |= of_s3;
    return code;
}

static int contradiction_find(const struct endpoints *endpoints, struct error *error)
{
    for (int i = 0; i < AWS_SERVICE_COUNT; i++) {
        const bool dualstack = i == AWS_S3 ? endpoints->s3_dualstack : endpoints->dualstack;
        if (!endpoints->urls[i] || (!dualstack && !endpoints->fips))
            continue;
        return error_set(error, ERR_INVALID,
                         "%s and an endpoint for %s (%.100s) cannot be combined; remove one of "
                         "them, or set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
                         endpoints->fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT",
                         services[i].name, endpoints->urls[i]);
    }
    return 0;
}

int endpoints_read(struct endpoints *endpoints, const struct backend_settings *options,
                   const struct profile *profile, struct error *error)
{
    *endpoints = (struct endpoints){0};
    int code = urls_read(endpoints, options, profile, error);
    if (code)
        return code;
    code = variants_read(endpoints, profile, error);
    if (code)
        return code;
    code = contradiction_find(endpoints, error);
    if (code)
        return code;
    const char *style = profile_get_service(profile, "s3.addressing_style");
    if (!style)
        style = profile_get(profile, "s3.addressing_style");
    endpoints->path_style = options->path_style || (style && strcasecmp(style, "path") == 0);
    return 0;
}

int endpoints_check(const struct endpoints *endpoints, const char *region, struct error *error)
{
    const char *partition = partition_of(slice_of(region))->name;
    if (endpoints->fips && !endpoints->urls[AWS_S3] && strcmp(partition, "aws-cn") == 0)
        return error_set(error, ERR_INVALID,
                         "AWS_USE_FIPS_ENDPOINT is set, but S3 has no FIPS endpoint in %s", region);
    return 0;
}

void endpoints_free(struct endpoints *endpoints)
{
    for (int i = 0; i < AWS_SERVICE_COUNT; i++) {
        free(endpoints->urls[i]);
        free(endpoints->regions[i]);
    }
    *endpoints = (struct endpoints){0};
}

/* ---- hosts ---- */

/* In GovCloud the usual hosts of most services are validated; those with dual stack are only for
 * EventBridge. */
static bool is_validated(enum aws_service service, const struct partition *partition,
                         bool dualstack)
{
    return strcmp(partition->name, "aws-us-gov") == 0 && service != AWS_S3 &&
           service != AWS_REKOGNITION && (!dualstack || service == AWS_EVENTS);
}

int endpoint_host_append(enum aws_service service, const char *region, bool dualstack, bool fips,
                         struct buffer *out)
{
    const struct partition *partition = partition_of(slice_of(region));
    const bool in_name = fips && !is_validated(service, partition, dualstack);
    const char *variant = in_name ? "-fips" : "";
    if (service == AWS_S3)
        return buffer_format(out, "s3%s.%s%s.%s", variant, dualstack ? "dualstack." : "", region,
                             partition->suffix);
    return buffer_format(out, "%s%s.%s.%s", services[service].id, variant, region,
                         dualstack ? partition->dualstack_suffix : partition->suffix);
}

int endpoint_append(const struct endpoints *endpoints, enum aws_service service, const char *region,
                    struct buffer *out)
{
    if (endpoints->urls[service])
        return buffer_text(out, endpoints->urls[service]);
    buffer_text(out, "https://");
    return endpoint_host_append(service, region,
                                service == AWS_S3 ? endpoints->s3_dualstack : endpoints->dualstack,
                                endpoints->fips, out);
}

const char *endpoint_region(const struct endpoints *endpoints, enum aws_service service,
                            const char *region)
{
    return endpoints->regions[service] ? endpoints->regions[service] : region;
}
