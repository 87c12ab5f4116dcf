#include "url.h"

#include <string.h>

#include "error.h"

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f || *text == '#')
            return false;
    }
    return true;
}

int url_parse(const char *text, struct url *out)
{
    *out = (struct url){.https = slice_starts_with(slice_of(text), "https://")};
    if (!is_plain(text) || (!out->https && !slice_starts_with(slice_of(text), "http://")))
        return ERR_INVALID;
    size_t scheme = out->https ? 8 : 7;
    out->host = (struct slice){text + scheme, strcspn(text + scheme, "/?")};
    if (out->host.size == 0 || out->host.data[0] == ':' ||
        memchr(out->host.data, '@', out->host.size))
        return ERR_INVALID;
    out->origin = (struct slice){text, scheme + out->host.size};

    const char *rest = text + out->origin.size;
    out->path = (struct slice){rest, strcspn(rest, "?")};
    rest += out->path.size;
    if (*rest == '?')
        out->query = slice_of(rest + 1);
    const char *port = out->https ? ":443" : ":80";
    if (slice_ends_with(out->host, port))
        out->host.size -= strlen(port);
    return 0;
}
