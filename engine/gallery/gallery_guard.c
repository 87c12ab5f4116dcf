#include "gallery_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "gallery_accounts.h"
#include "gallery_cookie.h"

enum { HOST_SHOWN = 128 };

static bool same_text(struct slice a, struct slice b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* ---- the host ---- */

/* Without the port, and the brackets of an IPv6 address. */
static struct slice name_of(struct slice host)
{
    const char *end = host.size && host.data[0] == '[' ? memchr(host.data, ']', host.size) : NULL;
    if (end)
        return (struct slice){host.data + 1, (size_t)(end - host.data) - 1};
    const char *colon = memchr(host.data, ':', host.size);
    return (struct slice){host.data, colon ? (size_t)(colon - host.data) : host.size};
}

/* No page of another machine has this machine's address as the name in its address. */
static bool is_address(struct slice name)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    snprintf(text, sizeof text, "%.*s", (int)(name.size < sizeof text ? name.size : 0), name.data);
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static struct slice host_of_origin(const char *origin)
{
    const char *host = strstr(origin, "://");
    return slice_of(host ? host + 3 : origin);
}

/* Of --gallery-origin; NULL: none has this host. */
static const char *origin_with(const struct gallery *gallery, struct slice host)
{
    for (size_t i = 0; i < gallery->options.origin_count; i++)
        if (same_text(host, host_of_origin(gallery->options.origins[i])))
            return gallery->options.origins[i];
    return NULL;
}

bool guard_host(struct gallery_call *call)
{
    const struct slice host = http_call_header(call->http, "host"), name = name_of(host);
    if (is_address(name) || same_text(name, SLICE_LITERAL("localhost")) ||
        origin_with(call->gallery, host))
        return true;
    gallery_refuse(call, 421, "unknown_host",
                   "the gallery is not served under the name %.*s; if it should be, start it with "
                   "--gallery-origin and the address of the page, such as https://example.com",
                   (int)(host.size < HOST_SHOWN ? host.size : HOST_SHOWN),
                   host.data ? host.data : "");
    return false;
}

bool guard_is_secure(const struct gallery_call *call)
{
    const char *origin = origin_with(call->gallery, http_call_header(call->http, "host"));
    return call->gallery->options.tls || (origin && strncmp(origin, "https://", 8) == 0);
}

/* ---- the page that sends it ---- */

/* The page has the address under which the request was sent. */
static bool is_own_origin(const struct gallery_call *call, struct slice origin)
{
    const struct slice host = http_call_header(call->http, "host");
    const struct gallery_options *options = &call->gallery->options;
    const char *scheme = options->tls ? "https://" : "http://";
    const size_t size = strlen(scheme);
    for (size_t i = 0; i < options->origin_count; i++)
        if (same_text(origin, slice_of(options->origins[i])))
            return same_text(host, host_of_origin(options->origins[i]));
    return !origin_with(call->gallery, host) && origin.size > size &&
           memcmp(origin.data, scheme, size) == 0 &&
           same_text((struct slice){origin.data + size, origin.size - size}, host);
}

static void refuse_page(struct gallery_call *call)
{
    gallery_refuse(call, 403, "foreign_page",
                   "the request does not come from the gallery's own page; if it does, start the "
                   "gallery with --gallery-origin and the address of the page");
}

bool guard_fetch(struct gallery_call *call)
{
    const struct slice site = http_call_header(call->http, "sec-fetch-site");
    if (!site.data || slice_equal_text(site, "same-origin") || slice_equal_text(site, "none"))
        return true;
    refuse_page(call);
    return false;
}

bool guard_origin(struct gallery_call *call)
{
    const struct slice site = http_call_header(call->http, "sec-fetch-site");
    const struct slice origin = http_call_header(call->http, "origin");
    if (is_own_origin(call, origin) && (!site.data || slice_equal_text(site, "same-origin")))
        return true;
    refuse_page(call);
    return false;
}

/* ---- who has logged in ---- */

bool guard_session(struct gallery_call *call)
{
    const struct gallery *gallery = call->gallery;
    const struct slice cookie =
        cookie_find(http_call_header(call->http, "cookie"), gallery->cookie_name);
    const int64_t now_s = (int64_t)time(NULL);
    if (!session_read(cookie, gallery->session_key, now_s, &call->session) ||
        !gallery_session_holds(gallery, &call->session)) {
        gallery_refuse(call, 401, "not_logged_in", "log in first");
        return false;
    }
    if (call->session.expires_s - now_s < SESSION_LIFETIME_S - SESSION_RENEWED_S) {
        call->session.expires_s = now_s + SESSION_LIFETIME_S;
        gallery_cookie_set(call, &call->session, guard_is_secure(call));
    }
    return true;
}
