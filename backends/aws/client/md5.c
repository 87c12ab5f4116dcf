#include "md5.h"

#include <string.h>
#include <strings.h>

#include "base64.h"
#include "hash.h"
#include "hex.h"

bool md5_matches(const void *data, size_t size, const char *expected)
{
    char hex[MD5_HEX_SIZE];
    md5_hex(data, size, hex);
    return strcasecmp(hex, expected) == 0;
}

bool md5_is_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!strchr("0123456789abcdefABCDEF", text.data[i]))
            return false;
    }
    return text.size == MD5_HEX_SIZE - 1;
}

bool md5_is_header(struct slice text, const char *header)
{
    uint8_t digest[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    size_t size = 0;
    if (base64_read(slice_of(header), digest, sizeof digest, &size) || size != sizeof digest ||
        text.size != sizeof hex - 1)
        return false;
    hex_write(digest, sizeof digest, hex);
    return strncasecmp(hex, text.data, text.size) == 0;
}
