#include "md5.h"

#include <mbedtls/base64.h>
#include <openssl/md5.h>
#include <string.h>
#include <strings.h>

#include "sigv4.h"

#include "hex.h"

void md5_text(const void *data, size_t size, char out[MD5_TEXT_SIZE])
{
    unsigned char digest[MD5_DIGEST_LENGTH];
    MD5(data, size, digest);
    hex_write(digest, sizeof digest, out);
}

bool md5_matches(const void *data, size_t size, const char *expected)
{
    char hex[MD5_TEXT_SIZE];
    md5_text(data, size, hex);
    return strcasecmp(hex, expected) == 0;
}

bool md5_is_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!strchr("0123456789abcdefABCDEF", text.data[i]))
            return false;
    }
    return text.size == MD5_TEXT_SIZE - 1;
}

bool md5_is_header(struct slice text, const char *header)
{
    unsigned char digest[MD5_DIGEST_LENGTH];
    char hex[MD5_TEXT_SIZE];
    size_t size = 0;
    if (mbedtls_base64_decode(digest, sizeof digest, &size, (const unsigned char *)header,
                              strlen(header)) ||
        size != sizeof digest || text.size != sizeof hex - 1)
        return false;
    hex_write(digest, sizeof digest, hex);
    return strncasecmp(hex, text.data, text.size) == 0;
}
