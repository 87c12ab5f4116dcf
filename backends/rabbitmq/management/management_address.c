#include "management_address.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "uri.h"

enum { ADDRESS_MAX = 2048, USER_MAX = 255 };

static size_t scheme_size(const char *text)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return strlen(schemes[i]);
    return 0;
}

static int user_read(struct slice text, char **out, struct error *error)
{
    struct buffer user;
    buffer_init(&user, USER_MAX);
    if (memchr(text.data, ':', text.size))
        return error_set(error, ERR_INVALID,
                         "the address contains a password, which would appear in logs; write only "
                         "the user, and name a file with the password in "
                         "--broker-api-password-file");
    int code = uri_decode(&user, text, false);
    *out = code || !user.size ? NULL : buffer_take_text(&user);
    const bool is_wrong = code || !user.size;
    buffer_free(&user);
    if (*out)
        return 0;
    return is_wrong ? error_set(error, ERR_INVALID, "the name of the user is empty or malformed")
                    : error_set(error, ERR_MEMORY, "out of memory");
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 127)
            return false;
    return true;
}

/* The scheme and what follows the user. */
static int base_make(struct slice scheme, const char *rest, char **out, struct error *error)
{
    struct buffer base;
    size_t size = strlen(rest);
    while (size && rest[size - 1] == '/')
        size--;
    if (strcspn(rest, "/") == 0 || strpbrk(rest, "?#@") || !is_plain(rest))
        return error_set(error, ERR_INVALID,
                         "the address must have the form http://USER@HOST:15672 or "
                         "https://USER@HOST:15671");
    buffer_init(&base, ADDRESS_MAX);
    buffer_append(&base, scheme.data, scheme.size);
    buffer_append(&base, rest, size);
    *out = buffer_take_text(&base);
    return *out ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int address_read(const char *text, struct management_address *out, struct error *error)
{
    const size_t scheme = scheme_size(text);
    if (!scheme || strlen(text) > ADDRESS_MAX)
        return error_set(error, ERR_INVALID,
                         "the address begins with http:// or https:// and has at most %d bytes",
                         ADDRESS_MAX);
    const char *rest = text + scheme;
    const char *at = memrchr(rest, '@', strcspn(rest, "/"));
    if (at) {
        const struct slice user = {rest, (size_t)(at - rest)};
        const int code = user_read(user, &out->user, error);
        if (code)
            return code;
        rest = at + 1;
    }
    return base_make((struct slice){text, scheme}, rest, &out->base, error);
}

int management_address_parse(const char *text, struct management_address *out, struct error *error)
{
    *out = (struct management_address){0};
    const int code = address_read(text, out, error);
    if (code)
        management_address_clear(out);
    return code;
}

void management_address_clear(struct management_address *address)
{
    free(address->base);
    free(address->user);
    *address = (struct management_address){0};
}
