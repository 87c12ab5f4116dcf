#include "sns_endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "bytes.h"
#include "uri.h"

enum { URL_MAX_BYTES = 2048 };

struct url_parts {
    struct slice scheme; /* with "://"; data NULL: no URL */
    struct slice user;   /* data NULL: none */
    struct slice rest;   /* from the host on */
};

static struct url_parts url_split(const char *url)
{
    const char *colon = strstr(url, "://");
    if (!colon || strncmp(url, "http", 4) != 0)
        return (struct url_parts){.rest = slice_of(url)};
    const char *host = colon + 3;
    size_t authority = strcspn(host, "/?#");
    const char *at = memchr(host, '@', authority);
    struct url_parts parts = {.scheme = {url, (size_t)(host - url)}, .rest = slice_of(host)};
    if (at) {
        parts.user = (struct slice){host, (size_t)(at - host)};
        parts.rest = slice_of(at + 1);
    }
    return parts;
}

/* The user name and password, decoded, in *out. ERR_INVALID: a broken escape. */
static int user_decode(struct slice user, struct buffer *out)
{
    buffer_init(out, URL_MAX_BYTES);
    return uri_decode(out, user, false);
}

bool sns_endpoint_valid(const char *protocol, const char *url)
{
    struct url_parts parts = url_split(url);
    size_t size = strlen(protocol);
    if (parts.scheme.size != size + 3 || strncmp(url, protocol, size) != 0 ||
        strlen(url) > URL_MAX_BYTES)
        return false;
    for (const char *at = url; *at; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"<>\\^`{|}", *at))
            return false;
    }
    size_t authority = strcspn(parts.rest.data, "/?#");
    if (authority == 0 || parts.rest.data[0] == ':' || memchr(parts.rest.data, '@', authority))
        return false;
    struct buffer user;
    bool valid = !user_decode(parts.user, &user);
    buffer_free(&user);
    return valid;
}

static char *joined(struct slice a, struct slice b, const char *c, struct slice d)
{
    struct buffer out;
    buffer_init(&out, a.size + b.size + strlen(c) + d.size);
    buffer_append(&out, a.data, a.size);
    buffer_append(&out, b.data, b.size);
    buffer_text(&out, c);
    buffer_append(&out, d.data, d.size);
    return buffer_take_text(&out);
}

char *sns_endpoint_shown(const char *endpoint)
{
    struct url_parts parts = url_split(endpoint);
    const char *colon = parts.user.data ? memchr(parts.user.data, ':', parts.user.size) : NULL;
    struct slice name = parts.user;
    if (!parts.user.data)
        return strdup(endpoint);
    if (colon)
        name.size = (size_t)(colon - name.data);
    return joined(parts.scheme, name, colon ? ":****@" : "@", parts.rest);
}

char *sns_endpoint_url(const char *endpoint)
{
    struct url_parts parts = url_split(endpoint);
    return joined(parts.scheme, (struct slice){.data = NULL}, "", parts.rest);
}

char *sns_endpoint_password(const char *endpoint)
{
    struct url_parts parts = url_split(endpoint);
    struct buffer user;
    if (!parts.user.data)
        return strdup("");
    int code = user_decode(parts.user, &user);
    if (!code && !memchr(user.data ? user.data : "", ':', user.size))
        code = buffer_byte(&user, ':');
    static const char scheme[] = "Basic ";
    char *text = code ? NULL : malloc(sizeof scheme + 4 * (user.size / 3 + 1));
    if (text) {
        memcpy(text, scheme, sizeof scheme);
        base64_write(user.data, user.size, text + sizeof scheme - 1);
    }
    buffer_free(&user);
    return text;
}
