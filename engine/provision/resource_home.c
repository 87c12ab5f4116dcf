#include "resource_home.h"

#include <stdio.h>
#include <string.h>

static bool arn_read(const char *arn, struct resource_home *out)
{
    int size = 0;
    if (sscanf(arn, "arn:%15[a-z-]:%*[a-z]:%63[a-z0-9-]:%15[0-9]:%n", out->partition, out->region,
               out->account, &size) != 3 ||
        size == 0)
        return false;
    out->name = arn + size;
    return true;
}

static const char *partition_of(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0)
        return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

static bool url_read(const char *url, struct resource_home *out)
{
    static const char *const forms[] = {"https://sqs.%63[a-z0-9-].amazonaws.com%*[^/]/%15[0-9]/%n",
                                        "https://sqs.%63[a-z0-9-].amazonaws.com/%15[0-9]/%n",
                                        "https://%63[a-z0-9-].queue.amazonaws.com/%15[0-9]/%n"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int size = 0;
        if (sscanf(url, forms[i], out->region, out->account, &size) != 2 || size == 0)
            continue;
        snprintf(out->partition, sizeof out->partition, "%s", partition_of(out->region));
        out->name = url + size;
        return true;
    }
    return false;
}

bool resource_home_read(const char *text, struct resource_home *out)
{
    *out = (struct resource_home){0};
    return (arn_read(text, out) || url_read(text, out)) && out->name[0];
}

bool resource_home_is(const struct resource_home *home, const struct provision_place *place)
{
    return strcmp(home->region, place->region) == 0 && strcmp(home->account, place->account) == 0;
}
