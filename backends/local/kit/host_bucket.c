#include "host_bucket.h"

#include <string.h>
#include <strings.h>

struct slice host_without_port(struct slice host)
{
    const char *colon = host.size ? memrchr(host.data, ':', host.size) : NULL;
    if (!colon || memchr(colon, ']', host.size - (size_t)(colon - host.data)))
        return host;
    return (struct slice){host.data, (size_t)(colon - host.data)};
}

/* The size of what stands before the part that names the service; 0: there is none. */
static size_t size_before_service(struct slice host)
{
    static const char *const services[] = {".s3.", ".s3-"};
    static const char localhost[] = ".localhost";
    const size_t end = sizeof localhost - 1;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        const char *service = memmem(host.data, host.size, services[i], strlen(services[i]));
        if (service)
            return (size_t)(service - host.data);
    }
    return host.size > end && strncasecmp(host.data + host.size - end, localhost, end) == 0
               ? host.size - end
               : 0;
}

struct slice host_bucket(struct slice host)
{
    const struct slice none = {NULL, 0};
    if (!host.size)
        return none;
    host = host_without_port(host);
    const struct slice bucket = {host.data, size_before_service(host)};
    return slice_equal_text(bucket, "s3") ? none : bucket; /* s3.localhost is no bucket's host */
}
