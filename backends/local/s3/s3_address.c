#include "s3_address.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "host_bucket.h"
#include "uri.h"

enum { DECODED_MAX = 32 * 1024, HOST_MAX = 255 };

static bool is_address(const char *host)
{
    return host[0] == '[' || strspn(host, "0123456789.") == strlen(host);
}

static bool cut_existing_bucket(char *host, bool (*bucket_exists)(const char *, void *), void *user)
{
    for (char *dot; (dot = strrchr(host, '.'));) {
        *dot = '\0';
        if (bucket_exists(host, user))
            return true;
    }
    return false;
}

/* The bucket in the host name, for free(); NULL: none. */
static int bucket_of_host(struct slice host, bool (*bucket_exists)(const char *, void *),
                          void *user, char **bucket)
{
    *bucket = NULL;
    if (!host.size || host.size > HOST_MAX || memchr(host.data, '\0', host.size))
        return 0;
    struct slice known = host_bucket(host);
    char *name = slice_dup(known.size ? known : host_without_port(host));
    if (!name)
        return ERR_MEMORY;
    if (known.size || (!is_address(name) && cut_existing_bucket(name, bucket_exists, user)))
        *bucket = name;
    else
        free(name);
    return 0;
}

static int decode(struct slice text, char **out)
{
    struct buffer decoded;
    buffer_init(&decoded, DECODED_MAX);
    int code = uri_decode(&decoded, text, false);
    if (code) {
        buffer_free(&decoded);
        return code == ERR_MEMORY ? ERR_MEMORY : ERR_INVALID;
    }
    *out = decoded.size ? buffer_take_text(&decoded) : strdup("");
    return *out ? 0 : ERR_MEMORY;
}

int s3_address_parse(struct slice host, struct slice path,
                     bool (*bucket_exists)(const char *, void *), void *user,
                     struct s3_address *out)
{
    struct slice rest = path;
    if (rest.size && rest.data[0] == '/')
        rest = (struct slice){rest.data + 1, rest.size - 1};
    int code = bucket_of_host(host, bucket_exists, user, &out->bucket);
    out->in_host = out->bucket != NULL;
    if (code || out->bucket)
        return code ? code : decode(rest, &out->key);
    const char *slash = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
    size_t size = slash ? (size_t)(slash - rest.data) : rest.size;
    code = decode((struct slice){rest.data, size}, &out->bucket);
    if (code)
        return code;
    size += slash != NULL;
    if (!*out->bucket && size < rest.size)
        return ERR_INVALID;
    return decode((struct slice){rest.data + size, rest.size - size}, &out->key);
}

bool s3_key_climbs(const char *key)
{
    long depth = 0;
    while (*key && depth >= 0) {
        size_t size = strcspn(key, "/");
        if (size == 2 && memcmp(key, "..", 2) == 0)
            depth--;
        else if (size && !(size == 1 && *key == '.'))
            depth++;
        key += size + (key[size] == '/');
    }
    return depth < 0;
}
