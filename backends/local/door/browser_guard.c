#include "browser_guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool same_text(struct slice a, struct slice b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* Without the port, the brackets of an IPv6 address, and the root's dot. */
static struct slice name_of(struct slice host)
{
    if (host.size && host.data[0] == '[')
        return host;
    const char *colon = memchr(host.data, ':', host.size);
    if (colon)
        host.size = (size_t)(colon - host.data);
    if (host.size && host.data[host.size - 1] == '.')
        host.size--;
    return host;
}

/* No other machine's page has an address of this machine as its origin. */
static bool is_address(struct slice name)
{
    size_t digits = 0;
    if (name.size && name.data[0] == '[')
        return true;
    while (digits < name.size && strchr("0123456789.", name.data[digits]))
        digits++;
    return digits == name.size;
}

static bool is_name_or_below(struct slice name, struct slice top)
{
    if (!top.size || name.size < top.size)
        return false;
    struct slice end = {name.data + name.size - top.size, top.size};
    return same_text(end, top) && (name.size == top.size || end.data[-1] == '.');
}

static bool is_listed(struct slice name, const char *names,
                      bool (*matches)(struct slice name, struct slice listed))
{
    while (names && *names) {
        size_t size = strcspn(names, ",");
        if (matches(name, (struct slice){names, size}))
            return true;
        names += size + (names[size] == ',');
    }
    return false;
}

bool browser_guard_host(struct slice host, const char *names)
{
    if (!host.size)
        return true;
    struct slice name = name_of(host);
    return is_address(name) || is_name_or_below(name, SLICE_LITERAL("localhost")) ||
           is_listed(name, names, is_name_or_below);
}

bool browser_guard_is_server(struct slice host, const char *names)
{
    if (!host.size)
        return true;
    struct slice name = name_of(host);
    return is_address(name) || same_text(name, SLICE_LITERAL("localhost")) ||
           is_listed(name, names, same_text);
}

static bool is_own_origin(const struct http_call *call, struct slice origin, bool tls)
{
    struct slice host = http_call_header(call, "host");
    const char *scheme = tls ? "https://" : "http://";
    size_t size = strlen(scheme);
    return origin.size > size && strncasecmp(origin.data, scheme, size) == 0 &&
           same_text((struct slice){origin.data + size, origin.size - size}, host);
}

bool browser_guard_is_page(const struct http_call *call, bool tls)
{
    struct slice site = http_call_header(call, "sec-fetch-site");
    struct slice origin = http_call_header(call, "origin");
    if (site.data && !slice_equal_text(site, "same-origin") && !slice_equal_text(site, "none"))
        return true;
    return origin.data && !is_own_origin(call, origin, tls);
}

bool browser_guard_is_gallery(struct slice origin, unsigned port, const char *origins)
{
    char end[16];
    const char *host = memmem(origin.data, origin.size, "://", 3);
    if (is_listed(origin, origins, same_text))
        return true;
    if (!host || !port)
        return false;
    snprintf(end, sizeof end, ":%u", port);
    host += 3;
    struct slice rest = {host, origin.size - (size_t)(host - origin.data)};
    if (!slice_ends_with(rest, end))
        return false;
    rest.size -= strlen(end);
    return rest.size && (is_address(rest) || same_text(rest, SLICE_LITERAL("localhost")));
}

bool browser_guard_is_opaque(const struct http_call *call)
{
    struct slice mode = http_call_header(call, "sec-fetch-mode");
    struct slice method = http_call_method(call);
    return (slice_equal_text(method, "GET") || slice_equal_text(method, "HEAD")) &&
           (slice_equal_text(mode, "navigate") || slice_equal_text(mode, "no-cors"));
}

bool browser_guard_displays(const struct http_call *call)
{
    struct slice mode = http_call_header(call, "sec-fetch-mode");
    struct slice accept = http_call_header(call, "accept");
    if (mode.data)
        return slice_equal_text(mode, "navigate");
    /* older browsers */
    return accept.data && memmem(accept.data, accept.size, "text/html", strlen("text/html"));
}

const struct http_header browser_guard_headers[BROWSER_GUARD_HEADERS] = {
    {"Content-Security-Policy", "sandbox"},
    {"X-Content-Type-Options", "nosniff"},
};
