#include "service_port.h"

#include <string.h>

int port_list_split(const char *flag, const char *text, struct text_list *out, struct error *error)
{
    while (text) {
        const char *end = strchrnul(text, ',');
        if (end == text)
            return error_set(error, ERR_INVALID, "%s: there is nothing between two commas", flag);
        if (text_list_take(out, strndup(text, (size_t)(end - text))))
            return error_set(error, ERR_MEMORY, "out of memory");
        text = *end ? end + 1 : NULL;
    }
    return 0;
}

static int place_check(const char *flag, const char *text, size_t prefix_max, const char *key,
                       struct error *error)
{
    const size_t size = strlen(key);
    if ((size && key[size - 1] != '/') || key[0] == '/')
        return error_set(error, ERR_INVALID,
                         "%s: \"%s\" must end with a slash: s3://BUCKET/PREFIX/, or s3://BUCKET/ "
                         "for all of a bucket",
                         flag, text);
    if (size > prefix_max)
        return error_set(error, ERR_INVALID, "%s: the prefix has more than %zu bytes", flag,
                         prefix_max);
    return 0;
}

int port_place_read(const char *flag, const char *text, size_t prefix_max,
                    struct object_address *out, struct error *error)
{
    int code = object_address_read(text, out, error);
    if (code) {
        error_prefix(error, "%s", flag);
        return code;
    }
    code = place_check(flag, text, prefix_max, out->key, error);
    if (code)
        object_address_free(out);
    return code;
}

/* "https://example.com:8443", as browsers send it: without a path. */
static bool is_origin(const char *text)
{
    const char *host = strstr(text, "://");
    return host && host != text && host[3] && !strpbrk(host + 3, "/?# ");
}

int port_origins_read(const struct port_origins *what, struct text_list *out, struct error *error)
{
    const int code = port_list_split(what->flag, what->text, out, error);
    if (code)
        return code;
    if (out->count > what->most)
        return error_set(error, ERR_INVALID, "%s: there are more than %zu origins", what->flag,
                         what->most);
    for (size_t i = 0; i < out->count; i++)
        if (!is_origin(out->items[i]) && !(what->any && strcmp(out->items[i], "*") == 0))
            return error_set(error, ERR_INVALID,
                             "%s: \"%s\" is not an origin; expected for example "
                             "https://example.com, without a path",
                             what->flag, out->items[i]);
    return 0;
}

int port_identity_open(const struct port_identity *what, struct tls_identity **out,
                       struct error *error)
{
    if (!what->certificate && !what->key)
        return 0;
    if (!what->certificate || !what->key)
        return error_set(error, ERR_INVALID, "%s and %s belong together", what->certificate_flag,
                         what->key_flag);
    return tls_identity_open(what->certificate, what->key, out, error);
}
