#include "identity_token.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding (RFC 7515). -1: it is none. */
static ssize_t part_decode(const char *text, size_t size, char *out)
{
    unsigned bits = 0, value = 0;
    ssize_t length = 0;
    if (!size || size % 4 == 1)
        return -1;
    for (size_t i = 0; i < size; i++) {
        const char *digit = strchr(alphabet, text[i]);
        if (!digit || !text[i])
            return -1;
        value = (value << 6 | (unsigned)(digit - alphabet)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[length++] = (char)(value >> bits & 0xff);
        }
    }
    return length;
}

static json_t *part_read(const char *text, size_t size)
{
    char *decoded = malloc(size + 1);
    ssize_t length = decoded ? part_decode(text, size, decoded) : -1;
    json_t *tree = length < 0 ? NULL
                              : json_text_read((struct slice){decoded, (size_t)length},
                                               JSON_REJECT_DUPLICATES, NULL);
    free(decoded);
    return tree;
}

json_t *identity_token_read(const char *token)
{
    const char *dot = strchr(token, '.');
    const char *second = dot ? strchr(dot + 1, '.') : NULL;
    if (!second || !second[1] || strchr(second + 1, '.'))
        return NULL;
    json_t *header = part_read(token, (size_t)(dot - token));
    json_t *claims = header ? part_read(dot + 1, (size_t)(second - dot - 1)) : NULL;
    json_decref(header);
    if (json_is_number(json_object_get(claims, "exp")) && json_text_in(claims, "sub"))
        return claims;
    json_decref(claims);
    return NULL;
}
