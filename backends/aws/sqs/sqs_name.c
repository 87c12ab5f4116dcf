#include "sqs_name.h"

#include <string.h>

#include "arn.h"
#include "endpoint_host.h"
#include "partition.h"
#include "sqs_queue.h"
#include "url.h"

enum { ENDPOINT_MAX = 4096 };

char *sqs_endpoint(const struct aws *aws, const char *region)
{
    struct buffer text;
    buffer_init(&text, ENDPOINT_MAX);
    endpoint_append(&aws->endpoints, AWS_SQS, region ? region : aws->region, &text);
    buffer_byte(&text, '/');
    return buffer_take_text(&text);
}

static bool name_is_plain(struct slice name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (size_t i = 0; i < name.size; i++) {
        if (!memchr(allowed, name.data[i], sizeof allowed - 1))
            return false;
    }
    return name.size > 0 && name.size <= 80;
}

int sqs_name_parse(const char *text, struct queue_name *out)
{
    *out = (struct queue_name){.name = slice_of(text)};
    struct url url;
    if (url_parse(text, &url) == 0) {
        const char *slash = strrchr(text, '/');
        out->url = text;
        out->name = slice_of(slash + 1);
        out->region = endpoint_host_read(AWS_SQS, url.host).region;
    } else if (strncmp(text, "arn:", 4) == 0) {
        out->region = arn_part(text, ARN_REGION);
        out->account = arn_part(text, ARN_ACCOUNT);
        out->name = arn_part(text, ARN_RESOURCE);
        if (!slice_equal_text(arn_part(text, ARN_SERVICE), "sqs") ||
            !region_is_plain(out->region) || out->account.size == 0)
            return ERR_INVALID;
    }
    return name_is_plain(out->name) ? 0 : ERR_INVALID;
}

int aws_queue_check(const char *name, struct error *error)
{
    struct queue_name parsed;
    if (sqs_name_parse(name, &parsed))
        return error_set(error, ERR_INVALID,
                         "\"%.200s\" is not a valid queue; use a name (1 to 80 letters, digits, "
                         "hyphens and underscores), a URL or an ARN",
                         name);
    return 0;
}

/* The account in the path of a queue's URL, "/123456789012/web"; empty when there is none. */
static struct slice url_account(const char *text)
{
    enum { ACCOUNT_DIGITS = 12 };
    const char *slash = strrchr(text, '/');
    const size_t before = (size_t)(slash - text);
    if (before <= ACCOUNT_DIGITS || slash[-ACCOUNT_DIGITS - 1] != '/' ||
        strspn(slash - ACCOUNT_DIGITS, "0123456789") != ACCOUNT_DIGITS)
        return slice_of(NULL);
    return (struct slice){slash - ACCOUNT_DIGITS, ACCOUNT_DIGITS};
}

static bool parts_differ(struct slice a, struct slice b)
{
    return a.size && b.size && !slice_equal(a, b);
}

enum queue_relation aws_queue_compare(const char *name, const char *other)
{
    struct queue_name a, b;
    if (sqs_name_parse(name, &a) || sqs_name_parse(other, &b))
        return QUEUES_DIFFER;
    if (strcmp(name, other) == 0)
        return QUEUES_ARE_ONE;
    if (a.url)
        a.account = url_account(a.url);
    if (b.url)
        b.account = url_account(b.url);
    if (!slice_equal(a.name, b.name) || parts_differ(a.account, b.account) ||
        parts_differ(a.region, b.region))
        return QUEUES_DIFFER;
    const bool known = a.account.size && b.account.size && a.region.size && b.region.size;
    return known ? QUEUES_ARE_ONE : QUEUES_MAY_BE_ONE;
}

/* Any host but the usual ones of AWS is used as it is. Those are replaced by the host that the
 * settings ask for (FIPS, dual stack); older ones do not speak this protocol. */
static void origin_append(const struct endpoints *endpoints, const struct url *url,
                          const char *region, struct buffer *out)
{
    const struct endpoint_host host = endpoint_host_read(AWS_SQS, url->host);
    if (!host.region.size || host.vpc) {
        buffer_append(out, url->origin.data, url->origin.size);
        return;
    }
    buffer_text(out, url->https ? "https://" : "http://");
    endpoint_host_append(AWS_SQS, region, host.dualstack || endpoints->dualstack,
                         host.fips || endpoints->fips, out);
    buffer_append(out, host.port.data, host.port.size);
}

/* The host of the URL is the endpoint, unless the user configured another one. */
char *sqs_name_endpoint(const struct aws *aws, const struct queue_name *name, const char *region)
{
    struct url url;
    if (!name->url || aws->endpoints.urls[AWS_SQS])
        return sqs_endpoint(aws, region);
    if (url_parse(name->url, &url))
        return NULL;
    struct buffer text;
    buffer_init(&text, ENDPOINT_MAX);
    origin_append(&aws->endpoints, &url, region, &text);
    buffer_byte(&text, '/');
    return buffer_take_text(&text);
}
